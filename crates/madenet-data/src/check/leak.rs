//! Pictures that occur twice: within a part of a data set, or worse, in training and test.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use madenet_image::{Channels, Raster, Values};
use sha2::{Digest, Sha256};

use crate::load::{Ahead, ordered};
use crate::plain::Plain;
use crate::{Entry, Error, Loader, Records, Result};

/// When two pictures count as the same. Both compare SHA-256 sums.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Content {
    /// The files have equal bytes: quick, since only files of equal size are read at all.
    Bytes,
    /// The decoded pictures have equal size, depth and pixels. Every file is decoded, and copies in another
    /// lossless format are found, too; colour pictures in which all pixels are grey count as grey, as which
    /// some formats cannot store them. A copy through JPEG, at another size or at another depth is not found.
    Pixels,
}

/// A test sample that is also in the training part. Displayed on one line, with control characters escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The id of the first training sample with this content.
    pub train: String,
    /// The id of the test sample.
    pub test: String,
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (test, train) = (Plain(&self.test), Plain(&self.train));
        write!(f, "the test sample {test} has the content of the training sample {train}")
    }
}

/// The test samples whose photographs are also in `train`, in the order of their ids. Masks are not compared.
///
/// `threads` threads read and decode (see [`Loader::threads`]).
///
/// ```
/// # use madenet_image::{Image, save_png};
/// use madenet_data::{Content, MvtecAd, Split, leaks};
///
/// # let category = tempfile::tempdir()?;
/// # let dir = category.path();
/// # for (name, level) in [("train/good/0.png", 0), ("train/good/1.png", 1), ("test/good/0.png", 1)] {
/// #     std::fs::create_dir_all(dir.join(name).parent().unwrap())?;
/// #     save_png(&Image::new(1, 1, vec![level; 3])?, dir.join(name))?;
/// # }
/// let (train, test) = (MvtecAd::open(dir, Split::Train)?, MvtecAd::open(dir, Split::Test)?);
/// let leaks = leaks(&train, &test, Content::Bytes, 2)?;
/// assert_eq!(
///     leaks[0].to_string(),
///     "the test sample test/good/0.png has the content of the training sample train/good/1.png"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::Image`] for the first file that cannot be read or decoded; [`Records::quarantine`] sorts those
/// out.
pub fn leaks(train: &Records, test: &Records, by: Content, threads: usize) -> Result<Vec<Leak>> {
    let (train, test) = match by {
        Content::Bytes => {
            let (of_train, of_test) = (sizes(train)?, sizes(test)?);
            let common: BTreeSet<u64> = {
                let of_train: BTreeSet<u64> = of_train.iter().copied().collect();
                of_test.iter().copied().filter(|size| of_train.contains(size)).collect()
            };
            let is_common = |size| common.contains(&size);
            (of_size(train, &of_train, is_common), of_size(test, &of_test, is_common))
        }
        Content::Pixels => (train.clone(), test.clone()),
    };
    let mut known: BTreeMap<Sum, &str> = BTreeMap::new();
    for (sum, entry) in sums(&train, by, threads)?.into_iter().zip(train.entries()) {
        known.entry(sum).or_insert(&entry.id);
    }
    let tested = sums(&test, by, threads)?.into_iter().zip(test.entries());
    let leak = |(sum, entry): (Sum, &Entry)| {
        known.get(&sum).map(|&train| Leak { train: train.to_owned(), test: entry.id.clone() })
    };
    Ok(tested.filter_map(leak).collect())
}

/// The ids of samples with equal photographs, two or more in each group; groups in the order of their first
/// ids. As [`leaks`] otherwise.
///
/// # Errors
/// As [`leaks`].
pub fn duplicates(records: &Records, by: Content, threads: usize) -> Result<Vec<Vec<String>>> {
    let records = match by {
        Content::Bytes => {
            let sizes = sizes(records)?;
            let mut files: BTreeMap<u64, usize> = BTreeMap::new();
            sizes.iter().for_each(|&size| *files.entry(size).or_default() += 1);
            of_size(records, &sizes, |size| files.get(&size).is_some_and(|&count| count > 1))
        }
        Content::Pixels => records.clone(),
    };
    let mut groups: BTreeMap<Sum, Vec<String>> = BTreeMap::new();
    for (sum, entry) in sums(&records, by, threads)?.into_iter().zip(records.entries()) {
        groups.entry(sum).or_default().push(entry.id.clone());
    }
    let mut groups: Vec<_> = groups.into_values().filter(|group| group.len() > 1).collect();
    groups.sort();
    Ok(groups)
}

