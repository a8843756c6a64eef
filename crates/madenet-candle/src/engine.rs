//! What a training loop needs of the thing that computes gradients.

use candle_core::Tensor;
use madenet_nets::{Net, Params};

use crate::{Result, StepKey};

/// What trains a recorded network: forward in training mode, backward from a loss on the outputs, weights and gradients by
/// name.
///
/// Optimisers, averages of weights and [`Trainer`](crate::Trainer) see nothing else of it. Parameters are what the engine's
/// policy trains; running statistics and frozen weights are seen by [`export`](Self::export) and
/// [`import`](Self::import) alone.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use madenet_candle::{CandleNet, Engine, Policy, StepKey};
/// use madenet_nets::{Builder, Params, Shape, conv};
///
/// let mut b = Builder::new();
/// let x = b.input("x", Shape::new(2, 1, 1));
/// let y = b.conv2d("fc", x, conv(1, 1, 1, 0).with_bias())?;
/// b.output("y", y)?;
/// let net = b.finish();
/// let mut engine = CandleNet::new(&net, &Params::init(&net, 0), &Policy::default(), &Device::Cpu)?;
///
/// let x = Tensor::new(&[[3f32, 4.0]], &Device::Cpu)?.reshape((1, 2, 1, 1))?;
/// let y = engine.forward(&[x], StepKey { seed: 0, step: 0 })?;
/// engine.backward(&y[0].sum_all()?)?;
/// let mut gradients = Vec::new();
/// engine.for_each(&mut |name, _, gradient| {
///     gradients.push((name.to_string(), gradient.to_vec()));
///     Ok(())
/// })?;
/// assert_eq!(gradients, [("fc.bias".to_string(), vec![1.0]), ("fc.weight".to_string(), vec![3.0, 4.0])]);
/// # Ok::<(), madenet_candle::Error>(())
/// ```
pub trait Engine: Send {
    /// The network.
    fn net(&self) -> &Net;

    /// Forward in training: `f32 [n, c, h, w]` inputs and outputs in the network's orders. The outputs carry what
    /// [`backward`](Self::backward) needs; they belong to this forward pass until the next one. Running statistics move.
    ///
    /// # Errors
    /// Where the inputs do not fit or an operation fails.
    fn forward(&mut self, inputs: &[Tensor], key: StepKey) -> Result<Vec<Tensor>>;

    /// Adds the gradient of the scalar `loss`, computed from the outputs of the last [`forward`](Self::forward), to the
    /// gradients.
    ///
    /// # Errors
    /// Where an operation fails.
    fn backward(&mut self, loss: &Tensor) -> Result<()>;

    /// Calls `f` with name, weight and gradient of every trained parameter in the order of the names. A parameter that the
    /// loss does not reach has a gradient of zeros.
    ///
    /// # Errors
    /// Those of `f`, which end the walk.
    fn for_each(&self, f: &mut dyn FnMut(&str, &[f32], &[f32]) -> Result<()>) -> Result<()>;

    /// As [`for_each`](Self::for_each), with the weight to change.
    ///
    /// # Errors
    /// Those of `f`, which end the walk; earlier parameters stay changed.
    fn update(&mut self, f: &mut dyn FnMut(&str, &mut [f32], &[f32]) -> Result<()>) -> Result<()>;

    /// Sets all gradients to 0.
    fn clear_gradients(&mut self);

    /// All parameters and running statistics.
    ///
    /// # Errors
    /// Where they cannot be copied.
    fn export(&self) -> Result<Params>;

    /// Replaces all parameters and running statistics; nothing changes if there is an error.
    ///
    /// # Errors
    /// [`Error::Nets`](crate::Error::Nets) if one is missing, has another shape or is not finite.
    fn import(&mut self, params: &Params) -> Result<()>;

    /// Bytes that a training step on `batch` samples takes at its peak, weights and gradients included, if the engine can
    /// tell.
    fn bytes(&self, batch: usize) -> Option<usize>;

    /// Calls `f` with name and values of every running statistic, in the network's order of parameters.
    ///
    /// An engine that has them at hand should do better than this, which exports everything.
    ///
    /// # Errors
    /// Those of `f`, which end the walk, and of [`export`](Self::export).
    fn for_each_statistic(&self, f: &mut dyn FnMut(&str, &[f32]) -> Result<()>) -> Result<()> {
        let params = self.export()?;
        for (name, spec) in self.net().params() {
            if !spec.role.is_trained() {
                f(name, params.get(name).map(madenet_nets::Param::values).unwrap_or_default())?;
            }
        }
        Ok(())
    }

    /// What beside the network and its weights decides the numbers of a training, its policy for instance, in words: a
    /// checkpoint of other settings is not continued.
    fn settings(&self) -> String {
        String::new()
    }
}
