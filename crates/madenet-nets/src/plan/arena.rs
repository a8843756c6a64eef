//! Places for results in one piece of memory, shared by those that do not live at the same time.

use std::ops::Range;

use madenet_kernels::blocked::Block;

/// A result: its size and the steps between which it must stay.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buffer {
    len: usize,
    born: usize,
    last_read: usize,
}

impl Buffer {
    /// A result of `len` blocks per sample of the batch, first written by step `born`.
    pub(super) fn new(len: usize, born: usize) -> Self {
        Buffer { len, born, last_read: born }
    }

    /// Keeps it until step `step` has run.
    pub(super) fn read_at(&mut self, step: usize) {
        self.last_read = self.last_read.max(step);
    }

    fn lives_with(&self, other: &Buffer) -> bool {
        self.born <= other.last_read && other.born <= self.last_read
    }
}

/// Where a result lies: blocks per sample, so that all slots grow with the batch.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Slot {
    offset: usize,
    len: usize,
}

impl Slot {
    /// A part of it.
    pub(super) fn part(self, offset: usize, len: usize) -> Self {
        Slot { offset: self.offset + offset, len }
    }

    /// Its blocks in an arena for `batch` samples.
    pub(super) fn range(self, batch: usize) -> Range<usize> {
        self.offset * batch..(self.offset + self.len) * batch
    }
}

/// Slots for `buffers` and the size of the arena, in blocks per sample.
///
/// Largest first, each at the lowest place that no buffer living at the same time holds ("greedy by size", Pisarchyk and
/// Lee 2020).
pub(super) fn allocate(buffers: &[Buffer]) -> (Vec<Slot>, usize) {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(buffers[i].len));
    let mut slots = vec![Slot { offset: 0, len: 0 }; buffers.len()];
    let mut placed: Vec<usize> = Vec::with_capacity(buffers.len());
    let mut size = 0;
    for &i in &order {
        let mut taken: Vec<Slot> =
            placed.iter().filter(|&&j| buffers[i].lives_with(&buffers[j])).map(|&j| slots[j]).collect();
        taken.sort_by_key(|slot| slot.offset);
        let len = buffers[i].len;
        let mut offset = 0;
        for slot in taken {
            if slot.offset >= offset + len {
                break;
            }
            offset = offset.max(slot.offset + slot.len);
        }
        slots[i] = Slot { offset, len };
        size = size.max(offset + len);
        placed.push(i);
    }
    (slots, size)
}

/// What can be read of the arena while `write` is written, which no read overlaps, and the latter.
pub(super) fn split_writing<'a>(
    arena: &'a mut [Block],
    write: Range<usize>,
) -> (impl Fn(Range<usize>) -> &'a [Block], &'a mut [Block]) {
    let (head, rest) = arena.split_at_mut(write.start);
    let (out, tail) = rest.split_at_mut(write.len());
    let (head, tail) = (&*head, &*tail);
    let read = move |read: Range<usize>| {
        if read.start < write.start {
            &head[read]
        } else {
            &tail[read.start - write.end..read.end - write.end]
        }
    };
    (read, out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_share_memory_only_when_apart() {
        let buffer = |len, born, last_read| Buffer { len, born, last_read };
        let buffers =
            [buffer(10, 0, 1), buffer(30, 1, 2), buffer(10, 2, 3), buffer(5, 0, 9), buffer(20, 3, 4)];
        let (slots, size) = allocate(&buffers);
        for i in 0..buffers.len() {
            for j in 0..i {
                let apart = slots[i].offset + slots[i].len <= slots[j].offset
                    || slots[j].offset + slots[j].len <= slots[i].offset;
                assert!(apart || !buffers[i].lives_with(&buffers[j]), "{i} and {j}");
            }
        }
        assert_eq!(size, 45, "30 and a neighbour of 10, and 5 throughout");
    }
}
