//! Things between the camera and the board.

use madenet_rng::Stream;

use super::view::View;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Point, Pose, curve, point};
use crate::smt::lots::{between, pick};
use crate::smt::noise::{fractal, value_noise};
use crate::smt::sdf::{polyline, rounded_box, smooth_step};

/// A thing that covers a part of the picture, with soft edges and a shadow around it.
#[derive(Clone, Debug)]
pub(super) struct Occluder {
    outline: Outline,
    /// Where its edge is: the outline's value there.
    size: f32,
    /// Half the width of the edge, as the lens is focused on the board.
    soft: f32,
    /// How far its shadow reaches, and how dark it is.
    shadow: (f32, f32),
    surface: Surface,
    key: u32,
}

/// A field over the picture that grows from the thing's middle outwards, by one per unit across its edge. Which of its levels is the edge
/// follows from the share of the picture that is covered.
#[derive(Clone, Debug)]
enum Outline {
    /// All that lies on the side of this direction: the jaw of a fixture.
    Side(Point),
    /// A long box with rounded corners, from the side inwards: the finger of a gripper.
    Finger(Pose),
    /// A cable.
    Curve(Vec<Point>),
    /// A strip of tape, across the picture.
    Strip(Pose),
    /// A label.
    Label(Pose, Point),
}

#[derive(Clone, Copy, Debug)]
enum Surface {
    /// Dark metal or plastic, with light on its edge.
    Tool(Rgb),
    /// Plastic around a wire, round.
    Cable(Rgb),
    /// Paper, crinkled.
    Paper(Rgb),
    /// Amber film: glossy, and some light comes through.
    Film(Rgb),
}

/// The least and the greatest share of the picture.
const SHARE: (f32, f32) = (0.05, 0.20);
/// Cables of a greater share would be thicker than the component.
const CABLE_SHARE: f32 = 0.10;

const ANODISED: Rgb = Rgb([0.008, 0.008, 0.010]);
const STEEL: Rgb = Rgb([0.055, 0.056, 0.060]);
const CABLES: [Rgb; 5] = [
    Rgb([0.010, 0.010, 0.011]),
    Rgb([0.34, 0.018, 0.014]),
    Rgb([0.018, 0.040, 0.22]),
    Rgb([0.40, 0.27, 0.015]),
    Rgb([0.22, 0.22, 0.21]),
];
const PAPERS: [Rgb; 2] = [Rgb([0.60, 0.60, 0.57]), Rgb([0.50, 0.40, 0.22])];
const FILM: Rgb = Rgb([0.36, 0.13, 0.012]);

impl Occluder {
    pub(super) fn draw_lots(view: View, random: &mut Stream) -> Self {
        let kind = random.below(5);
        let angle = std::f32::consts::TAU * random.uniform();
        let towards = point(1.0, 0.0).rotate(angle);
        let half = view.half();
        let within = |part: f32, random: &mut Stream| {
            point(between(-part, part, random) * half.x, between(-part, part, random) * half.y)
        };
        let share = between(SHARE.0, if kind == 2 { CABLE_SHARE } else { SHARE.1 }, random);
        let tool = pick(&[ANODISED, STEEL], random);
        let (outline, surface) = match kind {
            0 => (Outline::Side(towards), Surface::Tool(tool)),
            1 => {
                // Its tip is near the border; what it covers more grows inwards.
                let tip = within(0.5, random) + towards * (0.9 * half.x.max(half.y));
                (Outline::Finger(Pose::new(tip, angle)), Surface::Tool(tool))
            }
            2 => {
                let (middle, reach) = (within(0.7, random), towards * (2.2 * half.x.max(half.y)));
                let bend = middle + point(-towards.y, towards.x) * between(-0.6, 0.6, random);
                let path = curve(middle - reach, bend, middle + reach);
                (Outline::Curve(path), Surface::Cable(pick(&CABLES, random)))
            }
            3 => {
                let surface = tape(random);
                (Outline::Strip(Pose::new(within(0.8, random), angle)), surface)
            }
            _ => {
                let long = point(between(0.03, 0.16, random), 0.0);
                (Outline::Label(Pose::new(within(0.85, random), angle), long), Surface::Paper(PAPERS[0]))
            }
        };
        Occluder::of(outline, surface, share, view, random)
    }

