//! LPD from images to verdicts: trained in both stages, interrupted, saved, the same bits every time; its densities and maps
//! against other ways to compute them.
#![cfg(feature = "train")]
#![allow(clippy::unwrap_used)]

use std::ops::ControlFlow;
use std::path::Path;

use candle_core::{Device, Tensor, Var};
use madenet_candle::{CandleNet, CheckpointConfig, Policy, StepKey, Treatment};
use madenet_core::{AnomalyDetector, Event};
use madenet_data::smt::{Component, SmtBoards, SmtConfig};
use madenet_data::{Dataset, Sample, Split};
use madenet_lpd::{
    FineTuneConfig, FitError, Gaussian, Lpd, LpdConfig, LpdFitConfig, LpdMap, LpdScore, LpdTrainer, Variant,
};
use madenet_nets::{Builder, Init, Params, ResNet, Shape, conv};

fn boards(normal: usize, anomalous: usize, split: Split) -> SmtBoards {
    let config = SmtConfig { width: 64, height: 64, normal, anomalous, ..SmtConfig::new(Component::Soic) };
    SmtBoards::new(config, split).unwrap()
}

fn trainer(steps: u64) -> LpdTrainer {
    let fit = LpdFitConfig { iterations: steps, warm_up: 2, ..LpdFitConfig::tiny() };
    LpdTrainer::new(LpdConfig::tiny(), fit)
}

/// torchvision's trunk to layer3, as weight files have it.
fn trunk() -> Params {
    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, 64, 64));
    for tap in ResNet::ResNet18.features(&mut b, image, &["layer3"]).unwrap() {
        b.output(tap.name, tap.val).unwrap();
    }
    Params::init(&b.finish(), 9)
}

#[test]
fn one_seed_is_one_model_whatever_the_threads_and_interruptions() {
    let (normal, held_out) = (boards(6, 0, Split::Train), boards(3, 0, Split::Test));
    let fit = |threads: usize, workers, cache_bytes| {
        let mut trainer = LpdTrainer { backbone: Some(trunk()), workers, ..trainer(5) };
        trainer.fit.cache_bytes = cache_bytes;
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let model = pool.install(|| trainer.fit(&normal, &held_out, &mut ())).unwrap();
        model.params().clone()
    };
    let one = fit(1, 0, 1 << 20);
    assert!(one == fit(2, 2, 0), "threads, workers and memory change the weights");

    let folder = tempfile::tempdir().unwrap();
    let mut interrupted = LpdTrainer { backbone: Some(trunk()), ..trainer(5) };
    interrupted.fit.cache_bytes = 1 << 20;
    interrupted.checkpoint = Some(CheckpointConfig { path: folder.path().join("state"), every: 100 });
    // Once in the warm-up, once after it.
    for (stopped, at) in [("warm-up", 1), ("fit", 2)] {
        let mut stop = |event: &Event<'_>| match event {
            Event::Step { stage, step, .. } if *stage == stopped && *step == at => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        assert!(interrupted.fit(&normal, &held_out, &mut stop).is_err());
    }
    let resumed = interrupted.fit(&normal, &held_out, &mut ()).unwrap();
    assert!(*resumed.params() == one, "it does not go on where it was");
}

