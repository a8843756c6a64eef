//! Connected regions as runs of pixels.
//!
//! Runs of neighbouring rows are joined by a union-find: no recursion, hence no stack to overflow on a large
//! region. Every union keeps the smaller label as the root, so a label's parent is never larger than the label,
//! one ascending loop resolves all of them, and regions come out numbered by their first pixel in raster order.

use super::{Connectivity, runs};
use crate::error::{Error, Result};

/// A horizontal run of pixels of one region.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run {
    /// Position of the first pixel in the row-major mask.
    pub(crate) start: usize,
    /// Position after the last pixel.
    pub(crate) end: usize,
    /// The region, from 0.
    pub(crate) region: u32,
}

/// Labels masks, one after the other in the same memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct Labeller {
    runs: Vec<Run>,
    forest: Forest,
    areas: Vec<usize>,
}

impl Labeller {
    /// Finds the regions of a row-major mask, whose length is a multiple of its width.
    pub(crate) fn label(&mut self, mask: &[bool], width: usize, connectivity: Connectivity) -> Result<()> {
        self.runs.clear();
        self.forest.clear();
        // Under eight neighbours, runs that end where the other begins touch at a corner.
        let corner = usize::from(connectivity == Connectivity::Eight);
        let mut above = 0;
        // An empty mask may have no width.
        for (y, row) in mask.chunks_exact(width.max(1)).enumerate() {
            let first = self.runs.len();
            let runs = &mut self.runs;
            runs::in_row(row, |start, end| {
                runs.push(Run { start: y * width + start, end: y * width + end, region: 0 });
            });
            self.join_rows(above, first, width, corner)?;
            above = first;
        }
        self.number();
        Ok(())
    }

    /// All runs in raster order.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// Number of pixels of each region.
    pub(crate) fn areas(&self) -> &[usize] {
        &self.areas
    }

    /// Joins the runs from `first` on to those of the row above, which begin at `above`.
    fn join_rows(&mut self, above: usize, first: usize, width: usize, corner: usize) -> Result<()> {
        let (before, row) = self.runs.split_at_mut(first);
        let mut upper = before.get(above..).unwrap_or_default();
        for run in row {
            // Both rows are sorted: what ends before this run ends before the next ones as well.
            let passed = upper.iter().take_while(|other| other.end + width + corner <= run.start).count();
            upper = upper.get(passed..).unwrap_or_default();
            let touching = upper.iter().take_while(|other| other.start + width < run.end + corner);
            let root = touching.fold(None, |root, other| Some(self.forest.join(root, other.region)));
            run.region = match root {
                Some(root) => root,
                None => self.forest.plant()?,
            };
        }
        Ok(())
    }

    /// Gives the runs their final numbers, and counts the pixels.
    fn number(&mut self) {
        let (numbers, count) = self.forest.number();
        self.areas.clear();
        self.areas.resize(count, 0);
        for run in &mut self.runs {
            run.region = numbers[run.region as usize];
            self.areas[run.region as usize] += run.end - run.start;
        }
    }
}

/// Union-find over provisional labels.
#[derive(Debug, Clone, Default)]
struct Forest {
    /// `parents[label] <= label`, equal at a root.
    parents: Vec<u32>,
}

impl Forest {
    fn clear(&mut self) {
        self.parents.clear();
    }

    fn plant(&mut self) -> Result<u32> {
        let label = self.parents.len();
        match u32::try_from(label) {
            Ok(label) if label < u32::MAX => {
                self.parents.push(label);
                Ok(label)
            }
            _ => Err(Error::TooManyRegions { got: label + 1 }),
        }
    }

    fn root(&mut self, mut label: u32) -> u32 {
        while self.parents[label as usize] != label {
            let grandparent = self.parents[self.parents[label as usize] as usize];
            self.parents[label as usize] = grandparent;
            label = grandparent;
        }
        label
    }

    /// Makes a label and a root one region, and returns its root.
    fn join(&mut self, root: Option<u32>, label: u32) -> u32 {
        let b = self.root(label);
        let a = root.unwrap_or(b);
        let (root, child) = (a.min(b), a.max(b));
        self.parents[child as usize] = root;
        root
    }

    /// Replaces every provisional label by the consecutive number of its region, and counts the regions.
    fn number(&mut self) -> (&[u32], usize) {
        let mut count = 0;
        for label in 0..self.parents.len() {
            let parent = self.parents[label] as usize;
            // Parents come first, so the entry of another label already is a final number.
            self.parents[label] = if parent == label {
                count += 1;
                count - 1
            } else {
                self.parents[parent]
            };
        }
        (&self.parents, count as usize)
    }
}
