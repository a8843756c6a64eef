//! A low quad flat package with 32 gull-wing leads (LQFP-32): a square body, a dimple at pin 1, a laser mark.

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

/// Half the body: 7 mm by 7 mm (JEDEC MS-026, variation BBA, nominal) at 0.07 units per millimetre, as all
/// measures here.
const HALF: Point = point(0.245, 0.245);
/// Leads on a side, and from one to the next: 0.8 mm.
const SIDE: usize = 8;
const PITCH: f32 = 0.056;
/// The span is 9.0 mm, a lead 0.37 mm wide, its foot 0.6 mm long. Pads are typical: 1.5 mm by 0.55 mm.
const WING: GullWing = GullWing {
    root: HALF.x,
    tip: 0.315,
    half_width: 0.013,
    foot: 0.042,
    drop: 0.055,
    pad: 0.298,
    pad_half: point(0.052, 0.019),
    climb: 0.014,
    reach: 0.055,
};

struct Qfp {
    body: Block,
    leads: Vec<Lead>,
    dimple: Point,
    mark: Ink,
}

pub(crate) fn qfp(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let body = moulded::body(Bounds::new(point(0.0, 0.0), HALF), EPOXY, 0.022, 0.014, random);
    let sides = [point(-1.0, 0.0), point(0.0, 1.0), point(1.0, 0.0), point(0.0, -1.0)];
    let places = || {
        let side = |outward: Point| (0..SIDE).map(move |i| (outward, (i as f32 - 3.5) * PITCH));
        sides.into_iter().flat_map(side)
    };
    let leads = places().map(|(outward, across)| WING.lead(outward, across, random)).collect();
    let joints = places().map(|(outward, across)| WING.joint(outward, across, random)).collect();
    let lines = [code("#####", design), code("#######", design), code("####", design)];
    let offset = point(0.008 * random.normal(), 0.008 * random.normal());
    let strokes: Vec<_> = lines
        .iter()
        .zip([-0.075, 0.005, 0.085])
        .flat_map(|(line, y)| text(line, offset + point(0.0, y), 0.046))
        .collect();
    let mark = moulded::laser(strokes, 0.0042, ASH, random);
    let dimple = point(-HALF.x + 0.055, -HALF.y + 0.055);
    Assembly {
        package: Box::new(Qfp { body, leads, dimple, mark }),
        joints,
        neighbours: (0..4 * SIDE).filter(|i| i % SIDE != SIDE - 1).map(|i| (i, i + 1)).collect(),
        outline: outline(),
        prefix: "U",
    }
}

/// Angles at the corners, and a stroke more at pin 1.
fn outline() -> Vec<Vec<Point>> {
    let (far, near) = (HALF.x + 0.02, HALF.x - 0.02);
    let angle = |x: f32, y: f32| {
        [point(x * near, y * far), point(x * far, y * far), point(x * far, y * near)].to_vec()
    };
    let mut strokes = vec![angle(-1.0, -1.0), angle(1.0, -1.0), angle(1.0, 1.0), angle(-1.0, 1.0)];
    strokes.push(vec![point(-far, -far), point(-far - 0.05, -far)]);
    strokes
}

impl Package for Qfp {
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
            -0.012 * smooth_step(0.026, 0.012, d)
        });
        self.mark.draw(canvas, pose);
    }

    fn leads_mut(&mut self) -> &mut [Lead] {
        &mut self.leads
    }
}
