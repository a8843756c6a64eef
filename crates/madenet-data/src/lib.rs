//! Data sets of industrial inspection photographs with masks: MVTec AD and its relatives.
//!
//! ```
//! use madenet_data::{Dataset, Label, MvtecAd, Split};
//! # use madenet_image::{Image, save_png};
//! # let category = tempfile::tempdir()?;
//! # let dir = category.path();
//! # for name in ["train/good/0.png", "train/good/1.png", "train/good/2.png", "test/cut/0.png"] {
//! #     std::fs::create_dir_all(dir.join(name).parent().unwrap())?;
//! #     save_png(&Image::new(1, 1, vec![0; 3])?, dir.join(name))?;
//! # }
//!
//! let (train, validation) = MvtecAd::open(dir, Split::Train)?.normal().hold_out(0.15, 0)?;
//! assert_eq!((train.len(), validation.len()), (2, 1));
//!
//! let test = MvtecAd::open(dir, Split::Test)?;
//! let sample = test.get(0)?;
//! assert_eq!((sample.id.as_str(), sample.label), ("test/cut/0.png", Label::Anomalous));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Dataset`] is anything that yields [`Sample`]s by index: a photograph, whether it is anomalous, and,
//! where known, the type of the defect and its mask. Data sets in files are [`Records`]: opening one lists
//! the files in a fixed order and decodes nothing, so that filtering and splitting are free;
//! [`Records::get`](Dataset::get) reads one picture and its mask. [`MvtecAd`] and [`Folder`] know the layouts
//! of folders.
//!
//! The feature `smt` adds the module `smt`: photographs that are drawn and need no download.

mod chain;
mod dataset;
mod error;
mod folder;
mod hash;
mod listing;
mod mvtec;
mod records;
#[cfg(feature = "smt")]
pub mod smt;
mod split;
mod subset;

pub use chain::Chain;
pub use dataset::{Dataset, Sample};
pub use error::{Error, Result};
pub use folder::Folder;
pub use listing::IMAGE_EXTENSIONS;
pub use madenet_metrics::Label;
pub use mvtec::{MvtecAd, Split};
pub use records::{Entry, Records};
pub use split::hold_out;
pub use subset::Subset;
