//! Boards as files, for tools that read folders.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::panic::resume_unwind;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use madenet_image::{Image, Mask, replace_file, save_png};

use super::SmtBoards;
use crate::{Chain, Dataset, Error, Result};

/// How many samples are in files now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Samples that were drawn and written.
    pub written: usize,
    /// Samples that an interrupted run had already written.
    pub kept: usize,
}

/// The file that holds the recipe.
const README: &str = "README.txt";

/// Draws all boards of `sets` into files below `dir`, in the layout that [`MvtecAd`](crate::MvtecAd) reads:
///
/// ```text
/// dir/README.txt
/// dir/SOIC/train/good/0000.png
/// dir/SOIC/test/bridge/0000.png
/// dir/SOIC/ground_truth/test/bridge/0000_mask.png
/// ```
///
/// `dir` must be new, empty, or hold an interrupted run of the same recipe, which is then continued: `README.txt` is the
/// first file to be written and tells the recipe and this crate's version, every file appears as a whole, and none that is
/// there is ever replaced. So what lies in the folder already is kept, not compared.
///
/// All threads draw; each holds one sample at a time. `progress` is told the number of samples that are done and that of
/// all, in any order.
///
/// ```
/// use madenet_data::smt::{Component, SmtBoards, SmtConfig, write_boards};
/// use madenet_data::{Dataset, MvtecAd, Split};
///
/// let config = SmtConfig { width: 32, height: 32, normal: 2, anomalous: 1, ..SmtConfig::new(Component::Soic) };
/// let sets = [SmtBoards::new(config, Split::Train)?, SmtBoards::new(config, Split::Test)?];
/// let folder = tempfile::tempdir()?;
///
/// let dir = folder.path().join("boards");
/// let counts = write_boards(&sets, &dir, |_, _| ())?;
/// assert_eq!((counts.written, counts.kept), (6, 0));
///
/// let test = MvtecAd::open(dir.join("SOIC"), Split::Test)?;
/// let (read, drawn) = (test.get(2)?, sets[1].get(2)?);
/// assert_eq!((read.id.as_str(), drawn.id.as_str()), ("test/missing/0000.png", "SOIC/test/missing/0000"));
/// assert_eq!((read.image, read.mask), (drawn.image, drawn.mask));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`Error::SmtSameFiles`] where two sets have the same category and part, [`Error::SmtOccupied`] for a folder of
/// something else, [`Error::ReadFolder`], [`Error::WriteFile`], and [`Error::Image`] where a picture cannot be written.
/// What had been written by then remains.
pub fn write_boards(
    sets: &[SmtBoards],
    dir: impl AsRef<Path>,
    progress: impl Fn(usize, usize) + Sync,
) -> Result<Written> {
    let dir = dir.as_ref();
    refuse_same_files(sets)?;
    claim(dir, &readme(sets))?;
    let threads = thread::available_parallelism().map_or(1, usize::from);
    write_all(&Chain::new(sets.to_vec()), dir, threads, &progress)
}

fn refuse_same_files(sets: &[SmtBoards]) -> Result<()> {
    let mut seen = BTreeSet::new();
    for set in sets {
        let (category, split) = (set.config().component.name(), set.split());
        if !seen.insert((category, split.folder())) {
            return Err(Error::SmtSameFiles { category, split });
        }
    }
    Ok(())
}

/// What the pictures are, and all that decides them.
fn readme(sets: &[SmtBoards]) -> String {
    let mut text = format!(
        "Drawn photographs of soldered components: a stand-in, not ManuDefect-21.\n\
         Nobody photographed these boards; results on them say nothing about results on real ones.\n\
         The masks in ground_truth show where a board differs from its good twin.\n\n\
         Drawn by madenet-data {} from these recipes:\n\n",
        env!("CARGO_PKG_VERSION")
    );
    for set in sets {
        let config = set.config();
        let defects: Vec<&str> = config.defects.iter().map(|defect| defect.name()).collect();
        let nuisances = config.nuisances;
        text.push_str(&format!(
            "{} {}: {} normal, {} anomalous, {} x {} pixels, designs {}, seed {}, contrast {}, occlusion {}, \
             reflection {}, defects {}\n",
            config.component.name(),
            set.split().folder(),
            config.normal,
            config.anomalous,
            config.width,
            config.height,
            config.designs,
            config.seed,
            nuisances.contrast,
            nuisances.occlusion,
            nuisances.reflection,
            defects.join(" "),
        ));
    }
    text
}

