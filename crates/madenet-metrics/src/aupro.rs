//! Area under the per-region overlap curve.

use crate::ranking::Ranking;

/// False positive rate up to which the AUPRO is usually integrated: 0.3 (Bergmann et al., "Uninformed
/// Students", CVPR 2020, and the evaluation code of MVTec AD). Newer MVTec practice reports 0.05 as well.
pub const AUPRO_FPR_LIMIT: f64 = 0.3;

/// AUPRO of a sorted ranking of pixels, whose anomalous ones carry an index into `region_areas`.
///
/// Lowering the threshold past one pixel of region k raises the mean overlap by 1 / (regions * area of k), so
/// one sweep draws the whole curve. The false positive rate is kept as a count: its axis is then exact.
///
/// The limit is in (0, 1].
pub(crate) fn of(ranking: &Ranking, region_areas: &[usize], fpr_limit: f64) -> Option<f64> {
    if ranking.is_one_sided() {
        return None;
    }
    let regions = region_areas.len() as f64;
    let shares: Vec<f64> = region_areas.iter().map(|&area| 1.0 / (regions * area as f64)).collect();

    let limit = fpr_limit * ranking.normal_count() as f64;
    let (mut false_positives, mut overlap) = (0.0, 0.0);
    let mut missed = ranking.anomalous_count();
    let mut area = 0.0;
    for step in ranking.descending() {
        missed -= step.anomalous();
        let gain: f64 = step.regions().map(|region| shares[region]).sum();
        // The shares sum to 1 only up to rounding; where every region is covered the overlap is 1 by
        // definition.
        let next_overlap = if missed == 0 { 1.0 } else { f64::min(overlap + gain, 1.0) };
        let next_false_positives = false_positives + step.normal as f64;

        if next_false_positives >= limit {
            let fraction = (limit - false_positives) / (next_false_positives - false_positives);
            let overlap_at_limit = overlap + fraction * (next_overlap - overlap);
            area += trapezoid(limit - false_positives, overlap, overlap_at_limit);
            break;
        }
        area += trapezoid(step.normal as f64, overlap, next_overlap);
        (false_positives, overlap) = (next_false_positives, next_overlap);
    }
    Some(f64::min(area / limit, 1.0))
}

fn trapezoid(width: f64, left: f64, right: f64) -> f64 {
    width * (left + right) / 2.0
}
