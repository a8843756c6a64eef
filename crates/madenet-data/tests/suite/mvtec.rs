//! Categories in the layouts of MVTec AD and ManuDefect-21.
#![allow(clippy::unwrap_used)]

use crate::common::{pictures, png, write};
use madenet_data::{Dataset, Error, Label, MvtecAd, Records, Split};

/// Id, defect type and the mask's path below the category, of every sample.
fn listing(records: &Records, dir: &std::path::Path) -> Vec<(String, Option<String>, Option<String>)> {
    let below =
        |path: &std::path::PathBuf| path.strip_prefix(dir).unwrap().to_str().unwrap().replace('\\', "/");
    let entries = records.entries().iter();
    entries
        .map(|entry| (entry.id.clone(), entry.defect_type.clone(), entry.mask.as_ref().map(below)))
        .collect()
}

fn row(id: &str, defect: &str, mask: &str) -> (String, Option<String>, Option<String>) {
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    (id.to_owned(), some(defect), some(mask))
}

#[test]
fn the_layout_of_mvtec_ad() {
    let folder = pictures(&[
        "train/good/001.png",
        "train/good/000.png",
        "test/good/000.png",
        "test/crack/001.png",
        "test/crack/000.png",
        "ground_truth/crack/000_mask.png",
        "test/.ipynb_checkpoints/000.png",
        "test/crack/._000.png",
        "test/readme.png",
    ]);
    let dir = folder.path();
    let train = MvtecAd::open(dir, Split::Train).unwrap();
    assert_eq!(listing(&train, dir), [row("train/good/000.png", "", ""), row("train/good/001.png", "", "")]);

    let test = MvtecAd::open(dir, Split::Test).unwrap();
    let expected = [
        row("test/crack/000.png", "crack", "ground_truth/crack/000_mask.png"),
        row("test/crack/001.png", "crack", ""),
        row("test/good/000.png", "", ""),
    ];
    assert_eq!(listing(&test, dir), expected);
    assert_eq!((test.normal().len(), test.anomalous().len()), (1, 2));

    let sample = test.get(0).unwrap();
    assert_eq!((sample.label, sample.defect_type.as_deref()), (Label::Anomalous, Some("crack")));
    assert_eq!(sample.mask.unwrap().count(), 12);
    assert_eq!(test.get(1).unwrap().mask, None);
    assert_eq!(test.get(2).unwrap().label, Label::Normal);
}

#[test]
fn the_layout_of_manudefect_keeps_the_masks_of_both_parts_apart() {
    let folder = pictures(&[
        "train/good/0.png",
        "train/crack/0.png",
        "train/crack/1.png",
        "test/good/0.png",
        "test/crack/0.png",
        "test/crack/1.png",
        "ground_truth/train/crack/0_mask.png",
        "ground_truth/test/crack/1_mask.png",
    ]);
    let dir = folder.path();
    let expected = [
        row("train/crack/0.png", "crack", "ground_truth/train/crack/0_mask.png"),
        row("train/crack/1.png", "crack", ""),
        row("train/good/0.png", "", ""),
    ];
    assert_eq!(listing(&MvtecAd::open(dir, Split::Train).unwrap(), dir), expected);
    let expected = [
        row("test/crack/0.png", "crack", ""),
        row("test/crack/1.png", "crack", "ground_truth/test/crack/1_mask.png"),
        row("test/good/0.png", "", ""),
    ];
    assert_eq!(listing(&MvtecAd::open(dir, Split::Test).unwrap(), dir), expected);
}

#[test]
fn a_mask_in_common_belongs_to_the_test_image_of_its_name() {
    let folder = pictures(&[
        "train/good/0.png",
        "train/crack/0.png",
        "train/crack/1.png",
        "test/crack/0.png",
        "ground_truth/crack/0_mask.png",
        "ground_truth/crack/1_mask.png",
    ]);
    let dir = folder.path();
    let expected = [
        row("train/crack/0.png", "crack", ""),
        row("train/crack/1.png", "crack", "ground_truth/crack/1_mask.png"),
        row("train/good/0.png", "", ""),
    ];
    assert_eq!(listing(&MvtecAd::open(dir, Split::Train).unwrap(), dir), expected);
    let expected = [row("test/crack/0.png", "crack", "ground_truth/crack/0_mask.png")];
    assert_eq!(listing(&MvtecAd::open(dir, Split::Test).unwrap(), dir), expected);
}

