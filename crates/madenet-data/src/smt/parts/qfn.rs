//! A quad flat package without leads: sawn epoxy with five terminals on each side, flush with the body, a
//! dimple at pin 1, a laser mark.

use madenet_rng::Stream;

use super::code::code;
use super::{Assembly, amount, moulded};
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::lots::{Lots, key, tolerance};
use crate::smt::marks::{Ink, text};
use crate::smt::materials::{BROKEN_EPOXY, PALE_ASH};
use crate::smt::part::Package;
use crate::smt::sdf::smooth_step;
use crate::smt::skin::Skin;
use crate::smt::solder::Joint;

/// Half the body of a QFN-20: 4 mm by 4 mm, pitch 0.5 mm (a variation of JEDEC MO-220, nominal), at 0.135
/// units per millimetre, as all measures here.
const HALF: f32 = 0.27;
const PER_SIDE: usize = 5;
/// From terminal to terminal, 0.5 mm.
const PITCH: f32 = 0.0675;
/// Half a terminal along and across, 0.4 mm by 0.25 mm.
const TERMINAL: Point = point(0.027, 0.017);
/// Half a pad along and across, 0.85 mm by 0.28 mm, a little more than half of which reaches out below the
/// body: typical.
const PAD: Point = point(0.0575, 0.019);
const PAD_AT: f32 = 0.2765;
/// Half the exposed pad below the middle, 2.1 mm by 2.1 mm: typical.
const CENTRE_PAD: f32 = 0.142;
const SAWN_EPOXY: Material = Material::dull(Rgb([0.022, 0.022, 0.024]), 0.21);

struct Qfn {
    body: Block,
    dimple: Point,
    mark: Ink,
}

pub(crate) fn qfn(lots: &mut Lots) -> Assembly {
    let Lots { design, board: random } = lots;
    // Saws cut to a few hundredths of a millimetre.
    let mut cut = || HALF + tolerance(0.002, random);
    let half = point(cut(), cut());
    let body = moulded::body(Bounds::new(point(0.0, 0.0), half), SAWN_EPOXY, 0.009, 0.009, random);
    let body = Block { corner: 0.003, skin: Skin { frequency: 120.0, relief: 0.022, ..body.skin }, ..body };
    let lines = [code("@@##", design), code("####@", design), code("@##", design)];
    let offset = point(0.008 * random.normal(), 0.008 * random.normal());
    let rows = lines.iter().zip([-0.085, 0.015, 0.115]);
    let strokes: Vec<_> = rows.flat_map(|(line, y)| text(line, offset + point(0.025, y), 0.062)).collect();
    let mark = moulded::laser(strokes, 0.0058, PALE_ASH, random);
    let dimple = point(-HALF + 0.062, -HALF + 0.062);
    // Left, right, top, bottom; each list runs from the left or from the top.
    let sides = [point(-1.0, 0.0), point(1.0, 0.0), point(0.0, -1.0), point(0.0, 1.0)];
    let places = sides.into_iter().flat_map(|out| (0..PER_SIDE).map(move |i| (out, i)));
    let mut joints: Vec<Joint> = places.map(|(out, i)| joint(out, i, random)).collect();
    joints.push(centre_joint(random));
    Assembly {
        package: Box::new(Qfn { body, dimple, mark }),
        joints,
        neighbours: (0..4 * PER_SIDE).filter(|i| i % PER_SIDE + 1 < PER_SIDE).map(|i| (i, i + 1)).collect(),
        outline: outline(),
        prefix: "U",
    }
}

/// Terminal `i` of the side that faces `out`.
fn joint(out: Point, i: usize, random: &mut Stream) -> Joint {
    let across = point(out.y.abs(), out.x.abs());
    let along = across * ((i as f32 - 0.5 * (PER_SIDE - 1) as f32) * PITCH);
    // Measures are given for sides that face x.
    let turned = |half: Point| if out.x == 0.0 { point(half.y, half.x) } else { half };
    Joint {
        pad: Bounds::new(out * PAD_AT + along, turned(PAD)),
        terminal: Bounds::new(out * (HALF - TERMINAL.x) + along, turned(TERMINAL)),
        amount: amount(random),
        climb: 0.022,
        reach: 0.045,
        key: key(random),
    }
}

/// What carries the heat away; the body hides it.
fn centre_joint(random: &mut Stream) -> Joint {
    let pad = Bounds::new(point(0.0, 0.0), point(CENTRE_PAD, CENTRE_PAD));
    Joint { pad, terminal: pad, amount: amount(random), climb: 0.022, reach: 0.045, key: key(random) }
}

/// Brackets around the corners; at pin 1 only a stroke.
fn outline() -> Vec<Vec<Point>> {
    let (far, near) = (HALF + 0.045, HALF - 0.085);
    let bracket = |x: f32, y: f32| {
        let corner = point(x * far, y * far);
        vec![point(x * near, corner.y), corner, point(corner.x, y * near)]
    };
    vec![
        vec![point(-near, -far), point(-far, -far)],
        bracket(1.0, -1.0),
        bracket(-1.0, 1.0),
        bracket(1.0, 1.0),
    ]
}

impl Package for Qfn {
    fn half(&self) -> Point {
        point(HALF, HALF)
    }

    fn fracture(&self, _: Point) -> Material {
        BROKEN_EPOXY
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        self.body.draw_relief(canvas, pose, light, |q| {
            -0.012 * smooth_step(0.030, 0.014, (q - self.dimple).length())
        });
        self.mark.draw(canvas, pose);
    }
}
