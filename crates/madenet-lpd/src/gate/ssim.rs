//! The structural similarity index (Wang, Bovik, Sheikh, Simoncelli 2004).

use madenet_image::Mask;
use madenet_kernels::{Border, SeparableFilter};

use crate::Result;

/// `(K1 L)^2` and `(K2 L)^2` with Wang et al.'s K1 = 0.01, K2 = 0.03 and values of 0 to L = 1.
const C1: f32 = 0.01 * 0.01;
const C2: f32 = 0.03 * 0.03;

/// Wang et al.'s window.
pub(super) fn window(border: Border) -> Result<SeparableFilter> {
    Ok(SeparableFilter::gaussian_window(1.5, Ssim::RADIUS, border)?)
}

pub(super) struct Ssim {
    window: SeparableFilter,
}

impl Ssim {
    /// Pixels that the window reaches to each side.
    pub(super) const RADIUS: usize = 5;

    pub(super) fn new(border: Border) -> Result<Self> {
        Ok(Ssim { window: window(border)? })
    }

    /// The mean index of `x` and `y`, whole planes of the mask's size, over the mask's pixels, of which there must be one.
    ///
    /// Exactly 1 for equal planes: what is summed and rounded is the same above and below the fraction bar.
    pub(super) fn mean(&self, x: &[f32], y: &[f32], mask: &Mask) -> Result<f32> {
        let len = x.len();
        let pairs = || x.iter().zip(y);
        let mut planes = Vec::with_capacity(4 * len);
        planes.extend_from_slice(x);
        planes.extend_from_slice(y);
        planes.extend(pairs().map(|(x, y)| x * x + y * y));
        planes.extend(pairs().map(|(x, y)| x * y));
        let mut means = vec![0.0; 4 * len];
        self.window.run(mask.height(), mask.width(), &planes, &mut means, &mut Vec::new())?;
        let (x, rest) = means.split_at(len);
        let (y, rest) = rest.split_at(len);
        let (squares, products) = rest.split_at(len);
        let (mut sum, mut count) = (0.0, 0);
        let moments = x.iter().zip(y).zip(squares.iter().zip(products));
        for (((x, y), (squares, products)), _) in
            moments.zip(mask.data().iter().cycle()).filter(|&(_, &inside)| inside)
        {
            let (xy, xx) = (2.0 * (x * y), x * x + y * y);
            let index = (xy + C1) * (2.0 * products - xy + C2) / ((xx + C1) * (squares - xx + C2));
            sum += f64::from(index);
            count += 1;
        }
        Ok((sum / f64::from(count)) as f32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_planes_have_one_and_flat_ones_the_luminances_term() {
        let mask = Mask::new(20, 15, vec![true; 300]).unwrap();
        let noise: Vec<f32> = (0..900).map(|i| (i * 7919 % 256) as f32 / 255.0).collect();
        for border in [Border::Zero, Border::Exclude] {
            assert_eq!(Ssim::new(border).unwrap().mean(&noise, &noise, &mask).unwrap(), 1.0);
        }
        // (2 * 0.2 * 0.4 + C1) / (0.04 + 0.16 + C1): flat planes have neither variance nor covariance.
        let flat = |value| vec![value; 300];
        let index = Ssim::new(Border::Exclude).unwrap().mean(&flat(0.2), &flat(0.4), &mask).unwrap();
        assert!((index - 0.160_1 / 0.200_1).abs() < 1e-4, "{index}");
        // Opposite patterns: covariance is minus the variance.
        let checks: Vec<f32> = (0..300).map(|i| (i / 20 + i % 20) as f32 % 2.0).collect();
        let opposite: Vec<f32> = checks.iter().map(|value| 1.0 - value).collect();
        let index = Ssim::new(Border::Exclude).unwrap().mean(&checks, &opposite, &mask).unwrap();
        assert!(index < -0.97, "{index}");
    }
}
