//! Connected regions of a mask.

pub(crate) mod labeller;
mod runs;

use crate::error::{Error, Result};
use labeller::Labeller;

/// Which pixels are neighbours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Connectivity {
    /// Pixels that share an edge.
    Four,
    /// Pixels that share an edge or a corner, as in the region overlap of MVTec AD.
    Eight,
}

/// The connected regions of a mask, numbered from 1 by their first pixel in raster order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Components {
    labels: Vec<u32>,
    areas: Vec<usize>,
}

impl Components {
    /// One label per pixel, row-major: 0 for background, else the number of the region,
    /// 1..=[`count`](Self::count).
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Number of regions.
    #[must_use]
    pub fn count(&self) -> usize {
        self.areas.len()
    }

    /// Number of pixels of each region; region `n` is at index `n - 1`. Never 0.
    #[must_use]
    pub fn areas(&self) -> &[usize] {
        &self.areas
    }
}

/// Labels the connected regions of a row-major mask of `height` x `width` pixels.
///
/// # Errors
///
/// If the mask does not have `height * width` pixels, or it falls into more pieces than 32 bits can number.
///
/// ```
/// use madenet_metrics::{Connectivity, components};
///
/// let mask = [true, false, false, //
///             false, true, true];
/// let regions = components(&mask, 2, 3, Connectivity::Four)?;
/// assert_eq!(regions.labels(), [1, 0, 0, 0, 2, 2]);
/// assert_eq!(regions.areas(), [1, 2]);
/// assert_eq!(components(&mask, 2, 3, Connectivity::Eight)?.count(), 1);
/// # Ok::<(), madenet_metrics::Error>(())
/// ```
pub fn components(
    mask: &[bool],
    height: usize,
    width: usize,
    connectivity: Connectivity,
) -> Result<Components> {
    if height.checked_mul(width) != Some(mask.len()) {
        return Err(Error::ComponentsSize { height, width, got: mask.len() });
    }
    let mut labeller = Labeller::default();
    labeller.label(mask, width, connectivity)?;
    let mut labels = vec![0; mask.len()];
    for run in labeller.runs() {
        labels[run.start..run.end].fill(run.region + 1);
    }
    Ok(Components { labels, areas: labeller.areas().to_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(rows: &[&str]) -> (Vec<bool>, usize, usize) {
        let pixels = rows.iter().flat_map(|row| row.chars().map(|c| c == '#')).collect();
        (pixels, rows.len(), rows[0].len())
    }

    fn labelled(rows: &[&str], connectivity: Connectivity) -> Components {
        let (pixels, height, width) = mask(rows);
        components(&pixels, height, width, connectivity).unwrap()
    }

    #[test]
    fn corners_join_under_eight_connectivity_only() {
        let rows = ["#...", ".#..", "....", "...#"];
        assert_eq!(labelled(&rows, Connectivity::Eight).areas(), [2, 1]);
        assert_eq!(labelled(&rows, Connectivity::Four).areas(), [1, 1, 1]);
    }

    #[test]
    fn branches_that_meet_late_are_one_region() {
        let rows = ["#.#.#", "#.#.#", "#####", ".....", "##.##"];
        for connectivity in [Connectivity::Four, Connectivity::Eight] {
            let regions = labelled(&rows, connectivity);
            assert_eq!(regions.areas(), [11, 2, 2]);
            assert_eq!(regions.labels()[20..], [2, 2, 0, 3, 3]);
        }
    }

    #[test]
    fn row_ends_do_not_touch_the_next_row() {
        let rows = ["..#", "#..", "..#"];
        assert_eq!(labelled(&rows, Connectivity::Eight).count(), 3);
    }

    #[test]
    fn numbers_follow_the_first_pixel() {
        let rows = ["..#.#", "#.#.#", "###.#"];
        assert_eq!(
            labelled(&rows, Connectivity::Four).labels(),
            [0, 0, 1, 0, 2, 1, 0, 1, 0, 2, 1, 1, 1, 0, 2]
        );
    }

    #[test]
    fn empty_masks_have_no_region() {
        for (height, width) in [(0, 0), (0, 5), (5, 0), (2, 3)] {
            let regions =
                components(&vec![false; height * width], height, width, Connectivity::Eight).unwrap();
            assert_eq!((regions.count(), regions.labels().len()), (0, height * width));
        }
    }

    #[test]
    fn a_large_comb_needs_no_deep_stack() {
        // A comb whose teeth meet at the last row only: the worst case for chains of unions.
        let (height, width) = (400, 2001);
        let pixels: Vec<bool> =
            (0..height * width).map(|i| i % width % 2 == 0 || i / width == height - 1).collect();
        let regions = components(&pixels, height, width, Connectivity::Eight).unwrap();
        assert_eq!(regions.areas(), [height * 1001 + 1000]);
    }

    #[test]
    fn sizes_that_do_not_fit_are_errors() {
        let wrong = components(&[true; 5], 2, 3, Connectivity::Four);
        assert_eq!(wrong, Err(Error::ComponentsSize { height: 2, width: 3, got: 5 }));
        assert!(components(&[], usize::MAX, 2, Connectivity::Four).is_err());
    }
}
