//! The bare board: laminate under green lacquer, copper, vias and silkscreen.

use madenet_rng::Stream;

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::light::{Light, Material, slope};
use super::lots::{Lots, key, spread};
use super::marks::{Ink, text};
use super::materials::LEVELLED_TIN;
use super::noise::value_noise;
use super::sdf::{self, smooth_step};

/// A board within the tolerance of its makers.
#[derive(Clone, Debug)]
pub(crate) struct BareBoard {
    lacquer: Rgb,
    tracks: Vec<Track>,
    vias: Vec<Via>,
    ink: Ink,
    key: u32,
}

/// What the component wants of its board.
pub(crate) struct Layout<'a> {
    /// Where the pads are; each gets a track.
    pub(crate) pads: Vec<Bounds>,
    /// Lines of the silkscreen around the component.
    pub(crate) outline: Vec<Vec<Point>>,
    /// First letter of the designator.
    pub(crate) prefix: &'a str,
}

#[derive(Clone, Debug)]
struct Track {
    points: Vec<Point>,
    radius: f32,
}

#[derive(Clone, Copy, Debug)]
struct Via {
    at: Point,
    radius: f32,
    /// Closed by lacquer, or open and tinned.
    tented: bool,
}

/// The centre line between the component and the border of the picture, where there is room for other things.
const MARGIN: f32 = 0.41;
const POSE: Pose = Pose::IDENTITY;
const INK: Rgb = Rgb([0.62, 0.63, 0.58]);

impl BareBoard {
    pub(crate) fn draw_lots(lots: &mut Lots, layout: Layout<'_>) -> Self {
        let Lots { design, board: random } = lots;
        let key = key(random);
        let mut spread = |size: f32| spread(size, random);
        // Dark green; the thickness of the lacquer varies from board to board.
        let depth = 1.0 + spread(0.12);
        let lacquer = Rgb([0.012 + spread(0.003), 0.088 + spread(0.008), 0.034 + spread(0.009)]) * depth;
        let tracks = routed(&layout.pads, design);
        let side = if design.below(2) == 0 { -1.0 } else { 1.0 };
        let vias = Via::scattered(-side, design);
        let ink = silkscreen(layout, side, lots, key);
        BareBoard { lacquer, tracks, vias, ink, key }
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        canvas.fill(|p| self.ground(p, light, self.lacquer, point(0.0, 0.0)));
        for track in &self.tracks {
            track.draw(canvas, |p, tilt| self.ground(p, light, self.lacquer + OVER_COPPER, tilt));
        }
        for via in &self.vias {
            via.draw(canvas, light, |p, tilt| self.ground(p, light, self.lacquer + OVER_COPPER, tilt));
        }
        self.ink.draw(canvas, &POSE);
    }

    /// Lacquer of a colour and slope: cloudy, with a skin like an orange's.
    fn ground(&self, p: Point, light: &Light, colour: Rgb, tilt: Point) -> Rgb {
        let clouds = 0.08 * value_noise(p * 4.0, self.key);
        let dust = 0.09 * value_noise(p * 90.0, self.key ^ 3);
        let skin = point(dust, clouds) * 0.8 + tilt;
        light.shade(&Material::dull(colour * (1.0 + clouds + dust), 0.12), skin)
    }
}

/// The tracks of all pads and some others, without those that would touch copper of another net.
fn routed(pads: &[Bounds], random: &mut Stream) -> Vec<Track> {
    let from_pads: Vec<Track> = pads.iter().map(|pad| Track::leaving(pad, random)).collect();
    let mut tracks: Vec<Track> = Vec::new();
    for (own, track) in from_pads.into_iter().enumerate() {
        let mut others = pads.iter().enumerate().filter(|&(i, _)| i != own);
        if others.all(|(_, pad)| track.misses(pad)) && tracks.iter().all(|other| track.is_apart(other)) {
            tracks.push(track);
        }
    }
    let mut passing = Track::passing(random);
    passing.retain(|track| {
        pads.iter().all(|pad| track.misses(pad)) && tracks.iter().all(|other| track.is_apart(other))
    });
    tracks.extend(passing);
    tracks
}

/// Copper shines through the lacquer.
const OVER_COPPER: Rgb = Rgb([0.022, 0.062, 0.014]);
/// How far the lacquer smooths the edges of the copper, and how high that stands.
const EDGE: f32 = 0.007;
const COPPER: f32 = 0.004;

/// Height of lacquer over copper at a distance from its edge.
fn swell(distance: f32) -> f32 {
    COPPER * smooth_step(EDGE, -EDGE, distance)
}

