//! Links, and other things that only Unix has.
#![cfg(unix)]
#![allow(clippy::unwrap_used)]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use crate::common::{pictures, write};
use madenet_data::{Dataset, Error, Folder, Ignored, MvtecAd, Role, ScanReport, Split, scan};

fn role<'a>(report: &'a ScanReport, path: &str) -> &'a Role {
    &report.files().iter().find(|file| file.path == Path::new(path)).unwrap().role
}

#[test]
fn links_are_followed_but_never_in_a_circle() {
    let elsewhere = pictures(&["0.png", "more/1.png"]);
    let folder = pictures(&["train/good/0.png", "test/good/0.png", "test/chip/0.png"]);
    let link = |to: &Path, name: &str| symlink(to, folder.path().join(name)).unwrap();
    // Into the layout, from outside: an image and a whole type of defect.
    link(&elsewhere.path().join("0.png"), "train/good/linked.png");
    link(&elsewhere.path().join("more"), "test/dent");
    // Circles: to the category from within, and to itself.
    link(folder.path(), "test/again");
    link(Path::new("."), "train/good/itself");
    link(Path::new("nowhere.png"), "test/chip/lost.png");
    link(Path::new("mutual.png"), "test/chip/mutual.png");

    let scan = scan(folder.path()).unwrap();
    let ids = |split| -> Vec<String> {
        scan.records(split).unwrap().entries().iter().map(|entry| entry.id.clone()).collect()
    };
    assert_eq!(ids(Split::Train), ["train/good/0.png", "train/good/linked.png"]);
    assert_eq!(ids(Split::Test), ["test/chip/0.png", "test/dent/1.png", "test/good/0.png"]);
    for (path, reason) in [
        ("test/again", Ignored::LinkLoop),
        ("train/good/itself", Ignored::LinkLoop),
        ("test/chip/lost.png", Ignored::BrokenLink),
        ("test/chip/mutual.png", Ignored::LinkLoop),
    ] {
        assert_eq!(role(scan.report(), path), &Role::Ignored(reason), "{path}");
    }
    // Opening has no report to tell of them.
    let opened = |split| MvtecAd::open(folder.path(), split);
    assert_eq!(opened(Split::Train).unwrap().len(), 2);
    assert!(matches!(opened(Split::Test), Err(Error::BrokenLink { .. })));
    for name in ["lost.png", "mutual.png"] {
        std::fs::remove_file(folder.path().join("test/chip").join(name)).unwrap();
    }
    assert_eq!(ids(Split::Test).len(), opened(Split::Test).unwrap().len());
}

#[test]
fn opening_names_a_picture_that_is_a_broken_link() {
    let folder = pictures(&["train/good/0.png", "notes/0.png"]);
    let link = folder.path().join("train/good/7.png");
    symlink("../../.git/annex/objects/7.png", &link).unwrap();
    for error in [
        MvtecAd::open(folder.path(), Split::Train).unwrap_err(),
        Folder::open(folder.path().join("train/good")).unwrap_err(),
    ] {
        let error = error.to_string();
        let expected = "cannot follow a link to a picture (is the data set complete?): ";
        assert!(error.starts_with(expected) && error.ends_with(&link.display().to_string()), "{error}");
    }
    // What is no picture is not missed.
    std::fs::remove_file(link).unwrap();
    symlink("nowhere", folder.path().join("train/good/readme.txt")).unwrap();
    symlink("nowhere", folder.path().join("license")).unwrap();
    assert_eq!(MvtecAd::open(folder.path(), Split::Train).unwrap().len(), 1);
    let scan = scan(folder.path()).unwrap();
    let lines: Vec<String> =
        scan.report().ignored()[&Ignored::BrokenLink].iter().map(|file| file.to_string()).collect();
    assert_eq!(
        lines,
        [
            "license: ignored, a link that cannot be followed",
            "train/good/readme.txt: ignored, a link that cannot be followed"
        ]
    );
}

#[test]
fn a_category_has_the_name_of_the_link_that_leads_to_it() {
    let elsewhere = pictures(&["train/good/0.png", "test/good/0.png"]);
    let sets = pictures(&[]);
    let link = sets.path().join("bottle");
    symlink(elsewhere.path(), &link).unwrap();
    let opened = MvtecAd::open(&link, Split::Train).unwrap();
    let flat = Folder::open(link.join("train/good")).unwrap();
    let many = scan(sets.path()).unwrap().records(Split::Train).unwrap();
    let names = [&opened, &many, &flat].map(|records| records.entries()[0].category.clone());
    assert_eq!(names, ["bottle", "bottle", "good"]);
    assert_eq!(scan(&link).unwrap().categories(), ["bottle"]);
    // A path that ends in no name has that of the folder itself.
    let real = elsewhere.path().canonicalize().unwrap();
    let up = MvtecAd::open(link.join("train/.."), Split::Train).unwrap();
    assert_eq!(up.entries()[0].category, real.file_name().unwrap().to_str().unwrap());
}

