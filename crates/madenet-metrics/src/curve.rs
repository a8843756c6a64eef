//! Curves over all thresholds, thinned to a few points.

use crate::key::score;
use crate::ranked::{Found, Ranked, Step};
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
/// Every point is exact. Points within a horizontal or a vertical line are left out; if there still are more than
/// asked for, the curve is thinned, and [`deviation`](Self::deviation) says how far the lines are from it at most.
/// Areas are not to be computed from thinned curves: the metrics of this crate use all thresholds.
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
    #[must_use]
    pub fn points(&self) -> &[CurvePoint] {
        &self.points
    }

    /// An upper bound of the vertical distance of the lines between the points from the curve over all thresholds,
    /// 0..=1; 0 if the lines are that curve. At most `8 / max_points` for curves that only rise (ROC and overlap)
    /// and `max_points` of 4 or more.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.deviation
    }
}

/// Recall over the false positive rate.
pub(crate) fn roc(scores: &impl Ranked, max_points: usize) -> Option<Curve> {
    let (normal, anomalous) = (scores.normal_count() as f64, scores.anomalous_count() as f64);
    thinned(scores, 0.0, max_points, || {
        move |at: &Corner<'_>| (at.found.false_alarms as f64 / normal, at.found.hits as f64 / anomalous)
    })
}

/// Precision over recall, from precision 1 at recall 0 on.
pub(crate) fn precision_recall(scores: &impl Ranked, max_points: usize) -> Option<Curve> {
    let anomalous = scores.anomalous_count() as f64;
    thinned(scores, 1.0, max_points, || {
        move |at: &Corner<'_>| (at.found.hits as f64 / anomalous, at.found.precision())
    })
}

/// Mean overlap of the regions over the false positive rate.
pub(crate) fn pro(scores: &impl Ranked, max_points: usize) -> Option<Curve> {
    let normal = scores.normal_count() as f64;
    thinned(scores, 0.0, max_points, || {
        let mut overlap = MeanOverlap::new(scores.region_count(), scores.anomalous_count());
        move |at: &Corner<'_>| {
            if let Some(step) = at.step {
                overlap.cover(step.anomalous, scores.shares(step));
            }
            (at.found.false_alarms as f64 / normal, overlap.value())
        }
    })
}

/// One threshold.
struct Corner<'a> {
    key: u32,
    /// What is found at it.
    found: Found,
    /// The step whose anomalous scores are found with it, if any are.
    step: Option<&'a Step>,
}

/// Draws a curve from (0, `start`) to the lowest threshold, with fewer points until they are at most `max_points`.
/// For every sweep `places` gives what finds the place of a corner.
fn thinned<P: FnMut(&Corner<'_>) -> (f64, f64)>(
    scores: &impl Ranked,
    start: f64,
    max_points: usize,
    places: impl Fn() -> P,
) -> Option<Curve> {
    if scores.is_one_sided() {
        return None;
    }
    let max_points = max_points.max(2);
    let start = CurvePoint { threshold: f32::INFINITY, x: 0.0, y: start };
    let mut deviation = 0.0;
    loop {
        let mut thinner = Thinner::new(start, deviation, max_points);
        let mut place = places();
        corners(scores, |corner| {
            let (x, y) = place(corner);
            thinner.offer(CurvePoint { threshold: score(corner.key), x, y });
        });
        if let Some(points) = thinner.finish() {
            return Some(Curve { points, deviation });
        }
        // A deviation of 1 keeps the two ends alone.
        deviation = if deviation == 0.0 { 1.0 / max_points as f64 } else { f64::min(2.0 * deviation, 1.0) };
    }
}

