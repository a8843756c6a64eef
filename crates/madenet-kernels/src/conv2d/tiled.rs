//! Convolution as a matrix product without the matrix: for every tile of output pixels the input pixels are gathered into a
//! panel on the stack, block by block of the sum, and multiplied with the packed weights.
//!
//! The unit of work is a range of pixels of up to [`CHANNELS`] output channels of one image, so that a gathered panel serves
//! many channels. A layer whose output is a single pixel (fully connected) takes the images of the batch as its pixels.

use super::Layer;
use super::gather::{Block, Pixels, position};
use crate::tile::{self, KC, MR, NR, Packed, Panel, Tile};
use crate::units::{self, MIN_MACS};

/// Output channels that share a gathered panel: from here on, gathering costs little beside multiplying.
const CHANNELS: usize = 64;

/// From this batch on, images share tiles where the output is a single pixel; below, each is a matrix times a vector.
const MIN_IMAGES: usize = 3;

/// Packed weights, one matrix per group, and the blocks that their depth consists of.
#[derive(Clone, Debug)]
pub(super) struct Tiled {
    groups: Vec<Packed>,
    blocks: Vec<Block>,
}

impl Tiled {
    /// Packs weights `[out, in / groups, kh, kw]`.
    pub(super) fn new(layer: &Layer, weight: &[f32]) -> Self {
        let (channels, taps, rows) = (layer.in_per_group(), layer.taps(), layer.out_per_group());
        let blocks = blocks(channels, taps);
        let order: Vec<usize> = blocks
            .iter()
            .flat_map(|block| block.taps.clone().map(move |tap| (block, tap)))
            .flat_map(|(block, tap)| block.channels.clone().map(move |channel| channel * taps + tap))
            .collect();
        let groups = weight
            .chunks_exact(rows * order.len())
            .map(|weight| Packed::new(rows, order.len(), |row, k| weight[row * order.len() + order[k]]))
            .collect();
        Tiled { groups, blocks }
    }

    pub(super) fn run(&self, layer: &Layer, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) {
        if layer.output.plane() == 1 && out.len() / layer.output.c >= MIN_IMAGES {
            self.run_single_pixels(layer, x, residual, out);
        } else {
            self.run_planes(layer, x, residual, out);
        }
    }

    fn run_planes(&self, layer: &Layer, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) {
        let (plane, rows) = (layer.output.plane(), layer.out_per_group());
        let inputs = layer.in_per_group() * layer.input.plane();
        let channel_macs = layer.in_per_group() * layer.taps() * plane;
        let chunk = rows.div_ceil(rows.div_ceil(CHANNELS)).next_multiple_of(MR);
        let units = (out.len() / (rows * plane)) * rows.div_ceil(chunk);
        let pieces = pieces(units, chunk.min(rows) * channel_macs);
        units::for_each(out, rows * plane, units::items(MIN_MACS, rows * channel_macs), |index, out| {
            let x = &x[index * inputs..][..inputs];
            let group = index % layer.geometry.groups;
            units::for_each(out, chunk * plane, units::items(MIN_MACS, chunk * channel_macs), |part, out| {
                let first = index * rows + part * chunk;
                let job = Job {
                    layer,
                    blocks: &self.blocks,
                    weights: &self.groups[group],
                    first_tile: part * chunk / MR,
                    bias: &layer.bias[first % layer.output.c..],
                    x,
                    residual: residual.map(|residual| &residual[first * plane..][..out.len()]),
                };
                job.run(Band::new(out, plane), pieces);
            });
        });
    }

    fn run_single_pixels(&self, layer: &Layer, x: &[f32], residual: Option<&[f32]>, out: &mut [f32]) {
        let (channels, rows) = (layer.output.c, layer.out_per_group());
        let macs = layer.in_per_group() * layer.taps() * channels * NR;
        units::for_each(out, channels * NR, units::items(MIN_MACS, macs), |index, out| {
            let x = &x[index * NR * layer.input.len()..];
            let residual = residual.map(|residual| &residual[index * NR * channels..][..out.len()]);
            let images = out.len() / channels;
            let mut panel: Panel = [[0.0; NR]; KC];
            for (group, weights) in self.groups.iter().enumerate() {
                let mut k = 0;
                for block in &self.blocks {
                    let end = k + block.depth();
                    gather_images(layer, block, group, x, images, &mut panel);
                    for tile in 0..rows.div_ceil(MR) {
                        let sums = tile::multiply(&weights.block(tile)[k..end], &panel[..end - k], images);
                        let first = tile * MR;
                        let target = group * rows + first..group * rows + rows.min(first + MR);
                        for (image, out) in out.chunks_mut(channels).enumerate() {
                            let column = sums.map(|row| row[image]);
                            accumulate(
                                k == 0,
                                &column,
                                &layer.bias[target.clone()],
                                &mut out[target.clone()],
                            );
                        }
                    }
                    k = end;
                }
            }
            if let Some(residual) = residual {
                out.iter_mut().zip(residual).for_each(|(out, residual)| *out += residual);
            }
            layer.activation.apply_to(out);
        });
    }
}

/// Cuts the sum over channels and taps into stretches of about equal depth, at most [`KC`].
fn blocks(channels: usize, taps: usize) -> Vec<Block> {
    let tap_step = taps.div_ceil(taps.div_ceil(KC));
    let most = (KC / tap_step).max(1);
    let step = channels.div_ceil(channels.div_ceil(most));
    let ranges =
        |count: usize, step: usize| (0..count).step_by(step).map(move |start| start..count.min(start + step));
    ranges(channels, step)
        .flat_map(|channels| {
            ranges(taps, tap_step).map(move |taps| Block { channels: channels.clone(), taps })
        })
        .collect()
}

