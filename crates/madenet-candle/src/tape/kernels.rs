//! The convolution kernels of a program. Layers of one geometry and size share a kernel: its weights are packed anew in
//! every step anyway, right before they are used.

use std::collections::HashMap;

use madenet_kernels::blocked::{
    Block, Blocked, BlockedMut, Conv2dInputGradient, Conv2dKernel, Conv2dWeightGradient, ConvMethod,
    ConvTranspose2dKernel, DepthwiseInputGradient, DepthwiseKernel, DepthwiseWeightGradient, Tuning,
};
use madenet_kernels::{self as kernels, Activation, Conv2d, ConvTranspose2d, Isa, Padding, Shape};
use madenet_nets::ParamId;

/// Place of a kernel in [`Kernels`].
pub(super) type KernelId = usize;

/// What a kernel is for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Purpose {
    /// A convolution.
    Conv2d(Conv2d),
    /// Its gradient with respect to its input.
    Conv2dInput(Conv2d),
    /// Its gradient with respect to its weights.
    Conv2dWeight(Conv2d),
    /// A transposed convolution.
    ConvTranspose2d(ConvTranspose2d),
}

/// Purpose, input shape of the (forward) convolution, output channels.
type Key = (Purpose, Shape, usize);

#[derive(Debug)]
enum Kernel {
    Conv2d(Conv2dKernel),
    Conv2dInput(Conv2dInputGradient),
    Conv2dWeight(Conv2dWeightGradient),
    ConvTranspose2d(ConvTranspose2dKernel),
    Depthwise(DepthwiseKernel),
    DepthwiseInput(DepthwiseInputGradient),
    DepthwiseWeight(DepthwiseWeightGradient),
}

#[derive(Debug, Default)]
pub(super) struct Kernels {
    kernels: Vec<Kernel>,
    /// By kernel: the weights that are packed, as (parameter, version).
    packed: Vec<Option<(ParamId, u64)>>,
    by_key: HashMap<Key, KernelId>,
}

/// Whether blocked kernels serve a convolution: of one group, or of one for each channel.
pub(super) fn is_blocked(geometry: &Conv2d, input: Shape, out: usize) -> bool {
    geometry.groups == 1 || is_depthwise(geometry, input, out)
}

fn is_depthwise(geometry: &Conv2d, input: Shape, out: usize) -> bool {
    geometry.groups > 1 && geometry.groups == input.c && out == input.c
}

impl Kernels {
    /// The kernel for `purpose`, made if there is none yet; `input` and `out` are the convolution's own, `batch` is the number of
    /// samples that it will run on.
    pub(super) fn get(
        &mut self,
        purpose: Purpose,
        input: Shape,
        out: usize,
        batch: usize,
    ) -> kernels::Result<KernelId> {
        let key = (purpose, input, out);
        if let Some(&id) = self.by_key.get(&key) {
            return Ok(id);
        }
        self.kernels.push(Kernel::new(purpose, input, out, batch)?);
        self.packed.push(None);
        self.by_key.insert(key, self.kernels.len() - 1);
        Ok(self.kernels.len() - 1)
    }

    /// The border of zeros that what the kernel slides over must store.
    pub(super) fn border(&self, id: KernelId) -> Padding {
        match &self.kernels[id] {
            Kernel::Conv2d(kernel) => kernel.border(),
            Kernel::Conv2dInput(kernel) => kernel.border(),
            Kernel::Conv2dWeight(kernel) => kernel.border(),
            Kernel::ConvTranspose2d(kernel) => kernel.border(),
            Kernel::Depthwise(kernel) => kernel.border(),
            Kernel::DepthwiseInput(kernel) => kernel.border(),
            Kernel::DepthwiseWeight(kernel) => kernel.border(),
        }
    }

    /// Blocks of scratch memory for `batch` samples on `threads` threads.
    pub(super) fn scratch(&self, id: KernelId, batch: usize, threads: usize) -> usize {
        match &self.kernels[id] {
            Kernel::Conv2d(kernel) => kernel.scratch(batch, threads),
            Kernel::Conv2dInput(kernel) => kernel.scratch(batch, threads),
            Kernel::Conv2dWeight(kernel) => kernel.scratch(batch, threads),
            Kernel::ConvTranspose2d(_)
            | Kernel::Depthwise(_)
            | Kernel::DepthwiseInput(_)
            | Kernel::DepthwiseWeight(_) => 0,
        }
    }

    /// Bytes of all packed weights.
    pub(super) fn bytes(&self) -> usize {
        let bytes = |kernel: &Kernel| match kernel {
            Kernel::Conv2d(kernel) => kernel.bytes(),
            Kernel::Conv2dInput(kernel) => kernel.bytes(),
            Kernel::ConvTranspose2d(kernel) => kernel.bytes(),
            Kernel::Conv2dWeight(_)
            | Kernel::Depthwise(_)
            | Kernel::DepthwiseInput(_)
            | Kernel::DepthwiseWeight(_) => 0,
        };
        self.kernels.iter().map(bytes).sum()
    }

