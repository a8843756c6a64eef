//! Inside an application: one detector shared by its threads, on frames that cameras have put into memory.
//!
//! ```text
//! cargo run --release --example embed [-- MODEL]
//! ```
//!
//! `MODEL` is a model file, for instance one of the quickstart's; without it a small one is fitted first. Three threads
//! stand for cameras, which deliver 12-bit grey, padded BGR and plain RGB frames of boards. An operator raises the
//! threshold while they run; nothing stops for it. Verdicts come out as JSON lines.

use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, RwLock};
use std::thread;

use madenet::data::smt::{Component, SmtBoards, SmtConfig};
use madenet::data::{Dataset, Split};
use madenet::image::{Channels, Image, ImageView};
use madenet::nets::{BackboneSource, ResNet};
use madenet::{AnomalyDetector, ErrorChain, FitConfig, Prediction, Sfad, SfadConfig, Threads};

/// Frames of each camera.
const FRAMES: usize = 6;
/// Side of a frame.
const SIDE: usize = 128;

/// What the application shares: the detector may be exchanged at any time, frames under way finish with the old one.
type Shared = RwLock<Arc<dyn AnomalyDetector>>;

/// A verdict on its way out: camera, number of the frame, what was said of it.
type Verdict = (&'static str, usize, Result<Prediction, madenet::Error>);

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
    let model = match std::env::args_os().nth(1) {
        Some(path) => Sfad::load(path)?,
        None => small_model()?,
    };
    // The library takes the threads that the application gives, whatever the number of cameras.
    let model = model.with_threads(Threads::new(2)?);
    let shared: Shared = RwLock::new(Arc::new(model.clone()));
    let frames = boards(Split::Test, FRAMES / 2, FRAMES - FRAMES / 2)?;
    let cameras: [(&str, Camera); 3] =
        [("mono, 12 bits", mono_12_bits), ("BGR, padded", bgr_padded), ("RGB", rgb)];
    thread::scope(|scope| {
        let (verdicts, inbox) = channel();
        for (name, camera) in cameras {
            let (shared, frames, verdicts) = (&shared, &frames, verdicts.clone());
            scope.spawn(move || inspect(name, camera, shared, frames, &verdicts));
        }
        drop(verdicts);
        for (count, (camera, frame, verdict)) in inbox.into_iter().enumerate() {
            println!("{}", serde_json::json!({ "camera": camera, "frame": frame, "verdict": verdict? }));
            if count == 2 * FRAMES {
                let threshold = model.recipe().calibration.image.raw_at(0.7)?;
                let stricter = model.with_recipe(model.recipe().clone().image_threshold(threshold))?;
                *shared.write().map_err(|_| "a thread has panicked")? = Arc::new(stricter);
            }
        }
        Ok(())
    })
}

/// A camera thread.
fn inspect(
    name: &'static str,
    camera: Camera,
    shared: &Shared,
    frames: &[Image],
    verdicts: &Sender<Verdict>,
) {
    for (number, board) in frames.iter().enumerate() {
        let Ok(detector) = shared.read().map(|current| Arc::clone(&current)) else { return };
        let verdict = camera(board, detector.as_ref());
        if verdicts.send((name, number, verdict)).is_err() {
            return;
        }
    }
}

/// Brings a board into the memory that a camera would have filled, and asks for a verdict on it.
type Camera = fn(&Image, &dyn AnomalyDetector) -> Result<Prediction, madenet::Error>;

fn mono_12_bits(board: &Image, detector: &dyn AnomalyDetector) -> Result<Prediction, madenet::Error> {
    let green = board.pixels().iter().skip(1).step_by(3);
    let frame: Vec<u16> = green.map(|&v| u16::from(v) << 4 | u16::from(v) >> 4).collect();
    let view = ImageView::packed(&frame, SIDE, SIDE, Channels::Gray)?.with_bit_depth(12)?;
    detector.predict_one(&view)
}

fn bgr_padded(board: &Image, detector: &dyn AnomalyDetector) -> Result<Prediction, madenet::Error> {
    let stride = SIDE * 3 + 64;
    let mut frame = vec![0_u8; stride * SIDE];
    for (row, line) in frame.chunks_exact_mut(stride).zip(board.pixels().chunks_exact(SIDE * 3)) {
        for (bgr, rgb) in row.chunks_exact_mut(3).zip(line.chunks_exact(3)) {
            bgr.copy_from_slice(&[rgb[2], rgb[1], rgb[0]]);
        }
    }
    detector.predict_one(&ImageView::new(&frame, SIDE, SIDE, Channels::Bgr, stride)?)
}

fn rgb(board: &Image, detector: &dyn AnomalyDetector) -> Result<Prediction, madenet::Error> {
    detector.predict_one(&board.as_view())
}

fn boards(split: Split, normal: usize, anomalous: usize) -> Result<Vec<Image>, Box<dyn Error>> {
    let boards = smt(split, normal, anomalous, 1)?;
    (0..boards.len()).map(|i| Ok(boards.get(i)?.image.to_rgb())).collect()
}

fn smt(split: Split, normal: usize, anomalous: usize, seed: u64) -> Result<SmtBoards, Box<dyn Error>> {
    let component = Component::Resistor;
    let config =
        SmtConfig { width: SIDE, height: SIDE, normal, anomalous, seed, ..SmtConfig::new(component) };
    Ok(SmtBoards::new(config, split)?)
}

/// A model of seconds, with a random backbone: enough to show how it is used.
fn small_model() -> Result<Sfad, Box<dyn Error>> {
    let source = BackboneSource::Scratch { backbone: ResNet::ResNet18, seed: 1 };
    let (training, validation) = (smt(Split::Train, 16, 0, 1)?, smt(Split::Train, 8, 0, 2)?);
    let (config, fit) = (SfadConfig::tiny(), FitConfig::tiny());
    Ok(Sfad::fit(&config, &fit, source.load()?.1, &training, &validation, &mut ())?)
}
