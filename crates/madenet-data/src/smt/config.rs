//! What a set of drawn boards is made from.

use super::{Component, DefectSet, Nuisances};
use crate::{Error, Result};

/// The recipe of a [`SmtBoards`](super::SmtBoards).
///
/// | field | default | range |
/// |---|---|---|
/// | `width`, `height` | 256 | 32 to 4096 pixels |
/// | `designs` | 1 | at least 1 |
/// | `normal` | 100 | |
/// | `anomalous` | 0 | together with `normal` at most `usize::MAX` |
/// | `defects` | [`Component::defects`] | at least one, all of them possible for the component |
/// | `nuisances` | none | probabilities |
/// | `seed` | 0 | |
///
/// # Memory
/// A canvas takes 12 bytes per pixel. A normal board needs one and its codes, 15 bytes per pixel; a board with a defect, or
/// with a chance of nuisances that has come true, needs three canvases, 36 bytes, and with [oxidation](super::Defect::Oxidation)
/// a fourth, 48. Measured at 2048 x 2048; at 4096 x 4096 pixels these make 250, 600 and 810 MB, at 256 x 256 at most 3.2 MB.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SmtConfig {
    /// The category.
    pub component: Component,
    /// Width of the pictures, in pixels. The shorter side shows a little more than the component, the longer one
    /// more of the board.
    pub width: usize,
    /// Height of the pictures, in pixels.
    pub height: usize,
    /// The number of designs that the boards are of: conductors, vias, designator and the marking of the component, which
    /// boards of one design share. Which of them a board is of is drawn by lot, each equally likely, for normal and
    /// anomalous boards alike. A station that looks at one place of one product sees one.
    pub designs: usize,
    /// The number of boards without a defect.
    pub normal: usize,
    /// The number of boards with one.
    pub anomalous: usize,
    /// The defects that the anomalous boards have, in turns.
    pub defects: DefectSet,
    /// How often contrast, things in the way and reflections disturb the view.
    pub nuisances: Nuisances,
    /// Sets of different seeds share neither boards nor designs.
    pub seed: u64,
}

/// The pictures that are drawn: below the least side leads are thinner than a pixel, and the greatest bounds the
/// memory.
const SIDES: std::ops::RangeInclusive<usize> = 32..=4096;

impl SmtConfig {
    /// The defaults for a component.
    #[must_use]
    pub fn new(component: Component) -> Self {
        SmtConfig {
            component,
            width: 256,
            height: 256,
            designs: 1,
            normal: 100,
            anomalous: 0,
            defects: component.defects().into(),
            nuisances: Nuisances::default(),
            seed: 0,
        }
    }

    /// Whether boards can be drawn.
    ///
    /// # Errors
    /// [`Error::SmtSize`] for a side out of range, [`Error::SmtDesigns`] without designs, [`Error::SmtNoDefects`]
    /// without defects, [`Error::SmtDefect`] for one that the component cannot have, [`Error::SmtNuisance`] for what is
    /// no probability, [`Error::SmtCount`] where the number of samples overflows.
    ///
    /// ```
    /// use madenet_data::smt::{Component, Defect, SmtConfig};
    ///
    /// let config = SmtConfig { width: 31, ..SmtConfig::new(Component::Soic) };
    /// let error = config.validate().unwrap_err();
    /// assert_eq!(error.to_string(), "drawn pictures have sides of 32 to 4096 pixels, got 31 x 256");
    ///
    /// let config = SmtConfig { defects: [Defect::Bridge].into(), ..SmtConfig::new(Component::Sod) };
    /// let error = config.validate().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "SOD cannot have the defect 'bridge', expected some of missing, shift, wrong_polarity, cold_joint, \
    ///      excess_solder, stain"
    /// );
    /// ```
    pub fn validate(&self) -> Result<()> {
        let SmtConfig { component, width, height, designs, normal, anomalous, defects, .. } = *self;
        if !SIDES.contains(&width) || !SIDES.contains(&height) {
            return Err(Error::SmtSize { width, height });
        }
        if designs == 0 {
            return Err(Error::SmtDesigns);
        }
        if defects.is_empty() {
            return Err(Error::SmtNoDefects { component });
        }
        if let Some(defect) = defects.iter().find(|defect| !component.defects().contains(defect)) {
            return Err(Error::SmtDefect { component, defect });
        }
        self.nuisances.validate()?;
        normal.checked_add(anomalous).map(drop).ok_or(Error::SmtCount { normal, anomalous })
    }
}
