//! Gull-wing leads: out of the body level, steeply down, and level again in a foot on the pad.

use madenet_rng::Stream;

use super::amount;
use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::Light;
use crate::smt::lots::key;
use crate::smt::materials::PRESSED_TIN;
use crate::smt::sdf::smooth_step;
use crate::smt::shadow::darken;
use crate::smt::skin::Skin;
use crate::smt::solder::Joint;

/// The measures that the leads of one component share. Lengths along a lead count from the middle of the
/// component.
#[derive(Clone, Copy, Debug)]
pub(super) struct GullWing {
    /// Where the body ends, and where the leads do.
    pub(super) root: f32,
    pub(super) tip: f32,
    /// Half the width of a lead.
    pub(super) half_width: f32,
    /// Length of the soldered foot.
    pub(super) foot: f32,
    /// How far the foot lies below the shoulder.
    pub(super) drop: f32,
    /// The middle of a pad, and half its size along and across the lead.
    pub(super) pad: f32,
    pub(super) pad_half: Point,
    /// See [`Joint`].
    pub(super) climb: f32,
    pub(super) reach: f32,
}

/// One lead, in the frame of its component.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lead {
    block: Block,
    /// The direction from the body to the tip, along an axis.
    outward: Point,
    /// Where along `outward` it bends down, and where it is level again.
    bend: (f32, f32),
    /// How far the foot lies below the shoulder; above it where negative.
    drop: f32,
    /// The slope of the foot; upwards where positive.
    tilt: f32,
    /// The angle by which it is bent sideways.
    askew: f32,
    /// How far the foot is above its pad.
    gap: f32,
}

/// How a lead is bent out of its shape.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bend {
    /// How far the foot has risen: 0 on the pad, 1 as high as the shoulder, beyond which it may go a little.
    pub(crate) lift: f32,
    /// The slope of the foot, which then points up.
    pub(crate) tilt: f32,
    /// Sideways, in radians.
    pub(crate) askew: f32,
}

impl GullWing {
    /// The lead that leaves the body towards `outward`, at `across` from its middle.
    pub(super) fn lead(&self, outward: Point, across: f32, random: &mut Stream) -> Lead {
        // The root is below the body; leads are cut within a hundredth of a millimetre or two.
        let (inner, outer) = (self.root - 0.01, self.tip + 0.002 * random.normal());
        let bevel = 0.4 * self.half_width;
        Lead {
            block: Block {
                extent: extent(outward, across, inner, outer, self.half_width),
                corner: 0.006,
                bevel,
                rise: 0.65 * bevel,
                skin: Skin {
                    material: PRESSED_TIN,
                    frequency: 70.0,
                    tint: 0.03,
                    relief: 0.07,
                    key: key(random),
                },
            },
            outward,
            bend: (self.root + 0.012, self.tip - self.foot + 0.008),
            drop: self.drop,
            tilt: 0.0,
            askew: 0.0,
            gap: 0.0,
        }
    }

    /// The joint of that lead.
    pub(super) fn joint(&self, outward: Point, across: f32, random: &mut Stream) -> Joint {
        let Point { x, y } = self.pad_half;
        Joint {
            pad: extent(outward, across, self.pad - x, self.pad + x, y),
            terminal: extent(outward, across, self.tip - self.foot, self.tip, self.half_width),
            amount: amount(random),
            climb: self.climb,
            reach: self.reach,
            key: key(random),
        }
    }
}

/// A rectangle from `inner` to `outer` along `outward`, an axis, and of half the width `half_width` about
/// `across`.
pub(super) fn extent(outward: Point, across: f32, inner: f32, outer: f32, half_width: f32) -> Bounds {
    let (middle, half) = (0.5 * (inner + outer), 0.5 * (outer - inner));
    if outward.x == 0.0 {
        Bounds::new(point(across, outward.y * middle), point(half_width, half))
    } else {
        Bounds::new(point(outward.x * middle, across), point(half, half_width))
    }
}

/// 0 left of the origin and the identity right of it, joined by a parabola: metal bends around a radius.
fn knee(x: f32) -> f32 {
    const RADIUS: f32 = 0.016;
    let near = (x + RADIUS).clamp(0.0, 2.0 * RADIUS);
    near * near / (4.0 * RADIUS) + (x - RADIUS).max(0.0)
}

