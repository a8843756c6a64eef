//! SFAD from images to verdicts: the same bits in every process, with every number of threads, cached or not.

mod common;

use std::path::Path;
use std::process::Command;

use common::{Outcome, fit, split, stripes, write_category};
use madenet::data::{Dataset, MvtecAd, Split};
use madenet::image::{Channels, ImageView, Mask, Rect};
use madenet::nets::Params;
use madenet::sfad::{Features, FineTuneConfig, FitError, ImageScore, SmoothAt};
use madenet::{
    AnomalyDetector, Event, Fit, FitConfig, Label, Noise, Prediction, Preprocessing, Sfad, SfadConfig,
    Threads, ThresholdRules, evaluate,
};

/// Environment variables that make [`child`] do something.
const FIT_FROM: &str = "MADENET_TEST_FIT_FROM";
const PREDICT_FROM: &str = "MADENET_TEST_PREDICT_FROM";
const OUT: &str = "MADENET_TEST_OUT";

/// Not a test of its own: what another process does for the tests below, in this very program.
#[test]
fn child() -> Outcome {
    let Some(out) = std::env::var_os(OUT) else { return Ok(()) };
    if let Some(folder) = std::env::var_os(FIT_FROM) {
        fit(Path::new(&folder), &FitConfig::tiny())?.save(&out)?;
    }
    if let Some(model) = std::env::var_os(PREDICT_FROM) {
        std::fs::write(&out, said_by(&Sfad::load(model)?)?)?;
    }
    Ok(())
}

fn run_child(threads: &str, variable: &str, from: &Path, out: &Path) -> Outcome {
    let status = Command::new(std::env::current_exe()?)
        .args(["--exact", "child"])
        .env("RAYON_NUM_THREADS", threads)
        .env(variable, from)
        .env(OUT, out)
        .output()?;
    assert!(status.status.success(), "{}", String::from_utf8_lossy(&status.stdout));
    Ok(())
}

/// The bits of all scores and maps on two images.
fn said_by(model: &Sfad) -> Outcome<Vec<u8>> {
    let images = [stripes(300, false), stripes(301, true)];
    let views: Vec<_> = images.iter().map(|i| i.as_view()).collect();
    let mut bits = Vec::new();
    for prediction in model.predict(&views)? {
        let values = prediction.map.values().iter().chain([&prediction.score, &prediction.raw_score]);
        bits.extend(values.flat_map(|v| v.to_bits().to_le_bytes()));
    }
    for raw in model.raw_scores(&views)? {
        bits.extend(raw.map.iter().chain([&raw.score]).flat_map(|v| v.to_bits().to_le_bytes()));
    }
    Ok(bits)
}

#[test]
fn one_seed_is_one_model_whatever_the_threads() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 9)?;
    let models = ["1", "2"].map(|threads| (threads, folder.path().join(threads)));
    for (threads, model) in &models {
        run_child(threads, FIT_FROM, folder.path(), model)?;
    }
    let [one, two] = models.map(|(_, model)| std::fs::read(model));
    let (one, two) = (one?, two?);
    assert!(one == two, "the model files of one and two threads differ");
    let other_seed = fit(folder.path(), &FitConfig { seed: 43, ..FitConfig::tiny() })?;
    assert!(other_seed.to_bytes()? != one);
    Ok(())
}

#[test]
fn a_new_process_says_the_same_bits() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 9)?;
    let model = fit(folder.path(), &FitConfig::tiny())?;
    let (file, out) = (folder.path().join("model"), folder.path().join("said"));
    model.save(&file)?;
    for threads in ["1", "2"] {
        run_child(threads, PREDICT_FROM, &file, &out)?;
        assert!(std::fs::read(&out)? == said_by(&model)?, "{threads} threads");
    }
    assert_eq!(Sfad::load(&file)?.to_bytes()?, std::fs::read(&file)?);
    Ok(())
}

#[test]
fn features_that_are_not_kept_give_the_same_weights() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 9)?;
    for locations in [Some(10), None] {
        let config = FitConfig { locations, iterations: 5, noise: Noise::Relative(0.3), ..FitConfig::tiny() };
        let kept = fit(folder.path(), &config)?;
        let computed = fit(folder.path(), &FitConfig { cache_bytes: 0, ..config })?;
        assert!(kept.params() == computed.params());
        assert_eq!(kept.recipes(), computed.recipes());
    }
    Ok(())
}

