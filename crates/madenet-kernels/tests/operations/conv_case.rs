//! Convolutions to be tested, and their definition.

use madenet_kernels::{Conv2d, Padding, Shape};
use proptest::prelude::*;

use crate::support::{Sum, pixel, random};

/// A layer with its batch.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) geometry: Conv2d,
    pub(crate) input: Shape,
    pub(crate) out: usize,
    pub(crate) batch: usize,
}

pub(crate) struct Data {
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
    pub(crate) x: Vec<f32>,
}

impl Case {
    pub(crate) fn new(geometry: Conv2d, input: (usize, usize, usize), out: usize, batch: usize) -> Self {
        Case { geometry, input: Shape::new(input.0, input.1, input.2), out, batch }
    }

    pub(crate) fn data(&self, seed: u64) -> Data {
        let (kh, kw) = self.geometry.kernel;
        Data {
            weight: random(self.out * self.input.c / self.geometry.groups * kh * kw, seed),
            bias: random(self.out, seed + 1),
            x: random(self.batch * self.input.len(), seed + 2),
        }
    }

    /// The definition, one output value after the other.
    pub(crate) fn reference(
        &self,
        data: &Data,
        output: Shape,
        with_bias: bool,
        residual: Option<&[f32]>,
    ) -> Vec<Sum> {
        let Conv2d { kernel, stride, padding, dilation, groups } = self.geometry;
        let channels = self.input.c / groups;
        let mut sums = vec![Sum::default(); self.batch * output.len()];
        for (index, sum) in sums.iter_mut().enumerate() {
            let (x, y) = (index % output.w, index / output.w % output.h);
            let (oc, image) = (index / output.plane() % output.c, index / output.len());
            let group = oc / (output.c / groups);
            for c in 0..channels {
                for ky in 0..kernel.0 {
                    for kx in 0..kernel.1 {
                        let iy = (y * stride + ky * dilation) as isize - padding.top as isize;
                        let ix = (x * stride + kx * dilation) as isize - padding.left as isize;
                        let weight = data.weight[((oc * channels + c) * kernel.0 + ky) * kernel.1 + kx];
                        let x = pixel(&data.x, self.input, image, group * channels + c, iy, ix);
                        sum.add(f64::from(weight) * x);
                    }
                }
            }
            if with_bias {
                sum.add(f64::from(data.bias[oc]));
            }
            if let Some(residual) = residual {
                sum.add(f64::from(residual[index]));
            }
        }
        sums
    }
}

/// Shapes that networks use, and those that meet the edges of tiles, blocks of the sum and units of work.
pub(crate) fn table() -> Vec<Case> {
    let oblong = Conv2d {
        kernel: (1, 7),
        padding: Padding { left: 3, right: 3, ..Padding::default() },
        ..Conv2d::new(1, 1, 0)
    };
    let same =
        Conv2d { padding: Padding { bottom: 1, right: 1, ..Padding::default() }, ..Conv2d::new(3, 2, 0) };
    let groups = |groups, geometry| Conv2d { groups, ..geometry };
    vec![
        Case::new(Conv2d::new(7, 2, 3), (3, 33, 29), 64, 2),
        Case::new(Conv2d::new(3, 1, 1), (64, 16, 16), 64, 1),
        Case::new(Conv2d::new(3, 2, 1), (30, 17, 15), 35, 2),
        Case::new(Conv2d::new(1, 1, 0), (256, 9, 11), 70, 1),
        Case::new(Conv2d::new(1, 2, 0), (300, 8, 8), 17, 1),
        Case::new(Conv2d { dilation: 6, ..Conv2d::new(3, 1, 6) }, (5, 13, 14), 6, 1),
        Case::new(oblong, (6, 5, 20), 9, 2),
        Case::new(same, (4, 16, 16), 8, 1),
        // A kernel with more taps than a block of the sum, and one as large as its input.
        Case::new(Conv2d::new(17, 1, 8), (2, 20, 19), 3, 1),
        Case::new(Conv2d::new(8, 1, 0), (37, 8, 8), 130, 5),
        // Padding wider than the plane: windows that see nothing.
        Case::new(Conv2d::new(1, 1, 3), (3, 1, 2), 5, 2),
        // Fully connected: a single sample, pairs, and batches that fill tiles or not.
        Case::new(Conv2d::new(1, 1, 0), (600, 1, 1), 129, 1),
        Case::new(Conv2d::new(1, 1, 0), (600, 1, 1), 129, 2),
        Case::new(Conv2d::new(1, 1, 0), (600, 1, 1), 129, 3),
        Case::new(Conv2d::new(1, 1, 0), (64, 1, 1), 7, 21),
        Case::new(groups(4, Conv2d::new(3, 1, 1)), (8, 1, 1), 20, 9),
        // Groups, depthwise, depthwise with a multiplier.
        Case::new(groups(2, Conv2d::new(3, 1, 1)), (8, 9, 7), 10, 2),
        Case::new(groups(12, Conv2d::new(3, 1, 1)), (12, 14, 9), 12, 2),
        Case::new(groups(12, Conv2d::new(5, 2, 2)), (12, 14, 9), 12, 2),
        Case::new(groups(5, Conv2d { dilation: 3, ..Conv2d::new(3, 3, 4) }), (5, 20, 17), 15, 1),
        Case::new(groups(3, Conv2d::new(3, 1, 1)), (3, 6, 6), 24, 2),
        Case::new(groups(2, Conv2d::new(3, 1, 1)), (2, 70, 80), 2, 1),
    ]
}

pub(crate) fn cases() -> impl Strategy<Value = Case> {
    let window = (1..=5_usize, 1..=5_usize, 1..=3_usize, 1..=3_usize, [0..=3_usize, 0..=3, 0..=3, 0..=3]);
    let size = prop_oneof![Just((1, 1)), Just((7, 13)), (1..=20_usize, 1..=20_usize)];
    let channels = (1..=4_usize, 1..=6_usize, 1..=11_usize);
    (window, size, channels, 1..=3_usize)
        .prop_map(|((kh, kw, stride, dilation, pads), (h, w), (groups, inputs, outputs), batch)| {
            let padding = Padding { top: pads[0], left: pads[1], bottom: pads[2], right: pads[3] };
            let geometry = Conv2d { kernel: (kh, kw), stride, padding, dilation, groups };
            Case::new(geometry, (groups * inputs, h, w), groups * outputs, batch)
        })
        .prop_filter("a window fits", |case| case.geometry.output((case.input.h, case.input.w)).is_some())
}
