//! The vectors of methods.md.

use candle_core::{Device, Tensor};
use madenet_candle::losses::{
    FocalConfig, FocalVariant, SsimConfig, focal, margin, margin_by_mask, masked_ssim, ssim, ssim_map,
};
use madenet_kernels::{Border, SeparableFilter};

use crate::common::values;
use crate::{binary, scalar, tensor, unit};

fn focal_of(p: f64, target: f32, variant: FocalVariant) -> f64 {
    let logits = tensor(&[0.0, (p / (1.0 - p)).ln() as f32], &[1, 2, 1, 1]);
    let config = FocalConfig { variant, gamma: 2.0 };
    f64::from(scalar(focal(&logits, &tensor(&[target], &[1, 1, 1, 1]), &config)))
}

/// L4, check 6.
#[test]
fn focal_vectors() {
    for (p, expected) in [(0.9, 0.001_053_54), (0.1, 1.864_873_5), (0.5, 0.173_274_9)] {
        for (p, target) in [(p, 1.0), (1.0 - p, 0.0)] {
            let loss = focal_of(p, target, FocalVariant::Draem);
            assert!((loss - expected).abs() < 1e-6 * expected.max(0.01), "{p} {target}: {loss}");
        }
    }
    let retina = FocalVariant::Retina { alpha: Some(0.25) };
    for (target, weight) in [(1.0, 0.25), (0.0, 0.75)] {
        let loss = focal_of(0.5, target, retina);
        assert!((loss - weight * 0.25 * 2_f64.ln()).abs() < 1e-8, "{target}: {loss}");
    }
}

/// L3: the window, and check 6: every pixel is like itself, at borders too, and flat ones.
#[test]
fn an_image_is_like_itself() {
    let mut column = [0.0; 121];
    column[60] = 1.0;
    let mut window = [0.0; 121];
    let config = SsimConfig::default();
    let filter = SeparableFilter::gaussian_window(config.sigma, config.radius, Border::Zero).unwrap();
    filter.run(11, 11, &column, &mut window, &mut Vec::new()).unwrap();
    let taps = [0.001_028_4, 0.007_598_8, 0.036_000_8, 0.109_360_7, 0.213_005_5, 0.266_011_7];
    for (got, tap) in window[55..].iter().zip(taps) {
        assert!((got - tap * taps[5]).abs() < 1e-7, "{got}");
    }

    let flat = Tensor::full(0.7_f32, (1, 1, 9, 30), &Device::Cpu).unwrap();
    let large = unit(0, &[1, 2, 9, 30]).affine(1e4, 3e4).unwrap();
    for x in [unit(0, &[2, 3, 20, 17]), flat, large] {
        let map = ssim_map(&x, &x, &config).unwrap();
        assert!(values(&map).iter().all(|&v| v == 1.0));
        assert_eq!(scalar(ssim(&x, &x, &config)), 1.0);
    }
}

#[test]
fn similarity_is_symmetric_and_bounded() {
    let (x, y) = (unit(0, &[1, 2, 16, 12]), unit(1, &[1, 2, 16, 12]));
    let config = SsimConfig::default();
    let (xy, yx) = (ssim_map(&x, &y, &config).unwrap(), ssim_map(&y, &x, &config).unwrap());
    assert_eq!(values(&xy), values(&yx));
    assert!(values(&xy).iter().all(|v| (-1.0..1.0).contains(v)));
    // Under a weight, the mean of the map.
    let weight = binary(2, &[1, 1, 16, 12]);
    let (map, weights) = (values(&xy), values(&weight));
    let sum: f64 = map.iter().zip(weights.iter().cycle()).map(|(v, w)| v * w).sum();
    let mean = sum / (2.0 * weights.iter().sum::<f64>());
    assert!((f64::from(scalar(masked_ssim(&x, &y, &weight, &config))) - mean).abs() < 1e-7);
}

/// F7, F8, check 5, and T2.
#[test]
fn margins() {
    let loss = |values: &[f32]| {
        let loss = margin(&tensor(values, &[values.len(), 1, 1, 1]), 0.5).unwrap();
        (loss.total.to_scalar::<f32>().unwrap(), loss.p_true, loss.p_fake)
    };
    assert_eq!(loss(&[0.5, 3.0, -0.5, -7.0]), (0.0, 1.0, 0.5));
    assert_eq!(loss(&[0.0; 4]), (1.0, 0.0, 0.0));
    assert_eq!(loss(&[0.25, 1.0, -1.0, 0.5]), (0.625, 0.5, 0.5));

    let by_mask = |values: &[f32], labels: &[f32]| {
        let shape = [values.len()];
        let loss = margin_by_mask(&tensor(values, &shape), &tensor(labels, &shape), 0.5).unwrap();
        (loss.total.to_scalar::<f32>().unwrap(), loss.p_true, loss.p_fake)
    };
    assert_eq!(by_mask(&[0.25, -1.0, 1.0, 0.5], &[0.0, 1.0, 0.0, 1.0]), (0.625, 0.5, 0.5));
    // An empty side costs nothing.
    assert_eq!(by_mask(&[0.25, 0.5], &[0.0, 0.0]), (0.125, 0.5, 1.0));
    assert_eq!(by_mask(&[0.25, -0.75], &[1.0, 1.0]), (0.375, 1.0, 0.5));
}
