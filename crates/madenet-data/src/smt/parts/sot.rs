//! A small outline transistor (SOT-23): two gull-wing leads on one side, one on the other, a mark of three
//! characters.

use std::f32::consts::FRAC_PI_2;

use super::code::code;
use super::gull_wing::{GullWing, Lead};
use super::{Assembly, moulded};
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::Lots;
use crate::smt::marks::{Ink, text};
use crate::smt::materials::{ASH, BROKEN_EPOXY, EPOXY};
use crate::smt::part::{Face, Package};
use crate::smt::sdf::smooth_step;

/// Half the body: 1.3 mm by 2.9 mm (JEDEC TO-236 AB, nominal) at 0.205 units per millimetre, as all measures
/// here.
const HALF: Point = point(0.133, 0.297);
/// From the middle to each of the two leads, 0.95 mm.
const ASIDE: f32 = 0.195;
/// The span is 2.4 mm, a lead 0.42 mm wide, its foot 0.45 mm long. Pads are typical: 1.0 mm by 0.9 mm.
const WING: GullWing = GullWing {
    root: HALF.x,
    tip: 0.246,
    half_width: 0.043,
    foot: 0.088,
    drop: 0.09,
    pad: 0.228,
    pad_half: point(0.102, 0.092),
    climb: 0.034,
    reach: 0.10,
};

struct Sot {
    body: Block,
    leads: Vec<Lead>,
    /// On the top.
    mark: Option<Ink>,
}

pub(crate) fn sot(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let body = moulded::body(Bounds::new(point(0.0, 0.0), HALF), EPOXY, 0.040, 0.030, random);
    let (left, right) = (point(-1.0, 0.0), point(1.0, 0.0));
    let places = [(left, -ASIDE), (left, ASIDE), (right, 0.0)];
    let leads = places.iter().map(|&(outward, y)| WING.lead(outward, y, random)).collect();
    let joints = places.iter().map(|&(outward, y)| WING.joint(outward, y, random)).collect();
    let offset = point(0.010 * random.normal(), 0.010 * random.normal());
    let mark = moulded::laser(upwards(&code("***", design), offset, 0.105), 0.0085, ASH, random);
    Assembly {
        package: Box::new(Sot { body, leads, mark: Some(mark) }),
        joints,
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "Q",
    }
}

/// A line of text that is read from the right.
fn upwards(line: &str, centre: Point, height: f32) -> Vec<Vec<Point>> {
    let mut strokes = text(line, point(0.0, 0.0), height);
    for p in strokes.iter_mut().flatten() {
        *p = p.rotate(-FRAC_PI_2) + centre;
    }
    strokes
}

/// Above and below the body, down to the pad that is alone.
fn outline() -> Vec<Vec<Point>> {
    let (x, y) = (HALF.x + 0.03, HALF.y + 0.04);
    let side = |s: f32| vec![point(-x, s * y), point(x, s * y), point(x, s * 0.17)];
    vec![side(-1.0), side(1.0)]
}

impl Package for Sot {
    fn half(&self) -> Point {
        HALF
    }

    fn fracture(&self, _: Point) -> Material {
        BROKEN_EPOXY
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        for lead in &self.leads {
            lead.draw(canvas, pose, light);
        }
        match &self.mark {
            Some(mark) => {
                self.body.draw(canvas, pose, light);
                mark.draw(canvas, pose);
            }
            // Where a pin pushed it out of the mould there is a shallow pit.
            None => self.body.draw_relief(canvas, pose, light, |q| {
                -0.004 * smooth_step(0.062, 0.054, (q - point(0.0, 0.11)).length())
            }),
        }
    }

    /// Its underside, with the feet in the air.
    fn lay(&self, face: Face) -> Option<Box<dyn Package>> {
        let leads = self.leads.iter().map(|lead| lead.upturned()).collect();
        // The lower half of the mould is shallower.
        let body = Block { bevel: 0.022, rise: 0.014, ..self.body };
        (face == Face::Underside).then(|| Box::new(Sot { body, leads, mark: None }) as Box<dyn Package>)
    }

    fn leads_mut(&mut self) -> &mut [Lead] {
        &mut self.leads
    }
}
