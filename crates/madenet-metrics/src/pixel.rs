//! Collecting the pixels of all images of a test set.

use crate::collected::Collected;
use crate::components::Connectivity;
use crate::components::labeller::{Labeller, Run};
use crate::defect_types::DefectTypes;
use crate::error::Result;
use crate::histogram::Histogram;
use crate::input::check_map;
use crate::key::key;
use crate::pixel_scores::PixelScores;
use crate::scores::Scores;
use crate::share;

/// Number of pixels up to which all scores are kept: 400 MB, and up to three times that while they are moved or
/// sorted, see [`PixelMetrics`].
pub const EXACT_PIXELS: usize = 100_000_000;

/// Collects anomaly maps and masks, one image at a time; [`finish`](Self::finish) sorts them.
///
/// Up to a limit, [`EXACT_PIXELS`] unless another is [given](Self::with_exact_limit), every score is kept: 4 bytes
/// per normal pixel, 8 per anomalous one and 20 per region. Buffers double as they grow, so up to twice that is
/// reserved, and three times that while one is moved to a larger place or sorted. The 65.5 million pixels of 1000
/// maps of 256 x 256 are 270 MB.
///
/// Beyond the limit the scores turn into a histogram, by themselves and in the same pass. Its bins are scores equal
/// in their sign, exponent and first 13 bits of mantissa, so they need no range of scores to be known. They are at
/// most 2^-13 of the score wide; below `f32::MIN_POSITIVE`, zero included, where mantissas lose their leading bits,
/// 2^-139. Equal bins then count as equal scores, and the greatest error this can make on the data at hand is
/// [stated](PixelScores#exact-or-in-bins) for each figure. The memory no longer grows with the pixels: 64 KB for each
/// power of two that normal scores fall into, and 256 KB for each defect type and each power of two that its scores
/// fall into (scores from 0.001 to 1 fall into ten).
///
/// [`merge`](Self::merge) joins the parts of a test set that were collected apart. Sums are integers in both modes,
/// so the figures of merged parts are those of one pass, to the last bit and in any order.
///
/// ```
/// use madenet_metrics::PixelMetrics;
///
/// //  map        mask
/// //  0.9 0.2    # #
/// //  0.4 0.1    . .
/// let mut metrics = PixelMetrics::new();
/// metrics.push(&[0.9, 0.2, 0.4, 0.1], &[true, true, false, false], 2, 2)?;
/// metrics.push(&[0.3, 0.1], &[false, false], 1, 2)?;
/// let scores = metrics.finish();
/// assert_eq!(scores.auroc(), Some(0.75));
/// assert_eq!(scores.average_precision(), Some(0.75));
/// assert_eq!(scores.aupro(1.0)?, Some(0.75));
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct PixelMetrics {
    /// All scores, until they are too many.
    exact: Option<Collected>,
    /// Empty as long as all scores are kept.
    histogram: Histogram,
    defect_types: DefectTypes,
    images: usize,
    exact_limit: usize,
    labeller: Labeller,
}

impl Default for PixelMetrics {
    fn default() -> Self {
        Self::with_exact_limit(EXACT_PIXELS)
    }
}

impl PixelMetrics {
    /// No image yet; exact up to [`EXACT_PIXELS`].
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No image yet; exact up to this number of pixels. With 0 there is a histogram from the first pixel on.
    ///
    /// ```
    /// use madenet_metrics::PixelMetrics;
    ///
    /// let mut metrics = PixelMetrics::with_exact_limit(3);
    /// metrics.push(&[0.9, 0.5], &[true, false], 1, 2)?;
    /// assert!(metrics.is_exact());
    /// metrics.push(&[0.500001, 0.3], &[true, false], 1, 2)?;
    /// assert!(!metrics.is_exact());
    ///
    /// // 0.5 and 0.500001 share a bin: one of four pairs is a tie, where it should be won.
    /// let scores = metrics.finish();
    /// assert_eq!((scores.auroc(), scores.auroc_error()), (Some(0.875), Some(0.125)));
    /// # Ok::<(), madenet_metrics::Error>(())
    /// ```
    #[must_use]
    pub fn with_exact_limit(pixels: usize) -> Self {
        Self {
            exact: Some(Collected::default()),
            histogram: Histogram::default(),
            defect_types: DefectTypes::default(),
            images: 0,
            exact_limit: pixels,
            labeller: Labeller::default(),
        }
    }

