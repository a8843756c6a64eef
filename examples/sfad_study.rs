//! The study behind docs/sfad-study.md: what SFAD's settings do on a category with anomalies in its training part.
//!
//! ```text
//! cargo run --release --example sfad_study -- DIR --weights FILE [--only NAME] [--test NAME] [--seed S]
//! ```
//!
//! Every setting is fitted to 85 % of the good training images and measured on the other 15 % and the training part's
//! anomalies; the test part is not looked at. `--only` runs the one setting of that name. `--test` runs the
//! one setting of that name, once it is chosen, and measures it on the test part. One line a setting:
//! image AUROC with three image scores, pixel figures, the noise's deviation, final health counters and seconds.

use std::error::Error;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::Instant;

use madenet::data::{Dataset, MvtecAd, Records, Sample, Split};
use madenet::image::{Filter, Mask, letterbox};
use madenet::metrics::{AUPRO_FPR_LIMIT, PixelMetrics, auroc};
use madenet::nets::{Params, ResNet};
use madenet::{AnomalyDetector, Event, FitConfig, Label, Noise, Sfad, SfadConfig};

/// One point of the study.
struct Setting {
    name: &'static str,
    config: SfadConfig,
    fit: FitConfig,
    /// Whether images are made square by repeating their border, so that resizing keeps their aspect ratio.
    padded: bool,
}

/// The settings: the preset, one change of it at a time, and some of these together.
fn settings(config: &SfadConfig, fit: &FitConfig) -> Vec<Setting> {
    let setting = |name, config: SfadConfig, fit: FitConfig, padded| Setting { name, config, fit, padded };
    let noise = |noise| FitConfig { noise, ..fit.clone() };
    let layers = |layers: &[&str]| SfadConfig {
        layers: layers.iter().map(ToString::to_string).collect(),
        ..config.clone()
    };
    let steps = |iterations| FitConfig { iterations, ..fit.clone() };
    let locations = |locations| FitConfig { locations, ..fit.clone() };
    let base = || config.clone();
    vec![
        setting("preset", base(), fit.clone(), false),
        setting("aspect kept", base(), fit.clone(), true),
        setting("noise absolute 0.015", base(), noise(Noise::Absolute(0.015)), false),
        setting("noise absolute 0.06", base(), noise(Noise::Absolute(0.06)), false),
        setting("noise relative 0.5", base(), noise(Noise::Relative(0.5)), false),
        setting("noise relative 1", base(), noise(Noise::Relative(1.0)), false),
        setting("layers 2", layers(&["layer2"]), fit.clone(), false),
        setting("layers 3", layers(&["layer3"]), fit.clone(), false),
        setting("layers 3, noise relative 0.5", layers(&["layer3"]), noise(Noise::Relative(0.5)), false),
        setting("iterations 200", base(), steps(200), false),
        setting("iterations 1200", base(), steps(1200), false),
        setting("locations 64", base(), locations(Some(64)), false),
    ]
}

fn main() -> Result<(), Box<dyn Error>> {
    use lexopt::prelude::*;
    let (mut folder, mut weights, mut only, mut test, mut seed) = (None, None, None, None, 42);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("weights") => weights = Some(PathBuf::from(parser.value()?)),
            Long("only") => only = Some(parser.value()?.string()?),
            Long("test") => test = Some(parser.value()?.string()?),
            Long("seed") => seed = parser.value()?.parse()?,
            Value(value) if folder.is_none() => folder = Some(PathBuf::from(value)),
            _ => return Err(argument.unexpected().into()),
        }
    }
    let (folder, weights) = (folder.ok_or("DIR is missing")?, weights.ok_or("--weights is missing")?);
    let backbone = Params::read(weights)?;
    let config =
        SfadConfig { backbone: ResNet::of_weights(&backbone)?.name().to_string(), ..SfadConfig::fast() };
    let fit = FitConfig { seed, ..FitConfig::fast() };

    let train = MvtecAd::open(&folder, Split::Train)?;
    let (training, held_out) = train.normal().hold_out(0.15, seed)?;
    let measured = match test {
        Some(_) => MvtecAd::open(&folder, Split::Test)?,
        None => train.filter(|entry| entry.label == Label::Anomalous || held_out.entries().contains(entry)),
    };
    println!("{} to fit, {} held out, {} to measure on", training.len(), held_out.len(), measured.len());
    println!(
        "| setting | max | max, smoothed | top 1 % | pixel AUROC | pixel AP | AUPRO | sigma | p_true | p_fake | s |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|");
    let is_wanted = |name: &str| test.as_ref().or(only.as_ref()).is_none_or(|wanted| name == wanted);
    for setting in settings(&config, &fit).iter().filter(|s| is_wanted(s.name)) {
        run(setting, &backbone, &training, &held_out, &measured)?;
    }
    Ok(())
}

