//! Intervals of metrics by the paired bootstrap.
//!
//! Test sets are small, often some twenty normal images, and a figure of theirs says little without its
//! interval. Images are drawn with replacement, never pixels: those of one image are not independent.
//! Differences of two detectors are taken on the same resamples, which cancels what is easy or hard in a
//! resample for both.

mod resample;

use madenet_rng::Stream;

use crate::error::{Error, Result};

pub use resample::Resample;

/// Purpose of the random streams; the resample is their first counter.
const PURPOSE: &str = "metrics/bootstrap";

/// How to draw resamples, and which interval to take of them.
///
/// Resampling is stratified: as many normal and as many anomalous images are drawn as there are, each from its
/// class, so that both classes are always present. Interval bounds are percentiles of the resampled statistic
/// (Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13). The `p`-quantile of `n` sorted
/// values lies at position `p (n - 1)`, from 0, and between two values by linear interpolation (type 7 of
/// Hyndman and Fan, The American Statistician 50, 1996, and the default of numpy).
///
/// Resample `k` draws from its own stream, so equal seeds give equal intervals.
///
/// ```
/// use madenet_metrics::{Bootstrap, Resample};
///
/// // Anomalous images as #, normal ones as o, from low to high scores: ooooo#o#o###
/// let labels = [false, false, false, false, false, true, false, true, false, true, true, true];
/// let scores: Vec<f32> = (0..12u8).map(f32::from).collect();
/// let bootstrap = Bootstrap::default();
/// let interval = bootstrap.ranking_interval(&scores, &labels, Resample::auroc)?.unwrap();
/// assert_eq!(interval.estimate, 32.0 / 35.0);
/// assert!(interval.low < 0.8 && interval.high == 1.0);
/// assert_eq!((interval.resamples, interval.undefined), (2000, 0));
///
/// // Any statistic of the images at the given positions: here the recall at a threshold of 8.
/// let recall = |images: &[usize]| {
///     let found: Vec<bool> = images.iter().filter(|&&i| labels[i]).map(|&i| scores[i] >= 8.0).collect();
///     Some(found.iter().filter(|&&found| found).count() as f64 / found.len() as f64)
/// };
/// assert_eq!(bootstrap.interval(&labels, recall)?.unwrap().estimate, 0.6);
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Number of resamples, at least 1. 2000 by default: bounds far out in the tails need more than
    /// the some 200 that are enough for a standard error (Efron and Tibshirani).
    pub resamples: usize,
    /// Share of the resampled statistics between the bounds, in (0, 1). 0.95 by default.
    pub confidence: f64,
    /// Seed of all resamples. 0 by default.
    pub seed: u64,
}

/// A figure with the bounds of its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Interval {
    /// The statistic of the images as they are.
    pub estimate: f64,
    /// The `(1 - confidence) / 2` quantile of the resampled statistic.
    pub low: f64,
    /// The `(1 + confidence) / 2` quantile of the resampled statistic.
    pub high: f64,
    /// Share of the resampled statistics between the bounds.
    pub confidence: f64,
    /// Number of resamples drawn.
    pub resamples: usize,
    /// Number of resamples without a value of the statistic. The bounds leave them out, so they say little
    /// where this is more than a few.
    pub undefined: usize,
}

/// The difference of two statistics on the same images.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Difference {
    /// Interval of the first statistic minus the second.
    pub interval: Interval,
    /// Share of the resamples with a value in which the difference is above 0, in 0..=1; equal ones are not.
    pub above_zero: f64,
}

impl Default for Bootstrap {
    fn default() -> Self {
        Self { resamples: 2000, confidence: 0.95, seed: 0 }
    }
}