    /// As large as covers the `share` of the picture.
    fn of(outline: Outline, surface: Surface, share: f32, view: View, random: &mut Stream) -> Self {
        let mut levels: Vec<f32> = view.grid().map(|p| outline.level(p)).collect();
        levels.sort_unstable_by(f32::total_cmp);
        let size = levels[(share * levels.len() as f32) as usize];
        let (soft, shadow) = match surface {
            // High above the board: far out of focus.
            Surface::Tool(_) => {
                (between(0.025, 0.06, random), (between(0.06, 0.14, random), between(0.2, 0.5, random)))
            }
            Surface::Cable(_) => {
                (between(0.014, 0.028, random), (between(0.03, 0.07, random), between(0.2, 0.45, random)))
            }
            // Flat on the components.
            Surface::Paper(_) | Surface::Film(_) => {
                (between(0.005, 0.012, random), (between(0.015, 0.03, random), between(0.2, 0.4, random)))
            }
        };
        Occluder { outline, size, soft, shadow, surface, key: random.below(1 << 30) as u32 }
    }

    /// What is seen at a point of the picture where `light` came from the board.
    pub(super) fn over(&self, p: Point, light: Rgb) -> Rgb {
        let distance = self.outline.level(p) - self.size;
        let (reach, depth) = self.shadow;
        if distance > reach.max(self.soft) {
            return light;
        }
        let shaded = light * (1.0 - depth * smooth_step(reach, 0.0, distance));
        let cover = smooth_step(self.soft, -self.soft, distance);
        if cover > 0.0 { shaded.mix(self.colour(p, distance, shaded), cover) } else { shaded }
    }

    /// The thing itself, `distance` from its edge; `behind` is what it hides.
    fn colour(&self, p: Point, distance: f32, behind: Rgb) -> Rgb {
        let noise = |frequency: f32, key: u32| value_noise(p * frequency, self.key ^ key);
        match self.surface {
            Surface::Tool(colour) => {
                let off = (distance + 2.2 * self.soft) / self.soft;
                colour * (1.0 + 0.15 * noise(3.0, 1) + 0.8 * (-off * off).exp())
            }
            Surface::Cable(colour) => {
                // From the middle of the cable, 0, to its edge, 1.
                let across = ((distance + self.size) / self.size).clamp(0.0, 1.0);
                let round = (1.0 - across * across).sqrt();
                let shine = (-(across / 0.3) * (across / 0.3)).exp();
                colour * (0.25 + 0.75 * round) + Rgb::grey(0.16) * (shine * (1.0 + 0.3 * noise(4.0, 1)))
            }
            Surface::Paper(colour) => {
                let fibres = 0.05 * fractal(p, 40.0, 3, self.key ^ 2);
                colour * (1.0 + 0.10 * noise(5.0, 1) + fibres)
            }
            Surface::Film(colour) => {
                let gloss = 0.10 * noise(9.0, 1).max(0.0);
                behind * Rgb([0.30, 0.16, 0.02]) + colour * (1.0 + 0.12 * noise(4.0, 2)) + Rgb::grey(gloss)
            }
        }
    }
}

fn tape(random: &mut Stream) -> Surface {
    match random.below(3) {
        0 => Surface::Film(FILM),
        _ => Surface::Paper(pick(&PAPERS, random)),
    }
}

impl Outline {
    fn level(&self, p: Point) -> f32 {
        match self {
            Outline::Side(towards) => -p.dot(*towards),
            Outline::Finger(pose) => {
                // Three units long, which is beyond the border of square pictures.
                let half = point(1.5, 0.05);
                rounded_box(pose.local(p) - point(half.x, 0.0), half, 0.03)
            }
            Outline::Curve(path) => polyline(p, path, 0.0),
            Outline::Strip(pose) => pose.local(p).y.abs(),
            Outline::Label(pose, half) => {
                // Corners stay sharp as it grows.
                let q = pose.local(p);
                (q.x.abs() - half.x).max(q.y.abs() - half.y)
            }
        }
    }
}

#[cfg(test)]
impl Occluder {
    /// The share of the picture that is more covered than not.
    pub(super) fn share(&self, view: View) -> f32 {
        let covered = view.points().filter(|&p| self.outline.level(p) < self.size).count();
        covered as f32 / view.points().count() as f32
    }

    pub(super) fn covers(&self, p: Point) -> bool {
        self.outline.level(p) < self.size
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn things_cover_5_to_20_percent() {
        for (width, height) in [(64, 64), (33, 57), (128, 48)] {
            let view = View::new(width, height);
            for i in 0..60 {
                let share = Occluder::draw_lots(view, &mut Stream::new(0, "occluder", i, 0)).share(view);
                assert!((0.04..0.215).contains(&share), "{i} at {width} x {height}: {share}");
            }
        }
    }

    #[test]
    fn far_from_the_thing_the_board_is_as_bright_as_without() {
        let view = View::new(64, 64);
        let light = Rgb([0.1, 0.2, 0.3]);
        for i in 0..30 {
            let occluder = Occluder::draw_lots(view, &mut Stream::new(1, "occluder", i, 0));
            let same = view.points().filter(|&p| occluder.over(p, light) == light).count();
            assert!(same > 64 * 64 / 3, "{i}: {same}");
        }
    }
}
