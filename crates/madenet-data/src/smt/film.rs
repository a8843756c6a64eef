//! What liquids leave behind: films of flux and stains.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::light::{Light, Material, slope};
use super::noise::{fractal, value_noise};
use super::sdf::{rounded_box, smooth_step, smooth_union};

/// Flux that has run out of joints and hardened: clear, amber, glossy.
#[derive(Clone, Debug)]
pub(crate) struct Flux {
    /// The pads that it came from.
    pub(crate) pads: Vec<Bounds>,
    /// How far it has run beyond them.
    pub(crate) run: f32,
    /// Lobes of its outline: centres and radii.
    pub(crate) lobes: Vec<(Point, f32)>,
    /// Centres and radii.
    pub(crate) bubbles: Vec<(Point, f32)>,
    /// Optical depth at the joint.
    pub(crate) depth: f32,
    /// The body, which stands out of it, and its extent in its frame.
    pub(crate) body: Option<(Pose, Bounds)>,
    pub(crate) key: u32,
}

/// A drop that has dried: a thin layer of what was dissolved in it, most of it along the rim.
#[derive(Clone, Debug)]
pub(crate) struct Stain {
    /// Centres and radii of drops that have run together.
    pub(crate) drops: Vec<(Point, f32)>,
    /// Optical depth of its middle and of its rim.
    pub(crate) depth: (f32, f32),
    /// The width of its rim.
    pub(crate) rim: f32,
    /// What it scatters, and absorbs per optical depth.
    pub(crate) scatter: Rgb,
    pub(crate) absorb: Rgb,
    pub(crate) key: u32,
}

/// Rosin absorbs blue most; chosen to look right, like what it scatters.
const ROSIN: Rgb = Rgb([0.18, 0.44, 1.05]);
const AMBER: Rgb = Rgb([0.110, 0.072, 0.020]);
/// Height of the film per optical depth, and the width of its rounded rim.
const HEIGHT: f32 = 0.014;
const RIM: f32 = 0.017;

impl Flux {
    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        let step = 0.5 / canvas.scale();
        let distance = |p: Point| self.distance(p);
        let height = |p: Point| {
            let inside = (-self.distance(p) / RIM).clamp(0.0, 1.0);
            let skin = 0.0045 * fractal(p, 17.0, 2, self.key ^ 3);
            HEIGHT * self.thickness(p) * (inside * (2.0 - inside)) + skin
        };
        canvas.paint(self.bounds(), distance, |p, d, below| {
            let depth = self.depth * self.thickness(p) * (0.55 + 0.45 * smooth_step(0.0, -RIM, d));
            let film = layer(below, depth, ROSIN, AMBER);
            let clear = Material { albedo: Rgb::grey(0.0), ..Material::dull(AMBER, 0.05) };
            let gloss = light.shade(&clear, slope(p, step, height));
            // The very rim is a lens that sends light away.
            let edge = 1.0 - 0.45 * smooth_step(-0.55 * RIM, 0.0, d);
            self.cracked(p, self.bubbled(p, film * edge + gloss))
        });
    }

    fn bounds(&self) -> Bounds {
        let corner = |p: Point, by: f32| [p - point(by, by), p + point(by, by)];
        let mut ends: Vec<Point> = self.lobes.iter().flat_map(|&(at, radius)| corner(at, radius)).collect();
        ends.extend(self.pads.iter().flat_map(|pad| [pad.centre - pad.half, pad.centre + pad.half]));
        Bounds::around(&ends).grow(2.5 * self.run)
    }

    fn distance(&self, p: Point) -> f32 {
        let lobe = |&(at, radius): &(Point, f32)| (p - at).length() - radius;
        let spill = self
            .lobes
            .iter()
            .map(lobe)
            .fold(self.beyond_pads(p) - self.run, |a, b| smooth_union(a, b, 1.2 * self.run));
        let ragged = spill + 0.42 * self.run * fractal(p, 10.0, 3, self.key);
        match &self.body {
            Some((pose, body)) => ragged.max(-rounded_box(pose.local(p) - body.centre, body.half, 0.01)),
            None => ragged,
        }
    }

    fn beyond_pads(&self, p: Point) -> f32 {
        let pad = |pad: &Bounds| rounded_box(p - pad.centre, pad.half, 0.02);
        self.pads.iter().map(pad).fold(f32::INFINITY, |a, b| a.min(b))
    }

    /// 1 at the joint, less where it has run to.
    fn thickness(&self, p: Point) -> f32 {
        let away = self.beyond_pads(p).max(0.0) / self.run;
        (0.55 + 0.45 * (-0.8 * away * away).exp()) * (1.0 + 0.12 * fractal(p, 9.0, 2, self.key ^ 1))
    }

    /// Bubbles lie below the skin: a thin dark ring and a bright spot towards the lamp.
    fn bubbled(&self, p: Point, film: Rgb) -> Rgb {
        self.bubbles.iter().fold(film, |film, &(at, radius)| {
            let share = (p - at).length() / radius;
            let ring = smooth_step(0.55, 0.85, share) * smooth_step(1.2, 0.95, share);
            let spot = smooth_step(0.6, 0.2, share);
            film * (1.0 - 0.5 * ring) + Rgb([0.30, 0.27, 0.20]) * (0.6 * spot)
        })
    }

    /// Fine pale cracks where the film is thick and brittle.
    fn cracked(&self, p: Point, film: Rgb) -> Rgb {
        let bent =
            p + point(value_noise(p * 25.0, self.key ^ 4), value_noise(p * 25.0, self.key ^ 5)) * 0.012;
        let line = smooth_step(0.09, 0.02, value_noise(bent * 19.0, self.key ^ 6).abs());
        let brittle = smooth_step(0.0, 0.4, value_noise(p * 8.0, self.key ^ 7));
        film.mix(Rgb([0.36, 0.31, 0.20]), 0.35 * line * brittle)
    }
}

