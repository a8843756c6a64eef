//! Growing and shrinking the regions of a mask.
//!
//! The structuring element is a square of side `2 * radius + 1`. A square is a row after a column, so each
//! operation is two passes with a running count, and its time does not depend on the radius.

use crate::Mask;

impl Mask {
    /// Regions grown by `radius` pixels to all sides, corners included. Outside of the mask counts as
    /// background, so nothing grows in from the border.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let specks = Mask::from_ascii("
    ///     ......*
    ///     ..*....
    ///     .......
    /// ")?;
    /// assert_eq!(specks.dilate(1), Mask::from_ascii("
    ///     .***.**
    ///     .***.**
    ///     .***...
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn dilate(&self, radius: usize) -> Mask {
        self.spread(true, radius)
    }

    /// Regions shrunk by `radius` pixels from all sides. Outside of the mask counts as foreground, so nothing
    /// is eaten from the border, and eroding is dilating the background.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::from_ascii("
    ///     **.***.
    ///     **.***.
    ///     **.***.
    /// ")?;
    /// assert_eq!(mask.erode(1), Mask::from_ascii("
    ///     *...*..
    ///     *...*..
    ///     *...*..
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn erode(&self, radius: usize) -> Mask {
        self.spread(false, radius)
    }

    /// Eroded, then dilated: regions and bridges that no square of side `2 * radius + 1` fits into vanish,
    /// the rest keeps its size. A square may reach over the border.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::from_ascii("
    ///     .........
    ///     .***...*.
    ///     .******..
    ///     .***.....
    ///     .........
    /// ")?;
    /// assert_eq!(mask.open(1), Mask::from_ascii("
    ///     .........
    ///     .***.....
    ///     .***.....
    ///     .***.....
    ///     .........
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn open(&self, radius: usize) -> Mask {
        self.erode(radius).dilate(radius)
    }

    /// Dilated, then eroded: gaps and holes that no square of side `2 * radius + 1` fits into are filled, the
    /// rest keeps its size. A square may reach over the border.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::from_ascii("
    ///     .........
    ///     .........
    ///     ..**.**..
    ///     ..**.**..
    ///     .........
    ///     .........
    /// ")?;
    /// assert_eq!(mask.close(1), Mask::from_ascii("
    ///     .........
    ///     .........
    ///     ..*****..
    ///     ..*****..
    ///     .........
    ///     .........
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn close(&self, radius: usize) -> Mask {
        self.dilate(radius).erode(radius)
    }

    /// Background that cannot reach the border by steps to the left, right, up and down becomes foreground.
    ///
    /// ```
    /// use madenet_image::Mask;
    ///
    /// let mask = Mask::from_ascii("
    ///     .****..
    ///     .*..*.*
    ///     .**.**.
    ///     ..*****
    /// ")?;
    /// assert_eq!(mask.fill_holes(), Mask::from_ascii("
    ///     .****..
    ///     .****.*
    ///     .*****.
    ///     ..*****
    /// ")?);
    /// # Ok::<(), madenet_image::Error>(())
    /// ```
    #[must_use]
    pub fn fill_holes(&self) -> Mask {
        let (width, height) = (self.width(), self.height());
        // What is left after the flood of the background from the border.
        let mut dry = vec![true; width * height];
        let mut waiting = Vec::new();
        let mut reach = |index: usize, waiting: &mut Vec<usize>| {
            if dry[index] && !self.data()[index] {
                dry[index] = false;
                waiting.push(index);
            }
        };
        for x in 0..width {
            reach(x, &mut waiting);
            reach((height - 1) * width + x, &mut waiting);
        }
        for y in 0..height {
            reach(y * width, &mut waiting);
            reach(y * width + width - 1, &mut waiting);
        }
        while let Some(index) = waiting.pop() {
            let (x, y) = (index % width, index / width);
            if x > 0 {
                reach(index - 1, &mut waiting);
            }
            if x + 1 < width {
                reach(index + 1, &mut waiting);
            }
            if y > 0 {
                reach(index - width, &mut waiting);
            }
            if y + 1 < height {
                reach(index + width, &mut waiting);
            }
        }
        Mask::from_parts(width, height, dry)
    }

    /// Every pixel with a pixel of `verdict` in the square around it takes that verdict.
    fn spread(&self, verdict: bool, radius: usize) -> Mask {
        let (width, height) = (self.width(), self.height());
        let across = spread_across(self.data(), width, verdict, radius.min(width));
        let both = spread_down(&across, width, verdict, radius.min(height));
        Mask::from_parts(width, height, both)
    }
}