/// Makes the folder this recipe's, or finds that it is.
fn claim(dir: &Path, recipe: &str) -> Result<()> {
    let file = dir.join(README);
    fs::create_dir_all(dir).map_err(|source| Error::WriteFile { path: dir.to_owned(), source })?;
    match fs::read(&file) {
        Ok(found) if found == recipe.as_bytes() => return Ok(()),
        Ok(_) => return Err(Error::SmtOccupied { path: dir.to_owned() }),
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Error::ReadFolder { path: file, source: error });
        }
        Err(_) => {}
    }
    let mut entries =
        fs::read_dir(dir).map_err(|source| Error::ReadFolder { path: dir.to_owned(), source })?;
    if entries.next().is_some() {
        return Err(Error::SmtOccupied { path: dir.to_owned() });
    }
    replace_file(&file, recipe.as_bytes()).map_err(|source| Error::WriteFile { path: file.clone(), source })
}

/// Writes all samples on some threads, which take one after the other.
fn write_all(
    boards: &Chain<SmtBoards>,
    dir: &Path,
    threads: usize,
    progress: &(impl Fn(usize, usize) + Sync),
) -> Result<Written> {
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let work = || {
        let mut counts = Written::default();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= boards.len() {
                return Ok(counts);
            }
            match write_sample(boards, index, dir) {
                Ok(true) => counts.written += 1,
                Ok(false) => counts.kept += 1,
                Err(error) => {
                    // The other threads find nothing more to do.
                    next.store(boards.len(), Ordering::Relaxed);
                    return Err(error);
                }
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1, boards.len());
        }
    };
    thread::scope(|scope| {
        let started: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let counts =
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        counts.sum::<Result<Written>>()
    })
}

/// Adds up what the threads did.
impl std::iter::Sum for Written {
    fn sum<I: Iterator<Item = Written>>(counts: I) -> Written {
        counts.fold(Written::default(), |sum, one| Written {
            written: sum.written + one.written,
            kept: sum.kept + one.kept,
        })
    }
}

/// Whether sample `index` had to be written.
fn write_sample(boards: &Chain<SmtBoards>, index: usize, dir: &Path) -> Result<bool> {
    let (part, at) = boards.locate(index)?;
    let set = &boards.parts()[part];
    let id = set.id(at)?;
    let image = dir.join(format!("{id}.png"));
    if image.exists() {
        return Ok(false);
    }
    let sample = set.get(at)?;
    // The mask comes first: where there is a picture, there is its mask.
    if let Some(mask) = &sample.mask {
        let category = set.config().component.name();
        let below = id.strip_prefix(category).unwrap_or(&id).trim_start_matches('/');
        let file = dir.join(category).join("ground_truth").join(format!("{below}_mask.png"));
        if !file.exists() {
            save(&white(mask)?, &file)?;
        }
    }
    save(&sample.image.to_rgb(), &image)?;
    Ok(true)
}

fn save(image: &Image, file: &Path) -> Result<()> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|source| Error::WriteFile { path: folder.to_owned(), source })?;
    }
    Ok(save_png(image, file)?)
}

/// A mask as a picture.
fn white(mask: &Mask) -> Result<Image> {
    let pixels = mask.data().iter().flat_map(|&anomalous| [if anomalous { 255 } else { 0 }; 3]).collect();
    Ok(Image::new(mask.width(), mask.height(), pixels)?)
}
