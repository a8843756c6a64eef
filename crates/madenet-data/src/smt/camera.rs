//! Lens and sensor.

use std::ops::Range;

use madenet_image::Image;
use madenet_rng::Stream;

use super::canvas::Canvas;
use super::colour::{Rgb, encode};
use super::geometry::{Point, Pose, point};
use crate::Result;

/// The station's camera as it took one picture.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Camera {
    /// How the board lay before it.
    pub(crate) pose: Pose,
    /// Standard deviation of the blur, in units.
    blur: f32,
    /// Loss of light at a distance of [`Field`]'s 1 from the centre.
    vignetting: f32,
    /// Change of the light over a distance of 1: the lamp is never quite centred.
    gradient: Point,
}

/// Electrons of a full pixel, and standard deviation of the noise of reading one: a small industrial sensor.
const FULL_WELL: f32 = 9000.0;
const READ_NOISE: f32 = 6.0;

impl Camera {
    /// A station finds its fiducials: boards are seen within 0.5 % of the picture and 0.2 degrees. Chosen to look right, like
    /// the fall of light; focus is 0.6 to 0.9 pixels in a picture of 256.
    pub(crate) fn draw_lots(random: &mut Stream) -> Self {
        let mut spread = |size: f32| size * (2.0 * random.uniform() - 1.0);
        let at = point(spread(0.005), spread(0.005));
        let pose = Pose::new(at, spread(0.2f32.to_radians()));
        Camera {
            pose,
            blur: (0.75 + spread(0.15)) / 256.0,
            vignetting: 0.22 + spread(0.08),
            gradient: point(spread(0.1), spread(0.1)),
        }
    }

    /// What the lens does to the scene.
    pub(crate) fn expose(&self, canvas: &mut Canvas) {
        let whole = Window { columns: 0..canvas.width(), rows: 0..canvas.height() };
        self.expose_window(canvas, &whole);
    }

    /// As [`expose`](Self::expose), sooner, for a scene that is `like` but for some pixels: `exposed` is what the lens made
    /// of that.
    pub(crate) fn expose_like(&self, canvas: &mut Canvas, like: &Canvas, exposed: &Canvas) {
        let Some(changed) = Window::of_change(canvas, like) else {
            canvas.pixels_mut().copy_from_slice(exposed.pixels());
            return;
        };
        let reach = Lens::new(self.blur * canvas.scale()).reach;
        let window = changed.grow(reach, canvas.width(), canvas.height());
        self.expose_window(canvas, &window);
        let width = canvas.width();
        let rows = canvas.pixels_mut().chunks_exact_mut(width).zip(exposed.pixels().chunks_exact(width));
        for (y, (row, exposed)) in rows.enumerate() {
            let kept = if window.rows.contains(&y) { window.columns.clone() } else { 0..0 };
            row[..kept.start].copy_from_slice(&exposed[..kept.start]);
            row[kept.end..].copy_from_slice(&exposed[kept.end..]);
        }
    }

    fn expose_window(&self, canvas: &mut Canvas, window: &Window) {
        Lens::new(self.blur * canvas.scale()).blur(canvas, window);
        let (width, field) = (canvas.width(), Field::of(canvas));
        for y in window.rows.clone() {
            let row = &mut canvas.pixels_mut()[y * width..][window.columns.clone()];
            for (x, pixel) in window.columns.clone().zip(row) {
                let off = field.place(x, y);
                *pixel = *pixel * ((1.0 + self.gradient.dot(off)) / (1.0 + self.vignetting * off.dot(off)));
            }
        }
    }
}

/// The field of view: places relative to its centre, its corners `sqrt(1/2)` away whatever the picture's shape, as the lens
/// is chosen for the whole of it. In a square the sides are then one apart, as everywhere else.
struct Field {
    centre: Point,
    scale: f32,
    shape: f32,
}

impl Field {
    fn of(canvas: &Canvas) -> Self {
        let (width, height) = (canvas.width() as f32, canvas.height() as f32);
        let shape = (2.0 * canvas.scale() * canvas.scale() / (width * width + height * height)).sqrt();
        Field { centre: point(width, height) * 0.5, scale: 1.0 / canvas.scale(), shape }
    }

    fn place(&self, x: usize, y: usize) -> Point {
        (point(x as f32 + 0.5, y as f32 + 0.5) - self.centre) * self.scale * self.shape
    }
}

/// Two pictures of one board without noise differ visibly where a channel differs by more codes than this: about
/// twice the standard deviation of the sensor's noise. A limit of 0 would make masks of soft light and shadow
/// that neither a person nor a camera sees.
const VISIBLE: u8 = 3;