impl Stain {
    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        // Scattered light follows the lamp's colour and strength.
        let scatter = light.shade(
            &Material { mirror: Rgb::grey(0.0), ..Material::dull(self.scatter, 0.3) },
            point(0.0, 0.0),
        );
        canvas.paint(
            self.bounds(),
            |p| self.distance(p),
            |p, d, below| layer(below, self.optical_depth(p, d), self.absorb, scatter),
        );
    }

    fn bounds(&self) -> Bounds {
        let ends: Vec<Point> = self
            .drops
            .iter()
            .flat_map(|&(at, radius)| [at - point(radius, radius), at + point(radius, radius)])
            .collect();
        Bounds::around(&ends).grow(0.08)
    }

    fn distance(&self, p: Point) -> f32 {
        let drop = |&(at, radius): &(Point, f32)| {
            (p - at).length() - radius * (1.0 + 0.20 * fractal(p, 0.8 / radius, 2, self.key))
        };
        let union = self.drops.iter().map(drop).fold(f32::INFINITY, |a, b| smooth_union(a, b, 0.03));
        union + 0.0025 * fractal(p, 45.0, 2, self.key ^ 1)
    }

    fn optical_depth(&self, p: Point, d: f32) -> f32 {
        let (middle, rim) = self.depth;
        // The ring is narrow outwards, fades inwards, and is not equally strong all around.
        let uneven = 1.0 + 0.3 * fractal(p, 7.0, 2, self.key ^ 2);
        let inwards = (-d / self.rim).max(0.0);
        let ring = smooth_step(0.0, 0.5, inwards) * (-0.9 * (inwards - 0.5).max(0.0)).exp();
        // Where it stood still for a while as it dried.
        let second = (inwards - 4.5) / 0.7;
        let tide = 0.22 * (-second * second).exp();
        let cloud = 1.0 + 0.22 * fractal(p, 18.0, 3, self.key ^ 3);
        middle * cloud * smooth_step(0.0, 0.8, inwards) + rim * uneven * (ring + tide)
    }
}

/// A layer of an optical depth over a colour: it absorbs (Beer's law), and scatters as far as it is not
/// clear.
fn layer(below: Rgb, depth: f32, absorb: Rgb, scatter: Rgb) -> Rgb {
    let depth = depth.max(0.0);
    let passed = Rgb(absorb.0.map(|a| (-a * depth).exp()));
    below * passed + scatter * (1.0 - (-depth).exp())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layer_without_depth_is_not_seen_and_a_deep_one_hides_all() {
        let below = Rgb([0.1, 0.5, 0.9]);
        let scatter = Rgb([0.3, 0.2, 0.1]);
        assert_eq!(layer(below, 0.0, Rgb::grey(1.0), scatter), below);
        for (got, expected) in layer(below, 50.0, Rgb::grey(1.0), scatter).0.iter().zip(scatter.0) {
            assert!((got - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn a_stain_is_darkest_along_its_rim() {
        let stain = Stain {
            drops: vec![(point(0.0, 0.0), 0.1)],
            depth: (0.4, 1.5),
            rim: 0.008,
            scatter: Rgb::grey(0.05),
            absorb: Rgb::grey(1.0),
            key: 1,
        };
        let depth = |d: f32| stain.optical_depth(point(0.1 + d, 0.0), d);
        assert!(depth(-0.004) > 2.0 * depth(-0.06), "{} {}", depth(-0.004), depth(-0.06));
        assert!(depth(0.0).abs() < 1e-6, "{}", depth(0.0));
    }
}
