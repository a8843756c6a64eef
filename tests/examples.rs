//! The examples as a user runs them.

mod common;

use std::path::PathBuf;
use std::process::{Command, Output};

use common::{Outcome, write_category};

fn example(name: &str, arguments: &[&std::ffi::OsStr]) -> Outcome<Output> {
    // target/PROFILE/deps/TEST -> target/PROFILE/examples/NAME
    let path: PathBuf = std::env::current_exe()?
        .parent()
        .and_then(|deps| deps.parent())
        .map(|profile| profile.join("examples").join(name).with_extension(std::env::consts::EXE_EXTENSION))
        .ok_or("no target folder")?;
    assert!(path.exists(), "{} is not built: run `cargo build -p madenet --examples` first", path.display());
    Ok(Command::new(path).args(arguments).output()?)
}

#[test]
fn a_folder_becomes_a_model_that_predicts() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 8)?;
    let (model, overlays) = (folder.path().join("model"), folder.path().join("overlays"));
    let trained = example(
        "train_folder",
        &[
            folder.path().as_ref(),
            "--out".as_ref(),
            model.as_ref(),
            "--size".as_ref(),
            "32".as_ref(),
            "--seed".as_ref(),
            "7".as_ref(),
        ],
    )?;
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    assert!(String::from_utf8_lossy(&trained.stdout).contains("image AUROC"));

    let good = folder.path().join("test/good/000.png");
    let square = folder.path().join("test/square/000.png");
    let arguments = [model.as_ref(), good.as_ref(), square.as_ref(), "--overlay".as_ref(), overlays.as_ref()];
    let predicted = example("predict", &arguments)?;
    assert!(predicted.status.success(), "{}", String::from_utf8_lossy(&predicted.stderr));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(predicted.stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(lines.len(), 2);
    for (line, image) in lines.iter().zip([&good, &square]) {
        assert_eq!(line["image"], image.to_string_lossy().as_ref());
        assert!(line["raw_score"].is_f64() && line["score"].is_f64() && line["label"].is_string());
    }
    let overlay = madenet::image::decode(overlays.join("0001_000.png"))?;
    assert_eq!((overlay.width(), overlay.height()), (48, 48));

    let missing = example("predict", &[model.as_ref(), "no/such.png".as_ref(), good.as_ref()])?;
    assert_eq!(missing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&missing.stderr).contains("no/such.png"));
    assert_eq!(String::from_utf8_lossy(&missing.stdout).lines().count(), 1, "the others go on");
    Ok(())
}

#[test]
fn srad_trains_goes_on_and_shows_what_it_sees() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 8)?;
    // Real defects in the training part, for stage 2.
    for (from, to) in [
        ("test/square", "train/square"),
        ("ground_truth/square", "ground_truth/train/square"),
        ("ground_truth/square", "ground_truth/test/square"),
    ] {
        std::fs::create_dir_all(folder.path().join(to))?;
        for file in std::fs::read_dir(folder.path().join(from))? {
            let file = file?;
            std::fs::copy(file.path(), folder.path().join(to).join(file.file_name()))?;
        }
    }
    std::fs::remove_dir_all(folder.path().join("ground_truth/square"))?;
    let (model, picture) = (folder.path().join("model"), folder.path().join("strip.png"));
    let options = ["--preset", "tiny", "--foreground", "none", "--fine-tune", "--out"];
    let mut arguments = vec![folder.path().as_os_str()];
    arguments.extend(options.iter().map(std::ffi::OsStr::new));
    arguments.push(model.as_ref());
    for told in ["stage 1 in", "stage 1 is there"] {
        let trained = example("train_srad", &arguments)?;
        assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
        let said = String::from_utf8_lossy(&trained.stdout).into_owned();
        assert!(said.contains(told) && said.contains("stage 2 in"), "{said}");
        assert_eq!(said.matches("image AUROC").count(), 2, "before and after: {said}");
    }
    let square = folder.path().join("test/square/000.png");
    let predicted = example("predict", &[model.as_ref(), square.as_ref()])?;
    assert!(String::from_utf8_lossy(&predicted.stdout).contains("\"route\":\"srad\""));
    let arguments = [model.as_ref(), folder.path().as_ref(), "--out".as_ref(), picture.as_ref()];
    let drawn = example("reconstruction_strip", &arguments)?;
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
    let strip = madenet::image::decode(picture)?;
    assert_eq!((strip.width(), strip.height()), (4 * 32 + 3 * 2, 8 * 32 + 7 * 2));
    Ok(())
}

#[test]
fn lpd_trains_and_predicts() -> Outcome {
    let folder = tempfile::tempdir()?;
    write_category(folder.path(), 8)?;
    let model = folder.path().join("model");
    let mut arguments = vec![folder.path().as_os_str()];
    arguments.extend(["--preset", "tiny", "--steps", "4", "--out"].map(std::ffi::OsStr::new));
    arguments.push(model.as_ref());
    let trained = example("train_lpd", &arguments)?;
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    assert!(String::from_utf8_lossy(&trained.stdout).contains("image AUROC"));
    assert!(!folder.path().join("model.checkpoint").exists());
    let square = folder.path().join("test/square/000.png");
    let predicted = example("predict", &[model.as_ref(), square.as_ref()])?;
    assert!(String::from_utf8_lossy(&predicted.stdout).contains("\"route\":\"lpd\""));
    Ok(())
}

#[test]
fn an_application_shares_a_detector_between_threads() -> Outcome {
    let ran = example("embed", &[])?;
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
    let lines: Vec<serde_json::Value> =
        String::from_utf8(ran.stdout)?.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(lines.len(), 18);
    for camera in ["mono, 12 bits", "BGR, padded", "RGB"] {
        let of: Vec<_> = lines.iter().filter(|line| line["camera"] == camera).collect();
        assert_eq!(of.len(), 6, "{camera}");
        assert!(of.iter().all(|line| line["verdict"]["score"].is_f64()), "{camera}");
    }
    Ok(())
}
