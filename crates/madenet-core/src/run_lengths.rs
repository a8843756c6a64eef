//! Masks in files: lengths of runs, row by row, of what is not inspected and what is, in turns (COCO's uncompressed
//! form). A region of interest of a few rectangles takes a few hundred bytes.

use madenet_image::Mask;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Largest mask that a file may hold, in pixels: 8192 x 8192. A few bytes could ask for terabytes.
pub(crate) const MAX_PIXELS: usize = 1 << 26;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Runs {
    width: usize,
    height: usize,
    /// The first run is of false; it may be 0.
    runs: Vec<usize>,
}

pub(crate) fn serialize<S: Serializer>(mask: &Option<Mask>, serializer: S) -> Result<S::Ok, S::Error> {
    mask.as_ref().map(encode).serialize(serializer)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Mask>, D::Error> {
    Option::<Runs>::deserialize(deserializer)?.map(|runs| decode(&runs).map_err(D::Error::custom)).transpose()
}

fn encode(mask: &Mask) -> Runs {
    let (mut runs, mut value) = (vec![0], false);
    for &pixel in mask.data() {
        if pixel != value {
            runs.push(0);
            value = pixel;
        }
        if let Some(run) = runs.last_mut() {
            *run += 1;
        }
    }
    Runs { width: mask.width(), height: mask.height(), runs }
}

fn decode(runs: &Runs) -> Result<Mask, String> {
    let Runs { width, height, runs } = runs;
    let pixels = width.checked_mul(*height).filter(|&n| n <= MAX_PIXELS);
    let total = runs.iter().try_fold(0_usize, |sum, &run| sum.checked_add(run));
    if pixels.is_none() || pixels != total {
        return Err(format!(
            "the runs of a mask of {width} x {height} must add up to its pixels, {MAX_PIXELS} at most"
        ));
    }
    let data = runs.iter().enumerate().flat_map(|(i, &run)| std::iter::repeat_n(i % 2 == 1, run)).collect();
    Mask::new(*width, *height, data).map_err(|e| e.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_come_back() -> Result<(), Box<dyn std::error::Error>> {
        for data in [vec![true; 6], vec![false; 6], vec![true, false, false, true, true, false]] {
            let mask = Mask::new(3, 2, data)?;
            assert_eq!(decode(&encode(&mask))?, mask);
        }
        assert_eq!(encode(&Mask::new(3, 1, vec![false, true, true])?).runs, [1, 2]);
        Ok(())
    }

    #[test]
    fn hostile_runs_are_refused() {
        for (width, height, runs) in [
            (2, 2, vec![3]),
            (usize::MAX, 2, vec![1]),
            (1 << 20, 1 << 20, vec![1 << 40]),
            (2, 2, vec![usize::MAX, 5]),
            (0, 0, vec![]),
        ] {
            assert!(decode(&Runs { width, height, runs }).is_err());
        }
    }
}
