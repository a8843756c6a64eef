//! What hostile, broken and missing input gives: a typed error that says what was expected, never a panic.

mod common;

use common::{Outcome, fit, random_backbone, split, stripes, write_category};
use madenet::candle::{CandleNet, Policy, StepKey};
use madenet::data::{Dataset, Folder, MvtecAd, Split};
use madenet::image::{self, Channels, ImageView};
use madenet::nets::{Builder, Params, Shape};
use madenet::sfad::FitError;
use madenet::{AnomalyDetector, Error, ErrorChain, FitConfig, Sfad, SfadConfig};

/// The error and its causes in one line.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    ErrorChain(error).to_string()
}

#[test]
fn folders() -> Outcome {
    let folder = tempfile::tempdir()?;
    let missing = folder.path().join("nowhere");
    let error = MvtecAd::open(&missing, Split::Train).err().ok_or("a missing folder was opened")?;
    assert!(told(&error).contains("nowhere"), "{}", told(&error));

    std::fs::create_dir_all(folder.path().join("train/good"))?;
    let error = MvtecAd::open(folder.path(), Split::Train).err().ok_or("an empty folder was opened")?;
    assert!(told(&error).contains("good"), "{}", told(&error));
    assert!(Folder::open(folder.path().join("train/good")).is_err());
    Ok(())
}

#[test]
fn images() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 4)?;
    let good = folder.path().join("train/good");
    std::fs::write(good.join("empty.png"), [])?;
    let data = MvtecAd::open(folder.path(), Split::Train)?;
    let errors: Vec<String> = (0..data.len()).filter_map(|i| data.get(i).err()).map(|e| told(&e)).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("empty.png"), "{}", errors[0]);
    // A fit names the image, too.
    let error = fit(folder.path(), &FitConfig::tiny()).err().ok_or("an empty image was trained on")?;
    assert!(told(error.as_ref()).contains("empty.png"), "{}", told(error.as_ref()));

    let jpeg = include_bytes!("fixtures/stripes.jpg");
    assert!(image::decode_bytes(jpeg, "whole.jpg").is_ok());
    let cut = image::decode_bytes(&jpeg[..jpeg.len() / 2], "cut.jpg").err().ok_or("half a JPEG was read")?;
    assert!(told(&cut).contains("cut.jpg"), "{}", told(&cut));
    assert!(ImageView::new(&[0u8; 10], 4, 4, Channels::Gray, 4).is_err());
    Ok(())
}

#[test]
fn model_files() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 4)?;
    let model = fit(folder.path(), &FitConfig { iterations: 2, ..FitConfig::tiny() })?;
    let bytes = model.to_bytes()?;
    let read = |bytes: &[u8]| Sfad::from_bytes(bytes, "model.safetensors");
    assert!(read(&bytes).is_ok());

    let path = folder.path().join("half.safetensors");
    std::fs::write(&path, &bytes[..bytes.len() / 2])?;
    let error = Sfad::load(&path).err().ok_or("half a model was read")?;
    assert!(matches!(error, Error::Net(_)) && told(&error).contains("half.safetensors"), "{}", told(&error));
    assert!(matches!(Sfad::load(folder.path().join("none")), Err(Error::Read { .. })));

    // A header that declares more than the file has.
    let header = br#"{"x":{"dtype":"F32","shape":[32768,32768],"data_offsets":[0,4294967296]}}"#;
    let mut hostile = (header.len() as u64).to_le_bytes().to_vec();
    hostile.extend_from_slice(header);
    assert!(matches!(read(&hostile), Err(Error::Net(madenet::nets::Error::Safetensors { .. }))));
    // A header longer than the file.
    assert!(matches!(read(&u64::MAX.to_le_bytes()), Err(Error::Net(_))));

    // The same file with other weights: rewritten with this model's own header.
    let rewrite = |change: &dyn Fn(&mut Params) -> madenet::nets::Result<()>| -> Outcome<Option<Error>> {
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes)?;
        let entries = metadata.metadata().as_ref().ok_or("no metadata")?;
        let mut params = Params::from_safetensors(&bytes, "memory")?;
        change(&mut params)?;
        let file = params.to_safetensors(Some(("madenet", &entries["madenet"])))?;
        Ok(read(&file).err().map(|error| match error {
            Error::Model { name, source } if name == "model.safetensors" => *source,
            other => other,
        }))
    };
    use madenet::nets::Error as Net;
    let missing = rewrite(&|p| {
        p.remove("adaptor.bias");
        Ok(())
    })?;
    assert!(
        matches!(missing, Some(Error::Net(Net::MissingParam { ref name, .. })) if name == "adaptor.bias")
    );
    let shape = rewrite(&|p| p.insert("adaptor.bias", vec![1], vec![0.0]))?;
    assert!(matches!(shape, Some(Error::Net(Net::ParamShape { ref name, .. })) if name == "adaptor.bias"));
    let unused = rewrite(&|p| p.insert("stray", vec![1], vec![0.0]))?;
    assert!(matches!(unused, Some(Error::Net(Net::UnusedParam { ref name })) if name == "stray"));
    let nan = rewrite(&|p| p.insert("discriminator.bn.bias", vec![64], vec![f32::NAN; 64]))?;
    assert!(matches!(nan, Some(Error::Net(Net::NonFinite { .. }))));
    assert!(rewrite(&|_| Ok(()))?.is_none());
    Ok(())
}

