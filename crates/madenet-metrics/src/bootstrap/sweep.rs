//! Ranking metrics of many resamples of the same images: sorted once, then counted with weights.

use crate::error::{Error, Result};

/// Images from the highest score to the lowest.
pub(super) struct Sweep {
    images: Vec<Image>,
    /// How often each image, in the order of the input, is in the resample at hand.
    times: Vec<usize>,
}

struct Image {
    score: f32,
    position: usize,
    anomalous: bool,
}

/// What a resample holds of the images of one score.
struct Step {
    normal: usize,
    anomalous: usize,
}

impl Sweep {
    pub(super) fn new(scores: &[f32], labels: &[bool]) -> Result<Self> {
        if scores.len() != labels.len() {
            return Err(Error::LengthMismatch { scores: scores.len(), labels: labels.len() });
        }
        let pairs = scores.iter().zip(labels).enumerate();
        let mut images = pairs
            .map(|(position, (&score, &anomalous))| match score.is_finite() {
                // -0.0 + 0.0 is 0.0: both zeros are one score.
                true => Ok(Image { score: score + 0.0, position, anomalous }),
                false => Err(Error::NonFiniteScore { index: position, value: score }),
            })
            .collect::<Result<Vec<_>>>()?;
        images.sort_by(|a, b| b.score.total_cmp(&a.score));
        Ok(Self { images, times: vec![0; scores.len()] })
    }

    /// [`auroc`](crate::auroc()) of the images at these positions.
    pub(super) fn auroc(&mut self, positions: &[usize]) -> Option<f64> {
        self.count(positions);
        let (mut normal, mut anomalous) = (0, 0);
        let mut twice_won: u128 = 0;
        for step in self.steps() {
            twice_won += step.normal as u128 * (2 * anomalous + step.anomalous) as u128;
            normal += step.normal;
            anomalous += step.anomalous;
        }
        let pairs = normal as u128 * anomalous as u128;
        (pairs > 0).then(|| twice_won as f64 / (2 * pairs) as f64)
    }

    /// [`average_precision`](crate::average_precision()) of the images at these positions.
    pub(super) fn average_precision(&mut self, positions: &[usize]) -> Option<f64> {
        self.count(positions);
        let (mut normal, mut anomalous) = (0, 0);
        let mut sum = 0.0;
        for step in self.steps() {
            normal += step.normal;
            anomalous += step.anomalous;
            if step.anomalous > 0 {
                sum += step.anomalous as f64 * (anomalous as f64 / (normal + anomalous) as f64);
            }
        }
        (normal > 0 && anomalous > 0).then(|| sum / anomalous as f64)
    }

    fn count(&mut self, positions: &[usize]) {
        self.times.fill(0);
        positions.iter().for_each(|&position| self.times[position] += 1);
    }

    /// The distinct scores from the highest to the lowest.
    fn steps(&self) -> impl Iterator<Item = Step> {
        self.images.chunk_by(|a, b| a.score == b.score).map(|tied| {
            let mut step = Step { normal: 0, anomalous: 0 };
            for image in tied {
                let class = if image.anomalous { &mut step.anomalous } else { &mut step.normal };
                *class += self.times[image.position];
            }
            step
        })
    }
}
