//! Weights as they lie in memory, read as vectors of output channels: sixteen outputs by sixteen inputs at a time, transposed
//! in registers where outputs are not neighbours.

use crate::blocked::LANES;
use crate::simd::{Simd, Task};

/// The order of weights in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Order {
    /// `[output][input][tap]`: a convolution's.
    OutputsFirst,
    /// `[input][output][tap]`: a transposed convolution's, or a convolution's read as that.
    InputsFirst,
    /// As `InputsFirst`, with the taps in reverse: what a convolution's gradient with respect to its input sums.
    Flipped,
}

/// Weights for `outputs` times `inputs` channels.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights<'a> {
    /// `outputs * inputs * taps`.
    pub(super) values: &'a [f32],
    pub(super) outputs: usize,
    pub(super) inputs: usize,
    pub(super) taps: usize,
    pub(super) order: Order,
}

/// What takes the weights of sixteen input channels.
pub(super) trait Sink {
    /// The weights of a block of output channels, spare ones 0, for input channel `lane` of the sixteen.
    fn put<S: Simd>(&mut self, simd: S, lane: usize, tap: usize, weights: S::V);

    /// After the last of `lanes` channels.
    fn finish<S: Simd>(self, simd: S, lanes: usize);
}

/// Hands the weights of a block of output and a block of input channels to a sink.
pub(super) struct Window<'a, K> {
    pub(super) weights: &'a Weights<'a>,
    pub(super) output: usize,
    pub(super) input: usize,
    pub(super) sink: K,
}

impl<K: Sink> Task for Window<'_, K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, simd: S) {
        let Weights { outputs, inputs, taps, order, .. } = *self.weights;
        let (output, input) = (self.output * LANES, self.input * LANES);
        let lanes = LANES.min(inputs - input);
        let live = LANES.min(outputs - output);
        match order {
            Order::OutputsFirst => {
                self.runs(simd, (output * inputs + input) * taps, inputs * taps, live, lanes * taps);
            }
            Order::InputsFirst | Order::Flipped if taps == 1 => {
                for lane in 0..lanes {
                    let weights = self.load(simd, (input + lane) * outputs + output, live);
                    self.sink.put(simd, lane, 0, weights);
                }
            }
            Order::InputsFirst | Order::Flipped => {
                for lane in 0..lanes {
                    self.channel(simd, ((input + lane) * outputs + output) * taps, lane, live);
                }
            }
        }
        self.sink.finish(simd, lanes);
    }
}

impl<K: Sink> Window<'_, K> {
    /// Weights `start .. start + len` and zeros.
    #[inline(always)]
    fn load<S: Simd>(&self, simd: S, start: usize, len: usize) -> S::V {
        let values = &self.weights.values[start..];
        let mut padded = [0.0; LANES];
        let vector = match values.first_chunk() {
            Some(chunk) if len == LANES => chunk,
            _ => {
                padded[..len].copy_from_slice(&values[..len]);
                &padded
            }
        };
        // SAFETY: the array has sixteen floats.
        unsafe { simd.load(vector.as_ptr()) }
    }

    /// A run of `len` neighbouring weights (inputs and their taps) for each of `live` outputs, which are `distance` apart.
    #[inline(always)]
    fn runs<S: Simd>(&mut self, simd: S, start: usize, distance: usize, live: usize, len: usize) {
        let (mut lane, mut tap) = (0, 0);
        for at in (0..len).step_by(LANES) {
            let count = LANES.min(len - at);
            let columns = self.transposed(simd, start + at, distance, live, count);
            for column in columns.iter().take(count) {
                self.sink.put(simd, lane, tap, *column);
                tap += 1;
                if tap == self.weights.taps {
                    (lane, tap) = (lane + 1, 0);
                }
            }
        }
    }

    /// The taps of one input channel, for `live` outputs side by side.
    #[inline(always)]
    fn channel<S: Simd>(&mut self, simd: S, start: usize, lane: usize, live: usize) {
        let taps = self.weights.taps;
        for first in (0..taps).step_by(LANES) {
            let count = LANES.min(taps - first);
            let columns = self.transposed(simd, start + first, taps, live, count);
            for (index, column) in columns.iter().enumerate().take(count) {
                let tap = first + index;
                let tap = if self.weights.order == Order::Flipped { taps - 1 - tap } else { tap };
                self.sink.put(simd, lane, tap, *column);
            }
        }
    }

    /// `count` neighbours of each of `live` rows, as `count` vectors of rows. The other vectors have no meaning.
    #[inline(always)]
    fn transposed<S: Simd>(
        &self,
        simd: S,
        start: usize,
        distance: usize,
        live: usize,
        count: usize,
    ) -> [S::V; LANES] {
        let mut rows = [simd.splat(0.0); LANES];
        for (index, row) in rows.iter_mut().enumerate().take(live) {
            let start = start + index * distance;
            // What follows may be read as well, where there is something.
            let len = if start + LANES <= self.weights.values.len() { LANES } else { count };
            *row = self.load(simd, start, len);
        }
        simd.transpose(rows)
    }
}
