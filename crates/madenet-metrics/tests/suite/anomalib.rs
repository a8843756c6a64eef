//! Agreement with anomalib on the cases of `fixtures/anomalib.txt`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::str::FromStr;

use madenet_metrics::{Aupimo, PixelMetrics};

const ANOMALIB: &str = include_str!("../fixtures/anomalib.txt");
const PEERS: &str = include_str!("../fixtures/peers.txt");

/// Anomalib draws the curve of the AUPRO in single precision: 2^-24 is 6e-8, and a few roundings add up.
const SINGLE_PRECISION: f64 = 2e-7;

/// Where the bounds are rates of points, both integrate the same lines in double precision.
const REORDERED: f64 = 1e-12;

/// Elsewhere anomalib integrates between the points nearest to the bounds. For the lower bound 0.00333 that is
/// 7 of 2000 pixels, 0.0035, which leaves out ln(0.0035 / 0.00333) / ln(0.07777 / 0.00333) = 0.016 of the axis;
/// for the upper one, 156 pixels, it adds 0.001.
const NEAREST_POINTS: f64 = 0.017;

/// The lines `key value value ..` of a case.
fn case<'a>(text: &'a str, name: &str) -> BTreeMap<&'a str, &'a str> {
    let block = text.split("\ncase ").find_map(|block| block.strip_prefix(name)?.strip_prefix('\n')).unwrap();
    block.lines().filter_map(|line| line.split_once(' ')).collect()
}

fn values<T: FromStr<Err: std::fmt::Debug>>(line: &str) -> Vec<T> {
    line.split(' ').map(|value| value.parse().unwrap()).collect()
}

#[test]
fn aupro_agrees_with_anomalib() {
    for name in ["coarse_maps", "fine_maps"] {
        let (input, expected) = (case(PEERS, name), case(ANOMALIB, name));
        let (scores, labels) = (values::<f32>(input["scores"]), values::<u8>(input["labels"]));
        let mut metrics = PixelMetrics::new();
        let mut first = 0;
        for size in values::<usize>(input["sizes"]).chunks(2) {
            let pixels = first..first + size[0] * size[1];
            let mask: Vec<bool> = labels[pixels.clone()].iter().map(|&label| label == 1).collect();
            metrics.push(&scores[pixels.clone()], &mask, size[0], size[1]).unwrap();
            first = pixels.end;
        }
        let pixels = metrics.finish();
        for (limit, expected) in values(expected["limits"]).into_iter().zip(values::<f64>(expected["aupro"]))
        {
            let got = pixels.aupro(limit).unwrap().unwrap();
            assert!((got - expected).abs() <= SINGLE_PRECISION, "{name}: got {got}, expected {expected}");
        }
    }
}

#[test]
fn aupimo_agrees_with_anomalib() {
    let case = case(ANOMALIB, "aupimo");
    let (size, denominator) = (values::<usize>(case["images"]), values::<f32>(case["denominator"])[0]);
    let scores: Vec<f32> =
        values::<f32>(case["levels"]).into_iter().map(|level| level / denominator).collect();
    let mut aupimo = Aupimo::new();
    for (map, mask) in scores.chunks(size[1] * size[2]).zip(case["masks"].split(' ')) {
        let mask: Vec<bool> = mask.chars().map(|pixel| pixel == '1').collect();
        aupimo.push(map, &mask, size[1], size[2]).unwrap();
    }

    let scores = aupimo.finish();
    assert_eq!((scores.normal_images(), scores.anomalous_images()), (4, 5));
    for (index, tolerance) in [REORDERED, NEAREST_POINTS].into_iter().enumerate() {
        let bounds = values::<f64>(case[format!("bounds_{index}").as_str()]);
        let figures = scores.between((bounds[0], bounds[1])).unwrap();
        let expected = values::<f64>(case[format!("aupimo_{index}").as_str()]);
        assert_eq!(figures.per_image.len(), expected.len());
        for (got, expected) in figures.per_image.iter().zip(expected) {
            // A normal image has NaN there and nothing here.
            assert_eq!(got.is_none(), expected.is_nan());
            let error = got.map_or(0.0, |got| (got - expected).abs());
            assert!(error <= tolerance, "between {bounds:?}: got {got:?}, expected {expected}");
        }
    }
}
