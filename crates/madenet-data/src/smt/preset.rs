//! As many boards as ManuDefect-21 has photographs.

use std::path::Path;

use super::{Component, Nuisances, SmtBoards, SmtConfig, Written, write_boards};
use crate::{Chain, Error, Result, Split};

/// Boards of several categories, each drawn when it is asked for. A stand-in: nobody photographed them, and results on them
/// say nothing about results on photographs or on ManuDefect-21.
pub type SmtSet = Chain<SmtBoards>;

/// A **stand-in** of the size and the split of ManuDefect-21 (Appl. Sci. 2025, 15(20), 10885): 44,371 drawn boards of
/// eleven categories. It is not that data set, whose photographs are not public, and results on it say nothing about
/// results there.
///
/// | | train | test | |
/// |---|---|---|---|
/// | all | 31,050 | 13,321 | the paper's |
/// | `CAPACITOR` | 9,945 | 4,264 | the paper's |
/// | `ALUMINUM_CAPACITOR` | 505 | 218 | the paper's |
/// | each of the other nine | 800 to 7,200 | 343 to 3,089 | made up; their sums, 20,600 and 8,839, are the paper's |
/// | normal | 23,943 | 10,272 | test: the paper's; train: the same share |
/// | anomalous | 7,107 | 3,049 | test: the paper's; train: the same share |
///
/// Both parts of a category have the same share of anomalous boards, 22.9 % but for rounding, spread evenly over the defects
/// of [`Component::defects`]. With a small [`scale`](Self::scale) the share is greater, as each category keeps at least one
/// normal board and one of each of its defects: 88 % where nothing else is left.
///
/// ```
/// use madenet_data::smt::ManuDefect21Like;
/// use madenet_data::{Dataset, Split};
///
/// let whole = ManuDefect21Like::default();
/// assert_eq!((whole.split(Split::Train)?.len(), whole.split(Split::Test)?.len()), (31_050, 13_321));
///
/// let small = ManuDefect21Like { width: 32, height: 32, scale: 0.01, ..whole };
/// let test = small.split(Split::Test)?;
/// assert_eq!(test.len(), 186);
/// assert_eq!(test.get(0)?.id, "ALUMINUM_CAPACITOR/test/good/0000");
/// assert_eq!(test.get(185)?.id, "SOT/test/open_joint/0000");
/// # Ok::<(), madenet_data::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ManuDefect21Like {
    /// Width of the pictures, 32 to 4096 pixels.
    pub width: usize,
    /// Height of the pictures, 32 to 4096 pixels.
    pub height: usize,
    /// The number of designs in each category; see [`SmtConfig::designs`].
    pub designs: usize,
    /// How often boards are hard to see.
    pub nuisances: Nuisances,
    /// Sets of different seeds share no board.
    pub seed: u64,
    /// The share of the boards, above 0 up to 1. Each category keeps at least one normal board and one of each of its
    /// defects in either part, so that small sets are larger than this share.
    pub scale: f64,
}

/// Pictures of 256 x 256, one design, no nuisances, seed 0, all boards.
impl Default for ManuDefect21Like {
    fn default() -> Self {
        ManuDefect21Like {
            width: 256,
            height: 256,
            designs: 1,
            nuisances: Nuisances::default(),
            seed: 0,
            scale: 1.0,
        }
    }
}

/// What one category of a [`ManuDefect21Like`] is made from.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Category {
    /// The category.
    pub component: Component,
    /// Its boards for training.
    pub train: SmtConfig,
    /// Its boards for testing.
    pub test: SmtConfig,
}

/// (normal, anomalous) boards for training and for testing. See [`ManuDefect21Like`] for what is made up.
type Counts = [(usize, usize); 2];

const COUNTS: [(Component, Counts); 11] = [
    (Component::AluminumCapacitor, [(389, 116), (168, 50)]),
    (Component::Bga, [(617, 183), (264, 79)]),
    (Component::Capacitor, [(7669, 2276), (3288, 976)]),
    (Component::Dpak, [(771, 229), (331, 98)]),
    (Component::Inductor, [(1157, 343), (497, 147)]),
    (Component::Qfn, [(1002, 298), (430, 128)]),
    (Component::Qfp, [(1311, 389), (562, 167)]),
    (Component::Resistor, [(5552, 1648), (2382, 707)]),
    (Component::Sod, [(1619, 481), (695, 206)]),
    (Component::Soic, [(1851, 549), (794, 236)]),
    (Component::Sot, [(2005, 595), (861, 255)]),
];

