//! Draws contact sheets of the components, of the nuisances, and an overview of all.
//!
//! What it draws is a stand-in: nobody photographed these boards, and they are not ManuDefect-21.
//!
//! The sheet of a component has a row of good boards, then one row per defect with, from left to right, two boards as good
//! twin, defective board and mask. The sheet of nuisances has two rows each of contrast, occlusion, reflection and all
//! together; a row shows good board, defective board and mask of three components. The overview has one row per
//! component: a good board, then defective boards beside their masks.
//!
//! ```text
//! cargo run --release -p madenet-data --features smt --example smt_gallery -- FOLDER [SIDE] [SEED]
//! cargo run --release -p madenet-data --features smt --example smt_gallery -- --overview FILE [TILE] [SEED]
//! ```

use std::error::Error;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use madenet_data::smt::{Component, Nuisances, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Split};
use madenet_image::{Image, Mask, contact_sheet, save_png};

/// Pictures in a row of a component's sheet.
const COLUMNS: usize = 6;
const BACKGROUND: [u8; 3] = [60; 3];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next().ok_or("expected FOLDER [SIDE] [SEED] or --overview FILE [TILE] [SEED]")?;
    let overview = first == "--overview";
    let target = if overview { arguments.next().ok_or("--overview needs a file")? } else { first };
    let target = PathBuf::from(target);
    let side = arguments.next().map(|side| side.parse()).transpose()?;
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    if overview {
        let tile = side.unwrap_or(104);
        return small_png(&overview_sheet(tile, seed)?, &target);
    }
    let side = side.unwrap_or(256);
    fs::create_dir_all(&target)?;
    for &component in Component::ALL {
        let name = format!("{}.png", component.name().to_lowercase());
        save(&component_sheet(component, side, seed)?, &target.join(name))?;
    }
    save(&nuisance_sheet(side, seed)?, &target.join("nuisances.png"))
}

fn save(sheet: &Image, file: &Path) -> Result<(), Box<dyn Error>> {
    save_png(sheet, file)?;
    println!("{}", file.display());
    Ok(())
}

fn component_sheet(component: Component, side: usize, seed: u64) -> Result<Image, Box<dyn Error>> {
    let defects = component.defects().len();
    let config = SmtConfig {
        width: side,
        height: side,
        designs: COLUMNS,
        normal: COLUMNS,
        anomalous: 2 * defects,
        seed,
        ..SmtConfig::new(component)
    };
    let boards = SmtBoards::new(config, Split::Test)?;
    let start = Instant::now();
    let mut tiles = Vec::new();
    for index in 0..COLUMNS {
        tiles.push(boards.get(index)?.image.to_rgb());
    }
    let milliseconds = start.elapsed().as_secs_f64() * 1e3 / COLUMNS as f64;
    println!("{}: {milliseconds:.1} ms per good board", component.name());
    for defect in 0..defects {
        for index in [COLUMNS + defect, COLUMNS + defects + defect] {
            let (bad, mask) = defective(&boards, index)?;
            tiles.extend([boards.good_twin(index)?, bad, mask]);
        }
    }
    Ok(contact_sheet(&tiles, COLUMNS, (side, side), 4, BACKGROUND)?)
}

fn nuisance_sheet(side: usize, seed: u64) -> Result<Image, Box<dyn Error>> {
    let off = Nuisances::default();
    let kinds = [
        Nuisances { contrast: 1.0, ..off },
        Nuisances { occlusion: 1.0, ..off },
        Nuisances { reflection: 1.0, ..off },
        Nuisances { contrast: 1.0, occlusion: 1.0, reflection: 1.0 },
    ];
    let mut tiles = Vec::new();
    for (place, nuisances) in kinds.into_iter().flat_map(|kind| [kind; 6]).enumerate() {
        // Fours are coprime to eleven: every component has its turn.
        let component = Component::ALL[4 * place % Component::ALL.len()];
        let config = SmtConfig {
            width: side,
            height: side,
            normal: 1,
            anomalous: component.defects().len(),
            nuisances,
            seed: seed + place as u64,
            ..SmtConfig::new(component)
        };
        let boards = SmtBoards::new(config, Split::Test)?;
        let (bad, mask) = defective(&boards, 1 + place % component.defects().len())?;
        tiles.extend([boards.get(0)?.image.to_rgb(), bad, mask]);
    }
    Ok(contact_sheet(&tiles, 9, (side, side), 4, BACKGROUND)?)
}

/// Drawn at four times the size, which smooths the sensor's noise.
fn overview_sheet(tile: usize, seed: u64) -> Result<Image, Box<dyn Error>> {
    const PAIRS: usize = 4;
    let mut tiles = Vec::new();
    for (row, &component) in Component::ALL.iter().enumerate() {
        let (defects, side) = (component.defects().len(), 4 * tile);
        let config = SmtConfig {
            width: side,
            height: side,
            normal: 1,
            anomalous: defects,
            seed,
            ..SmtConfig::new(component)
        };
        let boards = SmtBoards::new(config, Split::Test)?;
        tiles.push(boards.get(0)?.image.to_rgb());
        for pair in 0..PAIRS {
            // Spread over the component's defects, and starting elsewhere in each row.
            let index = 1 + (row + pair * defects / PAIRS) % defects;
            let (bad, mask) = defective(&boards, index)?;
            tiles.extend([bad, mask]);
        }
    }
    Ok(contact_sheet(&tiles, 1 + 2 * PAIRS, (tile, tile), 3, BACKGROUND)?)
}

fn defective(boards: &SmtBoards, index: usize) -> Result<(Image, Image), Box<dyn Error>> {
    let sample = boards.get(index)?;
    let mask = sample.mask.ok_or("anomalous samples have masks")?;
    println!("{}: {:.2} % of the picture", sample.id, 100.0 * mask.count() as f64 / mask.data().len() as f64);
    Ok((sample.image.to_rgb(), white(&mask)?))
}

/// A mask as a picture.
fn white(mask: &Mask) -> Result<Image, Box<dyn Error>> {
    let pixels = mask.data().iter().flat_map(|&anomalous| [if anomalous { 255 } else { 0 }; 3]).collect();
    Ok(Image::new(mask.width(), mask.height(), pixels)?)
}

/// For a page of documentation: steps of 6 codes in green and 12 in the other channels' difference to it, which the eye
/// hardly sees, make the file a third as large.
fn small_png(sheet: &Image, file: &Path) -> Result<(), Box<dyn Error>> {
    let step = |value: i32, size: i32| (value + size / 2).div_euclid(size) * size;
    let coarse: Vec<u8> = sheet
        .pixels()
        .chunks_exact(3)
        .flat_map(|pixel| {
            let [red, green, blue] = [0, 1, 2].map(|channel| i32::from(pixel[channel]));
            let level = step(green, 6);
            [level + step(red - green, 12), level, level + step(blue - green, 12)]
                .map(|code| code.clamp(0, 255) as u8)
        })
        .collect();
    let encoder =
        PngEncoder::new_with_quality(File::create(file)?, CompressionType::Best, FilterType::NoFilter);
    let (width, height) = (sheet.width().try_into()?, sheet.height().try_into()?);
    encoder.write_image(&coarse, width, height, ExtendedColorType::Rgb8)?;
    println!("{}: {} KB", file.display(), fs::metadata(file)?.len() / 1000);
    Ok(())
}
