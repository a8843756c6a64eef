//! Weight files: safetensors, the format that stores tensors and cannot run code.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Seek};
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata, SafeTensorError, SafeTensors, TensorInfo, View};

use crate::params::{Param, Params};
use crate::{Error, Result};

/// Bytes before the header, which say how long it is.
const HEADER_LENGTH: usize = 8;
/// The longest header that is read, in bytes: the most that the safetensors crate accepts.
const MOST_HEADER: u64 = 100_000_000;
/// Bytes that are read at once: whole values of every type.
const CHUNK: usize = 1 << 16;

impl Params {
    /// The largest weight file that is read, in bytes: 4 GiB, fifteen times that of a WideResNet-50-2 (276 MB), so that a
    /// wrong path does not fill the memory.
    pub const MAX_FILE_BYTES: u64 = 4 << 30;

    /// Reads all floating-point tensors of a safetensors file, as `f32`.
    ///
    /// Integer tensors (PyTorch's `num_batches_tracked`) are left out. The header is checked against the file's size
    /// before anything is made of it; then the tensors are read one after another, so that memory holds the values and
    /// not the file beside them.
    ///
    /// # Errors
    /// [`Error::Read`] if the file cannot be read, [`Error::TooLarge`] if it has more than
    /// [`MAX_FILE_BYTES`](Self::MAX_FILE_BYTES), [`Error::Safetensors`] if it is cut off, or its header is unsound: a
    /// tensor declared outside the file, overlapping, or of another size than its shape.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let failed = |source| Error::Read { path: path.to_path_buf(), source };
        let mut file = open_limited(path, Self::MAX_FILE_BYTES)?;
        let about = file.metadata().map_err(failed)?;
        if !about.is_file() {
            // Pipes tell no size that a header could be held against.
            return Self::from_safetensors(&read_weight_file(path)?, &path.display().to_string());
        }
        let header = read_header(&mut file, about.len(), path)?;
        let mut params = Params::new();
        for tensor in header.offset_keys() {
            let Some(info) = header.info(&tensor) else { continue };
            if let Some(values) = read_f32(&mut file, info).map_err(failed)? {
                params.insert(tensor, info.shape.clone(), values)?;
            }
        }
        Ok(params)
    }

    /// Reads all floating-point tensors of a safetensors file's bytes; `name` is what errors call them.
    ///
    /// # Errors
    /// [`Error::Safetensors`].
    pub fn from_safetensors(bytes: &[u8], name: &str) -> Result<Self> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|source| Error::Safetensors { name: name.to_string(), source })?;
        let mut params = Params::new();
        for (tensor, view) in file.iter() {
            let mut values = Vec::new();
            if extend_f32(&mut values, view.dtype(), view.data()) {
                params.insert(tensor, view.shape().to_vec(), values)?;
            }
        }
        Ok(params)
    }

    /// The bytes of a safetensors file with all tensors and this metadata. Equal weights give equal bytes as long as
    /// `metadata` has at most one entry.
    ///
    /// # Errors
    /// [`Error::Safetensors`] if the header cannot be made.
    pub fn to_safetensors(&self, metadata: Option<(&str, &str)>) -> Result<Vec<u8>> {
        let metadata = metadata.map(|(k, v)| HashMap::from([(k.to_string(), v.to_string())]));
        safetensors::serialize(self.iter().map(|(name, param)| (name, Little(param))), metadata)
            .map_err(|source| Error::Safetensors { name: "weights to be written".to_string(), source })
    }
}

/// The bytes of the file at `path`, whole: a weight file, or a model file with more in its header.
///
/// # Errors
/// [`Error::Read`] if it cannot be read, [`Error::TooLarge`] if it has more than
/// [`MAX_FILE_BYTES`](Params::MAX_FILE_BYTES).
pub fn read_weight_file(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    read_limited(path.as_ref(), Params::MAX_FILE_BYTES)
}

