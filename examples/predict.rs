//! Predicts with a saved model of any submodel: one JSON object per image and line.
//!
//! ```text
//! cargo run --release --example predict -- MODEL IMAGE... [--overlay DIR]
//! ```
//!
//! Each object has `image` as given, `score` (0 to 1, 0.5 at the threshold), `raw_score`, `label`, the `regions` of the
//! defects, `route` and `timings`. With `--overlay`, every image is written to `DIR` with its defects outlined. An image that cannot be read is reported and the
//! others go on; the exit status then is 1.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use madenet::image::{decode, save_png};
use madenet::{AnomalyDetector, ErrorChain};

const USAGE: &str = "predict MODEL IMAGE... [--overlay DIR]";

fn main() -> ExitCode {
    run().unwrap_or_else(|error| {
        eprintln!("{}", ErrorChain(error.as_ref()));
        ExitCode::FAILURE
    })
}

fn run() -> Result<ExitCode, Box<dyn Error>> {
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
    let model = madenet::load(model)?;
    if let Some(folder) = &overlays {
        std::fs::create_dir_all(folder)?;
    }
    let mut status = ExitCode::SUCCESS;
    for (number, image) in images.iter().enumerate() {
        if let Err(error) = predict(&*model, image, number, overlays.as_deref()) {
            eprintln!("{}: {}", image.display(), ErrorChain(error.as_ref()));
            status = ExitCode::FAILURE;
        }
    }
    Ok(status)
}

fn predict(
    model: &dyn AnomalyDetector,
    path: &Path,
    number: usize,
    overlays: Option<&Path>,
) -> Result<(), Box<dyn Error>> {
    let image = decode(path)?;
    let prediction = model.predict_one(&image.as_view())?;
    let mut line = serde_json::to_value(&prediction)?;
    line["image"] = path.to_string_lossy().into();
    println!("{line}");
    if let Some(folder) = overlays {
        // Images of different folders often share names: the number keeps their overlays apart.
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        save_png(&prediction.annotate(&image.as_view())?, folder.join(format!("{number:04}_{stem}.png")))?;
    }
    Ok(())
}
