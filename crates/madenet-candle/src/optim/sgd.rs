//! Stochastic gradient descent with momentum.

use madenet_core::Error;

use super::chunks::{each2, each3};
use super::rule::{Decay, check, is_share};

/// Settings of stochastic gradient descent: `torch.optim.SGD`. The defaults are PyTorch's, which have no momentum.
///
/// With the velocity `v`, which starts as the first gradient: `v = momentum * v + (1 - dampening) * gradient`, then
/// `weight -= lr * v`, or `weight -= lr * (gradient + momentum * v)` with Nesterov's momentum.
///
/// | setting | default | range | purpose |
/// |---|---|---|---|
/// | `lr` | 0.001 | from 0 | learning rate |
/// | `momentum` | 0 | `[0, 1)` | share of the velocity that stays |
/// | `dampening` | 0 | `[0, 1]` | share of a new gradient that is lost |
/// | `nesterov` | false | with momentum, without dampening | looks one step ahead |
/// | `weight_decay` | 0 | from 0 | `weight_decay * weight` is added to the gradient |
/// | `decay` | all | | what weight decay acts on |
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct SgdConfig {
    /// Learning rate.
    pub lr: f64,
    /// Share of the velocity that stays from step to step.
    pub momentum: f64,
    /// Share of a new gradient that does not become velocity.
    pub dampening: f64,
    /// Nesterov's momentum, in the form of Sutskever et al. 2013.
    pub nesterov: bool,
    /// Weight decay, as an L2 penalty.
    pub weight_decay: f64,
    /// Which parameters weight decay pulls.
    pub decay: Decay,
}

impl Default for SgdConfig {
    fn default() -> Self {
        SgdConfig {
            lr: 1e-3,
            momentum: 0.0,
            dampening: 0.0,
            nesterov: false,
            weight_decay: 0.0,
            decay: Decay::All,
        }
    }
}

impl SgdConfig {
    /// With this learning rate.
    #[must_use]
    pub const fn lr(self, lr: f64) -> Self {
        SgdConfig { lr, ..self }
    }

    /// With this momentum.
    #[must_use]
    pub const fn momentum(self, momentum: f64) -> Self {
        SgdConfig { momentum, ..self }
    }

    /// With this weight decay.
    #[must_use]
    pub const fn weight_decay(self, weight_decay: f64) -> Self {
        SgdConfig { weight_decay, ..self }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        check("lr", self.lr, self.lr >= 0.0, "a finite number from 0")?;
        check("momentum", self.momentum, is_share(self.momentum), "0 to below 1")?;
        let dampening = self.dampening;
        check("dampening", dampening, (0.0..=1.0).contains(&dampening), "0 to 1")?;
        check("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "a finite number from 0")?;
        if self.nesterov && (self.momentum == 0.0 || dampening != 0.0) {
            let got = format!("on with momentum {} and dampening {dampening}", self.momentum);
            let expected = "momentum above 0 and no dampening";
            return Err(Error::Config { field: "nesterov", got, expected });
        }
        Ok(())
    }

    /// Moves one parameter in the step that is its `step`-th, counted from 1, with all gradients times `scale`. Without
    /// momentum there is no velocity, and the slice is empty.
    pub(super) fn apply(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        velocity: &mut [f32],
        (step, lr_factor, scale): (u64, f64, f64),
    ) {
        let (lr, pull, scale) = ((self.lr * lr_factor) as f32, self.weight_decay as f32, scale as f32);
        if velocity.is_empty() {
            return each2(weight, gradient, |weight, gradient| {
                for (w, &g) in weight.iter_mut().zip(gradient) {
                    *w -= lr * (scale * g + pull * *w);
                }
            });
        }
        let momentum = self.momentum as f32;
        let new = if step == 1 { 1.0 } else { (1.0 - self.dampening) as f32 };
        // The direction is `direct * gradient + through * velocity`.
        let (direct, through) = if self.nesterov { (1.0, momentum) } else { (0.0, 1.0) };
        each3(weight, gradient, velocity, |weight, gradient, velocity| {
            for ((w, &g), v) in weight.iter_mut().zip(gradient).zip(velocity) {
                let g = scale * g + pull * *w;
                *v = momentum * *v + new * g;
                *w -= lr * (direct * g + through * *v);
            }
        });
    }
}
