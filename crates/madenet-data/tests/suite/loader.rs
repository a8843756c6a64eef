//! Samples decoded ahead: order, memory, early exits and panics.
#![allow(clippy::unwrap_used)]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use madenet_data::{Chain, Dataset, Error, Label, Loader, Result, Sample, Samples};
use madenet_image::{Image, Mask};

/// A thousand samples, of which some are slow, bad or fatal.
#[derive(Default)]
struct Numbers {
    /// The pictures have one pixel, or 5 x 5 with a mask, which makes [`LARGE`] bytes.
    large: bool,
    slow: Vec<usize>,
    bad: Vec<usize>,
    fatal: Vec<usize>,
    /// Where every read waits for others.
    meeting: Option<Barrier>,
    /// How many reads have begun.
    reads: AtomicUsize,
    /// How many reads are going on, and the most that ever were.
    at_once: AtomicUsize,
    most_at_once: AtomicUsize,
}

const LEN: usize = 1000;
const LARGE: usize = 5 * 5 * (3 + 1);
const SLOW: Duration = Duration::from_millis(20);
/// Time that no test needs, however busy the machine is.
const DEADLINE: Duration = Duration::from_secs(60);

/// What `run` gives. Fails where it comes to no end, as where threads wait for each other.
fn in_time<R: Send + 'static>(run: impl FnOnce() -> R + Send + 'static) -> R {
    let (sender, receiver) = channel();
    let thread = thread::spawn(move || sender.send(run()));
    match receiver.recv_timeout(DEADLINE) {
        Ok(result) => result,
        Err(RecvTimeoutError::Disconnected) => resume_unwind(thread.join().unwrap_err()),
        Err(RecvTimeoutError::Timeout) => panic!("no end after {DEADLINE:?}"),
    }
}

/// Waits until `count` reads have begun.
fn wait_for_reads(numbers: &Numbers, count: usize) {
    let start = Instant::now();
    while numbers.reads.load(SeqCst) < count {
        assert!(start.elapsed() < DEADLINE, "{} reads of {count}", numbers.reads.load(SeqCst));
        thread::sleep(Duration::from_millis(1));
    }
}

impl Dataset for Numbers {
    fn len(&self) -> usize {
        LEN
    }

    fn get(&self, index: usize) -> Result<Sample> {
        self.reads.fetch_add(1, SeqCst);
        self.most_at_once.fetch_max(self.at_once.fetch_add(1, SeqCst) + 1, SeqCst);
        if self.slow.contains(&index) {
            thread::sleep(SLOW);
        }
        if let Some(meeting) = &self.meeting {
            meeting.wait();
        }
        self.at_once.fetch_sub(1, SeqCst);
        if self.fatal.contains(&index) {
            // A panic without the message on stderr.
            resume_unwind(Box::new(index));
        }
        if index >= LEN || self.bad.contains(&index) {
            return Err(Error::NoSuchSample { index, len: LEN });
        }
        let (id, category) = (index.to_string(), "number".to_owned());
        let side = if self.large { 5 } else { 1 };
        let image = Image::new(side, side, vec![0; side * side * 3])?.into();
        let mask = self.large.then(|| Mask::new(side, side, vec![false; side * side])).transpose()?;
        Ok(Sample { id, category, image, label: Label::Normal, defect_type: None, mask })
    }
}

/// The ids that are read, and `bad N` for those that cannot be.
fn ids(samples: &mut Samples<'_>) -> Vec<String> {
    let id = |(index, sample): (usize, Result<Sample>)| match sample {
        Ok(sample) => {
            assert_eq!(sample.id, index.to_string());
            sample.id
        }
        Err(_) => format!("bad {index}"),
    };
    samples.map(id).collect()
}

#[test]
fn the_order_is_the_same_for_every_number_of_threads() {
    let numbers = Numbers { slow: vec![0, 7, 8, 500], bad: vec![3, 999], ..Numbers::default() };
    let shuffled: Vec<usize> = (0..LEN).map(|i| i * 387 % LEN).chain([5, 5, LEN, 5]).collect();
    let expected: Vec<String> = shuffled
        .iter()
        .map(|&i| if [3, 999, LEN].contains(&i) { format!("bad {i}") } else { i.to_string() })
        .collect();
    for (threads, prefetch) in [(0, 0), (1, 0), (1, 9), (2, 0), (2, 5), (7, 1), (7, usize::MAX), (50, 3)] {
        let loader = Loader::new(&numbers).order(shuffled.clone()).threads(threads).prefetch(prefetch);
        assert_eq!(loader.run(ids), expected, "{threads} threads, prefetch {prefetch}");
    }
    let all: Vec<usize> = Loader::new(&numbers).run(|samples| samples.map(|(index, _)| index).collect());
    assert!(all.into_iter().eq(0..LEN));
}

#[test]
fn threads_work_at_the_same_time_and_no_more_than_asked_for() {
    for threads in [1, 3] {
        let most_at_once = in_time(move || {
            let numbers = Numbers { meeting: Some(Barrier::new(threads)), ..Numbers::default() };
            Loader::new(&numbers).order((0..12).collect()).threads(threads).run(ids);
            numbers.most_at_once.into_inner()
        });
        assert_eq!(most_at_once, threads);
    }
}

#[test]
fn no_more_samples_exist_than_promised() {
    for (threads, prefetch) in [(1, 0), (2, 0), (2, 4), (4, 1)] {
        let numbers = Numbers::default();
        Loader::new(&numbers).threads(threads).prefetch(prefetch).run(|samples| {
            for taken in 1..=20 {
                samples.next().unwrap().1.unwrap();
                // Time to read on, as far as the threads may.
                thread::sleep(Duration::from_millis(2));
                let reads = numbers.reads.load(SeqCst);
                assert!(reads <= taken + prefetch + threads, "{reads} reads for {taken} samples");
            }
            // As far as they may, the threads do read on.
            wait_for_reads(&numbers, 20 + prefetch + threads);
        });
    }
}