#[test]
fn a_folder_of_many_categories_may_have_any_name() {
    let outer = pictures(&[]);
    let folder = outer.path().join(OsStr::from_bytes(b"\xFF"));
    if std::fs::create_dir(&folder).is_err() {
        return; // The file system has no such names.
    }
    write(&folder, "cup/train/good/0.png", b"");
    assert_eq!(scan(&folder).unwrap().categories(), ["cup"]);
    assert!(matches!(Folder::scan(&folder), Err(Error::NotUtf8 { .. })));
    write(&folder, "1cls.csv", b"object,split,label,image,mask\ncup,train,normal,cup/train/good/0.png,\n");
    assert_eq!(scan(&folder).unwrap().records(Split::Train).unwrap().len(), 1);
}

#[test]
fn a_folder_that_cannot_be_listed_is_an_error() {
    use std::os::unix::fs::PermissionsExt;

    let folder = pictures(&["cup/train/good/0.png", "a/train/good/0.png"]);
    let closed = folder.path().join("a");
    let set_mode = |mode| std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(mode)).unwrap();
    set_mode(0o0);
    // The superuser may read everything.
    if std::fs::read_dir(&closed).is_err() {
        for error in [scan(folder.path()).unwrap_err(), MvtecAd::scan(folder.path()).unwrap_err()] {
            assert!(matches!(&error, Error::ReadFolder { path, .. } if *path == closed), "{error}");
        }
    }
    set_mode(0o755);
}

#[test]
fn a_circle_through_the_folder_above_is_left() {
    let outer = pictures(&["train/good/0.png"]);
    // The part `test` leads to the folder above, in which the category lies.
    symlink("..", outer.path().join("train/test")).unwrap();
    let scan = scan(outer.path().join("train")).unwrap();
    assert_eq!(role(scan.report(), "test/train"), &Role::Ignored(Ignored::LinkLoop));
    assert_eq!(role(scan.report(), "good/0.png"), &Role::Ignored(Ignored::OutsideLayout));
}

#[test]
fn linked_folders_that_play_no_part_are_left_alone() {
    let folder = pictures(&["train/good/0.png", "a/0.png", "b/0.png"]);
    // Followed, these alone would make 2^16 ways down.
    for name in ["a/1", "a/2"] {
        symlink(folder.path().join("b"), folder.path().join(name)).unwrap();
    }
    for name in ["b/1", "b/2"] {
        symlink(folder.path().join("a"), folder.path().join(name)).unwrap();
    }
    let scan = scan(folder.path()).unwrap();
    assert_eq!(scan.report().ignored()[&Ignored::LinkedFolder].len(), 4);
    assert_eq!(scan.report().files().len(), 7);
}

#[test]
fn what_is_no_file_is_no_image() {
    let folder = pictures(&["train/good/0.png"]);
    let _socket = UnixListener::bind(folder.path().join("train/good/1.png")).unwrap();
    let scan = scan(folder.path()).unwrap();
    assert_eq!(role(scan.report(), "train/good/1.png"), &Role::Ignored(Ignored::NotAFile));
    assert_eq!(scan.records(Split::Train).unwrap().len(), 1);
}

#[test]
fn a_scan_reports_names_that_are_no_text_and_opening_refuses_them() {
    let folder = pictures(&["train/good/0.png", "test/good/0.png"]);
    let name = OsStr::from_bytes(b"\xFF.png");
    if std::fs::write(folder.path().join("train/good").join(name), b"").is_err() {
        return; // The file system has no such names.
    }
    assert!(matches!(MvtecAd::open(folder.path(), Split::Train), Err(Error::NotUtf8 { .. })));
    assert_eq!(MvtecAd::open(folder.path(), Split::Test).unwrap().len(), 1);
    let scan = scan(folder.path()).unwrap();
    assert_eq!(scan.records(Split::Train).unwrap().len(), 1);
    assert_eq!(scan.report().ignored()[&Ignored::NotUtf8][0].path, Path::new("train/good").join(name));
    let summary = scan.report().to_string();
    assert!(summary.contains("  names that are not UTF-8 (1): train/good/\u{fffd}.png\n"), "{summary}");
}

#[test]
fn names_cannot_drive_a_terminal() {
    let folder = pictures(&["train/good/0.png", "test/good/0.png", "test/a\u{1b}[2J\nb/0.png"]);
    let summary = scan(folder.path()).unwrap().report().to_string();
    assert!(summary.contains("  a\\u{1b}[2J\\nb  "), "{summary}");
    assert!(!summary.contains('\u{1b}'));
}