/// Into how many ranges of pixels every unit is split so that all threads have work.
fn pieces(units: usize, macs: usize) -> usize {
    let threads = rayon::current_num_threads();
    if threads == 1 { 1 } else { (2 * threads).div_ceil(units.max(1)).min(macs / MIN_MACS).max(1) }
}

/// One pixel of every image, under the taps and channels of a block.
fn gather_images(layer: &Layer, block: &Block, group: usize, x: &[f32], images: usize, panel: &mut Panel) {
    let plane = layer.input.plane();
    for (tap, rows) in block.taps.clone().zip(panel.chunks_exact_mut(block.channels.len())) {
        let position = position(layer, (0, 0), tap);
        for (image, x) in x.chunks(layer.input.len()).take(images).enumerate() {
            let x = &x[group * layer.in_per_group() * plane..];
            for (row, channel) in rows.iter_mut().zip(block.channels.clone()) {
                row[image] = position.map_or(0.0, |position| x[channel * plane + position]);
            }
        }
    }
}

/// `out = values + bias` in the first block, `out += values` in the later ones.
fn accumulate(first: bool, values: &[f32], bias: &[f32], out: &mut [f32]) {
    if first {
        out.iter_mut().zip(values).zip(bias).for_each(|((out, value), bias)| *out = value + bias);
    } else {
        out.iter_mut().zip(values).for_each(|(out, value)| *out += value);
    }
}

/// A range of pixels of neighbouring output channels, each a slice of its own so that the range can be split between
/// threads.
struct Band<'a> {
    channels: [&'a mut [f32]; CHANNELS],
    live: usize,
    first: usize,
}

impl<'a> Band<'a> {
    fn new(out: &'a mut [f32], plane: usize) -> Self {
        let live = out.len() / plane;
        let mut planes = out.chunks_mut(plane);
        Band { channels: std::array::from_fn(|_| planes.next().unwrap_or_default()), live, first: 0 }
    }

    fn pixels(&self) -> usize {
        self.channels[0].len()
    }

    fn split_at(self, pixels: usize) -> (Self, Self) {
        let mut left: [&'a mut [f32]; CHANNELS] = std::array::from_fn(|_| <&mut [f32]>::default());
        let mut right: [&'a mut [f32]; CHANNELS] = std::array::from_fn(|_| <&mut [f32]>::default());
        let ends = left.iter_mut().zip(&mut right);
        for (channel, (left, right)) in self.channels.into_iter().take(self.live).zip(ends) {
            (*left, *right) = channel.split_at_mut(pixels);
        }
        let (live, first) = (self.live, self.first);
        (Band { channels: left, live, first }, Band { channels: right, live, first: first + pixels })
    }
}

/// What a unit reads.
struct Job<'a> {
    layer: &'a Layer,
    blocks: &'a [Block],
    weights: &'a Packed,
    /// The tile of weight rows that the band's first channel belongs to.
    first_tile: usize,
    /// Bias of the band's channels.
    bias: &'a [f32],
    /// Input planes of the group.
    x: &'a [f32],
    /// Residual planes of the band's channels.
    residual: Option<&'a [f32]>,
}

impl Job<'_> {
    fn run(&self, mut band: Band<'_>, pieces: usize) {
        let half = (band.pixels() / 2).next_multiple_of(NR);
        if pieces < 2 || half >= band.pixels() {
            return self.run_band(&mut band);
        }
        let (left, right) = band.split_at(half);
        rayon::join(|| self.run(left, pieces / 2), || self.run(right, pieces - pieces / 2));
    }

    fn run_band(&self, band: &mut Band<'_>) {
        let mut panel: Panel = [[0.0; NR]; KC];
        let end = band.first + band.pixels();
        for first in (band.first..end).step_by(NR) {
            let pixels = Pixels::new(self.layer, first, end);
            let mut k = 0;
            for block in self.blocks {
                let depth = block.depth();
                let panel = &mut panel[..depth];
                pixels.gather(block, self.x, panel);
                for tile in 0..band.live.div_ceil(MR) {
                    let weights = &self.weights.block(self.first_tile + tile)[k..k + depth];
                    let sums = tile::multiply(weights, panel, pixels.live);
                    self.accumulate(k == 0, tile * MR, &sums, &pixels, band);
                }
                k += depth;
            }
            self.finish(&pixels, band);
        }
    }

    fn accumulate(&self, first: bool, row: usize, sums: &Tile, pixels: &Pixels<'_>, band: &mut Band<'_>) {
        let at = pixels.first - band.first;
        for ((values, channel), &bias) in sums.iter().zip(&mut band.channels[row..]).zip(&self.bias[row..]) {
            if let Some(out) = channel.get_mut(at..at + pixels.live) {
                accumulate(first, values, &[bias; NR], out);
            }
        }
    }

    /// Adds the residual and applies the activation, while the tile is in the first-level cache.
    fn finish(&self, pixels: &Pixels<'_>, band: &mut Band<'_>) {
        let (at, plane) = (pixels.first - band.first, self.layer.output.plane());
        for (index, channel) in band.channels.iter_mut().take(band.live).enumerate() {
            let out = &mut channel[at..at + pixels.live];
            if let Some(residual) = self.residual {
                let residual = &residual[index * plane + pixels.first..];
                out.iter_mut().zip(residual).for_each(|(out, residual)| *out += residual);
            }
            self.layer.activation.apply_to(out);
        }
    }
}