impl Bootstrap {
    /// The interval of any statistic.
    ///
    /// The statistic gets positions of images, as many as there are labels; the image at each place of a
    /// resample has the label of that place. First it is asked for the estimate, with all positions in order.
    ///
    /// `None` where the statistic has no value for the images as they are, or for no resample.
    ///
    /// # Errors
    ///
    /// If there are no resamples, the confidence is not in (0, 1), or the statistic is NaN or infinite.
    pub fn interval(
        &self,
        labels: &[bool],
        statistic: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Result<Option<Interval>> {
        Ok(self.resample(labels, statistic)?.and_then(|values| values.interval(self.confidence)))
    }

    /// The interval of the difference `a - b` of two statistics, both taken on every resample; see
    /// [`interval`](Self::interval). The difference has no value where one of them has none.
    ///
    /// # Errors
    ///
    /// If there are no resamples, the confidence is not in (0, 1), or the difference is NaN or infinite.
    ///
    /// ```
    /// use madenet_metrics::Bootstrap;
    ///
    /// let (labels, a, b) = ([true; 4], [0.9, 0.7, 0.8, 0.6], [0.8, 0.6, 0.7, 0.5]);
    /// let mean = |scores: [f64; 4]| {
    ///     move |images: &[usize]| Some(images.iter().map(|&i| scores[i]).sum::<f64>() / images.len() as f64)
    /// };
    /// // Every image gains 0.1, so the difference is certain although either mean is not.
    /// let gain = Bootstrap::default().paired(&labels, mean(a), mean(b))?.unwrap();
    /// assert!((gain.interval.low - 0.1).abs() < 1e-12 && (gain.interval.high - 0.1).abs() < 1e-12);
    /// assert_eq!(gain.above_zero, 1.0);
    /// # Ok::<(), madenet_metrics::Error>(())
    /// ```
    pub fn paired(
        &self,
        labels: &[bool],
        mut a: impl FnMut(&[usize]) -> Option<f64>,
        mut b: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Result<Option<Difference>> {
        let values = self.resample(labels, |images| Some(a(images)? - b(images)?))?;
        Ok(values.and_then(|values| {
            let interval = values.interval(self.confidence)?;
            let above = values.sorted.iter().filter(|&&value| value > 0.0).count();
            Some(Difference { interval, above_zero: above as f64 / values.sorted.len() as f64 })
        }))
    }

    /// The interval of a ranking metric of image scores, such as [`Resample::auroc`]. The images are sorted once, and
    /// only counted anew for every resample, which is much quicker than to rank them by [`interval`](Self::interval).
    ///
    /// `None` where the metric has no value for the images as they are, or for no resample.
    ///
    /// # Errors
    ///
    /// As [`interval`](Self::interval), and if the lengths differ or a score is NaN or infinite.
    ///
    /// ```
    /// use madenet_metrics::Bootstrap;
    ///
    /// let labels = [false, false, false, true, true, true];
    /// let scores = [0.1, 0.5, 0.3, 0.4, 0.6, 0.9];
    /// // One of three normal images is found with all anomalous ones: F1 = 6 / 7.
    /// let f1 = Bootstrap::default()
    ///     .ranking_interval(&scores, &labels, |resample| Some(resample.f1_max()?.f1))?
    ///     .unwrap();
    /// assert_eq!((f1.estimate, f1.high), (6.0 / 7.0, 1.0));
    /// # Ok::<(), madenet_metrics::Error>(())
    /// ```
    pub fn ranking_interval(
        &self,
        scores: &[f32],
        labels: &[bool],
        metric: impl Fn(&Resample) -> Option<f64>,
    ) -> Result<Option<Interval>> {
        let mut resample = Resample::new(scores, labels)?;
        self.interval(labels, |images| metric(resample.draw(images)))
    }

    /// The interval of a ranking metric of one detector minus that of another on the same images, both taken on
    /// every resample; see [`ranking_interval`](Self::ranking_interval).
    ///
    /// # Errors
    ///
    /// As [`ranking_interval`](Self::ranking_interval).
    ///
    /// ```
    /// use madenet_metrics::{Bootstrap, Resample};
    ///
    /// let labels = [false, false, false, true, true, true];
    /// let (a, b) = ([0.1, 0.2, 0.3, 0.7, 0.8, 0.9], [0.1, 0.5, 0.3, 0.4, 0.2, 0.9]);
    /// let gain = Bootstrap::default().ranking_difference(&a, &b, &labels, Resample::auroc)?.unwrap();
    /// assert_eq!(gain.interval.estimate, 1.0 - 6.0 / 9.0);
    /// assert!(gain.above_zero > 0.8);
    /// # Ok::<(), madenet_metrics::Error>(())
    /// ```
    pub fn ranking_difference(
        &self,
        scores_a: &[f32],
        scores_b: &[f32],
        labels: &[bool],
        metric: impl Fn(&Resample) -> Option<f64>,
    ) -> Result<Option<Difference>> {
        let (mut a, mut b) = (Resample::new(scores_a, labels)?, Resample::new(scores_b, labels)?);
        self.paired(labels, |images| metric(a.draw(images)), |images| metric(b.draw(images)))
    }

    /// The statistic of the images as they are and of all resamples; `None` where the first has no value.
    fn resample(
        &self,
        labels: &[bool],
        mut statistic: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Result<Option<Values>> {
        if self.resamples == 0 {
            return Err(Error::NoResamples);
        }
        if !(self.confidence > 0.0 && self.confidence < 1.0) {
            return Err(Error::Confidence { confidence: self.confidence });
        }
        let mut images: Vec<usize> = (0..labels.len()).collect();
        let Some(estimate) = finite(statistic(&images))? else {
            return Ok(None);
        };
        let (anomalous, normal): (Vec<usize>, Vec<usize>) = images.iter().partition(|&&image| labels[image]);
        let (mut sorted, mut undefined) = (Vec::new(), 0);
        for resample in 0..self.resamples {
            let mut stream = Stream::new(self.seed, PURPOSE, resample as u64, 0);
            for (image, &label) in images.iter_mut().zip(labels) {
                // Not empty: the image of this place is one of it.
                let class = if label { &anomalous } else { &normal };
                *image = class[stream.below(class.len())];
            }
            match finite(statistic(&images))? {
                Some(value) => sorted.push(value),
                None => undefined += 1,
            }
        }
        sorted.sort_unstable_by(f64::total_cmp);
        Ok(Some(Values { estimate, sorted, undefined }))
    }
}

/// A statistic of the images as they are and of the resamples.
struct Values {
    estimate: f64,
    /// Of the resamples that have a value, ascending.
    sorted: Vec<f64>,
    undefined: usize,
}

impl Values {
    fn interval(&self, confidence: f64) -> Option<Interval> {
        Some(Interval {
            estimate: self.estimate,
            low: quantile(&self.sorted, (1.0 - confidence) / 2.0)?,
            high: quantile(&self.sorted, (1.0 + confidence) / 2.0)?,
            confidence,
            resamples: self.sorted.len() + self.undefined,
            undefined: self.undefined,
        })
    }
}

/// The `p`-quantile of ascending values, see [`Bootstrap`]; `None` without a value.
fn quantile(sorted: &[f64], p: f64) -> Option<f64> {
    let position = p * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (*sorted.get(position.floor() as usize)?, *sorted.get(position.ceil() as usize)?);
    // In two halves, as the whole distance may be above the largest number.
    let half = (above / 2.0 - below / 2.0) * position.fract();
    Some((below + half + half).clamp(below, above))
}

fn finite(value: Option<f64>) -> Result<Option<f64>> {
    match value {
        Some(value) if !value.is_finite() => Err(Error::NonFiniteStatistic { value }),
        value => Ok(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        let sorted = [1.0, 2.0, 4.0, 8.0, 16.0];
        assert_eq!([0.0, 0.25, 0.5, 1.0].map(|p| quantile(&sorted, p).unwrap()), [1.0, 2.0, 4.0, 16.0]);
        assert_eq!([0.125, 0.9].map(|p| quantile(&sorted, p).unwrap()), [1.5, 12.8]);
        assert_eq!(quantile(&[3.0], 0.975), Some(3.0));
        assert_eq!(quantile(&[], 0.5), None);
        assert_eq!([0.25, 0.5, 0.75].map(|p| quantile(&[-1e308, 1e308], p).unwrap()), [-5e307, 0.0, 5e307]);
    }
}
