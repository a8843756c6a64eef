//! Which mask belongs to which image of the same type of defect.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::listing::{Named, has_extension};
use crate::Ignored;

/// What [`decode_mask`](madenet_image::decode_mask) reads.
const MASK_EXTENSIONS: [&str; 4] = ["png", "bmp", "tif", "tiff"];

/// The masks of images, by the images' names without ending, and the files that are none.
pub(crate) struct Matched {
    pub(crate) masks: BTreeMap<String, PathBuf>,
    /// JPEG files named as the masks of images that have no other.
    pub(crate) unusable: BTreeMap<String, PathBuf>,
    pub(crate) ignored: Vec<(PathBuf, Ignored)>,
}

/// The name of a picture without its ending.
pub(crate) fn stem(picture: &Named) -> String {
    let stem = Path::new(&picture.name).file_stem().unwrap_or_default();
    stem.to_string_lossy().into_owned()
}

/// Gives the images `NAME` the masks `NAME_mask`, as MVTec AD has them, or else `NAME`, as the reorganised VisA
/// has them.
pub(crate) fn pair(images: &BTreeSet<String>, files: Vec<Named>) -> Matched {
    let mut matched = Matched { masks: BTreeMap::new(), unusable: BTreeMap::new(), ignored: Vec::new() };
    let mut free: BTreeMap<String, Vec<PathBuf>> = BTreeMap::new();
    let mut lossy: BTreeMap<String, PathBuf> = BTreeMap::new();
    for file in files {
        if has_extension(&file.path, &MASK_EXTENSIONS) {
            free.entry(stem(&file)).or_default().push(file.path);
        } else {
            matched.ignored.push((file.path.clone(), Ignored::MaskFormat));
            lossy.insert(stem(&file), file.path);
        }
    }
    // In this order, so that of the images `0` and `0_mask` the first has the mask `0_mask`.
    for suffix in ["_mask", ""] {
        for image in images {
            if let Some(files) = free.remove(&format!("{image}{suffix}")) {
                matched.give(image, files);
            }
        }
    }
    for image in images.iter().filter(|&image| !matched.masks.contains_key(image)) {
        if let Some(file) = lossy.get(&format!("{image}_mask")).or_else(|| lossy.get(image)) {
            matched.unusable.insert(image.clone(), file.clone());
        }
    }
    let without = free.into_values().flatten().map(|path| (path, Ignored::MaskWithoutImage));
    matched.ignored.extend(without);
    matched
}

impl Matched {
    fn give(&mut self, image: &str, files: Vec<PathBuf>) {
        for file in files {
            if self.masks.contains_key(image) {
                self.ignored.push((file, Ignored::SecondMask));
            } else {
                self.masks.insert(image.to_owned(), file);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Masks = Vec<(String, PathBuf)>;

    fn paired(images: &[&str], files: &[&str]) -> (Masks, Vec<(PathBuf, Ignored)>) {
        let images = images.iter().map(|&image| image.to_owned()).collect();
        let files = files.iter().map(|&name| Named { name: name.to_owned(), path: name.into() }).collect();
        let matched = pair(&images, files);
        (matched.masks.into_iter().collect(), matched.ignored)
    }

    fn given(image: &str, mask: &str) -> (String, PathBuf) {
        (image.to_owned(), mask.into())
    }

    #[test]
    fn a_mask_is_named_after_its_image() {
        let (masks, ignored) = paired(&["0", "1", "2"], &["0_mask.png", "1.PNG", "2_mask.tif"]);
        assert_eq!(masks, [given("0", "0_mask.png"), given("1", "1.PNG"), given("2", "2_mask.tif")]);
        assert_eq!(ignored, []);
    }

    #[test]
    fn an_image_named_like_a_mask_leaves_the_mask_to_the_other() {
        let (masks, ignored) = paired(&["0", "0_mask"], &["0_mask.png"]);
        assert_eq!((masks, ignored), (vec![given("0", "0_mask.png")], vec![]));
    }

    #[test]
    fn what_is_no_mask_has_a_reason() {
        let (masks, ignored) =
            paired(&["0"], &["0.png", "0_mask.bmp", "0_mask.png", "0_mask.jpg", "7_mask.png"]);
        assert_eq!(masks, [given("0", "0_mask.bmp")]);
        let expected = [
            ("0_mask.jpg", Ignored::MaskFormat),
            ("0_mask.png", Ignored::SecondMask),
            ("0.png", Ignored::SecondMask),
            ("7_mask.png", Ignored::MaskWithoutImage),
        ];
        assert_eq!(ignored, expected.map(|(name, reason)| (name.into(), reason)));
    }

    #[test]
    fn a_jpeg_named_as_a_mask_is_told_where_the_image_has_no_other() {
        let images = ["0", "1", "2"].map(str::to_owned).into();
        let files = ["0_mask.jpg", "1.jpeg", "2.jpg", "2.png", "7.jpg"];
        let files = files.map(|name| Named { name: name.to_owned(), path: name.into() }).to_vec();
        let unusable: Vec<_> = pair(&images, files).unusable.into_iter().collect();
        assert_eq!(unusable, [given("0", "0_mask.jpg"), given("1", "1.jpeg")]);
    }
}
