use std::ops::ControlFlow;

/// Watches long work, and may end it.
///
/// Every `FnMut(&Event) -> ControlFlow<()> + Send` is one; `&mut ()` watches nothing.
///
/// ```
/// use madenet_core::{Event, Observer};
/// use std::ops::ControlFlow;
/// let mut losses = Vec::new();
/// let mut observer = |event: &Event<'_>| {
///     if let Event::Step { loss, .. } = event {
///         losses.push(*loss);
///     }
///     if losses.len() < 100 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
/// };
/// let event = Event::Step {
///     stage: "fit",
///     step: 1,
///     of: 1000,
///     loss: 0.5,
///     parts: &[],
///     learning_rate: 1e-3,
///     gradient_norm: 2.0,
///     health: &[],
/// };
/// assert!(observer.on_event(&event).is_continue());
/// ```
pub trait Observer: Send {
    /// Hears of an event; [`ControlFlow::Break`] ends the work with an error that says so.
    fn on_event(&mut self, event: &Event<'_>) -> ControlFlow<()>;
}

/// Something that happened in long work.
#[derive(Clone, Copy, PartialEq, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// An image of `of` has gone through, for instance through a backbone whose features are computed once.
    Image {
        /// What is being done: `"features"`.
        stage: &'static str,
        /// Images done.
        done: usize,
        /// Images in all.
        of: usize,
    },
    /// A training step has been taken.
    Step {
        /// What is being trained.
        stage: &'static str,
        /// Steps taken.
        step: u64,
        /// Steps in all.
        of: u64,
        /// The loss of this step.
        loss: f32,
        /// The named terms that it is made of; none where it is of one piece.
        parts: &'a [(&'static str, f32)],
        /// The learning rate of this step, of parameters that are in no group of their own.
        learning_rate: f64,
        /// Length of the gradients as one vector, before they were clipped.
        gradient_norm: f64,
        /// Named figures that tell whether training is healthy.
        health: &'a [(&'static str, f32)],
    },
}

impl Observer for () {
    fn on_event(&mut self, _: &Event<'_>) -> ControlFlow<()> {
        ControlFlow::Continue(())
    }
}

impl<F: FnMut(&Event<'_>) -> ControlFlow<()> + Send> Observer for F {
    fn on_event(&mut self, event: &Event<'_>) -> ControlFlow<()> {
        self(event)
    }
}
