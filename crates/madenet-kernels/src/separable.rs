//! Separable filters with explicit borders: the Gaussian and the mean of a window.
//!
//! A filter is a pass along the columns, then one along the rows. Both compute tiles of consecutive pixels of a row, whose
//! sums stay in registers over all taps, in the same order for every pixel.

mod border;
mod pass;
mod taps;

use crate::{Border, Result, Shape, check};
use pass::Pass;
use taps::Taps;

const WHAT: &str = "separable filter";

/// Values between the two passes: 1 MiB, which stays in a second-level cache. Planes are filtered in groups of this size.
const GROUP: usize = 1 << 18;

/// A filter of planes whose weights are a product of one factor per axis, built once for planes of any size.
///
/// A pixel that is NaN makes NaN of all pixels whose window has it, at a mirrored place as well, and of no others. An
/// infinite one makes infinity or NaN of the same pixels, as do sums that leave the range of f32.
///
/// ```
/// use madenet_kernels::{Border, SeparableFilter};
///
/// let x = [
///     0.0, 0.0, 0.0, 0.0, //
///     0.0, 9.0, 0.0, 0.0, //
///     0.0, 0.0, 0.0, 0.0,
/// ];
/// let (mut out, mut scratch) = ([0.0; 12], Vec::new());
/// SeparableFilter::mean((3, 3), Border::Zero)?.run(3, 4, &x, &mut out, &mut scratch)?;
/// assert_eq!(out.map(f32::round), [
///     1.0, 1.0, 1.0, 0.0, //
///     1.0, 1.0, 1.0, 0.0, //
///     1.0, 1.0, 1.0, 0.0,
/// ]);
/// // Of the windows in the corners four pixels are inside, of those at the sides six.
/// SeparableFilter::mean((3, 3), Border::Exclude)?.run(3, 4, &x, &mut out, &mut scratch)?;
/// assert_eq!(out.map(|mean| (100.0 * mean).round()), [
///     225.0, 150.0, 150.0, 0.0, //
///     150.0, 100.0, 100.0, 0.0, //
///     225.0, 150.0, 150.0, 0.0,
/// ]);
/// # Ok::<(), madenet_kernels::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SeparableFilter {
    vertical: Taps,
    horizontal: Taps,
    border: Border,
}

impl SeparableFilter {
    /// The Gaussian of standard deviation `sigma` pixels, cut off at `floor(4 sigma + 0.5)` pixels (scipy's
    /// `gaussian_filter` with its default `truncate`). `sigma = 0` copies.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if `sigma` is not within 0 and 10,000.
    ///
    /// ```
    /// use madenet_kernels::{Border, SeparableFilter};
    ///
    /// let mut map = vec![0.0; 65 * 65];
    /// map[32 * 65 + 32] = 1.0;
    /// let mut out = vec![0.0; 65 * 65];
    /// SeparableFilter::gaussian(4.0, Border::Symmetric)?.run(65, 65, &map, &mut out, &mut Vec::new())?;
    /// // The centre of the filter: 0.0997391 on each axis.
    /// assert!((out[32 * 65 + 32] - 0.099_739_1_f32.powi(2)).abs() < 1e-8);
    /// # Ok::<(), madenet_kernels::Error>(())
    /// ```
    pub fn gaussian(sigma: f32, border: Border) -> Result<Self> {
        Self::square(Taps::gaussian(sigma, None)?, border)
    }

    /// The Gaussian of standard deviation `sigma` pixels in a window of `2 radius + 1` pixels: of radius 5 and deviation 1.5
    /// the window of the structural similarity index (Wang et al. 2004).
    ///
    /// Weights add up to 1. Those that are 0 in f32 are left out, so `sigma = 0` copies.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if `sigma` is not within 0 and 10,000 or `radius` is above 40,000.
    ///
    /// ```
    /// use madenet_kernels::{Border, SeparableFilter};
    ///
    /// let mut row = [0.0; 11];
    /// row[5] = 1000.0;
    /// let mut out = [0.0; 11];
    /// let window = SeparableFilter::gaussian_window(1.5, 5, Border::Symmetric)?;
    /// window.run(1, 11, &row, &mut out, &mut Vec::new())?;
    /// assert_eq!(out.map(f32::round), [1.0, 8.0, 36.0, 109.0, 213.0, 266.0, 213.0, 109.0, 36.0, 8.0, 1.0]);
    /// # Ok::<(), madenet_kernels::Error>(())
    /// ```
    pub fn gaussian_window(sigma: f32, radius: usize, border: Border) -> Result<Self> {
        Self::square(Taps::gaussian(sigma, Some(radius))?, border)
    }

    /// The mean of a window of (height, width) pixels around each pixel, both odd.
    ///
    /// It is a plain pass along each axis, which costs one addition per pixel of a side. Running sums, the other way, are no
    /// faster for windows of up to 11 pixels, drift where values of very different size lie in one row, and carry a NaN
    /// into all windows behind it.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if a side is even (the window would have no centre) or above 80,001.
    pub fn mean(window: (usize, usize), border: Border) -> Result<Self> {
        Ok(SeparableFilter { vertical: Taps::mean(window.0)?, horizontal: Taps::mean(window.1)?, border })
    }

    /// Pixels that the window reaches above and below, and to the left and right.
    #[must_use]
    pub fn radius(&self) -> (usize, usize) {
        (self.vertical.radius(), self.horizontal.radius())
    }

    /// Filters every `height` x `width` plane of `x` into `out`.
    ///
    /// `scratch` is memory to be kept between calls. It grows to `height + width` values and those of a plane; several planes
    /// of less than 2^18 values together are taken at once.
    ///
    /// # Errors
    ///
    /// [`Error::Geometry`](crate::Error::Geometry) if the plane is empty; [`Error::Length`](crate::Error::Length) if `x` is
    /// no whole number of planes or `out` is not as long as `x`.
    pub fn run(
        &self,
        height: usize,
        width: usize,
        x: &[f32],
        out: &mut [f32],
        scratch: &mut Vec<f32>,
    ) -> Result<()> {
        let plane = check::shape(WHAT, Shape::new(1, height, width))?;
        let planes = check::batch("separable filter: x", plane, x.len())?;
        check::length("separable filter: out", x.len(), out.len())?;
        if planes == 0 {
            return Ok(());
        }
        let group = (GROUP / plane).clamp(1, planes) * plane;
        scratch.resize(height + width + group, 0.0);
        let (row_scales, rest) = scratch.split_at_mut(height);
        let (column_scales, between) = rest.split_at_mut(width);
        self.vertical.fill_scales(self.border, row_scales);
        self.horizontal.fill_scales(self.border, column_scales);

        let vertical = Pass::new(&self.vertical, self.border, row_scales);
        let horizontal = Pass::new(&self.horizontal, self.border, column_scales);
        for (x, out) in x.chunks(group).zip(out.chunks_mut(group)) {
            let between = &mut between[..x.len()];
            vertical.along_columns(width, x, between);
            horizontal.along_rows(between, out);
        }
        Ok(())
    }

    fn square(taps: Taps, border: Border) -> Result<Self> {
        Ok(SeparableFilter { vertical: taps.clone(), horizontal: taps, border })
    }
}