#[test]
fn both_stages_learn_and_the_file_says_the_same() {
    let (normal, held_out) = (boards(8, 0, Split::Train), boards(4, 0, Split::Test));
    let mut trainer = trainer(30);
    trainer.fit.lr = 0.01;
    let mut losses = Vec::new();
    let mut watch = |event: &Event<'_>| {
        if let Event::Step { loss, health, .. } = event {
            assert_eq!(health.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ["accuracy", "accepted"]);
            losses.push(*loss);
        }
        ControlFlow::Continue(())
    };
    let model = trainer.fit(&normal, &held_out, &mut watch).unwrap();
    assert_eq!(losses.len(), 30);
    assert_eq!(model.config().score, LpdScore::Density);
    let test = boards(2, 2, Split::Test);
    let samples: Vec<Sample> = (0..test.len()).map(|i| test.get(i).unwrap()).collect();
    let views: Vec<_> = samples.iter().map(|sample| sample.image.as_view()).collect();
    let raw = model.raw_scores(&views).unwrap();
    assert!(raw.iter().all(|r| r.score > 0.0 && r.map.len() == 64 * 64 && r.map.iter().all(|&v| v > 0.0)));
    assert!(model.embeddings(&views).unwrap().iter().all(|e| e.len() == 512));
    // Torchvision's names, nothing else: a ResNet without its classifier.
    let backbone = model.backbone();
    assert_eq!(ResNet::of_weights(&backbone).unwrap(), ResNet::ResNet18);
    assert!(backbone.get("layer4.1.bn2.running_var").is_some() && backbone.get("fc.weight").is_none());

    let tuning = FineTuneConfig { iterations: 20, lr: 1e-3, ..FineTuneConfig::after(&trainer.fit) };
    let tuned = trainer.fine_tune(&model, &tuning, &boards(8, 8, Split::Train), &held_out, &mut ()).unwrap();
    assert_eq!(tuned.config().score, LpdScore::Probability);
    let fine_tuned = tuned.provenance().unwrap().fine_tuned.as_ref().unwrap();
    assert_eq!((fine_tuned.normal_images, fine_tuned.anomalous_images), (8, 8));
    let raw = tuned.raw_scores(&views).unwrap();
    assert!(raw.iter().all(|r| (0.0..=1.0).contains(&r.score)));
    let bytes = tuned.to_bytes().unwrap();
    let read = Lpd::from_bytes(&bytes, "memory").unwrap();
    assert_eq!(read.raw_scores(&views).unwrap(), raw);
    assert!(Lpd::from_bytes(&bytes[..bytes.len() / 2], "memory").is_err());
}

#[test]
fn three_classes_and_grad_cam() {
    let (normal, none) = (boards(4, 0, Split::Train), boards(1, 0, Split::Test));
    let mut trainer = trainer(3);
    trainer.config.variant = Variant::ThreeWay;
    trainer.config.map = LpdMap::GradCam;
    let model = trainer.fit(&normal, &none, &mut ()).unwrap();
    assert_eq!(model.params().get("head.fc2.weight").unwrap().shape(), [3, 16, 1, 1]);
    let sample = normal.get(0).unwrap();
    let raw = model.raw_scores(&[sample.image.as_view()]).unwrap().remove(0);
    assert!(raw.map.iter().all(|&v| v >= 0.0));
}

/// The closed form against candle's autograd through pool and head.
#[test]
fn grad_cam_is_what_autograd_gives() {
    let mut trainer = trainer(4);
    // Without smoothing to speak of, so that the map can be compared where pixels lie on locations.
    (trainer.config.map, trainer.config.smoothing) = (LpdMap::GradCam, 1e-3);
    let normal = boards(4, 0, Split::Train);
    let model = trainer.fit(&normal, &boards(1, 0, Split::Test), &mut ()).unwrap();
    let sample = normal.get(1).unwrap();

    let mut b = Builder::new();
    let image = b.input("image", Shape::new(3, 64, 64));
    let last = b.scope("backbone", |b| ResNet::ResNet18.features(b, image, &["layer4"])).unwrap()[0].val;
    b.output("maps", last).unwrap();
    let backbone = CandleNet::new(&b.finish(), model.params(), &Policy::default(), &Device::Cpu).unwrap();
    let mut values = vec![0.0; 3 * 64 * 64];
    model.config().preprocessing.apply(&sample.image.as_view(), &mut values).unwrap();
    let tensor = Tensor::from_vec(values, (1, 3, 64, 64), &Device::Cpu).unwrap();
    let maps = Var::from_tensor(&backbone.eval(&[tensor]).unwrap()[0]).unwrap();

    let mut b = Builder::new();
    let x = b.input("maps", Shape::new(512, 2, 2));
    let x = b.global_avg_pool(x).unwrap();
    let linear = |out| conv(out, 1, 1, 0).with_bias().init(Init::XavierNormal);
    let logit = b
        .scope("head", |b| {
            let x = b.conv2d("fc1", x, linear(16))?;
            let x = b.batch_norm("bn", x)?;
            let x = b.relu(x)?;
            b.conv2d("fc2", x, linear(1))
        })
        .unwrap();
    b.output("logit", logit).unwrap();
    let policy = Policy::from(Treatment::Freeze);
    let mut head = CandleNet::new(&b.finish(), model.params(), &policy, &Device::Cpu).unwrap();
    let logit = head.train(&[maps.as_tensor().clone()], StepKey { seed: 0, step: 0 }).unwrap().remove(0);
    let gradients = logit.sum_all().unwrap().backward().unwrap();
    let weights = gradients.get(&maps).unwrap().mean_keepdim(2).unwrap().mean_keepdim(3).unwrap();
    let cam = maps.as_tensor().broadcast_mul(&weights).unwrap().sum(1).unwrap().relu().unwrap();
    let cam: Vec<f32> = cam.flatten_all().unwrap().to_vec1().unwrap();

    let raw = model.raw_scores(&[sample.image.as_view()]).unwrap().remove(0);
    // Corners of the map are the locations themselves.
    let corners = [0, 63, 63 * 64, 63 * 64 + 63].map(|i| raw.map[i]);
    let largest = cam.iter().copied().fold(0.0, f32::max);
    for (got, expected) in corners.iter().zip(&cam) {
        assert!((got - expected).abs() <= 1e-4 * largest.max(1e-6), "{corners:?} {cam:?}");
    }
}

