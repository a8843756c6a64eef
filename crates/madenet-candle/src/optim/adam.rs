//! Adam and AdamW.

use madenet_core::Error;

use super::chunks::each4;
use super::rule::{Decay, check, is_share};

/// Settings of Adam and AdamW: `torch.optim.Adam` and `AdamW` without `amsgrad`. The defaults are PyTorch's.
///
/// | setting | default | range | purpose |
/// |---|---|---|---|
/// | `lr` | 0.001 | from 0 | learning rate |
/// | `beta1` | 0.9 | `[0, 1)` | decay of the mean of gradients |
/// | `beta2` | 0.999 | `[0, 1)` | decay of the mean of squared gradients |
/// | `eps` | 1e-8 | above 0 | keeps the quotient finite |
/// | `weight_decay` | 0 (AdamW: 0.01) | from 0 | pull of the weights towards 0 |
/// | `decoupled` | false (AdamW: true) | | where weight decay acts |
/// | `decay` | all | | what weight decay acts on |
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct AdamConfig {
    /// Learning rate: about the largest change of a weight in one step.
    pub lr: f64,
    /// Decay of the running mean of gradients.
    pub beta1: f64,
    /// Decay of the running mean of squared gradients.
    pub beta2: f64,
    /// Added to the root of the mean of squared gradients.
    pub eps: f64,
    /// Weight decay.
    pub weight_decay: f64,
    /// False: `weight_decay * weight` is added to the gradient (Adam, Kingma and Ba 2015, with an L2 penalty). True:
    /// weights shrink by the factor `1 - lr * weight_decay` (AdamW, Loshchilov and Hutter 2019).
    pub decoupled: bool,
    /// Which parameters weight decay pulls.
    pub decay: Decay,
}

impl Default for AdamConfig {
    fn default() -> Self {
        AdamConfig {
            lr: 1e-3,
            beta1: 0.9,
            beta2: 0.999,
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled: false,
            decay: Decay::All,
        }
    }
}

impl AdamConfig {
    /// PyTorch's defaults of AdamW: as [`default`](Self::default), with a decoupled weight decay of 0.01.
    #[must_use]
    pub fn adamw() -> Self {
        AdamConfig { weight_decay: 0.01, decoupled: true, ..Self::default() }
    }

    /// With this learning rate.
    #[must_use]
    pub const fn lr(self, lr: f64) -> Self {
        AdamConfig { lr, ..self }
    }

    /// With this weight decay.
    #[must_use]
    pub const fn weight_decay(self, weight_decay: f64) -> Self {
        AdamConfig { weight_decay, ..self }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        check("lr", self.lr, self.lr >= 0.0, "a finite number from 0")?;
        check("beta1", self.beta1, is_share(self.beta1), "0 to below 1")?;
        check("beta2", self.beta2, is_share(self.beta2), "0 to below 1")?;
        check("eps", self.eps, self.eps > 0.0, "a finite number above 0")?;
        check("weight_decay", self.weight_decay, self.weight_decay >= 0.0, "a finite number from 0")
    }

    /// Moves one parameter in the step that is its `step`-th, counted from 1, with all gradients times `scale`.
    pub(super) fn apply(
        &self,
        weight: &mut [f32],
        gradient: &[f32],
        (mean, square): (&mut [f32], &mut [f32]),
        (step, lr_factor, scale): (u64, f64, f64),
    ) {
        let lr = self.lr * lr_factor;
        // Both means start at 0; the divisors are the shares that gradients have in them by now.
        let share = |beta: f64| 1.0 - beta.powf(step as f64);
        let length = (lr / share(self.beta1)) as f32;
        let root_share = share(self.beta2).sqrt() as f32;
        let (pull, shrink) = if self.decoupled {
            (0.0, (1.0 - lr * self.weight_decay) as f32)
        } else {
            (self.weight_decay as f32, 1.0)
        };
        let (new_mean, keep, new) = ((1.0 - self.beta1) as f32, self.beta2 as f32, (1.0 - self.beta2) as f32);
        let (scale, eps) = (scale as f32, self.eps as f32);
        each4(weight, gradient, mean, square, |weight, gradient, mean, square| {
            for (((w, &g), m), v) in weight.iter_mut().zip(gradient).zip(mean).zip(square) {
                let g = scale * g + pull * *w;
                *m += new_mean * (g - *m);
                *v = keep * *v + new * g * g;
                *w = shrink * *w - length * *m / (v.sqrt() / root_share + eps);
            }
        });
    }
}
