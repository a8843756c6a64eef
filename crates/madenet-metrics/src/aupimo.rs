//! Area under the per-image overlap curve.
//!
//! Bertoldo, Ameln, Vaidya and Akcay, "AUPIMO: Redefining Visual Anomaly Detection Benchmarks with High Speed
//! and Low Tolerance", BMVC 2024. The recall of each anomalous image is drawn over the false positive rate of
//! the *normal images* alone, at rates so low that an inspector would accept them, and integrated over the
//! logarithm of the rate. Each image has its own figure, so a set shows which defects are found and which are
//! not.
//!
//! Kept are 4 bytes per pixel of a normal image and 4 per anomalous pixel; the normal pixels of anomalous
//! images play no part. 500 normal maps of 256 x 256 are 131 MB, up to twice that while the buffers grow. Only
//! the highest normal scores, up to the upper bound of the rate, are ever sorted.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::mean::Mean;

/// False positive rates between which the AUPIMO is usually integrated: 1e-5 to 1e-4 (Bertoldo et al., BMVC
/// 2024), one to ten pixels of a 316 x 316 image.
pub const AUPIMO_FPR_BOUNDS: (f64, f64) = (1e-5, 1e-4);

/// Collects anomaly maps and masks, one image at a time; [`finish`](Self::finish) integrates.
///
/// # Definition
///
/// At a threshold, a pixel is predicted anomalous if its score is at least the threshold. The shared false
/// positive rate is the mean over the normal images of the predicted share of the image, so that images weigh
/// the same whatever their size. The recall of an anomalous image is the predicted share of its anomalous
/// pixels.
///
/// The curve of an image goes through the points of *all* distinct thresholds, from the highest to the lowest;
/// there is no grid of thresholds. Between two points the recall is linear in the logarithm of the rate, and
/// so it is cut at the bounds. Below the smallest rate that is not 0 the recall is the one reached without
/// any false positive: a line to a rate of 0 has no slope in a logarithm. The area between the bounds `L` and
/// `U` is divided by `ln(U / L)`: 1 for an image whose defects score above all normal pixels.
///
/// ```
/// use madenet_metrics::Aupimo;
///
/// let mut aupimo = Aupimo::new();
/// // A normal image of ten pixels, and an anomalous one whose defect has two, marked.
/// aupimo.push(&[0.5, 0.4, 0.3, 0.2, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0], &[false; 10], 2, 5)?;
/// aupimo.push(&[0.60, 0.35,
///               0.90, 0.10], &[true, true,
///                              false, false], 2, 2)?;
/// let scores = aupimo.finish((0.1, 0.5))?;
///
/// // recall 1        +--------------
/// //       1/2  -----+
/// //      rate 0.1  0.2  0.3  0.4  0.5      (the axis is logarithmic)
/// let area = (0.5 * (0.2_f64 / 0.1).ln() + (0.5_f64 / 0.2).ln()) / (0.5_f64 / 0.1).ln();
/// assert_eq!(scores.per_image[0], None);
/// assert!((scores.per_image[1].unwrap() - area).abs() < 1e-12);
/// assert_eq!((scores.mean, scores.anomalous_images), (scores.per_image[1], 1));
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Aupimo {
    /// Scores of normal images by the number of pixels of an image: all in one list weigh the same.
    normal: BTreeMap<usize, Vec<f32>>,
    /// For every image its anomalous scores, `None` where it has none.
    images: Vec<Option<Vec<f32>>>,
}

/// The AUPIMO of every image.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AupimoScores {
    /// One figure in 0..=1 per image, in the order of the calls to `push`. `None` for a normal image, and for
    /// all images where none is normal.
    pub per_image: Vec<Option<f64>>,
    /// Mean over the anomalous images; `None` without an anomalous or without a normal image.
    pub mean: Option<f64>,
    /// Number of images with an anomalous pixel.
    pub anomalous_images: usize,
    /// Number of images with pixels, none of them anomalous.
    pub normal_images: usize,
}

impl Aupimo {
    /// No image yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one image: its anomaly map and its mask, both row-major with `height * width` values. The mask is
    /// true where the pixel is anomalous, and all false for a normal image. Sizes may differ between images;
    /// an image without pixels is neither normal nor anomalous.
    ///
    /// # Errors
    ///
    /// If a length is not `height * width`, or a value of the map is NaN or infinite. Nothing is added then.
    pub fn push(&mut self, map: &[f32], mask: &[bool], height: usize, width: usize) -> Result<()> {
        self.check(map, mask, height, width)?;
        // -0.0 + 0.0 is 0.0: both zeros are one score in every order below.
        if mask.contains(&true) {
            let anomalous = map.iter().zip(mask).filter(|pixel| *pixel.1).map(|pixel| pixel.0 + 0.0);
            self.images.push(Some(anomalous.collect()));
        } else {
            if !map.is_empty() {
                self.normal.entry(map.len()).or_default().extend(map.iter().map(|score| score + 0.0));
            }
            self.images.push(None);
        }
        Ok(())
    }

    /// Adds the images of another collection behind the images of this one.
    pub fn merge(&mut self, other: Self) {
        for (pixels, scores) in other.normal {
            self.normal.entry(pixels).or_default().extend(scores);
        }
        self.images.extend(other.images);
    }

