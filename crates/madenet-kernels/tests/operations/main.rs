//! Every operation against a naive definition in f64, hand-computed values, thread counts and bad input.

#![expect(clippy::unwrap_used, reason = "clippy allows it in test functions, not in what they share")]

mod channels;
mod conv2d;
mod conv_case;
mod conv_transpose2d;
mod interpolate;
mod pointwise;
mod pool2d;
mod separable;
mod support;
