use madenet_image::{Image, Mask, save_mask};
use madenet_synth::{Error, Foreground, foreground};

/// A disc with a hole and a slit on a plain ground.
fn disc(size: usize, product: u8, ground: u8) -> (Image, Mask) {
    let middle = size as f32 / 2.0;
    let radius = |i: usize| ((i % size) as f32 + 0.5 - middle).hypot((i / size) as f32 + 0.5 - middle);
    let outline = |i: usize| radius(i) < 0.3 * size as f32;
    let hole = |i: usize| radius(i) < 0.1 * size as f32 || i % size == size / 2;
    let pixels =
        (0..size * size).flat_map(|i| [if outline(i) && !hole(i) { product } else { ground }; 3]).collect();
    let mask = Mask::new(size, size, (0..size * size).map(outline).collect()).unwrap();
    (Image::new(size, size, pixels).unwrap(), mask)
}

#[test]
fn the_product_is_found_whether_dark_or_bright() {
    for (product, ground) in [(220, 30), (30, 220), (120, 110)] {
        let (image, expected) = disc(96, product, ground);
        let found = foreground(&image);
        // Closing rounds the ends of the slit.
        let differing = found.data().iter().zip(expected.data()).filter(|(a, b)| a != b).count();
        assert!(differing < 20, "{product} on {ground}: {differing}");
    }
}

#[test]
fn without_contrast_or_ground_everything_is_product() {
    let everything = |image: &Image| foreground(image).count() == image.width() * image.height();
    assert!(everything(&Image::new(20, 20, vec![77; 1200]).unwrap()));
    // A speck of less than 5 %.
    let mut speck = vec![10; 1200];
    speck[3 * (20 * 10 + 10)..][..3].fill(250);
    assert!(everything(&Image::new(20, 20, speck).unwrap()));
    assert!(everything(&Image::new(1, 1, vec![3; 3]).unwrap()));
}

#[test]
fn files_are_found_by_name_and_resized() {
    let dir = tempfile::tempdir().unwrap();
    let (image, mask) = disc(32, 200, 10);
    let small = mask.resize_nearest(16, 16).unwrap();
    save_mask(&small, dir.path().join("007.png")).unwrap();
    let files = Foreground::Files { dir: dir.path().to_owned() };
    let found = files.mask(&image, "train/good/007.jpg").unwrap().unwrap();
    assert_eq!(found, small.resize_nearest(32, 32).unwrap());

    let error = files.mask(&image, "train/good/008.png").unwrap_err();
    let path = dir.path().join("008.png");
    assert_eq!(error.to_string(), format!("cannot read a foreground mask: {}", path.display()));
    assert!(matches!(files.mask(&image, "..").unwrap_err(), Error::ForegroundName { .. }));
    assert!(matches!(files.mask(&image, "").unwrap_err(), Error::ForegroundName { .. }));
    assert_eq!(Foreground::None.mask(&image, "").unwrap(), None);
    assert_eq!(Foreground::Otsu.mask(&image, "").unwrap(), Some(foreground(&image)));
}