/// A SHA-256 sum.
type Sum = [u8; 32];

/// Bytes that are read, or turned into bytes, at once.
const BLOCK: usize = 64 << 10;

/// The sizes of the photographs' files in bytes.
fn sizes(records: &Records) -> Result<Vec<u64>> {
    let size = |entry: &Entry| match fs::metadata(&entry.image) {
        Ok(metadata) => Ok(metadata.len()),
        Err(source) => Err(read_error(&entry.image, source)),
    };
    records.entries().iter().map(size).collect()
}

/// The records whose files have a size that is worth reading.
fn of_size(records: &Records, sizes: &[u64], is_worth: impl Fn(u64) -> bool) -> Records {
    let worth = records.entries().iter().zip(sizes).filter(|&(_, &size)| is_worth(size));
    records.with_entries(worth.map(|(entry, _)| entry.clone()).collect())
}

/// The sums of the photographs, in the order of the records.
fn sums(records: &Records, by: Content, threads: usize) -> Result<Vec<Sum>> {
    match by {
        Content::Bytes => {
            let files = records.entries();
            let ahead = Ahead { results: 0, bytes: usize::MAX, size: |_| size_of::<Sum>() };
            let sum = |number: usize| sum_of_file(&files[number].image);
            ordered(files.len(), threads, ahead, sum, |sums| sums.collect())
        }
        Content::Pixels => {
            let without_mask = |entry: &Entry| Entry { mask: None, ..entry.clone() };
            let pictures = records.with_entries(records.entries().iter().map(without_mask).collect());
            let loader = Loader::new(&pictures).threads(threads).prefetch(0);
            loader.run(|samples| samples.map(|(_, sample)| Ok(sum_of_pixels(&sample?.image))).collect())
        }
    }
}

fn sum_of_file(path: &Path) -> Result<Sum> {
    let error = |source| read_error(path, source);
    let mut file = File::open(path).map_err(error)?;
    let mut sum = Sha256::new();
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(sum.finalize().into()),
            Ok(count) => sum.update(&block[..count]),
            Err(source) if source.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(error(source)),
        }
    }
}

/// The sum of width, height, channels, depth and values, all as little-endian bytes.
fn sum_of_pixels(image: &Raster) -> Sum {
    let is_grey = match image.values() {
        _ if image.channels() == Channels::Gray => false,
        Values::U8(values) => is_grey(values),
        Values::U16(values) => is_grey(values),
        Values::F32(values) => is_grey(values),
    };
    let (channels, step) = if is_grey { (1, 3) } else { (image.channels().count(), 1) };
    let mut sum = Sha256::new();
    for side in [image.width(), image.height()] {
        sum.update((side as u64).to_le_bytes());
    }
    sum.update([channels as u8, image.bit_depth()]);
    match image.values() {
        Values::U8(values) if step == 1 => sum.update(values),
        Values::U8(values) => add(&mut sum, values, step, |value| [value]),
        Values::U16(values) => add(&mut sum, values, step, u16::to_le_bytes),
        Values::F32(values) => add(&mut sum, values, step, f32::to_le_bytes),
    }
    sum.finalize().into()
}

/// Whether the three colours of every pixel are equal.
fn is_grey<V: PartialEq>(values: &[V]) -> bool {
    values.as_chunks::<3>().0.iter().all(|[red, green, blue]| red == green && green == blue)
}

/// Adds every `step`th value.
fn add<V: Copy, const N: usize>(sum: &mut Sha256, values: &[V], step: usize, bytes: impl Fn(V) -> [u8; N]) {
    let mut block = Vec::with_capacity(BLOCK);
    for values in values.chunks(step * BLOCK / N) {
        block.clear();
        block.extend(values.iter().step_by(step).flat_map(|&value| bytes(value)));
        sum.update(&block);
    }
}

fn read_error(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    Error::Image(match source.kind() {
        io::ErrorKind::NotFound => madenet_image::Error::NotFound { path },
        _ => madenet_image::Error::Read { path, source },
    })
}
