//! The weights of one axis.

use std::iter;

use crate::{Border, Result, check};

use super::WHAT;

/// The Gaussian is cut off at this many standard deviations (scipy's `truncate`).
const TRUNCATE: f64 = 4.0;

/// Largest standard deviation in pixels: beyond any map, and small enough for its weights to be computed at once.
const MAX_SIGMA: f32 = 10_000.0;

/// Largest radius: that of the largest standard deviation.
const MAX_RADIUS: usize = 40_000;

/// One half of a symmetric filter, the centre first.
#[derive(Clone, Debug)]
pub(super) struct Taps {
    pub(super) weights: Vec<f32>,
    /// The sum of the weights behind the centre, up to each.
    reach: Vec<f64>,
    /// All weights are 1: sums without products.
    pub(super) equal: bool,
    /// What makes the sum of all weights 1.
    scale: f64,
}

impl Taps {
    /// A Gaussian that is cut off at `radius`, or where scipy does.
    pub(super) fn gaussian(sigma: f32, radius: Option<usize>) -> Result<Self> {
        if !(0.0..=MAX_SIGMA).contains(&sigma) {
            return Err(check::geometry(
                WHAT,
                format!("sigma must be within 0 and {MAX_SIGMA}, not {sigma}"),
            ));
        }
        let sigma = f64::from(sigma);
        let radius = radius.unwrap_or((TRUNCATE * sigma + 0.5) as usize);
        check_radius(radius)?;
        let density = |k: usize| match k {
            // Also where sigma is 0.
            0 => 1.0,
            k => (-0.5 * (k as f64 / sigma).powi(2)).exp(),
        };
        // In f64 as a whole, then rounded.
        let total = 1.0 + 2.0 * (1..=radius).map(density).sum::<f64>();
        let weights = (0..=radius).map(|k| (density(k) / total) as f32).take_while(|&weight| weight > 0.0);
        Ok(Self::new(weights.collect(), false, 1.0))
    }

    /// The mean of `side` pixels.
    pub(super) fn mean(side: usize) -> Result<Self> {
        if side.is_multiple_of(2) {
            let reason = format!("a window must have odd sides to have a centre, not {side}");
            return Err(check::geometry(WHAT, reason));
        }
        check_radius(side / 2)?;
        Ok(Self::new(vec![1.0; side / 2 + 1], true, 1.0 / side as f64))
    }

    fn new(weights: Vec<f32>, equal: bool, scale: f64) -> Self {
        let sums = weights.iter().skip(1).scan(0.0, |sum, &weight| {
            *sum += f64::from(weight);
            Some(*sum)
        });
        let reach = iter::once(0.0).chain(sums).collect();
        Taps { weights, reach, equal, scale }
    }

    pub(super) fn radius(&self) -> usize {
        self.weights.len() - 1
    }

    /// The factor by which the sum at each pixel of an axis becomes the filter's value.
    pub(super) fn fill_scales(&self, border: Border, scales: &mut [f32]) {
        if border != Border::Exclude {
            return scales.fill(self.scale as f32);
        }
        let last = scales.len() - 1;
        let side = |pixels: usize| self.reach[pixels.min(self.radius())];
        for (at, scale) in scales.iter_mut().enumerate() {
            let inside = f64::from(self.weights[0]) + side(at) + side(last - at);
            *scale = (1.0 / inside) as f32;
        }
    }
}

fn check_radius(radius: usize) -> Result<()> {
    if radius <= MAX_RADIUS {
        return Ok(());
    }
    Err(check::geometry(WHAT, format!("the radius must be at most {MAX_RADIUS} pixels, not {radius}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weights_of_sigma_4_are_scipys() -> Result<()> {
        let taps = Taps::gaussian(4.0, None)?;
        assert_eq!(taps.radius(), 16);
        assert!((taps.weights[0] - 0.099_739_1).abs() < 1e-7, "{}", taps.weights[0]);
        let total = taps.weights[0] + 2.0 * taps.weights[1..].iter().sum::<f32>();
        assert!((total - 1.0).abs() < 1e-6, "{total}");
        Ok(())
    }

    #[test]
    fn weights_that_are_zero_are_left_out() -> Result<()> {
        assert_eq!(Taps::gaussian(0.0, Some(5))?.weights, [1.0]);
        // exp(-k^2 / 2) is below half of the least f32, 2^-150, from k = 15 on.
        assert_eq!(Taps::gaussian(1.0, Some(40))?.radius(), 14);
        Ok(())
    }

    #[test]
    fn what_is_excluded_leaves_fewer_to_share() -> Result<()> {
        let mut scales = [0.0; 5];
        Taps::mean(3)?.fill_scales(Border::Exclude, &mut scales);
        assert_eq!(scales, [0.5, 1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.5]);
        Taps::mean(3)?.fill_scales(Border::Zero, &mut scales);
        assert_eq!(scales, [1.0 / 3.0; 5]);
        Ok(())
    }
}
