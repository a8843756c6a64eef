//! Times the pixel metrics on maps from a file, to be compared with other libraries on the same maps.
//!
//! `pixel_peers FOLDER COUNT HEIGHT WIDTH` reads `maps.f32` (little-endian binary32) and `masks.u8` (0 = normal) from
//! the folder, COUNT images of HEIGHT x WIDTH each, one after the other, and prints one line of JSON: seconds of each
//! step, the values, and the peak resident memory in MiB (`null` where the system does not tell). Files are read one
//! image at a time, outside the measured time, so that the peak is that of the metrics.

use std::error::Error;
use std::fs::File;
use std::io::{BufReader, Read};
use std::path::Path;
use std::time::{Duration, Instant};

use madenet_metrics::{AUPRO_FPR_LIMIT, PixelMetrics};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, count, height, width] = &arguments[..] else {
        return Err("usage: pixel_peers FOLDER COUNT HEIGHT WIDTH".into());
    };
    let (count, height, width) = (count.parse()?, height.parse()?, width.parse()?);
    let (metrics, push) = collect(Path::new(folder), count, height, width)?;
    let (scores, finish) = timed(|| metrics.finish());
    let (auroc, auroc_time) = timed(|| scores.auroc());
    let (average_precision, average_precision_time) = timed(|| scores.average_precision());
    let (aupro, aupro_time) = timed(|| scores.aupro(AUPRO_FPR_LIMIT));

    let times = [
        ("push_s", push),
        ("finish_s", finish),
        ("auroc_s", auroc_time),
        ("average_precision_s", average_precision_time),
        ("aupro_s", aupro_time),
    ];
    let values = [
        ("auroc", auroc),
        ("average_precision", average_precision),
        ("aupro", aupro?),
        ("peak_mb", peak_memory()),
    ];
    let times = times.map(|(name, time)| format!("\"{name}\": {}", time.as_secs_f64()));
    let values =
        values.map(|(name, value)| format!("\"{name}\": {}", value.map_or("null".into(), |v| v.to_string())));
    println!("{{{}, {}}}", times.join(", "), values.join(", "));
    Ok(())
}

fn collect(
    folder: &Path,
    count: usize,
    height: usize,
    width: usize,
) -> Result<(PixelMetrics, Duration), Box<dyn Error>> {
    let mut maps = BufReader::new(File::open(folder.join("maps.f32"))?);
    let mut masks = BufReader::new(File::open(folder.join("masks.u8"))?);
    let (mut map, mut mask) = (vec![0; height * width * 4], vec![0; height * width]);
    let (mut metrics, mut time) = (PixelMetrics::new(), Duration::ZERO);
    for _ in 0..count {
        maps.read_exact(&mut map)?;
        masks.read_exact(&mut mask)?;
        let scores: Vec<f32> = map.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect();
        let anomalous: Vec<bool> = mask.iter().map(|&byte| byte != 0).collect();
        let (pushed, took) = timed(|| metrics.push(&scores, &anomalous, height, width));
        pushed?;
        time += took;
    }
    Ok((metrics, time))
}

fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let start = Instant::now();
    let result = work();
    (result, start.elapsed())
}

/// The high-water mark of resident memory, in MiB, where there is a `/proc`.
fn peak_memory() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
