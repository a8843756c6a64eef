//! What SFAD learns: to tell normal features from the same features with noise.

use candle_core::{Device, Tensor};
use madenet_candle::ops::relu;
use madenet_candle::{Learner, Loss, MicroBatch};
use madenet_nets::Net;
use madenet_rng::Stream;
use rayon::prelude::*;

use super::FitError;
use super::features::{FeatureBank, Pick};
use crate::fit_config::FitConfig;

pub(crate) struct SfadLearner<'a> {
    net: Net,
    bank: FeatureBank<'a>,
    fit: &'a FitConfig,
    sigma: f32,
    device: Device,
}

impl<'a> SfadLearner<'a> {
    /// `net` is the training network, `sigma` the deviation of the noise.
    pub(crate) fn new(net: Net, bank: FeatureBank<'a>, fit: &'a FitConfig, sigma: f32) -> Self {
        SfadLearner { net, bank, fit, sigma, device: Device::Cpu }
    }

    /// The images of a step in the order of an epoch's own permutation, with random locations of each.
    fn picks(&self, step: u64) -> Vec<Pick> {
        let (images, locations) = (self.bank.images() as u64, self.bank.locations());
        let first = step * self.fit.batch as u64;
        let pick = |j: u64| {
            let (epoch, place) = ((first + j) / images, (first + j) % images);
            let order = Stream::new(self.fit.seed, "sfad/images", epoch, 0).permutation(images as usize);
            let locations = match self.fit.locations {
                Some(n) if n < locations => {
                    let mut drawn =
                        Stream::new(self.fit.seed, "sfad/locations", step, j).permutation(locations);
                    drawn.truncate(n);
                    drawn
                }
                _ => (0..locations).collect(),
            };
            Pick { image: order[place as usize], locations }
        };
        (0..self.fit.batch as u64).map(pick).collect()
    }

    /// Gaussian noise for `rows` feature vectors: fresh for every step, location and component.
    fn noise(&self, step: u64, rows: usize) -> Vec<f32> {
        /// Rows with one stream: many enough to be worth a task, fixed so that threads do not matter.
        const BLOCK: usize = 256;
        let dim = self.bank.dim();
        let mut noise = vec![0.0; rows * dim];
        noise.par_chunks_mut(BLOCK * dim).enumerate().for_each(|(block, noise)| {
            let mut stream = Stream::new(self.fit.seed, "sfad/noise", step, block as u64);
            noise.iter_mut().for_each(|value| *value = self.sigma * stream.normal());
        });
        noise
    }
}

impl Learner for SfadLearner<'_> {
    /// Features and noise.
    type Batch = Vec<Tensor>;
    type Error = FitError;

    fn net(&self) -> &Net {
        &self.net
    }

    fn collate(&self, at: MicroBatch) -> Result<Vec<Tensor>, FitError> {
        let picks = self.picks(at.number());
        let features = self.bank.rows(&picks)?;
        let dim = self.bank.dim();
        let rows = features.len() / dim;
        let noise = self.noise(at.number(), rows);
        let tensor = |values| Tensor::from_vec(values, (rows, dim, 1, 1), &self.device);
        Ok(vec![tensor(features)?, tensor(noise)?])
    }

    fn inputs(&self, batch: &Vec<Tensor>) -> Result<Vec<Tensor>, FitError> {
        Ok(batch.clone())
    }

    fn loss(&self, outputs: &[Tensor], _: &Vec<Tensor>) -> Result<Loss, FitError> {
        margin_loss(&outputs[0], self.fit.margin)
    }

    fn settings(&self) -> String {
        format!("{:?}, noise {}, {} images", self.fit, self.sigma, self.bank.images())
    }
}

/// The margin loss (F7, F8) of the normality of normal rows, first, and as many noisy rows: normal ones below the margin
/// and noisy ones above its negative cost their distance; the mean of each half, added.
fn margin_loss(normality: &Tensor, margin: f32) -> Result<Loss, FitError> {
    let normality = normality.flatten_all()?;
    let rows = normality.dims1()? / 2;
    let (normal, noisy) = (normality.narrow(0, 0, rows)?, normality.narrow(0, rows, rows)?);
    let distance = |sign: f64, values: &Tensor| relu(&values.affine(sign, f64::from(margin))?)?.mean_all();
    let halves = [distance(-1.0, &normal)?, distance(1.0, &noisy)?];
    let parts = vec![("normal", halves[0].to_scalar::<f32>()?), ("noisy", halves[1].to_scalar::<f32>()?)];
    let total = (&halves[0] + &halves[1])?;
    let share = |values: &Tensor, is_met: &dyn Fn(f32) -> bool| -> Result<f32, FitError> {
        let values = values.to_vec1::<f32>()?;
        Ok(values.iter().filter(|&&v| is_met(v)).count() as f32 / values.len() as f32)
    };
    let p_true = share(&normal, &|v| v >= margin)?;
    let p_fake = share(&noisy, &|v| v < -margin)?;
    Ok(Loss { total, parts, health: vec![("p_true", p_true), ("p_fake", p_fake)] })
}

#[cfg(test)]
mod tests {
    use candle_core::Var;

    use super::*;

    /// By the definition of the margin loss: nothing beyond the margins costs anything, a blind discriminator costs 1.
    #[test]
    fn satisfied_margins_cost_nothing_and_silence_costs_one() -> Result<(), FitError> {
        let loss = |values: &[f32]| {
            let normality = Tensor::from_slice(values, (values.len(), 1, 1, 1), &Device::Cpu)?;
            let Loss { total, health, .. } = margin_loss(&normality, 0.5)?;
            Ok::<_, FitError>((total.to_scalar::<f32>()?, health[0].1, health[1].1))
        };
        assert_eq!(loss(&[0.5, 3.0, -0.5, -7.0])?, (0.0, 1.0, 0.5));
        assert_eq!(loss(&[0.0; 4])?, (1.0, 0.0, 0.0));
        assert_eq!(loss(&[0.25, 1.0, -1.0, 0.5])?, (0.625, 0.5, 0.5));
        Ok(())
    }

    #[test]
    fn only_rows_within_the_margin_are_moved() -> Result<(), FitError> {
        let normality = Var::from_slice(&[0.4_f32, 0.6, -0.6, 0.0], (4, 1, 1, 1), &Device::Cpu)?;
        let gradients = margin_loss(&normality, 0.5)?.total.backward()?;
        let gradient = gradients.get(&normality).map(|g| g.flatten_all()?.to_vec1::<f32>()).transpose()?;
        assert_eq!(gradient, Some(vec![-0.5, 0.0, 0.0, 0.5]));
        Ok(())
    }
}
