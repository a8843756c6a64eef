//! What the examples that train submodels share.

#![allow(dead_code, reason = "every example uses its own part")]

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use madenet::Event;
use madenet::data::Records;

/// Share of the good images that training never sees and that the thresholds come from (a usual choice).
pub(crate) const VALIDATION_SHARE: f64 = 0.15;
/// Steps from one checkpoint to the next.
pub(crate) const CHECKPOINT: u64 = 100;

/// The path of a model with another ending.
pub(crate) fn beside(out: &Path, ending: &str) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

/// Of a training part, defects included, what validation does not hold.
pub(crate) fn without(train: &Records, validation: &Records) -> Records {
    let held_out: Vec<&str> = validation.entries().iter().map(|entry| entry.id.as_str()).collect();
    train.filter(|entry| !held_out.contains(&entry.id.as_str()))
}

/// A line on stderr now and then.
pub(crate) fn progress(event: &Event<'_>) -> ControlFlow<()> {
    match *event {
        Event::Image { stage, done, of } if done % 64 == 0 || done == of => {
            eprintln!("{stage} {done}/{of}");
        }
        Event::Step { stage, step, of, loss, parts, health, .. } if step % 50 == 0 || step == of => {
            let figures = parts.iter().chain(health);
            let figures: Vec<String> = figures.map(|(name, value)| format!("{name} {value:.4}")).collect();
            eprintln!("{stage} {step}/{of} loss {loss:.4} {}", figures.join(" "));
        }
        _ => {}
    }
    ControlFlow::Continue(())
}
