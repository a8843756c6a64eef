//! What the values of a pixel stand for.

use std::fmt;

/// The values of one pixel and their order in memory. How deep each value is says its type: `u8`, `u16` or
/// `f32`.
///
/// Alpha is ignored wherever a picture is read: sensors have none, and blending with a background would
/// invent pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channels {
    /// One value of grey.
    Gray,
    /// Grey, alpha.
    GrayAlpha,
    /// Red, green, blue.
    Rgb,
    /// Blue, green, red: OpenCV's and many cameras' order.
    Bgr,
    /// Red, green, blue, alpha.
    Rgba,
    /// Blue, green, red, alpha.
    Bgra,
}

impl Channels {
    /// Values of one pixel, 1 to 4.
    ///
    /// ```
    /// use madenet_image::Channels;
    ///
    /// assert_eq!(Channels::Gray.count(), 1);
    /// assert_eq!(Channels::Bgra.count(), 4);
    /// ```
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Channels::Gray => 1,
            Channels::GrayAlpha => 2,
            Channels::Rgb | Channels::Bgr => 3,
            Channels::Rgba | Channels::Bgra => 4,
        }
    }

    /// What remains of the values without alpha and with red first: `Gray` or `Rgb`.
    pub(crate) const fn of_raster(self) -> Channels {
        match self {
            Channels::Gray | Channels::GrayAlpha => Channels::Gray,
            Channels::Rgb | Channels::Bgr | Channels::Rgba | Channels::Bgra => Channels::Rgb,
        }
    }

    /// The values of one pixel that are not alpha: they come first.
    pub(crate) const fn colours(self) -> usize {
        self.of_raster().count()
    }

    /// Appends the pixels of `row` to `out`, without alpha and with red first.
    pub(crate) fn append_colours<V: Copy>(self, row: &[V], out: &mut Vec<V>) {
        match self {
            Channels::Gray | Channels::Rgb => out.extend_from_slice(row),
            Channels::GrayAlpha => out.extend(row.as_chunks::<2>().0.iter().map(|p| p[0])),
            Channels::Bgr => out.extend(row.as_chunks::<3>().0.iter().flat_map(|p| [p[2], p[1], p[0]])),
            Channels::Rgba => out.extend(row.as_chunks::<4>().0.iter().flat_map(|p| [p[0], p[1], p[2]])),
            Channels::Bgra => out.extend(row.as_chunks::<4>().0.iter().flat_map(|p| [p[2], p[1], p[0]])),
        }
    }
}

impl fmt::Display for Channels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
