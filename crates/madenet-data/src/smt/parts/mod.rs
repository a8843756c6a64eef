//! One file per component: its measures, its pads and how it is drawn.

mod aluminum_capacitor;
mod bga;
mod capacitor;
mod chip;
mod code;
mod dpak;
mod flat_terminal;
mod gull_wing;
mod inductor;
mod moulded;
mod qfn;
mod qfp;
mod resistor;
mod sod;
mod soic;
mod sot;
mod tipped;

use madenet_rng::Stream;

use super::geometry::Point;
use super::lots::spread;
use super::part::Package;
use super::solder::Joint;

pub(crate) use aluminum_capacitor::aluminum_capacitor;
pub(crate) use bga::bga;
pub(crate) use capacitor::capacitor;
pub(crate) use dpak::dpak;
pub(crate) use gull_wing::{Bend, Lead};
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
    1.0 + spread(0.15, random)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::lots::Lots;
    use crate::smt::part::Face;
    use crate::smt::{Component, Defect};

    fn assemble(component: Component) -> Assembly {
        component.assemble(&mut Lots::example(3))
    }

    /// Without the face or the leads the defect would change nothing.
    #[test]
    fn every_component_has_what_its_defects_show() {
        for &component in Component::ALL {
            for &defect in component.defects() {
                let mut package = assemble(component).package;
                let drawn = match defect {
                    Defect::UpsideDown => package.lay(Face::Underside).is_some(),
                    Defect::Billboard => package.lay(Face::Side).is_some(),
                    // A chip on its end is placed by its thickness, which its side shows.
                    Defect::Tombstone => {
                        package.lay(Face::End { risen: 1.2 }).is_some() && package.lay(Face::Side).is_some()
                    }
                    Defect::LiftedLead => !package.leads_mut().is_empty(),
                    _ => true,
                };
                assert!(drawn, "{component:?} lacks what {defect:?} shows");
            }
        }
    }

    #[test]
    fn leads_come_first_among_the_joints_and_neighbours_are_joints() {
        for &component in Component::ALL {
            let Assembly { mut package, joints, neighbours, .. } = assemble(component);
            assert!(package.leads_mut().len() <= joints.len(), "{component:?}");
            assert!(neighbours.iter().all(|&(a, b)| a < joints.len() && b < joints.len()), "{component:?}");
        }
    }

    #[test]
    fn terminals_are_on_their_pads() {
        for &component in Component::ALL {
            for joint in assemble(component).joints {
                let off = joint.terminal.centre - joint.pad.centre;
                let (pad, own) = (joint.pad.half, joint.terminal.half);
                assert!(off.x.abs() < pad.x + own.x && off.y.abs() < pad.y + own.y, "{component:?}");
            }
        }
    }
}
