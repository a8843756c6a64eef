//! SRAD from images to verdicts: trained in both stages, interrupted, saved, and the same bits every time.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;

use madenet_candle::CheckpointConfig;
use madenet_core::{AnomalyDetector, Event, Label};
use madenet_data::{Dataset, Sample};
use madenet_image::{Image, Mask, Rect};
use madenet_srad::{FineTuneConfig, FitError, Srad, SradConfig, SradFitConfig, SradTrainer};
use madenet_synth::{Foreground, SynthesisConfig, Synthesizer, Textures};

/// Stripes of 80x72 pixels, each image in a shade of its own; defects are black squares.
struct Stripes(Vec<Sample>);

impl Stripes {
    fn new(normal: usize, anomalous: usize) -> Self {
        let sample = |i: usize| {
            let is_anomalous = i >= normal;
            let hole = Rect::new(20 + i % 7, 30, 12, 14);
            let value = |x: usize, y: usize| match is_anomalous && inside(hole, x, y) {
                true => 0,
                false => (100 + 60 * (1 - x / 8 % 2) + i % 5 * 4) as u8,
            };
            let pixels = (0..80 * 72).flat_map(|i| [value(i % 80, i / 80); 3]).collect();
            Sample {
                id: format!("{i}.png"),
                category: "stripes".to_string(),
                image: Image::new(80, 72, pixels).unwrap().into(),
                label: if is_anomalous { Label::Anomalous } else { Label::Normal },
                defect_type: is_anomalous.then(|| "hole".to_string()),
                mask: is_anomalous.then(|| Mask::rectangle(80, 72, hole).unwrap()),
            }
        };
        Stripes((0..normal + anomalous).map(sample).collect())
    }
}

fn inside(rect: Rect, x: usize, y: usize) -> bool {
    (rect.x..rect.x + rect.width).contains(&x) && (rect.y..rect.y + rect.height).contains(&y)
}

impl Dataset for Stripes {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn get(&self, index: usize) -> madenet_data::Result<Sample> {
        Ok(self.0[index].clone())
    }
}

fn trainer(steps: u64) -> SradTrainer {
    let synthesis = SynthesisConfig { foreground: Foreground::None, ..SynthesisConfig::default() };
    let textures = Textures::procedural(4, 96, 96, 0).unwrap();
    let synthesizer = Synthesizer::new(synthesis, textures).unwrap();
    let fit = SradFitConfig { iterations: steps, ..SradFitConfig::tiny() };
    SradTrainer::new(SradConfig::tiny(), fit, synthesizer)
}

#[test]
fn one_seed_is_one_model_whatever_the_threads_and_interruptions() {
    let (normal, held_out) = (Stripes::new(6, 0), Stripes::new(3, 0));
    let fit = |threads: usize, workers, cache_bytes| {
        let mut trainer = trainer(8);
        (trainer.workers, trainer.fit.cache_bytes) = (workers, cache_bytes);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let model = pool.install(|| trainer.fit(&normal, &held_out, &mut ())).unwrap();
        model.params().clone()
    };
    let one = fit(1, 0, 1 << 20);
    assert!(one == fit(2, 2, 0), "threads, workers and memory change the weights");

    let folder = tempfile::tempdir().unwrap();
    let mut interrupted = trainer(8);
    interrupted.checkpoint = Some(CheckpointConfig { path: folder.path().join("state"), every: 100 });
    let mut stop = |event: &Event<'_>| match event {
        Event::Step { step: 5, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    };
    interrupted.fit.cache_bytes = 1 << 20;
    assert!(interrupted.fit(&normal, &held_out, &mut stop).is_err());
    let resumed = interrupted.fit(&normal, &held_out, &mut ()).unwrap();
    assert!(*resumed.params() == one, "it does not go on where it was");
}

