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
//! [`Records::get`](Dataset::get) reads one picture and its mask.
//!
//! # Layouts of folders
//!
//! | reader | [`Layout`] | what it is | good images | anomalous ones | masks |
//! |---|---|---|---|---|---|
//! | [`Folder`] | `Flat` | photographs of good products | all | | |
//! | [`MvtecAd`] | `Category` | one category of MVTec AD, or of the reorganised VisA | `good` | other folders in `test` | `NAME_mask.png` or `NAME.png` |
//! | [`MvtecAd`] | `Category` | one in the style of ManuDefect-21, with anomalies to train on | `good` | other folders in `train` and `test` | the same, apart for both parts |
//! | [`MvtecAd`] | `Categories` | a folder with many of these | | | |
//! | [`VisA`] | `VisA` | a table beside the images | `normal` | `anomaly` | as the table says |
//!
//! ```text
//! Flat        Category (MVTec AD)           Category (ManuDefect-21)            VisA
//!
//! good/       bottle/                       tile/                               VisA/
//!   a.png       train/                        train/                              split_csv/1cls.csv
//!   b.jpg         good/000.png                  good/000.png                      candle/Data/
//!               test/                           crack/001.png                       Images/Normal/0000.JPG
//!                 good/000.png                test/                                 Images/Anomaly/000.JPG
//!                 crack/001.png                 good/000.png                        Masks/Anomaly/000.png
//!               ground_truth/                   crack/001.png                     pcb1/Data/
//!                 crack/001_mask.png          ground_truth/                         ...
//!                                               train/crack/001_mask.png
//! Categories                                    test/crack/001_mask.png         1cls.csv
//!                                                                               object,split,label,image,mask
//! sets/                                                                         candle,train,normal,candle/...
//!   bottle/train/ test/ ground_truth/
//!   tile/train/ test/ ground_truth/
//! ```
//!
//! # Before a long training
//!
//! [`scan`] recognises the layout, looks at every file below the folder and decodes none. Its [`ScanReport`]
//! tells what each was taken for, or why it plays no part, and what looks wrong:
//!
//! ```
//! use madenet_data::{Dataset, Ignored, Layout, Split, scan};
//! # let root = tempfile::tempdir()?;
//! # let sets = root.path();
//! # for name in [
//! #     "bottle/train/good/0.png", "bottle/train/good/1.png", "bottle/train/good/2.png",
//! #     "bottle/test/good/0.png", "bottle/test/crack/0.png", "bottle/test/crack/1.png",
//! #     "bottle/ground_truth/crack/0_mask.png", "bottle/ground_truth/crack/7_mask.png",
//! #     "bottle/license.txt", "bottle/readme.txt", "tile/train/good/0.png", "tile/train/1.png",
//! # ] {
//! #     std::fs::create_dir_all(sets.join(name).parent().unwrap())?;
//! #     std::fs::write(sets.join(name), [])?;
//! # }
//!
//! let scan = scan(sets)?;
//! let expected = "\
//! categories in the layout of MVTec AD
//! images 7, masks 1, ignored 4
//!
//! category  split  label      defect type  images  masks
//! bottle    train  normal     -                 3      -
//! bottle    test   normal     -                 1      -
//! bottle    test   anomalous  crack             2      1
//! tile      train  normal     -                 1      -
//!
//! ignored
//!   images where the layout has none (1): tile/train/1.png
//!   masks without an image (1): bottle/ground_truth/crack/7_mask.png
//!   files not named *.png, *.jpg, *.jpeg, *.bmp, *.tif, *.tiff (2): bottle/license.txt, bottle/readme.txt
//!
//! warnings
//!   tile: no test images
//!   bottle, test, crack: 1 of 2 anomalous images have no mask
//! ";
//! assert_eq!(scan.report().to_string(), expected);
//! assert_eq!(scan.report().layout(), Layout::Categories);
//! assert_eq!(scan.report().ignored()[&Ignored::NotAnImage].len(), 2);
//!
//! let train = scan.records(Split::Train)?;
//! assert_eq!((train.len(), train.entries()[0].id.as_str()), (4, "bottle/train/good/0.png"));
//! assert_eq!(scan.records_of("tile", Split::Train)?.len(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! What a scan passes over, it reports. Opening ([`MvtecAd::open`], [`Folder::open`], [`VisA::open`]) reads
//! only the folders it needs and has no report, so it refuses what a scan ignores with a reason: pictures and
//! folders whose names are not UTF-8, pictures that are broken links, and masks that are JPEG files. The other
//! way round, a row that cannot be used in a table of VisA is a warning of the scan, which then gives no
//! records. Symbolic links to what plays a part are followed, out of the folder, too, but never in a circle; the
//! files that a table names have to lie below its folder. Nothing is looked at more than 16 folders down.
//!
//! [`hold_out`] chooses what to set aside for validation, by the names of the files and apart for every class.
//! [`Records::quarantine`] sorts out files that cannot be read, [`leaks`] finds test pictures that are also
//! in the training part, [`duplicates`] those that occur twice in one part, and [`ClassCounts`] says what there
//! is. A [`MaskPolicy`] says what becomes of masks that are not as large as their images.
//!
//! # Reading
//!
//! A [`Loader`] decodes ahead on several threads, in a fixed order and in bounded memory. It reads any
//! [`Dataset`]: a [`Chain`] is several one after another, and a [`Subset`] some samples of one.
//! [`ordered`] does any other work ahead in the same way.
//!
//! The feature `smt` adds the module `smt`: photographs that are drawn and need no download.

mod chain;
mod check;
mod class;
mod columns;
mod dataset;
mod error;
mod hash;
mod hold_out;
mod kept;
mod layout;
mod load;
mod plain;
mod records;
mod scan;
#[cfg(feature = "smt")]
pub mod smt;
mod split;
mod subset;

pub use chain::Chain;
pub use check::{Content, Leak, Quarantined, duplicates, leaks};
pub use class::{Class, ClassCounts, Count};
pub use dataset::{Dataset, Sample};
pub use error::{Error, Result};
pub use hold_out::hold_out;
pub use kept::Kept;
pub use layout::{Folder, IMAGE_EXTENSIONS, Layout, MvtecAd, TableFault, VisA, scan};
pub use load::{Ahead, Loader, Ordered, Samples, ordered};
pub use madenet_metrics::Label;
pub use records::{Entry, MaskPolicy, Records};
pub use scan::{Group, Ignored, Role, Scan, ScanReport, ScanWarning, ScannedFile};
pub use split::Split;
pub use subset::Subset;