#[test]
fn weights_and_losses() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 6)?;
    let (training, validation) = split(folder.path())?;
    let attempt = |backbone: Params| {
        Sfad::fit(&SfadConfig::tiny(), &FitConfig::tiny(), backbone, &training, &validation, &mut ()).err()
    };
    use madenet::nets::Error as Net;
    let mut weights = random_backbone(1)?;
    weights.remove("layer2.0.conv1.weight");
    let missing = attempt(weights.clone());
    assert!(
        matches!(missing, Some(FitError::Net(Net::MissingParam { ref name, .. })) if name == "backbone.layer2.0.conv1.weight")
    );
    weights.insert("layer2.0.conv1.weight", vec![2, 2], vec![0.0; 4])?;
    assert!(matches!(attempt(weights), Some(FitError::Net(Net::ParamShape { .. }))));

    // Weights that are finite, but not what they make of an image.
    let mut weights = random_backbone(1)?;
    let len = 64 * 3 * 49;
    weights.insert(
        "conv1.weight",
        vec![64, 3, 7, 7],
        (0..len).map(|i| if i % 2 == 0 { 3e38 } else { -2e38 }).collect(),
    )?;
    let error = attempt(weights).ok_or("infinite features were trained on")?;
    assert!(
        matches!(error, FitError::Train(madenet::candle::Error::NonFinite { step: 0, .. })),
        "{}",
        told(&error)
    );

    let none = training.filter(|_| false);
    let error =
        Sfad::fit(&SfadConfig::tiny(), &FitConfig::tiny(), random_backbone(1)?, &none, &none, &mut ());
    assert!(matches!(error, Err(FitError::NoImages)));
    let test = MvtecAd::open(folder.path(), Split::Test)?;
    let error =
        Sfad::fit(&SfadConfig::tiny(), &FitConfig::tiny(), random_backbone(1)?, &test, &none, &mut ());
    assert!(matches!(error, Err(FitError::Anomalous { ref id }) if id.starts_with("test/square")));
    Ok(())
}

#[test]
fn one_value_per_channel_cannot_be_normalised_in_training() -> Outcome {
    let mut b = Builder::new();
    let x = b.input("x", Shape::new(3, 1, 1));
    let y = b.scope("head", |b| b.batch_norm("bn", x))?;
    b.output("y", y)?;
    let net = b.finish();
    let device = candle_core::Device::Cpu;
    let mut net = CandleNet::new(&net, &Params::init(&net, 0), &Policy::default(), &device)?;
    let x = candle_core::Tensor::ones((1, 3, 1, 1), candle_core::DType::F32, &device)?;
    let error = net.train(&[x], StepKey { seed: 0, step: 0 }).err().ok_or("trained on one value")?;
    assert!(matches!(&error, madenet::candle::Error::OneValue { layer } if layer == "head.bn"));
    Ok(())
}

#[test]
fn odd_sizes_are_no_problem() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 4)?;
    let model = fit(folder.path(), &FitConfig { iterations: 2, ..FitConfig::tiny() })?;
    let line = vec![7u8; 500];
    for (width, height) in [(1, 1), (500, 1), (1, 500), (7, 13)] {
        let view = ImageView::packed(&line[..width * height], width, height, Channels::Gray)?;
        let prediction = model.predict_one(&view)?;
        assert_eq!((prediction.map.width(), prediction.map.height()), (width, height));
        assert!((0.0..=1.0).contains(&prediction.score));
    }
    assert!(model.predict(&[])?.is_empty());
    assert!(model.predict_one(&stripes(0, false).as_view()).is_ok());
    Ok(())
}
