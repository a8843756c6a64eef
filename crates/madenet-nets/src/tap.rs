//! Feature maps of backbones.

use crate::builder::Val;
use crate::{Error, Result};

/// A feature map of a backbone that others build on.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Tap {
    /// The layer's name: `"layer2"`.
    pub name: &'static str,
    /// The feature map.
    pub val: Val,
    /// Its channels.
    pub channels: usize,
    /// Input pixels per pixel of it.
    pub stride: usize,
}

/// How many of the layers `known` a trunk needs so that all of `layers` are among them.
pub(crate) fn depth(layers: &[&str], known: &[&str]) -> Result<usize> {
    layers.iter().try_fold(0, |depth, layer| match known.iter().position(|k| k == layer) {
        Some(place) => Ok(depth.max(place + 1)),
        None => Err(Error::Unknown { what: "layer", name: (*layer).to_string(), expected: known.join(", ") }),
    })
}

/// The maps of `layers`, in their order.
pub(crate) fn select(taps: &[Tap], layers: &[&str]) -> Vec<Tap> {
    layers.iter().filter_map(|layer| taps.iter().find(|t| t.name == *layer).copied()).collect()
}
