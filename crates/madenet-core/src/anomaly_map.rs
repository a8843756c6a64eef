use madenet_image::{Colormap, Contour, Image, ImageView, Mask, Plane, overlay};

use crate::region::{Region, regions};
use crate::{Error, Result};

/// How anomalous every pixel of an image is: calibrated values in `[0, 1]`, 0.5 at the pixel threshold.
///
/// The scale is the model's, not the image's, so that maps of different images compare, and a good image's map stays dark.
///
/// ```
/// use madenet_core::AnomalyMap;
///
/// let map = AnomalyMap::new(4, 3, vec![
///     0.1, 0.1, 0.1, 0.1, //
///     0.1, 0.7, 0.9, 0.1, //
///     0.1, 0.1, 0.6, 0.1,
/// ])?;
/// assert_eq!(map.mask(0.5).to_string(), "\
/// ....
/// .**.
/// ..*.");
/// let defect = map.regions(0.5, 1)?[0];
/// assert_eq!((defect.bounds.x, defect.bounds.y, defect.bounds.width, defect.bounds.height), (1, 1, 2, 2));
/// assert_eq!((defect.area, defect.peak, defect.peak_at), (3, 0.9, (2, 1)));
/// # Ok::<(), madenet_core::Error>(())
/// ```
#[derive(Clone, PartialEq, Debug)]
pub struct AnomalyMap(Plane);

impl AnomalyMap {
    /// A map of `width * height` values, row by row from the top.
    ///
    /// # Errors
    /// [`Error::Image`] for another number of values than pixels, or none; [`Error::MapValue`] for a value that is not
    /// in `[0, 1]`.
    pub fn new(width: usize, height: usize, values: Vec<f32>) -> Result<Self> {
        if let Some(&value) = values.iter().find(|v| !(0.0..=1.0).contains(*v)) {
            return Err(Error::MapValue { value });
        }
        Ok(AnomalyMap(Plane::new(width, height, values)?))
    }

    /// Width in pixels, the image's.
    #[must_use]
    pub fn width(&self) -> usize {
        self.0.width()
    }

    /// Height in pixels, the image's.
    #[must_use]
    pub fn height(&self) -> usize {
        self.0.height()
    }