    /// Packs the weights of parameter `weight` in this version, if they are not what is packed already.
    pub(super) fn set_weights(
        &mut self,
        id: KernelId,
        (weight, version): (ParamId, u64),
        values: &[f32],
        bias: Option<&[f32]>,
    ) -> kernels::Result<()> {
        // A bias would need a version of its own; to write it again costs nothing beside the weights.
        let packed = Some((weight, version));
        if bias.is_none() && self.packed[id] == packed {
            return Ok(());
        }
        self.packed[id] = None;
        match &mut self.kernels[id] {
            Kernel::Conv2d(kernel) => kernel.set_weights(values, bias)?,
            Kernel::Conv2dInput(kernel) => kernel.set_weights(values)?,
            Kernel::ConvTranspose2d(kernel) => kernel.set_weights(values, bias)?,
            Kernel::Depthwise(kernel) => kernel.set_weights(values, bias)?,
            Kernel::DepthwiseInput(kernel) => kernel.set_weights(values)?,
            Kernel::Conv2dWeight(_) | Kernel::DepthwiseWeight(_) => {}
        }
        if bias.is_none() {
            self.packed[id] = packed;
        }
        Ok(())
    }

    /// `out = kernel(x)`, and the gradient with respect to an input plus `add`.
    pub(super) fn run(
        &self,
        id: KernelId,
        x: Blocked<'_>,
        add: Option<Blocked<'_>>,
        out: BlockedMut<'_>,
        scratch: &mut [Block],
    ) -> kernels::Result<()> {
        match &self.kernels[id] {
            Kernel::Conv2d(kernel) => kernel.run(x, add, out, scratch),
            Kernel::Conv2dInput(kernel) => kernel.run(x, add, out, scratch),
            Kernel::ConvTranspose2d(kernel) => kernel.run(x, out),
            Kernel::Depthwise(kernel) => kernel.run(x, out),
            Kernel::DepthwiseInput(kernel) => kernel.run(x, add, out),
            Kernel::Conv2dWeight(_) | Kernel::DepthwiseWeight(_) => Ok(()),
        }
    }

    /// Adds the gradient with respect to the weights to `gradient`.
    pub(super) fn run_weight_gradient(
        &self,
        id: KernelId,
        x: Blocked<'_>,
        dy: Blocked<'_>,
        gradient: &mut [f32],
        scratch: &mut [Block],
    ) -> kernels::Result<()> {
        match &self.kernels[id] {
            Kernel::Conv2dWeight(kernel) => kernel.run(x, dy, gradient, scratch),
            Kernel::DepthwiseWeight(kernel) => kernel.run(x, dy, gradient),
            _ => Ok(()),
        }
    }
}

impl Kernel {
    fn new(purpose: Purpose, input: Shape, out: usize, batch: usize) -> kernels::Result<Self> {
        let isa = Isa::best();
        let zeros = |kernel: (usize, usize), channels: usize| vec![0.0; channels * kernel.0 * kernel.1];
        let identity = Activation::Identity;
        Ok(match purpose {
            Purpose::Conv2d(geometry) if is_depthwise(&geometry, input, out) => {
                let weight = zeros(geometry.kernel, out);
                Kernel::Depthwise(DepthwiseKernel::new(isa, geometry, input, &weight, None, identity)?)
            }
            Purpose::Conv2dInput(geometry) if is_depthwise(&geometry, input, out) => {
                Kernel::DepthwiseInput(DepthwiseInputGradient::new(isa, geometry, input)?)
            }
            Purpose::Conv2dWeight(geometry) if is_depthwise(&geometry, input, out) => {
                Kernel::DepthwiseWeight(DepthwiseWeightGradient::new(isa, geometry, input)?)
            }
            Purpose::Conv2d(geometry) => {
                let weight = zeros(geometry.kernel, input.c * out);
                let method = Some(ConvMethod::for_training(geometry, input, out, batch));
                let tuning = Tuning { isa, method };
                Kernel::Conv2d(Conv2dKernel::new(tuning, geometry, input, out, &weight, None, identity)?)
            }
            Purpose::Conv2dInput(geometry) => {
                Kernel::Conv2dInput(Conv2dInputGradient::new(isa, geometry, input, out, batch)?)
            }
            Purpose::Conv2dWeight(geometry) => {
                Kernel::Conv2dWeight(Conv2dWeightGradient::new(isa, geometry, input, out)?)
            }
            Purpose::ConvTranspose2d(geometry) => {
                let weight = zeros(geometry.kernel, input.c * out);
                let tuning = Tuning { isa, method: None };
                Kernel::ConvTranspose2d(ConvTranspose2dKernel::new(
                    tuning, geometry, input, out, &weight, None, identity,
                )?)
            }
        })
    }
}
