//! One step of a plan: a job whose values have their places in memory.

use madenet_kernels::blocked::{Block, Blocked, BlockedMut, Layout};

use super::arena::{Slot, split_writing};
use super::few::with_few;
use super::kernel::{Arg, Kernel, Out};
use super::lower::Form;
use crate::{Error, Result};

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) kernel: Kernel,
    pub(super) args: Vec<Place>,
    pub(super) out: Place,
    pub(super) path: String,
}

/// Where a value lies and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) memory: Storage,
    pub(super) form: Form,
    pub(super) layout: Layout,
    /// Samples per sample of the network's batch.
    pub(super) copies: usize,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Storage {
    /// The caller's slice of this place.
    Input(usize),
    Arena(Slot),
}

impl Place {
    /// The planar values in the blocks of the arena.
    pub(super) fn planar<'a>(&self, blocks: &'a [Block], batch: usize) -> &'a [f32] {
        &Block::floats(blocks)[..batch * self.copies * self.layout.shape.len()]
    }
}

impl Step {
    /// Runs it on `batch` samples.
    pub(super) fn run(
        &self,
        inputs: &[&[f32]],
        arena: &mut [Block],
        scratch: &mut [Block],
        batch: usize,
    ) -> Result<()> {
        self.kernel_run(inputs, arena, scratch, batch)
            .map_err(|source| Error::Kernel { at: self.path.clone(), source })
    }

    fn kernel_run(
        &self,
        inputs: &[&[f32]],
        arena: &mut [Block],
        scratch: &mut [Block],
        batch: usize,
    ) -> madenet_kernels::Result<()> {
        let slot = match self.out.memory {
            Storage::Arena(slot) => slot,
            Storage::Input(_) => Slot::default(),
        };
        let (read, out) = split_writing(arena, slot.range(batch));
        let arg = |place: &Place| -> madenet_kernels::Result<Arg<'_>> {
            let slot = match place.memory {
                Storage::Input(i) => return Ok(Arg::Planar(inputs[i])),
                Storage::Arena(slot) => slot,
            };
            let blocks = read(slot.range(batch));
            Ok(match place.form {
                Form::Planar => Arg::Planar(place.planar(blocks, batch)),
                Form::Blocked => Arg::Blocked(Blocked::new(place.layout, batch * place.copies, blocks)?),
            })
        };
        let samples = batch * self.out.copies;
        let out = match self.out.form {
            Form::Planar => Out::Planar(&mut Block::floats_mut(out)[..samples * self.out.layout.shape.len()]),
            Form::Blocked => Out::Blocked(BlockedMut::new(self.out.layout, samples, out)?),
        };
        with_few(self.args.iter().map(arg), |args| self.kernel.run(args, out, scratch))
    }
}
