//! The file of a deployable model: one `.safetensors` with everything in it.
//!
//! The weights are its tensors; the rest (configuration with preprocessing, recipes, provenance) is one JSON text in its metadata,
//! under the key `madenet`: `{"format": 2, "kind": "sfad", "written_by": "madenet 0.1.0", "content": {...}}`. Nothing in a
//! file is executed, and nothing is believed before it is checked.

use std::path::Path;

use madenet_image::replace_file;
use madenet_nets::{Params, read_weight_file};
use safetensors::SafeTensors;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Version of the file format that this library writes and reads. Format 1, of before the first release, had a bare
/// calibration where there are recipes now.
pub const FORMAT_VERSION: u32 = 2;

/// Key of the metadata entry.
const KEY: &str = "madenet";

#[derive(Serialize, Deserialize)]
struct Header {
    format: u32,
    kind: String,
    written_by: String,
    content: serde_json::Value,
}

/// The bytes of a model file: `content` is what the kind of model needs beside its weights.
///
/// # Errors
/// [`Error::ModelHeader`] if `content` does not serialise, [`Error::Net`] if the file cannot be made.
pub fn model_to_bytes<C: Serialize>(kind: &str, content: &C, params: &Params) -> Result<Vec<u8>> {
    let unsound = |source| Error::ModelHeader { name: format!("{kind} model to be written"), source };
    let header = Header {
        format: FORMAT_VERSION,
        kind: kind.to_string(),
        written_by: concat!("madenet ", env!("CARGO_PKG_VERSION")).to_string(),
        content: serde_json::to_value(content).map_err(unsound)?,
    };
    let header = serde_json::to_string(&header).map_err(unsound)?;
    Ok(params.to_safetensors(Some((KEY, &header)))?)
}

/// Writes a model file. The bytes go to a temporary file beside `path`, which is synced and then renamed: at every
/// moment `path` is either the old file or the new one.
///
/// # Errors
/// As [`model_to_bytes`], and [`Error::Write`].
pub fn write_model<C: Serialize>(
    path: impl AsRef<Path>,
    kind: &str,
    content: &C,
    params: &Params,
) -> Result<()> {
    let path = path.as_ref();
    let bytes = model_to_bytes(kind, content, params)?;
    replace_file(path, &bytes).map_err(|source| Error::Write { path: path.to_path_buf(), source })
}

/// Reads the content and the weights of a model file of this kind; `name` is what errors call it.
///
/// # Errors
/// [`Error::Net`] if the bytes are no sound safetensors file, [`Error::ModelFile`] if they are no model, of another kind
/// or of another format, [`Error::ModelHeader`] if the header lacks something or has something unknown.
pub fn model_from_bytes<C: DeserializeOwned>(bytes: &[u8], name: &str, kind: &str) -> Result<(C, Params)> {
    let params = Params::from_safetensors(bytes, name)?;
    let header = header(bytes, name)?;
    if header.kind != kind {
        let reason = format!("the file holds a model of kind {:?}, expected {kind:?}", header.kind);
        return Err(Error::ModelFile { reason, name: name.to_string() });
    }
    let content = serde_json::from_value(header.content);
    Ok((content.map_err(|source| Error::ModelHeader { name: name.to_string(), source })?, params))
}

/// The kind of model that a file holds: `"sfad"`. `name` is what errors call it.
///
/// # Errors
/// As [`model_from_bytes`], for the header.
pub fn model_kind(bytes: &[u8], name: &str) -> Result<String> {
    Ok(header(bytes, name)?.kind)
}

fn header(bytes: &[u8], name: &str) -> Result<Header> {
    let wrong = |reason: String| Error::ModelFile { reason, name: name.to_string() };
    let (_, metadata) = SafeTensors::read_metadata(bytes)
        .map_err(|source| madenet_nets::Error::Safetensors { name: name.to_string(), source })?;
    let text = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY)).ok_or_else(|| {
        wrong("the file has weights but no model header, expected a model saved by madenet".to_string())
    })?;
    let header: Header =
        serde_json::from_str(text).map_err(|source| Error::ModelHeader { name: name.to_string(), source })?;
    if header.format != FORMAT_VERSION {
        let (got, by) = (header.format, header.written_by);
        return Err(wrong(format!(
            "the model file has format {got} (written by {by}), expected {FORMAT_VERSION}"
        )));
    }
    Ok(header)
}

