//! Files of models: what they say, and what tells them apart.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::text::TextError;

/// A file of JSON; the error has line, column and field.
pub(super) fn json<T: DeserializeOwned>(path: &Path) -> Result<T, TextError> {
    let bytes = fs::read(path).map_err(TextError::io(path))?;
    serde_json::from_slice(&bytes)
        .map_err(|error| TextError::file(path, error.to_string(), "what the model's publisher writes there"))
}

/// A digest of the bytes of some files, and of what is said besides.
pub(super) fn digest(files: &[PathBuf], besides: &str) -> Result<String, TextError> {
    let mut digest = Sha256::new();
    for path in files {
        let mut file = File::open(path).map_err(TextError::io(path))?;
        std::io::copy(&mut file, &mut digest).map_err(TextError::io(path))?;
    }
    digest.update(besides);
    Ok(digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}
