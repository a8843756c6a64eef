//! Pads and solder.
//!
//! Molten solder wets metal and takes the shape of a meniscus: high at the terminal it has climbed, concave
//! towards the pad, rounded at the rim. Its height is written down and lit; nothing is painted by hand.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::light::{Light, Material, slope};
use super::materials::{GOLD, SOLDER};
use super::noise::{fractal, value_noise};
use super::sdf::{capsule, rounded_box, share_along, smooth_union};

/// One terminal on its pad.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Joint {
    pub(crate) pad: Bounds,
    /// What of the component is soldered, in the component's frame.
    pub(crate) terminal: Bounds,
    /// Solder relative to the nominal amount.
    pub(crate) amount: f32,
    /// How high the nominal amount climbs, and how far from the terminal it reaches.
    pub(crate) climb: f32,
    pub(crate) reach: f32,
    pub(crate) key: u32,
}

/// Solder between two joints.
#[derive(Clone, Debug)]
pub(crate) struct Bridge {
    pub(crate) from: Point,
    pub(crate) to: Point,
    /// Half the width at its ends and at its waist.
    pub(crate) end: f32,
    pub(crate) waist: f32,
    pub(crate) key: u32,
}

/// The laminate that shows in the opening of the lacquer.
const LAMINATE: Material = Material::dull(Rgb([0.045, 0.05, 0.02]), 0.3);
const OPENING: f32 = 0.011;
/// How far the rim of solder strays that does not reach the rim of its pad, relative to its reach.
const RAGGED: f32 = 0.13;
/// The amplitude of the ripples of frozen solder, in height.
pub(crate) const RIPPLE: f32 = 0.0011;

impl Joint {
    /// The pad with its solder, around a component at `part` or without one.
    pub(crate) fn draw(&self, canvas: &mut Canvas, part: Option<&Pose>, light: &Light) {
        match part {
            Some(pose) => {
                self.draw_soldered(canvas, pose, light, |_| 0.0, |_, tilt| light.shade(&SOLDER, tilt));
            }
            None => {
                // The dome will hide all of the pad.
                self.draw_pad(canvas, light, |_| true, |_, tilt| light.shade(&GOLD, tilt));
                self.draw_dome(canvas, light);
            }
        }
    }

    /// The pad with its solder around a component at `pose`: `relief` is added to the height of the solder,
    /// and `skin` is its colour at a point and slope.
    pub(crate) fn draw_soldered(
        &self,
        canvas: &mut Canvas,
        pose: &Pose,
        light: &Light,
        relief: impl Fn(Point) -> f32,
        skin: impl Fn(Point, Point) -> Rgb,
    ) {
        let pixel = 1.0 / canvas.scale();
        let hidden = |p| self.wet(pose, p) < -2.0 * pixel;
        self.draw_pad(canvas, light, hidden, |_, tilt| light.shade(&GOLD, tilt));
        self.draw_fillet(canvas, pose, relief, skin);
    }

    /// The pad in the opening of the lacquer, except where it is `hidden`; `finish` is its colour at a point
    /// and slope.
    pub(crate) fn draw_pad(
        &self,
        canvas: &mut Canvas,
        light: &Light,
        hidden: impl Fn(Point) -> bool,
        finish: impl Fn(Point, Point) -> Rgb,
    ) {
        let laminate = light.shade(&LAMINATE, point(0.0, 0.0));
        let opening = self.pad.grow(OPENING);
        canvas.paint(opening, |p| self.pad(p) - OPENING, |_, _, below| below.mix(laminate, 0.85));
        canvas.paint(
            self.pad,
            |p| self.pad(p),
            |p, d, below| {
                if hidden(p) {
                    return below;
                }
                let edge = (1.0 + d / 0.008).clamp(0.0, 1.0);
                let brushed = point(value_noise(p * 70.0, self.key ^ 1), value_noise(p * 70.0, self.key ^ 2));
                finish(p, brushed * 0.12) * (1.0 - 0.35 * edge)
            },
        );
    }

