//! The smallest application that inspects frames: it loads a model file and asks for verdicts on frames in memory.
//!
//! ```text
//! cargo run --release --example quickstart            # writes models into target/quickstart
//! cd examples/embed_inference
//! cargo run --release -- ../../target/quickstart/RESISTOR.model
//! ```

use std::process::ExitCode;
use std::time::Instant;

use madenet::image::{Channels, ImageView};
use madenet::{AnomalyDetector, ErrorChain, Result, Sfad, Threads};

/// Frames that the camera delivers.
const FRAMES: usize = 20;
/// Columns of a frame.
const WIDTH: usize = 640;
/// Rows of a frame.
const HEIGHT: usize = 480;
/// Bytes from one row to the next: cameras pad them.
const STRIDE: usize = 2048;

fn main() -> ExitCode {
    let Some(path) = std::env::args_os().nth(1) else {
        eprintln!("usage: embed_inference MODEL");
        return ExitCode::FAILURE;
    };
    match inspect(path.as_ref()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}", ErrorChain(&error));
            ExitCode::FAILURE
        }
    }
}

fn inspect(model: &std::path::Path) -> Result<()> {
    // The application decides how many cores inspection may have.
    let model = Sfad::load(model)?.with_threads(Threads::new(2)?);
    let mut milliseconds = Vec::new();
    for number in 0..FRAMES {
        let frame = camera(number);
        let started = Instant::now();
        // BGR as the camera has it: nothing is copied or converted here.
        let view = ImageView::new(&frame, WIDTH, HEIGHT, Channels::Bgr, STRIDE)?;
        let prediction = model.predict_one(&view)?;
        milliseconds.push(started.elapsed().as_secs_f64() * 1e3);
        let place = prediction.regions.first().map(|defect| defect.peak_at);
        println!("frame {number:2}: {} {:.3}, worst place {place:?}", prediction.label, prediction.score);
    }
    milliseconds.sort_by(f64::total_cmp);
    println!("median {:.1} ms a frame", milliseconds[FRAMES / 2]);
    Ok(())
}

/// A stand-in for a camera: a grey ramp that moves.
fn camera(number: usize) -> Vec<u8> {
    (0..STRIDE * HEIGHT).map(|i| ((i % STRIDE + i / STRIDE + 8 * number) / 6 % 256) as u8).collect()
}
