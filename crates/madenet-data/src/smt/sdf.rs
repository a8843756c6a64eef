//! Signed distances to shapes: negative inside, in the unit of the points.
//!
//! The formulas are the well-known ones for boxes and capsules (see Quilez, "2D distance functions").

use super::geometry::{Point, point};

/// A rectangle about the origin whose corners are arcs of radius `corner`.
pub(crate) fn rounded_box(p: Point, half: Point, corner: f32) -> f32 {
    let q = point(p.x.abs() - half.x + corner, p.y.abs() - half.y + corner);
    point(q.x.max(0.0), q.y.max(0.0)).length() + q.x.max(q.y).min(0.0) - corner
}

/// A rectangle about the origin whose corners are cut off at 45 degrees: `cut` of each of their sides at the
/// two corners towards -x, `far_cut` towards +x. Exact inside and along the sides, too small off the corners.
pub(crate) fn chamfered_box(p: Point, half: Point, cut: f32, far_cut: f32) -> f32 {
    let cut = if p.x < 0.0 { cut } else { far_cut };
    let corner = (p.x.abs() + p.y.abs() - half.x - half.y + cut) * std::f32::consts::FRAC_1_SQRT_2;
    rounded_box(p, half, 0.0).max(corner)
}

/// The points closer than `radius` to the line from `a` to `b`.
pub(crate) fn capsule(p: Point, a: Point, b: Point, radius: f32) -> f32 {
    (p - a - (b - a) * share_along(p, a, b)).length() - radius
}

/// How far along the line from `a` to `b` the point next to `p` lies: 0 at `a`, 1 at `b`.
pub(crate) fn share_along(p: Point, a: Point, b: Point) -> f32 {
    let along = b - a;
    ((p - a).dot(along) / along.dot(along).max(1e-12)).clamp(0.0, 1.0)
}

/// The points closer than `radius` to the lines that join `points`.
pub(crate) fn polyline(p: Point, points: &[Point], radius: f32) -> f32 {
    points.windows(2).map(|ends| capsule(p, ends[0], ends[1], radius)).fold(f32::INFINITY, f32::min)
}

/// The union of two shapes whose seam is rounded over the width `k`, as surface tension does.
pub(crate) fn smooth_union(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

/// 0 below `low`, 1 above `high`, and the cubic `3 t^2 - 2 t^3` between.
pub(crate) fn smooth_step(low: f32, high: f32, x: f32) -> f32 {
    let t = ((x - low) / (high - low)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Height of an edge that is rounded over `width` and rises by `rise`, at a signed distance from it.
pub(crate) fn round_off(distance: f32, width: f32, rise: f32) -> f32 {
    let outside = 1.0 - (-distance / width).clamp(0.0, 1.0);
    rise * (1.0 - outside * outside).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_those_of_geometry() {
        let half = point(2.0, 1.0);
        for (p, expected) in [
            (point(0.0, 0.0), -1.0),
            (point(3.0, 0.0), 1.0),
            (point(2.0, 1.0), 0.5 * (2f32.sqrt() - 1.0)),
            (point(-2.0, 0.0), 0.0),
        ] {
            assert!((rounded_box(p, half, 0.5) - expected).abs() < 1e-6, "{p:?}");
        }
        let (a, b) = (point(0.0, 0.0), point(1.0, 0.0));
        assert!((capsule(point(0.5, 0.5), a, b, 0.1) - 0.4).abs() < 1e-6);
        assert!((capsule(point(2.0, 0.0), a, b, 0.1) - 0.9).abs() < 1e-6);
        assert!((polyline(point(1.0, 0.5), &[a, b, point(1.0, 1.0)], 0.1) + 0.1).abs() < 1e-6);
        assert_eq!([-1.0, 0.25, 3.0].map(|x| share_along(point(x, 0.7), a, b)), [0.0, 0.25, 1.0]);
    }

    #[test]
    fn a_round_edge_is_a_quarter_of_an_ellipse() {
        assert_eq!([0.1, 0.0, -0.5, -0.9].map(|d| round_off(d, 0.5, 2.0)), [0.0, 0.0, 2.0, 2.0]);
        // 3, 4 and 5.
        assert!((round_off(-0.2, 0.5, 2.0) - 1.6).abs() < 1e-6);
    }

    #[test]
    fn a_chamfer_cuts_the_corners_of_its_side() {
        let distance = |x, y| chamfered_box(point(x, y), point(2.0, 1.0), 0.0, 0.5);
        assert_eq!([distance(2.0, 0.0), distance(0.0, -3.0), distance(-2.0, 1.0)], [0.0, 2.0, 0.0]);
        // The middle of the chamfer from (1.5, 1) to (2, 0.5).
        assert!(distance(1.75, 0.75).abs() < 1e-6 && distance(1.9, -0.9) > 0.0);
    }

    #[test]
    fn a_smooth_union_holds_both_shapes() {
        assert_eq!(smooth_union(1.0, 3.0, 0.5), 1.0);
        assert!(smooth_union(0.1, 0.1, 0.2) < 0.1);
        assert_eq!([-1.0, 0.5, 2.0].map(|x| smooth_step(0.0, 1.0, x)), [0.0, 0.5, 1.0]);
    }
}
