//! Weights by the names that Hugging Face gives them, from folders and from GGUF files.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use crate::text::TextError;
use crate::text::files::json;
use crate::text::lm::gguf::Gguf;

/// Where a model's weights come from.
pub(super) trait Weights {
    /// Whether there is a weight of this name.
    fn has(&self, name: &str) -> bool;

    /// The numbers of a weight of this shape, row by row, as 32-bit floats.
    fn weight(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TextError>;
}

/// A folder's `model.safetensors`, or the files that its `model.safetensors.index.json` names.
pub(super) struct Folder {
    /// For each file its bytes.
    files: Vec<(PathBuf, Vec<u8>)>,
    /// For each weight its file.
    places: HashMap<String, usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: HashMap<String, String>,
}

impl Folder {
    pub(super) fn read(folder: &Path) -> Result<Self, TextError> {
        let index = folder.join("model.safetensors.index.json");
        let mut names = vec!["model.safetensors".to_owned()];
        if index.exists() {
            let read: Index = json(&index)?;
            names = read.weight_map.into_values().collect();
            names.sort();
            names.dedup();
        }
        let mut all = Self { files: Vec::new(), places: HashMap::new() };
        for name in names {
            let path = folder.join(&name);
            let bytes = fs::read(&path).map_err(TextError::io(&path))?;
            let read = SafeTensors::deserialize(&bytes)
                .map_err(|error| TextError::file(&path, error.to_string(), "weights in the safetensors format"))?;
            all.places.extend(read.names().into_iter().map(|name| (name.to_owned(), all.files.len())));
            all.files.push((path, bytes));
        }
        Ok(all)
    }
}

impl Weights for Folder {
    fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    fn weight(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TextError> {
        let place = self.places.get(name).copied();
        let (path, bytes) = &self.files[place.unwrap_or(0)];
        let wrong = |found: String| TextError::Weight {
            path: path.clone(),
            name: name.to_owned(),
            found,
            expected: format!("{shape:?}"),
        };
        if place.is_none() {
            return Err(wrong("is not there".to_owned()));
        }
        let read = SafeTensors::deserialize(bytes).map_err(|error| wrong(error.to_string()))?;
        let view = read.tensor(name).map_err(|error| wrong(error.to_string()))?;
        if view.shape() != shape {
            return Err(wrong(format!("shape {:?}", view.shape())));
        }
        let pairs = || view.data().chunks_exact(2).map(|pair| [pair[0], pair[1]]);
        match view.dtype() {
            Dtype::F32 => Ok(view
                .data()
                .chunks_exact(4)
                .map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]]))
                .collect()),
            Dtype::F16 => Ok(pairs().map(|pair| f16::from_le_bytes(pair).to_f32()).collect()),
            Dtype::BF16 => Ok(pairs().map(|pair| bf16::from_le_bytes(pair).to_f32()).collect()),
            other => Err(wrong(format!("numbers of type {other:?}: expected F32, F16 or BF16"))),
        }
    }
}

/// Names of Llama's weights in a layer: Hugging Face's, and GGUF's.
const LLAMA: [(&str, &str); 9] = [
    ("self_attn.q_proj", "attn_q"),
    ("self_attn.k_proj", "attn_k"),
    ("self_attn.v_proj", "attn_v"),
    ("self_attn.o_proj", "attn_output"),
    ("mlp.gate_proj", "ffn_gate"),
    ("mlp.up_proj", "ffn_up"),
    ("mlp.down_proj", "ffn_down"),
    ("input_layernorm", "attn_norm"),
    ("post_attention_layernorm", "ffn_norm"),
];

/// The weights of a Llama in a GGUF file.
pub(super) struct LlamaGguf<'a> {
    pub(super) file: &'a Gguf,
    /// Heads of queries, and of keys and values.
    pub(super) heads: [usize; 2],
}

impl LlamaGguf<'_> {
    fn name(name: &str) -> Option<String> {
        match name {
            "model.embed_tokens.weight" => return Some("token_embd.weight".to_owned()),
            "model.norm.weight" => return Some("output_norm.weight".to_owned()),
            "lm_head.weight" => return Some("output.weight".to_owned()),
            _ => {}
        }
        let (layer, rest) = name.strip_prefix("model.layers.")?.split_once('.')?;
        let (part, kind) = rest.rsplit_once('.')?;
        let (_, theirs) = LLAMA.iter().find(|(ours, _)| *ours == part)?;
        Some(format!("blk.{layer}.{theirs}.{kind}"))
    }
}

