//! Pixels for industrial inspection: views, limited decoding, antialiased resize, colour maps.
//!
//! ```
//! use madenet_image::{Channels, Filter, ImageView, Values, resize};
//!
//! // A camera hands over rows of 8 values, of which the last two are padding: two BGR pixels each.
//! let frame: [u8; 16] = [
//!     10, 20, 30, 40, 50, 60, 0, 0, //
//!     70, 80, 90, 100, 110, 120, 0, 0,
//! ];
//! let view = ImageView::new(&frame, 2, 2, Channels::Bgr, 8)?;
//! assert_eq!(view.to_rgb().pixels()[..3], [30, 20, 10]);
//!
//! let small = resize(&view, 1, 1, Filter::Bilinear)?;
//! assert_eq!(small.values(), Values::U8(&[75, 65, 55]));
//! # Ok::<(), madenet_image::Error>(())
//! ```
//!
//! Four types carry all pictures:
//!
//! - An [`ImageView`] borrows pixels as they lie in memory, with any [`Channels`], any stride, and values of
//!   `u8`, `u16` (of 1 to 16 bits) or `f32` (0 to 1), so that nothing is copied at the border of a program.
//! - A [`Raster`] owns grey or RGB pixels at the depth in which they were taken. Decoding and resizing give it:
//!   a 12-bit picture keeps its 4096 levels, and grey stays one channel, until a network's normalisation.
//! - An [`Image`] owns interleaved 8-bit RGB, which is drawn on and shown.
//! - A [`Mask`] says for every pixel whether it is anomalous.
//!
//! None of them can be empty or shorter than its size says: the constructors check once, and everything after
//! relies on it. Sizes of pictures are `usize` and come in the order (width, height), as (x, y) does.
//!
//! What a picture measures is a [`Plane`], one number per pixel: [`Plane::luma`] reads a picture, [`sobel`]
//! its edges, [`otsu`] finds a threshold and [`Plane::above`] makes a mask of it. A mask can be drawn
//! ([`Mask::polygon`]), cleaned ([`Mask::open`], [`Mask::fill_holes`]) and outlined ([`Mask::contours`]);
//! results are shown with [`overlay`], [`draw_contours`] and [`contact_sheet`]. [`rotate`] and
//! [`ColorJitter`] vary pictures for training.
//!
//! These operations are ours because the crate `imageproc` (0.27) works on 8-bit buffers only, would bring
//! `nalgebra` and a second `rand` into every deployed binary, has no alpha in its rotation, and runs its
//! contours through the centres of pixels. The tests compare with it.
//!
//! The feature `image` (on by default) adds the decoding and encoding of files and conversions from the types
//! of the crate [`image`](https://docs.rs/image); views, resizing, masks and colour maps need no feature.

mod ascii;
mod channels;
mod colormap;
mod contact_sheet;
mod contour;
#[cfg(feature = "image")]
mod convert;
#[cfg(feature = "image")]
mod decode;
mod depth;
mod draw;
#[cfg(feature = "image")]
mod encode;
mod error;
mod file;
mod filter;
mod jitter;
#[cfg(feature = "image")]
mod jpeg;
mod letterbox;
#[cfg(feature = "image")]
mod limits;
mod logic;
mod mask;
mod morphology;
mod otsu;
mod overlay;
mod owned;
mod plane;
mod raster;
mod rect;
mod resize;
mod rotate;
mod shapes;
mod sobel;
mod taps;
#[cfg(test)]
mod testing;
mod values;
mod view;

pub use channels::Channels;
pub use colormap::Colormap;
pub use contact_sheet::contact_sheet;
pub use contour::Contour;
#[cfg(feature = "image")]
pub use decode::{decode, decode_bytes, decode_bytes_with, decode_mask, decode_mask_with, decode_with};
pub use draw::{draw_contours, draw_rect};
#[cfg(feature = "image")]
pub use encode::{encode_png, save_mask, save_png};
pub use error::{Error, Result};
pub use file::{remove_unfinished, replace_file};
pub use filter::Filter;
pub use jitter::ColorJitter;
pub use letterbox::{letterbox, letterbox_rect};
#[cfg(feature = "image")]
pub use limits::DecodeLimits;
pub use mask::Mask;
pub use otsu::otsu;
pub use overlay::overlay;
pub use owned::Image;
pub use plane::Plane;
pub use raster::Raster;
pub use rect::Rect;
pub use resize::resize;
pub use rotate::{Rotated, rotate};
pub use sobel::{Gradient, sobel};
pub use values::{PixelValue, Values};
pub use view::ImageView;
