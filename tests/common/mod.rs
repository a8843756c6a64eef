//! A small data set that tests make themselves, and a fit of seconds on it.

#![allow(dead_code, reason = "every test uses its own part")]

use std::error::Error;
use std::path::Path;

use madenet::data::{MvtecAd, Records, Split};
use madenet::image::{Image, save_png};
use madenet::nets::{Builder, Params, ResNet, Shape};
use madenet::{FitConfig, Sfad, SfadConfig};

pub(crate) type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// Side of the images.
const SIDE: usize = 48;

/// Writes a category in MVTec AD's layout: stripes as good, with a bright square as `test/square`, masks included.
pub(crate) fn write_category(folder: &Path, good: usize) -> Outcome {
    for n in 0..good {
        save(&folder.join(format!("train/good/{n:03}.png")), &stripes(n, false))?;
    }
    for n in 0..4 {
        save(&folder.join(format!("test/good/{n:03}.png")), &stripes(100 + n, false))?;
        save(&folder.join(format!("test/square/{n:03}.png")), &stripes(200 + n, true))?;
        save(&folder.join(format!("ground_truth/square/{n:03}_mask.png")), &mask())?;
    }
    Ok(())
}

fn save(path: &Path, image: &Image) -> Outcome {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    Ok(save_png(image, path)?)
}

fn picture(value: impl Fn(usize, usize) -> u8) -> Image {
    let pixels = (0..SIDE * SIDE).flat_map(|i| [value(i % SIDE, i / SIDE); 3]).collect();
    Image::new(SIDE, SIDE, pixels).unwrap_or_else(|e| panic!("{e}"))
}

fn in_square(x: usize, y: usize) -> bool {
    (26..36).contains(&x) && (12..22).contains(&y)
}

/// Stripes whose phase and contrast vary with `n`.
pub(crate) fn stripes(n: usize, defect: bool) -> Image {
    picture(|x, y| {
        let wave =
            ((x + n % 7) as f32 * 0.8).sin() * (30 + n % 11) as f32 + ((y * 31 + x * 17 + n) % 9) as f32;
        if defect && in_square(x, y) { 250 } else { (120.0 + wave) as u8 }
    })
}

fn mask() -> Image {
    picture(|x, y| if in_square(x, y) { 255 } else { 0 })
}

/// Training and validation images of a category.
pub(crate) fn split(folder: &Path) -> Outcome<(Records, Records)> {
    Ok(MvtecAd::open(folder, Split::Train)?.normal().hold_out(0.15, 1)?)
}

/// A ResNet-18 up to layer3 with random weights.
pub(crate) fn random_backbone(seed: u64) -> Outcome<Params> {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, 64, 64));
    ResNet::ResNet18.features(&mut b, image, &["layer3"])?;
    Ok(Params::init(&b.finish(), seed))
}

/// A fit of seconds.
pub(crate) fn fit(folder: &Path, config: &FitConfig) -> Outcome<Sfad> {
    let (training, validation) = split(folder)?;
    Ok(Sfad::fit(&SfadConfig::tiny(), config, random_backbone(5)?, &training, &validation, &mut ())?)
}