#[test]
fn a_category_may_have_no_test_part() {
    let folder = pictures(&["train/good/0.png"]);
    assert!(!MvtecAd::has_test(folder.path()));
    let error = MvtecAd::open(folder.path(), Split::Test).unwrap_err();
    assert!(matches!(error, Error::MissingFolder { .. }));
    assert!(error.to_string().ends_with(&folder.path().join("test").display().to_string()), "{error}");

    write(folder.path(), "test/good/0.png", &png(1, 1, 0));
    assert!(MvtecAd::has_test(folder.path()));
}

#[test]
fn folders_without_the_needed_pictures_are_errors() {
    let folder = pictures(&["train/crack/0.png"]);
    write(folder.path(), "train/good/notes.txt", b"none yet");
    write(folder.path(), "test/good/notes.txt", b"none yet");
    for (split, path) in [(Split::Train, "train/good"), (Split::Test, "test")] {
        let error = MvtecAd::open(folder.path(), split).unwrap_err();
        assert!(matches!(error, Error::NoImages { .. }), "{error}");
        assert!(error.to_string().ends_with(&folder.path().join(path).display().to_string()), "{error}");
    }
    let error = MvtecAd::open(folder.path().join("typo"), Split::Train).unwrap_err();
    assert!(matches!(error, Error::MissingFolder { .. }), "{error}");
}

#[test]
fn a_mask_of_another_size_is_an_error_that_names_both_files() {
    let folder = pictures(&["test/crack/0.png"]);
    let mask = write(folder.path(), "ground_truth/crack/0_mask.png", &png(3, 4, 255));
    let error = MvtecAd::open(folder.path(), Split::Test).unwrap().get(0).unwrap_err();
    let image = folder.path().join("test/crack/0.png");
    assert_eq!(
        error.to_string(),
        format!(
            "a mask must be as large as its image, or have its proportions where masks are resized: the image has \
             4 x 3 pixels, the mask 3 x 4: {} and {}",
            image.display(),
            mask.display()
        )
    );
}

#[test]
fn a_damaged_mask_is_an_error_that_names_it() {
    let folder = pictures(&["test/crack/0.png"]);
    write(folder.path(), "ground_truth/crack/0_mask.png", b"");
    let error = MvtecAd::open(folder.path(), Split::Test).unwrap().get(0).unwrap_err();
    assert!(matches!(error, Error::Image(madenet_image::Error::EmptyFile { .. })));
    assert!(error.to_string().ends_with("0_mask.png"), "{error}");
}