    /// Whether all scores are kept so far.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.exact.is_some()
    }

    /// Adds one image: its anomaly map and its mask, both row-major with `height * width` values. The mask is
    /// true where the pixel is anomalous, and all false for a normal image. Sizes may differ between images.
    ///
    /// # Errors
    ///
    /// If a length is not `height * width`, a value of the map is NaN or infinite, or there are more regions
    /// than 32 bits can number. Nothing is added then.
    pub fn push(&mut self, map: &[f32], mask: &[bool], height: usize, width: usize) -> Result<()> {
        self.push_image(map, mask, height, width, None)
    }

    /// Adds one image as [`push`](Self::push) does, and files its regions under a defect type: see
    /// [`PixelScores::of_defect_type`].
    ///
    /// # Errors
    ///
    /// Those of [`push`](Self::push).
    pub fn push_defect(
        &mut self,
        map: &[f32],
        mask: &[bool],
        height: usize,
        width: usize,
        defect_type: &str,
    ) -> Result<()> {
        self.push_image(map, mask, height, width, Some(defect_type))
    }

    /// Adds the images of another collection. Of two limits for exact scores the lower one holds from then on, and
    /// a histogram merged with anything is a histogram.
    ///
    /// ```
    /// use madenet_metrics::PixelMetrics;
    ///
    /// let (mut left, mut right) = (PixelMetrics::new(), PixelMetrics::new());
    /// left.push(&[0.9, 0.2], &[true, false], 1, 2)?;
    /// right.push(&[0.3, 0.1], &[true, false], 1, 2)?;
    /// left.merge(right)?;
    /// let scores = left.finish();
    /// assert_eq!((scores.images(), scores.auroc()), (2, Some(1.0)));
    /// # Ok::<(), madenet_metrics::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If there are more regions than 32 bits can number. Nothing is added then.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        let exact_limit = self.exact_limit.min(other.exact_limit);
        if let (Some(into), Some(from)) = (&self.exact, &other.exact) {
            if into.pixels().saturating_add(from.pixels()) > exact_limit {
                self.turn_to_histogram();
            } else {
                into.check_room(from.region_count())?;
            }
        }
        self.exact_limit = exact_limit;
        let numbers = self.defect_types.adopt(&other.defect_types);
        match (&mut self.exact, other.exact) {
            (Some(into), Some(from)) => into.merge(from, &numbers),
            (_, from) => {
                let into = self.turn_to_histogram();
                into.merge(&other.histogram, &numbers);
                if let Some(from) = from {
                    from.pour_into(into, |number| numbers[number as usize]);
                }
            }
        }
        self.images += other.images;
        Ok(())
    }

    /// Sorts all pixels, once for all metrics.
    #[must_use]
    pub fn finish(self) -> PixelScores {
        let scores = match self.exact {
            Some(pixels) => Scores::Exact(pixels.finish()),
            None => Scores::Histogram(self.histogram.finish()),
        };
        PixelScores::new(scores, self.images, &self.defect_types)
    }

    fn push_image(
        &mut self,
        map: &[f32],
        mask: &[bool],
        height: usize,
        width: usize,
        defect_type: Option<&str>,
    ) -> Result<()> {
        check_map(self.images, map, mask, height, width)?;
        // No early exit, so that the loop is vector instructions.
        if mask.iter().fold(false, |any, &anomalous| any | anomalous) {
            self.labeller.label(mask, width, Connectivity::Eight)?;
            if let Some(pixels) = &self.exact {
                pixels.check_room(self.labeller.areas().len())?;
            }
            self.limit_pixels(map.len());
            self.add_labelled(map, defect_type);
        } else {
            self.limit_pixels(map.len());
            match &mut self.exact {
                Some(pixels) => pixels.add_normal(map),
                None => self.histogram.add_normal(map),
            }
        }
        self.images += 1;
        Ok(())
    }

    /// Adds a map whose mask has just been labelled.
    fn add_labelled(&mut self, map: &[f32], defect_type: Option<&str>) {
        let defect_type = self.defect_types.number(defect_type);
        let (runs, areas) = (self.labeller.runs(), self.labeller.areas());
        match &mut self.exact {
            Some(pixels) => {
                let first = pixels.add_regions(defect_type, areas);
                between(map, runs, |run, scores| match run {
                    Some(run) => pixels.add_anomalous(scores, first + run.region),
                    None => pixels.add_normal(scores),
                });
            }
            None => {
                let histogram = &mut self.histogram;
                histogram.add_regions(defect_type, areas.len() as u64);
                between(map, runs, |run, scores| match run {
                    Some(run) => {
                        let keys = scores.iter().map(|&score| key(score));
                        histogram.add_anomalous(keys, defect_type, share::of(areas[run.region as usize]));
                    }
                    None => histogram.add_normal(scores),
                });
            }
        }
    }

    /// Turns to a histogram if there will be more pixels than are to be kept.
    fn limit_pixels(&mut self, more: usize) {
        if let Some(pixels) = &self.exact
            && pixels.pixels().saturating_add(more) > self.exact_limit
        {
            self.turn_to_histogram();
        }
    }

    fn turn_to_histogram(&mut self) -> &mut Histogram {
        if let Some(pixels) = self.exact.take() {
            pixels.pour_into(&mut self.histogram, |number| number);
        }
        &mut self.histogram
    }
}

/// Visits a map in stretches: the scores of every run, and those between runs.
fn between<'a>(map: &'a [f32], runs: &'a [Run], mut visit: impl FnMut(Option<&'a Run>, &'a [f32])) {
    let mut end = 0;
    for run in runs {
        visit(None, &map[end..run.start]);
        visit(Some(run), &map[run.start..run.end]);
        end = run.end;
    }
    visit(None, &map[end..]);
}
