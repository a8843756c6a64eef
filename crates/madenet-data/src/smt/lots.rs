//! The random numbers of one board.

use madenet_rng::Stream;

/// Two streams: what is printed and routed is the same on all boards of a design, the rest is each board's own.
pub(crate) struct Lots {
    pub(crate) design: Stream,
    pub(crate) board: Stream,
}
