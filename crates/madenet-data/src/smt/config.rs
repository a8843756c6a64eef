//! What a set of drawn boards is made from.

use super::Component;
use crate::{Error, Result};

/// The recipe of a [`SmtBoards`](super::SmtBoards).
///
/// | field | default | range |
/// |---|---|---|
/// | `width`, `height` | 256 | 32 to 4096 pixels |
/// | `designs` | 1 | at least 1 |
/// | `normal` | 100 | |
/// | `anomalous` | 0 | together with `normal` at most `usize::MAX` |
/// | `seed` | 0 | |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SmtConfig {
    /// The category.
    pub component: Component,
    /// Width of the pictures, in pixels. The shorter side shows a little more than the component, the longer one
    /// more of the board.
    pub width: usize,
    /// Height of the pictures, in pixels.
    pub height: usize,
    /// The number of designs that the boards are of, in turns: conductors, vias, designator and the marking of the
    /// component, which boards of one design share. A station that looks at one place of one product sees one.
    pub designs: usize,
    /// The number of boards without a defect.
    pub normal: usize,
    /// The number of boards with one.
    pub anomalous: usize,
    /// Sets of different seeds share neither boards nor designs.
    pub seed: u64,
}

/// The pictures that are drawn: below the least side leads are thinner than a pixel, and the greatest bounds the
/// memory (a picture of 4096 x 4096 takes 200 MB while it is drawn).
const SIDES: std::ops::RangeInclusive<usize> = 32..=4096;

impl SmtConfig {
    /// The defaults for a component.
    #[must_use]
    pub fn new(component: Component) -> Self {
        SmtConfig { component, width: 256, height: 256, designs: 1, normal: 100, anomalous: 0, seed: 0 }
    }

    /// Whether boards can be drawn.
    ///
    /// # Errors
    /// [`Error::SmtSize`] for a side out of range, [`Error::SmtDesigns`] without designs, [`Error::SmtCount`] where the
    /// number of samples overflows.
    ///
    /// ```
    /// use madenet_data::smt::{Component, SmtConfig};
    ///
    /// let config = SmtConfig { width: 31, ..SmtConfig::new(Component::Soic) };
    /// let error = config.validate().unwrap_err();
    /// assert_eq!(error.to_string(), "drawn pictures have sides of 32 to 4096 pixels, got 31 x 256");
    /// ```
    pub fn validate(&self) -> Result<()> {
        let SmtConfig { width, height, designs, normal, anomalous, .. } = *self;
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            return Err(Error::SmtSize { width, height });
        }
        if designs == 0 {
            return Err(Error::SmtDesigns);
        }
        normal.checked_add(anomalous).map(drop).ok_or(Error::SmtCount { normal, anomalous })
    }
}
