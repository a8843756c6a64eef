//! Pixel-level metrics over all images of a test set.
//!
//! Maps stream in one at a time and only what the metrics need of them is kept: 4 bytes per normal pixel (the
//! score) and 8 per anomalous one (the score and its region), plus 8 bytes per region. A test set of 1000
//! maps of 256 x 256 is 65.5 million pixels, some 270 MB; the buffers double as they grow, so up to twice
//! that may be reserved. Sorting is in place. Nothing is approximated: no histogram, no subsampled
//! thresholds.

use crate::components::{Connectivity, components};
use crate::error::{Error, Result};
use crate::ranking::{Ranking, first_non_finite};
use crate::{aupro, auroc, average_precision};

/// Collects anomaly maps and masks, one image at a time; [`finish`](Self::finish) sorts them.
///
/// ```
/// use madenet_metrics::PixelMetrics;
///
/// let mut metrics = PixelMetrics::new();
/// metrics.push(&[0.9, 0.2, 0.4, 0.1], &[true, true, false, false], 2, 2)?;
/// metrics.push(&[0.3, 0.1], &[false, false], 1, 2)?;
/// let scores = metrics.finish();
/// assert_eq!(scores.auroc(), Some(0.75));
/// assert_eq!(scores.average_precision(), Some(0.75));
/// assert_eq!(scores.aupro(1.0)?, Some(0.75));
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct PixelMetrics {
    ranking: Ranking,
    region_areas: Vec<usize>,
    images: usize,
}

impl PixelMetrics {
    /// No image yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one image: its anomaly map and its mask, both row-major with `height * width` values. The mask is
    /// true where the pixel is anomalous, and all false for a normal image. Sizes may differ between images.
    ///
    /// # Errors
    ///
    /// If a length is not `height * width`, a value of the map is NaN or infinite, or there are more regions
    /// than 32 bits can number. Nothing is added then.
    pub fn push(&mut self, map: &[f32], mask: &[bool], height: usize, width: usize) -> Result<()> {
        self.check(map, mask, height, width)?;
        let regions = components(mask, height, width, Connectivity::Eight)?;
        let first_region = self.next_region(regions.count())?;

        if regions.count() == 0 {
            self.ranking.extend_normal(map);
        } else {
            for (&score, &label) in map.iter().zip(regions.labels()) {
                match label.checked_sub(1) {
                    Some(region) => self.ranking.push_anomalous(score, first_region + region),
                    None => self.ranking.push_normal(score),
                }
            }
        }
        self.region_areas.extend_from_slice(regions.areas());
        self.images += 1;
        Ok(())
    }

    /// Sorts all pixels, once for all metrics: O(n log n), in place.
    pub fn finish(mut self) -> PixelScores {
        self.ranking.sort();
        PixelScores { pixels: self }
    }

    fn check(&self, map: &[f32], mask: &[bool], height: usize, width: usize) -> Result<()> {
        let image = self.images;
        if height.checked_mul(width) != Some(map.len()) {
            return Err(Error::MapSize { image, height, width, got: map.len() });
        }
        if mask.len() != map.len() {
            return Err(Error::MaskSize { image, height, width, got: mask.len() });
        }
        match first_non_finite(map) {
            None => Ok(()),
            Some(index) => {
                let (x, y) = (index % width, index / width);
                Err(Error::NonFinitePixel { image, index, x, y, value: map[index] })
            }
        }
    }

    /// The index of the next region, if `count` more can still be numbered.
    fn next_region(&self, count: usize) -> Result<u32> {
        let got = self.region_areas.len() + count;
        match u32::try_from(got) {
            Ok(_) => Ok(self.region_areas.len() as u32),
            Err(_) => Err(Error::TooManyRegions { got }),
        }
    }
}

/// The sorted pixels of a test set. Each metric is one linear pass over them.
#[derive(Debug, Clone)]
pub struct PixelScores {
    /// Sorted, unlike those of a `PixelMetrics` in use.
    pixels: PixelMetrics,
}

impl PixelScores {
    /// Pixel AUROC, in 0..=1: [`auroc`](crate::auroc()) over all pixels of all images, normal images
    /// included. `None` without an anomalous or without a normal pixel.
    pub fn auroc(&self) -> Option<f64> {
        auroc::of(&self.pixels.ranking)
    }

    /// Pixel AP, in (0, 1]: [`average_precision`](crate::average_precision()) over all pixels of all images.
    /// `None` without an anomalous or without a normal pixel.
    pub fn average_precision(&self) -> Option<f64> {
        average_precision::of(&self.pixels.ranking)
    }

    /// Area under the per-region overlap curve up to a false positive rate, divided by that rate; in 0..=1.
    ///
    /// At a threshold, the overlap is the mean over all regions of all images of the covered fraction of the
    /// region, and the false positive rate is the covered fraction of all normal pixels, those of normal
    /// images included. Regions are 8-connected. The curve joins the points of all distinct thresholds by
    /// straight lines, from (0, 0) to (1, 1), and is cut at `fpr_limit` by linear interpolation (Bergmann et
    /// al., CVPR 2020, and the evaluation code of MVTec AD). A perfect map has 1, a constant one `fpr_limit /
    /// 2`.
    ///
    /// The usual limit is [`AUPRO_FPR_LIMIT`](crate::AUPRO_FPR_LIMIT), 0.3. `None` without a region or
    /// without a normal pixel.
    ///
    /// # Errors
    ///
    /// If the limit is not in (0, 1].
    pub fn aupro(&self, fpr_limit: f64) -> Result<Option<f64>> {
        if fpr_limit > 0.0 && fpr_limit <= 1.0 {
            Ok(aupro::of(&self.pixels.ranking, &self.pixels.region_areas, fpr_limit))
        } else {
            Err(Error::FprLimit { limit: fpr_limit })
        }
    }

    /// Number of images.
    pub fn images(&self) -> usize {
        self.pixels.images
    }

    /// Number of 8-connected regions in all masks.
    pub fn regions(&self) -> usize {
        self.pixels.region_areas.len()
    }

    /// Number of pixels outside all masks.
    pub fn normal_pixels(&self) -> usize {
        self.pixels.ranking.normal_count()
    }

    /// Number of pixels inside a mask.
    pub fn anomalous_pixels(&self) -> usize {
        self.pixels.ranking.anomalous_count()
    }
}