impl Weights for LlamaGguf<'_> {
    fn has(&self, name: &str) -> bool {
        Self::name(name).is_some_and(|name| self.file.has(&name))
    }

    fn weight(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TextError> {
        let theirs = Self::name(name).unwrap_or_else(|| name.to_owned());
        let values = self.file.weight(&theirs, shape)?;
        // GGUF has the rows of queries and keys in pairs of what is rotated together; Hugging Face has first halves, then second halves.
        let heads = match name.rsplit('.').nth(1) {
            Some("q_proj") => self.heads[0],
            Some("k_proj") => self.heads[1],
            _ => return Ok(values),
        };
        Ok(halves(&values, shape[0], heads))
    }
}

/// Names of GPT-2's weights in a layer: Hugging Face's, and GGUF's.
const GPT2: [(&str, &str); 6] = [
    ("ln_1", "attn_norm"),
    ("attn.c_attn", "attn_qkv"),
    ("attn.c_proj", "attn_output"),
    ("ln_2", "ffn_norm"),
    ("mlp.c_fc", "ffn_up"),
    ("mlp.c_proj", "ffn_down"),
];

/// The weights of a GPT-2 in a GGUF file.
pub(super) struct Gpt2Gguf<'a>(pub(super) &'a Gguf);

impl Gpt2Gguf<'_> {
    fn name(name: &str) -> Option<String> {
        let (part, kind) = name.rsplit_once('.')?;
        let whole = [("wte", "token_embd"), ("wpe", "position_embd"), ("ln_f", "output_norm")];
        if let Some((_, theirs)) = whole.iter().find(|(ours, _)| *ours == part) {
            return Some(format!("{theirs}.{kind}"));
        }
        let (layer, part) = part.strip_prefix("h.")?.split_once('.')?;
        let (_, theirs) = GPT2.iter().find(|(ours, _)| *ours == part)?;
        Some(format!("blk.{layer}.{theirs}.{kind}"))
    }
}

impl Weights for Gpt2Gguf<'_> {
    fn has(&self, name: &str) -> bool {
        Self::name(name).is_some_and(|name| self.0.has(&name))
    }

    fn weight(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TextError> {
        self.0.weight(&Self::name(name).unwrap_or_else(|| name.to_owned()), shape)
    }
}

/// The same weights, whose names may begin with a prefix in the file.
pub(super) struct Prefixed<W> {
    pub(super) weights: W,
    pub(super) prefix: &'static str,
}

impl<W: Weights> Prefixed<W> {
    fn name(&self, name: &str) -> String {
        let prefixed = format!("{}{name}", self.prefix);
        if self.weights.has(&prefixed) { prefixed } else { name.to_owned() }
    }
}

impl<W: Weights> Weights for Prefixed<W> {
    fn has(&self, name: &str) -> bool {
        self.weights.has(&self.name(name))
    }

    fn weight(&self, name: &str, shape: &[usize]) -> Result<Vec<f32>, TextError> {
        self.weights.weight(&self.name(name), shape)
    }
}

/// Rows `0, 2, 4, ...` of each head, then rows `1, 3, 5, ...`.
fn halves(values: &[f32], rows: usize, heads: usize) -> Vec<f32> {
    let (width, head) = (values.len() / rows, rows / heads);
    let order = (0..heads).flat_map(|nth| {
        let first = nth * head;
        (0..head).step_by(2).chain((1..head).step_by(2)).map(move |row| first + row)
    });
    order.flat_map(|row| values[row * width..(row + 1) * width].iter().copied()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_are_rotated_together_are_taken_apart() {
        let rows: Vec<f32> = (0..16).map(|value| value as f32).collect();
        // Two heads of four rows of two numbers.
        let expected = [0.0, 1.0, 4.0, 5.0, 2.0, 3.0, 6.0, 7.0, 8.0, 9.0, 12.0, 13.0, 10.0, 11.0, 14.0, 15.0];
        assert_eq!(halves(&rows, 8, 2), expected);
    }

    #[test]
    fn names_are_translated() {
        for (ours, theirs) in [
            ("model.layers.11.mlp.down_proj.weight", "blk.11.ffn_down.weight"),
            ("model.layers.0.post_attention_layernorm.weight", "blk.0.ffn_norm.weight"),
            ("lm_head.weight", "output.weight"),
        ] {
            assert_eq!(LlamaGguf::name(ours).as_deref(), Some(theirs));
        }
        assert_eq!(LlamaGguf::name("model.layers.0.other.weight"), None);
    }
}
