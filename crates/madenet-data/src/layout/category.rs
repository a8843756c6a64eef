//! One category in the layout of MVTec AD or ManuDefect-21.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::found::Found;
use super::listing::{Listing, Named, Place, Subfolder};
use super::masks::{self, Matched, stem};
use crate::{Entry, Error, Ignored, Label, Result, Split};

pub(crate) const EXPECTED: &str =
    "one category in the layout of MVTec AD with train/good, test/<defect> and ground_truth";
pub(crate) const GOOD: &str = "good";
const MASKS: &str = "ground_truth";

/// The parts of a category that there are, by the folders in it, whose names have to be exact: a part to train
/// on or a part to test on is what makes a folder a category.
pub(crate) fn parts_in(listing: &Listing) -> BTreeSet<Split> {
    listing.folders.iter().filter_map(|folder| Split::named(&folder.name)).collect()
}

/// Reads the `wanted` parts of the category `name`, in whose folder `top` lies. Ids are the paths below that
/// folder, after `prefix`.
pub(crate) fn read(
    found: &mut Found,
    top: Listing,
    name: &str,
    prefix: &str,
    wanted: &[Split],
) -> Result<()> {
    let top = found.heed(top)?;
    found.ignore_all(top.pictures, Ignored::OutsideLayout);
    let mut category = Category { wanted, parts: BTreeMap::new(), masks: None, kinds: Vec::new() };
    for folder in top.folders {
        match (folder.name.as_str(), Split::named(&folder.name)) {
            (MASKS, _) => category.masks = Some(folder.place),
            (_, Some(split)) => drop(category.parts.insert(split, folder.place)),
            _ => found.sweep(&folder),
        }
    }
    for &split in wanted {
        category.read_part(found, split)?;
    }
    if found.is_scan() || category.kinds.iter().any(Kind::is_defect) {
        category.read_masks(found)?;
    }
    for kind in category.kinds.into_iter().filter(|kind| wanted.contains(&kind.split)) {
        kind.into_entries(found, name, prefix);
    }
    Ok(())
}

struct Category<'a> {
    wanted: &'a [Split],
    parts: BTreeMap<Split, Place>,
    masks: Option<Place>,
    kinds: Vec<Kind>,
}

/// The good images of a part, or those with one type of defect.
struct Kind {
    split: Split,
    name: String,
    images: Vec<Named>,
    masks: BTreeMap<String, PathBuf>,
}

impl Category<'_> {
    fn read_part(&mut self, found: &mut Found, split: Split) -> Result<()> {
        let Some(part) = self.parts.get(&split) else { return Ok(()) };
        let listing = found.list(part, EXPECTED)?;
        found.ignore_all(listing.pictures, Ignored::OutsideLayout);
        for folder in listing.folders {
            let images = pictures(found, &folder)?;
            self.kinds.push(Kind { split, name: folder.name, images, masks: BTreeMap::new() });
        }
        Ok(())
    }

    /// Finds the masks of the defects. Which of the two layouts of masks a category has is told by the presence
    /// of a folder `train` or `test` among them.
    fn read_masks(&mut self, found: &mut Found) -> Result<()> {
        let Some(masks) = self.masks.take() else { return Ok(()) };
        let listing = found.list(&masks, EXPECTED)?;
        let is_in_common = parts_in(&listing).is_empty();
        found.ignore_all(listing.pictures, Ignored::OutsideLayout);
        if is_in_common {
            return self.read_masks_in_common(found, listing.folders);
        }
        for folder in listing.folders {
            match Split::named(&folder.name) {
                Some(split) if self.wanted.contains(&split) => self.read_masks_of(found, &folder, split)?,
                Some(_) => {}
                None => found.sweep(&folder),
            }
        }
        Ok(())
    }

    fn read_masks_of(&mut self, found: &mut Found, part: &Subfolder, split: Split) -> Result<()> {
        let listing = found.list(&part.place, EXPECTED)?;
        found.ignore_all(listing.pictures, Ignored::OutsideLayout);
        listing.folders.iter().try_for_each(|folder| self.pair(found, folder, &[split]))
    }

    /// Masks in common were drawn for the test part: of two images of the same name, they show that one's
    /// defect. So the test part has to be known even where only the other one is wanted.
    fn read_masks_in_common(&mut self, found: &mut Found, folders: Vec<Subfolder>) -> Result<()> {
        if !self.wanted.contains(&Split::Test) {
            self.read_part(found, Split::Test)?;
        }
        folders.iter().try_for_each(|folder| self.pair(found, folder, &Split::BOTH))
    }

    /// Gives the masks in `folder` to the images of `parts` with its type of defect, to those of the test part
    /// first.
    fn pair(&mut self, found: &mut Found, folder: &Subfolder, parts: &[Split]) -> Result<()> {
        let fits = |kind: &&mut Kind| parts.contains(&kind.split) && kind.name == folder.name;
        let mut kinds: Vec<&mut Kind> = self.kinds.iter_mut().filter(fits).collect();
        kinds.sort_by_key(|kind| Reverse(kind.split));
        let files = pictures(found, folder)?;
        if folder.name == GOOD {
            found.ignore_all(files, Ignored::MaskOfNormal);
            return Ok(());
        }
        let images = kinds.iter().flat_map(|kind| kind.images.iter().map(stem)).collect();
        let mut matched = masks::pair(&images, files);
        for kind in kinds {
            let unusable = kind.take_masks(&mut matched);
            if let Some(path) = unusable.filter(|_| !found.is_scan() && self.wanted.contains(&kind.split)) {
                return Err(Error::MaskFormat { path });
            }
        }
        matched.ignored.into_iter().for_each(|(path, reason)| found.ignore(path, reason));
        Ok(())
    }
}

impl Kind {
    fn is_defect(&self) -> bool {
        self.name != GOOD
    }

    /// Takes the masks of its images, and tells the first that is of no use.
    fn take_masks(&mut self, matched: &mut Matched) -> Option<PathBuf> {
        let own: BTreeSet<String> = self.images.iter().map(stem).collect();
        let unusable = own.iter().filter_map(|stem| matched.unusable.remove(stem)).min();
        self.masks = own.into_iter().filter_map(|stem| matched.masks.remove_entry(&stem)).collect();
        unusable
    }

    fn into_entries(self, found: &mut Found, category: &str, prefix: &str) {
        let defect_type = self.is_defect().then(|| self.name.clone());
        for image in self.images {
            let mask = self.masks.get(&stem(&image)).cloned();
            let entry = Entry {
                id: format!("{prefix}{}/{}/{}", self.split, self.name, image.name),
                category: category.to_owned(),
                label: if defect_type.is_some() { Label::Anomalous } else { Label::Normal },
                defect_type: defect_type.clone(),
                image: image.path,
                mask,
            };
            found.image(self.split, entry);
        }
    }
}

/// The pictures in the last folder of the layout; what lies deeper plays no part.
fn pictures(found: &mut Found, folder: &Subfolder) -> Result<Vec<Named>> {
    let listing = found.list(&folder.place, EXPECTED)?;
    listing.folders.iter().for_each(|deeper| found.sweep(deeper));
    Ok(listing.pictures)
}
