//! Files that cannot be read, set aside with the reason.
//!
//! Reading is strict by itself: a bad file is an error of its sample. Large collections hold a few, though,
//! and then there are two ways to go on without them: [`Records::quarantine`] reads everything once before a
//! long run, and [`Samples::lenient`](crate::Samples::lenient) passes over them during one.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt;

use crate::plain::Plain;
use crate::{Entry, Error, Loader, MaskPolicy, Records, Result};

/// A sample that cannot be used, and why. Displayed on one line, with the causes of the reason, and with control
/// characters escaped. Unlike a file that is [`Ignored`](crate::Ignored), it is a sample, but one that cannot be read.
#[derive(Debug)]
pub struct Quarantined {
    /// The sample. Where its mask is at fault, the reason names the mask.
    pub entry: Entry,
    /// What reading the sample gave.
    pub reason: Error,
}

/// `ID: REASON: CAUSES`. The causes are joined here, since this crate does without `madenet-core` and its
/// `ErrorChain`.
impl fmt::Display for Quarantined {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{}: {}", Plain(&self.entry.id), self.reason);
        let mut cause = self.reason.source();
        while let Some(error) = cause {
            text += &format!(": {error}");
            cause = error.source();
        }
        // Decoders may answer in several lines.
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        write!(f, "{}", Plain(&lines.join(" ")))
    }
}

impl Records {
    /// Reads every sample once, on `threads` threads (see [`Loader::threads`]) and with at most one sample
    /// more than that in memory: the records without those that cannot be read, and these, in the order of
    /// their ids.
    ///
    /// ```
    /// # use madenet_image::{Image, save_png};
    /// use madenet_data::{Dataset, Folder};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let dir = folder.path();
    /// # save_png(&Image::new(1, 1, vec![0; 3])?, dir.join("a.png"))?;
    /// std::fs::write(dir.join("b.png"), "no picture")?;
    /// let (sound, quarantined) = Folder::open(dir)?.quarantine(2)?;
    /// assert_eq!((sound.len(), quarantined.len()), (1, 1));
    /// assert_eq!(quarantined[0].entry.id, "b.png");
    /// assert!(quarantined[0].to_string().starts_with("b.png: cannot decode a picture: expected "));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NothingReadable`] where there are samples and none can be read.
    pub fn quarantine(&self, threads: usize) -> Result<(Records, Vec<Quarantined>)> {
        let mut bad = Vec::new();
        let loader = Loader::new(self).threads(threads).prefetch(0);
        loader.run(|samples| samples.lenient(&mut bad).for_each(drop));
        let mut is_bad = vec![false; self.entries().len()];
        bad.iter().for_each(|&(index, _)| is_bad[index] = true);
        let sound = self.entries().iter().zip(is_bad).filter(|(_, is_bad)| !is_bad);
        let sound = sound.map(|(entry, _)| entry.clone()).collect();
        Ok((self.with_entries(sound), self.quarantined(bad)?))
    }

    /// The report on the samples of these records that [`Samples::lenient`](crate::Samples::lenient) has left
    /// out, in the order of their ids; of an index that failed more than once, the first reason.
    ///
    /// # Errors
    /// [`Error::NothingReadable`] where these are all samples, and the given error where an index is beyond
    /// the end.
    pub fn quarantined(&self, bad: Vec<(usize, Error)>) -> Result<Vec<Quarantined>> {
        let mut found: BTreeMap<usize, Quarantined> = BTreeMap::new();
        for (index, reason) in bad {
            match self.entries().get(index) {
                Some(entry) => {
                    found.entry(index).or_insert_with(|| Quarantined { entry: entry.clone(), reason })
                }
                None => return Err(reason),
            };
        }
        let count = self.entries().len();
        if found.len() < count {
            return Ok(found.into_values().collect());
        }
        match found.into_values().next() {
            Some(Quarantined { entry, reason }) => {
                Err(Error::NothingReadable { count, id: entry.id, source: Box::new(reason) })
            }
            None => Ok(Vec::new()),
        }
    }

    /// The samples whose mask is not as large as their image, whatever the
    /// [`MaskPolicy`](crate::MaskPolicy): the reason is [`Error::MaskSize`]. Every sample with a mask is
    /// read, on `threads` threads; those that cannot be are passed over.
    #[must_use]
    pub fn mask_mismatches(&self, threads: usize) -> Vec<Quarantined> {
        let with_mask = self.filter(|entry| entry.mask.is_some()).with_mask_policy(MaskPolicy::Strict);
        let loader = Loader::new(&with_mask).threads(threads).prefetch(0);
        loader.run(|samples| {
            let errors = samples.filter_map(|(index, sample)| Some((index, sample.err()?)));
            let mismatches = errors.filter(|(_, error)| matches!(error, Error::MaskSize { .. }));
            let entry = |index: usize| with_mask.entries()[index].clone();
            mismatches.map(|(index, reason)| Quarantined { entry: entry(index), reason }).collect()
        })
    }
}
