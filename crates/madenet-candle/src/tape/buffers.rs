//! Memory for values: those that do not live at the same time share a buffer.

use std::cmp::Reverse;

use madenet_kernels::blocked::Block;

use super::program::{Step, Value};

/// The sizes of the buffers, in blocks, and who has which.
#[derive(Clone, PartialEq, Debug, Default)]
pub(super) struct Buffers {
    sizes: Vec<usize>,
    /// By value.
    places: Vec<usize>,
}

impl Buffers {
    /// The buffer of a value.
    pub(super) fn of(&self, value: usize) -> usize {
        self.places[value]
    }

    /// Blocks of all buffers.
    pub(super) fn blocks(&self) -> usize {
        self.sizes.iter().sum()
    }

    /// Makes `memory` as large as is needed, and no larger; keeps what is large enough.
    pub(super) fn fit(&self, memory: &mut Vec<Vec<Block>>) {
        memory.resize_with(self.sizes.len(), Vec::new);
        for (buffer, &size) in memory.iter_mut().zip(&self.sizes) {
            if buffer.len() < size {
                // Not `resize`, which would copy what is there.
                *buffer = vec![Block::ZERO; size];
            }
        }
    }
}

/// Buffers for the values of `steps`, which run in this order.
///
/// Largest first, each in the first buffer that is free from its first to its last step ("greedy by size for shared objects",
/// Pisarchyk and Lee 2020).
pub(super) fn assign<'a>(values: &[Value], steps: impl Iterator<Item = &'a Step>) -> Buffers {
    // Of every value that has memory of its own: the first and the last step.
    let mut lives: Vec<Option<(usize, usize)>> = vec![None; values.len()];
    for (i, step) in steps.enumerate() {
        for &value in step.reads.iter().chain(&step.out) {
            lives[values[value].root].get_or_insert((i, i)).1 = i;
        }
    }
    let mut order: Vec<usize> = (0..values.len()).filter(|&value| lives[value].is_some()).collect();
    order.sort_by_key(|&value| Reverse(values[value].blocks()));
    let mut sizes: Vec<usize> = Vec::new();
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut places = vec![usize::MAX; values.len()];
    for value in order {
        let Some(life) = lives[value] else { continue };
        let is_free =
            |lives: &Vec<(usize, usize)>| lives.iter().all(|other| other.1 < life.0 || life.1 < other.0);
        let buffer = taken.iter().position(is_free).unwrap_or_else(|| {
            sizes.push(values[value].blocks());
            taken.push(Vec::new());
            sizes.len() - 1
        });
        taken[buffer].push(life);
        places[value] = buffer;
    }
    let places = values.iter().map(|value| places[value.root]).collect();
    Buffers { sizes, places }
}

#[cfg(test)]
mod tests {
    use madenet_kernels::Shape;
    use madenet_kernels::blocked::Layout;

    use super::*;
    use crate::tape::program::{Action, Form};

    #[test]
    fn values_share_memory_only_when_apart() {
        let value = |root: usize, w: usize| {
            let layout = Layout::new(Shape::new(16, 1, w));
            Value { layout, samples: 1, form: Form::Blocked, root }
        };
        // The last value takes over the memory of the third.
        let values = [value(0, 10), value(1, 30), value(2, 20), value(2, 20)];
        let step = |reads: &[usize], out: usize| Step {
            action: Action::Pack,
            reads: reads.to_vec(),
            out: Some(out),
            stage: 0,
        };
        let steps = [step(&[], 0), step(&[0], 1), step(&[1], 2), step(&[], 3)];
        let buffers = assign(&values, steps.iter());
        assert_eq!(buffers.blocks(), 50);
        assert_eq!(buffers.of(2), buffers.of(3));
        assert_ne!(buffers.of(1), buffers.of(2), "both are needed by the third step");
        assert_ne!(buffers.of(0), buffers.of(1));
        let mut memory = Vec::new();
        buffers.fit(&mut memory);
        assert_eq!(memory.iter().map(Vec::len).sum::<usize>(), 50);
    }
}