#[test]
fn defects_score_higher() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 20)?;
    let model =
        fit(folder.path(), &FitConfig { iterations: 150, noise: Noise::Relative(0.5), ..FitConfig::tiny() })?;
    let report = evaluate(&model, &MvtecAd::open(folder.path(), Split::Test)?)?;
    assert_eq!((report.overall.normal, report.overall.anomalous, report.overall.without_mask), (4, 4, 0));
    assert_eq!(report.overall.image_auroc, Some(1.0), "{report}");
    assert!(
        report.overall.pixel_auroc.is_some()
            && report.overall.pixel_ap.is_some()
            && report.overall.aupro.is_some(),
        "{report}"
    );

    let defective = stripes(400, true);
    let prediction = model.predict_one(&defective.as_view())?;
    assert_eq!((prediction.map.height(), prediction.map.width()), (48, 48));
    assert_eq!(prediction.label, Label::Anomalous);
    assert_eq!((prediction.route.as_str(), model.name()), ("sfad", "sfad"));
    Ok(())
}

/// What random weights make of a defect may well look more normal than normal, so only its place is to be expected: the
/// map changes around the square that is drawn, not elsewhere, mirrored or turned.
#[test]
fn maps_show_the_place() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 9)?;
    let (training, validation) = split(folder.path())?;
    let config = SfadConfig { layers: vec!["layer1".to_string()], ..SfadConfig::tiny() };
    let backbone = common::random_backbone(5)?;
    let model = Sfad::fit(&config, &FitConfig::tiny(), backbone, &training, &validation, &mut ())?;
    let [clean, defective] = [false, true].map(|d| stripes(400, d));
    let raw = model.raw_scores(&[clean.as_view(), defective.as_view()])?;
    let change = |i: usize| f64::from(raw[0].map[i] - raw[1].map[i]).powi(2);
    let all: f64 = (0..64 * 64).map(change).sum();
    let centre =
        |place: fn(usize) -> usize| (0..64 * 64).map(|i| place(i) as f64 * change(i)).sum::<f64>() / all;
    let (x, y) = (centre(|i| i % 64) * 48.0 / 64.0, centre(|i| i / 64) * 48.0 / 64.0);
    assert!((x - 31.0).abs() < 4.0 && (y - 17.0).abs() < 4.0, "({x}, {y})");
    Ok(())
}

#[test]
fn every_variant_trains_and_comes_back() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 6)?;
    let (training, validation) = split(folder.path())?;
    let variants = [
        SfadConfig { features: Features::Concat { upscale: 2 }, ..SfadConfig::tiny() },
        SfadConfig { features: Features::SimpleNet { dim: 100 }, ..SfadConfig::tiny() },
        SfadConfig { smooth_at: SmoothAt::Original, patch: 5, ..SfadConfig::tiny() },
        SfadConfig { image_score: ImageScore::MapTop { share: 0.01 }, ..SfadConfig::tiny() },
    ];
    for config in variants {
        let fit = FitConfig { iterations: 3, ..FitConfig::tiny() };
        let backbone = common::random_backbone(5)?;
        let model = Sfad::fit(&config, &fit, backbone, &training, &validation, &mut ())?;
        let again = Sfad::from_bytes(&model.to_bytes()?, "memory")?;
        assert_eq!(again.config(), &config);
        assert_eq!(again.provenance().map(|p| p.training_images), Some(5));
        assert!(said_by(&again)? == said_by(&model)?);
    }
    Ok(())
}

#[test]
fn observers_see_health_and_can_cancel() -> Outcome {
    use std::ops::ControlFlow::{Break, Continue};
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 6)?;
    let (training, validation) = split(folder.path())?;
    let mut seen = Vec::new();
    let mut observer = |event: &Event<'_>| match event {
        Event::Step { step, of, loss, health, .. } => {
            assert!(loss.is_finite() && *of == 20);
            seen.push((*step, health.iter().map(|(name, _)| *name).collect::<Vec<_>>()));
            if *step == 3 { Break(()) } else { Continue(()) }
        }
        _ => Continue(()),
    };
    let backbone = common::random_backbone(5)?;
    let (config, fit) = (SfadConfig::tiny(), FitConfig::tiny());
    let ended = Sfad::fit(&config, &fit, backbone, &training, &validation, &mut observer);
    assert!(ended.is_err_and(|e| e.to_string().contains("cancelled after step 3")));
    let health = vec!["p_true", "p_fake"];
    assert_eq!(seen, [(1, health.clone()), (2, health.clone()), (3, health)]);
    Ok(())
}

