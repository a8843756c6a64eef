//! What does not fit is an error that says what would.

use candle_core::{DType, Device, Tensor};
use madenet_candle::Error;
use madenet_candle::losses::{
    CrossEntropyConfig, FocalConfig, FocalVariant, SsimConfig, bce_with_logits, cross_entropy, focal,
    focal_with_logits, margin, margin_by_mask, masked_mse, masked_ssim, mse, ssim, ssim_map,
};

use crate::{tensor, unit};

fn message<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result.unwrap_err() {
        error @ Error::Loss { .. } => error.to_string(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn shapes_and_types() {
    let (x, y) = (unit(0, &[1, 2, 3, 4]), unit(0, &[1, 2, 4, 3]));
    let config = SsimConfig::default();
    assert_eq!(message(mse(&x, &y)), "mse: the target is [1, 2, 4, 3], expected [1, 2, 3, 4]");
    let double = x.to_dtype(DType::F64).unwrap();
    assert_eq!(message(mse(&double, &x)), "mse: x is f64 [1, 2, 3, 4], expected f32 with at least one value");
    let empty = Tensor::zeros((0, 3), DType::F32, &Device::Cpu).unwrap();
    assert!(message(mse(&empty, &empty)).starts_with("mse: x is f32 [0, 3]"));
    let weight = "masked_mse: the weight is [1, 2, 4, 3], expected [1, 2, 3, 4] or [1, 1, 3, 4]";
    assert_eq!(message(masked_mse(&x, &x, &y)), weight);
    let flat = x.flatten_all().unwrap();
    assert_eq!(message(ssim(&flat, &flat, &config)), "ssim: x is [24], expected [n, c, h, w]");
    let map = "ssim_map: the target is [1, 2, 4, 3], expected [1, 2, 3, 4]";
    assert_eq!(message(ssim_map(&x, &y, &config)), map);
}

#[test]
fn classes_and_rows() {
    let (x, three) = (unit(0, &[1, 2, 3, 4]), unit(0, &[1, 3, 2, 2]));
    let message_of = |logits, target| message(focal(logits, target, &FocalConfig::default()));
    assert!(message_of(&three, &three).contains("[1, 3, 2, 2], expected [n, 2, h, w]"));
    assert!(message_of(&x, &x).contains("the target is [1, 2, 3, 4], expected [1, 1, 3, 4]"));
    assert!(message(margin(&unit(0, &[3, 2]), 0.5)).contains("[3, 2], expected an even number"));
    let logits = unit(0, &[2, 3]);
    let message_of = |logits, labels| message(cross_entropy(logits, labels, &CrossEntropyConfig::default()));
    assert!(message_of(&logits, &[0]).contains("labels is 1, expected 2"));
    assert!(message_of(&logits, &[0, 3]).contains("a label is 3, expected below 3"));
    assert!(message_of(&x, &[0]).contains("expected [n, k] or [n, k, 1, 1]"));
}

#[test]
fn targets_and_weights_out_of_range() {
    let x = tensor(&[0.5; 4], &[1, 1, 2, 2]);
    let both = Tensor::cat(&[&x, &x], 1).unwrap();
    for bad in [f32::NAN, -0.1, 1.5, f32::INFINITY] {
        let target = tensor(&[0.0, 1.0, bad, 0.0], &[1, 1, 2, 2]);
        let expected = format!("is {bad}, expected");
        assert!(message(bce_with_logits(&x, &target, None)).contains(&expected));
        assert!(message(focal_with_logits(&x, &target, &FocalConfig::default())).contains(&expected));
        assert!(message(focal(&both, &target, &FocalConfig::default())).contains(&expected));
        assert!(message(margin_by_mask(&x, &target, 0.5)).contains(&expected));
        if bad != 1.5 {
            assert!(message(masked_mse(&x, &x, &target)).contains(&expected));
            assert!(message(masked_ssim(&x, &x, &target, &SsimConfig::default())).contains(&expected));
            assert!(message(bce_with_logits(&x, &x, Some(&target))).contains(&expected));
        }
    }
}

#[test]
fn losses_that_are_not_finite() {
    let x = tensor(&[0.5, f32::NAN, 0.5, 0.5], &[2, 2, 1, 1]);
    let y = tensor(&[0.0; 4], &[2, 2, 1, 1]);
    let one = tensor(&[0.0; 2], &[2, 1, 1, 1]);
    for (i, result) in [
        mse(&x, &y),
        masked_mse(&x, &y, &one.ones_like().unwrap()),
        ssim(&x, &y, &SsimConfig::default()),
        focal(&x, &one, &FocalConfig::default()),
        focal_with_logits(&x, &y, &FocalConfig::default()),
        bce_with_logits(&x, &y, None),
        cross_entropy(&x, &[0, 0], &CrossEntropyConfig::default()),
        margin(&x, 0.5).map(|loss| loss.total),
        margin_by_mask(&x, &y, 0.5).map(|loss| loss.total),
    ]
    .into_iter()
    .enumerate()
    {
        match result {
            Ok(value) => panic!("loss {i} is {value}"),
            error => assert!(message(error).contains("the loss is NaN, expected a finite number"), "{i}"),
        }
    }
}

#[test]
fn settings() {
    let x = unit(0, &[1, 2, 3, 4]);
    for config in [
        SsimConfig { range: 0.0, ..SsimConfig::default() },
        SsimConfig { k1: f32::NAN, ..SsimConfig::default() },
        SsimConfig { sigma: -1.0, ..SsimConfig::default() },
        SsimConfig { radius: 1 << 40, ..SsimConfig::default() },
    ] {
        message(ssim(&x, &x, &config));
    }
    let target = tensor(&[0.0; 12], &[1, 1, 3, 4]);
    for config in [
        FocalConfig { gamma: -1.0, ..FocalConfig::default() },
        FocalConfig { variant: FocalVariant::Retina { alpha: Some(1.5) }, gamma: 2.0 },
    ] {
        message(focal(&x, &target, &config));
    }
    for (label_smoothing, temperature) in [(-0.1, 1.0), (f32::NAN, 1.0), (0.0, 0.0), (0.0, f32::INFINITY)] {
        let config = CrossEntropyConfig { label_smoothing, temperature };
        message(cross_entropy(&unit(0, &[2, 3]), &[0, 1], &config));
    }
}
