//! From a network's outputs to maps and scores.

/// The distance of an embedding of length 1 from normal ones: `white` is what [`IMAGE_DENSITY`](crate::network::IMAGE_DENSITY) makes
/// of the embedding as it is, `bias` that layer's own.
pub(crate) fn embedding_distance(embedding: &[f32], white: &[f32], bias: &[f32]) -> f32 {
    let square = |values: &[f32]| values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
    // An embedding without length has no direction: that of 0.
    let length = (square(embedding).sqrt() as f32).max(f32::MIN_POSITIVE);
    let scaled: Vec<f32> = white.iter().zip(bias).map(|(w, b)| (w - b) / length + b).collect();
    square(&scaled).sqrt() as f32
}

/// The distance of every location's features from normal ones: `white` is `[channel][location]`.
pub(crate) fn local_distances(white: &[f32], locations: usize) -> Vec<f32> {
    let mut squares = vec![0.0_f32; locations];
    for plane in white.chunks_exact(locations.max(1)) {
        squares.iter_mut().zip(plane).for_each(|(sum, v)| *sum += v * v);
    }
    squares.iter_mut().for_each(|s| *s = s.sqrt());
    squares
}

/// The probability of not being normal: the sigmoid of one logit, or one minus the softmax of the first.
pub(crate) fn probability(logits: &[f32]) -> f32 {
    match logits {
        [logit] => 1.0 / (1.0 + (-logit).exp()),
        _ => {
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let terms: Vec<f32> = logits.iter().map(|z| (z - largest).exp()).collect();
            // Summed rather than taken from 1, so that small ones are not lost.
            terms[1..].iter().sum::<f32>() / terms.iter().sum::<f32>()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_are_mahalanobis() {
        // White: W = [[2, 0], [0, 1]], mean (0.6, 0.8): bias -W mean.
        let (bias, embedding) = ([-1.2, -0.8], [3.0, 4.0]);
        let white = [2.0 * 3.0 - 1.2, 4.0 - 0.8];
        assert!(embedding_distance(&embedding, &white, &bias) < 1e-6, "of the mean's direction");
        let (embedding, white) = ([5.0, 0.0], [2.0 * 5.0 - 1.2, -0.8]);
        // (1, 0): 2 * 0.4 and -0.8.
        assert!((embedding_distance(&embedding, &white, &bias) - 0.8_f32.hypot(0.8)).abs() < 1e-6);
        assert!(embedding_distance(&[0.0, 0.0], &bias, &bias).is_finite());
        assert_eq!(local_distances(&[3.0, 0.0, 4.0, 1.0], 2), [5.0, 1.0]);
    }

    #[test]
    fn probabilities_are_those_of_anomalies() {
        assert_eq!(probability(&[0.0]), 0.5);
        assert!((probability(&[0.0, 0.0, 0.0]) - 2.0 / 3.0).abs() < 1e-6);
        assert!(probability(&[1e4, 0.0, 0.0]) == 0.0 && probability(&[0.0, 1e4, 0.0]) == 1.0);
        assert!(probability(&[f32::NAN]).is_nan());
    }
}