impl ManuDefect21Like {
    /// The recipes of all categories, in alphabetical order.
    ///
    /// # Errors
    /// [`Error::SmtScale`], and those of [`SmtConfig::validate`].
    pub fn categories(&self) -> Result<Vec<Category>> {
        if !(self.scale > 0.0 && self.scale <= 1.0) {
            return Err(Error::SmtScale(self.scale));
        }
        COUNTS.iter().map(|&(component, counts)| self.category(component, counts)).collect()
    }

    /// All boards of one part, category by category; in each first the normal ones. Nothing is kept: a board is drawn
    /// whenever it is asked for.
    ///
    /// # Errors
    /// Those of [`categories`](Self::categories).
    pub fn split(&self, split: Split) -> Result<SmtSet> {
        let boards = |category: Category| match split {
            Split::Train => SmtBoards::new(category.train, split),
            Split::Test => SmtBoards::new(category.test, split),
        };
        Ok(Chain::new(self.categories()?.into_iter().map(boards).collect::<Result<_>>()?))
    }

    /// Writes both parts into files below `dir`; see [`write_boards`].
    ///
    /// # Errors
    /// Those of [`categories`](Self::categories) and of [`write_boards`].
    pub fn write_to(&self, dir: impl AsRef<Path>, progress: impl Fn(usize, usize) + Sync) -> Result<Written> {
        let parts = [self.split(Split::Train)?, self.split(Split::Test)?];
        write_boards(&parts.map(|part| part.parts().to_vec()).concat(), dir, progress)
    }

    fn category(&self, component: Component, [train, test]: Counts) -> Result<Category> {
        let ManuDefect21Like { width, height, designs, nuisances, seed, scale } = *self;
        let scaled = |count: usize, least: usize| ((count as f64 * scale).round() as usize).max(least);
        let config = |(normal, anomalous): (usize, usize)| {
            let config = SmtConfig {
                width,
                height,
                designs,
                normal: scaled(normal, 1),
                anomalous: scaled(anomalous, component.defects().len()),
                nuisances,
                seed,
                ..SmtConfig::new(component)
            };
            config.validate().map(|()| config)
        };
        Ok(Category { component, train: config(train)?, test: config(test)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Dataset;

    /// Sums over all categories: normal and anomalous for training, normal and anomalous for testing.
    fn sums(preset: &ManuDefect21Like) -> [usize; 4] {
        preset.categories().unwrap().iter().fold([0; 4], |sums, category| {
            let Category { train, test, .. } = category;
            let counts = [train.normal, train.anomalous, test.normal, test.anomalous];
            std::array::from_fn(|i| sums[i] + counts[i])
        })
    }

    #[test]
    fn the_sums_are_those_of_the_paper() {
        let whole = ManuDefect21Like::default();
        assert_eq!(sums(&whole), [23_943, 7_107, 10_272, 3_049]);
        let categories = whole.categories().unwrap();
        assert_eq!(categories.iter().map(|category| category.component).collect::<Vec<_>>(), Component::ALL);
        let all = |component: Component| {
            let category = categories.iter().find(|category| category.component == component).unwrap();
            (category.train.normal + category.train.anomalous, category.test.normal + category.test.anomalous)
        };
        assert_eq!(all(Component::Capacitor), (9945, 4264));
        assert_eq!(all(Component::AluminumCapacitor), (505, 218));
        // The same share of anomalous boards everywhere, but for rounding.
        for (component, counts) in COUNTS {
            for (normal, anomalous) in counts {
                let expected = (normal + anomalous) as f64 * 3049.0 / 13_321.0;
                assert!((anomalous as f64 - expected).abs() < 0.6, "{component:?}: {anomalous} {expected}");
            }
        }
    }

    #[test]
    fn small_sets_have_every_category_and_every_defect() {
        let small = ManuDefect21Like { width: 32, height: 32, scale: 1e-9, ..Default::default() };
        assert_eq!(sums(&small), [11, 82, 11, 82]);
        let test = ManuDefect21Like { scale: 0.01, ..small }.split(Split::Test).unwrap();
        assert_eq!(test.parts().len(), 11);
        let ids: Vec<String> =
            test.parts().iter().flat_map(|part| (0..part.len()).map(|i| part.id(i).unwrap())).collect();
        for component in Component::ALL {
            for defect in component.defects() {
                let folder = format!("{}/test/{}/", component.name(), defect.name());
                assert!(ids.iter().any(|id| id.starts_with(&folder)), "{folder}");
            }
        }
    }

    #[test]
    fn scales_that_are_no_shares_are_refused() {
        for scale in [0.0, -0.5, 1.5, f64::NAN, f64::INFINITY] {
            let preset = ManuDefect21Like { scale, ..Default::default() };
            assert!(matches!(preset.categories(), Err(Error::SmtScale(_))), "{scale}");
        }
    }
}
