//! Metal that has oxidised.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, point};
use super::noise::fractal;
use super::sdf::{rounded_box, smooth_step};

/// Brown to blue-grey layers on the metal of some joints; whatever is no metal stays as it is.
#[derive(Clone, Debug)]
pub(crate) struct Tarnish {
    /// The pads and leads, in the board's coordinates.
    pub(crate) places: Vec<Bounds>,
    /// How much of the metal's lustre is gone, 0 to 1.
    pub(crate) strength: f32,
    /// From brown, 0, to blue-grey, 1.
    pub(crate) hue: f32,
    pub(crate) key: u32,
}

/// Colours of oxides on tin: a thin layer is straw to brown, a thick one grey with a touch of blue.
const BROWN: Rgb = Rgb([0.40, 0.24, 0.12]);
const GREY: Rgb = Rgb([0.22, 0.25, 0.31]);
/// Tin mirrors three quarters of the light; what mirrors a third of that is metal.
const METAL: (f32, f32) = (0.08, 0.28);
/// Over which the tarnish fades beyond its places.
const FADE: f32 = 0.02;

impl Tarnish {
    /// Over a picture, with a drawing of the same scene under [`Light::probe`](super::light::Light::probe).
    pub(crate) fn draw(&self, canvas: &mut Canvas, mut metal: Canvas) {
        let everywhere = Bounds::new(point(0.0, 0.0), point(f32::MAX, f32::MAX));
        metal.shade(everywhere, |p, mirror| {
            let cover = smooth_step(METAL.0, METAL.1, mirror.0[1]);
            if cover > 0.0 { self.layer(p) * cover } else { Rgb::grey(0.0) }
        });
        for (pixel, layer) in canvas.pixels_mut().iter_mut().zip(metal.pixels()) {
            let Rgb([share, brown, grey]) = *layer;
            if share > 0.0 {
                let [r, g, b] = pixel.0;
                let lustre = 0.16 + 0.55 * (0.3 * r + 0.5 * g + 0.2 * b).min(1.2);
                let tint = BROWN * (brown / share) + GREY * (grey / share);
                *pixel = pixel.mix(tint * lustre, share);
            }
        }
    }

    /// Its share at a point, and the parts of brown and grey in that.
    fn layer(&self, p: Point) -> Rgb {
        let far = |place: &Bounds| rounded_box(p - place.centre, place.half, 0.0);
        let distance = self.places.iter().map(far).fold(f32::INFINITY, f32::min);
        if distance > FADE {
            return Rgb::grey(0.0);
        }
        let patches = fractal(p, 16.0, 3, self.key);
        let specks = fractal(p, 75.0, 2, self.key ^ 1);
        let cover = smooth_step(-1.3, 0.5, patches + 0.3 * specks + 1.6 * self.strength - 1.0);
        let share = (0.45 + 0.55 * self.strength) * cover * smooth_step(FADE, 0.0, distance);
        let grey = (self.hue + 0.55 * fractal(p, 24.0, 2, self.key ^ 2)).clamp(0.0, 1.0);
        Rgb([share, share * (1.0 - grey), share * grey])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::geometry::Pose;

    #[test]
    fn only_metal_near_the_joint_turns_dull() {
        // Metal in the left half, lacquer in the right; the joint in the upper half.
        let metal_at = |p: Point| Rgb::grey(if p.x < 0.0 { 0.75 } else { 0.04 });
        let (mut canvas, mut metal) = (Canvas::new(8, 8, Pose::IDENTITY), Canvas::new(8, 8, Pose::IDENTITY));
        canvas.fill(|_| Rgb::grey(0.9));
        metal.fill(metal_at);
        let places = vec![Bounds::new(point(0.0, -0.25), point(0.5, 0.2))];
        Tarnish { places, strength: 1.0, hue: 0.0, key: 3 }.draw(&mut canvas, metal);
        let changed = canvas.pixels().chunks_exact(8).map(|row| {
            let marks = row.iter().map(|pixel| if *pixel == Rgb::grey(0.9) { '.' } else { '#' });
            marks.collect::<String>()
        });
        assert_eq!(
            changed.collect::<Vec<_>>().join(" "),
            "####.... ####.... ####.... ####.... ........ ........ ........ ........"
        );
        // Brown: red stays most.
        let Rgb([red, _, blue]) = canvas.pixels()[9];
        assert!(red < 0.5 && blue < red, "{red} {blue}");
    }
}
