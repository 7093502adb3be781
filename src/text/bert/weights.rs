//! Weights from a folder.

use std::path::Path;

use burn::tensor::{DType, Device};
use burn_store::{
    ApplyError, FloatCastAdapter, KeyRemapper, ModuleAdapter, ModuleSnapshot, PyTorchToBurnAdapter, SafetensorsStore,
};

use super::config::BertConfig;
use super::module::BertModule;
use crate::text::TextError;

/// A part of a weight's name as it is published, and as the module has it.
const NAMES: [(&str, &str); 8] = [
    ("attention.self.query", "query"),
    ("attention.self.key", "key"),
    ("attention.self.value", "value"),
    ("attention.output.dense", "attended"),
    ("attention.output.LayerNorm", "attention_norm"),
    ("intermediate.dense", "widen"),
    ("output.dense", "narrow"),
    ("output.LayerNorm", "norm"),
];

/// From published names to the module's.
fn names() -> Result<KeyRemapper, String> {
    let whole = [
        (r"^(?:bert|roberta)\.".to_owned(), String::new()),
        (r"^embeddings\.LayerNorm\.".to_owned(), "embeddings.norm.".to_owned()),
    ];
    let parts = NAMES.iter().map(|(published, ours)| {
        let published = published.replace('.', r"\.");
        (format!(r"^encoder\.layer\.(\d+)\.{published}\."), format!("layers.$1.{ours}."))
    });
    KeyRemapper::from_patterns(whole.into_iter().chain(parts).collect()).map_err(|error| error.to_string())
}

/// What a parameter of the module is called in published files.
fn published(path: &str) -> String {
    let path = path.replace(".gamma", ".weight").replace(".beta", ".bias");
    if let Some(rest) = path.strip_prefix("embeddings.norm.") {
        return format!("embeddings.LayerNorm.{rest}");
    }
    let mut parts = path.splitn(4, '.');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some("layers"), Some(layer), Some(part), Some(rest)) => {
            let name = NAMES.iter().find(|(_, ours)| *ours == part).map_or(part, |(published, _)| published);
            format!("encoder.layer.{layer}.{name}.{rest}")
        }
        _ => path,
    }
}

/// The module of a folder's configuration, with the weights of its `model.safetensors` as 32-bit floats. What else is in the file (a pooler, a head) is left there.
pub(super) fn read(folder: &Path, config: &BertConfig, device: &Device) -> Result<BertModule, TextError> {
    let path = folder.join("model.safetensors");
    // The store's own error for a file that is not there does not name it.
    std::fs::File::open(&path).map_err(TextError::io(&path))?;
    let broken = |why: String| TextError::file(&path, why, "weights in the safetensors format");
    let mut module = BertModule::new(config, device);
    let mut store = SafetensorsStore::from_file(&path)
        .remap(names().map_err(broken)?)
        .with_from_adapter(PyTorchToBurnAdapter.chain(FloatCastAdapter::to(DType::F32)))
        .validate(false)
        .allow_partial(true);
    let applied = module.load_from(&mut store).map_err(|error| broken(error.to_string()))?;
    let weight = |name: &str, found: String, expected: String| TextError::Weight {
        path: path.clone(),
        name: published(name),
        found,
        expected,
    };
    if let Some(error) = applied.errors.first() {
        return Err(match error {
            ApplyError::ShapeMismatch { path, expected, found } => {
                weight(path, format!("shape {found:?}"), format!("{expected:?}, by config.json"))
            }
            other => broken(other.to_string()),
        });
    }
    match applied.missing.first() {
        Some((name, _)) => Err(weight(name, "is not there".to_owned(), "a weight of this name".to_owned())),
        None => Ok(module),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_publishers() {
        for (ours, theirs) in [
            ("layers.11.attended.weight", "encoder.layer.11.attention.output.dense.weight"),
            ("layers.0.attention_norm.gamma", "encoder.layer.0.attention.output.LayerNorm.weight"),
            ("layers.0.norm.beta", "encoder.layer.0.output.LayerNorm.bias"),
            ("embeddings.norm.gamma", "embeddings.LayerNorm.weight"),
            ("embeddings.word_embeddings.weight", "embeddings.word_embeddings.weight"),
        ] {
            assert_eq!(published(ours), theirs);
        }
        assert!(names().is_ok());
    }
}
