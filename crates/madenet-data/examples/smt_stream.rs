//! Streams a stand-in of the size of ManuDefect-21 (44,371 drawn boards; not that data set) through a trivial detector, and
//! shows that memory does not grow with the number of boards.
//!
//! Per category, the detector knows mean and standard deviation of each pixel over 32 good training boards. Its anomaly
//! map is the largest channel's `|x - mean| / (sd + 4)` in codes, its score the map's 99.5 % quantile. Threads draw and
//! score; the metrics get the boards in one random order, whatever the number of threads. Pixels are counted in a histogram
//! from the first one on, so that the memory does not even grow up to the limit of exact figures.
//!
//! ```text
//! cargo run --release -p madenet-data --features smt --example smt_stream -- \
//!     [SIDE] [--scale SHARE] [--nuisances PROBABILITY] [--threads N]
//! ```

use std::error::Error;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use madenet_data::smt::{ManuDefect21Like, Nuisances, SmtBoards};
use madenet_data::{Dataset, Sample, Split};
use madenet_metrics::{AUPRO_FPR_LIMIT, PixelMetrics, auroc};
use madenet_rng::Stream;

/// Good boards that the detector sees.
const FITTED: usize = 32;
/// Added to the standard deviation, in codes: dark pixels hardly vary.
const SOFTENING: f32 = 4.0;
const QUANTILE: f64 = 0.995;

