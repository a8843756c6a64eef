//! Where defects find room: what of the pads is seen, and what is covered.

use super::geometry::{Bounds, Point, point};
use super::scene::Scene;
use super::sdf::rounded_box;

/// A joint as one sees it from above. Lengths run along `out`, from the middle of the component.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) pad: Bounds,
    /// The direction, along an axis, in which the pad reaches farthest from below the body.
    pub(crate) out: Point,
    /// Where the terminal ends, or the body if it hides that.
    pub(crate) front: f32,
    /// Where the terminal begins.
    pub(crate) heel: f32,
    /// Where the pad ends.
    pub(crate) end: f32,
    /// The terminal and the lead between it and the body.
    pub(crate) lead: Bounds,
    /// How far the pad reaches beyond the body; negative if that covers all of it.
    pub(crate) free: f32,
}

/// The four sides.
const SIDES: [Point; 4] = [point(1.0, 0.0), point(-1.0, 0.0), point(0.0, 1.0), point(0.0, -1.0)];
/// A pad is seen that reaches this far beyond the body: 0.4 pixels in the smallest picture.
const SEEN: f32 = 0.012;

impl Scene {
    /// The numbers of the joints that are not wholly below the body.
    pub(crate) fn visible_joints(&self) -> Vec<usize> {
        let seen = |&joint: &usize| self.site(joint).is_some_and(|site| site.free > SEEN);
        (0..self.joints.len()).filter(seen).collect()
    }

    /// Joint `number` as one sees it; None if there is no such joint.
    pub(crate) fn site(&self, number: usize) -> Option<Site> {
        let joint = self.joints.get(number)?;
        let body = self.body_half();
        let (pad, terminal) = (joint.pad, joint.terminal);
        let end = |bounds: Bounds, out: Point| bounds.centre.dot(out) + along(bounds.half, out);
        let free = |out: Point| end(pad, out) - along(body, out);
        let out = SIDES.into_iter().max_by(|&a, &b| free(a).total_cmp(&free(b)))?;
        let heel = end(terminal, out) - 2.0 * along(terminal.half, out);
        // From the terminal's end inwards to the body.
        let inner = heel.min(along(body, out));
        let across = point(1.0 - out.x.abs(), 1.0 - out.y.abs());
        let aside = point(terminal.half.x * across.x, terminal.half.y * across.y);
        let middle = point(terminal.centre.x * across.x, terminal.centre.y * across.y);
        let ends = [out * inner + middle + aside, out * end(terminal, out) + middle - aside];
        Some(Site {
            pad,
            out,
            front: end(terminal, out).max(along(body, out)),
            heel,
            end: end(pad, out),
            lead: Bounds::around(&ends),
            free: free(out),
        })
    }

    /// Signed distance to the body; infinite without one.
    pub(crate) fn body(&self, p: Point) -> f32 {
        self.part.as_ref().map_or(f32::INFINITY, |part| {
            rounded_box(part.pose.local(p), part.package.half(), 0.01)
        })
    }

    /// Half the extent of the body, 0 without one.
    pub(crate) fn body_half(&self) -> Point {
        self.part.as_ref().map_or(point(0.0, 0.0), |part| part.package.half())
    }
}

impl Site {
    /// A rectangle over the whole width of the pad, and more by `margin`, between two lengths.
    pub(crate) fn across(&self, from: f32, to: f32, margin: f32) -> Bounds {
        let aside = point(1.0 - self.out.x.abs(), 1.0 - self.out.y.abs());
        let keep = |v: Point| point(v.x * aside.x, v.y * aside.y);
        let half = keep(self.pad.half + point(margin, margin));
        let middle = keep(self.pad.centre);
        Bounds::around(&[self.out * from + middle - half, self.out * to + middle + half])
    }
}

/// The part of a half extent along an axis.
fn along(half: Point, axis: Point) -> f32 {
    half.x * axis.x.abs() + half.y * axis.y.abs()
}