#[test]
fn holding_out_keeps_every_sample_on_one_side() {
    let names: Vec<String> = (0..20).map(|i| format!("train/good/{i}.png")).collect();
    let folder = pictures(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let all = MvtecAd::open(folder.path(), Split::Train).unwrap();
    let (rest, held_out) = all.hold_out(0.15, 42).unwrap();
    assert_eq!((rest.len(), held_out.len()), (17, 3));
    let mut both = [rest.entries(), held_out.entries()].concat();
    both.sort_by(|a, b| a.id.cmp(&b.id));
    assert_eq!(both, all.entries());
    assert!(matches!(all.hold_out(1.0, 42), Err(Error::Share(_))));
}

#[test]
fn the_reorganised_visa_names_masks_as_their_images() {
    let folder =
        pictures(&["train/good/0.JPG", "test/good/1.JPG", "test/bad/000.JPG", "ground_truth/bad/000.png"]);
    let test = MvtecAd::open(folder.path(), Split::Test).unwrap();
    let expected =
        [row("test/bad/000.JPG", "bad", "ground_truth/bad/000.png"), row("test/good/1.JPG", "", "")];
    assert_eq!(listing(&test, folder.path()), expected);
}

#[test]
fn a_mask_that_is_a_jpeg_is_an_error_where_its_image_is_wanted() {
    let folder = pictures(&[
        "train/good/0.png",
        "train/crack/1.png",
        "test/crack/0.png",
        "test/dent/0.png",
        "ground_truth/crack/0_mask.jpg",
        "ground_truth/crack/1_mask.png",
        "ground_truth/crack/7_mask.jpg",
    ]);
    let jpeg = folder.path().join("ground_truth/crack/0_mask.jpg");
    assert_eq!(
        MvtecAd::open(folder.path(), Split::Test).unwrap_err().to_string(),
        format!("a mask cannot be a JPEG file, expected PNG, BMP or TIFF: {}", jpeg.display())
    );
    assert_eq!(MvtecAd::open(folder.path(), Split::Train).unwrap().len(), 2);
    assert_eq!(MvtecAd::scan(folder.path()).unwrap().records(Split::Test).unwrap().len(), 2);
    // With a mask that is one, the other is not missed.
    write(folder.path(), "ground_truth/crack/0_mask.png", &png(4, 3, 1));
    assert_eq!(MvtecAd::open(folder.path(), Split::Test).unwrap().len(), 2);
}

#[test]
fn a_file_where_a_folder_is_expected_is_an_error() {
    let folder = pictures(&["train/good/0.png", "part.png"]);
    let error = MvtecAd::open(folder.path().join("part.png"), Split::Train).unwrap_err();
    assert!(matches!(error, Error::NotAFolder { .. }), "{error}");
    // No folder, so no part of the layout.
    write(folder.path(), "test", b"");
    assert!(matches!(MvtecAd::open(folder.path(), Split::Test), Err(Error::MissingFolder { .. })));
}

#[test]
fn an_empty_category_is_an_error_that_says_what_is_expected() {
    let folder = pictures(&[]);
    let train = folder.path().join("train");
    let expected = "there is no such folder, expected one category in the layout of MVTec AD with train/good, \
                    test/<defect> and ground_truth: ";
    for error in
        [MvtecAd::open(folder.path(), Split::Train).unwrap_err(), MvtecAd::scan(folder.path()).unwrap_err()]
    {
        assert_eq!(error.to_string(), format!("{expected}{}", train.display()));
    }
}

#[test]
fn a_folder_of_categories_gives_ids_that_begin_with_them() {
    let folder = pictures(&[
        "cup/train/good/0.png",
        "cup/test/chip/0.png",
        "cup/ground_truth/chip/0_mask.png",
        "jar/train/good/0.png",
        "docs/jar.png",
    ]);
    let scan = MvtecAd::scan(folder.path()).unwrap();
    assert_eq!(scan.categories(), ["cup", "jar"]);
    let train = scan.records(Split::Train).unwrap();
    let ids: Vec<(&str, &str)> =
        train.entries().iter().map(|entry| (entry.category.as_str(), entry.id.as_str())).collect();
    assert_eq!(ids, [("cup", "cup/train/good/0.png"), ("jar", "jar/train/good/0.png")]);

    // The test part of those that have one; for a single one it is an error.
    assert_eq!(scan.records(Split::Test).unwrap().len(), 1);
    assert_eq!(scan.records_of("cup", Split::Test).unwrap().get(0).unwrap().mask.unwrap().count(), 12);
    let error = scan.records_of("jar", Split::Test).unwrap_err();
    assert!(matches!(error, Error::MissingFolder { .. }), "{error}");
    let error = scan.records_of("bowl", Split::Test).unwrap_err();
    assert_eq!(error.to_string(), "there is no category \"bowl\", expected one of cup, jar");
}

#[test]
fn one_category_without_good_images_is_an_error_for_the_training_of_all() {
    let folder = pictures(&["cup/train/good/0.png", "jar/test/good/0.png"]);
    std::fs::create_dir_all(folder.path().join("jar/train/good")).unwrap();
    let scan = MvtecAd::scan(folder.path()).unwrap();
    let error = scan.records(Split::Train).unwrap_err();
    assert!(
        error.to_string().ends_with(&folder.path().join("jar/train/good").display().to_string()),
        "{error}"
    );
    assert_eq!(scan.records_of("cup", Split::Train).unwrap().len(), 1);
}
