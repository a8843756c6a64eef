//! SFAD on real photographs with real weights. Minutes, hence ignored; CONTRIBUTING.md has the command.

use madenet::data::{MvtecAd, Split};
use madenet::nets::Params;
use madenet::{FitConfig, Report, Sfad, SfadConfig, evaluate};
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
    let report = evaluate(&model, &MvtecAd::open(&folder, Split::Test)?)?;
    println!("{report}");
    Ok(Some(report))
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
