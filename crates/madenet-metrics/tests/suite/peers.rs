//! Agreement with scikit-learn, scipy and numpy on the cases of `fixtures/peers.txt`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::str::FromStr;

use madenet_metrics::{PixelMetrics, auroc, average_precision, f1_max};

const PEERS: &str = include_str!("../fixtures/peers.txt");

/// Both sides sum a few hundred terms near 1 in double precision, in different orders.
const TOLERANCE: f64 = 1e-12;

/// One case: its name, and its lines `key value value ..`.
struct Case<'a> {
    name: &'a str,
    lines: BTreeMap<&'a str, &'a str>,
}

impl<'a> Case<'a> {
    fn all() -> Vec<Self> {
        PEERS.split("\ncase ").skip(1).map(Self::parse).collect()
    }

    fn parse(block: &'a str) -> Self {
        let mut lines = block.lines();
        let name = lines.next().unwrap();
        Self { name, lines: lines.filter_map(|line| line.split_once(' ')).collect() }
    }

    fn values<T: FromStr<Err: std::fmt::Debug>>(&self, key: &str) -> Vec<T> {
        self.lines[key].split(' ').map(|value| value.parse().unwrap()).collect()
    }

    fn labels(&self) -> Vec<bool> {
        self.values::<u8>("labels").into_iter().map(|label| label == 1).collect()
    }

    fn assert_near(&self, key: &str, got: &[Option<f64>]) {
        let expected = self.values::<f64>(key);
        assert_eq!(got.len(), expected.len());
        for (got, expected) in got.iter().zip(expected) {
            let got = got.unwrap();
            let case = self.name;
            assert!((got - expected).abs() <= TOLERANCE, "{key} of {case}: got {got}, expected {expected}");
        }
    }
}

#[test]
fn image_metrics_agree_with_scikit_learn() {
    let cases = Case::all();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let (scores, labels) = (case.values("scores"), case.labels());
        case.assert_near("auroc", &[auroc(&scores, &labels).unwrap()]);
        case.assert_near("average_precision", &[average_precision(&scores, &labels).unwrap()]);
        let best = f1_max(&scores, &labels).unwrap().unwrap();
        case.assert_near("f1_max", &[Some(best.f1), Some(best.precision), Some(best.recall)]);
        assert_eq!([best.threshold], case.values::<f32>("f1_threshold")[..], "threshold of {}", case.name);
    }
}

#[test]
fn pixel_metrics_agree_with_scikit_learn_and_the_definition() {
    let cases: Vec<_> = Case::all().into_iter().filter(|case| case.lines.contains_key("sizes")).collect();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let (scores, labels) = (case.values::<f32>("scores"), case.labels());
        let (mut maps, mut masks) = (&scores[..], &labels[..]);
        let mut metrics = PixelMetrics::new();
        for size in case.values::<usize>("sizes").chunks(2) {
            let (map, mask);
            (map, maps) = maps.split_at(size[0] * size[1]);
            (mask, masks) = masks.split_at(size[0] * size[1]);
            metrics.push(map, mask, size[0], size[1]).unwrap();
        }
        assert!(maps.is_empty() && masks.is_empty());

        let pixels = metrics.finish();
        assert_eq!([pixels.regions()], case.values::<u64>("regions")[..]);
        case.assert_near("auroc", &[pixels.auroc()]);
        case.assert_near("average_precision", &[pixels.average_precision()]);
        let areas: Vec<_> =
            case.values::<f64>("limits").into_iter().map(|limit| pixels.aupro(limit).unwrap()).collect();
        case.assert_near("aupro", &areas);
    }
}