fn main() -> Result<(), Box<dyn Error>> {
    let Options { preset, threads } = Options::read()?;
    let (train, test) = (preset.split(Split::Train)?, preset.split(Split::Test)?);
    println!(
        "Drawn boards, a stand-in: figures on them say nothing about photographs or about ManuDefect-21."
    );
    println!("{} training and {} test boards, {threads} threads", train.len(), test.len());
    println!(
        "{:<19}{:<6}{:>6}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}",
        "category", "part", "boards", "image", "pixel", "AUPRO", "boards", "MB", "peak"
    );
    println!(
        "{:<19}{:<6}{:>6}{:>8}{:>8}{:>8}{:>8}{:>8}{:>8}",
        "", "", "", "AUROC", "AUROC", "0.3", "per s", "now", "MB"
    );
    let (start, mut boards) = (Instant::now(), 0);
    for (train, test) in train.parts().iter().zip(test.parts()) {
        let detector = Detector::fit(train, threads)?;
        for set in [train, test] {
            let row = evaluate(set, &detector, preset.seed, threads)?;
            boards += set.len();
            println!("{row}");
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{boards} boards in {seconds:.1} s, {:.1} per second", boards as f64 / seconds);
    Ok(())
}

struct Options {
    preset: ManuDefect21Like,
    threads: usize,
}

impl Options {
    fn read() -> Result<Self, Box<dyn Error>> {
        let mut preset = ManuDefect21Like { width: 128, height: 128, ..Default::default() };
        let mut threads = thread::available_parallelism().map_or(1, usize::from);
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or(format!("{argument} needs a value"));
            match argument.as_str() {
                "--scale" => preset.scale = value()?.parse()?,
                "--threads" => threads = value()?.parse::<usize>()?.max(1),
                "--nuisances" => {
                    let share = value()?.parse()?;
                    preset.nuisances = Nuisances { contrast: share, occlusion: share, reflection: share };
                }
                side => {
                    preset.width = side.parse()?;
                    preset.height = preset.width;
                }
            }
        }
        Ok(Options { preset, threads })
    }
}

/// Mean and standard deviation of every value of the good boards, in codes.
struct Detector {
    mean: Vec<f32>,
    deviation: Vec<f32>,
}

impl Detector {
    fn fit(train: &SmtBoards, threads: usize) -> Result<Self, Box<dyn Error>> {
        let order: Vec<usize> = (0..train.config().normal.min(FITTED)).collect();
        let values = 3 * train.config().width * train.config().height;
        // Whole numbers, hence exact.
        let mut sums = vec![(0_u32, 0_u32); values];
        stream(
            train,
            &order,
            threads,
            |sample| sample.image.to_rgb(),
            |image| {
                for (sums, &code) in sums.iter_mut().zip(image.pixels()) {
                    *sums = (sums.0 + u32::from(code), sums.1 + u32::from(code).pow(2));
                }
                Ok(())
            },
        )?;
        let n = order.len() as f32;
        let mean: Vec<f32> = sums.iter().map(|&(sum, _)| sum as f32 / n).collect();
        let spread =
            |(&(_, squares), &mean): (&(u32, u32), &f32)| (squares as f32 / n - mean * mean).max(0.0).sqrt();
        let deviation = sums.iter().zip(&mean).map(spread).collect();
        Ok(Detector { mean, deviation })
    }

    fn score(&self, sample: &Sample) -> Scored {
        let image = sample.image.to_rgb();
        let (width, height) = (image.width(), image.height());
        let distance = |((&code, &mean), &deviation): ((&u8, &f32), &f32)| {
            (f32::from(code) - mean).abs() / (deviation + SOFTENING)
        };
        let values: Vec<f32> =
            image.pixels().iter().zip(&self.mean).zip(&self.deviation).map(distance).collect();
        let map: Vec<f32> =
            values.chunks_exact(3).map(|channels| channels.iter().copied().fold(0.0, f32::max)).collect();
        let mut sorted = map.clone();
        let rank = ((sorted.len() - 1) as f64 * QUANTILE) as usize;
        let score = *sorted.select_nth_unstable_by(rank, f32::total_cmp).1;
        let anomalous = sample.label.is_anomalous();
        let mask = sample.mask.as_ref().map_or_else(|| vec![false; map.len()], |mask| mask.data().to_vec());
        Scored { map, mask, width, height, score, anomalous }
    }
}

struct Scored {
    map: Vec<f32>,
    mask: Vec<bool>,
    width: usize,
    height: usize,
    score: f32,
    anomalous: bool,
}

/// Scores a category's boards in random order; gives its row of the table.
fn evaluate(
    boards: &SmtBoards,
    detector: &Detector,
    seed: u64,
    threads: usize,
) -> Result<String, Box<dyn Error>> {
    let (category, part) = (boards.config().component.name(), format!("{:?}", boards.split()).to_lowercase());
    let order =
        Stream::new(seed, "smt_stream/order", boards.config().component as u64, boards.split() as u64)
            .permutation(boards.len());
    let (mut pixels, mut scores, mut labels) = (PixelMetrics::with_exact_limit(0), Vec::new(), Vec::new());
    let start = Instant::now();
    stream(
        boards,
        &order,
        threads,
        |sample| detector.score(&sample),
        |scored| {
            pixels.push(&scored.map, &scored.mask, scored.height, scored.width)?;
            scores.push(scored.score);
            labels.push(scored.anomalous);
            Ok(())
        },
    )?;
    let speed = boards.len() as f64 / start.elapsed().max(Duration::from_nanos(1)).as_secs_f64();
    let pixels = pixels.finish();
    let figure = |value: Option<f64>| value.map_or("-".to_owned(), |value| format!("{value:.4}"));
    let memory = |field| megabytes(field).map_or("-".to_owned(), |megabytes| megabytes.to_string());
    Ok(format!(
        "{category:<19}{part:<6}{:>6}{:>8}{:>8}{:>8}{speed:>8.1}{:>8}{:>8}",
        boards.len(),
        figure(auroc(&scores, &labels)?),
        figure(pixels.auroc()),
        figure(pixels.aupro(AUPRO_FPR_LIMIT)?),
        memory("VmRSS:"),
        memory("VmHWM:"),
    ))
}

/// Draws the boards of `order` and does `work` on some threads, and hands the results to `take` in that order.
///
/// Thread `t` of `n` has the boards `t`, `t + n` and so on, and a channel of its own that holds two results, so no more
/// than `4 n` boards exist at once.
fn stream<R: Send>(
    boards: &SmtBoards,
    order: &[usize],
    threads: usize,
    work: impl Fn(Sample) -> R + Sync,
    mut take: impl FnMut(R) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    thread::scope(|scope| {
        let start = |first: usize| -> Receiver<madenet_data::Result<R>> {
            let (send, receive): (SyncSender<_>, _) = sync_channel(2);
            let work = &work;
            scope.spawn(move || {
                for &index in order.iter().skip(first).step_by(threads) {
                    if send.send(boards.get(index).map(work)).is_err() {
                        return; // The other end has met an error.
                    }
                }
            });
            receive
        };
        let channels: Vec<_> = (0..threads).map(start).collect();
        // A thread that ends early has panicked, which the scope passes on.
        for place in 0..order.len() {
            take(channels[place % threads].recv()??)?;
        }
        Ok(())
    })
}

/// A field of Linux's table of this process, in MB.
fn megabytes(field: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(field))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kilobytes| kilobytes / 1000)
}
