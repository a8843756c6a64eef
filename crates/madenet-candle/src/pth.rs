//! PyTorch weight files.

use std::collections::BTreeMap;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use candle_core::pickle::{PthTensors, TensorInfo};
use candle_core::{DType, Tensor, bail};
use madenet_nets::Params;

use crate::candle_net::values_of;
use crate::{Error, Result, ops};

/// Reads the floating-point tensors of a state dict that `torch.save` wrote in the zip format (PyTorch 1.6 or newer), as
/// `f32`.
///
/// Nothing in the file is executed: candle reads the few pickle instructions that state dicts are made of and refuses
/// all others. Integer tensors (`num_batches_tracked`) are left out. The state dict must stand at the top of the file,
/// not inside a training checkpoint.
///
/// # Errors
/// [`Error::Open`] if the file cannot be opened; [`Error::Pth`] if it is no zip file, is cut off, or declares a tensor
/// that it does not hold; [`Error::NoStateDict`] if it holds something else.
pub fn read_pth(path: impl AsRef<Path>) -> Result<Params> {
    let path = path.as_ref();
    let length = File::open(path)
        .and_then(|file| file.metadata())
        .map_err(|source| Error::Open { path: path.to_path_buf(), source })?
        .len();
    // candle's reader indexes without checks where a pickle is malformed.
    let tensors = catch_unwind(AssertUnwindSafe(|| read(path, length)))
        .unwrap_or_else(|_| Err(candle_core::Error::Msg("the pickle is malformed".to_string())))
        .map_err(|source| Error::Pth { path: path.to_path_buf(), source })?;
    if tensors.is_empty() {
        return Err(Error::NoStateDict { path: path.to_path_buf() });
    }
    let mut params = Params::new();
    for (name, tensor) in tensors {
        params.insert(name, tensor.dims().to_vec(), values_of(&tensor)?)?;
    }
    Ok(params)
}

fn read(path: &Path, length: u64) -> ops::Result<Vec<(String, Tensor)>> {
    let file = PthTensors::new(path, None)?;
    // By name, so that of several errors always the same one is met first.
    let infos: BTreeMap<&String, &TensorInfo> = file.tensor_infos().iter().collect();
    let mut tensors = Vec::new();
    for (name, info) in infos.into_iter().filter(|(_, info)| info.dtype.is_float()) {
        check_size(info, length)?;
        match file.get(name)? {
            Some(tensor) => tensors.push((name.clone(), tensor.to_dtype(DType::F32)?)),
            None => bail!("the tensor {name} is declared, but not there"),
        }
    }
    Ok(tensors)
}

/// Refuses a tensor larger than the file before memory is set aside for it: `torch.save` does not compress.
fn check_size(info: &TensorInfo, length: u64) -> ops::Result<()> {
    let dims = info.layout.dims();
    let bytes = dims.iter().try_fold(info.dtype.size_in_bytes(), |n, &d| n.checked_mul(d));
    match bytes {
        Some(bytes) if bytes as u64 <= length => Ok(()),
        _ => bail!("the tensor {} has the shape {dims:?}, too large for a file of {length} bytes", info.name),
    }
}
