//! Where defects find room: what of the pads is seen, and what is covered.

use super::geometry::{Bounds, Point, point};
use super::part::Part;
use super::scene::Scene;

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
        let body = self.body_extent();
        let (pad, terminal) = (joint.pad, joint.terminal);
        let end = |bounds: Bounds, out: Point| bounds.centre.dot(out) + along(bounds.half, out);
        let free = |out: Point| end(pad, out) - end(body, out);
        let out = SIDES.into_iter().max_by(|&a, &b| free(a).total_cmp(&free(b)))?;
        let heel = end(terminal, out) - 2.0 * along(terminal.half, out);
        // From the terminal's end inwards to the body.
        let inner = heel.min(end(body, out));
        let across = point(1.0 - out.x.abs(), 1.0 - out.y.abs());
        let aside = point(terminal.half.x * across.x, terminal.half.y * across.y);
        let middle = point(terminal.centre.x * across.x, terminal.centre.y * across.y);
        let ends = [out * inner + middle + aside, out * end(terminal, out) + middle - aside];
        Some(Site {
            pad,
            out,
            front: end(terminal, out).max(end(body, out)),
            heel,
            end: end(pad, out),
            lead: Bounds::around(&ends),
            free: free(out),
        })
    }

    /// Signed distance to the body; infinite without one.
    pub(crate) fn body(&self, p: Point) -> f32 {
        let distance = |part: &Part| part.package.silhouette(part.pose.local(p), 0.01);
        self.part.as_ref().map_or(f32::INFINITY, distance)
    }

    /// The body in the component's frame, a point without one.
    pub(crate) fn body_extent(&self) -> Bounds {
        let extent = |part: &Part| Bounds::new(part.package.centre(), part.package.half());
        self.part.as_ref().map_or(Bounds::new(point(0.0, 0.0), point(0.0, 0.0)), extent)
    }
}

impl Site {
    /// Half the length and half the width of the pad.
    pub(crate) fn pad_half(&self) -> (f32, f32) {
        let half = self.pad.half;
        (along(half, self.out), along(point(half.y, half.x), self.out))
    }

    /// What the body leaves free of the pad, with the terminal on it.
    pub(crate) fn seen(&self) -> Bounds {
        self.across(self.end - self.free.min(2.0 * self.pad_half().0), self.end, 0.0)
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::smt::Component;

    #[test]
    fn a_lead_reaches_from_the_body_to_its_foot() {
        let scene = Scene::example(Component::Soic, 1);
        let site = scene.site(4).unwrap();
        assert_eq!((site.out, scene.visible_joints().len()), (point(1.0, 0.0), 8));
        let lead = (site.lead.centre.x - site.lead.half.x, site.lead.centre.x + site.lead.half.x);
        assert!(
            (lead.0 - scene.body_extent().half.x).abs() < 1e-6 && (lead.1 - site.front).abs() < 1e-6,
            "{lead:?}"
        );
        assert!(site.heel > lead.0 && site.front < site.end);
        assert!((site.seen().centre - site.pad.centre).length() < 1e-6);
        assert_eq!(site.pad_half(), (0.072, 0.036));
        let strip = site.across(site.front, site.end, 0.01);
        assert!((strip.half.y - site.pad.half.y - 0.01).abs() < 1e-6);
        assert!((strip.centre.y - site.pad.centre.y).abs() < 1e-6);
        assert!(scene.site(8).is_none());
    }

    #[test]
    fn pads_below_the_body_are_not_seen() {
        let mut scene = Scene::example(Component::Resistor, 1);
        assert_eq!(scene.visible_joints(), [0, 1]);
        scene.joints[0].pad = Bounds::new(point(-0.1, 0.0), point(0.05, 0.05));
        assert_eq!(scene.visible_joints(), [1]);
    }
}
