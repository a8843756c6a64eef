//! The table of docs/errors.md: what users get wrong, and what they are told. Every line is made by doing it.
//!
//! `MADENET_WRITE_DOCS=1 cargo test -p madenet --test errors` writes the page anew.

mod common;

use std::path::Path;

use common::{Outcome, fit, random_backbone, split, stripes, write_category};
use madenet::data::smt::{Component, Defect, SmtBoards, SmtConfig};
use madenet::data::{Dataset, Folder, MvtecAd, Split, VisA, scan};
use madenet::image::{self, Channels, DecodeLimits, Filter, ImageView, Mask, Rect, save_png};
use madenet::nets::{BackboneSource, Params};
use madenet::srad::FineTuneConfig;
use madenet::synth::{Foreground, SynthesisConfig, Synthesizer, Textures};
use madenet::{
    AnomalyDetector, AnomalyMap, Calibration, ErrorChain, FitConfig, Preprocessing, RawScores, Recipe, Scale,
    Sfad, SfadConfig, SradConfig, SradFitConfig, SradTrainer, Threads, ThresholdRule,
};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors.md");

/// The lines of a table.
#[derive(Default)]
struct Table {
    folder: String,
    lines: Vec<(String, String)>,
}

impl Table {
    /// What was done, and how it must have failed.
    fn line<T, E: std::error::Error + 'static>(&mut self, done: &str, result: Result<T, E>) {
        let said = match result {
            Ok(_) => panic!("{done}: no error"),
            Err(error) => ErrorChain(&error).to_string().replace(&self.folder, "DIR"),
        };
        assert!(said.len() > 15 && !said.contains("panicked"), "{done}: {said}");
        self.lines.push((done.to_string(), said));
    }

    fn to_markdown(&self, title: &str) -> String {
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let lines = self.lines.iter().map(|(done, said)| format!("| {} | {} |\n", cell(done), cell(said)));
        format!("## {title}\n\n| input | message |\n|---|---|\n{}\n", lines.collect::<String>())
    }
}

#[test]
fn every_bad_input_has_a_message_that_docs_show() -> Outcome {
    let folder = tempfile::tempdir()?;
    let dir = folder.path();
    let table = || Table { folder: dir.display().to_string(), ..Table::default() };
    let mut page = String::from(
        "# Errors\n\nWhat bad input gives: a typed error, never a panic, and what was on disk before is still there. This page is\n\
         written by `MADENET_WRITE_DOCS=1 cargo test -p madenet --test errors`, which does each of these things; `DIR` stands\n\
         for a folder, and `ErrorChain` displays an error with its causes.\n\n",
    );
    let mut total = 0;
    for (title, fill) in SECTIONS {
        let mut table = table();
        fill(&mut table, dir)?;
        total += table.lines.len();
        page += &table.to_markdown(title);
    }
    let page = page.trim_end().to_string() + "\n";
    assert!(total >= 25, "{total} lines");
    if std::env::var_os("MADENET_WRITE_DOCS").is_some() {
        std::fs::write(PAGE, &page)?;
    }
    // The packaged crate has no docs folder, and other systems have other words for what went wrong.
    if cfg!(unix) && Path::new(PAGE).exists() {
        assert!(
            std::fs::read_to_string(PAGE)? == page,
            "docs/errors.md is not what the errors say: write it anew"
        );
    }
    Ok(())
}

type Fill = fn(&mut Table, &Path) -> Outcome;

const SECTIONS: [(&str, Fill); 8] = [
    ("Image files", image_files),
    ("Frames in memory", frames),
    ("Data sets", data_sets),
    ("Weight files", weight_files),
    ("Model files", model_files),
    ("Configurations and recipes", settings),
    ("Scores and thresholds", scores),
    ("Synthetic anomalies and SRAD", synthesis),
];