impl Lead {
    pub(super) fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let root = self.block.extent.centre - self.outward * self.length() * 0.5;
        let pose = pose.turned_about(root, self.askew);
        let (shoulder, foot) = self.bend;
        let relief = |q: Point| {
            let along = q.dot(self.outward);
            self.tilt * knee(along - foot) - self.drop * smooth_step(shoulder, foot, along)
        };
        if self.gap > 0.0 {
            self.cast_shadow(canvas, &pose, light);
            self.block.draw_relief_finely(canvas, &pose, light, relief);
        } else {
            self.block.draw_relief(canvas, &pose, light, relief);
        }
    }

    /// Bends a sound lead. What points up looks shorter from above.
    pub(crate) fn bend(&mut self, bend: Bend) {
        let Bend { lift, tilt, askew } = bend;
        self.gap = lift * self.drop;
        self.drop -= self.gap;
        self.tilt = tilt;
        self.askew = askew;
        let foot = self.block.extent.centre.dot(self.outward) + 0.5 * self.length() - self.bend.1;
        self.shorten(foot * (1.0 - 1.0 / (1.0 + tilt * tilt).sqrt()));
    }

    /// As it looks when the component lies on its back: the foot is in the air.
    pub(super) fn upturned(mut self) -> Self {
        self.gap = 1.5 * self.drop;
        self.drop = -self.drop;
        self
    }

    fn length(&self) -> f32 {
        let half = self.block.extent.half;
        2.0 * point(half.x * self.outward.x, half.y * self.outward.y).length()
    }

    fn shorten(&mut self, by: f32) {
        let half = self.outward * (0.5 * by);
        let extent = self.block.extent;
        self.block.extent = Bounds::new(
            extent.centre - half,
            point(extent.half.x - half.x.abs(), extent.half.y - half.y.abs()),
        );
    }

    /// Of what is above the board, on everything below.
    fn cast_shadow(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let soft = 0.008 + 0.12 * self.gap;
        let offset = light.shadow(0.45 * self.gap);
        let bounds = self.block.extent.placed(pose).grow(5.0 * soft + 0.5 * self.gap);
        darken(canvas, bounds, 0.6, soft, |p| self.block.distance(pose.local(p - offset)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WING: GullWing = GullWing {
        root: 0.2,
        tip: 0.3,
        half_width: 0.02,
        foot: 0.05,
        drop: 0.08,
        pad: 0.29,
        pad_half: point(0.06, 0.03),
        climb: 0.02,
        reach: 0.07,
    };

    #[test]
    fn a_lead_ends_on_its_pad_on_every_side() {
        let mut random = Stream::new(0, "lead", 0, 0);
        for outward in [point(1.0, 0.0), point(0.0, 1.0), point(-1.0, 0.0), point(0.0, -1.0)] {
            let joint = WING.joint(outward, 0.1, &mut random);
            let lead = WING.lead(outward, 0.1, &mut random);
            assert!((joint.pad.centre.dot(outward) - 0.29).abs() < 1e-6);
            let inside = (joint.terminal.centre - joint.pad.centre).length();
            assert!(inside + 0.025 < 0.06, "{inside}");
            assert!((lead.length() - 0.11).abs() < 0.01);
            let tip = lead.block.extent.centre.dot(outward) + 0.5 * lead.length();
            assert!((tip - 0.3).abs() < 0.01);
        }
    }

    #[test]
    fn a_foot_that_points_up_looks_shorter() {
        let mut random = Stream::new(0, "lead", 0, 0);
        let sound = WING.lead(point(0.0, -1.0), 0.0, &mut random);
        let mut bent = sound;
        bent.bend(Bend { lift: 0.5, tilt: 1.0, askew: 0.0 });
        // A foot of about 0.042 at 45 degrees loses 1 - 0.707 of its length; the root stays.
        assert!((sound.length() - bent.length() - 0.0123).abs() < 0.002);
        let root = |lead: &Lead| lead.block.extent.centre.y + 0.5 * lead.length();
        assert!((root(&sound) - root(&bent)).abs() < 1e-6);
        assert_eq!((bent.gap, bent.drop), (0.04, 0.04));
    }
}
