//! One file per component: its measures, its pads and how it is drawn.

mod chip;
mod chip_capacitor;
mod chip_resistor;
mod soic;

use madenet_rng::Stream;

use super::geometry::Point;
use super::part::Package;
use super::solder::Joint;

pub(crate) use chip_capacitor::chip_capacitor;
pub(crate) use chip_resistor::chip_resistor;
pub(crate) use soic::soic;

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
