//! Memory for values: those that do not live at the same time share a buffer.

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
pub(super) fn assign<'a>(values: &[Value], steps: impl Iterator<Item = &'a Step> + Clone) -> Buffers {
    let mut last = vec![0; values.len()];
    for (i, step) in steps.clone().enumerate() {
        for &value in step.reads.iter().chain(&step.out) {
            last[values[value].root] = i;
        }
    }
    let mut sizes: Vec<usize> = Vec::new();
    let mut free: Vec<usize> = Vec::new();
    let mut places = vec![usize::MAX; values.len()];
    for (i, step) in steps.enumerate() {
        let roots = || step.reads.iter().chain(&step.out).map(|&value| values[value].root);
        if let Some(root) = step.out.map(|out| values[out].root).filter(|&root| places[root] == usize::MAX) {
            places[root] = take(&mut sizes, &mut free, values[root].blocks());
        }
        let mut done: Vec<usize> = roots().filter(|&root| last[root] == i).collect();
        done.sort_unstable();
        done.dedup();
        free.extend(done.into_iter().map(|root| places[root]));
    }
    let places = values.iter().map(|value| places[value.root]).collect();
    Buffers { sizes, places }
}

/// A buffer of at least `size` blocks: the free one that wastes least, else one that has to grow little, else a new one.
fn take(sizes: &mut Vec<usize>, free: &mut Vec<usize>, size: usize) -> usize {
    let fitting = (0..free.len()).filter(|&i| sizes[free[i]] >= size).min_by_key(|&i| sizes[free[i]]);
    let nearest = || (0..free.len()).max_by_key(|&i| sizes[free[i]]).filter(|&i| 2 * sizes[free[i]] >= size);
    match fitting.or_else(nearest) {
        Some(i) => {
            let buffer = free.swap_remove(i);
            sizes[buffer] = sizes[buffer].max(size);
            buffer
        }
        None => {
            sizes.push(size);
            sizes.len() - 1
        }
    }
}
