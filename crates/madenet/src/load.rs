//! A detector from a file, whatever submodel it is of.

use std::path::Path;

use madenet_core::{AnomalyDetector, Error, Result, Submodel, model_kind, read_model_file};
use madenet_lpd::{Lpd, LpdModel};
use madenet_sfad::{Sfad, SfadModel};
use madenet_srad::{Srad, SradModel};

/// Reads a model file of any submodel; [`Sfad::load`] and the like give types that can do more.
///
/// ```no_run
/// use madenet::image::decode;
/// let detector = madenet::load("bottle.model")?;
/// let image = decode("bottle.png")?;
/// println!("{} says {}", detector.name(), detector.predict_one(&image.as_view())?.label);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// As those, and [`Error::ModelFile`] for a kind of model that is no detector.
pub fn load(path: impl AsRef<Path>) -> Result<Box<dyn AnomalyDetector>> {
    let bytes = read_model_file(&path)?;
    let name = path.as_ref().display().to_string();
    match model_kind(&bytes, &name)?.as_str() {
        SfadModel::KIND => Ok(Box::new(Sfad::from_bytes(&bytes, &name)?)),
        SradModel::KIND => Ok(Box::new(Srad::from_bytes(&bytes, &name)?)),
        LpdModel::KIND => Ok(Box::new(Lpd::from_bytes(&bytes, &name)?)),
        other => {
            let kinds = [SfadModel::KIND, SradModel::KIND, LpdModel::KIND].join(", ");
            let reason = format!("the file holds a model of kind {other:?}, expected one of {kinds}");
            Err(Error::ModelFile { reason, name })
        }
    }
}