/// Where tracks end that run to the border: beyond the longest picture, which is 128 units long.
const END: f32 = 70.0;
/// As far as they are drawn in squares.
const SHOWN: f32 = 2.0;
/// The least distance between the centre lines of tracks.
const CLEARANCE: f32 = 0.018;

/// Whether any line of one path crosses any of another.
fn cross(a: &[Point], b: &[Point]) -> bool {
    let side = |line: &[Point], p: Point| {
        let (along, to) = (line[1] - line[0], p - line[0]);
        along.x * to.y - along.y * to.x
    };
    let parts = |line: &[Point], ends: &[Point]| side(line, ends[0]) * side(line, ends[1]) < 0.0;
    a.windows(2).any(|a| b.windows(2).any(|b| parts(a, b) && parts(b, a)))
}

impl Track {
    /// From a pad away from the component to the border, often with a bend of 45 degrees on the way.
    fn leaving(pad: &Bounds, random: &mut Stream) -> Self {
        let Bounds { centre, half } = *pad;
        let sideways = centre.x.abs() >= centre.y.abs();
        let (out, along, across) = if sideways {
            (point(centre.x.signum(), 0.0), half.x, half.y)
        } else {
            (point(0.0, centre.y.signum()), half.y, half.x)
        };
        let start = centre + out * (along * 0.5);
        let step = 0.06 * random.below(3) as f32;
        let knee = centre + out * (along + 0.01);
        let aside = if sideways { point(0.0, centre.y.signum()) } else { point(centre.x.signum(), 0.0) };
        let bend = knee + (out + aside) * step;
        let end = if sideways { point(out.x * END, bend.y) } else { point(bend.x, out.y * END) };
        Track {
            points: vec![start, knee, bend, end],
            radius: (0.25 + 0.2 * random.uniform()) * across.min(0.05),
        }
    }

    /// Some that belong to other parts of the board: beside the component, and between its pads.
    fn passing(random: &mut Stream) -> Vec<Self> {
        let mut tracks = Vec::new();
        for side in [-1.0, 1.0] {
            let x = 0.6 * random.uniform() - 0.3;
            let radius = 0.008 + 0.008 * random.uniform();
            let y = side * (0.37 + 0.05 * random.uniform());
            let (near, far) = (point(x, y), point(x + 0.06, y + side * 0.06));
            let bent = [point(-END, y), near, far, point(END, far.y)];
            for lane in 0..random.below(3) {
                let aside = point(0.0, side * 0.045 * lane as f32);
                tracks.push(Track { points: bent.iter().map(|&p| p + aside).collect(), radius });
            }
        }
        if random.below(2) == 0 {
            let x = 0.1 * random.uniform() - 0.05;
            tracks.push(Track { points: vec![point(x, -END), point(x, END)], radius: 0.012 });
        }
        tracks
    }

    /// Whether it passes a pad with room to spare.
    fn misses(&self, pad: &Bounds) -> bool {
        let Bounds { centre, half } = pad.grow(self.radius);
        let corner = |x: f32, y: f32| centre + point(x * half.x, y * half.y);
        let rim =
            [corner(-1.0, -1.0), corner(1.0, -1.0), corner(1.0, 1.0), corner(-1.0, 1.0), corner(-1.0, -1.0)];
        !cross(&self.points, &rim)
    }

    /// Whether it neither crosses another track nor runs too close to it.
    fn is_apart(&self, other: &Track) -> bool {
        let far =
            |a: &Track, b: &Track| a.points.iter().all(|&p| sdf::polyline(p, &b.points, 0.0) > CLEARANCE);
        !cross(&self.points, &other.points) && far(self, other) && far(other, self)
    }

    /// What a picture may show of it: shorter lines have smaller bounds when they are turned.
    fn shown(&self, canvas: &Canvas) -> Vec<Point> {
        let longer = canvas.width().max(canvas.height()) as f32 / canvas.scale();
        let far = longer.max(SHOWN);
        self.points.iter().map(|p| point(p.x.clamp(-far, far), p.y.clamp(-far, far))).collect()
    }

    fn draw(&self, canvas: &mut Canvas, ground: impl Fn(Point, Point) -> Rgb) {
        let step = 0.5 / canvas.scale();
        let points = self.shown(canvas);
        let distance = |p: Point| sdf::polyline(p, &points, self.radius);
        canvas.paint(
            Bounds::around(&points).grow(self.radius + EDGE),
            |p| distance(p) - EDGE,
            |p, d, below| {
                let tilt = slope(p, step, |q| swell(distance(q)));
                below.mix(ground(p, tilt), smooth_step(0.0, -2.0 * EDGE, d))
            },
        );
    }
}