/// The bytes of a file that has at most `limit`.
fn read_limited(path: &Path, limit: u64) -> Result<Vec<u8>> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let file = open_limited(path, limit)?;
    let size = file.metadata().map_err(failed)?.len();
    let mut bytes = Vec::new();
    let room = usize::try_from(size).ok().filter(|&size| bytes.try_reserve_exact(size).is_ok());
    if room.is_none() {
        return Err(failed(ErrorKind::OutOfMemory.into()));
    }
    // Devices tell no size, and files grow.
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)? as u64;
    if read > limit {
        Err(Error::TooLarge { path: path.to_path_buf(), bytes: read, limit })
    } else {
        Ok(bytes)
    }
}

/// The file at `path`, if it says to have at most `limit` bytes.
fn open_limited(path: &Path, limit: u64) -> Result<File> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let file = File::open(path).map_err(failed)?;
    let bytes = file.metadata().map_err(failed)?.len();
    if bytes > limit { Err(Error::TooLarge { path: path.to_path_buf(), bytes, limit }) } else { Ok(file) }
}

/// The header of a safetensors file of `size` bytes, sound and of a length that fits; `file` then stands at the tensors.
fn read_header(file: &mut File, size: u64, path: &Path) -> Result<Metadata> {
    let failed = |source| Error::Read { path: path.to_path_buf(), source };
    let unsound = |source| Error::Safetensors { name: path.display().to_string(), source };
    let mut bytes = Vec::new();
    file.take(HEADER_LENGTH as u64).read_to_end(&mut bytes).map_err(failed)?;
    let length = bytes.first_chunk().map_or(0, |&length| u64::from_le_bytes(length));
    if length <= MOST_HEADER {
        file.take(length).read_to_end(&mut bytes).map_err(failed)?;
    }
    match SafeTensors::read_metadata(&bytes) {
        // The last of its checks: all is well but that the tensors are not there, which the size tells.
        Ok(_) | Err(SafeTensorError::MetadataIncompleteBuffer) => {}
        Err(source) => return Err(unsound(source)),
    }
    let header: Metadata = serde_json::from_slice(bytes.get(HEADER_LENGTH..).unwrap_or_default())
        .map_err(|source| unsound(SafeTensorError::InvalidHeaderDeserialization(source)))?;
    if (bytes.len() as u64).checked_add(header.data_len() as u64) != Some(size) {
        return Err(unsound(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok(header)
}

/// Reads or skips the tensor at which `file` stands; none if its type is not of floating point.
fn read_f32(file: &mut File, info: &TensorInfo) -> std::io::Result<Option<Vec<f32>>> {
    let mut values = Vec::new();
    let (start, end) = info.data_offsets;
    let mut left = end - start;
    if !extend_f32(&mut values, info.dtype, &[]) {
        file.seek_relative(left as i64)?;
        return Ok(None);
    }
    values.try_reserve_exact(info.shape.iter().product()).map_err(|_| ErrorKind::OutOfMemory)?;
    let mut chunk = vec![0; left.min(CHUNK)];
    while left > 0 {
        chunk.truncate(left);
        file.read_exact(&mut chunk)?;
        extend_f32(&mut values, info.dtype, &chunk);
        left -= chunk.len();
    }
    Ok(Some(values))
}

/// Adds the values of a floating-point tensor's bytes as `f32`; false for other types.
fn extend_f32(values: &mut Vec<f32>, dtype: Dtype, data: &[u8]) -> bool {
    match dtype {
        Dtype::F32 => values.extend(words(data).map(f32::from_le_bytes)),
        Dtype::F64 => values.extend(words(data).map(|b| f64::from_le_bytes(b) as f32)),
        Dtype::F16 => values.extend(words(data).map(|b| half_to_f32(u16::from_le_bytes(b)))),
        Dtype::BF16 => {
            values.extend(words(data).map(|b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)));
        }
        _ => return false,
    }
    true
}

fn words<const N: usize>(bytes: &[u8]) -> impl Iterator<Item = [u8; N]> {
    bytes.as_chunks::<N>().0.iter().copied()
}

/// IEEE 754 binary16 to binary32, exact.
fn half_to_f32(h: u16) -> f32 {
    let sign = u32::from(h >> 15) << 31;
    let (exponent, fraction) = (u32::from(h >> 10 & 31), u32::from(h & 0x3ff));
    match (exponent, fraction) {
        // Zero and subnormals count in steps of 2^-24.
        (0, _) => f32::from_bits(sign | (fraction as f32 * (1.0 / (1 << 24) as f32)).to_bits()),
        (31, _) => f32::from_bits(sign | 0x7f80_0000 | fraction << 13),
        _ => f32::from_bits(sign | (exponent + 112) << 23 | fraction << 13),
    }
}

/// A tensor as the writer of safetensors wants it: little-endian bytes.
struct Little<'a>(&'a Param);

impl View for Little<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::F32
    }

    fn shape(&self) -> &[usize] {
        self.0.shape()
    }

    fn data(&self) -> Cow<'_, [u8]> {
        self.0.values().iter().flat_map(|v| v.to_le_bytes()).collect()
    }

    fn data_len(&self) -> usize {
        self.0.values().len() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample() -> Result<Params> {
        let mut params = Params::new();
        params.insert("b", vec![2, 2], vec![1.0, -2.5, 0.0, 3.0])?;
        params.insert("a", vec![3], vec![f32::MIN_POSITIVE, 1e30, -0.0])?;
        Ok(params)
    }

    #[test]
    fn files_come_back_bit_for_bit() -> Result<()> {
        let bytes = sample()?.to_safetensors(Some(("madenet", "{}")))?;
        assert_eq!(Params::from_safetensors(&bytes, "memory")?, sample()?);
        assert_eq!(bytes, sample()?.to_safetensors(Some(("madenet", "{}")))?);
        Ok(())
    }

    #[test]
    fn types_are_told_apart_and_integers_left_out() -> Result<()> {
        let header = br#"{"f":{"dtype":"F64","shape":[2],"data_offsets":[0,16]},"n":{"dtype":"I64","shape":[],"data_offsets":[16,24]},"h":{"dtype":"BF16","shape":[1],"data_offsets":[24,26]},"none":{"dtype":"F32","shape":[0],"data_offsets":[26,26]}}"#;
        let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
        bytes.extend_from_slice(header);
        bytes.extend([1.5_f64, -2.0].into_iter().flat_map(f64::to_le_bytes));
        bytes.extend_from_slice(&7_i64.to_le_bytes());
        bytes.extend_from_slice(&[0x80, 0x3f]);
        let params = Params::from_safetensors(&bytes, "memory")?;
        assert_eq!(params.get("f").map(Param::values), Some(&[1.5, -2.0][..]));
        assert_eq!(params.get("h").map(Param::values), Some(&[1.0][..]));
        assert_eq!(params.get("none").map(Param::shape), Some(&[0][..]));
        assert_eq!(params.len(), 3);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), &bytes).unwrap();
        assert_eq!(Params::read(file.path())?, params);
        Ok(())
    }

    /// What a file with these bytes gives, which [`Params::from_safetensors`] gives as well.
    fn read_bytes(bytes: &[u8]) -> std::result::Result<Params, String> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        let name = file.path().display().to_string();
        let told = |result: Result<Params>| {
            result.map_err(|e| format!("{e}: {}", std::error::Error::source(&e).unwrap()))
        };
        let read = told(Params::read(file.path()));
        assert_eq!(read, told(Params::from_safetensors(bytes, &name)));
        read
    }

    #[test]
    fn files_are_read_as_their_bytes_are() -> Result<()> {
        let mut params = sample()?;
        // Longer than what is read at once.
        let values = (0..CHUNK).map(|i| i as f32).collect();
        params.insert("long", vec![CHUNK], values)?;
        let bytes = params.to_safetensors(None)?;
        assert_eq!(read_bytes(&bytes), Ok(params));
        for cut in [0, 4, 8, 20, bytes.len() / 2, bytes.len() - 1] {
            assert!(read_bytes(&bytes[..cut]).is_err(), "{cut}");
        }
        assert!(read_bytes(&[&bytes[..], &[0]].concat()).is_err(), "one byte too many");
        let declared =
            |length: u64, header: &str| [&length.to_le_bytes(), header.as_bytes(), &[0; 16]].concat();
        let sound = |header: &str| declared(header.len() as u64, header);
        assert!(read_bytes(&declared(u64::MAX, "{}")).is_err());
        assert!(read_bytes(&declared(MOST_HEADER, "{}")).is_err());
        assert!(read_bytes(&declared(MOST_HEADER + 1, "{}")).is_err());
        for header in [
            "",
            "[]",
            r#"{"x":{"dtype":"F32","shape":[32768,32768],"data_offsets":[0,4294967296]}}"#,
            r#"{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,12]}}"#,
            r#"{"x":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
            r#"{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"y":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}}"#,
            r#"{"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,16]}}"#,
        ] {
            assert!(read_bytes(&sound(header)).is_err(), "{header}");
        }
        Ok(())
    }

    #[test]
    fn unsound_files_are_errors() -> Result<()> {
        let bytes = sample()?.to_safetensors(None)?;
        for cut in [0, 4, 8, 20, bytes.len() / 2, bytes.len() - 1] {
            let cut = Params::from_safetensors(&bytes[..cut], "cut.safetensors");
            assert!(
                matches!(&cut, Err(Error::Safetensors { name, .. }) if name == "cut.safetensors"),
                "{cut:?}"
            );
        }
        // A header that declares a tensor of 4 GiB in a file of a few bytes.
        let header = br#"{"x":{"dtype":"F32","shape":[32768,32768],"data_offsets":[0,4294967296]}}"#;
        let mut hostile = (header.len() as u64).to_le_bytes().to_vec();
        hostile.extend_from_slice(header);
        hostile.extend_from_slice(&[0; 16]);
        assert!(matches!(Params::from_safetensors(&hostile, "big"), Err(Error::Safetensors { .. })));
        assert!(matches!(Params::read("/no/such/file"), Err(Error::Read { .. })));
        Ok(())
    }

    #[test]
    fn large_files_are_refused_before_they_are_read() -> Result<()> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("large.safetensors");
        // A hole in the file takes no space.
        File::create(&path).unwrap().set_len(Params::MAX_FILE_BYTES + 1).unwrap();
        let error = Params::read(&path).unwrap_err();
        assert!(
            matches!(error, Error::TooLarge { bytes: 4_294_967_297, limit: 4_294_967_296, .. }),
            "{error}"
        );
        assert!(error.to_string().ends_with("large.safetensors"), "{error}");

        std::fs::write(&path, sample()?.to_safetensors(None)?).unwrap();
        assert_eq!(Params::read(&path)?, sample()?);
        #[cfg(unix)]
        assert!(matches!(read_limited(Path::new("/dev/zero"), 9), Err(Error::TooLarge { bytes: 10, .. })));
        Ok(())
    }

    #[test]
    fn halves_are_read_exactly() {
        let cases = [
            (0x0000, 0.0),
            (0x8000, -0.0),
            (0x3c00, 1.0),
            (0xc248, -3.140_625),
            (0x0001, 5.960_464_5e-8),
            (0x7bff, 65504.0),
        ];
        for (bits, value) in cases {
            assert_eq!(half_to_f32(bits).to_bits(), f32::to_bits(value), "{bits:#x}");
        }
        assert!(half_to_f32(0x7e00).is_nan() && half_to_f32(0x7c00).is_infinite());
    }
}