fn image_files(table: &mut Table, dir: &Path) -> Outcome {
    table.line("a file that is not there", image::decode(dir.join("nowhere.png")));
    table.line("a folder for a file", image::decode(dir));
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.join(name);
        std::fs::write(&path, bytes).map(|()| path)
    };
    table.line("a file of 0 bytes", image::decode(write("empty.png", &[])?));
    table.line("text renamed to .png", image::decode(write("notes.png", b"not a picture")?));
    table.line("a GIF", image::decode(write("moving.gif", b"GIF89a\x01\0\x01\0\0\0\0;")?));
    let png = image::encode_png(&stripes(0, false))?;
    table.line("half a PNG", image::decode(write("half.png", &png[..png.len() / 2])?));
    let jpeg = include_bytes!("fixtures/stripes.jpg");
    table.line("half a JPEG", image::decode(write("half.jpg", &jpeg[..jpeg.len() / 2])?));
    let mut bomb = png.clone();
    // The header's width and height, 100,000 each, and its checksum.
    bomb[16..24].copy_from_slice(&[0, 1, 0x86, 0xA0, 0, 1, 0x86, 0xA0]);
    let sum = crc32fast::hash(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&sum);
    table.line("a PNG that announces 100,000 x 100,000 pixels", image::decode(write("bomb.png", &bomb)?));
    let small = DecodeLimits { max_file_bytes: 64, ..DecodeLimits::default() };
    table.line("a file larger than the limit", image::decode_with(write("large.png", &png)?, &small));
    table.line("a JPEG as a mask", image::decode_mask(write("mask.jpg", jpeg)?));
    let picture = stripes(0, false);
    table.line("a picture to write where there is no folder", save_png(&picture, dir.join("none/a.png")));
    Ok(())
}

fn frames(table: &mut Table, _: &Path) -> Outcome {
    table.line("no pixels", ImageView::packed::<u8>(&[], 0, 480, Channels::Gray));
    table.line("a short buffer", ImageView::packed(&[0_u8; 100], 16, 16, Channels::Bgr));
    table.line("a stride below the row", ImageView::new(&[0_u8; 1000], 16, 2, Channels::Rgb, 40));
    table.line("a size beyond memory", ImageView::packed(&[0_u8; 4], usize::MAX, 2, Channels::Gray));
    table.line("floats of 0 to 255", ImageView::packed(&[0.5_f32, 130.0], 2, 1, Channels::Gray));
    table.line("NaN among floats", ImageView::packed(&[0.5, f32::NAN], 2, 1, Channels::Gray));
    let words = [0_u16; 4];
    let view = ImageView::packed(&words, 2, 2, Channels::Gray)?;
    table.line("17 bits in 16", view.with_bit_depth(17));
    table.line("a crop that leaves the picture", view.crop(Rect::new(1, 1, 2, 1)));
    table.line("a resize to nothing", image::resize(&view, 0, 8, Filter::Bilinear));
    let map = AnomalyMap::new(1, 1, vec![0.3])?;
    table.line("an overlay over another picture", map.overlay(&view, image::Colormap::Viridis, 0.5));
    Ok(())
}

fn data_sets(table: &mut Table, dir: &Path) -> Outcome {
    table.line("a data set that is not there", MvtecAd::open(dir.join("nowhere"), Split::Train));
    let bare = dir.join("bare");
    std::fs::create_dir_all(bare.join("train/good"))?;
    table.line("a category without good images", MvtecAd::open(&bare, Split::Train));
    table.line("a folder without images", Folder::open(bare.join("train/good")));
    std::fs::create_dir_all(dir.join("unlike/a/b"))?;
    table.line("a folder of no known layout", scan(dir.join("unlike")));
    tables(table, dir)?;
    let data = dir.join("data");
    write_category(&data, 4)?;
    std::fs::write(data.join("train/good/000.png"), [])?;
    table.line("an image of 0 bytes among good ones", fit(&data, &FitConfig::tiny()).map_err(Told));
    write_category(&data, 4)?;
    let mask = image::Image::new(2, 2, vec![255; 12])?;
    save_png(&mask, data.join("ground_truth/square/000_mask.png"))?;
    let test = MvtecAd::open(&data, Split::Test)?;
    let wrong = (0..test.len()).find_map(|i| test.get(i).err()).map_or(Ok(()), Err);
    table.line("a mask of another size", wrong);
    table.line("a sample beyond the end", test.get(1000));
    let train = MvtecAd::open(&data, Split::Train)?;
    table.line("a share of more than everything", train.hold_out(1.5, 0));
    let none = train.filter(|_| false);
    let tiny = (SfadConfig::tiny(), FitConfig::tiny());
    let with = |data: &dyn Dataset| {
        Sfad::fit(&tiny.0, &tiny.1, random_backbone(1)?, data, &none, &mut ()).map_err(Told::from)
    };
    table.line("nothing to train on", with(&none));
    table.line("defects to train on", with(&test.filter(|e| e.id.contains("square/001"))));
    let elsewhere = [Defect::Bridge].into();
    let board = SmtConfig { anomalous: 1, defects: elsewhere, ..SmtConfig::new(Component::Resistor) };
    table.line("a defect that a component cannot have", SmtBoards::new(board, Split::Test));
    let board = SmtConfig { width: 8, height: 64, normal: 1, ..SmtConfig::new(Component::Soic) };
    table.line("procedural boards of 8 pixels", SmtBoards::new(board, Split::Train));
    Ok(())
}

