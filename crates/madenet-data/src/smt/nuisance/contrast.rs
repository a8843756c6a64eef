//! Exposure and contrast, which differ from station to station.

use madenet_rng::Stream;

use crate::smt::colour::Rgb;

/// How one station's camera is set: `veil + gain * PIVOT * (light / PIVOT)^gamma`, in linear light before the sensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Contrast {
    gain: f32,
    gamma: f32,
    /// Stray light of the surroundings, in units of the sensor's full scale.
    veil: f32,
}

/// The light that gamma leaves alone: the usual middle grey.
const PIVOT: f32 = 0.18;

impl Contrast {
    /// One of three kinds of bad stations. The ranges were chosen to look right, and so that solder, lacquer and print can
    /// still be told apart.
    pub(super) fn draw_lots(random: &mut Stream) -> Self {
        let kind = random.below(3);
        let mut between = |low: f32, high: f32| low + (high - low) * random.uniform();
        match kind {
            // Too dark: a short exposure or an old lamp.
            0 => Contrast { gain: between(0.28, 0.60), gamma: between(0.95, 1.20), veil: 0.0 },
            // Too bright and washed out.
            1 => Contrast { gain: between(1.35, 2.1), gamma: between(0.75, 0.95), veil: between(0.01, 0.06) },
            // Low contrast: light of the surroundings on a dirty lens.
            _ => {
                Contrast { gain: between(0.45, 0.80), gamma: between(0.65, 0.85), veil: between(0.03, 0.10) }
            }
        }
    }

    /// What the sensor gets of the light.
    pub(super) fn of(&self, light: Rgb) -> Rgb {
        let one = |v: f32| self.veil + self.gain * PIVOT * (v.max(0.0) / PIVOT).powf(self.gamma);
        Rgb(light.0.map(one))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_neutral_setting_changes_nothing() {
        let light = Rgb([0.05, 0.2, 0.9]);
        let seen = Contrast { gain: 1.0, gamma: 1.0, veil: 0.0 }.of(light);
        assert!(seen.0.iter().zip(light.0).all(|(a, b)| (a - b).abs() < 1e-6));
    }

    #[test]
    fn stations_are_dark_bright_and_flat() {
        let drawn: Vec<Contrast> =
            (0..60).map(|i| Contrast::draw_lots(&mut Stream::new(0, "contrast", i, 0))).collect();
        // Codes of shadow and highlight, from 0.02 and 0.6 in linear light.
        let span = |contrast: &Contrast| {
            [0.02, 0.6].map(|v| f32::from(crate::smt::colour::encode(contrast.of(Rgb::grey(v)).0[0])))
        };
        let neutral = span(&Contrast { gain: 1.0, gamma: 1.0, veil: 0.0 });
        let spans: Vec<[f32; 2]> = drawn.iter().map(span).collect();
        assert!(spans.iter().any(|s| s[1] < 0.8 * neutral[1]));
        assert!(spans.iter().any(|s| s[0] > 1.5 * neutral[0]));
        assert!(spans.iter().any(|s| s[1] - s[0] < 0.7 * (neutral[1] - neutral[0])));
        // Something is left to see.
        assert!(spans.iter().all(|s| s[1] - s[0] > 50.0), "{spans:?}");
    }
}