#[test]
fn recipes_change_verdicts_without_training() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 20)?;
    let model =
        fit(folder.path(), &FitConfig { iterations: 150, noise: Noise::Relative(0.5), ..FitConfig::tiny() })?;
    let defective = stripes(400, true);
    let found = model.predict_one(&defective.as_view())?;
    let defect = *found.regions.first().ok_or("the square is not found")?;
    assert!(defect.bounds.contains(31, 17) && found.mask.count() >= defect.area, "{defect:?}");
    assert_eq!(found.annotate(&defective.as_view())?.width(), 48);

    // Nobody's defect where nobody looks; the mask is drawn on a picture of twice the size.
    let half = Mask::rectangle(96, 96, Rect::new(48, 0, 48, 96))?;
    let elsewhere = model.with_recipe(model.recipe().clone().ignore(&half)?)?;
    let unseen = elsewhere.predict_one(&defective.as_view())?;
    assert!(unseen.raw_score < found.raw_score);
    let at = |p: &Prediction| p.map.values()[defect.peak_at.1 * 48 + defect.peak_at.0];
    assert!(defect.peak_at.0 >= 24 && at(&unseen) == 0.0 && at(&found) == defect.peak);
    let here = model.with_recipe(model.recipe().clone().inspect(&half)?)?;
    assert_eq!(here.predict_one(&defective.as_view())?.raw_score, found.raw_score);

    let label = |model: &Sfad| model.predict_one(&defective.as_view()).map(|p| p.label);
    assert_eq!(label(&model)?, Label::Anomalous);
    let lenient = model.recipe().clone().image_threshold(found.raw_score);
    assert_eq!(label(&model.with_recipe(lenient)?)?, Label::Normal);
    let coarse = model.recipe().clone().min_area(48 * 48);
    assert_eq!(label(&model.with_recipe(coarse.clone())?)?, Label::Normal);

    // A category's own recipe, in the one model file.
    let mut recipes = model.recipes().clone();
    recipes.categories.insert("COARSE".to_string(), coarse);
    let both = Sfad::from_bytes(&model.with_recipes(recipes)?.to_bytes()?, "memory")?;
    assert_eq!((label(&both)?, label(&both.for_category("COARSE")?)?), (Label::Anomalous, Label::Normal));
    let changed = both.for_category("COARSE")?.with_recipe(both.recipe().clone())?;
    assert_eq!((label(&changed)?, &changed.recipes().default), (Label::Anomalous, both.recipe()));
    Ok(())
}

#[test]
fn letterboxed_images_are_scored_without_their_bars() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 9)?;
    let (training, validation) = split(folder.path())?;
    let preprocessing = Preprocessing { fit: Fit::Letterbox, ..Preprocessing::imagenet(64, 64) };
    for smooth_at in [SmoothAt::Model, SmoothAt::Original] {
        let config = SfadConfig { preprocessing, smooth_at, ..SfadConfig::tiny() };
        let backbone = common::random_backbone(5)?;
        let model = Sfad::fit(&config, &FitConfig::tiny(), backbone, &training, &validation, &mut ())?;
        let square = stripes(400, false);
        let wide = square.as_view().crop(Rect::new(0, 8, 48, 20))?;
        let raw = &model.raw_scores(&[wide])?[0];
        assert_eq!((raw.width, raw.height), (64, 27));
        let prediction = model.predict_one(&wide)?;
        assert_eq!((prediction.map.width(), prediction.map.height()), (48, 20));
        // A square image has no bars, and is scored as if it were stretched.
        let stretched = SfadConfig { preprocessing: Preprocessing::imagenet(64, 64), ..config };
        let backbone = common::random_backbone(5)?;
        let other = Sfad::fit(&stretched, &FitConfig::tiny(), backbone, &training, &validation, &mut ())?;
        let [a, b] = [&model, &other].map(|m| m.predict_one(&square.as_view()).map(|p| (p.score, p.map)));
        assert!(a? == b?);
    }
    Ok(())
}

