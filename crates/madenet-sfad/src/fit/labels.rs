//! From masks to labels of locations.

use madenet_image::Mask;
use madenet_metrics::{Connectivity, components};

use super::FitError;

/// Which locations of a grid of (height, width) are anomalous under `mask`, of the network's input: those of which at least
/// `share` is, and the best covered one of every connected region, so that no defect is too thin to be learnt (a resized mask
/// would lose it).
pub(crate) fn locations(mask: &Mask, grid: (usize, usize), share: f32) -> Result<Vec<bool>, FitError> {
    let (height, width) = (mask.height(), mask.width());
    // The location of a row or column; locations are of equal size but for a pixel.
    let cell = |i: usize| (i / width * grid.0 / height) * grid.1 + i % width * grid.1 / width;
    let regions = components(mask.data(), height, width, Connectivity::Eight)?;
    let mut pixels = vec![0_usize; grid.0 * grid.1];
    let mut covered = pixels.clone();
    // By region and location.
    let mut by_region = std::collections::BTreeMap::<(u32, usize), usize>::new();
    for (i, &region) in regions.labels().iter().enumerate() {
        pixels[cell(i)] += 1;
        if region > 0 {
            covered[cell(i)] += 1;
            *by_region.entry((region, cell(i))).or_default() += 1;
        }
    }
    let is_covered = |(&covered, &all): (&usize, &usize)| covered > 0 && covered as f32 >= share * all as f32;
    let mut labels: Vec<bool> = covered.iter().zip(&pixels).map(is_covered).collect();
    let mut best = std::collections::BTreeMap::<u32, (usize, usize)>::new();
    for ((region, cell), count) in by_region {
        let best = best.entry(region).or_insert((count, cell));
        if count > best.0 {
            *best = (count, cell);
        }
    }
    best.values().for_each(|&(_, cell)| labels[cell] = true);
    Ok(labels)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thin_defects_keep_a_location_and_large_ones_all_of_theirs() -> Result<(), Box<dyn std::error::Error>> {
        // Locations of 4x4 pixels: a large defect, a scratch along a border of locations, a speck.
        let mask = Mask::from_ascii(
            "
            ****.......*
            ****........
            ****........
            *****.......
            ............
            .*..........
            ............
            ............
            ",
        )?;
        let labels = |share| locations(&mask, (2, 3), share);
        assert_eq!(labels(0.05)?, [true, true, true, true, false, false]);
        // A pixel of sixteen is 6 %: only the best of each region is left.
        assert_eq!(labels(0.07)?, [true, false, true, true, false, false]);
        let none = Mask::new(4, 4, vec![false; 16])?;
        assert_eq!(locations(&none, (2, 2), 0.05)?, [false; 4]);
        Ok(())
    }
}
