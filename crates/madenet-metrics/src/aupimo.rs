//! Area under the per-image overlap curve.
//!
//! Bertoldo, Ameln, Vaidya and Akcay, "AUPIMO: Redefining Visual Anomaly Detection Benchmarks with High Speed
//! and Low Tolerance", BMVC 2024. The recall of each anomalous image is drawn over the false positive rate of
//! the *normal images* alone, at rates so low that an inspector would accept them, and integrated over the
//! logarithm of the rate. Each image has its own figure, so a set shows which defects are found and which are
//! not.

mod shared_rate;

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::input::check_map;
use crate::key::key;
use crate::mean::Mean;
use crate::radix::sort_keys;
use shared_rate::SharedRate;

/// False positive rates between which the AUPIMO is usually integrated: 1e-5 to 1e-4 (Bertoldo et al., BMVC
/// 2024), one to ten pixels of a 316 x 316 image.
pub const AUPIMO_FPR_BOUNDS: (f64, f64) = (1e-5, 1e-4);

/// Collects anomaly maps and masks, one image at a time; [`finish`](Self::finish) sorts them.
///
/// Kept are 4 bytes per pixel of a normal image and 4 per anomalous pixel; the normal pixels of anomalous images
/// play no part. 500 normal maps of 256 x 256 are 131 MB. Buffers double as they grow, so up to twice that is
/// reserved, and three times that while one is moved to a larger place or sorted.
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
/// let figures = aupimo.finish().between((0.1, 0.5))?;
///
/// // recall 1        +--------------
/// //       1/2  -----+
/// //      rate 0.1  0.2  0.3  0.4  0.5      (the axis is logarithmic)
/// let area = (0.5 * (0.2_f64 / 0.1).ln() + (0.5_f64 / 0.2).ln()) / (0.5_f64 / 0.1).ln();
/// assert_eq!(figures.per_image[0], None);
/// assert!((figures.per_image[1].unwrap() - area).abs() < 1e-12);
/// assert_eq!((figures.mean.value, figures.mean.total), (figures.per_image[1], 1));
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Aupimo {
    /// Keys of normal images by the number of pixels of an image: all in one list weigh the same.
    normal: BTreeMap<usize, Vec<u32>>,
    /// For every image its anomalous keys, `None` where it has none.
    images: Vec<Option<Vec<u32>>>,
}

/// The sorted pixels of a test set: the AUPIMO [between](Self::between) any two rates.
#[derive(Debug, Clone)]
pub struct AupimoScores {
    /// As in [`Aupimo`], in ascending order.
    normal: BTreeMap<usize, Vec<u32>>,
    images: Vec<Option<Vec<u32>>>,
}

/// The AUPIMO of every image between two rates.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct AupimoFigures {
    /// One figure in 0..=1 per image, in the order of the calls to `push`. `None` for a normal image, and for
    /// all images where none is normal.
    pub per_image: Vec<Option<f64>>,
    /// Mean over the anomalous images.
    pub mean: Mean,
}

impl Aupimo {
    /// No image yet.
    #[must_use]
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
        check_map(self.images.len(), map, mask, height, width)?;
        if mask.contains(&true) {
            let anomalous = map.iter().zip(mask).filter(|pixel| *pixel.1).map(|pixel| key(*pixel.0));
            self.images.push(Some(anomalous.collect()));
        } else {
            if !map.is_empty() {
                self.normal.entry(map.len()).or_default().extend(map.iter().map(|&score| key(score)));
            }
            self.images.push(None);
        }
        Ok(())
    }

    /// Adds the images of another collection behind the images of this one.
    pub fn merge(&mut self, other: Self) {
        for (pixels, keys) in other.normal {
            self.normal.entry(pixels).or_default().extend(keys);
        }
        self.images.extend(other.images);
    }

    /// Sorts all pixels, once for all rates.
    #[must_use]
    pub fn finish(mut self) -> AupimoScores {
        self.normal.values_mut().for_each(sort_keys);
        self.images.iter_mut().flatten().for_each(sort_keys);
        AupimoScores { normal: self.normal, images: self.images }
    }
}

impl AupimoScores {
    /// Number of images, those without pixels included.
    #[must_use]
    pub fn images(&self) -> usize {
        self.images.len()
    }

    /// Number of images with an anomalous pixel.
    #[must_use]
    pub fn anomalous_images(&self) -> usize {
        self.images.iter().flatten().count()
    }

    /// Number of images with pixels, none of them anomalous.
    #[must_use]
    pub fn normal_images(&self) -> usize {
        self.normal.iter().map(|(pixels, keys)| keys.len() / pixels).sum()
    }

    /// Integrates between two false positive rates, a lower and an upper one, usually [`AUPIMO_FPR_BOUNDS`].
    ///
    /// Takes a search among the normal scores up to the upper rate for every distinct anomalous score.
    ///
    /// # Errors
    ///
    /// If the bounds are not `0 < lower < upper <= 1`. If there is an anomalous image, also where the lower bound is
    /// below the smallest rate the normal images can show, `1 / (normal images * pixels of the largest one)`: most
    /// of the axis would hold a single point then, and the figure would not be comparable with others.
    pub fn between(&self, (lower, upper): (f64, f64)) -> Result<AupimoFigures> {
        if !(0.0 < lower && lower < upper && upper <= 1.0) {
            return Err(Error::AupimoBounds { lower, upper });
        }
        let rate = match self.normal.last_key_value() {
            None => None,
            Some((&largest, _)) => {
                let images = self.normal_images();
                let finest = 1.0 / (images as f64 * largest as f64);
                if lower < finest && self.anomalous_images() > 0 {
                    return Err(Error::AupimoResolution { lower, finest });
                }
                Some(SharedRate::new(&self.normal, images, (lower, upper)))
            }
        };
        let area = |keys: &Vec<u32>| Some(rate.as_ref()?.area_under_recall(keys));
        let per_image: Vec<Option<f64>> =
            self.images.iter().map(|keys| keys.as_ref().and_then(area)).collect();
        let anomalous = self.images.iter().zip(&per_image).filter(|image| image.0.is_some());
        let mean = Mean::of(anomalous.map(|image| *image.1));
        Ok(AupimoFigures { per_image, mean })
    }
}
