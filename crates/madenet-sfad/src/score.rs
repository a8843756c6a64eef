//! From the discriminator's normality to anomaly scores and maps.

use madenet_core::{RawScores, Result};
use madenet_kernels::{Interpolation, Shape, gaussian_filter, interpolate};

/// Scores of one image from the normality of its grid (`shape.h x shape.w`): anomaly is its negative (F9), the image
/// score the largest of the raw grid (F11), the map the grid enlarged (bilinear) to `size` (height, width) and smoothed
/// by a Gaussian of deviation `sigma` pixels (F10).
pub(crate) fn raw_scores(
    normality: &[f32],
    shape: Shape,
    size: (usize, usize),
    sigma: f32,
) -> Result<RawScores> {
    let grid: Vec<f32> = normality.iter().map(|n| -n).collect();
    let score = grid.iter().copied().fold(f32::NEG_INFINITY, nan_max);
    let mut enlarged = vec![0.0; size.0 * size.1];
    let bilinear = Interpolation::Bilinear { align_corners: false };
    interpolate(bilinear, Shape::new(1, shape.h, shape.w), size, &grid, &mut enlarged)?;
    let mut map = vec![0.0; enlarged.len()];
    gaussian_filter(sigma, size.0, size.1, &enlarged, &mut map, &mut Vec::new())?;
    Ok(RawScores { score, height: size.0, width: size.1, map })
}

/// The larger of two, NaN if one is: a broken value must not hide behind a good one.
fn nan_max(a: f32, b: f32) -> f32 {
    if a.is_nan() || a > b { a } else { b }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_score_is_the_raw_grids_largest() -> Result<()> {
        let mut normality = vec![0.5; 16];
        normality[5] = -2.0;
        let raw = raw_scores(&normality, Shape::new(1, 4, 4), (32, 32), 4.0)?;
        assert_eq!(raw.score, 2.0);
        // The grid's pixel (1, 1) covers rows and columns 8 to 15; smoothing flattens its peak.
        let peak = raw.map.iter().copied().fold(f32::MIN, f32::max);
        let at = raw.map.iter().position(|&v| v == peak).unwrap_or_default();
        assert!((10..14).contains(&(at / 32)) && (10..14).contains(&(at % 32)), "{at}");
        assert!(peak < 2.0 && peak > 0.0);
        // In a corner far from the defect the symmetric border keeps the constant.
        assert!((raw.map[31 * 32 + 31] + 0.5).abs() < 1e-3);
        normality[0] = f32::NAN;
        assert!(raw_scores(&normality, Shape::new(1, 4, 4), (8, 8), 4.0)?.score.is_nan());
        Ok(())
    }
}
