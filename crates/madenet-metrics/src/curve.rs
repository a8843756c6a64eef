//! Curves over all thresholds, thinned to a few points.

use crate::key::score;
use crate::ranked::{Ranked, Step};
use crate::share::MeanOverlap;

/// One point of a curve.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CurvePoint {
    /// `score >= threshold` is the prediction "anomalous" at this point. Infinite at the first point, where nothing
    /// is predicted.
    pub threshold: f32,
    /// False positive rate, or recall, 0..=1.
    pub x: f64,
    /// Recall, precision or mean overlap, 0..=1.
    pub y: f64,
}

/// Points of a curve from the highest threshold to the lowest, to draw it: straight lines join them.
///
/// Every point is exact. Points on a straight line between their neighbours are left out; if there still are more
/// than asked for, the curve is thinned, and [`deviation`](Self::deviation) says how far the lines are from it at
/// most. Areas are not to be computed from thinned curves: the metrics of this crate use all thresholds.
///
/// ```
/// use madenet_metrics::Ranking;
///
/// let ranking = Ranking::new(&[0.1, 0.4, 0.35, 0.8], &[false, false, true, true])?;
/// let roc = ranking.roc_curve(100).unwrap();
/// //  recall
/// //   1    .   x---x
/// //        .   |
/// //  1/2   x---x
/// //        |
/// //   0    x........   false positive rate
/// //        0  1/2  1
/// let points: Vec<_> = roc.points().iter().map(|point| (point.x, point.y)).collect();
/// assert_eq!(points, [(0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (0.5, 1.0), (1.0, 1.0)]);
/// assert_eq!(roc.points()[1].threshold, 0.8);
/// assert_eq!(roc.deviation(), 0.0);
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    points: Vec<CurvePoint>,
    deviation: f64,
}

impl Curve {
    /// The points, by descending threshold; at least two.
    pub fn points(&self) -> &[CurvePoint] {
        &self.points
    }

    /// The greatest vertical distance of the lines between the points from the curve over all thresholds, 0..=1;
    /// 0 if nothing is left out. At most `8 / max_points` for curves that only rise (ROC and overlap) and
    /// `max_points` of 4 or more.
    pub fn deviation(&self) -> f64 {
        self.deviation
    }
}

/// Recall over the false positive rate.
pub(crate) fn roc(scores: &impl Ranked, max_points: usize) -> Option<Curve> {
    let (normal, anomalous) = (scores.normal_count() as f64, scores.anomalous_count() as f64);
    thinned(scores, 0.0, max_points, |at| (at.false_alarms as f64 / normal, at.hits as f64 / anomalous))
}

/// Precision over recall, from precision 1 at recall 0 on.
pub(crate) fn precision_recall(scores: &impl Ranked, max_points: usize) -> Option<Curve> {
    let anomalous = scores.anomalous_count() as f64;
    thinned(scores, 1.0, max_points, |at| {
        let predicted = at.hits + at.false_alarms;
        (at.hits as f64 / anomalous, at.hits as f64 / predicted as f64)
    })
}

/// Mean overlap of the regions over the false positive rate.
pub(crate) fn overlap(scores: &impl Ranked, max_points: usize) -> Option<Curve> {
    let normal = scores.normal_count() as f64;
    thinned(scores, 0.0, max_points, |at| (at.false_alarms as f64 / normal, at.overlap))
}

/// What is found at one threshold.
#[derive(Debug, Clone, Copy)]
struct Found {
    key: u32,
    hits: u64,
    false_alarms: u64,
    overlap: f64,
}

/// Draws a curve from (0, `start`) to the lowest threshold, with fewer points until they are at most `max_points`.
fn thinned(
    scores: &impl Ranked,
    start: f64,
    max_points: usize,
    place: impl Fn(&Found) -> (f64, f64),
) -> Option<Curve> {
    if scores.is_one_sided() {
        return None;
    }
    let max_points = max_points.max(2);
    let start = CurvePoint { threshold: f32::INFINITY, x: 0.0, y: start };
    let mut deviation = 0.0;
    loop {
        let mut thinner = Thinner::new(start, deviation, max_points);
        corners(scores, |found| {
            let (x, y) = place(found);
            thinner.offer(CurvePoint { threshold: score(found.key), x, y });
        });
        if let Some(points) = thinner.finish() {
            return Some(Curve { points, deviation });
        }
        // A deviation of 1 keeps the two ends alone.
        deviation = if deviation == 0.0 { 1.0 / max_points as f64 } else { 2.0 * deviation };
    }
}

/// Visits the thresholds before and at every anomalous score, and the lowest one. Between them only false
/// positives are added, which all the curves draw as a straight line.
fn corners(scores: &impl Ranked, mut visit: impl FnMut(&Found)) {
    let mut overlap = MeanOverlap::new(scores.region_count(), scores.anomalous_count());
    let mut found = Found { key: 0, hits: 0, false_alarms: 0, overlap: 0.0 };
    scores.sweep(|step: &Step| {
        if step.above > 0 {
            found = Found { key: step.above_key, false_alarms: found.false_alarms + step.above, ..found };
            visit(&found);
        }
        found = Found {
            key: step.key,
            hits: found.hits + step.anomalous,
            false_alarms: found.false_alarms + step.tied,
            overlap: overlap.cover(step.anomalous, scores.shares(step)),
        };
        visit(&found);
    });
    if let Some(key) = scores.lowest_normal().filter(|_| found.false_alarms < scores.normal_count()) {
        visit(&Found { key, false_alarms: scores.normal_count(), ..found });
    }
}

/// Keeps the points a curve needs to stay within a tolerance.
struct Thinner {
    kept: Vec<CurvePoint>,
    /// The last point offered, kept if the next one is too far away.
    pending: Option<CurvePoint>,
    /// Least and greatest y from the last kept point to the pending one.
    low: f64,
    high: f64,
    tolerance: f64,
    max_points: usize,
}

impl Thinner {
    fn new(start: CurvePoint, tolerance: f64, max_points: usize) -> Self {
        Self { kept: vec![start], pending: None, low: start.y, high: start.y, tolerance, max_points }
    }

    /// Between two kept points either there are none, or the curve and the line both stay in a box as high and as
    /// wide as the tolerance.
    fn offer(&mut self, point: CurvePoint) {
        let base = self.kept.last().map_or(0.0, |last| last.x);
        let height = self.high.max(point.y) - self.low.min(point.y);
        let leaves_box = point.x - base > self.tolerance || height > self.tolerance;
        if let Some(corner) = self.pending.take_if(|_| leaves_box) {
            self.keep(corner);
            (self.low, self.high) = (corner.y, corner.y);
        }
        (self.low, self.high) = (self.low.min(point.y), self.high.max(point.y));
        self.pending = Some(point);
    }

    /// One more than allowed says that there are too many.
    fn keep(&mut self, point: CurvePoint) {
        if self.kept.len() <= self.max_points {
            self.kept.push(point);
        }
    }

    /// The points, if they are not too many.
    fn finish(mut self) -> Option<Vec<CurvePoint>> {
        if let Some(end) = self.pending.take() {
            self.keep(end);
        }
        (self.kept.len() <= self.max_points).then_some(self.kept)
    }
}
