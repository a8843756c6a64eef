use std::fs;
use std::path::Path;

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder};
use madenet_image::{Image, save_png};
use madenet_synth::{Error, Foreground, SynthesisConfig, Synthesizer, Textures};

use crate::common::noise;

/// A tree like DTD's: 47 classes of two pictures.
fn dtd(dir: &Path) {
    for class in 0..47 {
        let folder = dir.join("images").join(format!("class{class:02}"));
        fs::create_dir_all(&folder).unwrap();
        for picture in 0..2 {
            let image = noise(40, 30, 2 * class + picture);
            let mut bytes = Vec::new();
            JpegEncoder::new(&mut bytes)
                .write_image(image.pixels(), 40, 30, ExtendedColorType::Rgb8)
                .unwrap();
            fs::write(folder.join(format!("class{class:02}_{picture:04}.jpg")), bytes).unwrap();
        }
    }
}

#[test]
fn a_tree_of_classes_is_read_in_order() {
    let dir = tempfile::tempdir().unwrap();
    dtd(dir.path());
    let images = dir.path().join("images");
    fs::create_dir_all(images.join("empty")).unwrap();
    fs::create_dir_all(images.join("class00/folder.jpg")).unwrap();
    for other in ["readme.txt", "class00/notes.txt", "class00/._class00_0000.jpg", "loose.jpg"] {
        fs::write(images.join(other), "no picture").unwrap();
    }
    let textures = Textures::open(dir.path(), 16, 24).unwrap();
    assert_eq!(textures.len(), 94);
    let name = textures.name(3).unwrap().replace(std::path::MAIN_SEPARATOR, "/");
    assert_eq!(name, "class01/class01_0001.jpg");
    textures.preload().unwrap();
    let texture = textures.get(93).unwrap();
    assert_eq!((texture.width(), texture.height()), (16, 24));

    // The folder of the classes itself, and no memory: the same.
    let frugal = Textures::open(&images, 16, 24).unwrap().with_memory(16 * 24 * 3);
    assert_eq!(frugal.len(), 94);
    for index in [93, 0, 93, 5, 5] {
        assert_eq!(frugal.get(index).unwrap(), textures.get(index).unwrap());
    }
    assert!(matches!(textures.get(94), Err(Error::NoSuchTexture { index: 94, len: 94 })));
    assert!(textures.name(94).is_err());
}

#[test]
fn a_damaged_file_is_named() {
    let dir = tempfile::tempdir().unwrap();
    dtd(dir.path());
    let damaged = dir.path().join("images/class20/class20_0001.jpg");
    let bytes = fs::read(&damaged).unwrap();
    fs::write(&damaged, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(dir.path().join("images/class46/class46_0000.jpg"), "no picture").unwrap();

    let textures = Textures::open(dir.path(), 32, 32).unwrap();
    let expected = format!("cannot read a texture: {}", damaged.display());
    assert_eq!(textures.preload().unwrap_err().to_string(), expected);
    assert_eq!(textures.get(41).unwrap_err().to_string(), expected);
    // A sample that draws it tells, too.
    let config = SynthesisConfig { normal_share: 0.0, structural_share: 0.0, ..SynthesisConfig::default() };
    let synthesizer = Synthesizer::new(config, textures).unwrap();
    let normal = noise(32, 32, 0);
    let errors = (0..1000).filter_map(|i| synthesizer.synthesize(&normal, None, 0, 0, i).err());
    let errors: Vec<Error> = errors.collect();
    assert!(!errors.is_empty() && errors.iter().all(|e| matches!(e, Error::TextureFile { .. })));
}

#[test]
fn folders_without_textures_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let missing = dir.path().join("missing");
    let error = Textures::open(&missing, 8, 8).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "there is no such folder, expected one of textures, as DTD's images/CLASS/NAME.jpg: {}",
            missing.display()
        )
    );
    let error = Textures::open(dir.path(), 8, 8).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no textures in the folder, expected files named CLASS/*.jpg, CLASS/*.jpeg, CLASS/*.png: {}",
            dir.path().display()
        )
    );
    fs::write(dir.path().join("file"), "").unwrap();
    assert!(matches!(Textures::open(dir.path().join("file"), 8, 8), Err(Error::ReadFolder { .. })));
    fs::create_dir_all(dir.path().join("class")).unwrap();
    save_png(&noise(4, 4, 0), dir.path().join("class/a.PNG")).unwrap();
    assert_eq!(Textures::open(dir.path(), 8, 8).unwrap().len(), 1);
    assert!(matches!(Textures::open(dir.path(), 0, 8), Err(Error::Size { .. })));
}

#[test]
fn procedural_textures_depend_on_seed_and_index_alone() {
    let draw = |threads: usize, count, seed| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Textures::procedural(count, 40, 32, seed)).unwrap()
    };
    let (one, two, other) = (draw(1, 24, 5), draw(2, 30, 5), draw(2, 24, 6));
    for index in 0..24 {
        assert_eq!(one.get(index).unwrap(), two.get(index).unwrap());
        assert_eq!(one.name(index).unwrap(), two.name(index).unwrap());
    }
    let same = (0..24).filter(|&i| one.get(i).unwrap() == other.get(i).unwrap()).count();
    assert_eq!(same, 0);
    // None is plain.
    for index in 0..30 {
        let texture = two.get(index).unwrap();
        let first = &texture.pixels()[..3];
        assert!(texture.pixels().chunks(3).any(|pixel| pixel != first), "{}", two.name(index).unwrap());
    }
}

#[test]
fn large_textures_are_cut_and_small_ones_resized() {
    // One colour per pixel, so that a piece is recognised.
    let pixels = (0..64 * 64).flat_map(|i| [(i % 64) as u8, (i / 64) as u8, 99]).collect();
    let large = Image::new(64, 64, pixels).unwrap();
    let config = SynthesisConfig {
        normal_share: 0.0,
        structural_share: 0.0,
        opacity: [1.0, 1.0],
        foreground: Foreground::None,
        ..SynthesisConfig::default()
    };
    for texture in [large, noise(8, 40, 3)] {
        let textures = Textures::from_images([("one".to_owned(), texture)]);
        let synthesizer = Synthesizer::new(config.clone(), textures).unwrap();
        for sample in 0..20 {
            let sample = synthesizer.synthesize(&noise(32, 32, 1), None, 0, 0, sample).unwrap();
            assert_eq!((sample.image.width(), sample.image.height()), (32, 32));
        }
    }
}
