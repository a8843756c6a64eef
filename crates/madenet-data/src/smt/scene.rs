//! Everything that lies before the camera for one picture, before and after a defect.

use super::Component;
use super::bead::Bead;
use super::board::{BareBoard, Layout};
use super::camera::Camera;
use super::canvas::Canvas;
use super::debris::Debris;
use super::fault::Fault;
use super::film::{Flux, Stain};
use super::geometry::{Pose, point};
use super::light::Light;
use super::lots::Lots;
use super::part::Part;
use super::parts::Assembly;
use super::solder::{Bridge, Joint};
use super::tarnish::Tarnish;

/// One board under the camera. Defects change it; drawing it twice gives the same picture.
pub(crate) struct Scene {
    board: BareBoard,
    light: Light,
    camera: Camera,
    pub(crate) joints: Vec<Joint>,
    /// Pairs of joints that are close enough for a bridge.
    pub(crate) neighbours: Vec<(usize, usize)>,
    pub(crate) bridges: Vec<Bridge>,
    /// None where the component is missing.
    pub(crate) part: Option<Part>,
    /// Joints, by their numbers, whose solder went wrong.
    pub(crate) faults: Vec<(usize, Fault)>,
    pub(crate) tarnish: Option<Tarnish>,
    /// What lies over all that, from below.
    pub(crate) remains: Vec<Remains>,
}

/// What a process has left on a board.
pub(crate) enum Remains {
    /// A loose ball of solder.
    Ball(Bead),
    Flux(Flux),
    Stain(Stain),
    Debris(Debris),
}

/// Standard deviation of a good placement, and its greatest error, in units; and of the angle, in radians
/// (0.6 and 1.2 degrees).
const PLACEMENT: (f32, f32) = (0.006, 0.012);
const TURN: (f32, f32) = (0.0105, 0.021);

impl Scene {
    /// A good board with `component`.
    pub(crate) fn draw_lots(component: Component, lots: &mut Lots) -> Self {
        let light = Light::draw_lots(&mut lots.board);
        let camera = Camera::draw_lots(&mut lots.board);
        let Assembly { package, joints, neighbours, outline, prefix } = component.assemble(lots);
        let pads = joints.iter().map(|joint| joint.pad).collect();
        let board = BareBoard::draw_lots(lots, Layout { pads, outline, prefix });
        let mut error = |(sigma, limit): (f32, f32)| (sigma * lots.board.normal()).clamp(-limit, limit);
        let pose = Pose::new(point(error(PLACEMENT), error(PLACEMENT)), error(TURN));
        let part = Some(Part::new(package, pose));
        Scene {
            board,
            light,
            camera,
            joints,
            neighbours,
            bridges: Vec::new(),
            part,
            faults: Vec::new(),
            tarnish: None,
            remains: Vec::new(),
        }
    }

    /// The bare board, which no defect changes.
    pub(crate) fn draw_board(&self, width: usize, height: usize) -> Canvas {
        let mut canvas = Canvas::new(width, height, self.camera.pose);
        self.board.draw(&mut canvas, &self.light);
        canvas
    }

    /// Solders everything else onto the drawing of the bare board.
    pub(crate) fn draw_on(&self, mut canvas: Canvas) -> Canvas {
        self.draw_assembly(&mut canvas, &self.light);
        if let Some(tarnish) = &self.tarnish {
            let mut metal = canvas.blank();
            self.draw_assembly(&mut metal, &Light::probe());
            tarnish.draw(&mut canvas, metal);
        }
        for remains in &self.remains {
            remains.draw(&mut canvas, &self.light);
        }
        canvas
    }

    /// What the sensor would record of a drawing, without noise.
    pub(crate) fn expose(&self, mut canvas: Canvas) -> Canvas {
        self.camera.expose(&mut canvas);
        canvas
    }

    /// As [`expose`](Self::expose), sooner, for a drawing that is `like` but for a defect: `exposed` is that
    /// one's picture.
    pub(crate) fn expose_like(&self, mut canvas: Canvas, like: &Canvas, exposed: &Canvas) -> Canvas {
        self.camera.expose_like(&mut canvas, like, exposed);
        canvas
    }

    /// The joints and the component.
    fn draw_assembly(&self, canvas: &mut Canvas, light: &Light) {
        for (number, joint) in self.joints.iter().enumerate() {
            let pose = self.part.as_ref().and_then(|part| part.soldered_at(number));
            match (self.fault(number), pose) {
                (Some(fault), Some(pose)) => fault.draw_joint(joint, canvas, pose, light),
                _ => joint.draw(canvas, pose, light),
            }
        }
        for bridge in &self.bridges {
            bridge.draw(canvas, light);
        }
        if let Some(part) = &self.part {
            part.draw(canvas, light);
        }
        for (_, fault) in &self.faults {
            fault.draw_over(canvas, light);
        }
    }

    fn fault(&self, joint: usize) -> Option<&Fault> {
        self.faults.iter().find(|(number, _)| *number == joint).map(|(_, fault)| fault)
    }
}

impl Remains {
    fn draw(&self, canvas: &mut Canvas, light: &Light) {
        match self {
            Remains::Ball(ball) => ball.draw(canvas, light),
            Remains::Flux(flux) => flux.draw(canvas, light),
            Remains::Stain(stain) => stain.draw(canvas, light),
            Remains::Debris(debris) => debris.draw(canvas, light),
        }
    }
}

#[cfg(test)]
impl Scene {
    /// Some board of a component.
    pub(crate) fn example(component: Component, seed: u64) -> Self {
        Scene::draw_lots(component, &mut Lots::example(seed))
    }

    /// The same board with a defect.
    pub(crate) fn spoiled(component: Component, defect: super::Defect, seed: u64) -> Self {
        let mut scene = Scene::example(component, seed);
        defect.apply(&mut scene, &mut madenet_rng::Stream::new(seed, "defect", 0, 0));
        scene
    }
}
