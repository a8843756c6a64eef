//! Edges: how steeply a plane rises in each direction.

use crate::Plane;

/// How steeply a plane rises to the right and downwards, as [`sobel`] measures it.
#[derive(Clone, Debug, PartialEq)]
pub struct Gradient {
    dx: Plane,
    dy: Plane,
}

impl Gradient {
    /// The rise to the right: positive where the right side is larger. Eight times the rise per pixel.
    #[must_use]
    pub fn dx(&self) -> &Plane {
        &self.dx
    }

    /// The rise downwards: positive where the lower side is larger. Eight times the rise per pixel.
    #[must_use]
    pub fn dy(&self) -> &Plane {
        &self.dy
    }

    /// The length of the gradient, `sqrt(dx^2 + dy^2)`, at the same scale.
    #[must_use]
    pub fn magnitude(&self) -> Plane {
        let length = |(&dx, &dy): (&f32, &f32)| to_f32(f64::from(dx).hypot(f64::from(dy)));
        let values = self.dx.values().iter().zip(self.dy.values()).map(length).collect();
        Plane::from_parts(self.dx.width(), self.dx.height(), values)
    }
}

/// The gradient of a plane by Sobel's kernels of 3 x 3 pixels:
///
/// ```text
///      -1  0  1            -1 -2 -1
/// dx = -2  0  2       dy =  0  0  0
///      -1  0  1             1  2  1
/// ```
///
/// The kernels are not normalised: a ramp that rises by 1 per pixel has a gradient of 8. A step of 1 has 4 on
/// both of its sides. Pixels of the border are repeated outwards. What exceeds `f32` becomes its largest
/// number.
///
/// ```
/// use madenet_image::{Plane, sobel};
///
/// let step = Plane::new(4, 3, vec![
///     0.0, 0.0, 1.0, 1.0,
///     0.0, 0.0, 1.0, 1.0,
///     0.0, 0.0, 1.0, 1.0,
/// ])?;
/// let gradient = sobel(&step);
/// assert_eq!(gradient.dx().values(), [
///     0.0, 4.0, 4.0, 0.0,
///     0.0, 4.0, 4.0, 0.0,
///     0.0, 4.0, 4.0, 0.0,
/// ]);
/// assert_eq!(gradient.dy().max(), 0.0);
/// assert_eq!(gradient.magnitude(), *gradient.dx());
/// # Ok::<(), madenet_image::Error>(())
/// ```
#[must_use]
pub fn sobel(plane: &Plane) -> Gradient {
    let (width, height) = (plane.width(), plane.height());
    let row = |y: usize| &plane.values()[y * width..][..width];
    let mut dx = Vec::with_capacity(width * height);
    let mut dy = Vec::with_capacity(width * height);
    for y in 0..height {
        let (above, here, below) = (row(y.saturating_sub(1)), row(y), row((y + 1).min(height - 1)));
        let at = |row: &[f32], x: usize| f64::from(row[x]);
        let column = |x: usize| at(above, x) + 2.0 * at(here, x) + at(below, x);
        for x in 0..width {
            let (left, right) = (x.saturating_sub(1), (x + 1).min(width - 1));
            let line = |row: &[f32]| at(row, left) + 2.0 * at(row, x) + at(row, right);
            dx.push(to_f32(column(right) - column(left)));
            dy.push(to_f32(line(below) - line(above)));
        }
    }
    Gradient { dx: Plane::from_parts(width, height, dx), dy: Plane::from_parts(width, height, dy) }
}

/// The nearest finite `f32`: sums of large values do not become infinite.
fn to_f32(value: f64) -> f32 {
    value.clamp(f64::from(f32::MIN), f64::from(f32::MAX)) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_has_eight_times_its_slope() {
        let values = (0..5 * 5).map(|i| 3.0 * (i % 5) as f32 - 2.0 * (i / 5) as f32).collect();
        let gradient = sobel(&Plane::new(5, 5, values).unwrap());
        assert_eq!(gradient.dx().get(2, 2), Some(24.0));
        assert_eq!(gradient.dy().get(2, 2), Some(-16.0));
        // Beyond the border the value is repeated, so the difference spans one pixel less.
        assert_eq!(gradient.dx().get(0, 2), Some(12.0));
    }

    #[test]
    fn one_pixel_has_no_gradient() {
        let gradient = sobel(&Plane::new(1, 1, vec![7.0]).unwrap());
        assert_eq!(gradient.magnitude().values(), [0.0]);
    }

    #[test]
    fn the_largest_numbers_stay_finite() {
        let steep = Plane::new(2, 1, vec![f32::MIN, f32::MAX]).unwrap();
        let gradient = sobel(&steep);
        assert_eq!(gradient.dx().values(), [f32::MAX; 2]);
        assert_eq!(gradient.magnitude().values(), [f32::MAX; 2]);
    }
}
