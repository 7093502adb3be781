//! Which model lies in a folder or file, and its sizes.

use std::path::Path;

use burn::tensor::Device;
use serde::Deserialize;

use super::decoder::Decoder;
use super::gguf::{Gguf, Value};
use super::gpt2::{Gpt2, Gpt2Config};
use super::llama::{Llama, LlamaConfig};
use super::source::{Folder, Gpt2Gguf, LlamaGguf, Prefixed};
use crate::text::TextError;
use crate::text::files::json;

/// Models that are read, by the names that files have for them.
const KNOWN: &str = "llama, mistral or gpt2";

#[derive(Deserialize)]
struct Kind {
    model_type: String,
    #[serde(default)]
    rope_scaling: Option<serde_json::Value>,
    /// What newer folders have in the place of `rope_theta` and `rope_scaling`.
    #[serde(default)]
    rope_parameters: Option<Rotation>,
    /// Tokens that each token looks back at.
    #[serde(default)]
    sliding_window: Option<usize>,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    /// Of Llama and of GPT-2.
    #[serde(default, alias = "activation_function")]
    hidden_act: Option<String>,
    #[serde(default)]
    scale_attn_by_inverse_layer_idx: bool,
    #[serde(default)]
    reorder_and_upcast_attn: bool,
    #[serde(default)]
    tie_word_embeddings: Option<bool>,
}

#[derive(Deserialize)]
struct Rotation {
    #[serde(default)]
    rope_type: Option<String>,
    #[serde(default)]
    rope_theta: Option<f64>,
}

impl Kind {
    /// What a Llama has that is not read here, and what would be.
    fn wrong_llama(&self) -> Option<(String, String)> {
        let off = |found: String, expected: &str| Some((found, expected.to_owned()));
        if let Some(scaling) = self.rope_scaling.as_ref().filter(|scaling| !scaling.is_null()) {
            return off(format!("rope_scaling {scaling}"), "null: positions as they are");
        }
        let rotation = self.rope_parameters.as_ref().and_then(|rotation| rotation.rope_type.as_deref());
        if let Some(kind) = rotation.filter(|kind| *kind != "default") {
            return off(format!("rope_parameters.rope_type {kind:?}"), "default: positions as they are");
        }
        if self.attention_bias || self.mlp_bias {
            return off("attention_bias or mlp_bias".to_owned(), "maps without a bias");
        }
        let act = self.hidden_act.as_deref().filter(|act| *act != "silu");
        act.and_then(|act| off(format!("hidden_act {act:?}"), "silu"))
    }

    /// The same of a GPT-2.
    fn wrong_gpt2(&self) -> Option<(String, String)> {
        let off = |found: String, expected: &str| Some((found, expected.to_owned()));
        if let Some(act) = self.hidden_act.as_deref().filter(|act| *act != "gelu_new") {
            return off(format!("activation_function {act:?}"), "gelu_new");
        }
        if self.scale_attn_by_inverse_layer_idx || self.reorder_and_upcast_attn {
            let found = "scale_attn_by_inverse_layer_idx or reorder_and_upcast_attn";
            return off(found.to_owned(), "attention as it is");
        }
        let tied = self.tie_word_embeddings.unwrap_or(true);
        if tied { None } else { off("tie_word_embeddings false".to_owned(), "true, as GPT-2 has it") }
    }
}

/// The model of a Hugging Face folder.
pub(super) fn of_folder(folder: &Path, device: &Device) -> Result<Box<dyn Decoder>, TextError> {
    let path = folder.join("config.json");
    let wrong = |(found, expected): (String, String)| TextError::file(&path, found, expected);
    let kind: Kind = json(&path)?;
    match &*kind.model_type {
        "llama" | "mistral" => {
            kind.wrong_llama().map_or(Ok(()), |off| Err(wrong(off)))?;
            let mut config: LlamaConfig = json(&path)?;
            if let Some(theta) = kind.rope_parameters.and_then(|rotation| rotation.rope_theta) {
                config.rope_theta = theta;
            }
            // Within the window attention sees everything, and beyond it nothing is read.
            let window = kind.sliding_window.unwrap_or(config.max_position_embeddings);
            config.max_position_embeddings = config.max_position_embeddings.min(window);
            config.wrong().map_or(Ok(()), |off| Err(wrong(off)))?;
            Ok(Box::new(Llama::read(&config, &Folder::read(folder)?, device)?))
        }
        "gpt2" => {
            kind.wrong_gpt2().map_or(Ok(()), |off| Err(wrong(off)))?;
            let config: Gpt2Config = json(&path)?;
            config.wrong().map_or(Ok(()), |off| Err(wrong(off)))?;
            let weights = Prefixed { weights: Folder::read(folder)?, prefix: "transformer." };
            Ok(Box::new(Gpt2::read(&config, &weights, true, device)?))
        }
        other => Err(wrong((format!("model_type {other:?}"), KNOWN.to_owned()))),
    }
}

