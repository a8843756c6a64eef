//! A small outline package with eight gull-wing leads: moulded epoxy, a dimple at pin 1, a laser mark.

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
use crate::smt::part::Package;
use crate::smt::sdf::smooth_step;

/// Half the body: 3.9 mm by 4.9 mm (JEDEC MS-012, nominal) at 0.11 units per millimetre, as all measures
/// here.
const HALF: Point = point(0.215, 0.27);
/// From lead to lead, 1.27 mm.
const PITCH: f32 = 0.14;
/// Half of the span is 3.0 mm, half the width of a lead 0.21 mm.
const WING: GullWing = GullWing {
    root: HALF.x,
    tip: 0.33,
    half_width: 0.023,
    foot: 0.06,
    drop: 0.085,
    pad: 0.31,
    pad_half: point(0.072, 0.036),
    climb: 0.020,
    reach: 0.075,
};

struct Soic {
    body: Block,
    leads: Vec<Lead>,
    dimple: Point,
    mark: Ink,
}

pub(crate) fn soic(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let body = moulded::body(Bounds::new(point(0.0, 0.0), HALF), EPOXY, 0.030, 0.017, random);
    // Pins 1 to 4 on the left from the top, 5 to 8 on the right; the two lists run from the top.
    let places = || {
        let side = |x: f32| (0..4).map(move |i| (point(x, 0.0), (i as f32 - 1.5) * PITCH));
        [-1.0, 1.0].into_iter().flat_map(side)
    };
    let leads = places().map(|(outward, y)| WING.lead(outward, y, random)).collect();
    let joints = places().map(|(outward, y)| WING.joint(outward, y, random)).collect();
    let lines = [code("####", design), code("#####", design)];
    let offset = point(0.01 * random.normal(), 0.01 * random.normal());
    let strokes = [
        text(&lines[0], offset + point(0.02, -0.03), 0.062),
        text(&lines[1], offset + point(0.02, 0.07), 0.062),
    ];
    let mark = moulded::laser(strokes.concat(), 0.0055, ASH, random);
    let dimple = point(-HALF.x + 0.062, -HALF.y + 0.062);
    Assembly {
        package: Box::new(Soic { body, leads, dimple, mark }),
        joints,
        neighbours: [0, 1, 2, 4, 5, 6].map(|i| (i, i + 1)).to_vec(),
        outline: outline(),
        prefix: "U",
    }
}

/// Above and below the body, with a longer stroke at pin 1.
fn outline() -> Vec<Vec<Point>> {
    let y = HALF.y + 0.04;
    vec![vec![point(-WING.tip - 0.04, -y), point(HALF.x, -y)], vec![point(-HALF.x, y), point(HALF.x, y)]]
}

impl Package for Soic {
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
        self.body.draw_relief(canvas, pose, light, |q| {
            let d = (q - self.dimple).length();
            -0.013 * smooth_step(0.036, 0.012, d)
        });
        self.mark.draw(canvas, pose);
    }

    fn leads_mut(&mut self) -> &mut [Lead] {
        &mut self.leads
    }
}
