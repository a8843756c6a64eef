//! Drawn boards as files: read back equal, continued, and never over something else.
#![cfg(feature = "smt")]
#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use madenet_data::smt::{Component, Defect, ManuDefect21Like, SmtBoards, SmtConfig, Written, write_boards};
use madenet_data::{Dataset, Error, MvtecAd, Split};

/// Of four categories, training and test boards.
fn sets() -> Vec<SmtBoards> {
    let set = |component, split| {
        let config = SmtConfig {
            width: 32,
            height: 40,
            normal: 2,
            anomalous: 3,
            defects: [Defect::Missing, Defect::Shift].into(),
            seed: 7,
            ..SmtConfig::new(component)
        };
        SmtBoards::new(config, split).unwrap()
    };
    [Component::Resistor, Component::Soic]
        .into_iter()
        .flat_map(|component| [set(component, Split::Train), set(component, Split::Test)])
        .collect()
}

fn silent(_done: usize, _of: usize) {}

fn assert_written(sets: &[SmtBoards], dir: &Path) {
    for set in sets {
        let category = set.config().component.name();
        let records = MvtecAd::open(dir.join(category), set.split()).unwrap();
        assert_eq!(records.len(), set.len());
        for index in 0..set.len() {
            let drawn = set.get(index).unwrap();
            let place = records.entries().iter().position(|entry| {
                let id = format!("{category}/{}", entry.id.trim_end_matches(".png"));
                id == drawn.id
            });
            let read = records.get(place.unwrap()).unwrap();
            assert_eq!((read.category, read.label), (drawn.category, drawn.label));
            assert_eq!(
                (read.defect_type, read.image, read.mask),
                (drawn.defect_type, drawn.image, drawn.mask)
            );
        }
    }
}

#[test]
fn written_boards_are_read_back_equal() {
    let (sets, folder) = (sets(), tempfile::tempdir().unwrap());
    let (calls, last) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let progress = |done: usize, of: usize| {
        assert_eq!(of, 20);
        calls.fetch_add(1, Ordering::Relaxed);
        last.fetch_max(done, Ordering::Relaxed);
    };
    let counts = write_boards(&sets, folder.path(), progress).unwrap();
    assert_eq!(counts, Written { written: 20, kept: 0 });
    assert_eq!((calls.into_inner(), last.into_inner()), (20, 20));
    assert_written(&sets, folder.path());
    let readme = fs::read_to_string(folder.path().join("README.txt")).unwrap();
    assert!(readme.contains("a stand-in, not ManuDefect-21") && readme.contains("drawing revision "));
    assert!(readme.contains(
        "SOIC test: 2 normal, 3 anomalous, 32 x 40 pixels, designs 1, seed 7, contrast 0, occlusion 0, reflection 0, \
         defects missing shift\n"
    ));
}

#[test]
fn an_interrupted_run_is_continued() {
    let (sets, folder) = (sets(), tempfile::tempdir().unwrap());
    let dir = folder.path();
    write_boards(&sets, dir, silent).unwrap();
    // As if it had stopped before these, once between mask and picture; and somebody has lost a mask.
    fs::remove_dir_all(dir.join("SOIC/train")).unwrap();
    fs::remove_dir_all(dir.join("SOIC/ground_truth/train")).unwrap();
    fs::remove_file(dir.join("RESISTOR/test/shift/0000.png")).unwrap();
    fs::remove_file(dir.join("SOIC/ground_truth/test/shift/0000_mask.png")).unwrap();
    let counts = write_boards(&sets, dir, silent).unwrap();
    assert_eq!(counts, Written { written: 7, kept: 13 });
    assert_written(&sets, dir);
}

#[test]
fn files_that_are_there_are_left_as_they_are() {
    let (sets, folder) = (sets(), tempfile::tempdir().unwrap());
    let dir = folder.path();
    write_boards(&sets, dir, silent).unwrap();
    let (picture, mask) =
        (dir.join("SOIC/test/shift/0000.png"), dir.join("SOIC/ground_truth/test/shift/0000_mask.png"));
    fs::write(&picture, "mine").unwrap();
    fs::remove_file(&mask).unwrap();
    assert_eq!(write_boards(&sets, dir, silent).unwrap(), Written { written: 1, kept: 19 });
    assert!(mask.exists());
    assert_eq!(fs::read(&picture).unwrap(), b"mine");

    // Boards of another revision of the drawing.
    let readme = dir.join("README.txt");
    let other = fs::read_to_string(&readme).unwrap().replace("drawing revision ", "drawing revision 1");
    fs::write(&readme, other).unwrap();
    assert!(matches!(write_boards(&sets, dir, silent), Err(Error::SmtOccupied { path }) if path == dir));
}

#[test]
fn a_recipe_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let readme = folder.path().join("README.txt");
    fs::create_dir(&readme).unwrap();
    let error = write_boards(&sets(), folder.path(), silent).unwrap_err();
    assert!(matches!(&error, Error::ReadFile { path, .. } if *path == readme), "{error}");
}

#[test]
fn folders_of_something_else_are_refused_and_left_alone() {
    let (sets, folder) = (sets(), tempfile::tempdir().unwrap());
    let dir = folder.path();
    fs::write(dir.join("letter.txt"), "Dear").unwrap();
    let error = write_boards(&sets, dir, silent).unwrap_err();
    assert!(matches!(&error, Error::SmtOccupied { path } if path == dir));
    assert_eq!(
        error.to_string(),
        format!(
            "the folder holds something else, expected an empty one or one whose README.txt tells the same recipe: {}",
            dir.display()
        )
    );
    assert_eq!(fs::read_dir(dir).unwrap().count(), 1);

    let other = dir.join("other");
    write_boards(&sets[..1], &other, silent).unwrap();
    assert!(matches!(write_boards(&sets, &other, silent), Err(Error::SmtOccupied { .. })));
    assert!(!other.join("SOIC").exists());

    let file = dir.join("letter.txt");
    assert!(matches!(write_boards(&sets, &file, silent), Err(Error::WriteFile { .. })));
    assert_eq!(fs::read(file).unwrap(), b"Dear");
}

#[test]
fn a_category_cannot_be_written_twice() {
    let folder = tempfile::tempdir().unwrap();
    let twice = [sets(), sets()].concat();
    let error = write_boards(&twice, folder.path(), silent).unwrap_err();
    assert!(matches!(error, Error::SmtSameFiles { component: Component::Resistor, split: Split::Train }));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn the_whole_preset_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let preset = ManuDefect21Like { width: 32, height: 32, scale: 1e-6, ..Default::default() };
    assert_eq!(preset.write_to(folder.path(), silent).unwrap(), Written { written: 186, kept: 0 });
    for component in Component::ALL {
        let test = MvtecAd::open(folder.path().join(component.name()), Split::Test).unwrap();
        assert_eq!((test.normal().len(), test.anomalous().len()), (1, component.defects().len()));
        assert!(test.anomalous().entries().iter().all(|entry| entry.mask.is_some()));
    }
}
