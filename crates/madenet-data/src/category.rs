//! One category in the layout of MVTec AD or ManuDefect-21.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::found::Found;
use crate::listing::{Named, Place};
use crate::masks::{self, stem};
use crate::{Entry, Ignored, Label, Result, Split};

pub(crate) const EXPECTED: &str =
    "one category in the layout of MVTec AD with train/good, test/<defect> and ground_truth";
pub(crate) const GOOD: &str = "good";
const MASKS: &str = "ground_truth";

/// Whether `place` has a part to train on or a part to test on.
pub(crate) fn is_category(place: &Place) -> bool {
    Split::BOTH.iter().any(|split| place.path.join(split.folder()).is_dir())
}

/// Reads the `wanted` parts of the category in `place`. Ids are the paths below it, after `prefix`.
pub(crate) fn read(found: &mut Found, place: &Place, prefix: &str, wanted: &[Split]) -> Result<()> {
    let top = found.list(place, EXPECTED)?;
    found.ignore_all(top.pictures, Ignored::OutsideLayout);
    let mut category = Category::default();
    for folder in top.folders {
        match (folder.name.as_str(), Split::named(&folder.name)) {
            (MASKS, _) => category.masks = Some(folder),
            (_, Some(split)) => drop(category.parts.insert(split, folder)),
            _ => found.sweep(&folder),
        }
    }
    for &split in wanted {
        category.read_part(found, split)?;
    }
    if found.is_scan() || category.classes.iter().any(Class::is_defect) {
        category.read_masks(found, wanted)?;
    }
    for class in category.classes.into_iter().filter(|class| wanted.contains(&class.split)) {
        class.into_entries(found, &place.name, prefix);
    }
    Ok(())
}

#[derive(Default)]
struct Category {
    parts: BTreeMap<Split, Place>,
    masks: Option<Place>,
    classes: Vec<Class>,
}

/// The good images of a part, or those with one type of defect.
struct Class {
    split: Split,
    name: String,
    images: Vec<Named>,
    masks: BTreeMap<String, PathBuf>,
}

impl Category {
    fn read_part(&mut self, found: &mut Found, split: Split) -> Result<()> {
        let Some(part) = self.parts.get(&split) else { return Ok(()) };
        let listing = found.list(part, EXPECTED)?;
        found.ignore_all(listing.pictures, Ignored::OutsideLayout);
        for folder in listing.folders {
            let images = pictures(found, &folder)?;
            self.classes.push(Class { split, name: folder.name, images, masks: BTreeMap::new() });
        }
        Ok(())
    }

    /// Finds the masks of the defects. Which of the two layouts of masks a category has is told by the presence
    /// of a folder `train` or `test` among them.
    fn read_masks(&mut self, found: &mut Found, wanted: &[Split]) -> Result<()> {
        let Some(masks) = self.masks.take() else { return Ok(()) };
        let listing = found.list(&masks, EXPECTED)?;
        found.ignore_all(listing.pictures, Ignored::OutsideLayout);
        if !listing.folders.iter().any(|folder| Split::named(&folder.name).is_some()) {
            return self.read_masks_in_common(found, listing.folders, wanted);
        }
        for folder in listing.folders {
            match Split::named(&folder.name) {
                Some(split) if wanted.contains(&split) => self.read_masks_of(found, &folder, split)?,
                Some(_) => {}
                None => found.sweep(&folder),
            }
        }
        Ok(())
    }

    fn read_masks_of(&mut self, found: &mut Found, part: &Place, split: Split) -> Result<()> {
        let listing = found.list(part, EXPECTED)?;
        found.ignore_all(listing.pictures, Ignored::OutsideLayout);
        listing.folders.iter().try_for_each(|folder| self.pair(found, folder, &[split]))
    }

    /// Masks in common were drawn for the test part: of two images of the same name, they show that one's
    /// defect. So the test part has to be known even where only the other one is wanted.
    fn read_masks_in_common(
        &mut self,
        found: &mut Found,
        folders: Vec<Place>,
        wanted: &[Split],
    ) -> Result<()> {
        if !wanted.contains(&Split::Test) {
            self.read_part(found, Split::Test)?;
        }
        folders.iter().try_for_each(|folder| self.pair(found, folder, &Split::BOTH))
    }

    /// Gives the masks in `folder` to the images of `parts` with its type of defect, to those of the test part
    /// first.
    fn pair(&mut self, found: &mut Found, folder: &Place, parts: &[Split]) -> Result<()> {
        let fits = |class: &&mut Class| parts.contains(&class.split) && class.name == folder.name;
        let mut classes: Vec<&mut Class> = self.classes.iter_mut().filter(fits).collect();
        classes.sort_by_key(|class| Reverse(class.split));
        let files = pictures(found, folder)?;
        if folder.name == GOOD {
            found.ignore_all(files, Ignored::MaskOfNormal);
            return Ok(());
        }
        let images = classes.iter().flat_map(|class| class.images.iter().map(stem)).collect();
        let matched = masks::pair(&images, files);
        matched.ignored.into_iter().for_each(|(path, reason)| found.ignore(path, reason));
        let mut taken = BTreeSet::new();
        for class in classes {
            let own: BTreeSet<String> = class.images.iter().map(stem).collect();
            let free = |stem: &&String| !taken.contains(*stem);
            let given =
                own.iter().filter(free).filter_map(|s| Some((s.clone(), matched.masks.get(s)?.clone())));
            class.masks = given.collect();
            taken.extend(own);
        }
        Ok(())
    }
}

impl Class {
    fn is_defect(&self) -> bool {
        self.name != GOOD
    }

    fn into_entries(self, found: &mut Found, category: &str, prefix: &str) {
        let defect_type = self.is_defect().then(|| self.name.clone());
        for image in self.images {
            let mask = self.masks.get(&stem(&image)).cloned();
            let entry = Entry {
                id: format!("{prefix}{}/{}/{}", self.split.folder(), self.name, image.name),
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
fn pictures(found: &mut Found, folder: &Place) -> Result<Vec<Named>> {
    let listing = found.list(folder, EXPECTED)?;
    listing.folders.iter().for_each(|deeper| found.sweep(deeper));
    Ok(listing.pictures)
}