/// Whether two pixels differ by a code at least.
pub(crate) fn differ(a: Rgb, b: Rgb) -> bool {
    a != b && a.0.iter().zip(b.0).any(|(&a, b)| encode(a) != encode(b))
}

/// Whether two pixels differ visibly.
pub(crate) fn visible(a: Rgb, b: Rgb) -> bool {
    // Most pixels of twins are equal.
    a != b && a.0.iter().zip(b.0).any(|(&a, b)| encode(a).abs_diff(encode(b)) > VISIBLE)
}

/// The picture with the sensor's noise: that of the arriving light, which grows with its root, and of reading.
/// `random` must be at the same place for two pictures of the same noise.
pub(crate) fn record(pixels: &[Rgb], random: &mut Stream) -> Vec<u8> {
    let read = READ_NOISE / FULL_WELL;
    let mut noisy = |v: f32| {
        let v = v.clamp(0.0, 1.0);
        encode(v + (v / FULL_WELL + read * read).sqrt() * random.normal())
    };
    let mut codes = Vec::with_capacity(3 * pixels.len());
    codes.extend(pixels.iter().flat_map(|pixel| pixel.0.map(&mut noisy)));
    codes
}

/// Makes a picture of codes for `canvas`.
pub(crate) fn image(canvas: &Canvas, codes: Vec<u8>) -> Result<Image> {
    Ok(Image::new(canvas.width(), canvas.height(), codes)?)
}

/// A rectangle of pixels.
struct Window {
    columns: Range<usize>,
    rows: Range<usize>,
}

impl Window {
    /// The least that holds all pixels in which the pictures differ; none where they are equal.
    fn of_change(a: &Canvas, b: &Canvas) -> Option<Self> {
        let width = a.width();
        let mut window: Option<Window> = None;
        let rows = a.pixels().chunks_exact(width).zip(b.pixels().chunks_exact(width));
        for (y, (a, b)) in rows.enumerate() {
            let differ = |x: &usize| a[*x] != b[*x];
            let Some(first) = (0..width).find(differ) else { continue };
            let end = (first..width).rfind(differ).map_or(width, |last| last + 1);
            let found = window.get_or_insert(Window { columns: first..end, rows: y..y });
            found.columns = found.columns.start.min(first)..found.columns.end.max(end);
            found.rows.end = y + 1;
        }
        window
    }

    /// With `by` more pixels on every side, within the picture.
    fn grow(self, by: usize, width: usize, height: usize) -> Self {
        let more = |range: Range<usize>, n: usize| range.start.saturating_sub(by)..(range.end + by).min(n);
        Window { columns: more(self.columns, width), rows: more(self.rows, height) }
    }
}

/// A Gaussian, cut off where 1 % is left.
struct Lens {
    reach: usize,
    taps: Vec<f32>,
}

impl Lens {
    /// `sigma` is above 0.07 pixels, as a unit has 32 pixels or more.
    fn new(sigma: f32) -> Self {
        let reach = (2.5 * sigma).ceil() as usize;
        let taps: Vec<f32> =
            (0..=2 * reach).map(|i| (-0.5 * ((i as f32 - reach as f32) / sigma).powi(2)).exp()).collect();
        let sum: f32 = taps.iter().sum();
        Lens { reach, taps: taps.iter().map(|tap| tap / sum).collect() }
    }

    /// Blurs a window of the picture; beyond the border the picture goes on as it ends.
    ///
    /// Every row is blurred along itself once, and kept as long as rows around it need it: beside the picture there are
    /// `2 * reach + 1` rows, not a second picture.
    fn blur(&self, canvas: &mut Canvas, window: &Window) {
        let (width, last, reach) = (canvas.width(), canvas.height() - 1, self.reach);
        let mut across = vec![vec![Rgb::grey(0.0); window.columns.len()]; self.taps.len()];
        let mut padded = Vec::new();
        let mut next = window.rows.start.saturating_sub(reach);
        for y in window.rows.clone() {
            // A row takes the place of one that is out of reach by now.
            while next <= (y + reach).min(last) {
                let row = &canvas.pixels()[next * width..][..width];
                self.blur_row(row, window, &mut padded, &mut across[next % self.taps.len()]);
                next += 1;
            }
            let out = &mut canvas.pixels_mut()[y * width..][window.columns.clone()];
            out.fill(Rgb::grey(0.0));
            for (by, &tap) in self.taps.iter().enumerate() {
                let row = (y + by).saturating_sub(reach).min(last);
                add(out, &across[row % self.taps.len()], tap);
            }
        }
    }

