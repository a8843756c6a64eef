//! Times the synthesis on pictures from a file, to be compared with other generators on the same pictures.
//!
//! `synthesis_peers FOLDER IMAGES TEXTURES SIDE SAMPLES` reads `images.u8` and `textures.u8` from the folder (interleaved RGB of
//! SIDE x SIDE, one after the other) and prints one line of JSON: median seconds per sample, on one thread, of training
//! samples (half of them normal) and of anomalous ones, for DRAEM's settings and for the defaults with a foreground.

use std::error::Error;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use madenet_image::{Image, Mask};
use madenet_synth::{SynthesisConfig, Synthesizer, Textures, foreground};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, images, textures, side, samples] = &arguments[..] else {
        return Err("usage: synthesis_peers FOLDER IMAGES TEXTURES SIDE SAMPLES".into());
    };
    let (folder, side, samples) = (Path::new(folder), side.parse()?, samples.parse()?);
    let images = read(&folder.join("images.u8"), images.parse()?, side)?;
    let textures = read(&folder.join("textures.u8"), textures.parse()?, side)?;
    let products: Vec<Option<Mask>> = images.iter().map(|image| Some(foreground(image))).collect();
    let everywhere = vec![None; images.len()];

    // Peers rotate the picture outside of what is timed.
    let draem = SynthesisConfig { rotation_share: 0.0, ..SynthesisConfig::draem() };
    let default = SynthesisConfig::default();
    let anomalous = |config: &SynthesisConfig| SynthesisConfig { normal_share: 0.0, ..config.clone() };
    let cases = [
        ("draem", draem.clone(), &everywhere),
        ("draem_anomalous", anomalous(&draem), &everywhere),
        ("default", default.clone(), &products),
        ("default_anomalous", anomalous(&default), &products),
    ];
    let mut results = Vec::new();
    for (name, config, products) in cases {
        let named = textures.iter().enumerate().map(|(i, texture)| (i.to_string(), texture.clone()));
        let synthesizer = Synthesizer::new(config, Textures::from_images(named))?;
        let seconds = time(&synthesizer, &images, products, samples)?;
        results.push(format!("\"{name}\": {seconds:e}"));
    }
    println!("{{{}}}", results.join(", "));
    Ok(())
}

/// Median over rounds of the mean seconds per sample: a single sample is normal in no time, or not.
fn time(synthesizer: &Synthesizer, images: &[Image], products: &[Option<Mask>], samples: u64) -> Result<f64> {
    const ROUNDS: u64 = 9;
    let mut rounds = Vec::new();
    for round in 0..ROUNDS {
        let start = Instant::now();
        for sample in 0..samples {
            let place = sample as usize % images.len();
            black_box(synthesizer.synthesize(&images[place], products[place].as_ref(), 0, round, sample)?);
        }
        rounds.push(start.elapsed().as_secs_f64() / samples as f64);
    }
    rounds.sort_by(f64::total_cmp);
    Ok(rounds[rounds.len() / 2])
}

fn read(file: &Path, count: usize, side: usize) -> Result<Vec<Image>> {
    let bytes = fs::read(file)?;
    if bytes.len() != count * side * side * 3 {
        return Err(format!("{}: expected {count} pictures of {side}x{side}", file.display()).into());
    }
    let image = |pixels: &[u8]| Ok(Image::new(side, side, pixels.to_vec())?);
    bytes.chunks_exact(side * side * 3).map(image).collect()
}
