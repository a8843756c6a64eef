//! Writing: silkscreen, and what makers print on components.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::noise::fractal;
use super::sdf;

/// Lines of one colour and width, in the frame of what they are printed on.
#[derive(Clone, Debug)]
pub(crate) struct Ink {
    pub(crate) strokes: Vec<Vec<Point>>,
    /// Half the width of a line.
    pub(crate) radius: f32,
    pub(crate) colour: Rgb,
    /// How much of the ground it hides, 0 to 1.
    pub(crate) opacity: f32,
    pub(crate) key: u32,
}

impl Ink {
    pub(crate) fn draw(&self, canvas: &mut Canvas, pose: &Pose) {
        for stroke in &self.strokes {
            let bounds = Bounds::around(stroke).grow(self.radius * 1.5).placed(pose);
            // Printed edges are frayed, and ink lies unevenly.
            let rim = |p: Point| {
                let d = sdf::polyline(pose.local(p), stroke, self.radius);
                if d > self.radius { d } else { d - 0.2 * self.radius * fractal(p, 90.0, 2, self.key) }
            };
            canvas.paint(bounds, rim, |p, _, below| {
                let cover = self.opacity * (0.93 + 0.07 * fractal(p, 40.0, 2, self.key ^ 1));
                below.mix(self.colour, cover)
            });
        }
    }
}

/// The strokes of a line of capitals and digits of the given height about `centre`; characters that this
/// small font lacks are left blank.
pub(crate) fn text(line: &str, centre: Point, height: f32) -> Vec<Vec<Point>> {
    // Letters are 4 cells wide and 6 high, with a gap of 1.6 between.
    let (cell, advance) = (height / 6.0, 5.6);
    let width = line.chars().count() as f32 * advance - 1.6;
    let place = |i: usize, &(x, y): &(u8, u8)| {
        let left = i as f32 * advance - 0.5 * width;
        centre + point(left + f32::from(x), f32::from(y) - 3.0) * cell
    };
    let letters = line.chars().enumerate().filter(|&(_, letter)| !glyph(letter).is_empty());
    letters.map(|(i, letter)| glyph(letter).iter().map(|cell| place(i, cell)).collect()).collect()
}

/// One line without lifting the pen, as plotters write: cells from the left and from the top.
fn glyph(letter: char) -> &'static [(u8, u8)] {
    match letter {
        '0' => &[(0, 1), (1, 0), (3, 0), (4, 1), (4, 5), (3, 6), (1, 6), (0, 5), (0, 1)],
        '1' => &[(1, 1), (2, 0), (2, 6)],
        '2' => &[(0, 1), (1, 0), (3, 0), (4, 1), (4, 2), (0, 6), (4, 6)],
        '3' => &[(0, 0), (4, 0), (2, 2), (3, 2), (4, 3), (4, 5), (3, 6), (1, 6), (0, 5)],
        '4' => &[(3, 6), (3, 0), (0, 4), (4, 4)],
        '5' => &[(4, 0), (0, 0), (0, 2), (3, 2), (4, 3), (4, 5), (3, 6), (0, 6)],
        '6' => &[(4, 0), (2, 0), (0, 3), (0, 5), (1, 6), (3, 6), (4, 5), (4, 4), (3, 3), (0, 3)],
        '7' => &[(0, 0), (4, 0), (1, 6)],
        '8' => &[
            (1, 3),
            (0, 2),
            (0, 1),
            (1, 0),
            (3, 0),
            (4, 1),
            (4, 2),
            (3, 3),
            (1, 3),
            (0, 4),
            (0, 5),
            (1, 6),
            (3, 6),
            (4, 5),
            (4, 4),
            (3, 3),
        ],
        '9' => &[(0, 6), (2, 6), (4, 3), (4, 1), (3, 0), (1, 0), (0, 1), (0, 2), (1, 3), (4, 3)],
        'A' => &[(0, 6), (0, 4), (2, 0), (4, 4), (4, 6), (4, 4), (0, 4)],
        'B' => &[(0, 3), (3, 3), (4, 4), (4, 5), (3, 6), (0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3)],
        'C' => &[(4, 1), (3, 0), (1, 0), (0, 1), (0, 5), (1, 6), (3, 6), (4, 5)],
        'D' => &[(0, 0), (0, 6), (2, 6), (4, 4), (4, 2), (2, 0), (0, 0)],
        'E' => &[(4, 0), (0, 0), (0, 3), (3, 3), (0, 3), (0, 6), (4, 6)],
        'F' => &[(4, 0), (0, 0), (0, 3), (3, 3), (0, 3), (0, 6)],
        'G' => &[(4, 1), (3, 0), (1, 0), (0, 1), (0, 5), (1, 6), (3, 6), (4, 5), (4, 3), (2, 3)],
        'H' => &[(0, 0), (0, 6), (0, 3), (4, 3), (4, 0), (4, 6)],
        'J' => &[(4, 0), (4, 5), (3, 6), (1, 6), (0, 5)],
        'K' => &[(0, 0), (0, 6), (0, 3), (4, 0), (1, 2), (4, 6)],
        'L' => &[(0, 0), (0, 6), (4, 6)],
        'M' => &[(0, 6), (0, 0), (2, 3), (4, 0), (4, 6)],
        'N' => &[(0, 6), (0, 0), (4, 6), (4, 0)],
        'P' => &[(0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3)],
        'Q' => {
            &[(2, 4), (4, 6), (3, 5), (4, 4), (4, 1), (3, 0), (1, 0), (0, 1), (0, 5), (1, 6), (2, 6), (3, 5)]
        }
        'R' => &[(0, 6), (0, 0), (3, 0), (4, 1), (4, 2), (3, 3), (0, 3), (4, 6)],
        'S' => {
            &[(4, 1), (3, 0), (1, 0), (0, 1), (0, 2), (1, 3), (3, 3), (4, 4), (4, 5), (3, 6), (1, 6), (0, 5)]
        }
        'T' => &[(0, 0), (4, 0), (2, 0), (2, 6)],
        'U' => &[(0, 0), (0, 5), (1, 6), (3, 6), (4, 5), (4, 0)],
        'V' => &[(0, 0), (2, 6), (4, 0)],
        'W' => &[(0, 0), (1, 6), (2, 2), (3, 6), (4, 0)],
        'X' => &[(0, 0), (4, 6), (2, 3), (4, 0), (0, 6)],
        'Y' => &[(0, 0), (2, 3), (4, 0), (2, 3), (2, 6)],
        'Z' => &[(0, 0), (4, 0), (0, 6), (4, 6)],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_centred_and_as_high_as_asked() {
        let strokes = text("00", point(0.1, 0.2), 0.6);
        let bounds = Bounds::around(&strokes.concat());
        assert!((bounds.centre - point(0.1, 0.2)).length() < 1e-6);
        assert!((bounds.half - point(0.48, 0.3)).length() < 1e-6);
        assert_eq!(text("R?7", point(0.0, 0.0), 1.0).len(), 2);
    }
}