    /// The values, row by row.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        self.0.values()
    }

    /// The values as a plane of pixels.
    #[must_use]
    pub fn plane(&self) -> &Plane {
        &self.0
    }

    /// The largest value.
    #[must_use]
    pub fn max(&self) -> f32 {
        self.0.max()
    }

    /// The predicted mask: pixels above `threshold`, which is 0.5 for the model's own pixel threshold.
    #[must_use]
    pub fn mask(&self, threshold: f32) -> Mask {
        self.0.above(threshold)
    }

    /// The connected regions of pixels above `threshold` that have at least `min_area` pixels, highest peak first.
    ///
    /// # Errors
    /// [`Error::Metrics`] if the mask falls into more regions than 32 bits can number.
    ///
    /// ```
    /// use madenet_core::AnomalyMap;
    ///
    /// let map = AnomalyMap::new(5, 2, vec![
    ///     0.8, 0.1, 0.6, 0.7, 0.1, //
    ///     0.1, 0.1, 0.1, 0.6, 0.1,
    /// ])?;
    /// let areas = |min_area| map.regions(0.5, min_area).map(|r| r.iter().map(|r| r.area).collect::<Vec<_>>());
    /// assert_eq!(areas(1)?, [1, 3]);
    /// assert_eq!(areas(2)?, [3]);
    /// # Ok::<(), madenet_core::Error>(())
    /// ```
    pub fn regions(&self, threshold: f32, min_area: usize) -> Result<Vec<Region>> {
        Ok(regions(self.values(), (self.width(), self.height()), threshold, min_area)?.0)
    }

    /// The outlines of the predicted mask, along the edges of its pixels.
    ///
    /// ```
    /// use madenet_core::AnomalyMap;
    ///
    /// let map = AnomalyMap::new(3, 2, vec![
    ///     0.1, 0.1, 0.1, //
    ///     0.1, 0.9, 0.9,
    /// ])?;
    /// let outline = &map.contours(0.5)[0];
    /// assert_eq!(outline.points(), [(1, 1), (3, 1), (3, 2), (1, 2)]);
    /// assert_eq!(outline.signed_area(), 2);
    /// # Ok::<(), madenet_core::Error>(())
    /// ```
    #[must_use]
    pub fn contours(&self, threshold: f32) -> Vec<Contour> {
        self.mask(threshold).contours()
    }

    /// The map in colours, 0 at one end of `colormap` and 1 at the other.
    ///
    /// ```
    /// use madenet_core::AnomalyMap;
    /// use madenet_image::Colormap;
    ///
    /// let picture = AnomalyMap::new(3, 1, vec![0.0, 0.5, 1.0])?.heatmap(Colormap::Inferno);
    /// assert_eq!(picture.pixels(), [
    ///       0,   0,   4, // black
    ///     187,  55,  85, // red
    ///     252, 255, 164, // pale yellow
    /// ]);
    /// # Ok::<(), madenet_core::Error>(())
    /// ```
    #[must_use]
    pub fn heatmap(&self, colormap: Colormap) -> Image {
        colormap.heat(&self.0)
    }

    /// The map in colours over its image: nothing of it where the map is well below the threshold, `opacity` (0 to 1)
    /// at and above it.
    ///
    /// # Errors
    /// [`Error::Image`] if `image` has another size than the map, or `opacity` is out of range.
    ///
    /// ```
    /// use madenet_core::AnomalyMap;
    /// use madenet_image::{Channels, Colormap, ImageView};
    ///
    /// let part = ImageView::packed(&[100_u8, 100], 2, 1, Channels::Gray)?;
    /// let picture = AnomalyMap::new(2, 1, vec![0.1, 0.5])?.overlay(&part, Colormap::Inferno, 0.5)?;
    /// assert_eq!(picture.pixels(), [
    ///     100, 100, 100, // well below the threshold: as it was
    ///     144,  78,  93, // at the threshold: half of [187, 55, 85]
    /// ]);
    /// # Ok::<(), madenet_core::Error>(())
    /// ```
    pub fn overlay(&self, image: &ImageView<'_>, colormap: Colormap, opacity: f32) -> Result<Image> {
        Ok(overlay(image, &self.0, colormap, opacity)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use madenet_image::Channels;

    #[test]
    fn values_outside_the_unit_interval_are_refused() {
        for bad in [f32::NAN, -0.1, 1.1] {
            assert!(matches!(AnomalyMap::new(1, 1, vec![bad]), Err(Error::MapValue { .. })), "{bad}");
        }
        assert!(matches!(AnomalyMap::new(2, 1, vec![0.0]), Err(Error::Image(_))));
    }

    #[test]
    fn overlays_leave_good_pixels_as_they_are() -> Result<()> {
        let map = AnomalyMap::new(2, 1, vec![0.1, 0.9])?;
        let view = ImageView::packed(&[200_u8, 200], 2, 1, Channels::Gray)?;
        let picture = map.overlay(&view, Colormap::Inferno, 0.6)?;
        assert_eq!(picture.pixels()[..3], [200, 200, 200]);
        assert_ne!(picture.pixels()[3..], [200, 200, 200]);
        let other = ImageView::packed(&[0_u8], 1, 1, Channels::Gray)?;
        assert!(matches!(map.overlay(&other, Colormap::Inferno, 0.6), Err(Error::Image(_))));
        Ok(())
    }

    #[test]
    fn outlines_enclose_the_mask() -> Result<()> {
        let map = AnomalyMap::new(3, 3, vec![0.0, 0.0, 0.0, 0.0, 0.8, 0.8, 0.0, 0.0, 0.0])?;
        let contours = map.contours(0.5);
        assert_eq!(contours.len(), 1);
        assert!(map.contours(0.9).is_empty());
        Ok(())
    }
}
