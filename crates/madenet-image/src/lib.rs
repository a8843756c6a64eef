//! Pixels for industrial inspection: views, limited decoding, antialiased resize, colour maps.
//!
//! ```
//! use madenet_image::{Filter, ImageView, PixelFormat, resize};
//!
//! // A camera hands over rows of 8 bytes, of which the last two are padding: two BGR pixels each.
//! let frame = [10, 20, 30, 40, 50, 60, 0, 0, 70, 80, 90, 100, 110, 120, 0, 0];
//! let view = ImageView::new(&frame, 2, 2, PixelFormat::Bgr8, 8)?;
//! assert_eq!(view.to_rgb().pixels()[..3], [30, 20, 10]);
//!
//! let small = resize(&view, 1, 1, Filter::Bilinear)?;
//! assert_eq!(small.pixels(), [75, 65, 55]);
//! # Ok::<(), madenet_image::Error>(())
//! ```
//!
//! Three types carry all pictures. An [`ImageView`] borrows pixels as they lie in memory, in any
//! [`PixelFormat`] and with any stride, so that nothing is copied at the border of a program. An [`Image`]
//! owns interleaved 8-bit RGB, the one form the rest of madenet works on. A [`Mask`] says for every pixel
//! whether it is anomalous. None of them can be empty or shorter than its size says: the constructors check
//! once, and everything after relies on it.
//!
//! Sizes of pictures are `usize` and come in the order (width, height), as (x, y) does.
//!
//! The feature `image` (on by default) adds the decoding and encoding of files and conversions from the types
//! of the crate [`image`](https://docs.rs/image); views, resizing, masks and colour maps need no feature.

mod colormap;
#[cfg(feature = "image")]
mod convert;
#[cfg(feature = "image")]
mod decode;
#[cfg(feature = "image")]
mod encode;
mod error;
mod file;
#[cfg(feature = "image")]
mod jpeg;
#[cfg(feature = "image")]
mod limits;
mod mask;
mod overlay;
mod owned;
mod resize;
mod taps;
mod view;

pub use colormap::Colormap;
#[cfg(feature = "image")]
pub use decode::{decode, decode_bytes, decode_bytes_with, decode_mask, decode_mask_with, decode_with};
#[cfg(feature = "image")]
pub use encode::{encode_png, save_png};
pub use error::{Error, Result};
pub use file::replace_file;
#[cfg(feature = "image")]
pub use limits::DecodeLimits;
pub use mask::Mask;
pub use overlay::overlay;
pub use owned::Image;
pub use resize::{Filter, resize};
pub use view::{ImageView, PixelFormat};
