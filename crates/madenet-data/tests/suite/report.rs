//! What a scan says about every file.
#![allow(clippy::unwrap_used)]

use std::path::{Path, PathBuf};

use crate::common::{pictures, png, write};
use madenet_data::{
    Class, Dataset, Error, Ignored, Label, Layout, MvtecAd, Records, Role, Scan, ScanReport, ScanWarning,
    Split, scan,
};

fn role<'a>(report: &'a ScanReport, path: &str) -> &'a Role {
    &report.files().iter().find(|file| file.path == Path::new(path)).unwrap().role
}

fn mask_of(images: &[&str]) -> Role {
    Role::Mask { images: images.iter().map(|&id| id.to_owned()).collect() }
}

#[test]
fn every_file_of_a_category_has_a_role() {
    let files = [
        ("train/good/0.png", None),
        ("train/good/.0.png.swp", Some(Ignored::Hidden)),
        ("train/good/old/0.png", Some(Ignored::OutsideLayout)),
        ("train/1.png", Some(Ignored::OutsideLayout)),
        ("train/good/labels.csv", Some(Ignored::NotAnImage)),
        ("test/crack/0.png", None),
        ("test/crack/.cache", Some(Ignored::Hidden)),
        ("ground_truth/crack/0_mask.png", None),
        ("ground_truth/crack/0.png", Some(Ignored::SecondMask)),
        ("ground_truth/crack/7_mask.png", Some(Ignored::MaskWithoutImage)),
        ("ground_truth/crack/8_mask.jpg", Some(Ignored::MaskFormat)),
        ("ground_truth/dent/0_mask.png", Some(Ignored::MaskWithoutImage)),
        ("ground_truth/good/0_mask.png", Some(Ignored::MaskOfNormal)),
        ("ground_truth/0_mask.png", Some(Ignored::OutsideLayout)),
        ("overview.jpg", Some(Ignored::OutsideLayout)),
        ("docs/0.png", Some(Ignored::OutsideLayout)),
        ("license.txt", Some(Ignored::NotAnImage)),
    ];
    let folder = pictures(&files.map(|(path, _)| path));
    // What lies in a hidden folder is not looked at.
    write(folder.path(), ".git/objects/0.png", b"");
    let scan = scan(folder.path()).unwrap();
    let report = scan.report();
    assert_eq!(report.files().len(), files.len() + 1);
    assert_eq!(role(report, ".git"), &Role::Ignored(Ignored::Hidden));
    for (path, reason) in files {
        if let Some(reason) = reason {
            assert_eq!(role(report, path), &Role::Ignored(reason), "{path}");
        }
    }
    let category = scan.categories()[0].clone();
    let image = |split, label, defect: Option<&str>| Role::Image {
        split,
        class: Class { category: category.clone(), label, defect_type: defect.map(str::to_owned) },
    };
    assert_eq!(role(report, "train/good/0.png"), &image(Split::Train, Label::Normal, None));
    assert_eq!(role(report, "test/crack/0.png"), &image(Split::Test, Label::Anomalous, Some("crack")));
    assert_eq!(role(report, "ground_truth/crack/0_mask.png"), &mask_of(&["test/crack/0.png"]));
}

#[test]
fn the_summary_shows_counts_reasons_and_warnings() {
    let folder = pictures(&[
        "cup/train/good/0.png",
        "cup/train/good/1.png",
        "cup/test/good/0.png",
        "cup/test/chip/0.png",
        "cup/test/chip/1.png",
        "cup/test/scratch/0.png",
        "cup/ground_truth/chip/0_mask.png",
        "cup/ground_truth/chip/5_mask.png",
        "jar/train/good/0.png",
        "lid/train/bent/0.png",
        "lid/test/bent/0.png",
    ]);
    for name in ["cup/license.txt", "jar/license.txt", "lid/license.txt", "readme.md", "docs/a.txt"] {
        write(folder.path(), name, b"");
    }
    let scan = scan(folder.path()).unwrap();
    assert_eq!(
        scan.report().to_string(),
        "\
categories in the layout of MVTec AD
images 9, masks 1, ignored 6

category  split  label      defect type  images  masks
cup       train  normal     -                 2      -
cup       test   normal     -                 1      -
cup       test   anomalous  chip              2      1
cup       test   anomalous  scratch           1      0
jar       train  normal     -                 1      -
lid       train  anomalous  bent              1      0
lid       test   anomalous  bent              1      0

ignored
  masks without an image (1): cup/ground_truth/chip/5_mask.png
  files not named *.png, *.jpg, *.jpeg, *.bmp, *.tif, *.tiff (5): cup/license.txt, docs/a.txt, jar/license.txt, ...

warnings
  docs: not a category, it has neither train nor test
  jar: no test images
  lid: no good images to train on
  lid: no normal test images, so that no ranking can be measured
  cup, test, chip: 1 of 2 anomalous images have no mask
  cup, test, scratch: 1 of 1 anomalous images have no mask
  lid, train, bent: 1 of 1 anomalous images have no mask
  lid, test, bent: 1 of 1 anomalous images have no mask
"
    );
}

