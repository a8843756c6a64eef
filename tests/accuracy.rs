//! SFAD on real photographs with real weights. Minutes, hence ignored; CONTRIBUTING.md has the command.

use madenet::data::{Dataset, MvtecAd, Split};
use madenet::nets::{Memory, Params};
use madenet::{AnomalyDetector, FitConfig, Report, Sfad, SfadConfig, evaluate};
use madenet_testing::shared;

type Outcome<T = ()> = Result<T, Box<dyn std::error::Error>>;

fn report(category: &str) -> Outcome<Option<Report>> {
    let (Some(folder), Some(weights)) =
        (shared(category), shared("weights/resnet18_imagenet_trunk.safetensors"))
    else {
        return Ok(None);
    };
    let (training, validation) = MvtecAd::open(&folder, Split::Train)?.normal().hold_out(0.15, 42)?;
    let (config, fit) = (SfadConfig::fast(), FitConfig::fast());
    let started = std::time::Instant::now();
    let model = Sfad::fit(&config, &fit, Params::read(weights)?, &training, &validation, &mut ())?;
    println!("{category}: fit in {:.0} s", started.elapsed().as_secs_f64());
    let test = MvtecAd::open(&folder, Split::Test)?;
    labels_do_not_hang_on_the_method(&model, &test)?;
    let report = evaluate(&model, &test)?;
    println!("{report}");
    Ok(Some(report))
}

/// With Winograd's methods and without.
fn labels_do_not_hang_on_the_method(model: &Sfad, test: &impl Dataset) -> Outcome {
    let models = [model.with_memory(Memory::Speed)?, model.with_memory(Memory::Low)?];
    let mut furthest = 0.0_f32;
    for i in 0..test.len() {
        let sample = test.get(i)?;
        let [fast, exact] = models.each_ref().map(|model| model.predict_one(&sample.image.as_view()));
        let (fast, exact) = (fast?, exact?);
        assert_eq!(fast.label, exact.label, "{}: {} and {}", sample.id, fast.score, exact.score);
        furthest = furthest.max((fast.raw_score - exact.raw_score).abs());
    }
    println!(
        "{} labels are the same with and without Winograd, raw scores within {furthest:.1e}",
        test.len()
    );
    Ok(())
}

#[test]
#[ignore = "minutes"]
fn transistor() -> Outcome {
    if let Some(report) = report("data/mvtec_ad/transistor")? {
        assert!(report.overall.image_auroc.is_some_and(|a| a >= 0.978), "{report}");
    }
    Ok(())
}

#[test]
#[ignore = "minutes"]
fn bottle() -> Outcome {
    if let Some(report) = report("data/mvtec_ad/bottle")? {
        assert!(report.overall.image_auroc.is_some_and(|a| a >= 0.995), "{report}");
    }
    Ok(())
}

#[test]
#[ignore = "minutes"]
fn tile() -> Outcome {
    if let Some(report) = report("data/magnetic_tile/tile")? {
        assert!(report.overall.image_auroc.is_some_and(|a| a >= 0.83), "{report}");
    }
    Ok(())
}
