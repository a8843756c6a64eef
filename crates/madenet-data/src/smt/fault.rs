//! Joints whose solder went wrong, drawn in place of good ones.

use super::bead::Bead;
use super::canvas::Canvas;
use super::colour::Rgb;
use super::geometry::{Point, Pose};
use super::light::{Light, Material};
use super::materials::{GOLD, SOLDER};
use super::noise::{fractal, value_noise};
use super::sdf::smooth_step;
use super::solder::Joint;

/// What is wrong with the solder of one joint.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It did not melt through.
    Cold(Crust),
    /// It bulges over the terminal.
    Excess(Bead),
    /// Gas has left holes in it.
    Voids(Vec<Crater>),
    /// It has drawn back into beads from a pad that is brown to this share.
    Beads { beads: Vec<Bead>, tarnish: f32 },
    /// A dome before the terminal, which stays dry behind a gap of this width.
    Open { dome: Bead, gap: f32 },
}

/// The surface of paste that is half molten.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crust {
    /// Amplitude of the lumps, in height.
    pub(crate) lumps: f32,
    /// Lumps per unit.
    pub(crate) frequency: f32,
    pub(crate) material: Material,
    pub(crate) key: u32,
}

/// A hole with a raised rim.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crater {
    pub(crate) at: Point,
    pub(crate) radius: f32,
}

/// A pad whose finish has oxidised.
const TARNISHED: Material = Material::metal(Rgb([0.34, 0.22, 0.12]), 0.3);
/// A pad with a breath of tin.
const TINNED: Material = Material::metal(Rgb([0.56, 0.53, 0.46]), 0.24);

impl Fault {
    /// The joint with its fault, below the component at `pose`.
    pub(crate) fn draw_joint(&self, joint: &Joint, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        match self {
            Fault::Cold(crust) => {
                let skin = |p, tilt| light.shade(&crust.material, tilt) * crust.mottle(p);
                joint.draw_soldered(canvas, pose, light, |p| crust.height(p), skin);
            }
            Fault::Excess(_) => joint.draw(canvas, Some(pose), light),
            Fault::Voids(craters) => {
                let relief = |p| craters.iter().map(|crater| crater.height(p)).sum();
                let dark = |p| craters.iter().map(|crater| crater.light(p)).product::<f32>();
                joint.draw_soldered(canvas, pose, light, relief, |p, tilt| {
                    light.shade(&SOLDER, tilt) * dark(p)
                });
            }
            Fault::Beads { beads, tarnish } => {
                let finish = |p: Point, tilt| {
                    let brown = tarnish * (1.0 + 0.7 * fractal(p, 22.0, 3, joint.key ^ 21));
                    light.shade(&GOLD, tilt).mix(light.shade(&TARNISHED, tilt), brown.clamp(0.0, 1.0))
                };
                joint.draw_pad(canvas, light, |_| false, finish);
                shade_gap(joint, canvas, pose, 0.012);
                for bead in beads {
                    bead.draw(canvas, light);
                }
            }
            Fault::Open { dome, gap } => {
                joint.draw_pad(canvas, light, |_| false, |_, tilt| light.shade(&TINNED, tilt));
                dome.draw(canvas, light);
                shade_gap(joint, canvas, pose, *gap);
            }
        }
    }

    /// What of it lies over the component.
    pub(crate) fn draw_over(&self, canvas: &mut Canvas, light: &Light) {
        if let Fault::Excess(bulge) = self {
            bulge.draw(canvas, light);
        }
    }
}

/// Little light falls between a dry terminal and what lies before it.
fn shade_gap(joint: &Joint, canvas: &mut Canvas, pose: &Pose, gap: f32) {
    canvas.paint(
        joint.pad,
        |p| joint.pad(p),
        |p, _, below| {
            let depth = smooth_step(1.1 * gap, 0.5 * gap, joint.terminal_distance(pose, p));
            below * (1.0 - 0.82 * depth)
        },
    );
}

impl Crust {
    /// Rounded lumps, and the grains of the powder.
    fn height(&self, p: Point) -> f32 {
        let lumps = fractal(p, self.frequency, 2, self.key);
        let grains = value_noise(p * (4.0 * self.frequency), self.key ^ 1);
        self.lumps * (lumps + 0.2 * grains)
    }

    /// Hollows and pores are darker.
    fn mottle(&self, p: Point) -> f32 {
        let hollow = smooth_step(-0.1, -0.8, fractal(p, self.frequency, 2, self.key));
        let pores = value_noise(p * (5.0 * self.frequency), self.key ^ 2);
        1.0 - 0.34 * hollow + 0.10 * pores
    }
}

impl Crater {
    /// What it adds to the height.
    fn height(&self, p: Point) -> f32 {
        let share = (p - self.at).length() / self.radius;
        if share > 2.5 {
            return 0.0;
        }
        let wall = (share - 1.15) / 0.28;
        self.radius * (0.20 * (-wall * wall).exp() - 1.1 * smooth_step(1.0, 0.35, share))
    }

    /// The share of light that comes out of it.
    fn light(&self, p: Point) -> f32 {
        1.0 - 0.88 * smooth_step(0.95, 0.6, (p - self.at).length() / self.radius)
    }
}
