use madenet_synth::{Error, Foreground, SynthesisConfig, Synthesizer, Textures};

#[test]
fn presets_are_sound() {
    SynthesisConfig::default().validate().unwrap();
    SynthesisConfig::draem().validate().unwrap();
}

#[test]
fn bad_fields_are_named() {
    let good = SynthesisConfig::default;
    let cases = [
        ("normal_share", SynthesisConfig { normal_share: 1.5, ..good() }),
        ("normal_share", SynthesisConfig { normal_share: f32::NAN, ..good() }),
        ("structural_share", SynthesisConfig { structural_share: -0.1, ..good() }),
        ("opacity", SynthesisConfig { opacity: [0.5, 0.4], ..good() }),
        ("opacity", SynthesisConfig { opacity: [f32::NAN, 1.0], ..good() }),
        ("opacity", SynthesisConfig { opacity: [0.0, 1.1], ..good() }),
        ("perlin_exponents", SynthesisConfig { perlin_exponents: [3, 2], ..good() }),
        ("perlin_exponents", SynthesisConfig { perlin_exponents: [0, 11], ..good() }),
        ("perlin_rotation", SynthesisConfig { perlin_rotation: f32::INFINITY, ..good() }),
        ("perlin_threshold", SynthesisConfig { perlin_threshold: -0.1, ..good() }),
        ("perlin_threshold", SynthesisConfig { perlin_threshold: 1.0, ..good() }),
        ("retries", SynthesisConfig { retries: 1001, ..good() }),
        ("grid", SynthesisConfig { grid: 0, ..good() }),
        ("rotation_share", SynthesisConfig { rotation_share: 2.0, ..good() }),
        ("rotation", SynthesisConfig { rotation: -1.0, ..good() }),
    ];
    for (name, config) in cases {
        let error = config.validate().unwrap_err();
        assert!(matches!(error, Error::Config { field, .. } if field == name), "{error}");
        assert!(Synthesizer::new(config, Textures::none()).is_err());
    }
}

#[test]
fn json_has_the_fields_and_refuses_others() {
    let files =
        SynthesisConfig { foreground: Foreground::Files { dir: "masks".into() }, ..SynthesisConfig::draem() };
    for config in [SynthesisConfig::default(), files] {
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<SynthesisConfig>(&text).unwrap(), config);
    }
    let partial: SynthesisConfig = serde_json::from_str(r#"{"grid": 4, "foreground": "none"}"#).unwrap();
    let expected = SynthesisConfig { grid: 4, foreground: Foreground::None, ..SynthesisConfig::default() };
    assert_eq!(partial, expected);
    assert!(serde_json::from_str::<SynthesisConfig>(r#"{"grids": 4}"#).is_err());
}
