//! Ranking metrics of many resamples of the same images: sorted once, then counted with weights.

use crate::error::Result;
use crate::f1_max::{self, F1Max};
use crate::input::check_scores;
use crate::key::key;
use crate::ranked::{Step, Sweep};
use crate::{auroc, average_precision};

/// The image scores of one resample, as [`Bootstrap::ranking_interval`](crate::Bootstrap::ranking_interval) gives
/// them to a statistic.
///
/// Its figures are those of a [`Ranking`](crate::Ranking) in which every image appears as often as it was drawn, but
/// the images were sorted once for all resamples.
#[derive(Debug, Clone)]
pub struct Resample {
    /// From the highest score to the lowest.
    images: Vec<Image>,
    /// How often each image, in the order of the input, is in the resample at hand.
    times: Vec<u64>,
    normal: u64,
    anomalous: u64,
}

#[derive(Debug, Clone, Copy)]
struct Image {
    key: u32,
    position: usize,
    anomalous: bool,
}

impl Resample {
    /// No image drawn yet.
    pub(super) fn new(scores: &[f32], labels: &[bool]) -> Result<Self> {
        check_scores(scores, labels)?;
        let pairs = scores.iter().zip(labels).enumerate();
        let mut images: Vec<Image> = pairs
            .map(|(position, (&score, &anomalous))| Image { key: key(score), position, anomalous })
            .collect();
        images.sort_by_key(|image| std::cmp::Reverse(image.key));
        Ok(Self { images, times: vec![0; scores.len()], normal: 0, anomalous: 0 })
    }

    /// Draws the images at these positions.
    pub(super) fn draw(&mut self, positions: &[usize]) -> &Self {
        self.times.fill(0);
        positions.iter().for_each(|&position| self.times[position] += 1);
        (self.normal, self.anomalous) = self.count(&self.images);
        self
    }

    /// How often normal and anomalous ones of these images are in the resample.
    fn count(&self, images: &[Image]) -> (u64, u64) {
        images.iter().fold((0, 0), |(normal, anomalous), image| match image.anomalous {
            false => (normal + self.times[image.position], anomalous),
            true => (normal, anomalous + self.times[image.position]),
        })
    }

    /// Area under the ROC curve, 0..=1: see [`auroc`](crate::auroc()). `None` where a class is missing.
    #[must_use]
    pub fn auroc(&self) -> Option<f64> {
        auroc::of(self)
    }

    /// Average precision by steps, in (0, 1]: see [`average_precision`](crate::average_precision()). `None` where a
    /// class is missing.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        average_precision::of(self)
    }

    /// Area under the precision-recall curve by trapezoids, 0..=1: see
    /// [`Ranking::pr_auc_trapezoid`](crate::Ranking::pr_auc_trapezoid). `None` where a class is missing.
    #[must_use]
    pub fn pr_auc_trapezoid(&self) -> Option<f64> {
        average_precision::trapezoid_of(self)
    }

    /// The best F1 score over all thresholds: see [`f1_max`](crate::f1_max()). `None` where a class is missing.
    #[must_use]
    pub fn f1_max(&self) -> Option<F1Max> {
        f1_max::of(self)
    }
}

impl Sweep for Resample {
    fn normal_count(&self) -> u64 {
        self.normal
    }

    fn anomalous_count(&self) -> u64 {
        self.anomalous
    }

    fn sweep(&self, mut visit: impl FnMut(&Step)) {
        let (mut above, mut above_key) = (0, 0);
        let mut end = 0;
        for equal in self.images.chunk_by(|a, b| a.key == b.key) {
            let (start, key) = (end, equal[0].key);
            end += equal.len();
            let (tied, anomalous) = self.count(equal);
            if anomalous == 0 {
                (above, above_key) = (above + tied, key);
            } else {
                visit(&Step { above, above_key, key, tied, anomalous, slots: start..end });
                above = 0;
            }
        }
    }
}
