//! The fixtures in `tests/fixtures`, made by `generate.py` there, which says what they hold.

use std::path::Path;

use madenet_nets::Params;

/// The fixture `tests/fixtures/NAME.safetensors` of the repository.
///
/// # Panics
/// If it cannot be read.
#[must_use]
pub fn fixture(name: &str) -> Params {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../tests/fixtures/{name}.safetensors"));
    match Params::read(&path) {
        Ok(params) => params,
        Err(error) => panic!("no fixture {name}: {error}"),
    }
}

/// Every k-th of `values`, about 256 of them, as the fixtures of backbones hold them: `k = (values / 256) | 1`.
///
/// ```
/// assert_eq!(madenet_testing::sampled(&[1.0; 512]).len(), 171);
/// ```
#[must_use]
pub fn sampled(values: &[f32]) -> Vec<f32> {
    values.iter().step_by((values.len() / 256) | 1).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backbones_hold_their_stages() {
        for name in ["resnet18", "resnet34", "resnet50", "wide_resnet50_2"] {
            let taps = fixture(&format!("backbone_{name}"));
            for layer in ["layer1", "layer2", "layer3", "layer4"] {
                let max_abs = taps.get(&format!("{layer}.max_abs")).expect("a maximum").values()[0];
                let values = taps.get(layer).expect("a stage").values();
                assert!((240..=256).contains(&values.len()), "{name} {layer}: {}", values.len());
                assert!(values.iter().all(|v| v.abs() <= max_abs) && (1.0..1e4).contains(&max_abs));
            }
            assert_eq!(taps.get("logits").map(|p| p.values().len()), Some(64));
        }
    }

    #[test]
    fn samples_wander_over_rows_and_columns() {
        let values: Vec<f32> = (0..2048).map(|i| i as f32).collect();
        assert_eq!(sampled(&values)[..3], [0.0, 9.0, 18.0]);
        assert_eq!(sampled(&values).len(), 228);
        assert_eq!(sampled(&values[..3]), [0.0, 1.0, 2.0]);
        assert!(sampled(&[]).is_empty());
    }

    #[test]
    #[should_panic(expected = "no fixture nothing: ")]
    fn a_missing_fixture_is_named() {
        let _ = fixture("nothing");
    }
}