/// `fixtures/generate.py` has scikit-learn's.
#[test]
fn covariances_are_scikit_learns() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/ledoit_wolf.safetensors");
    let fixture = Params::read(path).unwrap();
    for name in ["many", "few", "flat"] {
        let of = |what: &str| fixture.get(&format!("{name}.{what}")).unwrap();
        let rows = of("rows");
        let dim = rows.shape()[1];
        let gaussian = Gaussian::fit(rows.values(), dim).unwrap();
        let check = |what: &str, got: &[f64], tolerance: f64| {
            let expected = of(what).values();
            let scale = expected.iter().fold(0.0_f64, |m, v| m.max(f64::from(v.abs())));
            assert_eq!(got.len(), expected.len());
            for (got, &expected) in got.iter().zip(expected) {
                let error = (got - f64::from(expected)).abs() / scale;
                assert!(error < tolerance, "{name} {what}: {got} {expected}");
            }
        };
        check("mean", gaussian.mean(), 1e-6);
        check("covariance", gaussian.covariance(), 1e-6);
        check("shrinkage", &[gaussian.shrinkage()], 1e-6);
        let distances: Vec<f64> = rows.values().chunks(dim).map(|row| gaussian.distance(row)).collect();
        check("distances", &distances, 1e-6);
    }
}

#[test]
fn what_cannot_be_trained_on_is_named() {
    let none = boards(0, 0, Split::Train);
    let trainer = trainer(1);
    assert!(matches!(trainer.fit(&none, &none, &mut ()), Err(FitError::NoImages)));
    let bad = boards(0, 2, Split::Train);
    let error = trainer.fit(&bad, &none, &mut ()).unwrap_err().to_string();
    assert!(error.ends_with("is anomalous, expected normal images only"), "{error}");
    let model = trainer.fit(&boards(2, 0, Split::Train), &none, &mut ()).unwrap();
    let tuning = FineTuneConfig::after(&trainer.fit);
    let tune = |data: &SmtBoards| trainer.fine_tune(&model, &tuning, data, &none, &mut ());
    assert!(matches!(tune(&boards(2, 0, Split::Train)), Err(FitError::NoDefects)));
    assert!(matches!(tune(&bad), Err(FitError::NoImages)));
    let mut other = trainer.clone();
    other.config.smoothing = 7.0;
    let refused = other.fine_tune(&model, &tuning, &boards(2, 2, Split::Train), &none, &mut ()).unwrap_err();
    assert!(refused.to_string().ends_with("expected that of the model"), "{refused}");
}
