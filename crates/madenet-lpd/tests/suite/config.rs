use madenet_lpd::{ContextConfig, DistortionConfig, Error, GateConfig, PatchDistorter, Variant};

#[test]
fn presets_are_sound() {
    DistortionConfig::default().validate().unwrap();
    DistortionConfig::cutpaste().validate().unwrap();
}

#[test]
fn bad_fields_are_named() {
    let good = DistortionConfig::default;
    let gate = |gate| DistortionConfig { gate: Some(gate), ..good() };
    let fine = GateConfig::default;
    let context = |context| gate(GateConfig { context: Some(context), ..fine() });
    let small = ContextConfig::default;
    let cases = [
        ("area", DistortionConfig { area: [0.0, 0.1], ..good() }),
        ("area", DistortionConfig { area: [0.2, 0.1], ..good() }),
        ("area", DistortionConfig { area: [0.1, 0.5], ..good() }),
        ("area", DistortionConfig { area: [f32::NAN, 0.1], ..good() }),
        ("area", DistortionConfig { area: [0.02, 0.04], ..good() }),
        ("aspect", DistortionConfig { aspect: 0.0, ..good() }),
        ("aspect", DistortionConfig { aspect: f32::NAN, ..good() }),
        ("aspect", DistortionConfig { aspect: 1.1, ..good() }),
        ("flip_share", DistortionConfig { flip_share: -0.1, ..good() }),
        ("rotation_share", DistortionConfig { rotation_share: 1.5, ..good() }),
        ("rotation", DistortionConfig { rotation: f32::INFINITY, ..good() }),
        ("jitter", DistortionConfig { jitter: 0.6, ..good() }),
        ("scar_width", DistortionConfig { scar_width: [0.5, 4.0], ..good() }),
        ("scar_height", DistortionConfig { scar_height: [10.0, 200.0], ..good() }),
        ("tries", DistortionConfig { tries: 0, ..good() }),
        ("gate.area", gate(GateConfig { area: [0.3, 0.2], ..fine() })),
        ("gate.ssim_max", gate(GateConfig { ssim_max: 1.5, ..fine() })),
        ("gate.mse_min", gate(GateConfig { mse_min: f32::NAN, ..fine() })),
        ("gate.edge_min", gate(GateConfig { edge_min: -0.1, ..fine() })),
        ("gate.context.color_min", context(ContextConfig { color_min: f32::NAN, ..small() })),
        ("gate.context.texture_min", context(ContextConfig { texture_min: 2.0, ..small() })),
        ("gate.context.edge_min", context(ContextConfig { edge_min: -1.0, ..small() })),
    ];
    for (name, config) in cases {
        let error = config.validate().unwrap_err();
        assert!(matches!(error, Error::Config { field, .. } if field == name), "{name}: {error}");
        assert!(PatchDistorter::new(config).is_err());
    }
    // Scars have no area.
    DistortionConfig { area: [0.02, 0.04], variant: Variant::Scar, ..good() }.validate().unwrap();
}

#[test]
fn json_has_the_fields_and_refuses_others() {
    let without = DistortionConfig { gate: None, ..DistortionConfig::default() };
    for config in [DistortionConfig::default(), DistortionConfig::cutpaste(), without] {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<DistortionConfig>(&text).unwrap(), config);
    }
    let text = r#"{"area": [0.1, 0.1], "variant": "three_way", "gate": {"context": null}}"#;
    let partial: DistortionConfig = serde_json::from_str(text).unwrap();
    let expected = DistortionConfig {
        area: [0.1, 0.1],
        variant: Variant::ThreeWay,
        gate: Some(GateConfig { context: None, ..GateConfig::default() }),
        ..DistortionConfig::default()
    };
    assert_eq!(partial, expected);
    assert!(serde_json::from_str::<DistortionConfig>(r#"{"areas": [0.1, 0.1]}"#).is_err());
    assert!(serde_json::from_str::<DistortionConfig>(r#"{"gate": {"ssim": 0.9}}"#).is_err());
}
