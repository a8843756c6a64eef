use madenet_image::Mask;
use madenet_rng::Stream;
use madenet_synth::{Error, PerlinNoise, SynthesisConfig, Synthesizer, Textures, shuffle_cells};

use crate::common::{noise, synthesizer};

#[test]
fn messages_say_what_was_expected() {
    let synthesizer = synthesizer(SynthesisConfig::default());
    let noise_of =
        |size| PerlinNoise::draw(&mut Stream::new(0, "test/bad", 0, 0), [0, 0], f32::NAN).plane(size, 1);
    let mask = Mask::new(8, 16, vec![true; 128]).unwrap();
    let size = "a picture needs at least one pixel and has to fit into the address space, got";
    let cases = [
        (
            synthesizer.synthesize(&noise(20, 16, 0), None, 0, 0, 0).unwrap_err(),
            "structural anomalies shuffle 8 x 8 equal cells, so that 8 must divide both sides of a picture, got 20 x 16"
                .to_owned(),
        ),
        (
            synthesizer.synthesize(&noise(16, 16, 0), Some(&mask), 0, 0, 0).unwrap_err(),
            "the foreground mask must be as large as the picture: expected 16 x 16, got 8 x 16".to_owned(),
        ),
        (
            Synthesizer::new(SynthesisConfig::default(), Textures::none()).unwrap_err(),
            "a structural_share of 0.5 needs at least 1 texture, got none; without textures it must be 1".to_owned(),
        ),
        (noise_of(0).unwrap_err(), format!("{size} 0 x 1")),
        (noise_of(usize::MAX).unwrap_err(), format!("{size} {} x 1", usize::MAX)),
        (Textures::procedural(1, 0, 4, 0).unwrap_err(), format!("{size} 0 x 4")),
        (
            Textures::none().get(0).unwrap_err(),
            "there is no texture 0: there are 0".to_owned(),
        ),
        (
            shuffle_cells(&noise(4, 4, 0), 0, &mut Stream::new(0, "test/bad", 0, 0)).unwrap_err(),
            "structural anomalies shuffle 0 x 0 equal cells, so that 0 must divide both sides of a picture, got 4 x 4"
                .to_owned(),
        ),
    ];
    for (error, message) in cases {
        assert_eq!(error.to_string(), message);
    }
}

#[test]
fn sizes_that_the_grid_does_not_divide_are_fine_without_structural_anomalies() {
    let config = SynthesisConfig { structural_share: 0.0, normal_share: 0.0, ..SynthesisConfig::default() };
    let synthesizer = synthesizer(config);
    for (width, height) in [(1, 1), (3, 2), (50, 33), (33, 100)] {
        for i in 0..20 {
            let sample = synthesizer.synthesize(&noise(width, height, 0), None, 0, 0, i).unwrap();
            assert_eq!((sample.mask.width(), sample.mask.height()), (width, height));
        }
    }
    let error = shuffle_cells(&noise(9, 8, 0), 8, &mut Stream::new(0, "test/bad", 0, 0)).unwrap_err();
    assert!(matches!(error, Error::Grid { grid: 8, width: 9, height: 8 }));
}