/// VisA's table of files, damaged in one way each.
fn tables(table: &mut Table, dir: &Path) -> Outcome {
    let root = dir.join("visa");
    std::fs::create_dir_all(&root)?;
    save_png(&stripes(0, false), root.join("a.png"))?;
    for (what, rows) in [
        ("a table of other columns", "image,label\na.png,normal\n"),
        ("a row of too few fields", "object,split,label,image,mask\ncandle,train,normal\n"),
        ("an unknown label", "object,split,label,image,mask\ncandle,train,fine,a.png,\n"),
        ("a row without its image", "object,split,label,image,mask\ncandle,train,normal,b.png,\n"),
        ("a path out of the data set", "object,split,label,image,mask\ncandle,train,normal,../a.png,\n"),
        ("an absolute path", "object,split,label,image,mask\ncandle,train,normal,/a.png,\n"),
    ] {
        std::fs::write(root.join("1cls.csv"), rows)?;
        table.line(what, VisA::open(&root, "candle", Split::Train));
    }
    std::fs::write(root.join("1cls.csv"), "object,split,label,image,mask\ncandle,train,normal,a.png,\n")?;
    table.line("an unknown category", VisA::open(&root, "cable", Split::Train));
    std::fs::write(root.join("a.png"), [])?;
    table.line("not one readable picture", VisA::open(&root, "candle", Split::Train)?.quarantine(1));
    Ok(())
}

/// An error of any kind.
#[derive(Debug)]
struct Told(Box<dyn std::error::Error>);