    fn draw_fillet(
        &self,
        canvas: &mut Canvas,
        pose: &Pose,
        relief: impl Fn(Point) -> f32,
        skin: impl Fn(Point, Point) -> Rgb,
    ) {
        let step = 0.5 / canvas.scale();
        let height = |p: Point| {
            let near = (1.0 - self.apart(pose, p) / (1.15 * self.reach * self.amount)).max(0.0);
            let meniscus = self.climb * self.amount.sqrt() * near * near;
            (meniscus + 0.35 * self.climb) * rim(self.wet(pose, p), 0.034) + self.ripple(p) + relief(p)
        };
        canvas.paint(
            self.pad,
            |p| self.wet(pose, p),
            |p, _, below| {
                // Deep below the terminal nobody sees it.
                if self.terminal_distance(pose, p) < -4.0 * step {
                    return below;
                }
                skin(p, slope(p, step, height))
            },
        );
    }

    /// Paste that met no terminal.
    fn draw_dome(&self, canvas: &mut Canvas, light: &Light) {
        let step = 0.5 / canvas.scale();
        let half = self.pad.half;
        let peak = 0.2 * half.x.min(half.y) * self.amount;
        let height = |p: Point| {
            let off = p - self.pad.centre;
            let (x, y) = (off.x / half.x, off.y / half.y);
            peak * (1.0 - x * x) * (1.0 - y * y) + self.ripple(p)
        };
        canvas.paint(self.pad, |p| self.pad(p), |p, _, _| light.shade(&SOLDER, slope(p, step, height)));
    }

    /// Signed distance to the pad.
    pub(crate) fn pad(&self, p: Point) -> f32 {
        rounded_box(p - self.pad.centre, self.pad.half, 0.018)
    }

    /// Signed distance to the terminal of a component at `pose`.
    pub(crate) fn terminal_distance(&self, pose: &Pose, p: Point) -> f32 {
        rounded_box(pose.local(p) - self.terminal.centre, self.terminal.half, 0.0)
    }

    /// How far a point is from the terminal.
    fn apart(&self, pose: &Pose, p: Point) -> f32 {
        self.terminal_distance(pose, p).max(0.0)
    }

    /// Signed distance to what of the pad is wetted: what the solder reaches from the terminal, all of it
    /// with the nominal amount.
    fn wet(&self, pose: &Pose, p: Point) -> f32 {
        let pad = self.pad(p);
        let front = self.apart(pose, p) - 2.0 * self.reach * self.amount;
        let stray = RAGGED * self.reach;
        // Noise is not worth its time where it cannot change anything.
        let far = front + 2.0 * stray < pad;
        pad.max(if far { front } else { front + stray * fractal(p, 10.0, 2, self.key ^ 5) })
    }

    fn ripple(&self, p: Point) -> f32 {
        RIPPLE * fractal(p, 20.0, 2, self.key ^ 9)
    }
}

impl Bridge {
    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        let step = 0.5 / canvas.scale();
        let distance = |p: Point| {
            let share = share_along(p, self.from, self.to);
            let middle = 4.0 * share * (1.0 - share);
            let radius = self.end + (self.waist - self.end) * middle;
            let ragged = 0.12 * self.end * fractal(p, 30.0, 2, self.key);
            let neck = capsule(p, self.from, self.to, radius) + ragged;
            let blob = (p - self.from - (self.to - self.from) * 0.5).length() - 0.9 * self.waist;
            smooth_union(neck, blob, self.waist)
        };
        let height = |p: Point| {
            0.55 * self.waist * rim(distance(p), 1.2 * self.waist)
                + RIPPLE * fractal(p, 18.0, 3, self.key ^ 9)
        };
        let bounds = Bounds::around(&[self.from, self.to]).grow(1.5 * self.end.max(self.waist));
        canvas.paint(bounds, distance, |p, _, _| light.shade(&SOLDER, slope(p, step, height)));
    }
}

/// The rounding of a rim: 0 at the edge, 1 from `width` inside.
pub(crate) fn rim(distance: f32, width: f32) -> f32 {
    let outside = 1.0 - (-distance / width).clamp(0.0, 1.0);
    1.0 - outside * outside
}
