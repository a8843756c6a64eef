//! Weight files: safetensors, the format that stores tensors and cannot run code.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use safetensors::tensor::{Dtype, SafeTensors, TensorView, View};

use crate::params::{Param, Params};
use crate::{Error, Result};

impl Params {
    /// The largest weight file that is read, in bytes: 4 GiB, fifteen times that of a WideResNet-50-2 (276 MB), so that a
    /// wrong path does not fill the memory.
    pub const MAX_FILE_BYTES: u64 = 4 << 30;

    /// Reads all floating-point tensors of a safetensors file, as `f32`.
    ///
    /// Integer tensors (PyTorch's `num_batches_tracked`) are left out. The whole file is read into memory and checked
    /// before anything is made of it.
    ///
    /// # Errors
    /// [`Error::Read`] if the file cannot be read, [`Error::TooLarge`] if it has more than
    /// [`MAX_FILE_BYTES`](Self::MAX_FILE_BYTES), [`Error::Safetensors`] if it is cut off, or its header is unsound: a
    /// tensor declared outside the file, overlapping, or of another size than its shape.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = read_weight_file(path)?;
        Self::from_safetensors(&bytes, &path.display().to_string())
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
            if let Some(values) = to_f32(&view) {
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
    let too_large = |bytes| Error::TooLarge { path: path.to_path_buf(), bytes, limit };
    let file = File::open(path).map_err(failed)?;
    let size = file.metadata().map_err(failed)?.len();
    if size > limit {
        return Err(too_large(size));
    }
    let mut bytes = Vec::new();
    let room = usize::try_from(size).ok().filter(|&size| bytes.try_reserve_exact(size).is_ok());
    if room.is_none() {
        return Err(failed(ErrorKind::OutOfMemory.into()));
    }
    // Devices tell no size, and files grow.
    let read = file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(failed)? as u64;
    if read > limit { Err(too_large(read)) } else { Ok(bytes) }
}

/// The values of a floating-point tensor as `f32`; none for other types.
fn to_f32(view: &TensorView<'_>) -> Option<Vec<f32>> {
    let data = view.data();
    Some(match view.dtype() {
        Dtype::F32 => words(data).map(f32::from_le_bytes).collect(),
        Dtype::F64 => words(data).map(|b| f64::from_le_bytes(b) as f32).collect(),
        Dtype::F16 => words(data).map(|b| half_to_f32(u16::from_le_bytes(b))).collect(),
        Dtype::BF16 => words(data).map(|b| f32::from_bits(u32::from(u16::from_le_bytes(b)) << 16)).collect(),
        _ => return None,
    })
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