    /// Integrates between two false positive rates, usually [`AUPIMO_FPR_BOUNDS`].
    ///
    /// # Errors
    ///
    /// If the bounds are not `0 < lower < upper <= 1`, or if the lower one is below the smallest rate the
    /// normal images can show, `1 / (normal images * pixels of the largest one)`: most of the axis would hold
    /// a single point then, and the figure would not be comparable with others.
    pub fn finish(self, bounds: (f64, f64)) -> Result<AupimoScores> {
        let (lower, upper) = bounds;
        if !(0.0 < lower && lower < upper && upper <= 1.0) {
            return Err(Error::AupimoBounds { lower, upper });
        }
        let normal_images = self.normal.iter().map(|(pixels, scores)| scores.len() / pixels).sum();
        let axis = SharedRate::new(self.normal, normal_images, bounds)?;

        let anomalous_images = self.images.iter().flatten().count();
        let per_image: Vec<_> =
            self.images.into_iter().map(|scores| Some(axis.as_ref()?.area_under_recall(scores?))).collect();
        let mean = Mean::of(per_image.iter().copied()).value;
        Ok(AupimoScores { per_image, mean, anomalous_images, normal_images })
    }

    fn check(&self, map: &[f32], mask: &[bool], height: usize, width: usize) -> Result<()> {
        let image = self.images.len();
        if height.checked_mul(width) != Some(map.len()) {
            return Err(Error::MapSize { image, height, width, got: map.len() });
        }
        if mask.len() != map.len() {
            return Err(Error::MaskSize { image, height, width, got: mask.len() });
        }
        match map.iter().enumerate().find(|(_, score)| !score.is_finite()) {
            None => Ok(()),
            Some((index, &value)) => {
                Err(Error::NonFinitePixel { image, index, x: index % width, y: index / width, value })
            }
        }
    }
}

/// The false positive rate at every distinct score of the normal images, from the highest on.
struct SharedRate {
    bounds: (f64, f64),
    /// Up to the first rate that reaches the upper bound.
    steps: Vec<Step>,
}

struct Step {
    threshold: f32,
    /// Rate at this threshold.
    rate: f64,
}

impl SharedRate {
    /// `None` without a normal image.
    fn new(normal: BTreeMap<usize, Vec<f32>>, images: usize, bounds: (f64, f64)) -> Result<Option<Self>> {
        let Some((&largest, _)) = normal.last_key_value() else {
            return Ok(None);
        };
        let (lower, upper) = bounds;
        let finest = 1.0 / (images as f64 * largest as f64);
        if lower < finest {
            return Err(Error::AupimoResolution { lower, finest });
        }
        // What a rate of 1 counts in pixels of each size, were all images of that size.
        let full: Vec<f64> = normal.keys().map(|&pixels| images as f64 * pixels as f64).collect();
        let mut highest: Vec<(f32, usize)> = normal
            .into_values()
            .enumerate()
            .flat_map(|(size, scores)| {
                highest_scores(scores, upper * full[size]).map(move |score| (score, size))
            })
            .collect();
        highest.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));

        let mut steps = Vec::new();
        let mut counts = vec![0_usize; full.len()];
        for tied in highest.chunk_by(|a, b| a.0 == b.0) {
            tied.iter().for_each(|&(_, size)| counts[size] += 1);
            let rate = counts.iter().zip(&full).map(|(&count, &full)| count as f64 / full).sum();
            steps.push(Step { threshold: tied[0].0, rate });
            if rate >= upper {
                break;
            }
        }
        Ok(Some(Self { bounds, steps }))
    }

    /// The area under the recall of one image, whose anomalous scores these are; there is at least one.
    ///
    /// Thresholds between two steps change the recall at one rate, which has no area; so the curve is told by
    /// the recall just above each step and at it.
    fn area_under_recall(&self, mut scores: Vec<f32>) -> f64 {
        scores.sort_unstable_by(|a, b| b.total_cmp(a));
        let total = scores.len() as f64;
        let mut rest = &scores[..];
        let (mut rate, mut area) = (0.0, 0.0);
        for step in &self.steps {
            rest = &rest[rest.partition_point(|&score| score > step.threshold)..];
            let above = (total - rest.len() as f64) / total;
            rest = &rest[rest.partition_point(|&score| score == step.threshold)..];
            let here = (total - rest.len() as f64) / total;
            area += self.segment((rate, above), (step.rate, here));
            rate = step.rate;
        }
        let (lower, upper) = self.bounds;
        f64::min(area / (upper / lower).ln(), 1.0)
    }

    /// The area under the line between two points (rate, recall), as far as it lies within the bounds.
    fn segment(&self, from: (f64, f64), to: (f64, f64)) -> f64 {
        let (left, right) = (from.0.max(self.bounds.0), to.0.min(self.bounds.1));
        if left >= right {
            return 0.0;
        }
        let recall_at = |rate: f64| match from.0 {
            0.0 => from.1,
            _ => from.1 + (to.1 - from.1) * (rate / from.0).ln() / (to.0 / from.0).ln(),
        };
        (right / left).ln() * (recall_at(left) + recall_at(right)) / 2.0
    }
}

/// All scores that can lie above the threshold at which `count` of the list are reached, and those equal to
/// it.
fn highest_scores(mut scores: Vec<f32>, count: f64) -> impl Iterator<Item = f32> {
    // One more than asked for: the product may have been rounded down. Lists are never empty.
    let last = (count.ceil() as usize).min(scores.len() - 1);
    let (_, &mut lowest, _) = scores.select_nth_unstable_by(last, |a, b| b.total_cmp(a));
    scores.into_iter().filter(move |&score| score >= lowest)
}
