//! From logits to maps and scores.

use madenet_core::{Inspected, Result, counted};
use madenet_kernels::{Border, SeparableFilter};

/// The probability of being anomalous: the softmax of two planes of logits, normal first.
pub(crate) fn probability(logits: &[f32]) -> Vec<f32> {
    let (normal, anomalous) = logits.split_at(logits.len() / 2);
    normal.iter().zip(anomalous).map(|(n, a)| 1.0 / (1.0 + (n - a).exp())).collect()
}

/// The score of an image: the largest mean of `map`, of `size` (height, width), over windows around inspected pixels. NaN if
/// the map has NaN: a broken value must not hide behind a good one.
pub(crate) fn image_score(
    map: &[f32],
    (height, width): (usize, usize),
    window: usize,
    exclude_pad: bool,
    inspected: Option<&Inspected>,
) -> Result<f32> {
    let border = if exclude_pad { Border::Exclude } else { Border::Zero };
    let mut means = vec![0.0; map.len()];
    SeparableFilter::mean((window, window), border)?.run(height, width, map, &mut means, &mut Vec::new())?;
    let larger = |a: f32, b: f32| if a.is_nan() || a > b { a } else { b };
    Ok(counted(&means, inspected.map(Inspected::pixels)).into_iter().fold(f32::NEG_INFINITY, larger))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_softmax_of_two_is_a_sigmoid() {
        let p = probability(&[0.0, 1e4, -1e4, 0.0, 0.0, 9_f32.ln()]);
        assert_eq!(p[..3], [0.5, 0.0, 1.0]);
        let p = probability(&[0.0, 9_f32.ln()]);
        assert!((p[0] - 0.9).abs() < 1e-6);
    }

    /// Section 2.3 of the method's specification: 121 of 441 pixels count in a corner.
    #[test]
    fn corners_are_played_down_unless_padding_is_excluded() -> Result<()> {
        let mut map = vec![0.0; 64 * 64];
        for y in 0..11 {
            map[y * 64..][..11].fill(1.0);
        }
        let score = |exclude| image_score(&map, (64, 64), 21, exclude, None);
        assert!((score(true)? - 1.0).abs() < 1e-5, "{}", score(true)?);
        let all = [1.0; 64 * 64];
        assert!((score(false)? - 121.0 / 441.0).abs() < 1e-5, "{}", score(false)?);
        assert!((image_score(&all, (64, 64), 21, false, None)? - 1.0).abs() < 1e-5);
        map[0] = f32::NAN;
        assert!(image_score(&map, (64, 64), 21, true, None)?.is_nan());
        Ok(())
    }
}