#[test]
fn formats_depths_and_thread_budgets_do_not_change_the_bits() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 9)?;
    let model = fit(folder.path(), &FitConfig::tiny())?;
    let image = stripes(300, true);
    let grey: Vec<u8> = image.pixels().iter().copied().step_by(3).collect();
    let padded: Vec<u8> =
        image.pixels().chunks(48 * 3).flat_map(|row| row.iter().chain(&[7; 20])).copied().collect();
    let said = |model: &Sfad, view: &ImageView<'_>| model.predict_one(view).map(|p| (p.score, p.map));
    let expected = said(&model, &image.as_view())?;
    // The stripes are grey, so that all of these are the same picture.
    let views = [
        ImageView::packed(&grey, 48, 48, Channels::Gray)?,
        ImageView::new(&padded, 48, 48, Channels::Bgr, 48 * 3 + 20)?,
    ];
    for view in &views {
        assert!(said(&model, view)? == expected);
    }
    for threads in [1, 2, 3] {
        assert!(said(&model.with_threads(Threads::new(threads)?), &image.as_view())? == expected);
    }
    let budget = Threads::new(1)?;
    let fitted = budget.run(|| fit(folder.path(), &FitConfig::tiny()).map_err(|e| e.to_string()))?;
    assert!(fitted.to_bytes()? == model.to_bytes()?);
    // 16 bits are not rounded to 8 between the passes of the resize: close, but not the same.
    let deep: Vec<u16> = grey.iter().map(|&v| u16::from(v) * 257).collect();
    let deep = model.predict_one(&ImageView::packed(&deep, 48, 48, Channels::Gray)?)?;
    assert!((deep.score - expected.0).abs() < 0.05, "{} {}", deep.score, expected.0);
    Ok(())
}

#[test]
fn thresholds_may_come_from_anomalies() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 20)?;
    let (training, _) = split(folder.path())?;
    let mixed = MvtecAd::open(folder.path(), Split::Test)?;
    let fit = FitConfig {
        iterations: 150,
        noise: Noise::Relative(0.5),
        thresholds: ThresholdRules::f1_max(),
        ..FitConfig::tiny()
    };
    let backbone = common::random_backbone(5)?;
    let model = Sfad::fit(&SfadConfig::tiny(), &fit, backbone, &training, &mixed, &mut ())?;
    for index in 0..mixed.len() {
        let sample = mixed.get(index)?;
        assert_eq!(model.predict_one(&sample.image.as_view())?.label, sample.label, "{}", sample.id);
    }
    Ok(())
}

/// Stage 2 on real defects, which here are those of the test part.
#[test]
fn real_defects_sharpen_a_model() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 9)?;
    let model = fit(folder.path(), &FitConfig::tiny())?;
    let (normal, validation) = split(folder.path())?;
    let mixed = MvtecAd::open(folder.path(), Split::Test)?;
    let tuning = FineTuneConfig {
        iterations: 40,
        lr_adaptor: 1e-3,
        lr_discriminator: 1e-3,
        ..FineTuneConfig::after(&FitConfig::tiny())
    };
    let tuned = model.fine_tune(&tuning, &mixed, &validation, &mut ())?;
    let figures = |model: &Sfad| evaluate(model, &mixed).map(|report| report.overall.pixel_ap);
    let (before, after) = (figures(&model)?.ok_or("no AP")?, figures(&tuned)?.ok_or("no AP")?);
    assert!(after > before && after > 0.5, "{before} {after}");
    let provenance = tuned.provenance().and_then(|p| p.fine_tuned.as_ref()).ok_or("no provenance")?;
    assert_eq!((provenance.normal_images, provenance.anomalous_images), (4, 4));
    let backbone = |model: &Sfad| model.params().get("backbone.conv1.weight").cloned();
    assert_eq!(backbone(&tuned), backbone(&model), "the backbone is frozen");
    assert!(said_by(&tuned)? != said_by(&model)?);
    assert_eq!(said_by(&Sfad::from_bytes(&tuned.to_bytes()?, "tuned")?)?, said_by(&tuned)?);

    // With synthetic ones beside them, and the same again.
    let both = FineTuneConfig { synthetic_share: 0.5, iterations: 5, ..tuning };
    let run =
        || -> Outcome<Params> { Ok(model.fine_tune(&both, &mixed, &validation, &mut ())?.params().clone()) };
    assert!(run()? == run()?);
    let none = model.fine_tune(&both, &normal, &validation, &mut ());
    assert!(matches!(none, Err(FitError::NoDefects)));
    Ok(())
}
