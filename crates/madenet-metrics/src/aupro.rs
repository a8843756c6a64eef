//! Area under the per-region overlap curve.

use crate::ranked::Ranked;
use crate::share::MeanOverlap;

/// False positive rate up to which the AUPRO is usually integrated: 0.3 (Bergmann et al., "Uninformed
/// Students", CVPR 2020, and the evaluation code of MVTec AD).
pub const AUPRO_FPR_LIMIT: f64 = 0.3;

/// False positive rate up to which newer work of MVTec integrates the AUPRO: 0.05 (Heckler-Kram et al., "The
/// MVTec AD 2 Dataset", 2025). At 0.3 most methods are near 1, and a third of a good part marked is no use.
pub const AUPRO_FPR_LIMIT_STRICT: f64 = 0.05;

/// AUPRO of scores in order; the limit is in (0, 1].
///
/// Lowering the threshold past one pixel of region k raises the mean overlap by 1 / (regions * area of k), so
/// one sweep draws the whole curve. Between two anomalous scores the overlap is constant, hence the area a
/// rectangle.
pub(crate) fn of(scores: &impl Ranked, fpr_limit: f64) -> Option<f64> {
    let mut area = 0.0;
    let limit = pieces(scores, fpr_limit, |piece| {
        area += piece.flat * piece.left + piece.slope * (piece.left + piece.rise_within() / 2.0);
    })?;
    Some(f64::min(area / limit, 1.0))
}

/// How far the AUPRO of scores in bins can be from that of the scores themselves.
///
/// Within a bin the exact curve rises somehow from one corner of a rectangle to the opposite one: the area below
/// it is between none and all of the rectangle's, where the value takes the diagonal. The limit may cut off the
/// right end of one rectangle; then all of the rest is further from the diagonal than none of it.
pub(crate) fn error(scores: &impl Ranked, fpr_limit: f64) -> Option<f64> {
    let mut area = 0.0;
    let limit = pieces(scores, fpr_limit, |piece| {
        area += piece.slope * (piece.rise - piece.rise_within() / 2.0);
    })?;
    Some(area / limit)
}

/// The part of the curve that belongs to one step: a flat line, then a slope. Widths are counts of normal
/// scores, so that this axis is exact.
struct Piece {
    /// Width of the flat line, below the limit.
    flat: f64,
    /// Mean overlap on it, 0..=1.
    left: f64,
    /// Width of the slope, below the limit.
    slope: f64,
    /// Width of the slope, whatever the limit.
    whole_slope: f64,
    /// What the slope adds to the mean overlap over its whole width.
    rise: f64,
}

impl Piece {
    /// The rise below the limit, by linear interpolation.
    fn rise_within(&self) -> f64 {
        if self.slope > 0.0 { self.rise * (self.slope / self.whole_slope) } else { 0.0 }
    }
}

/// Visits the pieces of the curve up to the limit, which it returns as a count of normal scores.
fn pieces(scores: &impl Ranked, fpr_limit: f64, mut visit: impl FnMut(Piece)) -> Option<f64> {
    if scores.is_one_sided() {
        return None;
    }
    let limit = fpr_limit * scores.normal_count() as f64;
    let mut overlap = MeanOverlap::new(scores.region_count(), scores.anomalous_count());
    let (mut position, mut left) = (0.0, 0.0);
    // How much of the next `count` normal scores is below the limit.
    let mut advance = |count: u64| {
        let start = f64::min(position, limit);
        position += count as f64;
        f64::min(position, limit) - start
    };
    scores.sweep(|step| {
        let flat = advance(step.above);
        let slope = advance(step.tied);
        let right = overlap.cover(step.anomalous, scores.shares(step));
        visit(Piece { flat, left, slope, whole_slope: step.tied as f64, rise: right - left });
        left = right;
    });
    let flat = advance(scores.normal_count());
    visit(Piece { flat, left, slope: 0.0, whole_slope: 0.0, rise: 0.0 });
    Some(limit)
}
