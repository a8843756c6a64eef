use std::time::Duration;

use madenet_metrics::Label;

use crate::anomaly_map::AnomalyMap;

/// What a detector says of one image. Every field is always there and finite.
#[derive(Clone, PartialEq, Debug)]
pub struct Prediction {
    /// Calibrated, in `[0, 1]`: 0.5 at the threshold, higher is more anomalous.
    pub score: f32,
    /// The network's own score, unbounded, higher is more anomalous; `score` is a strictly rising function of it.
    pub raw_score: f32,
    /// Anomalous if `score` is above 0.5.
    pub label: Label,
    /// Where, at the image's own size.
    pub map: AnomalyMap,
    /// Name of the submodel that decided.
    pub route: String,
    /// How long the stages took.
    pub timings: Timings,
}

/// Time of one image in each stage; a batch's time is shared equally by its images.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Timings {
    /// Pixels to tensor.
    pub preprocess: Duration,
    /// The network.
    pub model: Duration,
    /// Scores to prediction.
    pub postprocess: Duration,
}