fn spread_across(data: &[bool], width: usize, verdict: bool, radius: usize) -> Vec<bool> {
    let mut out = Vec::with_capacity(data.len());
    for row in data.chunks_exact(width) {
        let hit = |x: usize| usize::from(row.get(x) == Some(&verdict));
        // The window of pixel x is x - radius ..= x + radius.
        let mut count: usize = (0..radius).map(hit).sum();
        for x in 0..width {
            count += hit(x + radius);
            out.push((count > 0) == verdict);
            if x >= radius {
                count -= hit(x - radius);
            }
        }
    }
    out
}

fn spread_down(data: &[bool], width: usize, verdict: bool, radius: usize) -> Vec<bool> {
    let mut out = Vec::with_capacity(data.len());
    let row = |y: usize| data.chunks_exact(width).nth(y).unwrap_or_default();
    let mut counts = vec![0usize; width];
    let add = |counts: &mut [usize], y: usize| {
        for (count, &set) in counts.iter_mut().zip(row(y)) {
            *count += usize::from(set == verdict);
        }
    };
    for y in 0..radius {
        add(&mut counts, y);
    }
    for y in 0..data.len() / width {
        add(&mut counts, y + radius);
        out.extend(counts.iter().map(|&count| (count > 0) == verdict));
        if y >= radius {
            for (count, &set) in counts.iter_mut().zip(row(y - radius)) {
                *count -= usize::from(set == verdict);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::testing::masks;

    /// The definition, pixel by pixel.
    fn dilate_slowly(mask: &Mask, radius: usize) -> Mask {
        let (width, height) = (mask.width(), mask.height());
        let near = |i: usize| {
            let (x, y) = (i % width, i / width);
            let set = |j: usize| {
                mask.data()[j] && (j % width).abs_diff(x) <= radius && (j / width).abs_diff(y) <= radius
            };
            (0..width * height).any(set)
        };
        Mask::new(width, height, (0..width * height).map(near).collect()).unwrap()
    }

    fn within(small: &Mask, large: &Mask) -> bool {
        small.and(large).unwrap() == *small
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn dilating_is_its_definition(mask in masks(), radius in 0..6usize) {
            prop_assert_eq!(mask.dilate(radius).to_string(), dilate_slowly(&mask, radius).to_string());
        }

        #[test]
        fn eroding_is_dilating_the_background(mask in masks(), radius in 0..6usize) {
            prop_assert_eq!(mask.erode(radius), mask.invert().dilate(radius).invert());
            prop_assert_eq!(mask.open(radius), mask.invert().close(radius).invert());
        }

        #[test]
        fn opening_and_closing_twice_is_once(mask in masks(), radius in 0..6usize) {
            let (opened, closed) = (mask.open(radius), mask.close(radius));
            prop_assert_eq!(&opened.open(radius), &opened);
            prop_assert_eq!(&closed.close(radius), &closed);
        }

        #[test]
        fn growing_contains_the_mask_and_shrinking_lies_in_it(mask in masks(), radius in 0..6usize) {
            prop_assert!(within(&mask, &mask.dilate(radius)) && within(&mask.erode(radius), &mask));
            prop_assert!(within(&mask, &mask.close(radius)) && within(&mask.open(radius), &mask));
            prop_assert!(within(&mask, &mask.fill_holes()));
        }

        #[test]
        fn filled_masks_have_no_holes(mask in masks()) {
            let filled = mask.fill_holes();
            prop_assert!(filled.contours().iter().all(|contour| !contour.is_hole()));
            prop_assert_eq!(filled.fill_holes(), filled);
        }
    }

    #[test]
    fn any_radius_is_allowed() {
        let mask = Mask::from_ascii("..*\n...").unwrap();
        assert_eq!(mask.dilate(usize::MAX).count(), 6);
        assert_eq!(mask.erode(usize::MAX).count(), 0);
        assert_eq!(mask.dilate(0), mask);
        let full = Mask::from_ascii("**\n**").unwrap();
        assert_eq!(full.erode(usize::MAX), full);
    }

    #[test]
    fn one_pixel_stays_itself() {
        for dot in ["*", "."].map(|art| Mask::from_ascii(art).unwrap()) {
            for result in [dot.dilate(2), dot.erode(2), dot.open(2), dot.close(2), dot.fill_holes()] {
                assert_eq!(result, dot);
            }
        }
    }
}