fn run(
    setting: &Setting,
    backbone: &Params,
    training: &Records,
    held_out: &Records,
    measured: &Records,
) -> Result<(), Box<dyn Error>> {
    let view = |records| Framed { records, padded: setting.padded };
    let mut last = (0.0, 0.0);
    let mut observer = |event: &Event<'_>| {
        if let Event::Step { health: &[(_, p_true), (_, p_fake)], .. } = *event {
            last = (p_true, p_fake);
        }
        ControlFlow::Continue(())
    };
    let started = Instant::now();
    let (fit_on, held_out) = (view(training), view(held_out));
    let model =
        Sfad::fit(&setting.config, &setting.fit, backbone.clone(), &fit_on, &held_out, &mut observer)?;
    let seconds = started.elapsed().as_secs_f64();

    let (mut scores, mut labels) = ([const { Vec::new() }; 3], Vec::new());
    let mut pixels = PixelMetrics::new();
    for i in 0..measured.len() {
        let sample = view(measured).get(i)?;
        let raw = model.raw_scores(&[sample.image.as_view()])?.remove(0);
        labels.push(sample.label.is_anomalous());
        scores[0].push(raw.score);
        let mut sorted = raw.map.clone();
        sorted.sort_unstable_by(|a, b| b.total_cmp(a));
        scores[1].push(sorted[0]);
        let top = &sorted[..sorted.len() / 100];
        scores[2].push(top.iter().sum::<f32>() / top.len() as f32);
        let mask = match sample.mask {
            Some(mask) => mask.resize_nearest(raw.width, raw.height)?,
            None if sample.label == Label::Normal => {
                Mask::new(raw.width, raw.height, vec![false; raw.map.len()])?
            }
            None => continue,
        };
        pixels.push(&raw.map, mask.data(), raw.height, raw.width)?;
    }
    let pixels = pixels.finish();
    let figure = |value: Option<f64>| value.map_or("n/a".to_string(), |v| format!("{v:.4}"));
    let image =
        scores.iter().map(|s| Ok(figure(auroc(s, &labels)?))).collect::<Result<Vec<_>, Box<dyn Error>>>()?;
    println!(
        "| {} | {} | {} | {} | {} | {:.4} | {:.3} | {:.3} | {seconds:.0} |",
        setting.name,
        image.join(" | "),
        figure(pixels.auroc()),
        figure(pixels.average_precision()),
        figure(pixels.aupro(AUPRO_FPR_LIMIT)?),
        model.provenance().map_or(0.0, |p| p.noise_sigma),
        last.0,
        last.1,
    );
    Ok(())
}

/// A data set as it is, or with its images made square.
struct Framed<'a> {
    records: &'a Records,
    padded: bool,
}

impl Dataset for Framed<'_> {
    fn len(&self) -> usize {
        self.records.len()
    }

    fn get(&self, index: usize) -> madenet::data::Result<Sample> {
        let mut sample = self.records.get(index)?;
        if self.padded {
            let (width, height) = (sample.image.width(), sample.image.height());
            let side = width.max(height);
            // The longer side is kept, so this frames the image without resizing it.
            let (framed, rect) = letterbox(&sample.image.as_view(), side, side, Filter::Bilinear)?;
            sample.image = framed;
            if let Some(mask) = &sample.mask {
                // The place in the original mask of a pixel of the square one, the border repeated.
                let place = |i: usize| {
                    let x = (i % side).saturating_sub(rect.x).min(width - 1);
                    (i / side).saturating_sub(rect.y).min(height - 1) * width + x
                };
                let data = (0..side * side).map(|i| mask.data()[place(i)]).collect();
                sample.mask = Some(Mask::new(side, side, data)?);
            }
        }
        Ok(sample)
    }
}
