//! Blocked tensors to test with.

use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout, pack, unpack};
use madenet_kernels::{Isa, Padding, Shape};

/// A blocked tensor that owns its blocks.
pub(crate) struct Tensor {
    pub(crate) layout: Layout,
    pub(crate) batch: usize,
    pub(crate) blocks: Vec<Block>,
}

impl Tensor {
    /// The planar samples `x`.
    pub(crate) fn packed(shape: Shape, border: Padding, x: &[f32]) -> Self {
        let mut tensor = Self::untouched(shape, border, x.len() / shape.len());
        pack(Isa::best(), x, tensor.write()).unwrap();
        tensor
    }

    /// Not a number anywhere: what an operation must overwrite, border and spare lanes included.
    pub(crate) fn untouched(shape: Shape, border: Padding, batch: usize) -> Self {
        let layout = Layout { shape, border };
        Tensor { layout, batch, blocks: vec![Block([f32::NAN; 16]); layout.len(batch)] }
    }

    pub(crate) fn read(&self) -> Blocked<'_> {
        Blocked::new(self.layout, self.batch, &self.blocks).unwrap()
    }

    pub(crate) fn write(&mut self) -> BlockedMut<'_> {
        BlockedMut::new(self.layout, self.batch, &mut self.blocks).unwrap()
    }

    /// The planar samples; panics unless the border is zero and spare lanes are finite.
    pub(crate) fn planar(&self) -> Vec<f32> {
        let Layout { shape, border } = self.layout;
        for (index, block) in self.blocks.iter().enumerate() {
            let (x, y) = (index % self.layout.row(), index % self.layout.plane() / self.layout.row());
            let inside = (border.left..border.left + shape.w).contains(&x)
                && (border.top..border.top + shape.h).contains(&y);
            if inside {
                let channels = shape.c - index / (self.batch * self.layout.plane()) * 16;
                let spare = &block.0[channels.min(16)..];
                assert!(spare.iter().all(|v| v.is_finite()), "spare lanes of ({y}, {x}): {spare:?}");
            } else {
                assert_eq!(block.0, [0.0; 16], "border ({y}, {x})");
            }
        }
        let mut planar = vec![f32::NAN; self.batch * shape.len()];
        unpack(Isa::best(), self.read(), &mut planar).unwrap();
        planar
    }
}

/// No border, an even one, and one that differs on every side.
pub(crate) const BORDERS: [Padding; 3] =
    [Padding::all(0), Padding::all(1), Padding { top: 2, left: 1, bottom: 3, right: 5 }];
