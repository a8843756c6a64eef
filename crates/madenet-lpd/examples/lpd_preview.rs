//! Draws a contact sheet of patch distortions, for a person to check what the gate lets pass: a row shows a normal picture, an
//! accepted patch and its boxes, a rejected patch and its boxes (source white; target green or red). Prints how many the gate
//! accepts.
//!
//! Without `--images` the pictures are procedural boards of `madenet_data::smt`, one component a row. Every folder is a source of
//! its own, with `--rows` of its pictures.
//!
//! ```text
//! cargo run --release -p madenet-lpd --example lpd_preview -- FILE [--images FOLDER]... [--rows 8] [--side 256] [--tile 128]
//!     [--seed 0] [--samples 200] [--config JSON]
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use madenet_data::smt::{Component, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Split};
use madenet_image::{Filter, Image, Rect, contact_sheet, decode, draw_contours, draw_rect, resize};
use madenet_lpd::{Distorted, DistortionConfig, Kind, PatchDistorter};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const ACCEPTED: [u8; 3] = [0, 230, 60];
const REJECTED: [u8; 3] = [255, 40, 40];
const SOURCE: [u8; 3] = [255, 255, 255];

struct Options {
    file: PathBuf,
    images: Vec<PathBuf>,
    rows: usize,
    side: usize,
    tile: usize,
    seed: u64,
    samples: u64,
    config: DistortionConfig,
}

fn options() -> Result<Options> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("expected FILE and options")?.into();
    let config = DistortionConfig::default();
    let mut options =
        Options { file, images: vec![], rows: 8, side: 256, tile: 128, seed: 0, samples: 200, config };
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--images" => options.images.push(value.into()),
            "--rows" => options.rows = value.parse()?,
            "--side" => options.side = value.parse()?,
            "--tile" => options.tile = value.parse()?,
            "--seed" => options.seed = value.parse()?,
            "--samples" => options.samples = value.parse()?,
            "--config" => options.config = serde_json::from_str(&value)?,
            _ => return Err(format!("unknown option {name}").into()),
        }
    }
    Ok(options)
}

fn main() -> Result<()> {
    let options = options()?;
    let distorter = PatchDistorter::new(options.config.clone())?;
    let once = PatchDistorter::new(DistortionConfig { tries: 1, ..options.config.clone() })?;
    println!("{:<40} {:>9} {:>9} {:>6}", "accepted of 100", "one draw", "sample", "draws");
    let mut tiles = Vec::new();
    // Keys of the rows, apart from the 0 of the figures.
    let mut keys = 1..;
    let shown = if options.images.is_empty() { 1 } else { options.rows };
    for (name, normals) in sources(&options)? {
        let (mut single, mut accepted, mut tries) = (0, 0, 0);
        for (b, normal) in (0..options.samples).zip(normals.iter().cycle()) {
            single += usize::from(once.distort(normal, options.seed, 0, b)?.verdict.accepted);
            let verdict = distorter.distort(normal, options.seed, 0, b)?.verdict;
            accepted += usize::from(verdict.accepted);
            tries += verdict.tries;
        }
        let of = |count: usize| 100.0 * count as f64 / options.samples as f64;
        let mean = f64::from(tries) / options.samples as f64;
        println!("{name:<40} {:>9.1} {:>9.1} {mean:>6.2}", of(single), of(accepted));
        for (normal, a) in normals.iter().take(shown).zip(&mut keys) {
            tiles.extend(row(&once, normal, options.seed, a)?);
        }
    }
    let sheet = contact_sheet(&tiles, 5, (options.tile, options.tile), 3, [60; 3])?;
    small_png(&sheet, &options.file)
}

/// Names and normal pictures.
fn sources(options: &Options) -> Result<Vec<(String, Vec<Image>)>> {
    if options.images.is_empty() {
        return Component::ALL
            .iter()
            .take(options.rows)
            .map(|&component| boards(component, options))
            .collect();
    }
    let source = |folder: &PathBuf| -> Result<(String, Vec<Image>)> {
        Ok((folder.display().to_string(), photographs(folder, options.samples as usize, options.side)?))
    };
    options.images.iter().map(source).collect()
}

fn boards(component: Component, options: &Options) -> Result<(String, Vec<Image>)> {
    let side = options.side;
    // The first is shown, the figures are those of all.
    let count = 8;
    let config = SmtConfig {
        width: side,
        height: side,
        normal: count,
        seed: options.seed,
        ..SmtConfig::new(component)
    };
    let boards = SmtBoards::new(config, Split::Train)?;
    let images = (0..count).map(|i| Ok(boards.get(i)?.image.to_rgb())).collect::<Result<_>>()?;
    Ok((component.name().to_owned(), images))
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

/// Normal, accepted and its boxes, rejected and its boxes; black where 200 draws had none.
fn row(once: &PatchDistorter, normal: &Image, seed: u64, a: u64) -> Result<Vec<Image>> {
    let (width, height) = (normal.width(), normal.height());
    let black = Image::new(width, height, vec![0; 3 * width * height])?;
    let mut tiles = vec![normal.clone()];
    for accepted in [true, false] {
        match first(once, normal, seed, a, accepted)? {
            Some(sample) => {
                tiles.extend([sample.image.clone(), outlined(&sample)]);
            }
            None => tiles.extend([black.clone(), black.clone()]),
        }
    }
    Ok(tiles)
}

fn first(
    once: &PatchDistorter,
    normal: &Image,
    seed: u64,
    a: u64,
    accepted: bool,
) -> Result<Option<Distorted>> {
    for b in 0..200 {
        let sample = once.distort(normal, seed, a, b)?;
        // The gate turns some away for a side that rounding made a pixel too long: there is nothing to see in them.
        let area = sample.verdict.figures.is_none_or(|figures| (0.05..=0.2).contains(&figures.area));
        if sample.verdict.accepted == accepted && (area || sample.drawn.kind == Kind::Scar) {
            return Ok(Some(sample));
        }
    }
    Ok(None)
}

fn outlined(sample: &Distorted) -> Image {
    let mut image = sample.image.clone();
    let color = if sample.verdict.accepted { ACCEPTED } else { REJECTED };
    draw_rect(&mut image, sample.drawn.source, SOURCE, 2);
    let Rect { x, y, width, height } = sample.drawn.target;
    match sample.drawn.kind {
        Kind::Patch => draw_contours(&mut image, &sample.mask.contours(), color, 3),
        // A line along a scar would hide it.
        Kind::Scar => {
            let around = Rect::new(x.saturating_sub(3), y.saturating_sub(3), width + 6, height + 6);
            draw_rect(&mut image, around, color, 2);
        }
    }
    image
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
