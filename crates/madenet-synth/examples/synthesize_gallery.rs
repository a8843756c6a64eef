//! Draws a contact sheet of synthetic anomalies: a row shows a normal picture, a mask, a texture anomaly in it and a structural
//! one. (Masks and what fills them are drawn from streams of their own, so that both have the same.)
//!
//! Without `--images` the pictures are procedural boards of `madenet_data::smt`, which fill the frame, so that anomalies may lie
//! anywhere; in photographs they lie in the foreground. Without `--textures` (a folder as DTD's)
//! textures are procedural.
//!
//! ```text
//! cargo run --release -p madenet-synth --example synthesize_gallery -- FILE [--images FOLDER] [--textures FOLDER]
//!     [--rows 8] [--side 256] [--tile 128] [--seed 0]
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use madenet_data::smt::{Component, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Split};
use madenet_image::{Filter, Image, Mask, contact_sheet, decode, resize};
use madenet_synth::{Foreground, SynthesisConfig, Synthesizer, Synthetic, Textures};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

struct Options {
    file: PathBuf,
    images: Option<PathBuf>,
    textures: Option<PathBuf>,
    rows: usize,
    side: usize,
    tile: usize,
    seed: u64,
}

fn options() -> Result<Options> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("expected FILE and options")?.into();
    let mut options = Options { file, images: None, textures: None, rows: 8, side: 256, tile: 128, seed: 0 };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--images" => options.images = Some(value.into()),
            "--textures" => options.textures = Some(value.into()),
            "--rows" => options.rows = value.parse()?,
            "--side" => options.side = value.parse()?,
            "--tile" => options.tile = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    Ok(options)
}

fn main() -> Result<()> {
    let options = options()?;
    let normals = match &options.images {
        Some(folder) => photographs(folder, options.rows, options.side)?,
        None => boards(options.rows, options.side, options.seed)?,
    };
    let foreground = if options.images.is_some() { Foreground::Otsu } else { Foreground::None };
    // Half of the opacities that are drawn by default hardly show in a tile.
    let of = |structural_share| -> Result<Synthesizer> {
        let config = SynthesisConfig {
            normal_share: 0.0,
            structural_share,
            opacity: [0.6, 1.0],
            foreground: foreground.clone(),
            ..SynthesisConfig::default()
        };
        Ok(Synthesizer::new(config, textures(&options)?)?)
    };
    let (texture, structural) = (of(0.0)?, of(1.0)?);
    let mut tiles = Vec::new();
    for (row, normal) in (0..).zip(&normals) {
        let product = foreground.mask(normal, "")?;
        let sample = |synthesizer: &Synthesizer, b| {
            synthesizer.synthesize(normal, product.as_ref(), options.seed, row, b)
        };
        let (b, first) = visible(|b| Ok(sample(&texture, b)?))?;
        let second = sample(&structural, b)?;
        println!("row {row}: {:?}\n{:?}", first.drawn, second.drawn);
        tiles.extend([normal.clone(), white(&first.mask)?, first.image, second.image]);
    }
    let sheet = contact_sheet(&tiles, 4, (options.tile, options.tile), 3, [60; 3])?;
    small_png(&sheet, &options.file)
}

/// The first sample whose anomaly covers two hundredths of the picture or more, and its number: smaller ones do not show in a
/// tile.
fn visible(sample: impl Fn(u64) -> Result<Synthetic>) -> Result<(u64, Synthetic)> {
    for b in 0..100 {
        let sample = sample(b)?;
        if 50 * sample.mask.count() >= sample.mask.data().len() {
            return Ok((b, sample));
        }
    }
    Err("no anomaly of 2 % of the picture in 100 draws".into())
}

fn textures(options: &Options) -> Result<Textures> {
    let side = options.side;
    Ok(match &options.textures {
        Some(folder) => Textures::open(folder, side, side)?,
        None => Textures::procedural(64, side * 3 / 2, side * 3 / 2, options.seed)?,
    })
}

/// The first pictures of a folder by name, whole.
fn photographs(folder: &Path, count: usize, side: usize) -> Result<Vec<Image>> {
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let mut files = files.collect::<Result<Vec<_>>>()?;
    files.sort();
    let picture = |file: &PathBuf| -> Result<Image> {
        Ok(resize(&decode(file)?.as_view(), side, side, Filter::Bilinear)?.to_rgb())
    };
    files.iter().take(count).map(picture).collect()
}

fn boards(count: usize, side: usize, seed: u64) -> Result<Vec<Image>> {
    let board = |row: usize| -> Result<Image> {
        let component = Component::ALL[row % Component::ALL.len()];
        let config = SmtConfig { width: side, height: side, normal: 1, seed, ..SmtConfig::new(component) };
        Ok(SmtBoards::new(config, Split::Train)?.get(0)?.image.to_rgb())
    };
    (0..count).map(board).collect()
}

/// A mask as a picture.
fn white(mask: &Mask) -> Result<Image> {
    let pixels = mask.data().iter().flat_map(|&anomalous| [if anomalous { 255 } else { 0 }; 3]).collect();
    Ok(Image::new(mask.width(), mask.height(), pixels)?)
}

/// For a page of documentation: steps of 8 codes make the file a third as large.
fn small_png(sheet: &Image, file: &Path) -> Result<()> {
    let coarse: Vec<u8> =
        sheet.pixels().iter().map(|&value| (value / 8 * 8).saturating_add(value / 32)).collect();
    let encoder =
        PngEncoder::new_with_quality(File::create(file)?, CompressionType::Best, FilterType::NoFilter);
    let (width, height) = (sheet.width().try_into()?, sheet.height().try_into()?);
    encoder.write_image(&coarse, width, height, ExtendedColorType::Rgb8)?;
    println!("{}: {} KB", file.display(), fs::metadata(file)?.len() / 1000);
    Ok(())
}
