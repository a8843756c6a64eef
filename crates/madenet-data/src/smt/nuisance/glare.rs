//! Reflections of the lamp in lacquer and flux.

use madenet_rng::Stream;

use super::view::View;
use crate::smt::colour::Rgb;
use crate::smt::geometry::{Point, Pose, point};
use crate::smt::lots::between;
use crate::smt::noise::value_noise;

/// Light that the surfaces mirror into the lens, added to what the board sends.
#[derive(Clone, Debug)]
pub(super) struct Glare {
    highlights: Vec<Highlight>,
    /// Scattered in the lens over the whole picture, in units of the sensor's full scale.
    haze: f32,
    colour: Rgb,
    key: u32,
}

/// One image of the lamp.
#[derive(Clone, Copy, Debug)]
struct Highlight {
    pose: Pose,
    /// Where the light has fallen to a quarter, along and across.
    reach: Point,
    /// How it curves, per unit: a ring lamp is mirrored as an arc.
    bend: f32,
    /// Light at its middle; the sensor saturates at 1.
    peak: f32,
}

impl Glare {
    pub(super) fn draw_lots(view: View, random: &mut Stream) -> Self {
        let highlights = (0..1 + random.below(3))
            .map(|_| {
                let half = view.half();
                let at = point(between(-0.9, 0.9, random) * half.x, between(-0.9, 0.9, random) * half.y);
                Highlight::draw_lots(at, random)
            })
            .collect();
        let warmth = between(-0.06, 0.06, random);
        Glare {
            highlights,
            haze: between(0.002, 0.015, random),
            colour: Rgb([1.0 + warmth, 1.0, 1.0 - warmth]),
            key: random.below(1 << 30) as u32,
        }
    }

    /// The light at a point of the picture.
    pub(super) fn at(&self, p: Point) -> Rgb {
        // Lacquer is wavy like an orange's skin: the image of the lamp is bent and mottled.
        let wave = |frequency: f32, key: u32| value_noise(p * frequency, self.key ^ key);
        let bent =
            p + point(wave(16.0, 1), wave(16.0, 2)) * 0.007 + point(wave(80.0, 3), wave(80.0, 4)) * 0.003;
        let light: f32 = self.highlights.iter().map(|highlight| highlight.at(bent)).sum();
        self.colour * (light * (1.0 + 0.3 * wave(60.0, 5)) + self.haze)
    }
}

impl Highlight {
    /// A spot, a streak or an arc. Sizes and strengths chosen to look right: a small part of each saturates.
    fn draw_lots(at: Point, random: &mut Stream) -> Self {
        let kind = random.below(3);
        let turn = std::f32::consts::PI * random.uniform();
        let (reach, bend, peak) = match kind {
            0 => {
                let width = between(0.025, 0.06, random);
                (point(width * between(1.0, 1.8, random), width), 0.0, between(0.9, 2.6, random))
            }
            1 => {
                let reach = point(between(0.15, 0.35, random), between(0.025, 0.055, random));
                (reach, between(-0.2, 0.2, random), between(0.4, 1.3, random))
            }
            _ => {
                let reach = point(between(0.07, 0.13, random), between(0.022, 0.040, random));
                (reach, between(1.5, 3.5, random), between(0.5, 1.6, random))
            }
        };
        Highlight { pose: Pose::new(at, turn), reach, bend, peak }
    }

    /// With the long tails of Trowbridge and Reitz (1975), as rough surfaces mirror.
    fn at(&self, p: Point) -> f32 {
        let q = self.pose.local(p);
        let (x, y) = (q.x / self.reach.x, (q.y - self.bend * q.x * q.x) / self.reach.y);
        let tail = 1.0 + x * x + y * y;
        self.peak / (tail * tail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glare_is_local_and_partly_saturates() {
        let view = View::new(64, 64);
        for i in 0..40 {
            let glare = Glare::draw_lots(view, &mut Stream::new(0, "glare", i, 0));
            let light: Vec<f32> = view.points().map(|p| glare.at(p).0[1]).collect();
            let share = |limit: f32| light.iter().filter(|&&v| v > limit).count() as f32 / light.len() as f32;
            assert!(light.iter().all(|v| v.is_finite() && *v >= 0.0));
            assert!(share(0.05) > 0.01 && share(0.5) < 0.15, "{i}: {} {}", share(0.05), share(0.5));
        }
    }
}
