//! VisA: a table of images beside them.
#![allow(clippy::unwrap_used)]

use crate::common::{pictures, png, write};
use madenet_data::{
    Dataset, Error, Ignored, Label, Layout, Records, Role, ScanWarning, Split, TableFault, VisA, scan,
};
use tempfile::TempDir;

const HEADER: &str = "object,split,label,image,mask\n";

/// Two objects; the masks have the value 1, as the kinds of defects are numbered in VisA.
fn visa() -> TempDir {
    let folder = pictures(&["candle/Normal/0.JPG", "candle/Normal/1.JPG", "candle/Bad/0.JPG", "pcb/0.JPG"]);
    write(folder.path(), "candle/Masks/0.png", &png(4, 3, 1));
    let table = "candle,train,normal,candle/Normal/1.JPG,\n\
                 candle,test,normal,candle/Normal/0.JPG,\n\
                 candle,test,anomaly,candle/Bad/0.JPG,candle/Masks/0.png\n\
                 pcb,train,normal,pcb/0.JPG,\n";
    write(folder.path(), "split_csv/1cls.csv", format!("{HEADER}{table}").as_bytes());
    folder
}

/// A folder with the picture `a.png` and a table with these rows.
fn with_rows(rows: &str) -> TempDir {
    let folder = pictures(&["a.png", "b.png"]);
    write(folder.path(), "1cls.csv", format!("{HEADER}{rows}").as_bytes());
    folder
}

/// The first fault, which a scan tells and for which it gives no records.
fn fault(folder: &TempDir) -> (u64, TableFault) {
    let scan = VisA::scan(folder.path()).unwrap();
    let error = scan.records(Split::Train).unwrap_err();
    let (line, fault) = position(error);
    assert_eq!(scan.report().warnings()[0], ScanWarning::TableRow { line, fault: fault.clone() });
    (line, fault)
}

fn position(error: Error) -> (u64, TableFault) {
    assert!(error.to_string().ends_with("1cls.csv"), "{error}");
    match error {
        Error::Table { line, fault, .. } => (line, fault),
        other => panic!("{other}"),
    }
}

#[test]
fn the_table_says_what_the_images_are() {
    let folder = visa();
    let test = VisA::open(folder.path(), "candle", Split::Test).unwrap();
    let ids = |records: &Records| -> Vec<String> {
        records.entries().iter().map(|entry| entry.id.clone()).collect()
    };
    assert_eq!(ids(&test), ["candle/Bad/0.JPG", "candle/Normal/0.JPG"]);
    let bad = test.get(0).unwrap();
    assert_eq!((bad.category.as_str(), bad.label, bad.defect_type), ("candle", Label::Anomalous, None));
    assert_eq!(bad.mask.unwrap().count(), 12);
    assert_eq!((test.get(1).unwrap().label, test.get(1).unwrap().mask), (Label::Normal, None));

    let scan = scan(folder.path()).unwrap();
    assert_eq!((scan.report().layout(), scan.categories().len()), (Layout::VisA, 2));
    assert_eq!(scan.records_of("candle", Split::Test).unwrap().entries(), test.entries());
    assert_eq!(ids(&scan.records(Split::Train).unwrap()), ["candle/Normal/1.JPG", "pcb/0.JPG"]);
}

#[test]
fn a_scan_reports_the_files_that_no_row_names() {
    let folder = visa();
    write(folder.path(), "candle/Normal/7.JPG", b"");
    write(folder.path(), "candle/image_anno.csv", b"");
    let scan = VisA::scan(folder.path()).unwrap();
    let report = scan.report();
    assert_eq!(
        report.to_string(),
        "\
the table and the images of VisA
images 4, masks 1, ignored 2

category  split  label      defect type  images  masks
candle    train  normal     -                 1      -
candle    test   normal     -                 1      -
candle    test   anomalous  -                 1      1
pcb       train  normal     -                 1      -

ignored
  images that the table does not name (1): candle/Normal/7.JPG
  files not named *.png, *.jpg, *.jpeg, *.bmp, *.tif, *.tiff (1): candle/image_anno.csv

warnings
  pcb: no test images
"
    );
    assert!(report.ignored().contains_key(&Ignored::NotInTable));
    assert_eq!(report.files().iter().filter(|file| file.role == Role::Table).count(), 1);
    assert_eq!(report.warnings(), [ScanWarning::NoTest { category: "pcb".to_owned() }]);
}

