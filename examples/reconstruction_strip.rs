//! Draws what an SRAD model sees: rows of an input, a defect in it, its reconstruction, and the map.
//!
//! ```text
//! cargo run --release --example reconstruction_strip -- MODEL DIR --out PICTURE [--rows N] [--foreground otsu|none] [--seed S]
//! ```
//!
//! `DIR` is a folder that `train_srad` takes. The first rows are good images with a synthetic defect, outlined in the first
//! column; where there is a test part, as many rows follow with real defects, outlined where their masks are.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;

use madenet::data::{Dataset, MvtecAd, Split};
use madenet::image::{Colormap, Filter, Image, Mask, Plane, contact_sheet, draw_contours, resize, save_png};
use madenet::synth::{Foreground, SynthesisConfig, Synthesizer, Textures};
use madenet::{AnomalyDetector, ErrorChain, Srad};

const USAGE: &str =
    "reconstruction_strip MODEL DIR --out PICTURE [--rows N] [--foreground otsu|none] [--seed S]";
/// Of outlines.
const GREEN: [u8; 3] = [0, 255, 0];

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", ErrorChain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut paths, mut out, mut rows, mut seed) = (Vec::new(), None, 4, 0);
    let mut foreground = Foreground::default();
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("out") => out = Some(PathBuf::from(parser.value()?)),
            Long("rows") => rows = parser.value()?.parse()?,
            Long("seed") => seed = parser.value()?.parse()?,
            Long("foreground") => {
                foreground = match parser.value()?.string()?.as_str() {
                    "otsu" => Foreground::Otsu,
                    "none" => Foreground::None,
                    other => {
                        return Err(format!("the foreground {other:?} is unknown; usage: {USAGE}").into());
                    }
                }
            }
            Value(value) => paths.push(PathBuf::from(value)),
            _ => return Err(format!("{}; usage: {USAGE}", argument.unexpected()).into()),
        }
    }
    let ([model, folder], Some(out)) = (paths.as_slice(), out) else {
        return Err(format!("MODEL, DIR or --out is missing; usage: {USAGE}").into());
    };
    let model = Srad::load(model)?;
    let (width, height) = (model.config().preprocessing.width, model.config().preprocessing.height);
    let synthesis = SynthesisConfig { normal_share: 0.0, foreground, ..SynthesisConfig::default() };
    let synthesizer =
        Synthesizer::new(synthesis, Textures::procedural(16, width * 3 / 2, height * 3 / 2, seed)?)?;

    let mut pictures = Vec::new();
    let good = MvtecAd::open(folder, Split::Train)?.normal();
    for i in spread(good.len(), rows) {
        let sample = good.get(i)?;
        let normal = resize(&sample.image.as_view(), width, height, Filter::Bilinear)?.to_rgb();
        let product = synthesizer.config().foreground.mask(&normal, &sample.id)?;
        let synthetic = synthesizer.synthesize(&normal, product.as_ref(), seed, 1, i as u64)?;
        pictures.extend(row(&model, &normal, synthetic.image, &synthetic.mask)?);
    }
    if MvtecAd::has_test(folder) {
        let bad = MvtecAd::open(folder, Split::Test)?.anomalous();
        for i in spread(bad.len(), rows) {
            let sample = bad.get(i)?;
            let image = resize(&sample.image.as_view(), width, height, Filter::Bilinear)?.to_rgb();
            let mask = sample.mask.ok_or_else(|| format!("{} has no mask", sample.id))?;
            pictures.extend(row(&model, &image, image.clone(), &mask.resize_any(width, height)?)?);
        }
    }
    save_png(&contact_sheet(&pictures, 4, (width / 2, height / 2), 2, [64; 3])?, &out)?;
    println!("input (its defect outlined) | with the defect | reconstruction | map: {}", out.display());
    Ok(())
}

/// `n` of `0..len`, evenly apart.
fn spread(len: usize, n: usize) -> impl Iterator<Item = usize> {
    let n = n.min(len);
    (0..n).map(move |i| i * len / n)
}

/// The four pictures of a row.
fn row(model: &Srad, normal: &Image, defective: Image, mask: &Mask) -> Result<[Image; 4], Box<dyn Error>> {
    let mut outlined = normal.clone();
    draw_contours(&mut outlined, &mask.contours(), GREEN, 1);
    let reconstruction = model.reconstruct(&defective.as_view())?;
    let raw = model.raw_scores(&[defective.as_view()])?.remove(0);
    let heat = Colormap::Inferno.heat(&Plane::new(raw.width, raw.height, raw.map)?);
    Ok([outlined, defective, reconstruction, heat])
}