#[test]
fn large_samples_do_not_wait_beyond_the_memory() {
    for threads in [1, 3] {
        let numbers = Numbers { large: true, ..Numbers::default() };
        Loader::new(&numbers).threads(threads).prefetch(100).memory(3 * LARGE).run(|samples| {
            for taken in 1..=20 {
                assert_eq!(samples.next().unwrap().0, taken - 1);
                wait_for_reads(&numbers, taken + 3);
                thread::sleep(Duration::from_millis(2));
                // The last one was begun while two were waiting and the other threads were at work.
                let reads = numbers.reads.load(SeqCst);
                assert!(reads <= taken + 2 + threads, "{reads} reads for {taken} samples");
            }
        });
    }
}

#[test]
fn a_sample_is_read_however_little_memory_there_is() {
    for (threads, memory) in [(1, 0), (3, 0), (1, 1), (3, LARGE - 1)] {
        let (read, most_at_once) = in_time(move || {
            let numbers = Numbers { large: true, slow: vec![0, 7], ..Numbers::default() };
            let loader = Loader::new(&numbers).threads(threads).memory(memory);
            (loader.run(ids).len(), numbers.most_at_once.into_inner())
        });
        assert_eq!(read, LEN);
        // None is begun beside another where nothing may wait.
        assert!(most_at_once == 1 || memory > 0, "{most_at_once}");
    }
}

#[test]
fn no_list_of_a_whole_data_set_is_made() {
    let endless = Chain::new(vec![Endless, Endless]);
    let read: Vec<usize> = Loader::new(&endless).threads(2).run(|samples| {
        assert_eq!(samples.len(), usize::MAX);
        samples.take(3).map(|(index, _)| index).collect()
    });
    assert_eq!(read, [0, 1, 2]);
}

/// As many samples as can be counted.
struct Endless;

impl Dataset for Endless {
    fn len(&self) -> usize {
        usize::MAX
    }

    fn get(&self, index: usize) -> Result<Sample> {
        Err(Error::NoSuchSample { index, len: 0 })
    }
}

#[test]
fn without_threads_a_sample_is_read_when_it_is_asked_for() {
    let numbers = Numbers::default();
    Loader::new(&numbers).threads(0).prefetch(10).run(|samples| {
        samples.by_ref().take(3).for_each(drop);
        assert_eq!(numbers.reads.load(SeqCst), 3);
    });
}

#[test]
fn leaving_early_stops_the_threads() {
    let numbers = Numbers::default();
    let first = Loader::new(&numbers).threads(3).prefetch(5).run(|samples| samples.next().unwrap().0);
    assert_eq!(first, 0);
    let reads = numbers.reads.load(SeqCst);
    assert!(reads <= 1 + 5 + 3, "{reads}");
    thread::sleep(SLOW);
    assert_eq!(numbers.reads.load(SeqCst), reads);
    // Nobody asks for anything.
    Loader::new(&numbers).threads(3).run(|_| ());
}

#[test]
fn the_first_bad_sample_ends_a_strict_run() {
    let numbers = Numbers { bad: vec![4, 2], ..Numbers::default() };
    let read = Loader::new(&numbers).threads(2).run(|samples| {
        let mut read = Vec::new();
        for (_, sample) in samples {
            read.push(sample?.id);
        }
        Ok::<_, Error>(read)
    });
    assert!(matches!(read, Err(Error::NoSuchSample { index: 2, .. })));
}

#[test]
fn a_lenient_run_collects_bad_samples_in_order() {
    let numbers = Numbers { bad: vec![4, 2], slow: vec![2], ..Numbers::default() };
    let mut bad = Vec::new();
    let loader = Loader::new(&numbers).order((0..6).rev().collect()).threads(3);
    let read: Vec<usize> = loader.run(|samples| samples.lenient(&mut bad).map(|(index, _)| index).collect());
    assert_eq!(read, [5, 3, 1, 0]);
    assert_eq!(bad.iter().map(|(index, _)| *index).collect::<Vec<_>>(), [4, 2]);
}

#[test]
fn a_panic_of_the_data_set_arrives_where_its_sample_is_asked_for() {
    for threads in [0, 1, 4] {
        let numbers = Numbers { fatal: vec![3], slow: vec![1], ..Numbers::default() };
        let mut read = Vec::new();
        let run = || {
            Loader::new(&numbers).threads(threads).run(|samples| {
                samples.for_each(|(index, _)| read.push(index));
            });
        };
        let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
        assert_eq!(*panic.downcast::<usize>().unwrap(), 3);
        assert_eq!(read, [0, 1, 2]);
    }
}

#[test]
fn a_panic_of_the_consumer_stops_the_threads() {
    let numbers = Numbers::default();
    let run = || Loader::new(&numbers).threads(3).prefetch(2).run(|_| resume_unwind(Box::new("stop")));
    let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
    assert_eq!(*panic.downcast::<&str>().unwrap(), "stop");
    assert!(numbers.reads.into_inner() <= 5);
}

#[test]
fn nothing_to_read_gives_nothing() {
    let numbers = Numbers::default();
    assert_eq!(Loader::new(&numbers).order(vec![]).threads(4).run(|samples| samples.count()), 0);
}

#[test]
fn the_number_of_samples_left_is_known() {
    let numbers = Numbers::default();
    Loader::new(&numbers).order(vec![1, 2, 3]).threads(1).run(|samples| {
        assert_eq!(samples.len(), 3);
        samples.next();
        assert_eq!(samples.len(), 2);
    });
}