    /// One row along itself, as the sum of shifted ones; `padded` is scratch.
    fn blur_row(&self, row: &[Rgb], window: &Window, padded: &mut Vec<Rgb>, out: &mut [Rgb]) {
        let seen = window.columns.start..window.columns.end + 2 * self.reach;
        padded.clear();
        padded.extend(seen.map(|x| row[x.saturating_sub(self.reach).min(row.len() - 1)]));
        out.fill(Rgb::grey(0.0));
        for (by, &tap) in self.taps.iter().enumerate() {
            add(out, &padded[by..], tap);
        }
    }
}

fn add(sum: &mut [Rgb], pixels: &[Rgb], weight: f32) {
    for (sum, &pixel) in sum.iter_mut().zip(pixels) {
        *sum = *sum + pixel * weight;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blur_keeps_flat_fields_and_spreads_points_evenly() {
        let mut flat = Canvas::new(9, 7, Pose::IDENTITY);
        flat.fill(|_| Rgb::grey(0.5));
        let blurred = |mut canvas: Canvas| {
            let whole = Window { columns: 0..canvas.width(), rows: 0..canvas.height() };
            Lens::new(1.0).blur(&mut canvas, &whole);
            canvas.pixels().to_vec()
        };
        assert!(blurred(flat).iter().all(|pixel| (pixel.0[0] - 0.5).abs() < 1e-6));

        let mut dot = Canvas::new(9, 9, Pose::IDENTITY);
        dot.pixels_mut()[4 * 9 + 4] = Rgb::grey(1.0);
        let dot = blurred(dot);
        let at = |x: usize, y: usize| dot[y * 9 + x].0[0];
        // The peak of a Gaussian of variance 1 is 1 / (2 pi); one pixel off it falls by exp(-1/2).
        assert!((at(4, 4) - 0.159_15).abs() < 1e-3);
        assert!((at(5, 4) / at(4, 4) - 0.606_53).abs() < 1e-4);
        assert_eq!((at(3, 4), at(4, 3)), (at(5, 4), at(4, 5)));
    }

    #[test]
    fn exposing_what_changed_is_exposing_all() {
        let camera = Camera::draw_lots(&mut Stream::new(0, "camera", 0, 0));
        let mut like = Canvas::new(70, 40, Pose::IDENTITY);
        like.fill(|p| Rgb([0.5 + p.x, 0.5 - 0.3 * p.y, 0.2]));
        let mut exposed = like.clone();
        camera.expose(&mut exposed);
        // Nothing, a dot, a corner, everything.
        for changed in [0..0, 1427..1428, 0..1, 0..2800] {
            let mut canvas = like.clone();
            canvas.pixels_mut()[changed].fill(Rgb::grey(1.0));
            let mut whole = canvas.clone();
            camera.expose(&mut whole);
            camera.expose_like(&mut canvas, &like, &exposed);
            assert_eq!(canvas.pixels(), whole.pixels());
        }
    }

    #[test]
    fn a_strip_loses_no_more_light_than_a_square() {
        let camera =
            Camera { pose: Pose::IDENTITY, blur: 0.003, vignetting: 0.3, gradient: point(0.1, -0.1) };
        for (width, height) in [(64, 64), (32, 4096), (4096, 32)] {
            let mut canvas = Canvas::new(width, height, Pose::IDENTITY);
            canvas.fill(|_| Rgb::grey(0.5));
            camera.expose(&mut canvas);
            // At least (1 - 0.1) / (1 + 0.3 / 2) of it in the corners, and hardly more than all anywhere.
            let inside = canvas.pixels().iter().all(|pixel| (0.39..0.51).contains(&pixel.0[0]));
            assert!(inside, "{width} x {height}");
        }
    }

    #[test]
    fn noise_is_that_of_the_electrons() {
        let pixels = vec![Rgb::grey(0.25); 20_000];
        let codes = record(&pixels, &mut Stream::new(1, "noise", 0, 0));
        let n = codes.len() as f32;
        let mean = codes.iter().map(|&c| f32::from(c)).sum::<f32>() / n;
        let variance = codes.iter().map(|&c| (f32::from(c) - mean).powi(2)).sum::<f32>() / n;
        // Code 137 at 0.25. Shot noise of 0.25 * 9000 electrons is 0.00527 of the full scale, the slope of sRGB
        // there 252 codes: 1.33, and 0.29 for rounding.
        assert!((mean - 136.96).abs() < 0.1, "{mean}");
        assert!((variance.sqrt() - 1.38).abs() < 0.08, "{}", variance.sqrt());
    }
}