/// The model of a GGUF file.
pub(super) fn of_gguf(file: &Gguf, device: &Device) -> Result<Box<dyn Decoder>, TextError> {
    let said = Said(file);
    let wrong = |(found, expected): (String, String)| TextError::file(file.path(), found, expected);
    let kind = file.get("general.architecture").and_then(Value::text).unwrap_or("");
    let vocabulary = file.get("tokenizer.ggml.tokens").and_then(Value::list).map_or(0, <[Value]>::len);
    match kind {
        "llama" => {
            if let Some(kind) = file.get("llama.rope.scaling.type").and_then(Value::text).filter(|kind| *kind != "none")
            {
                return Err(wrong((format!("llama.rope.scaling.type {kind:?}"), "none".to_owned())));
            }
            if file.has("rope_freqs.weight") {
                return Err(wrong((
                    "factors of positions (rope_freqs)".to_owned(),
                    "positions as they are".to_owned(),
                )));
            }
            let heads = said.number("llama.attention.head_count")?;
            let config = LlamaConfig {
                hidden_size: said.number("llama.embedding_length")?,
                intermediate_size: said.number("llama.feed_forward_length")?,
                num_hidden_layers: said.number("llama.block_count")?,
                num_attention_heads: heads,
                num_key_value_heads: Some(said.number_or("llama.attention.head_count_kv", heads)?),
                head_dim: match file.get("llama.attention.key_length") {
                    Some(_) => Some(said.number("llama.attention.key_length")?),
                    None => None,
                },
                rms_norm_eps: said.real("llama.attention.layer_norm_rms_epsilon", 1e-5)?,
                rope_theta: said.real("llama.rope.freq_base", 10_000.0)?,
                vocab_size: vocabulary,
                max_position_embeddings: said.number("llama.context_length")?,
                tie_word_embeddings: !file.has("output.weight"),
            };
            config.wrong().map_or(Ok(()), |off| Err(wrong(off)))?;
            let weights = LlamaGguf { file, heads: [heads, config.key_value_heads()] };
            Ok(Box::new(Llama::read(&config, &weights, device)?))
        }
        "gpt2" => {
            let config = Gpt2Config {
                n_embd: said.number("gpt2.embedding_length")?,
                n_layer: said.number("gpt2.block_count")?,
                n_head: said.number("gpt2.attention.head_count")?,
                n_positions: said.number("gpt2.context_length")?,
                vocab_size: vocabulary,
                n_inner: Some(said.number("gpt2.feed_forward_length")?),
                layer_norm_epsilon: said.real("gpt2.attention.layer_norm_epsilon", 1e-5)?,
            };
            config.wrong().map_or(Ok(()), |off| Err(wrong(off)))?;
            Ok(Box::new(Gpt2::read(&config, &Gpt2Gguf(file), false, device)?))
        }
        other => Err(wrong((format!("general.architecture {other:?}"), "llama or gpt2".to_owned()))),
    }
}

/// Sizes that a file says.
struct Said<'a>(&'a Gguf);

impl Said<'_> {
    fn number(&self, key: &str) -> Result<usize, TextError> {
        match self.0.get(key) {
            Some(Value::Whole(number)) if *number >= 0 => Ok(*number as usize),
            Some(other) => Err(TextError::file(self.0.path(), format!("{key} {other:?}"), "a whole number, 0 or more")),
            None => Err(TextError::file(self.0.path(), format!("no {key}"), "a whole number")),
        }
    }

    fn number_or(&self, key: &str, other: usize) -> Result<usize, TextError> {
        if self.0.get(key).is_some() { self.number(key) } else { Ok(other) }
    }

    fn real(&self, key: &str, other: f64) -> Result<f64, TextError> {
        match self.0.get(key) {
            Some(Value::Real(number)) => Ok(*number),
            Some(found) => Err(TextError::file(self.0.path(), format!("{key} {found:?}"), "a number")),
            None => Ok(other),
        }
    }
}
