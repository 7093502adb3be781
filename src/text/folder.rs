//! An encoder from a folder, of whichever kind.

use std::path::Path;

use burn::tensor::Device;

use crate::text::{BertEncoder, TextEncoder, TextError, UniversalEncoder};

/// The encoder that lies in a folder: a [`UniversalEncoder`] where there is an `sp.model`, else a [`BertEncoder`].
///
/// # Errors
/// As [`BertEncoder::read`] and [`UniversalEncoder::read`].
pub fn read_encoder(folder: impl AsRef<Path>, device: &Device) -> Result<Box<dyn TextEncoder>, TextError> {
    let folder = folder.as_ref();
    Ok(match folder.join("sp.model").exists() {
        true => Box::new(UniversalEncoder::read(folder, device)?),
        false => Box::new(BertEncoder::read(folder, device)?),
    })
}
