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
    fn backbones_hold_their_maps() {
        let resnet = &["layer1", "layer2", "layer3", "layer4"][..];
        let hrnet = &["branch0", "branch1", "branch2", "branch3"];
        let efficientnet = &["blocks.0", "blocks.1", "blocks.2", "blocks.4", "blocks.6"];
        let backbones = [
            ("resnet18", resnet),
            ("resnet34", resnet),
            ("resnet50", resnet),
            ("wide_resnet50_2", resnet),
            ("hrnet_w18", hrnet),
            ("hrnet_w18_bilinear", hrnet),
            ("hrnet_w32", hrnet),
            ("hrnet_w18_small", hrnet),
            ("hrnet_w18_small_v2", hrnet),
            ("efficientnet_b0", efficientnet),
            ("efficientnet_b4", efficientnet),
            ("tf_efficientnet_b0", efficientnet),
        ];
        for (name, maps) in backbones {
            let fixture = fixture(&format!("backbone_{name}"));
            for map in maps {
                let max_abs = fixture.get(&format!("{map}.max_abs")).expect("a maximum").values()[0];
                let values = fixture.get(map).expect("a map").values();
                assert!((200..=260).contains(&values.len()), "{name} {map}: {}", values.len());
                assert!(values.iter().all(|v| v.abs() <= max_abs) && (0.5..1e4).contains(&max_abs));
            }
            assert_eq!(fixture.get("logits").map(|p| p.values().len()), Some(64));
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
