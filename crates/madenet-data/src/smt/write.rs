//! Boards as files, for tools that read folders.

use std::collections::BTreeSet;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use madenet_image::{save_mask, save_png};

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

/// To be raised by whoever changes a pixel of any board, so that no folder holds boards of two makes.
const REVISION: u32 = 1;

/// Draws all boards of `sets` into files below `dir`, in the layout that [`MvtecAd`](crate::MvtecAd) reads:
///
/// ```text
/// dir/README.txt
/// dir/SOIC/train/good/0000.png
/// dir/SOIC/test/bridge/0000.png
/// dir/SOIC/ground_truth/test/bridge/0000_mask.png
/// ```
///
/// What it writes is a stand-in: nobody photographed these boards, and results on them say nothing about results on
/// photographs or on ManuDefect-21. `README.txt` says so.
///
/// `dir` must be new, empty, or hold an interrupted run of the same recipe, which is then continued: `README.txt` is the
/// first file to be written, and tells the recipe, this crate's version and the revision of its drawing. A picture or mask
/// appears as a whole, and one that is there when its turn comes is left as it is, not compared; samples lack nothing when
/// both are there. Two runs at the same time draw the same twice and do no harm.
///
/// Numbers have at least four digits, so that files sort as they count up to 9,999 boards of a type; of more, readers that
/// sort by name give 10000 before 1001. Masks are grey, 0 and 255.
///
/// All threads draw, the caller's among them; each holds one sample at a time, so that memory is their number times what
/// [`SmtConfig`](super::SmtConfig) says. `progress` is told the number of samples that are done and that of all, in any order.
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
/// [`Error::SmtSameFiles`] where two sets have the same component and part, [`Error::SmtOccupied`] for a folder of
/// something else, [`Error::ReadFolder`], [`Error::ReadFile`], [`Error::WriteFile`], those of drawing a sample, and
/// [`Error::Image`] where a picture cannot be written. What had been written by then remains.
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
        let (component, split) = (set.config().component, set.split());
        if !seen.insert((component, split.folder())) {
            return Err(Error::SmtSameFiles { component, split });
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
         Drawn by madenet-data {}, drawing revision {REVISION}, from these recipes:\n\n",
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
    if holds(&file, recipe)? {
        return Ok(());
    }
    let mut entries =
        fs::read_dir(dir).map_err(|source| Error::ReadFolder { path: dir.to_owned(), source })?;
    if entries.next().is_some() {
        return Err(Error::SmtOccupied { path: dir.to_owned() });
    }
    match write_new(&file, recipe) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => holds(&file, recipe).map(drop),
        written => written.map_err(|source| Error::WriteFile { path: file, source }),
    }
}

/// Whether the file is there; an error if with another text.
fn holds(file: &Path, recipe: &str) -> Result<bool> {
    match fs::read(file) {
        Ok(found) if found == recipe.as_bytes() => Ok(true),
        Ok(_) => Err(Error::SmtOccupied { path: file.parent().unwrap_or(file).to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(source) => Err(Error::ReadFile { path: file.to_owned(), source }),
    }
}

/// A file that was not there before; none on an error.
fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut open = OpenOptions::new().write(true).create_new(true).open(file)?;
    let written = open.write_all(text.as_bytes()).and_then(|()| open.sync_all());
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_file(file);
    }
    written
}

/// Writes all samples on `threads` threads, or as many as the system gives, which take one after the other. The caller's is
/// one of them.
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
        let start = |_| thread::Builder::new().name("madenet-boards".to_owned()).spawn_scoped(scope, work);
        let started: Vec<_> = (1..threads).map(start).take_while(io::Result::is_ok).flatten().collect();
        let own = work();
        let others =
            started.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic)));
        std::iter::once(own).chain(others).sum::<Result<Written>>()
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

/// Whether something of sample `index` had to be written.
fn write_sample(boards: &Chain<SmtBoards>, index: usize, dir: &Path) -> Result<bool> {
    let (part, at) = boards.locate(index)?;
    let set = &boards.parts()[part];
    let (id, category) = (set.id(at)?, set.config().component.name());
    let image = missing(dir.join(format!("{id}.png")))?;
    let mask = if at < set.config().normal {
        None
    } else {
        let below = id.strip_prefix(category).unwrap_or(&id).trim_start_matches('/');
        missing(dir.join(category).join("ground_truth").join(format!("{below}_mask.png")))?
    };
    if image.is_none() && mask.is_none() {
        return Ok(false);
    }
    let sample = set.get(at)?;
    // The mask comes first: readers that find a picture find its mask.
    if let (Some(file), Some(mask)) = (&mask, &sample.mask) {
        save_mask(mask, prepared(file)?)?;
    }
    if let Some(file) = &image {
        save_png(&sample.image.to_rgb(), prepared(file)?)?;
    }
    Ok(true)
}

/// The file, if it is not there.
fn missing(file: PathBuf) -> Result<Option<PathBuf>> {
    match file.try_exists() {
        Ok(there) => Ok((!there).then_some(file)),
        Err(source) => Err(Error::ReadFile { path: file, source }),
    }
}

/// The file, whose folder is there now.
fn prepared(file: &Path) -> Result<&Path> {
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(|source| Error::WriteFile { path: folder.to_owned(), source })?;
    }
    Ok(file)
}
