//! Connected regions of a mask.
//!
//! Two passes over the pixels with a union-find between them: no recursion, hence no stack to overflow on a
//! large region. Every union keeps the smaller label as the root, so a label's parent is never larger than
//! the label, one ascending loop resolves all of them, and regions come out numbered by their first pixel in
//! raster order.

use crate::error::{Error, Result};

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
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// Number of regions.
    pub fn count(&self) -> usize {
        self.areas.len()
    }

    /// Number of pixels of each region; region `n` is at index `n - 1`. Never 0.
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
    let (mut labels, forest) = provisional_labels(mask, width, connectivity)?;
    let numbers = forest.into_numbers();
    let count = numbers.iter().max().map_or(0, |&last| last as usize);
    let mut areas = vec![0; count];
    for label in labels.iter_mut().filter(|label| **label != 0) {
        *label = numbers[*label as usize];
        areas[*label as usize - 1] += 1;
    }
    Ok(Components { labels, areas })
}

/// First pass: joins every pixel to its neighbours already visited, or starts a new tree.
fn provisional_labels(mask: &[bool], width: usize, connectivity: Connectivity) -> Result<(Vec<u32>, Forest)> {
    let mut labels = vec![0; mask.len()];
    let mut forest = Forest::new();
    for (index, _) in mask.iter().enumerate().filter(|&(_, &anomalous)| anomalous) {
        let mut root = 0;
        for neighbour in visited_neighbours(index, width, connectivity).into_iter().flatten() {
            root = forest.join(root, labels[neighbour]);
        }
        labels[index] = if root == 0 { forest.plant()? } else { root };
    }
    Ok((labels, forest))
}

/// The neighbours before a pixel in raster order: left, above, above left, above right.
fn visited_neighbours(index: usize, width: usize, connectivity: Connectivity) -> [Option<usize>; 4] {
    let x = index % width;
    let above = index.checked_sub(width);
    let left = (x > 0).then(|| index - 1);
    match connectivity {
        Connectivity::Four => [left, above, None, None],
        Connectivity::Eight => {
            let above_left = above.filter(|_| x > 0).map(|above| above - 1);
            let above_right = above.filter(|_| x + 1 < width).map(|above| above + 1);
            [left, above, above_left, above_right]
        }
    }
}

/// Union-find over provisional labels. Label 0, the background, is its own tree and joins nothing.
struct Forest {
    /// `parents[label] <= label`, equal at a root.
    parents: Vec<u32>,
}

impl Forest {
    fn new() -> Self {
        Self { parents: vec![0] }
    }

    fn plant(&mut self) -> Result<u32> {
        let got = self.parents.len();
        let label = u32::try_from(got).map_err(|_| Error::TooManyRegions { got })?;
        self.parents.push(label);
        Ok(label)
    }

    fn root(&mut self, mut label: u32) -> u32 {
        while self.parents[label as usize] != label {
            let grandparent = self.parents[self.parents[label as usize] as usize];
            self.parents[label as usize] = grandparent;
            label = grandparent;
        }
        label
    }

    /// Makes two labels one region and returns its root; background adds nothing to the other.
    fn join(&mut self, a: u32, b: u32) -> u32 {
        let (a, b) = (self.root(a), self.root(b));
        if a == 0 || b == 0 {
            return a.max(b);
        }
        let root = a.min(b);
        self.parents[a.max(b) as usize] = root;
        root
    }

    /// The consecutive final number of every provisional label.
    fn into_numbers(self) -> Vec<u32> {
        let mut numbers = self.parents;
        let mut last = 0;
        for label in 1..numbers.len() {
            let parent = numbers[label] as usize;
            numbers[label] = if parent == label {
                last += 1;
                last
            } else {
                // Parents come first, so this entry already is a final number.
                numbers[parent]
            };
        }
        numbers
    }
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