/// Visits the thresholds before and at every anomalous score, and the lowest one. Between them only false
/// positives are added, which all the curves draw as a straight line.
fn corners(scores: &impl Ranked, mut visit: impl FnMut(&Corner<'_>)) {
    let mut last = Found::default();
    scores.sweep_found(|before, step| {
        if step.above > 0 {
            visit(&Corner { key: step.above_key, found: *before, step: None });
        }
        last = before.with(step.anomalous, step.tied);
        visit(&Corner { key: step.key, found: last, step: Some(step) });
    });
    let below = scores.normal_count() - last.false_alarms;
    if let Some(key) = scores.lowest_normal().filter(|_| below > 0) {
        visit(&Corner { key, found: last.with(0, below), step: None });
    }
}

/// Keeps the points a curve needs to stay within a tolerance.
struct Thinner {
    boxes: Boxes,
    /// The last corner of the curve, and the point after it, which is a corner if the curve turns there.
    corner: CurvePoint,
    middle: Option<CurvePoint>,
}

impl Thinner {
    fn new(start: CurvePoint, tolerance: f64, max_points: usize) -> Self {
        Self { boxes: Boxes::new(start, tolerance, max_points), corner: start, middle: None }
    }

    /// Passes a point on to the boxes unless it is within a horizontal or vertical line.
    fn offer(&mut self, point: CurvePoint) {
        if let Some(middle) = self.middle.replace(point) {
            let on_line =
                |of: fn(&CurvePoint) -> f64| of(&self.corner) == of(&middle) && of(&middle) == of(&point);
            if !on_line(|point| point.x) && !on_line(|point| point.y) {
                self.boxes.offer(middle);
                self.corner = middle;
            }
        }
    }

    /// The points, if they are not too many.
    fn finish(mut self) -> Option<Vec<CurvePoint>> {
        if let Some(end) = self.middle {
            self.boxes.offer(end);
        }
        self.boxes.finish()
    }
}

/// Boxes as high and as wide as the tolerance, from each kept point to the next.
struct Boxes {
    kept: Vec<CurvePoint>,
    /// The last point offered, kept if the next one is too far away.
    pending: Option<CurvePoint>,
    /// Least and greatest y from the last kept point to the pending one.
    low: f64,
    high: f64,
    tolerance: f64,
    max_points: usize,
}

impl Boxes {
    fn new(start: CurvePoint, tolerance: f64, max_points: usize) -> Self {
        Self { kept: vec![start], pending: None, low: start.y, high: start.y, tolerance, max_points }
    }

    /// Between two kept points either there are none, or the curve and the line both stay in a box.
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Ranking;

    fn drawn(curve: &Curve) -> Vec<(f64, f64)> {
        curve.points().iter().map(|point| (point.x, point.y)).collect()
    }

    #[test]
    fn points_within_a_line_are_no_corners() -> crate::Result<()> {
        //  1    x---x    aaan: three points up, one to the right
        //       |
        //  0    x
        let ranking = Ranking::new(&[0.9, 0.8, 0.7, 0.1], &[true, true, true, false])?;
        for max_points in [3, 100] {
            let roc = ranking.roc_curve(max_points);
            let roc = roc.as_ref();
            assert_eq!(roc.map(drawn), Some(vec![(0.0, 0.0), (0.0, 1.0), (1.0, 1.0)]));
            assert_eq!(roc.map(Curve::deviation), Some(0.0));
        }
        // The lowest threshold that finds all anomalous ones and nothing else.
        let thresholds = ranking.roc_curve(3).map(|curve| curve.points()[1].threshold);
        assert_eq!(thresholds, Some(0.7));
        Ok(())
    }

    #[test]
    fn two_points_deviate_by_one_at_most() -> crate::Result<()> {
        let ranking = Ranking::new(&[0.9, 0.8, 0.7, 0.1], &[true, true, true, false])?;
        for max_points in [0, 1, 2] {
            let roc = ranking.roc_curve(max_points);
            let roc = roc.as_ref();
            assert_eq!(roc.map(drawn), Some(vec![(0.0, 0.0), (1.0, 1.0)]));
            assert_eq!(roc.map(Curve::deviation), Some(1.0));
        }
        Ok(())
    }
}
