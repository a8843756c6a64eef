use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::recipe::Recipe;
use crate::run_lengths::MAX_PIXELS;
use crate::{Error, Result};

/// The recipes of a model: one for every image, and others for categories that need their own.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipes {
    /// For images of no category in particular.
    pub default: Recipe,
    /// By category, in the order of their names; at most 256 in a file.
    #[serde(deserialize_with = "few")]
    pub categories: BTreeMap<String, Recipe>,
}

/// Most categories of one model: each may hold a mask, and a hostile file could ask for terabytes.
const MAX_CATEGORIES: usize = 256;

/// Stops at the first recipe too many, before the memory of the others is taken.
fn few<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> std::result::Result<BTreeMap<String, Recipe>, D::Error> {
    struct Few;

    impl<'de> Visitor<'de> for Few {
        type Value = BTreeMap<String, Recipe>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "recipes of at most {MAX_CATEGORIES} categories, with {} pixels of masks", MAX_PIXELS)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> std::result::Result<Self::Value, A::Error> {
            let (mut recipes, mut pixels) = (BTreeMap::new(), 0);
            while let Some((name, recipe)) = entries.next_entry::<String, Recipe>()? {
                pixels += recipe.inspected.as_ref().map_or(0, |mask| mask.data().len());
                recipes.insert(name, recipe);
                if recipes.len() > MAX_CATEGORIES || pixels > MAX_PIXELS {
                    return Err(A::Error::invalid_length(recipes.len(), &self));
                }
            }
            Ok(recipes)
        }
    }

    deserializer.deserialize_map(Few)
}

impl Recipes {
    /// One recipe for all.
    #[must_use]
    pub const fn new(default: Recipe) -> Self {
        Recipes { default, categories: BTreeMap::new() }
    }

    /// The recipe of a category.
    ///
    /// # Errors
    /// [`Error::UnknownCategory`] if it has none of its own.
    pub fn of(&self, category: &str) -> Result<&Recipe> {
        self.categories.get(category).ok_or_else(|| Error::UnknownCategory {
            category: category.to_string(),
            known: match self.categories.len() {
                0 => "none".to_string(),
                _ => self.categories.keys().cloned().collect::<Vec<_>>().join(", "),
            },
        })
    }

    /// Checks all of them.
    ///
    /// # Errors
    /// As [`Recipe::validate`]; [`Error::Config`] for more than 256 categories, or more than 2^26 pixels of their masks.
    pub fn validate(&self) -> Result<()> {
        let masks = self.categories.values().filter_map(|recipe| recipe.inspected.as_ref());
        let pixels: usize = masks.map(|mask| mask.data().len()).sum();
        if self.categories.len() > MAX_CATEGORIES || pixels > MAX_PIXELS {
            let got = format!("{} with {pixels} pixels of masks", self.categories.len());
            return Err(Error::Config {
                field: "recipe.categories",
                got,
                expected: "at most 256 with 67108864",
            });
        }
        self.default.validate()?;
        self.categories.values().try_for_each(Recipe::validate)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Calibration, Scale};
    use madenet_image::{Mask, Rect};

    fn recipe() -> Recipe {
        let scale = Scale { median: 0.0, threshold: 1.0 };
        Recipe::new(Calibration { image: scale, pixel: scale })
    }

    #[test]
    fn recipes_come_back_from_files_and_know_their_categories()
    -> std::result::Result<(), Box<dyn std::error::Error>> {
        let mut recipes =
            Recipes::new(recipe().ignore(&Mask::rectangle(5, 3, Rect::new(1, 1, 2, 1))?)?.min_area(7));
        recipes.categories.insert("CAPACITOR".to_string(), recipe().pixel_threshold(3.0));
        let again: Recipes = serde_json::from_str(&serde_json::to_string(&recipes)?)?;
        assert_eq!(again, recipes);
        assert_eq!(recipes.of("CAPACITOR")?.calibration.pixel.threshold, 3.0);
        for i in 0..MAX_CATEGORIES {
            recipes.categories.insert(i.to_string(), recipe());
        }
        assert!(recipes.validate().is_err());
        assert!(serde_json::from_str::<Recipes>(&serde_json::to_string(&recipes)?).is_err());
        recipes.categories.retain(|name, _| name == "CAPACITOR");
        let error = recipes.of("DIODE").err().map(|e| e.to_string()).unwrap_or_default();
        assert_eq!(error, "the model has no recipe for the category \"DIODE\"; it has some for: CAPACITOR");
        Ok(())
    }
}