#[test]
fn opening_and_scanning_agree() {
    let folder = pictures(&[
        "train/good/0.png",
        "train/crack/0.png",
        "train/crack/1.png",
        "test/good/0.png",
        "test/crack/0.png",
        "test/dent/0.png",
        "ground_truth/crack/0_mask.png",
        "ground_truth/crack/1.png",
        "ground_truth/dent/0_mask.bmp",
    ]);
    let check = |scan: &Scan| {
        for split in [Split::Train, Split::Test] {
            let opened = MvtecAd::open(folder.path(), split).unwrap();
            assert_eq!(scan.records(split).unwrap().entries(), opened.entries());
        }
    };
    let scanned = scan(folder.path()).unwrap();
    check(&scanned);
    assert_eq!(role(scanned.report(), "ground_truth/crack/1.png"), &mask_of(&["train/crack/1.png"]));

    // The same with the masks of both parts apart.
    std::fs::rename(folder.path().join("ground_truth"), folder.path().join("test_masks")).unwrap();
    std::fs::create_dir(folder.path().join("ground_truth")).unwrap();
    std::fs::rename(folder.path().join("test_masks"), folder.path().join("ground_truth/test")).unwrap();
    write(folder.path(), "ground_truth/train/crack/0_mask.png", &png(4, 3, 1));
    let scanned = scan(folder.path()).unwrap();
    check(&scanned);
    assert_eq!(
        role(scanned.report(), "ground_truth/test/crack/1.png"),
        &Role::Ignored(Ignored::MaskWithoutImage)
    );
}

#[test]
fn images_that_differ_in_their_endings_share_a_mask_with_a_warning() {
    let folder = pictures(&["train/good/0.png", "test/good/0.png", "test/crack/0.jpg", "test/crack/0.png"]);
    write(folder.path(), "ground_truth/crack/0_mask.png", &png(4, 3, 1));
    let scan = scan(folder.path()).unwrap();
    let images = ["test/crack/0.jpg", "test/crack/0.png"].map(str::to_owned).to_vec();
    let expected = ScanWarning::SharedMask { mask: "ground_truth/crack/0_mask.png".into(), images };
    assert_eq!(
        expected.to_string(),
        "ground_truth/crack/0_mask.png: one mask for 2 images, test/crack/0.jpg, test/crack/0.png"
    );
    assert_eq!(scan.report().warnings(), [expected]);
    assert_eq!(scan.report().groups()[2].count.with_mask, 2);
}

#[test]
fn the_names_of_parts_are_exact() {
    let folder = pictures(&["Train/good/0.png", "a.png"]);
    assert_eq!(Layout::detect(folder.path()).unwrap(), Layout::Flat);
    assert!(matches!(MvtecAd::scan(folder.path()), Err(Error::MissingFolder { .. })));
    write(folder.path(), "TEST/good/0.png", b"");
    assert!(!MvtecAd::has_test(folder.path()));
}

#[test]
fn opening_one_category_and_scanning_many_hold_out_the_same_files() {
    let names = |category: &str| -> Vec<String> {
        (0..20).map(|i| format!("{category}/train/good/{i}.png")).collect()
    };
    let names = [names("bottle"), names("cup")].concat();
    let folder = pictures(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let files = |records: &Records| -> Vec<PathBuf> {
        records.entries().iter().map(|entry| entry.image.clone()).collect()
    };
    let scan = scan(folder.path()).unwrap();
    let all = scan.records(Split::Train).unwrap().hold_out(0.15, 42).unwrap().1;
    let mut one_by_one = Vec::new();
    for category in ["bottle", "cup"] {
        let opened = MvtecAd::open(folder.path().join(category), Split::Train).unwrap();
        let opened = opened.hold_out(0.15, 42).unwrap().1;
        let of_many = scan.records_of(category, Split::Train).unwrap().hold_out(0.15, 42).unwrap().1;
        assert_eq!((files(&opened), opened.len()), (files(&of_many), 3));
        one_by_one.extend(files(&opened));
    }
    assert_eq!(files(&all), one_by_one);
}

#[test]
fn layouts_are_told_apart() {
    for (files, layout) in [
        (["a.png", "sub/b.png"], Layout::Flat),
        (["a.png", "train/good/b.png"], Layout::Category),
        (["a.png", "cup/test/chip/b.png"], Layout::Categories),
        (["cup/train/good/a.png", "1cls.csv"], Layout::VisA),
        (["cup/train/good/a.png", "split_csv/1cls.csv"], Layout::VisA),
    ] {
        assert_eq!(Layout::detect(pictures(&files).path()).unwrap(), layout, "{files:?}");
    }
}

#[test]
fn an_unknown_layout_is_an_error_that_lists_the_known_ones() {
    let folder = pictures(&["a/b/c.png"]);
    let error = scan(folder.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "no known layout of a data set, expected one of: images directly in the folder; train/good and \
             test/<defect> as in MVTec AD; a folder for each category with these; 1cls.csv or \
             split_csv/1cls.csv as in VisA: {}",
            folder.path().display()
        )
    );
    assert!(matches!(scan(folder.path().join("nowhere")), Err(Error::MissingFolder { .. })));
    assert!(matches!(scan(folder.path().join("a/b/c.png")), Err(Error::NotAFolder { .. })));
}

#[test]
fn nothing_is_looked_at_too_far_down() {
    let deep = ["d"; 20].join("/");
    let folder = pictures(&["train/good/0.png", &format!("{deep}/0.png")]);
    let scan = scan(folder.path()).unwrap();
    assert_eq!(scan.report().ignored()[&Ignored::TooDeep][0].path, Path::new(&["d"; 17].join("/")));
}
