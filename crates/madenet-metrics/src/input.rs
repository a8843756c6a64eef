//! Checks of what callers hand in.

use crate::error::{Error, Result};
use crate::key::first_non_finite;

/// Whether there is one label per score, and every score can be ranked.
pub(crate) fn check_scores(scores: &[f32], labels: &[bool]) -> Result<()> {
    if scores.len() != labels.len() {
        return Err(Error::LengthMismatch { scores: scores.len(), labels: labels.len() });
    }
    match first_non_finite(scores) {
        None => Ok(()),
        Some((index, value)) => Err(Error::NonFiniteScore { index, value }),
    }
}

/// Whether the map and the mask of image number `image` have `height * width` values, and every score of the map
/// can be ranked.
pub(crate) fn check_map(image: usize, map: &[f32], mask: &[bool], height: usize, width: usize) -> Result<()> {
    if height.checked_mul(width) != Some(map.len()) {
        return Err(Error::MapSize { image, height, width, got: map.len() });
    }
    if mask.len() != map.len() {
        return Err(Error::MaskSize { image, height, width, got: mask.len() });
    }
    match first_non_finite(map) {
        None => Ok(()),
        Some((index, value)) => {
            Err(Error::NonFinitePixel { image, index, x: index % width, y: index / width, value })
        }
    }
}