impl Via {
    /// Up to three on one side of the component, where no designator is printed.
    fn scattered(side: f32, random: &mut Stream) -> Vec<Self> {
        let tented = random.below(3) > 0;
        let mut via = |x: f32| {
            let at = point(x + 0.2 * random.uniform() - 0.1, side * (MARGIN + 0.06 * random.uniform()));
            Via { at, radius: 0.026 + 0.006 * random.uniform(), tented }
        };
        let mut vias = [via(-0.35), via(0.0), via(0.35)];
        random.shuffle(&mut vias);
        vias[..random.below(4)].to_vec()
    }

    fn draw(&self, canvas: &mut Canvas, light: &Light, ground: impl Fn(Point, Point) -> Rgb) {
        let step = 0.5 / canvas.scale();
        let hole = 0.5 * self.radius;
        let distance = |p: Point| (p - self.at).length();
        // A ring of copper around a pit.
        let height = |p: Point| {
            swell(distance(p) - self.radius) - 0.01 * smooth_step(1.4 * hole, 0.7 * hole, distance(p))
        };
        let bounds = Bounds::new(self.at, point(self.radius, self.radius)).grow(EDGE);
        canvas.paint(
            bounds,
            |p| distance(p) - self.radius - EDGE,
            |p, d, below| {
                let tilt = slope(p, step, height);
                let dark = 1.0 - 0.75 * smooth_step(1.1 * hole, 0.6 * hole, distance(p));
                let ring = if self.tented { ground(p, tilt) } else { light.shade(&LEVELLED_TIN, tilt) };
                below.mix(ring * dark, smooth_step(0.0, -2.0 * EDGE, d))
            },
        );
    }
}

/// The outline of the component and its designator above or below.
fn silkscreen(layout: Layout<'_>, side: f32, lots: &mut Lots, key: u32) -> Ink {
    let Lots { design, board: random } = lots;
    let designator = format!("{}{}", layout.prefix, 10 + design.below(390));
    let at = point(0.3 * design.uniform() - 0.15, side * (MARGIN + 0.01));
    // Screens are stretched cloth: the print is never quite where it should be.
    let offset = point(0.012 * random.normal(), 0.008 * random.normal());
    let mut strokes = layout.outline;
    strokes.extend(text(&designator, at, 0.075));
    for p in strokes.iter_mut().flatten() {
        *p = *p + offset;
    }
    Ink { strokes, radius: 0.0065 + 0.0015 * random.uniform(), colour: INK, opacity: 0.9, key: key ^ 7 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pad(x: f32, y: f32) -> Bounds {
        Bounds::new(point(x, y), point(0.02, 0.02))
    }

    #[test]
    fn tracks_leave_a_pad_on_its_own_side() {
        for at in [point(0.3, 0.1), point(-0.3, -0.1), point(0.1, 0.3), point(-0.1, -0.3)] {
            let track = Track::leaving(&pad(at.x, at.y), &mut Stream::new(1, "track", 0, 0));
            let end = track.points[3];
            let (far, along) = if at.x.abs() > 0.2 { (end.x, at.x) } else { (end.y, at.y) };
            assert_eq!(far, END * along.signum(), "{at:?}");
        }
    }

    #[test]
    fn tracks_reach_the_border_of_the_longest_picture() {
        let track = Track { points: vec![point(0.0, 0.0), point(END, 0.0)], radius: 0.1 };
        for (width, height) in [(64, 64), (256, 32), (4096, 32)] {
            let mut canvas = Canvas::new(width, height, POSE);
            track.draw(&mut canvas, |_, _| Rgb::grey(1.0));
            let row = &canvas.pixels()[height / 2 * width..][..width];
            assert!(row[width / 2..].iter().all(|pixel| *pixel == Rgb::grey(1.0)), "{width}");
        }
    }

    #[test]
    fn an_array_of_pads_is_left_by_its_outer_ring_alone() {
        // . . . . .   The 9 pads within have no way out; no two tracks touch.
        // . # # # .
        // . # # # .
        // . # # # .
        // . . . . .
        let place = |i: usize| i as f32 * 0.07 - 0.14;
        let pads: Vec<Bounds> = (0..25).map(|i| pad(place(i % 5), place(i / 5))).collect();
        for seed in 0..20 {
            let tracks = routed(&pads, &mut Stream::new(seed, "routed", 0, 0));
            let from_pads: Vec<&Track> =
                tracks.iter().filter(|track| track.points[0].x.abs() < 0.2).collect();
            assert!((5..=16).contains(&from_pads.len()), "{}", from_pads.len());
            for (i, track) in from_pads.iter().enumerate() {
                assert!(from_pads[..i].iter().all(|other| track.is_apart(other)));
                assert_eq!(pads.iter().filter(|pad| !track.misses(pad)).count(), 1, "its own");
            }
        }
    }
}
