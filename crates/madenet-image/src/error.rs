//! The error of this crate.

use std::error::Error as StdError;
use std::io;
use std::path::PathBuf;

use crate::{Channels, Rect};

/// The result of every fallible function of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with pictures. `name` is the path of the file, or the name given with the bytes.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A side of the picture is zero.
    #[error("a picture needs at least one pixel, but its size is {width} x {height}")]
    NoPixels {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The number of bytes exceeds what `usize` can count.
    #[error("a picture of {width} x {height} pixels does not fit into the address space")]
    SizeOverflow {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
    },
    /// The rows of a view would overlap.
    #[error(
        "a row of {width} {channels} pixels takes {expected} values, but the stride is {stride}; a stride counts \
         values, not bytes"
    )]
    StrideTooSmall {
        /// Width in pixels.
        width: usize,
        /// Channels of a pixel.
        channels: Channels,
        /// Values from one row to the next, as given.
        stride: usize,
        /// Values of one row.
        expected: usize,
    },
    /// The buffer of a view ends before its last row.
    #[error(
        "{width} x {height} {channels} pixels at a stride of {stride} take {expected} values, but the buffer has {got}"
    )]
    BufferTooShort {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Channels of a pixel.
        channels: Channels,
        /// Values from one row to the next.
        stride: usize,
        /// Least number of values.
        expected: usize,
        /// Values of the buffer.
        got: usize,
    },
    /// A floating-point pixel that is darker than black, brighter than white, or not a number.
    #[error(
        "the pixel ({x}, {y}) has the value {value}, expected 0 to 1: divide floating-point pixels by their white \
         level first"
    )]
    NotInUnitRange {
        /// Column of the first such pixel.
        x: usize,
        /// Row of the first such pixel.
        y: usize,
        /// Its first such value.
        value: f32,
    },
    /// A bit depth that the values cannot have.
    #[error("a bit depth of {got} for values of type {values}: expected 1 to 16 for values of type u16")]
    BitDepth {
        /// The bits asked for.
        got: u8,
        /// The type of the values.
        values: &'static str,
    },
    /// An owned picture of channels that only a view can have.
    #[error("a raster holds Gray or Rgb pixels, got {got}: ImageView::to_raster converts them")]
    RasterChannels {
        /// The channels asked for.
        got: Channels,
    },
    /// A region that leaves its picture.
    #[error(
        "the region of {} x {} pixels at ({}, {}) must lie inside the image of {} x {}",
        region.width, region.height, region.x, region.y, image.0, image.1
    )]
    OutsideImage {
        /// The region.
        region: Rect,
        /// Width and height of the image.
        image: (usize, usize),
    },
    /// An owned buffer is not as long as the size says.
    #[error("a raster of {width} x {height} holds {expected} values, but got {got}")]
    WrongLength {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// Number of values the size asks for.
        expected: usize,
        /// Number of values given.
        got: usize,
    },
    /// Two rasters that belong together differ in size.
    #[error(
        "the {what} must be as large as the {reference}: expected {} x {}, got {} x {}",
        expected.0, expected.1, got.0, got.1
    )]
    SizeMismatch {
        /// The raster that was refused.
        what: &'static str,
        /// The raster that sets the size.
        reference: &'static str,
        /// Width and height of the reference.
        expected: (usize, usize),
        /// Width and height of what was refused.
        got: (usize, usize),
    },
    /// An opacity outside the unit interval.
    #[error("the opacity must lie in 0..=1, got {0}")]
    Opacity(f32),
    /// A value of a plane is infinite or not a number.
    #[error("the values of a plane must be finite, but at x = {x}, y = {y} is {value}")]
    NotFinite {
        /// Column of the value.
        x: usize,
        /// Row of the value.
        y: usize,
        /// The value.
        value: f32,
    },
    /// A corner of a polygon is infinite or not a number.
    #[error("the corners of a polygon must be finite, but corner {index} is ({x}, {y})")]
    Corner {
        /// Index of the corner, from 0.
        index: usize,
        /// Its first coordinate.
        x: f32,
        /// Its second coordinate.
        y: f32,
    },
    /// A drawn mask with other characters than `*` and `.`, or with rows of different lengths.
    #[error("row {row} of a drawn mask must be {expected} characters of `*` and `.`, got {got:?}")]
    Ascii {
        /// Index of the row, from 0, without empty rows.
        row: usize,
        /// Length of the first row.
        expected: usize,
        /// The row.
        got: String,
    },
    /// An angle that is infinite or not a number.
    #[error("an angle of rotation must be a finite number of degrees, got {0}")]
    Degrees(f32),
    /// A factor of a colour jitter outside its range.
    #[error("the {factor} of a colour jitter must be {expected}, got {got}")]
    Jitter {
        /// The factor.
        factor: &'static str,
        /// What is allowed.
        expected: &'static str,
        /// What was given.
        got: f32,
    },
    /// A contact sheet without a cell.
    #[error("a contact sheet needs a picture and a column, got {pictures} pictures and {columns} columns")]
    NoCells {
        /// Number of pictures.
        pictures: usize,
        /// Number of columns.
        columns: usize,
    },
    /// Pixels of the crate `image` that have no counterpart here.
    #[error("cannot use {pixels} pixels: expected {expected}")]
    UnsupportedPixels {
        /// The kind of pixels, in the words of the crate `image`.
        pixels: String,
        /// What can be used in this place.
        expected: &'static str,
    },
    /// There is no such file.
    #[error("cannot read a picture: there is no such file: {}", path.display())]
    NotFound {
        /// The file.
        path: PathBuf,
    },
    /// The file exists but could not be read.
    #[error("cannot read a picture: {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
    /// The file has no bytes at all.
    #[error("cannot decode a picture: the file is empty (0 bytes): {name}")]
    EmptyFile {
        /// The file.
        name: String,
    },
    /// The content is of no format that this crate reads.
    #[error(
        "cannot decode a picture: expected the content of a PNG, JPEG, BMP or TIFF file, got {found}: {name}"
    )]
    UnsupportedFormat {
        /// What the first bytes look like.
        found: String,
        /// The file.
        name: String,
    },
    /// The format is known, but not this kind of pixels or compression.
    #[error("cannot decode a {format} picture: unsupported content: {content}: {name}")]
    UnsupportedContent {
        /// The format of the file.
        format: String,
        /// What is not supported.
        content: String,
        /// The file.
        name: String,
    },
    /// A mask in a format whose compression changes pixels.
    #[error(
        "cannot use a JPEG picture as a mask: its compression alters zeros; expected PNG, BMP or TIFF: {name}"
    )]
    LossyMask {
        /// The file.
        name: String,
    },
    /// The content contradicts its format or ends too early.
    #[error("cannot decode a {format} picture: the file is damaged or cut off: {name}")]
    Corrupt {
        /// The format of the file.
        format: String,
        /// The file.
        name: String,
        /// The decoder's answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// One of the `DecodeLimits` would be exceeded.
    #[error("cannot decode a picture: too large: {got} {unit}, and the limit is {limit}: {name}")]
    TooLarge {
        /// What is counted.
        unit: &'static str,
        /// What the file asks for.
        got: u64,
        /// What is allowed.
        limit: u64,
        /// The file.
        name: String,
    },
    /// The decoder gave up because its working memory exceeds the limit.
    #[error("cannot decode a {format} picture: the decoder needs more than {limit} bytes: {name}")]
    OutOfMemory {
        /// The format of the file.
        format: String,
        /// What is allowed, in bytes.
        limit: u64,
        /// The file.
        name: String,
        /// The decoder's answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A picture could not be turned into the bytes of a file.
    #[error("cannot encode a picture of {width} x {height} as PNG")]
    Encode {
        /// Width in pixels.
        width: usize,
        /// Height in pixels.
        height: usize,
        /// The encoder's answer.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// A file could not be written. Whatever was at the path before is still there.
    #[error("cannot write a picture: {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// The operating system's answer.
        source: io::Error,
    },
}
