//! The lamp of an inspection station, and how surfaces answer it.
//!
//! Line cameras look straight down through a ring lamp, with some light along their own axis ("coaxial").
//! What a smooth surface shows then depends on its slope alone: a level one mirrors the coaxial light, one
//! tilted by half of the ring's angle mirrors the ring, a steeper one the dark around it. That is how solder
//! shows its shape: a good fillet is a dark band at the terminal and a bright one at its foot.

use std::f32::consts::PI;

use madenet_rng::Stream;

use super::colour::Rgb;
use super::geometry::{Point, point};
use super::lots::spread;

/// What a surface does with light.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Material {
    /// The share that is scattered evenly.
    pub(crate) albedo: Rgb,
    /// The share that is mirrored.
    pub(crate) mirror: Rgb,
    /// Spread of the surface's own slopes: 0.05 polished, 0.3 matt.
    pub(crate) roughness: f32,
}

impl Material {
    /// A body that scatters `albedo` under a clear surface: about 4 % are mirrored (refractive index 1.5).
    pub(crate) const fn dull(albedo: Rgb, roughness: f32) -> Self {
        Material { albedo, mirror: Rgb::grey(0.04), roughness }
    }

    /// A metal of the given reflectance.
    pub(crate) const fn metal(mirror: Rgb, roughness: f32) -> Self {
        Material { albedo: Rgb::grey(0.015), mirror, roughness }
    }
}

/// The lamp as one board sees it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Light {
    /// Where the ring is brightest: its lamps age, and it is never quite centred.
    towards: Point,
    /// By how much the ring is brighter there than on average, 0 to 1.
    lean: f32,
    colour: Rgb,
    /// Surfaces show their `mirror` and nothing else.
    probe: bool,
}

/// Slope of a facet that mirrors the ring, tan 21 degrees: a ring at 42 degrees off the axis.
const RING_SLOPE: f32 = 0.38;
/// Spread of slopes that see the ring, and that see the coaxial light.
const RING_WIDTH: f32 = 0.15;
const COAXIAL_WIDTH: f32 = 0.12;
/// Luminances, in units of the sensor's full scale per white surface.
const RING: f32 = 1.35;
const COAXIAL: f32 = 0.75;
/// Where the brightest lamp stands, as an angle from x towards y: at the upper left. And by how much stations
/// differ: 10 degrees either way.
const LAMP: f32 = -0.75 * PI;
const LAMP_ERROR: f32 = PI / 18.0;
/// What steep facets mirror: the board and the dark of the housing.
const SURROUND: Rgb = Rgb([0.06, 0.075, 0.062]);

impl Light {
    /// A lamp within the tolerance of a station: direction +-10 degrees, intensity +-6 %, balance of
    /// colours +-2 %.
    pub(crate) fn draw_lots(random: &mut Stream) -> Self {
        let towards = point(1.0, 0.0).rotate(LAMP + spread(LAMP_ERROR, random));
        let intensity = 1.0 + spread(0.06, random);
        let warmth = spread(0.02, random);
        let colour = Rgb([1.0 + warmth, 1.0, 1.0 - warmth]) * intensity;
        Light { towards, lean: 0.25 + 0.2 * random.uniform(), colour, probe: false }
    }

    /// No lamp of a station: under it every surface shows how much it mirrors, whatever its slope. A drawing
    /// under it is a map of the metal.
    pub(crate) fn probe() -> Self {
        Light { towards: point(1.0, 0.0), lean: 0.0, colour: Rgb::grey(1.0), probe: true }
    }

    /// From the brightest lamp, a step of this length goes where shadows fall.
    pub(crate) fn shadow(&self, length: f32) -> Point {
        self.towards * -length
    }

    /// The light that a surface of a material and slope sends to the camera. The slope is that of its height,
    /// (dh/dx, dh/dy): the surface leans the other way.
    #[inline]
    pub(crate) fn shade(&self, material: &Material, slope: Point) -> Rgb {
        if self.probe {
            return material.mirror;
        }
        let squared = slope.dot(slope);
        let steepness = squared.sqrt();
        let facing = if steepness > 1e-6 { -slope.dot(self.towards) / steepness } else { 0.0 };
        // Scattered: Lambert's cosine for the lamps all around, with more from one side.
        let upright = 1.0 / (1.0 + squared).sqrt();
        let scattered = upright * (1.0 + self.lean * facing * steepness) * 0.85 + 0.15;
        // Mirrored: lobes over the slope with the long tails of Trowbridge and Reitz (1975), widened by
        // roughness at equal strength.
        let lobe = |at: f32, width: f32| {
            let spread = width * width + material.roughness * material.roughness;
            let tail = spread / (spread + 0.5 * (steepness - at) * (steepness - at));
            tail * tail * (width * width / spread).sqrt()
        };
        let ring = RING * (1.0 + 1.6 * self.lean * facing) * lobe(RING_SLOPE, RING_WIDTH);
        let coaxial = COAXIAL * lobe(0.0, COAXIAL_WIDTH);
        let mirrored = Rgb::grey(ring + coaxial) + SURROUND;
        (material.albedo * scattered + material.mirror * mirrored) * self.colour
    }
}

/// The slope of a height field, by differences over twice `step`.
pub(crate) fn slope(p: Point, step: f32, height: impl Fn(Point) -> f32) -> Point {
    let (dx, dy) = (point(step, 0.0), point(0.0, step));
    point(height(p + dx) - height(p - dx), height(p + dy) - height(p - dy)) * (0.5 / step)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOLDER: Material = Material::metal(Rgb::grey(0.8), 0.05);

    fn lamp() -> Light {
        Light { towards: point(1.0, 0.0), lean: 0.3, colour: Rgb::grey(1.0), probe: false }
    }

    /// Red of the solder at a slope.
    fn red(slope: Point) -> f32 {
        lamp().shade(&SOLDER, slope).0[0]
    }

    #[test]
    fn solder_is_bright_on_the_ring_and_dark_where_it_is_steep() {
        let (level, ring, steep) = (red(point(0.0, 0.0)), red(point(0.0, 0.38)), red(point(0.0, 1.5)));
        assert!(ring > level && level > 4.0 * steep, "{ring} {level} {steep}");
    }

    #[test]
    fn facets_that_lean_to_the_light_are_brighter() {
        // A height that falls towards x leans towards x.
        assert!(red(point(-0.4, 0.0)) > 1.5 * red(point(0.4, 0.0)));
    }

    #[test]
    fn under_the_probe_metal_is_bright_at_any_slope() {
        let lacquer = Material::dull(Rgb::grey(0.9), 0.1);
        for slope in [point(0.0, 0.0), point(0.4, -3.0)] {
            assert_eq!(Light::probe().shade(&SOLDER, slope), Rgb::grey(0.8));
            assert_eq!(Light::probe().shade(&lacquer, slope), Rgb::grey(0.04));
        }
    }

    #[test]
    fn the_slope_of_a_plane_is_its_gradient() {
        let got = slope(point(0.3, 0.2), 0.01, |p| 0.5 * p.x - 2.0 * p.y);
        assert!((got - point(0.5, -2.0)).length() < 1e-4);
    }
}
