//! A placed component and what may have happened to its body.

use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Bounds, Point, Pose, point};
use super::light::{Light, Material, slope};
use super::noise::fractal;
use super::sdf::{self, rounded_box, smooth_step};

/// A kind of component, drawn in its own frame: x along the axis between the terminals.
pub(crate) trait Package {
    /// Half the extent of the body with its terminals but without leads.
    fn half(&self) -> Point;

    /// Signed distance to the outline of that extent, whose corners are rounded by `corner` where they are square.
    fn silhouette(&self, local: Point, corner: f32) -> f32 {
        rounded_box(local, self.half(), corner)
    }

    /// What shows where the body is broken.
    fn fracture(&self) -> Material;

    /// The component without its solder.
    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light);
}

pub(crate) struct Part {
    pub(crate) package: Box<dyn Package>,
    pub(crate) pose: Pose,
    pub(crate) damage: Option<Damage>,
}

/// Harm to the body, in the component's frame.
#[derive(Clone, Debug)]
pub(crate) enum Damage {
    /// A piece broken off at `at`, on the rim.
    Chip { at: Point, radius: f32, key: u32 },
    /// A crack along `path`.
    Crack { path: Vec<Point>, radius: f32 },
}

impl Part {
    pub(crate) fn draw(&self, canvas: &mut Canvas, light: &Light) {
        self.cast_shadow(canvas, light);
        self.package.draw(canvas, &self.pose, light);
        match &self.damage {
            Some(Damage::Chip { at, radius, key }) => self.break_off(canvas, light, *at, *radius, *key),
            Some(Damage::Crack { path, radius }) => self.crack(canvas, light, path, *radius),
            None => {}
        }
    }

    /// The ring lights from all sides, so shadows are soft, short and mostly occlusion.
    fn cast_shadow(&self, canvas: &mut Canvas, light: &Light) {
        let half = self.package.half();
        let bounds = Bounds::new(point(0.0, 0.0), half).placed(&self.pose).grow(0.12);
        let offset = light.shadow(0.014);
        canvas.shade(bounds, |p, below| {
            let d = self.package.silhouette(self.pose.local(p - offset), 0.02).max(0.0);
            below * (1.0 - 0.55 * (-d / 0.025).exp())
        });
    }

    fn break_off(&self, canvas: &mut Canvas, light: &Light, at: Point, radius: f32, key: u32) {
        let step = 0.5 / canvas.scale();
        // Brittle bodies break in shells: facets around the place of the blow.
        let reach = |q: Point| (q - at).length() - radius * (1.0 + 0.3 * fractal(q, 1.2 / radius, 3, key));
        let height = |q: Point| 0.5 * reach(q) + 0.12 * radius * fractal(q, 2.5 / radius, 3, key ^ 1);
        let material = self.package.fracture();
        canvas.paint(
            Bounds::new(at, point(1.6 * radius, 1.6 * radius)).placed(&self.pose),
            |p| {
                let q = self.pose.local(p);
                reach(q).max(self.package.silhouette(q, 0.0))
            },
            |p, _, below| {
                let q = self.pose.local(p);
                let shell = light.shade(&material, self.pose.turn(slope(q, step, height)));
                // Where the piece is gone down to the board, there is only shadow.
                let gone = smooth_step(-0.45 * radius, -0.75 * radius, reach(q));
                let fresh = shell * (1.0 - 0.25 * smooth_step(-0.02, 0.0, reach(q)));
                fresh.mix(below * 0.2 + VOID, gone * 0.85)
            },
        );
    }

    fn crack(&self, canvas: &mut Canvas, light: &Light, path: &[Point], radius: f32) {
        let flank = light.shade(&self.package.fracture(), point(0.0, 0.0));
        let bounds = Bounds::around(path).grow(3.0 * radius).placed(&self.pose);
        let line = |p: Point, radius: f32| sdf::polyline(self.pose.local(p), path, radius);
        // One flank of the crack is splintered and light, the gap itself dark.
        let aside = light.shadow(-0.9 * radius);
        canvas.paint(bounds, |p| line(p - aside, radius), |_, _, below| below.mix(flank, 0.6));
        canvas.paint(bounds, |p| line(p, 0.6 * radius), |_, _, below| below * 0.2 + VOID);
    }
}

const VOID: Rgb = Rgb([0.004, 0.006, 0.004]);
