//! One file per component: its measures, its pads and how it is drawn.

mod aluminum_capacitor;
mod bga;
mod capacitor;
mod chip;
mod code;
mod dpak;
mod inductor;
mod qfn;
mod qfp;
mod resistor;
mod sod;
mod soic;
mod sot;
mod surface;

use madenet_rng::Stream;

use super::geometry::Point;
use super::part::Package;
use super::solder::Joint;

pub(crate) use aluminum_capacitor::aluminum_capacitor;
pub(crate) use bga::bga;
pub(crate) use capacitor::capacitor;
pub(crate) use dpak::dpak;
pub(crate) use inductor::inductor;
pub(crate) use qfn::qfn;
pub(crate) use qfp::qfp;
pub(crate) use resistor::resistor;
pub(crate) use sod::sod;
pub(crate) use soic::soic;
pub(crate) use sot::sot;

/// A component and the place that a board has for it.
pub(crate) struct Assembly {
    pub(crate) package: Box<dyn Package>,
    pub(crate) joints: Vec<Joint>,
    /// Pairs of joints that are close enough for a bridge.
    pub(crate) neighbours: Vec<(usize, usize)>,
    /// Lines of the silkscreen around it.
    pub(crate) outline: Vec<Vec<Point>>,
    /// First letter of its designator.
    pub(crate) prefix: &'static str,
}

/// Solder relative to the nominal amount, within the printer's tolerance.
fn amount(random: &mut Stream) -> f32 {
    1.0 + 0.15 * (2.0 * random.uniform() - 1.0)
}

/// A key of a field of noise.
fn key(random: &mut Stream) -> u32 {
    random.below(1 << 30) as u32
}
