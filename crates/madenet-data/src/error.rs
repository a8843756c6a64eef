//! The error of this crate.

use std::io;
use std::path::PathBuf;

use crate::plain::Plain;
use crate::{Split, TableFault};

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with a data set.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A folder of the layout is not there.
    #[error("there is no such folder, expected {expected}: {}", path.display())]
    MissingFolder {
        /// What the folder should hold.
        expected: &'static str,
        /// The folder.
        path: PathBuf,
    },
    /// A file where a folder should be.
    #[error("this is not a folder, expected {expected}: {}", path.display())]
    NotAFolder {
        /// What the folder should hold.
        expected: &'static str,
        /// The file.
        path: PathBuf,
    },
    /// A folder exists but could not be listed.
    #[error("cannot list a folder: {}", path.display())]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A folder that must hold pictures holds none.
    #[error(
        "no images in the folder, expected files named *.{}: {}",
        crate::IMAGE_EXTENSIONS.join(", *."), path.display()
    )]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// Test images were asked of a flat folder.
    #[error(
        "no test images: a flat folder of good images has a training part only: {}", path.display()
    )]
    NoTestPart {
        /// The folder.
        path: PathBuf,
    },
    /// A link with the name of a picture, as git-annex or DVC leave it where the content was not fetched.
    #[error("cannot follow a link to a picture (is the data set complete?): {source}: {}", path.display())]
    BrokenLink {
        /// The link.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The mask of an image is a JPEG file, whose compression alters zeros.
    #[error("a mask cannot be a JPEG file, expected PNG, BMP or TIFF: {}", path.display())]
    MaskFormat {
        /// The mask.
        path: PathBuf,
    },
    /// A name that cannot become part of an id.
    #[error("the name of a file or folder must be valid UTF-8: {}", path.display())]
    NotUtf8 {
        /// The file or folder.
        path: PathBuf,
    },
    /// A folder that looks like no data set.
    #[error(
        "no known layout of a data set, expected one of: images directly in the folder; train/good and \
         test/<defect> as in MVTec AD; a folder for each category with these; 1cls.csv or split_csv/1cls.csv as \
         in VisA: {}", path.display()
    )]
    UnknownLayout {
        /// The folder.
        path: PathBuf,
    },
    /// A category that the data set does not have.
    #[error("there is no category {category:?}, expected one of {}", some(known))]
    NoSuchCategory {
        /// The category asked for.
        category: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// A folder without the table that should say which images there are.
    #[error("no table of images in the folder, expected 1cls.csv or split_csv/1cls.csv: {}", path.display())]
    NoTable {
        /// The folder.
        path: PathBuf,
    },
    /// A table could not be read.
    #[error("cannot read a table of images: {}", path.display())]
    ReadTable {
        /// The table.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A table that is too large to be one.
    #[error("a table of images has at most {limit} bytes, this one has more: {}", path.display())]
    TableSize {
        /// The most bytes that are read.
        limit: u64,
        /// The table.
        path: PathBuf,
    },
    /// A row of a table that cannot be used.
    #[error("line {line} of a table of images: {fault}: {}", path.display())]
    Table {
        /// The line, from 1.
        line: u64,
        /// What is wrong with it.
        fault: TableFault,
        /// The table.
        path: PathBuf,
    },
    /// A table without the images that a part needs.
    #[error(
        "no rows for {split} of {category:?} in a table of images, expected {}: {}",
        if *split == Split::Train { "normal ones" } else { "at least 1" }, path.display()
    )]
    NoRows {
        /// The category.
        category: String,
        /// The part.
        split: Split,
        /// The table.
        path: PathBuf,
    },
    /// A sample beyond the end.
    #[error("there is no sample {index}: the data set has {len}")]
    NoSuchSample {
        /// The index asked for.
        index: usize,
        /// The number of samples.
        len: usize,
    },
    /// A range that does not lie within the data set.
    #[error("a range of samples must run upwards within 0..{len}, got {start}..{end}")]
    Range {
        /// The first index.
        start: usize,
        /// The index after the last one.
        end: usize,
        /// The number of samples.
        len: usize,
    },
    /// A mask does not cover its picture pixel by pixel, and
    /// [`MaskPolicy::Strict`](crate::MaskPolicy::Strict) holds, or it has other proportions.
    #[error(
        "a mask must be as large as its image, or have its proportions where masks are resized: the image has {} x {} pixels, the mask {} x {}: {} and {}",
        image_size.0, image_size.1, mask_size.0, mask_size.1, image.display(), mask.display()
    )]
    MaskSize {
        /// Width and height of the image.
        image_size: (usize, usize),
        /// Width and height of the mask.
        mask_size: (usize, usize),
        /// The file of the image.
        image: PathBuf,
        /// The file of the mask.
        mask: PathBuf,
    },
    /// Not one sample of a data set can be read.
    #[error("none of the {count} samples can be read, for instance {id}")]
    NothingReadable {
        /// The number of samples.
        count: usize,
        /// The id of the first.
        id: String,
        /// Why the first cannot be read.
        source: Box<Error>,
    },
    /// A share to hold out that leaves nothing on one side.
    #[error("the share to hold out must lie between 0 and 1, both excluded, got {0}")]
    Share(f64),
    /// A picture that is too small or too large to be drawn.
    #[cfg(feature = "smt")]
    #[error("drawn pictures have sides of 32 to 4096 pixels, got {width} x {height}")]
    SmtSize {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// Boards of no design.
    #[cfg(feature = "smt")]
    #[error("boards are of 0 designs, expected at least 1")]
    SmtDesigns,
    /// Anomalous boards of no defect.
    #[cfg(feature = "smt")]
    #[error("no defects were chosen for {}, expected at least 1", component.name())]
    SmtNoDefects {
        /// The component.
        component: crate::smt::Component,
    },
    /// A defect that the component cannot have.
    #[cfg(feature = "smt")]
    #[error(
        "{} cannot have the defect '{}', expected some of {}",
        component.name(), defect.name(), names(component.defects())
    )]
    SmtDefect {
        /// The component.
        component: crate::smt::Component,
        /// The defect.
        defect: crate::smt::Defect,
    },
    /// A defect that changes nothing one could see in a picture of this size.
    #[cfg(feature = "smt")]
    #[error(
        "the defect '{}' does not show on {} in pictures of {width} x {height} pixels, expected larger pictures or \
         other defects",
        defect.name(), component.name()
    )]
    SmtInvisible {
        /// The component.
        component: crate::smt::Component,
        /// The defect.
        defect: crate::smt::Defect,
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// A nuisance whose probability is none.
    #[cfg(feature = "smt")]
    #[error("the probability of the nuisance '{name}' must lie in 0 to 1, got {got}")]
    SmtNuisance {
        /// Which of them.
        name: &'static str,
        /// What was given.
        got: f32,
    },
    /// More samples than can be counted.
    #[cfg(feature = "smt")]
    #[error("too many samples: {normal} normal and {anomalous} anomalous ones")]
    SmtCount {
        /// The number of normal samples.
        normal: usize,
        /// The number of anomalous samples.
        anomalous: usize,
    },
    /// A share of a data set that is none.
    #[cfg(feature = "smt")]
    #[error("the scale of a data set must lie above 0 and at most at 1, got {0}")]
    SmtScale(f64),
    /// Two sets of boards that would be written to the same files.
    #[cfg(feature = "smt")]
    #[error("two sets of boards are of the same component and part: {}, {}", component.name(), split.folder())]
    SmtSameFiles {
        /// The component.
        component: crate::smt::Component,
        /// The part.
        split: crate::Split,
    },
    /// A folder to write to that holds something else.
    #[cfg(feature = "smt")]
    #[error(
        "the folder holds something else, expected an empty one or one whose README.txt tells the same recipe: {}",
        path.display()
    )]
    SmtOccupied {
        /// The folder.
        path: PathBuf,
    },
    /// A file could not be read, or not even looked for.
    #[cfg(feature = "smt")]
    #[error("cannot read a file: {source}: {}", path.display())]
    ReadFile {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A file or a folder could not be written.
    #[cfg(feature = "smt")]
    #[error("cannot write: {}", path.display())]
    WriteFile {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// A picture could not be read or written; the message names its file.
    #[error(transparent)]
    Image(#[from] madenet_image::Error),
}

/// The first names of a list that may be long.
fn some(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let shown: Vec<_> = names.iter().take(SHOWN).map(|name| Plain(name).to_string()).collect();
    let more = if names.len() > SHOWN { format!(", ... ({} in all)", names.len()) } else { String::new() };
    shown.join(", ") + &more
}

#[cfg(feature = "smt")]
fn names(defects: &[crate::smt::Defect]) -> String {
    defects.iter().map(|defect| defect.name()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_most_ten_categories_are_named_and_none_drives_a_terminal() {
        let message = |known: Vec<String>| {
            let category = "x".to_owned();
            Error::NoSuchCategory { category, known }.to_string()
        };
        let expected = "there is no category \"x\", expected one of a\\nb, c";
        assert_eq!(message(vec!["a\nb".to_owned(), "c".to_owned()]), expected);
        let expected =
            "there is no category \"x\", expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ... (12 in all)";
        assert_eq!(message((0..12).map(|i| i.to_string()).collect()), expected);
    }
}
