//! The photographs of the evaluation data; skipped where they are not at hand.
#![allow(clippy::unwrap_used)]

use madenet::data::{Content, Dataset, Label, MvtecAd, Records, Split, duplicates, leaks};
use madenet_testing::shared;

/// Samples of a category: good and anomalous ones for training, good and anomalous ones for testing.
type Counts = [usize; 4];

fn check(name: &str, expected: Counts) {
    let Some(dir) = shared(&format!("data/{name}")) else { return };
    assert!(MvtecAd::has_test(&dir));
    let train = MvtecAd::open(&dir, Split::Train).unwrap();
    let test = MvtecAd::open(&dir, Split::Test).unwrap();
    let counts = [train.normal(), train.anomalous(), test.normal(), test.anomalous()].map(|part| part.len());
    assert_eq!(counts, expected);
    let scan = madenet::data::scan(&dir).unwrap();
    for (split, records) in [(Split::Train, &train), (Split::Test, &test)] {
        assert_eq!(scan.records(split).unwrap().entries(), records.entries());
    }
    let report = scan.report();
    assert_eq!((report.ignored().len(), report.warnings()), (0, [].as_slice()));
    read_all(&train);
    read_all(&test);
    assert_eq!(leaks(&train, &test, Content::Pixels, 2).unwrap(), []);
    assert!(duplicates(&train, Content::Bytes, 2).unwrap().is_empty());
}

fn read_all(records: &Records) {
    for index in 0..records.len() {
        let sample = records.get(index).unwrap();
        match sample.label {
            Label::Normal => assert_eq!((sample.defect_type, sample.mask), (None, None)),
            Label::Anomalous => {
                assert!(sample.defect_type.is_some(), "{}", sample.id);
                assert!(sample.mask.is_some_and(|mask| mask.count() > 0), "{}", sample.id);
            }
        }
    }
}

#[test]
fn transistor() {
    check("mvtec_ad/transistor", [213, 0, 60, 40]);
}

#[test]
fn bottle() {
    check("mvtec_ad/bottle", [209, 0, 20, 63]);
}

#[test]
fn magnetic_tile() {
    check("magnetic_tile/tile", [280, 197, 120, 189]);
}
