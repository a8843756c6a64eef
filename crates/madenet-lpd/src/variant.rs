//! Which kinds of patches are drawn, and the classes they belong to.

use serde::{Deserialize, Serialize};

/// What is cut out and moved (Li, Sohn, Yoon, Pfister, "CutPaste: self-supervised learning for anomaly detection and
/// localization", CVPR 2021).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A rectangle of a part of the picture's area: structural damage, a missing or displaced part.
    Patch,
    /// A small, turned strip: scratches, cracks, hairs.
    Scar,
}

/// Which [`Kind`]s are drawn, and how many classes a classifier tells apart.
///
/// | variant | kinds | classes |
/// |---|---|---|
/// | `Normal` | patch | 0 normal, 1 patch |
/// | `Scar` | scar | 0 normal, 1 scar |
/// | `Union` | one half each | 0 normal, 1 either |
/// | `ThreeWay` | one half each | 0 normal, 1 patch, 2 scar |
///
/// The numbers of the three classes are those of CutPaste (Li et al. 2021).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Variant {
    /// Patches: plain CutPaste.
    #[default]
    Normal,
    /// Scars.
    Scar,
    /// Patches and scars, in one class.
    Union,
    /// Patches and scars, in classes of their own.
    ThreeWay,
}

impl Variant {
    /// The kinds that are drawn, each equally often.
    #[must_use]
    pub const fn kinds(self) -> &'static [Kind] {
        match self {
            Variant::Normal => &[Kind::Patch],
            Variant::Scar => &[Kind::Scar],
            Variant::Union | Variant::ThreeWay => &[Kind::Patch, Kind::Scar],
        }
    }

    /// Number of classes with that of normal pictures, 2 or 3.
    #[must_use]
    pub const fn classes(self) -> usize {
        match self {
            Variant::ThreeWay => 3,
            _ => 2,
        }
    }

    /// The class of a picture with a patch of `kind`, or without (`None`): below [`classes`](Self::classes), 0 for normal.
    ///
    /// ```
    /// use madenet_lpd::{Kind, Variant};
    ///
    /// assert_eq!(Variant::ThreeWay.class(Some(Kind::Scar)), 2);
    /// assert_eq!(Variant::Union.class(Some(Kind::Scar)), 1);
    /// assert_eq!(Variant::Union.class(None), 0);
    /// ```
    #[must_use]
    pub const fn class(self, kind: Option<Kind>) -> usize {
        match (self, kind) {
            (_, None) => 0,
            (Variant::ThreeWay, Some(Kind::Scar)) => 2,
            (_, Some(_)) => 1,
        }
    }
}
