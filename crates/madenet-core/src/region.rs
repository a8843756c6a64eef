use madenet_image::{Mask, Rect};
use madenet_metrics::{Connectivity, components};
use serde::{Serialize, Serializer};

use crate::Result;

/// A connected part of a predicted mask: one defect, as far as the map can tell. Lengths are in pixels of the image.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub struct Region {
    /// The smallest rectangle around it.
    #[serde(serialize_with = "rect")]
    pub bounds: Rect,
    /// Number of pixels, at least 1.
    pub area: usize,
    /// The largest value of the map in it.
    pub peak: f32,
    /// Where that is: x and y of the first such pixel in reading order.
    pub peak_at: (usize, usize),
    /// Mean x and y of its pixels; a pixel's own are those of its centre, `(0.5, 0.5)` for the first.
    pub centroid: (f32, f32),
}

fn rect<S: Serializer>(rect: &Rect, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    [rect.x, rect.y, rect.width, rect.height].serialize(serializer)
}

/// The 8-connected regions of the pixels of `map` above `threshold` that have at least `min_area` pixels, the highest
/// peak first (of equal peaks, the first in reading order), and the mask of what they cover.
pub(crate) fn regions(
    map: &[f32],
    (width, height): (usize, usize),
    threshold: f32,
    min_area: usize,
) -> Result<(Vec<Region>, Mask)> {
    let above: Vec<bool> = map.iter().map(|&v| v > threshold).collect();
    let found = components(&above, height, width, Connectivity::Eight)?;
    let mut sums = vec![Sums::default(); found.count()];
    for (i, &label) in found.labels().iter().enumerate().filter(|&(_, &label)| label != 0) {
        sums[label as usize - 1].add(i % width, i / width, map[i]);
    }
    let kept = |label: u32| label != 0 && sums[label as usize - 1].area >= min_area;
    let mask = Mask::new(width, height, found.labels().iter().map(|&label| kept(label)).collect())?;
    let mut regions: Vec<Region> =
        sums.iter().filter(|sums| sums.area >= min_area).map(Sums::region).collect();
    // Stable, so that equal peaks stay in reading order.
    regions.sort_by(|a, b| b.peak.total_cmp(&a.peak));
    Ok((regions, mask))
}

#[derive(Clone, Default)]
struct Sums {
    area: usize,
    /// Smallest and largest x and y.
    x: (usize, usize),
    y: (usize, usize),
    total: (f64, f64),
    peak: f32,
    peak_at: (usize, usize),
}

impl Sums {
    fn add(&mut self, x: usize, y: usize, value: f32) {
        if self.area == 0 {
            (self.x, self.y) = ((x, x), (y, y));
            (self.peak, self.peak_at) = (value, (x, y));
        } else if value > self.peak {
            (self.peak, self.peak_at) = (value, (x, y));
        }
        self.area += 1;
        self.x = (self.x.0.min(x), self.x.1.max(x));
        self.y = (self.y.0.min(y), self.y.1.max(y));
        self.total = (self.total.0 + x as f64, self.total.1 + y as f64);
    }

    fn region(&self) -> Region {
        let n = self.area as f64;
        let (width, height) = (self.x.1 - self.x.0 + 1, self.y.1 - self.y.0 + 1);
        Region {
            bounds: Rect { x: self.x.0, y: self.y.0, width, height },
            area: self.area,
            peak: self.peak,
            peak_at: self.peak_at,
            centroid: ((self.total.0 / n + 0.5) as f32, (self.total.1 / n + 0.5) as f32),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_have_box_area_peak_and_centroid() -> Result<()> {
        let map = [
            0.0, 0.6, 0.0, 0.0, 0.0, //
            0.0, 0.0, 0.9, 0.0, 0.0, //
            0.0, 0.0, 0.0, 0.0, 0.7, //
            0.0, 0.0, 0.0, 0.0, 0.7,
        ];
        let (found, mask) = regions(&map, (5, 4), 0.5, 1)?;
        assert_eq!(found.len(), 2);
        let diagonal = found[0];
        assert_eq!(diagonal.bounds, Rect { x: 1, y: 0, width: 2, height: 2 });
        assert_eq!((diagonal.area, diagonal.peak, diagonal.peak_at), (2, 0.9, (2, 1)));
        assert_eq!(diagonal.centroid, (2.0, 1.0));
        assert_eq!(found[1].centroid, (4.5, 3.0));
        assert_eq!(mask.count(), 4);
        Ok(())
    }

    #[test]
    fn small_regions_are_left_out_of_both() -> Result<()> {
        let map = [0.9, 0.0, 0.6, 0.6];
        let (found, mask) = regions(&map, (4, 1), 0.5, 2)?;
        assert_eq!(found.len(), 1);
        assert_eq!(mask.data(), [false, false, true, true]);
        let (none, mask) = regions(&map, (4, 1), 0.95, 0)?;
        assert!(none.is_empty() && mask.count() == 0);
        Ok(())
    }
}
