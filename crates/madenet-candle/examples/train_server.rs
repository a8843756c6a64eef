//! Trains a network on numbers, a step for every line `step`, for the benchmark `benches/peers/training.py`.
//!
//! ```text
//! cargo run --release -p madenet-candle --example train_server -- resnet18 BATCH SIZE THREADS
//! ```
//!
//! The networks are `resnet18` and `hrnet_w32`, without their classifiers. A step is forward, the mean of the squares of all outputs,
//! backward, and SGD with a momentum of 0.9. It answers with its milliseconds; `memory` with the process's peak in bytes (Linux);
//! `profile` with the slowest parts of a step.

use std::error::Error;
use std::io::{BufRead, Write};
use std::time::{Duration, Instant};

use candle_core::{Device, Tensor};
use madenet_candle::{Engine, Optimiser, Policy, SgdConfig, StepKey, Tape, TapeOptions};
use madenet_nets::{Builder, HrNet, Interpolation, Net, Params, ResNet, Shape};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, batch, size, threads] = arguments.as_slice() else {
        return Err("usage: train_server NETWORK BATCH SIZE THREADS".into());
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads.parse()?).build()?;
    let net = network(name, size.parse()?)?;
    pool.install(|| serve(&net, batch.parse()?).map_err(|error| error.to_string().into()))
        .map_err(|error: Box<dyn Error + Send + Sync>| error.to_string().into())
}

fn network(name: &str, size: usize) -> Result<Net, Box<dyn Error>> {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, size, size));
    let taps = match name {
        "resnet18" => ResNet::ResNet18.features(&mut b, image, &["layer4"])?,
        "hrnet_w32" => HrNet::W32.features(&mut b, image, Interpolation::Nearest)?.to_vec(),
        other => {
            return Err(format!("the network {other:?} is unknown, expected resnet18 or hrnet_w32").into());
        }
    };
    for tap in &taps {
        b.output(tap.name, tap.val)?;
    }
    Ok(b.finish())
}

fn serve(net: &Net, batch: usize) -> Result<(), Box<dyn Error>> {
    let mut tape = Tape::new(net, &Params::init(net, 42), &Policy::default(), TapeOptions::default())?;
    let shape = net.nodes()[net.inputs()[0].1].shape;
    let values: Vec<f32> = (0..batch * shape.len()).map(|i| ((i * 37 % 255) as f32 - 127.0) / 64.0).collect();
    let x = Tensor::from_vec(values, (batch, shape.c, shape.h, shape.w), &Device::Cpu)?;
    let mut optimiser = Optimiser::new(&tape, SgdConfig::default().momentum(0.9))?;
    let mut stdout = std::io::stdout();
    for (step, line) in (0..).zip(std::io::stdin().lock().lines()) {
        let key = StepKey { seed: 42, step };
        match line?.trim() {
            "step" => {
                let start = Instant::now();
                train(&mut tape, &x, key, &mut optimiser)?;
                writeln!(stdout, "{:.3}", start.elapsed().as_secs_f64() * 1e3)?;
            }
            "memory" => writeln!(stdout, "{}", peak_bytes()?)?,
            "profile" => profile(&mut tape, &x, key, &mut stdout)?,
            _ => return Err("expected step, memory or profile".into()),
        }
        stdout.flush()?;
    }
    Ok(())
}

fn train(tape: &mut Tape, x: &Tensor, key: StepKey, optimiser: &mut Optimiser) -> Result<(), Box<dyn Error>> {
    tape.clear_gradients();
    let outputs = tape.forward(std::slice::from_ref(x), key)?;
    let mut loss = Tensor::zeros((), candle_core::DType::F32, &Device::Cpu)?;
    for y in &outputs {
        loss = (loss + y.sqr()?.mean_all()?)?;
    }
    tape.backward(&loss)?;
    optimiser.step(tape, 1.0, 1.0)?;
    Ok(())
}

/// The resident set's largest size.
fn peak_bytes() -> Result<usize, Box<dyn Error>> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<usize>()? * 1024)
}

fn profile(tape: &mut Tape, x: &Tensor, key: StepKey, out: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let times = tape.profile(std::slice::from_ref(x), key)?;
    let kind = |action: &str| action.split([' ', '(']).next().unwrap_or_default().to_string();
    let mut kinds: Vec<(String, Duration)> = Vec::new();
    for (_, action, time) in &times {
        let kind = kind(action);
        match kinds.iter_mut().find(|(name, _)| *name == kind) {
            Some((_, total)) => *total += *time,
            None => kinds.push((kind, *time)),
        }
    }
    kinds.sort_by_key(|(_, time)| std::cmp::Reverse(*time));
    for (kind, time) in kinds {
        writeln!(out, "{:9.3} ms {kind}", time.as_secs_f64() * 1e3)?;
    }
    let mut slowest = times;
    slowest.sort_by_key(|(_, _, time)| std::cmp::Reverse(*time));
    for (stage, action, time) in slowest.iter().take(25) {
        writeln!(out, "{:9.3} ms {stage}: {action}", time.as_secs_f64() * 1e3)?;
    }
    Ok(())
}
