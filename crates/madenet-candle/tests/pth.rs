//! PyTorch's weight files: see `fixtures/generate.py`.
#![allow(clippy::unwrap_used)]

mod common;

use std::path::{Path, PathBuf};

use common::{numbers, values};
use madenet_candle::{Error, read_pth};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

#[test]
fn state_dicts_are_read_as_single_precision() -> madenet_candle::Result<()> {
    let params = read_pth(fixture("state.pth"))?;
    let shapes: Vec<(&str, &[usize])> = params.iter().map(|(name, p)| (name, p.shape())).collect();
    assert_eq!(
        shapes,
        [
            ("0.bias", &[3][..]),
            ("0.weight", &[3, 2, 3, 3]),
            ("1.bias", &[3]),
            ("1.running_mean", &[3]),
            ("1.running_var", &[3]),
            ("1.weight", &[3]),
            ("2.bias", &[2]),
            ("2.weight", &[2, 3]),
            ("double", &[2, 2]),
            ("parameter", &[3]),
            ("slice", &[3]),
            ("transposed", &[3, 4]),
        ],
        "1.num_batches_tracked is an integer"
    );
    let check = |name: &str, expected: &candle_core::Tensor| {
        let got: Vec<f64> = params.get(name).unwrap().values().iter().map(|&v| f64::from(v)).collect();
        assert_eq!(got, values(expected), "{name}");
    };
    // Multiples of 1/64 survive half precision.
    for (name, seed, shape) in [
        ("0.weight", 0, &[3, 2, 3, 3][..]),
        ("0.bias", 1, &[3]),
        ("1.running_var", 5, &[3]),
        ("2.weight", 7, &[2, 3]),
        ("double", 22, &[2, 2]),
        ("parameter", 23, &[3]),
    ] {
        check(name, &numbers(seed, shape));
    }
    check("transposed", &numbers(20, &[4, 3]).t()?.contiguous()?);
    check("slice", &numbers(21, &[6]).narrow(0, 2, 3)?);
    Ok(())
}

#[test]
fn other_files_are_named() {
    let refused = read_pth("no/such/file.pth").unwrap_err();
    assert!(matches!(&refused, Error::Open { path, .. } if path == Path::new("no/such/file.pth")));
    assert_eq!(refused.to_string(), "cannot open the weight file no/such/file.pth");
    let checkpoint = read_pth(fixture("checkpoint.pth"));
    assert!(matches!(checkpoint, Err(Error::NoStateDict { .. })), "{checkpoint:?}");
    let not_zip = read_pth(fixture("optimisers.safetensors"));
    assert!(matches!(&not_zip, Err(Error::Pth { path, .. }) if path.ends_with("optimisers.safetensors")));
}

#[test]
fn hostile_files_are_errors() {
    for (name, reason) in [("huge.pth", "[32768, 65536], too large"), ("malformed.pth", "malformed")] {
        let Err(Error::Pth { source, .. }) = read_pth(fixture(name)) else { panic!("{name}") };
        assert!(source.to_string().contains(reason), "{source}");
    }
}

/// Cut anywhere, the file is an error; with any byte changed, it is an error or readable, but no panic.
#[test]
fn damaged_files_are_errors() {
    let sound = std::fs::read(fixture("state.pth")).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("damaged.pth");
    for cut in [0, 1, 22, 100, sound.len() / 2, sound.len() - 22, sound.len() - 1] {
        std::fs::write(&path, &sound[..cut]).unwrap();
        assert!(matches!(read_pth(&path), Err(Error::Pth { .. })), "cut at {cut}");
    }
    for at in (0..sound.len()).step_by(7) {
        let mut damaged = sound.clone();
        damaged[at] ^= 0x55;
        std::fs::write(&path, damaged).unwrap();
        let read = read_pth(&path);
        assert!(
            matches!(read, Ok(_) | Err(Error::Pth { .. } | Error::NoStateDict { .. })),
            "byte {at}: {read:?}"
        );
    }
}