#[test]
fn opening_needs_the_files_of_its_part_alone() {
    let folder = visa();
    std::fs::remove_file(folder.path().join("pcb/0.JPG")).unwrap();
    std::fs::remove_file(folder.path().join("candle/Masks/0.png")).unwrap();
    assert_eq!(VisA::open(folder.path(), "candle", Split::Train).unwrap().len(), 1);
    let error = VisA::open(folder.path(), "candle", Split::Test).unwrap_err().to_string();
    let expected = "line 4 of a table of images: cannot find the file \"candle/Masks/0.png\" (is the data set \
                    complete?): ";
    assert!(error.starts_with(expected), "{error}");
    assert!(matches!(fault(&folder), (4, TableFault::Missing(_))));
}

#[test]
fn categories_and_parts_that_are_not_there_are_errors() {
    let folder = visa();
    let error = VisA::open(folder.path(), "pbc", Split::Train).unwrap_err();
    assert_eq!(error.to_string(), "there is no category \"pbc\", expected one of candle, pcb");
    let error = VisA::open(folder.path(), "pcb", Split::Test).unwrap_err();
    assert!(matches!(error, Error::NoRows { .. }));
    let expected = "no rows for test of \"pcb\" in a table of images, expected at least 1: ";
    assert!(error.to_string().starts_with(expected), "{error}");

    let empty = pictures(&["a.png"]);
    assert!(matches!(VisA::scan(empty.path()), Err(Error::NoTable { .. })));
    assert!(matches!(VisA::scan(empty.path().join("nowhere")), Err(Error::MissingFolder { .. })));
    assert!(matches!(VisA::scan(empty.path().join("a.png")), Err(Error::NotAFolder { .. })));
}

#[test]
fn a_row_that_cannot_be_used_is_an_error_that_says_what_was_expected() {
    let open_quote =
        "expected each row on one line, got one over several (is a quote not closed?)".to_owned();
    let fields = "expected the 5 fields object,split,label,image,mask, got";
    for (row, expected) in [
        ("o,train,normal,b.png", format!("{fields} 4")),
        ("o,train,normal,b.png,,", format!("{fields} 6")),
        ("o,train,\"normal,b.png,", open_quote.clone()),
        ("o,train,normal,b.png,\"", open_quote),
        ("o,val,normal,b.png,", "expected the split train or test, got \"val\"".to_owned()),
        ("o,train,good,b.png,", "expected the label normal or anomaly, got \"good\"".to_owned()),
        ("o,train,normal,,", path_fault("")),
        ("o,train,normal,b.png,a.png", "expected no mask for a normal image, got \"a.png\"".to_owned()),
        (",train,normal,b.png,", object_fault("")),
        ("../o,train,normal,b.png,", object_fault("../o")),
        ("o,train,normal,a.png,", "the file \"a.png\" has been named on line 2 already".to_owned()),
        ("o,test,anomaly,b.png,b.png", "the file \"b.png\" has been named on line 3 already".to_owned()),
    ] {
        let (line, fault) = fault(&with_rows(&format!("o,train,normal,a.png,\n{row}\n")));
        assert_eq!((line, fault.to_string()), (3, expected), "{row}");
    }
}

fn path_fault(path: &str) -> String {
    format!(
        "expected a path of plain names below the folder, without \\ or : and no dot or space at their ends, got {path:?}"
    )
}

fn object_fault(object: &str) -> String {
    format!(
        "expected a plain name of an object, without /, \\ or : and no dot or space at its end, got {object:?}"
    )
}

#[test]
fn a_table_that_is_none_is_an_error() {
    let folder = pictures(&["a.png"]);
    let header = |got: &str| format!("expected the header object,split,label,image,mask, got {got}");
    for (bytes, line, expected) in [
        (b"".as_slice(), 1, header("an empty file")),
        (b"o,train,normal,a.png,\n", 1, header("\"o,train,normal,a.png,\"")),
        (b"object,split,label,image\n", 1, header("\"object,split,label,image\"")),
        (b"object,split,label,image,mask\n", 2, "expected a row for each image, got none".to_owned()),
        (b"object,split,label,image,mask\n\no,train,normal,\xFF.png,\n", 3, "expected UTF-8".to_owned()),
    ] {
        write(folder.path(), "1cls.csv", bytes);
        let (at, fault) = position(VisA::scan(folder.path()).unwrap_err());
        assert_eq!((at, fault.to_string()), (line, expected));
    }
    write(folder.path(), "1cls.csv", &vec![b'\n'; (1 << 24) + 1]);
    let error = VisA::scan(folder.path()).unwrap_err();
    let expected = "a table of images has at most 16777216 bytes, this one has more: ";
    assert!(error.to_string().starts_with(expected), "{error}");
}