/// [`model_from_bytes`] of the file at `path`.
///
/// # Errors
/// As [`model_from_bytes`], and [`Error::Read`]; [`Error::Net`] if the file is larger than
/// [`Params::MAX_FILE_BYTES`].
pub fn read_model<C: DeserializeOwned>(path: impl AsRef<Path>, kind: &str) -> Result<(C, Params)> {
    let path = path.as_ref();
    model_from_bytes(&read_model_file(path)?, &path.display().to_string(), kind)
}

/// The bytes of a model file.
///
/// # Errors
/// [`Error::Read`]; [`Error::Net`] if the file is larger than [`Params::MAX_FILE_BYTES`].
pub fn read_model_file(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    read_weight_file(path).map_err(|error| match error {
        madenet_nets::Error::Read { path, source } => Error::Read { path, source },
        other => Error::Net(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize, Deserialize, PartialEq, Debug)]
    #[serde(deny_unknown_fields)]
    struct Content {
        size: usize,
    }

    type TestResult = std::result::Result<(), Box<dyn std::error::Error>>;

    fn params() -> Result<Params> {
        let mut params = Params::new();
        params.insert("w", vec![2], vec![0.1, -0.2])?;
        Ok(params)
    }

    #[test]
    fn models_come_back_and_replace_the_old_file_at_once() -> TestResult {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("model.safetensors");
        std::fs::write(&path, "old")?;
        write_model(&path, "sfad", &Content { size: 7 }, &params()?)?;
        let (content, read): (Content, _) = read_model(&path, "sfad")?;
        assert_eq!((content.size, &read), (7, &params()?));
        assert_eq!(std::fs::read_dir(folder.path())?.count(), 1, "no temporary file stays");
        let nowhere = folder.path().join("missing/model.safetensors");
        assert!(matches!(
            write_model(nowhere, "sfad", &Content { size: 7 }, &read),
            Err(Error::Write { .. })
        ));
        Ok(())
    }

    #[test]
    fn other_files_are_refused() -> TestResult {
        let read = |bytes: &[u8], kind| model_from_bytes::<Content>(bytes, "m.safetensors", kind).err();
        let bytes = model_to_bytes("sfad", &Content { size: 7 }, &params()?)?;
        assert!(
            matches!(read(&bytes, "srad"), Some(Error::ModelFile { reason, .. }) if reason.contains("\"sfad\""))
        );
        assert!(matches!(read(&bytes[..bytes.len() / 2], "sfad"), Some(Error::Net(_))));
        assert!(matches!(read(&params()?.to_safetensors(None)?, "sfad"), Some(Error::ModelFile { .. })));
        let with_header = |header: &str| params()?.to_safetensors(Some((KEY, header))).map_err(Error::from);
        for format in [1, 3] {
            let header = format!(r#"{{"format":{format},"kind":"sfad","written_by":"x","content":{{}}}}"#);
            let said = format!("format {format} (written by x), expected 2");
            let error = read(&with_header(&header)?, "sfad");
            assert!(matches!(error, Some(Error::ModelFile { reason, .. }) if reason.contains(&said)));
        }
        for unsound in [
            "not json",
            r#"{"format":2}"#,
            r#"{"format":2,"kind":"sfad","written_by":"x","content":{}}"#,
            r#"{"format":2,"kind":"sfad","written_by":"x","content":{"size":1,"extra":2}}"#,
        ] {
            assert!(matches!(read(&with_header(unsound)?, "sfad"), Some(Error::ModelHeader { .. })));
        }
        assert!(matches!(read_model::<Content>("/no/such/file", "sfad"), Err(Error::Read { .. })));
        Ok(())
    }
}
