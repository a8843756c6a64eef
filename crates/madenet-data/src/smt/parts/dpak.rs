//! A power transistor (TO-252, "DPAK"): its metal tab is soldered to a large pad on the left, two gull-wing
//! leads on the right; the stump of a third is between them.

use super::code::code;
use super::gull_wing::{GullWing, Lead};
use super::{Assembly, amount, moulded};
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::Lots;
use crate::smt::lots::key;
use crate::smt::marks::{Ink, text};
use crate::smt::materials::{ASH, BROKEN_EPOXY, EPOXY, PRESSED_TIN};
use crate::smt::part::Package;
use crate::smt::sdf::{rounded_box, smooth_step};
use crate::smt::shadow::shadow;
use crate::smt::skin::Skin;
use crate::smt::solder::Joint;

/// Half the body: 6.1 mm by 6.6 mm (JEDEC TO-252 AA, nominal) at 0.062 units per millimetre, as all measures
/// here.
const HALF: Point = point(0.189, 0.205);
/// The body is nearer to the end of the tab (1.05 mm) than to that of the leads (2.85 mm): its middle.
const CENTRE: Point = point(-0.056, 0.0);
/// Half the width of the tab, 5.35 mm, and where it ends.
const TAB: f32 = 0.166;
const TAB_END: f32 = CENTRE.x - HALF.x - 0.065;
/// From the middle to each lead, 2.286 mm.
const ASIDE: f32 = 0.142;
/// The whole is 10.0 mm long, a lead 0.78 mm wide, its foot 1.5 mm long. Pads are typical: 2.2 mm by 1.3 mm,
/// and 6.0 mm by 6.3 mm for the tab.
const WING: GullWing = GullWing {
    root: CENTRE.x + HALF.x,
    tip: 0.310,
    half_width: 0.024,
    foot: 0.090,
    drop: 0.11,
    pad: 0.282,
    pad_half: point(0.070, 0.041),
    climb: 0.024,
    reach: 0.080,
};

struct Dpak {
    body: Block,
    tab: Block,
    stump: Block,
    leads: Vec<Lead>,
    mark: Ink,
}

pub(crate) fn dpak(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    let body = moulded::body(Bounds::new(CENTRE, HALF), EPOXY, 0.036, 0.030, random);
    let mut metal = |low: f32, high: f32, half_width: f32, bevel: f32| Block {
        extent: Bounds::new(point(0.5 * (low + high), 0.0), point(0.5 * (high - low), half_width)),
        corner: bevel,
        bevel,
        rise: 0.7 * bevel,
        skin: Skin { material: PRESSED_TIN, frequency: 60.0, tint: 0.04, relief: 0.09, key: key(random) },
    };
    let tab = metal(TAB_END, CENTRE.x, TAB, 0.014);
    let stump = metal(CENTRE.x, WING.root + 0.046, 0.026, 0.009);
    let places = [-ASIDE, ASIDE];
    let outward = point(1.0, 0.0);
    let leads = places.iter().map(|&y| WING.lead(outward, y, random)).collect();
    let mut joints: Vec<Joint> = places.iter().map(|&y| WING.joint(outward, y, random)).collect();
    joints.push(Joint {
        pad: Bounds::new(point(TAB_END + 0.150, 0.0), point(0.186, 0.195)),
        terminal: tab.extent,
        amount: amount(random),
        climb: 0.020,
        reach: 0.060,
        key: key(random),
    });
    let lines = [code("#####", design), code("####", design), code("###", design)];
    let offset = CENTRE + point(0.008 * random.normal(), 0.008 * random.normal());
    let strokes: Vec<_> = lines
        .iter()
        .zip([-0.085, 0.0, 0.085])
        .flat_map(|(line, y)| text(line, offset + point(0.0, y), 0.052))
        .collect();
    let mark = moulded::laser(strokes, 0.0046, ASH, random);
    Assembly {
        package: Box::new(Dpak { body, tab, stump, leads, mark }),
        joints,
        neighbours: Vec::new(),
        outline: outline(),
        prefix: "Q",
    }
}

/// Above and below the body, short of the pads.
fn outline() -> Vec<Vec<Point>> {
    let y = HALF.y + 0.035;
    let (left, right) = (TAB_END - 0.06, WING.root + 0.03);
    let side = |s: f32| vec![point(left, s * y), point(right, s * y), point(right, s * (y - 0.03))];
    vec![side(-1.0), side(1.0)]
}

impl Package for Dpak {
    fn half(&self) -> Point {
        HALF
    }

    fn centre(&self) -> Point {
        CENTRE
    }

    fn fracture(&self, _: Point) -> Material {
        BROKEN_EPOXY
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        self.tab.draw(canvas, pose, light);
        self.shade_tab(canvas, pose);
        self.stump.draw_relief(canvas, pose, light, |q| -0.35 * (q.x - WING.root - 0.012).max(0.0));
        for lead in &self.leads {
            lead.draw(canvas, pose, light);
        }
        // A round ejector mark in the middle of the lower half.
        self.body.draw_relief(canvas, pose, light, |q| {
            let d = (q - CENTRE - point(0.115, 0.12)).length();
            -0.006 * smooth_step(0.034, 0.026, d)
        });
        self.mark.draw(canvas, pose);
    }

    fn leads_mut(&mut self) -> &mut [Lead] {
        &mut self.leads
    }
}

impl Dpak {
    /// The body stands high over the tab and takes its light.
    fn shade_tab(&self, canvas: &mut Canvas, pose: &Pose) {
        let bounds = self.tab.extent.placed(pose);
        canvas.shade(bounds, |p, below| {
            let q = pose.local(p);
            if self.tab.distance(q) > 0.0 {
                return below;
            }
            below * (1.0 - 0.5 * shadow(rounded_box(q - CENTRE, HALF, 0.006), 0.018))
        });
    }
}