#[test]
fn byte_order_marks_and_endings_of_lines_do_not_matter() {
    let folder = pictures(&["a.png"]);
    write(
        folder.path(),
        "1cls.csv",
        b"\xEF\xBB\xBFobject,split,label,image,mask\r\no,train,normal,\"a.png\",\r\n",
    );
    assert_eq!(VisA::open(folder.path(), "o", Split::Train).unwrap().len(), 1);
    write(folder.path(), "1cls.csv", b"object,split,label,image,mask\r\n\r\no,train,normal,z.png,\r\n");
    assert!(matches!(fault(&folder), (3, TableFault::Missing(_))));
}

#[test]
fn paths_that_lead_out_of_the_folder_are_refused() {
    for path in [
        "../a.png",
        "/etc/passwd",
        "x/../../a.png",
        "..\\a.png",
        "C:/a.png",
        "\\\\host\\a.png",
        "a\0.png",
        "a.png:b",
        "x./a.png",
        "x /a.png",
        "a.png.",
    ] {
        for row in [format!("o,train,normal,{path},"), format!("o,test,anomaly,a.png,{path}")] {
            let (line, fault) = fault(&with_rows(&row));
            assert_eq!((line, fault.to_string()), (2, path_fault(path)));
        }
    }
    let (_, fault) = fault(&with_rows("o,train,normal,sub,"));
    assert!(matches!(fault, TableFault::Missing(_)));
}

#[test]
fn a_scan_tells_every_row_that_cannot_be_used() {
    let folder = visa();
    let table = folder.path().join("split_csv/1cls.csv");
    let mut rows = std::fs::read_to_string(&table).unwrap();
    rows.push_str("pcb,train,normal,pcb/7.JPG,\npcb,val,normal,pcb/8.JPG,\n");
    write(folder.path(), "split_csv/1cls.csv", rows.as_bytes());
    let scan = scan(folder.path()).unwrap();
    let said: Vec<String> = scan.report().warnings().iter().map(ToString::to_string).collect();
    let expected = [
        "line 6 of the table: cannot find the file \"pcb/7.JPG\" (is the data set complete?)",
        "line 7 of the table: expected the split train or test, got \"val\"",
        "pcb: no test images",
    ];
    assert_eq!(said, expected);
    assert_eq!(scan.report().groups().iter().map(|group| group.count.samples).sum::<usize>(), 4);
    for error in [
        scan.records(Split::Train).unwrap_err(),
        scan.records_of("candle", Split::Test).unwrap_err(),
        VisA::open(folder.path(), "pcb", Split::Train).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Table { line: 6, fault: TableFault::Missing(_), .. }), "{error}");
    }
    // Files are looked for in the wanted part alone, words are checked everywhere.
    let error = VisA::open(folder.path(), "candle", Split::Test).unwrap_err();
    assert!(matches!(error, Error::Table { line: 7, fault: TableFault::Split(_), .. }), "{error}");
}

#[test]
fn of_many_rows_that_cannot_be_used_a_hundred_are_told() {
    let folder = with_rows(&"o,train,good,a.png,\n".repeat(250));
    let scan = VisA::scan(folder.path()).unwrap();
    let warnings = scan.report().warnings();
    assert_eq!(warnings.len(), 101);
    assert_eq!(warnings[100].to_string(), "150 more rows of the table cannot be used");
    assert!(matches!(scan.records(Split::Train), Err(Error::Table { line: 2, .. })));
}

#[test]
fn a_folder_for_an_image_is_an_error() {
    let folder = with_rows("o,train,normal,sub,");
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    let (_, fault) = fault(&folder);
    assert_eq!(fault.to_string(), "expected a file, but \"sub\" is none");
}

#[cfg(unix)]
#[test]
fn links_are_followed_inside_of_the_folder_only() {
    use std::os::unix::fs::symlink;

    let outside = pictures(&["x.png"]);
    let folder = with_rows("o,train,normal,in.png,\no,train,normal,out/x.png,\n");
    symlink("a.png", folder.path().join("in.png")).unwrap();
    symlink(outside.path(), folder.path().join("out")).unwrap();
    let (line, fault) = fault(&folder);
    assert_eq!(line, 3);
    assert_eq!(fault.to_string(), "the file \"out/x.png\" is linked to a place outside of the folder");

    let folder = with_rows("o,train,normal,in.png,\n");
    symlink("a.png", folder.path().join("in.png")).unwrap();
    assert_eq!(VisA::open(folder.path(), "o", Split::Train).unwrap().len(), 1);

    let folder = with_rows("o,train,normal,a.png,\no,test,normal,in.png,\n");
    symlink("a.png", folder.path().join("in.png")).unwrap();
    let (line, fault) = self::fault(&folder);
    assert_eq!(
        (line, fault.to_string().as_str()),
        (3, "the file \"in.png\" has been named on line 2 already")
    );
}
