//! From the discriminator's normality to anomaly scores and maps.

use std::borrow::Cow;

use madenet_core::{Inspected, counted};

use crate::config::ImageScore;

/// Anomaly of the locations of a grid: the negative of their normality.
pub(crate) fn anomaly(normality: &[f32]) -> Vec<f32> {
    normality.iter().map(|n| -n).collect()
}

/// The grid with the least inspected value wherever nothing is inspected, so that smoothing carries no heat from there.
pub(crate) fn quiet_elsewhere<'a>(grid: &'a [f32], inspected: Option<&Inspected>) -> Cow<'a, [f32]> {
    let Some(mask) = inspected.map(Inspected::grid) else { return Cow::Borrowed(grid) };
    let least = counted(grid, Some(mask)).into_iter().fold(f32::INFINITY, f32::min);
    let quiet = |(&value, &counts): (&f32, &bool)| if counts || value.is_nan() { value } else { least };
    Cow::Owned(grid.iter().zip(mask.data()).map(quiet).collect())
}

/// The score of an image from its grid and the map of its canvas, of what is inspected. NaN if one of them has NaN: a
/// broken value must not hide behind a good one.
pub(crate) fn image_score(rule: ImageScore, grid: &[f32], map: &[f32], inspected: Option<&Inspected>) -> f32 {
    let larger = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
    match rule {
        ImageScore::GridMax => {
            counted(grid, inspected.map(Inspected::grid)).into_iter().fold(f32::NEG_INFINITY, larger)
        }
        ImageScore::MapTop { .. } if map.iter().any(|v| v.is_nan()) => f32::NAN,
        ImageScore::MapTop { share } => {
            let mut sorted = counted(map, inspected.map(Inspected::pixels));
            let n = ((share * sorted.len() as f32) as usize).clamp(1, sorted.len());
            sorted.select_nth_unstable_by(n - 1, |a, b| b.total_cmp(a));
            (sorted[..n].iter().map(|&v| f64::from(v)).sum::<f64>() / n as f64) as f32
        }
    }
}

#[cfg(test)]
mod tests {
    use madenet_core::{Canvas, Result};
    use madenet_image::{Mask, Rect};
    use madenet_kernels::Shape;

    use super::*;

    #[test]
    fn the_image_score_is_the_raw_grids_largest() -> Result<()> {
        let mut normality = vec![0.5; 16];
        normality[5] = -2.0;
        let grid = anomaly(&normality);
        let content = Rect { x: 0, y: 0, width: 32, height: 32 };
        let map = Canvas { grid: Shape::new(1, 4, 4), size: (32, 32), content }.smooth_map(&grid, 4.0)?;
        assert_eq!(image_score(ImageScore::GridMax, &grid, &map, None), 2.0);
        // The grid's pixel (1, 1) covers rows and columns 8 to 15; smoothing flattens its peak.
        let peak = image_score(ImageScore::MapTop { share: 1e-6 }, &grid, &map, None);
        let at = map.iter().position(|&v| v == peak).unwrap_or_default();
        assert!((10..14).contains(&(at / 32)) && (10..14).contains(&(at % 32)), "{at}");
        assert!(peak < 2.0 && peak > 0.0);
        // In a corner far from the defect the symmetric border keeps the constant.
        assert!((map[31 * 32 + 31] + 0.5).abs() < 1e-3);
        Ok(())
    }

    #[test]
    fn what_is_not_inspected_gives_no_heat() -> Result<()> {
        let mut grid = vec![0.0; 16];
        (grid[5], grid[6]) = (1.0, 9.0);
        let content = Rect { x: 0, y: 0, width: 32, height: 32 };
        let canvas = Canvas { grid: Shape::new(1, 4, 4), size: (32, 32), content };
        // The left half of an image of 8 x 8.
        let left = Mask::new(8, 8, (0..64).map(|i| i % 8 < 4).collect())?;
        let inspected = canvas.inspected(Some(&left))?;
        let quiet = quiet_elsewhere(&grid, inspected.as_ref());
        let map = canvas.smooth_map(&quiet, 4.0)?;
        assert_eq!(image_score(ImageScore::GridMax, &grid, &map, inspected.as_ref()), 1.0);
        assert!(image_score(ImageScore::MapTop { share: 1e-6 }, &grid, &map, inspected.as_ref()) < 1.0);
        assert!(canvas.inspected(None)?.is_none());
        // A letterbox's bars, above and below, are not inspected.
        let content = Rect { x: 0, y: 8, width: 32, height: 16 };
        let framed = Canvas { content, ..canvas }.inspected(None)?;
        assert_eq!(framed.map(|i| (i.pixels().count(), i.grid().count())), Some((32 * 16, 8)));
        Ok(())
    }

    #[test]
    fn the_top_share_is_a_mean() {
        let map = [4.0, -1.0, 3.0, 0.0, 2.0, 1.0, -2.0, -3.0];
        let top = |share| image_score(ImageScore::MapTop { share }, &[], &map, None);
        assert_eq!([top(0.01), top(0.25), top(0.5), top(1.0)], [4.0, 3.5, 2.5, 0.5]);
    }

    #[test]
    fn broken_values_do_not_hide() {
        for nan in [f32::NAN, -f32::NAN] {
            let broken = [0.0, nan, 1.0, 2.0];
            assert!(image_score(ImageScore::GridMax, &broken, &[], None).is_nan());
            assert!(image_score(ImageScore::MapTop { share: 0.5 }, &[], &broken, None).is_nan());
        }
    }
}
