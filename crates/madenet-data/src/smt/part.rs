//! A placed component and what may have happened to its body.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::light::{Light, Material, slope};
use super::noise::fractal;
use super::parts::Lead;
use super::sdf::{self, rounded_box, smooth_step};
use super::shadow::darken;

/// A kind of component, drawn in its own frame: x along the axis between the terminals.
pub(crate) trait Package {
    /// Half the extent of the body with its terminals but without leads.
    fn half(&self) -> Point;

    /// The middle of the body; most frames have their origin there.
    fn centre(&self) -> Point {
        point(0.0, 0.0)
    }

    /// Signed distance to the outline of that extent, whose corners are rounded by `corner` where they are
    /// square.
    fn silhouette(&self, local: Point, corner: f32) -> f32 {
        rounded_box(local - self.centre(), self.half(), corner)
    }

    /// What shows at a point where the body is broken.
    fn fracture(&self, local: Point) -> Material;

    /// A point of the body's rim, for damage: on the edge at `side`, -1 or 1 along y, from shortly behind the
    /// corner at -x, where `share` is -1, to shortly before that at +x, where it is 1.
    fn rim(&self, share: f32, side: f32) -> Point {
        let at = self.centre() + point(0.9 * self.half().x * share, self.half().y * side);
        // Where corners are cut off, the rim is farther inwards, by no less than this distance.
        (0..12).fold(at, |at, _| at - point(0.0, side * self.silhouette(at, 0.0).max(0.0)))
    }

    /// The component without its solder.
    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light);

    /// The same component lying on another face; `None` where none of the component's defects lays it so.
    fn lay(&self, _face: Face) -> Option<Box<dyn Package>> {
        None
    }

    /// The leads that can be bent: lead `i` belongs to joint `i`.
    fn leads_mut(&mut self) -> &mut [Lead] {
        &mut []
    }
}

/// What a component shows the camera other than its top.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Face {
    /// It was turned over about x.
    Underside,
    /// It lies on its long side.
    Side,
    /// It stands on the terminal at -x, which is then the frame's origin, and has risen by this angle: a
    /// right angle is upright, less leans towards +x.
    End { risen: f32 },
}

pub(crate) struct Part {
    pub(crate) package: Box<dyn Package>,
    pub(crate) pose: Pose,
    pub(crate) damage: Option<Damage>,
    /// Joints, by number, whose solder the terminals do not touch.
    pub(crate) open: Vec<usize>,
    /// How far its top is above the board, for its shadow, in units.
    pub(crate) height: f32,
}

/// The height of a component on its pads; one for all, as its shadow is mostly occlusion.
const HEIGHT: f32 = 0.1;

/// Harm to the body, in the component's frame.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// A piece broken off at `at`, on the rim.
    Chip { at: Point, radius: f32, key: u32 },
    /// A crack along `path`.
    Crack { path: Vec<Point>, radius: f32 },
}

impl Part {
    /// A sound component, soldered at all joints.
    pub(crate) fn new(package: Box<dyn Package>, pose: Pose) -> Self {
        Part { package, pose, damage: None, open: Vec::new(), height: HEIGHT }
    }

    /// Where the component is, for the solder of a joint that it touches.
    pub(crate) fn soldered_at(&self, joint: usize) -> Option<&Pose> {
        if self.open.contains(&joint) { None } else { Some(&self.pose) }
    }

    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        self.cast_shadow(canvas, light);
        self.package.draw(canvas, &self.pose, light);
        match &self.damage {
            Some(Damage::Chip { at, radius, key }) => self.break_off(canvas, light, *at, *radius, *key),
            Some(Damage::Crack { path, radius }) => self.crack(canvas, light, path, *radius),
            None => {}
        }
    }

    fn cast_shadow(&self, canvas: &mut Canvas, light: &Light) {
        let soft = 0.25 * self.height;
        let extent = Bounds::new(self.package.centre(), self.package.half());
        let bounds = extent.placed(&self.pose).grow(5.0 * soft);
        let offset = light.shadow(0.14 * self.height);
        darken(canvas, bounds, 0.55, soft, |p| self.package.silhouette(self.pose.local(p - offset), 0.02));
    }

    fn break_off(&self, canvas: &mut Canvas, light: &Light, at: Point, radius: f32, key: u32) {
        let step = 0.5 / canvas.scale();
        // Brittle bodies break in shells: facets around the place of the blow.
        let reach = |q: Point| (q - at).length() - radius * (1.0 + 0.3 * fractal(q, 1.2 / radius, 3, key));
        let height = |q: Point| 0.5 * reach(q) + 0.12 * radius * fractal(q, 2.5 / radius, 3, key ^ 1);
        canvas.paint(
            Bounds::new(at, point(1.6 * radius, 1.6 * radius)).placed(&self.pose),
            |p| {
                let q = self.pose.local(p);
                reach(q).max(self.package.silhouette(q, 0.0))
            },
            |p, _, below| {
                let q = self.pose.local(p);
                let shell = light.shade(&self.package.fracture(q), self.pose.turn(slope(q, step, height)));
                // Where the piece is gone down to the board, there is only shadow.
                let gone = smooth_step(-0.45 * radius, -0.75 * radius, reach(q));
                let fresh = shell * (1.0 - 0.25 * smooth_step(-0.02, 0.0, reach(q)));
                fresh.mix(below * 0.2 + VOID, gone * 0.85)
            },
        );
    }

    fn crack(&self, canvas: &mut Canvas, light: &Light, path: &[Point], radius: f32) {
        let bounds = Bounds::around(path).grow(3.0 * radius).placed(&self.pose);
        let line = |p: Point, radius: f32| sdf::polyline(self.pose.local(p), path, radius);
        // One flank of the crack is splintered and light, the gap itself dark.
        let aside = light.shadow(-0.9 * radius);
        canvas.paint(
            bounds,
            |p| line(p - aside, radius),
            |p, _, below| {
                let flank = light.shade(&self.package.fracture(self.pose.local(p)), point(0.0, 0.0));
                below.mix(flank, 0.6)
            },
        );
        canvas.paint(bounds, |p| line(p, 0.6 * radius), |_, _, below| below * 0.2 + VOID);
    }
}

const VOID: Rgb = Rgb([0.004, 0.006, 0.004]);