impl std::fmt::Display for Told {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Told {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

impl From<Box<dyn std::error::Error>> for Told {
    fn from(error: Box<dyn std::error::Error>) -> Self {
        Told(error)
    }
}

impl From<madenet::sfad::FitError> for Told {
    fn from(error: madenet::sfad::FitError) -> Self {
        Told(Box::new(error))
    }
}

fn weight_files(table: &mut Table, dir: &Path) -> Outcome {
    table.line("weights that are not there", Params::read(dir.join("nowhere.safetensors")));
    let bytes = random_backbone(1)?.to_safetensors(None)?;
    let half = dir.join("half.safetensors");
    std::fs::write(&half, &bytes[..bytes.len() / 2])?;
    table.line("half a weight file", Params::read(&half));
    let header = br#"{"x":{"dtype":"F32","shape":[32768,32768],"data_offsets":[0,4294967296]}}"#;
    let mut hostile = (header.len() as u64).to_le_bytes().to_vec();
    hostile.extend_from_slice(header);
    table.line("4 GiB announced in 80 bytes", Params::from_safetensors(&hostile, "announced.safetensors"));
    let load = |source: &str| source.parse::<BackboneSource>().and_then(|source| source.load());
    table.line("a .pth file for a backbone", load("resnet18.pth"));
    table.line("a backbone that there is not", load("scratch:vgg16"));
    table.line("an empty source", load(""));
    let data = dir.join("data");
    let (training, validation) = split(&data)?;
    let attempt = |backbone: Params| {
        Sfad::fit(&SfadConfig::tiny(), &FitConfig::tiny(), backbone, &training, &validation, &mut ())
    };
    let mut weights = random_backbone(1)?;
    weights.remove("layer2.0.conv1.weight");
    table.line("weights that lack a tensor", attempt(weights.clone()));
    weights.insert("layer2.0.conv1.weight", vec![2, 2], vec![0.0; 4])?;
    table.line("a tensor of another shape", attempt(weights.clone()));
    weights.insert("layer2.0.conv1.weight", vec![128, 64, 3, 3], vec![f32::NAN; 128 * 64 * 9])?;
    table.line("a tensor of NaN", attempt(weights));
    Ok(())
}

fn model_files(table: &mut Table, dir: &Path) -> Outcome {
    let data = dir.join("data");
    let model = fit(&data, &FitConfig { iterations: 1, ..FitConfig::tiny() })?;
    let bytes = model.to_bytes()?;
    let read = |bytes: &[u8]| Sfad::from_bytes(bytes, "board.model");
    table.line("a model that is not there", Sfad::load(dir.join("nowhere.model")));
    table.line("half a model", read(&bytes[..bytes.len() / 2]));
    table.line("a weight file for a model", read(&random_backbone(1)?.to_safetensors(None)?));
    let header = {
        let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes)?;
        metadata.metadata().as_ref().and_then(|m| m.get("madenet")).ok_or("no header")?.clone()
    };
    let params = Params::from_safetensors(&bytes, "memory")?;
    let with_header = |from: &str, to: &str| {
        assert!(header.contains(from), "{from} is not in {header}");
        params.to_safetensors(Some(("madenet", &header.replacen(from, to, 1))))
    };
    table.line("a later format", read(&with_header("\"format\":2", "\"format\":9")?));
    table.line("a model of another kind", read(&with_header("\"kind\":\"sfad\"", "\"kind\":\"srad\"")?));
    table.line("a header that is no JSON", read(&with_header("{", "")?));
    table.line("an unknown field", read(&with_header("\"patch\"", "\"batch\"")?));
    table.line("a field out of range", read(&with_header("\"patch\":3", "\"patch\":4")?));
    table.line("a hidden layer of 10^12", read(&with_header("\"hidden\":64", "\"hidden\":1000000000000")?));
    let with_weights = |change: &dyn Fn(&mut Params) -> madenet::nets::Result<()>| {
        let mut changed = params.clone();
        change(&mut changed)?;
        changed.to_safetensors(Some(("madenet", &header)))
    };
    let missing = with_weights(&|p| {
        p.remove("adaptor.bias");
        Ok(())
    })?;
    table.line("a model that lacks a tensor", read(&missing));
    table.line("a tensor too many", read(&with_weights(&|p| p.insert("stray", vec![1], vec![0.0]))?));
    table.line(
        "a tensor of another shape",
        read(&with_weights(&|p| p.insert("adaptor.bias", vec![1], vec![0.0]))?),
    );
    let nan = with_weights(&|p| p.insert("discriminator.bn.bias", vec![64], vec![f32::NAN; 64]))?;
    table.line("NaN among the weights", read(&nan));
    table.line("a model to save where there is no folder", model.save(dir.join("none/board.model")));
    table.line("a category without a recipe", model.for_category("DIODE"));
    Ok(())
}

fn settings(table: &mut Table, dir: &Path) -> Outcome {
    let fast = SfadConfig::fast();
    table.line(
        "a backbone that there is not",
        SfadConfig { backbone: "vgg16".into(), ..fast.clone() }.validate(),
    );
    table.line("no layers", SfadConfig { layers: vec![], ..fast.clone() }.validate());
    table.line("an input of no size", Preprocessing::imagenet(0, 256).validate());
    let dark = Preprocessing { std: [0.0; 3], ..Preprocessing::imagenet(256, 256) };
    table.line("a deviation of 0", dark.validate());
    table.line("no training steps", FitConfig { iterations: 0, ..FitConfig::fast() }.validate());
    table.line("no threads", Threads::new(0));
    table.line("a mask of another size in a recipe", {
        let scale = Scale { median: 0.0, threshold: 1.0 };
        let recipe = Recipe::new(Calibration { image: scale, pixel: scale });
        let recipe = recipe.inspect(&Mask::rectangle(64, 64, Rect::new(0, 0, 8, 8))?)?;
        recipe.ignore(&Mask::rectangle(32, 32, Rect::new(0, 0, 8, 8))?)
    });
    let model = fit(&dir.join("data"), &FitConfig { iterations: 1, ..FitConfig::tiny() })?;
    let nothing = model.recipe().clone().ignore(&Mask::new(1, 1, vec![true])?)?;
    table.line("a recipe that inspects nothing", model.with_recipe(nothing));
    let nowhere = model.recipe().clone().image_threshold(f32::NAN);
    table.line("a threshold of NaN", model.with_recipe(nowhere));
    Ok(())
}

fn scores(table: &mut Table, dir: &Path) -> Outcome {
    let normals = [0.1, 0.2, 0.3];
    let of = |scores: &[f32], rule| Scale::from_scores("images", scores, &vec![false; scores.len()], rule);
    table.line("nothing to calibrate on", of(&[], ThresholdRule::Quantile(0.995)));
    table.line("a score of NaN", of(&[f32::NAN], ThresholdRule::Quantile(0.995)));
    table.line("a quantile of 2", of(&normals, ThresholdRule::Quantile(2.0)));
    table.line(
        "a false positive rate of 1 % from 3 images",
        of(&normals, ThresholdRule::FalsePositiveRate(0.01)),
    );
    table.line("F1-max without anomalies", of(&normals, ThresholdRule::F1Max));
    let raw = RawScores { score: 0.0, height: 2, width: 2, map: vec![0.0; 3] };
    let model = fit(&dir.join("data"), &FitConfig { iterations: 1, ..FitConfig::tiny() })?;
    table.line("a map of another size", model.recipe().prediction("sfad", &raw, (4, 4)));
    table.line("a map with values beyond 1", AnomalyMap::new(1, 1, vec![1.5]));
    assert!(model.predict(&[])?.is_empty());
    Ok(())
}

fn synthesis(table: &mut Table, dir: &Path) -> Outcome {
    let textures = |dir: &Path| Textures::open(dir, 64, 64);
    table.line("textures that are not there", textures(&dir.join("dtd")));
    let dtd = dir.join("textures");
    std::fs::create_dir_all(dtd.join("images/banded"))?;
    table.line("a folder without textures", textures(&dtd));
    std::fs::write(dtd.join("images/banded/banded_0001.jpg"), b"not a picture")?;
    table.line("a damaged texture", textures(&dtd)?.preload());
    let config = SynthesisConfig { foreground: Foreground::None, ..SynthesisConfig::default() };
    let bad = SynthesisConfig { opacity: [0.5, f32::NAN], ..config.clone() };
    table.line("an opacity that is no number", Synthesizer::new(bad, Textures::none()));
    table.line(
        "textures to be drawn where there are none",
        Synthesizer::new(config.clone(), Textures::none()),
    );
    let structural = SynthesisConfig { structural_share: 1.0, ..config };
    let synthesizer = Synthesizer::new(structural.clone(), Textures::none())?;
    let odd = image::resize(&stripes(0, false).as_view(), 50, 48, Filter::Bilinear)?.to_rgb();
    table.line("8 x 8 cells of a picture 50 wide", synthesizer.synthesize(&odd, None, 0, 0, 0));
    let files = Foreground::Files { dir: dir.join("fg_mask") };
    table.line("a foreground file that is not there", files.mask(&odd, "good/000.png"));

    let folder = dir.join("srad");
    write_category(&folder, 2)?;
    let train = MvtecAd::open(&folder, Split::Train)?;
    let test = MvtecAd::open(&folder, Split::Test)?;
    let mut trainer = SradTrainer::new(SradConfig::tiny(), SradFitConfig::tiny(), synthesizer);
    trainer.fit.iterations = 1;
    table.line("anomalous images to fit to", trainer.fit(&test, &train, &mut ()));
    let model = trainer.fit(&train, &train, &mut ())?;
    let tuning = FineTuneConfig::after(&trainer.fit);
    table.line("no defects to tune with", trainer.fine_tune(&model, &tuning, &train, &train, &mut ()));
    trainer.config.segmentation_width = 0;
    table.line("a U-Net without channels", trainer.fit(&train, &train, &mut ()));
    trainer.config = SradConfig { encoder: "hrnet_w31".to_string(), ..SradConfig::tiny() };
    table.line("an encoder that does not exist", trainer.fit(&train, &train, &mut ()));
    trainer.config = SradConfig::tiny();
    trainer.encoder = Some(random_backbone(1)?);
    table.line("a ResNet's weights for an HRNet", trainer.fit(&train, &train, &mut ()));
    let path = dir.join("reconstruction.model");
    model.save(&path)?;
    table.line("a model of SRAD where one of SFAD is expected", Sfad::load(&path));
    Ok(())
}
