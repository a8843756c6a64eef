//! Chips that do not lie on their underside.

use crate::smt::block::Block;
use crate::smt::canvas::Canvas;
use crate::smt::geometry::{Bounds, Point, Pose, point};
use crate::smt::light::{Light, Material};
use crate::smt::marks::Ink;
use crate::smt::part::Package;

/// A chip as a pile of blocks, each the patch of a face, from below.
pub(super) struct Tipped {
    patches: Vec<Patch>,
    mark: Option<Ink>,
    extent: Bounds,
    fracture: Material,
}

struct Patch {
    block: Block,
    /// The slope of its face along x.
    slope: f32,
}

impl Tipped {
    /// Blocks that all face the camera.
    pub(super) fn level(half: Point, blocks: Vec<Block>, fracture: Material) -> Self {
        let patches = blocks.into_iter().map(|block| Patch { block, slope: 0.0 }).collect();
        Tipped { patches, mark: None, extent: Bounds::new(point(0.0, 0.0), half), fracture }
    }

    /// A chip of half the size `half` and a thickness, of which the blocks of its top are given, standing on
    /// its end at -x at the angle `risen`. From above its top is foreshortened, and the other end shows
    /// beyond it.
    pub(super) fn standing(
        half: Point,
        thickness: f32,
        risen: f32,
        top: Vec<Block>,
        end: Block,
        mark: Option<Ink>,
        fracture: Material,
    ) -> Self {
        let (sin, cos) = risen.sin_cos();
        let edge = -0.5 * thickness * sin;
        let seen = |x: f32| edge + (x + half.x) * cos;
        let lean = |block: Block| Block {
            extent: Bounds::new(
                point(seen(block.extent.centre.x), block.extent.centre.y),
                point(block.extent.half.x * cos, block.extent.half.y),
            ),
            corner: block.corner * cos,
            bevel: block.bevel * cos,
            rise: block.rise * cos,
            ..block
        };
        let mut patches: Vec<Patch> =
            top.into_iter().map(|block| Patch { block: lean(block), slope: sin / cos }).collect();
        let face = Bounds::new(point(seen(half.x) - edge, 0.0), point(-edge, half.y));
        patches.push(Patch { block: Block { extent: face, ..end }, slope: -cos / sin });
        let mark = mark.map(|mut ink| {
            for p in ink.strokes.iter_mut().flatten() {
                p.x = seen(p.x);
            }
            ink.radius *= cos.sqrt();
            ink
        });
        let (low, high) = (edge, face.centre.x + face.half.x);
        let extent = Bounds::new(point(0.5 * (low + high), 0.0), point(0.5 * (high - low), half.y));
        Tipped { patches, mark, extent, fracture }
    }
}

impl Package for Tipped {
    fn half(&self) -> Point {
        self.extent.half
    }

    fn centre(&self) -> Point {
        self.extent.centre
    }

    fn fracture(&self, _: Point) -> Material {
        self.fracture
    }

    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        let Some((end, top)) = self.patches.split_last() else { return };
        for patch in top {
            patch.draw(canvas, pose, light);
        }
        if let Some(mark) = &self.mark {
            mark.draw(canvas, pose);
        }
        end.draw(canvas, pose, light);
    }
}

impl Patch {
    fn draw(&self, canvas: &mut Canvas, pose: &Pose, light: &Light) {
        self.block.draw_relief(canvas, pose, light, |q| self.slope * q.x);
    }
}
