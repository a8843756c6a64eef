//! Points, poses and extents of the plane in which boards are drawn.
//!
//! The unit is the shorter side of the picture, x points right, y down, and the origin is where the component
//! belongs. Angles are in radians, from x towards y.

use std::ops::{Add, Mul, Sub};

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

pub(crate) const fn point(x: f32, y: f32) -> Point {
    Point { x, y }
}

impl Point {
    pub(crate) fn dot(self, other: Point) -> f32 {
        self.x * other.x + self.y * other.y
    }

    pub(crate) fn length(self) -> f32 {
        self.dot(self).sqrt()
    }

    pub(crate) fn rotate(self, angle: f32) -> Point {
        let (sin, cos) = angle.sin_cos();
        point(cos * self.x - sin * self.y, sin * self.x + cos * self.y)
    }
}

impl Add for Point {
    type Output = Point;

    fn add(self, other: Point) -> Point {
        point(self.x + other.x, self.y + other.y)
    }
}

impl Sub for Point {
    type Output = Point;

    fn sub(self, other: Point) -> Point {
        point(self.x - other.x, self.y - other.y)
    }
}

impl Mul<f32> for Point {
    type Output = Point;

    fn mul(self, factor: f32) -> Point {
        point(self.x * factor, self.y * factor)
    }
}

/// Where a frame of its own lies: turned by an angle, then moved.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pose {
    at: Point,
    sin: f32,
    cos: f32,
}

impl Pose {
    pub(crate) const IDENTITY: Pose = Pose { at: point(0.0, 0.0), sin: 0.0, cos: 1.0 };

    pub(crate) fn new(at: Point, angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Pose { at, sin, cos }
    }

    pub(crate) fn at(&self) -> Point {
        self.at
    }

    /// The same angle elsewhere.
    pub(crate) fn moved_to(self, at: Point) -> Self {
        Pose { at, ..self }
    }

    /// This pose of a frame that was first turned by `angle` about `pivot`, one of its points.
    pub(crate) fn turned_about(&self, pivot: Point, angle: f32) -> Self {
        let (sin, cos) = angle.sin_cos();
        Pose {
            at: self.place(pivot - pivot.rotate(angle)),
            sin: self.sin * cos + self.cos * sin,
            cos: self.cos * cos - self.sin * sin,
        }
    }

    /// From the frame's coordinates to the board's.
    pub(crate) fn place(&self, p: Point) -> Point {
        self.turn(p) + self.at
    }

    /// A direction of the frame as one of the board.
    pub(crate) fn turn(&self, p: Point) -> Point {
        point(self.cos * p.x - self.sin * p.y, self.sin * p.x + self.cos * p.y)
    }

    /// From the board's coordinates to the frame's.
    pub(crate) fn local(&self, p: Point) -> Point {
        let p = p - self.at;
        point(self.cos * p.x + self.sin * p.y, self.cos * p.y - self.sin * p.x)
    }
}

/// A rectangle along the axes: what a shape may touch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) centre: Point,
    pub(crate) half: Point,
}

impl Bounds {
    pub(crate) fn new(centre: Point, half: Point) -> Self {
        Bounds { centre, half }
    }

    /// The smallest that holds all of `points`.
    pub(crate) fn around(points: &[Point]) -> Self {
        let fold = |start, pick: fn(f32, f32) -> f32| {
            points.iter().fold(point(start, start), |a, p| point(pick(a.x, p.x), pick(a.y, p.y)))
        };
        let (low, high) = (fold(f32::INFINITY, f32::min), fold(f32::NEG_INFINITY, f32::max));
        Bounds { centre: (low + high) * 0.5, half: (high - low) * 0.5 }
    }

    pub(crate) fn grow(self, by: f32) -> Self {
        Bounds { half: self.half + point(by, by), ..self }
    }

    /// What holds this rectangle of a frame in the coordinates around the frame.
    pub(crate) fn placed(self, pose: &Pose) -> Self {
        let (sin, cos) = (pose.sin.abs(), pose.cos.abs());
        let half = point(cos * self.half.x + sin * self.half.y, sin * self.half.x + cos * self.half.y);
        Bounds { centre: pose.place(self.centre), half }
    }
}

/// A curve from `start` over `bend` to `end`, as lines.
pub(crate) fn curve(start: Point, bend: Point, end: Point) -> Vec<Point> {
    const LINES: usize = 10;
    let at = |i: usize| {
        let t = i as f32 / LINES as f32;
        start * ((1.0 - t) * (1.0 - t)) + bend * (2.0 * t * (1.0 - t)) + end * (t * t)
    };
    (0..=LINES).map(at).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pose_and_back_is_where_one_began() {
        let pose = Pose::new(point(0.3, -0.1), 0.4);
        let there = pose.place(point(0.2, 0.7));
        assert!((pose.local(there) - point(0.2, 0.7)).length() < 1e-6);
        // A quarter turn takes x to y.
        let quarter = Pose::new(point(0.0, 0.0), std::f32::consts::FRAC_PI_2);
        assert!((quarter.place(point(1.0, 0.0)) - point(0.0, 1.0)).length() < 1e-6);
        assert!((point(1.0, 0.0).rotate(std::f32::consts::FRAC_PI_2) - point(0.0, 1.0)).length() < 1e-6);
    }

    #[test]
    fn a_frame_turns_about_its_pivot() {
        let pose = Pose::new(point(0.3, -0.1), 0.4);
        let pivot = point(0.2, 0.7);
        let turned = pose.turned_about(pivot, 0.5);
        assert!((turned.place(pivot) - pose.place(pivot)).length() < 1e-6);
        let arm = point(0.1, 0.0);
        let expected = pose.place(pivot + arm.rotate(0.5));
        assert!((turned.place(pivot + arm) - expected).length() < 1e-6);
    }

    #[test]
    fn bounds_hold_what_they_are_made_of() {
        let bounds = Bounds::around(&[point(0.0, 1.0), point(2.0, -1.0)]);
        assert_eq!((bounds.centre, bounds.half), (point(1.0, 0.0), point(1.0, 1.0)));
        let turned = bounds.placed(&Pose::new(point(0.0, 0.0), std::f32::consts::FRAC_PI_4));
        assert!((turned.half.x - 2f32.sqrt()).abs() < 1e-6);
    }
}
