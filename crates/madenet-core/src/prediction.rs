use std::time::Duration;

use madenet_image::{Colormap, Image, ImageView, Mask, draw_contours};
use madenet_metrics::Label;
use serde::ser::SerializeStruct;
use serde::{Serialize, Serializer};

use crate::Result;
use crate::anomaly_map::AnomalyMap;
use crate::region::Region;

/// Opacity of the heat in [`Prediction::annotate`]: strong enough to read, weak enough to see the part.
const HEAT: f32 = 0.5;
/// Colour of the outlines in [`Prediction::annotate`]: cyan, which neither boards nor the heat have.
const OUTLINE: [u8; 3] = [0, 255, 255];

/// What a detector says of one image. Every field is always there and finite.
///
/// Serialises to what a log wants: everything but the values of the map.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Prediction {
    /// Calibrated, in `[0, 1]`: above 0.5 beyond the image threshold, higher is more anomalous.
    pub score: f32,
    /// The network's own score, unbounded, higher is more anomalous; `score` is a rising function of it.
    pub raw_score: f32,
    /// Anomalous if `score` is above 0.5 and, where the recipe asks for a minimum area, a region is left.
    #[serde(serialize_with = "display")]
    pub label: Label,
    /// Where: the connected regions of the map above the pixel threshold, highest peak first, without those below the
    /// recipe's minimum area. An anomalous image may have none, as images and pixels have thresholds of their own.
    pub regions: Vec<Region>,
    /// How anomalous every pixel is, at the image's own size; 0 where the recipe does not inspect.
    #[serde(skip)]
    pub map: AnomalyMap,
    /// Pixels of `regions`.
    #[serde(skip)]
    pub mask: Mask,
    /// Name of the submodel that decided.
    pub route: String,
    /// How long the stages took.
    pub timings: Timings,
}

impl Prediction {
    /// The picture that shows an operator why: the map as heat over the image, and the regions outlined.
    ///
    /// # Errors
    /// [`Error::Image`](crate::Error::Image) if `image` has another size than the map.
    ///
    /// ```
    /// use madenet_core::{Calibration, RawScores, Recipe, Scale};
    /// use madenet_image::{Channels, ImageView};
    ///
    /// let scale = Scale { median: 0.0, threshold: 1.0 };
    /// let recipe = Recipe::new(Calibration { image: scale, pixel: scale });
    /// let raw = RawScores { score: 3.0, height: 1, width: 4, map: vec![0.0, 0.0, 0.0, 3.0] };
    /// let part = ImageView::packed(&[80_u8; 4], 4, 1, Channels::Gray)?;
    /// let picture = recipe.prediction("sfad", &raw, (4, 1))?.annotate(&part)?;
    /// assert_eq!(picture.pixels(), [
    ///     80, 80, 80,   80, 80, 80,   80, 80, 80, // the part as it is
    ///     0, 255, 255, // a defect of one pixel is all outline
    /// ]);
    /// # Ok::<(), madenet_core::Error>(())
    /// ```
    pub fn annotate(&self, image: &ImageView<'_>) -> Result<Image> {
        let mut picture = self.map.overlay(image, Colormap::Inferno, HEAT)?;
        // One pixel in 512: visible when the picture fills a screen.
        let thickness = (picture.width().max(picture.height()) / 512).max(1);
        draw_contours(&mut picture, &self.mask.contours(), OUTLINE, thickness);
        Ok(picture)
    }
}

fn display<S: Serializer>(label: &Label, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.collect_str(label)
}

/// Time of one image in each stage; a batch's time is shared equally by its images. Serialises to milliseconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timings {
    /// Pixels to tensor.
    pub preprocess: Duration,
    /// The network.
    pub model: Duration,
    /// Scores to prediction.
    pub postprocess: Duration,
}

impl Timings {
    /// All stages.
    #[must_use]
    pub fn total(&self) -> Duration {
        self.preprocess + self.model + self.postprocess
    }
}

impl Serialize for Timings {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        let ms = |time: Duration| time.as_secs_f64() * 1e3;
        let mut timings = serializer.serialize_struct("Timings", 3)?;
        timings.serialize_field("preprocess_ms", &ms(self.preprocess))?;
        timings.serialize_field("model_ms", &ms(self.model))?;
        timings.serialize_field("postprocess_ms", &ms(self.postprocess))?;
        timings.end()
    }
}
