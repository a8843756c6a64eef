//! Draws a contact sheet of every component: a row of good boards, then one row per defect with, from left to right,
//! two boards as good twin, defective board and mask.
//!
//! ```text
//! cargo run --release -p madenet-data --features smt --example smt_gallery -- FOLDER [SIDE] [SEED]
//! ```

use std::path::PathBuf;
use std::time::Instant;

use madenet_data::smt::{Component, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Split};
use madenet_image::{Image, Mask, contact_sheet, save_png};

/// Pictures in a row.
const COLUMNS: usize = 6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("which folder shall the sheets be written to?")?);
    let side = arguments.next().map_or(Ok(256), |side| side.parse())?;
    let seed = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    for &component in Component::ALL {
        let file = folder.join(format!("{}.png", component.name().to_lowercase()));
        save_png(&sheet(component, side, seed)?, &file)?;
        println!("{}", file.display());
    }
    Ok(())
}

fn sheet(component: Component, side: usize, seed: u64) -> Result<Image, Box<dyn std::error::Error>> {
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
    println!(
        "{}: {:.1} ms per good board",
        component.name(),
        start.elapsed().as_secs_f64() * 1e3 / COLUMNS as f64
    );
    for defect in 0..defects {
        for index in [COLUMNS + defect, COLUMNS + defects + defect] {
            let sample = boards.get(index)?;
            let mask = sample.mask.ok_or("anomalous samples have masks")?;
            println!(
                "{}: {:.2} % of the picture",
                sample.id,
                100.0 * mask.count() as f64 / mask.data().len() as f64
            );
            tiles.extend([boards.good_twin(index)?, sample.image.to_rgb(), white(&mask)?]);
        }
    }
    Ok(contact_sheet(&tiles, COLUMNS, (side, side), 4, [60; 3])?)
}

/// A mask as a picture.
fn white(mask: &Mask) -> Result<Image, Box<dyn std::error::Error>> {
    let pixels = mask.data().iter().flat_map(|&anomalous| [if anomalous { 255 } else { 0 }; 3]).collect();
    Ok(Image::new(mask.width(), mask.height(), pixels)?)
}
