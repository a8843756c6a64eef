//! Predicts with a saved model: one JSON object per image and line.
//!
//! ```text
//! cargo run --release --example predict -- MODEL IMAGE... [--overlay DIR]
//! ```
//!
//! Each object has `image` as given, `raw_score`, `score` (0 to 1, 0.5 at the threshold) and `label`. With `--overlay`, a
//! picture of every image under its anomaly map is written to `DIR`. An image that cannot be read is reported and the
//! others go on; the exit status then is 1.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use madenet::image::{Colormap, decode, save_png};
use madenet::{AnomalyDetector, Sfad};

const USAGE: &str = "predict MODEL IMAGE... [--overlay DIR]";
/// Weight of the heatmap in an overlay: strong enough to read, weak enough to see the part.
const ALPHA: f32 = 0.5;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut paths, mut overlays) = (Vec::new(), None);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("overlay") => overlays = Some(PathBuf::from(parser.value()?)),
            Value(value) => paths.push(PathBuf::from(value)),
            _ => return Err(format!("{}; usage: {USAGE}", argument.unexpected()).into()),
        }
    }
    let [model, images @ ..] = paths.as_slice() else {
        return Err(format!("MODEL is missing; usage: {USAGE}").into());
    };
    let model = Sfad::load(model)?;
    if let Some(folder) = &overlays {
        std::fs::create_dir_all(folder)?;
    }
    let mut status = ExitCode::SUCCESS;
    for (number, image) in images.iter().enumerate() {
        if let Err(error) = predict(&model, image, number, overlays.as_deref()) {
            eprintln!("{}: {error}", image.display());
            status = ExitCode::FAILURE;
        }
    }
    Ok(status)
}

fn predict(model: &Sfad, path: &Path, number: usize, overlays: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let image = decode(path)?;
    let prediction = model.predict_one(&image.as_view())?;
    println!(
        "{}",
        serde_json::json!({
            "image": path.to_string_lossy(),
            "raw_score": prediction.raw_score,
            "score": prediction.score,
            "label": prediction.label.to_string(),
        })
    );
    if let Some(folder) = overlays {
        // Images of different folders often share names: the number keeps their overlays apart.
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let overlay = prediction.map.overlay(&image.as_view(), Colormap::Inferno, ALPHA)?;
        save_png(&overlay, folder.join(format!("{number:04}_{stem}.png")))?;
    }
    Ok(())
}