#[test]
fn both_stages_learn_and_the_file_says_the_same() {
    let (normal, held_out) = (Stripes::new(8, 0), Stripes::new(4, 0));
    let trainer = trainer(60);
    let mut losses = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::Step { loss, parts, .. } = event {
            assert_eq!(parts.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["l2", "ssim", "focal"]);
            losses.push(*loss);
        }
        ControlFlow::Continue(())
    };
    let model = trainer.fit(&normal, &held_out, &mut watch).unwrap();
    let mean = |losses: &[f32]| losses.iter().sum::<f32>() / losses.len() as f32;
    assert!(mean(&losses[50..]) < 0.7 * mean(&losses[..10]), "{losses:?}");

    let tuning =
        FineTuneConfig { iterations: 30, lr: 1e-3, flips: true, ..FineTuneConfig::after(&trainer.fit) };
    let tuned = trainer.fine_tune(&model, &tuning, &Stripes::new(8, 6), &held_out, &mut ()).unwrap();
    let provenance = tuned.provenance().unwrap();
    let fine_tuned = provenance.fine_tuned.as_ref().unwrap();
    assert_eq!(
        (provenance.training_images, fine_tuned.normal_images, fine_tuned.anomalous_images),
        (8, 8, 6)
    );
    let test = Stripes::new(1, 1);
    let views: Vec<_> = test.0.iter().map(|sample| sample.image.as_view()).collect();
    let [good, bad] = &tuned.raw_scores(&views).unwrap()[..] else { panic!("two images") };
    assert!(bad.score > good.score, "{} {}", bad.score, good.score);
    // The hole in the model's 64x64 pixels.
    let mask = Mask::rectangle(80, 72, Rect::new(21, 30, 12, 14)).unwrap().resize_nearest(64, 64).unwrap();
    let mean_of = |marked: bool| {
        let of = bad.map.iter().zip(mask.data()).filter(|&(_, &m)| m == marked).map(|(&p, _)| p);
        mean(&of.collect::<Vec<_>>())
    };
    assert!(mean_of(true) > mean_of(false) + 0.1, "{} {}", mean_of(true), mean_of(false));

    let bytes = tuned.to_bytes().unwrap();
    let read = Srad::from_bytes(&bytes, "memory").unwrap();
    assert_eq!(read.raw_scores(&views).unwrap(), tuned.raw_scores(&views).unwrap());
    assert_eq!(read.provenance(), tuned.provenance());
    let reconstruction = read.reconstruct(&views[1]).unwrap();
    assert_eq!((reconstruction.width(), reconstruction.height()), (64, 64));
    assert!(Srad::from_bytes(&bytes[..bytes.len() / 2], "memory").is_err());
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let (some, none) = (Stripes::new(2, 1), Stripes::new(0, 0));
    let trainer = trainer(1);
    let fit = |data: &Stripes| trainer.fit(data, &none, &mut ());
    assert!(matches!(fit(&none), Err(FitError::NoImages)));
    let error = fit(&Stripes::new(0, 1)).unwrap_err();
    assert_eq!(error.to_string(), "0.png is anomalous, expected normal images only");

    let model = fit(&Stripes::new(2, 0)).unwrap();
    let tuning = FineTuneConfig::after(&trainer.fit);
    let tune = |data: &Stripes| trainer.fine_tune(&model, &tuning, data, &none, &mut ());
    assert!(matches!(tune(&Stripes::new(2, 0)), Err(FitError::NoDefects)));
    assert!(matches!(tune(&Stripes::new(0, 2)), Err(FitError::NoImages)));
    let unmasked = Stripes(some.0.into_iter().map(|s| Sample { mask: None, ..s }).collect());
    assert!(matches!(tune(&unmasked), Err(FitError::NoDefects)));
    let mut other = trainer;
    other.config.score_window = 7;
    let refused = other.fine_tune(&model, &tuning, &Stripes::new(2, 1), &none, &mut ()).unwrap_err();
    assert!(refused.to_string().ends_with("expected that of the model"), "{refused}");
}

/// A region of interest beside the defect: no heat, and no score from it.
#[test]
fn what_is_not_inspected_does_not_count() {
    let model = trainer(2).fit(&Stripes::new(2, 0), &Stripes::new(0, 0), &mut ()).unwrap();
    let left = Mask::rectangle(80, 72, Rect::new(0, 0, 40, 72)).unwrap();
    let model = model.with_recipe(model.recipe().clone().inspect(&left).unwrap()).unwrap();
    let sample = &Stripes::new(0, 1).0[0];
    let prediction = model.predict_one(&sample.image.as_view()).unwrap();
    assert!((0..72).all(|y| prediction.map.values()[y * 80 + 41..(y + 1) * 80].iter().all(|&v| v == 0.0)));
    let folder = tempfile::tempdir().unwrap();
    let path: &Path = &folder.path().join("stripes.srad");
    model.save(path).unwrap();
    let loaded = Srad::load(path).unwrap();
    assert_eq!(loaded.predict_one(&sample.image.as_view()).unwrap().score, prediction.score);
}
