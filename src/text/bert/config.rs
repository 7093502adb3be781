//! What the files of a folder say of the model in it.

use std::path::Path;

use serde::Deserialize;

use crate::text::TextError;
use crate::text::files::json;

/// Sizes of an encoder, as they stand in `config.json`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct BertConfig {
    /// `bert`, `roberta`, `xlm-roberta` or `camembert`.
    pub model_type: String,
    /// Width of all vectors.
    pub hidden_size: usize,
    /// Layers.
    pub num_hidden_layers: usize,
    /// Heads of each layer; they divide `hidden_size`.
    pub num_attention_heads: usize,
    /// Width of the perceptron in each layer.
    pub intermediate_size: usize,
    /// `gelu` or `relu`.
    pub hidden_act: String,
    /// Rows of the table of positions.
    pub max_position_embeddings: usize,
    /// Rows of the table of segments.
    pub type_vocab_size: usize,
    /// Rows of the table of tokens.
    pub vocab_size: usize,
    /// Added to variances.
    #[serde(default = "epsilon")]
    pub layer_norm_eps: f64,
    /// The token that fills up a batch.
    #[serde(default)]
    pub pad_token_id: u32,
    /// `absolute`, if it is said.
    #[serde(default)]
    pub position_embedding_type: Option<String>,
}

fn epsilon() -> f64 {
    1e-12
}

/// Which vector stands for a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pooling {
    /// The mean over its tokens.
    Mean,
    /// That of its first token.
    Cls,
}

/// What becomes of the vectors of a text's tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Output {
    pub(super) pooling: Pooling,
    /// Whether vectors are brought to length 1.
    pub(super) normalize: bool,
    /// Tokens of a text at most.
    pub(super) max_tokens: usize,
}

impl BertConfig {
    /// Reads and checks `config.json`.
    ///
    /// # Errors
    /// If the file can't be read, lacks a field or describes a model of another kind.
    pub fn read(folder: &Path) -> Result<Self, TextError> {
        let path = folder.join("config.json");
        let config: Self = json(&path)?;
        config.check(&path)?;
        Ok(config)
    }

    fn check(&self, path: &Path) -> Result<(), TextError> {
        let wrong = |found: String, expected: &str| Err(TextError::file(path, found, expected));
        if !["bert", "roberta", "xlm-roberta", "camembert"].contains(&&*self.model_type) {
            return wrong(format!("model_type {:?}", self.model_type), "bert, roberta, xlm-roberta or camembert");
        }
        if !["gelu", "relu"].contains(&&*self.hidden_act) {
            return wrong(format!("hidden_act {:?}", self.hidden_act), "gelu or relu");
        }
        if let Some(kind) = self.position_embedding_type.as_ref().filter(|kind| *kind != "absolute") {
            return wrong(format!("position_embedding_type {kind:?}"), "absolute");
        }
        let sizes = [
            ("hidden_size", self.hidden_size, 1, 65_536),
            ("num_hidden_layers", self.num_hidden_layers, 1, 1_024),
            ("num_attention_heads", self.num_attention_heads, 1, self.hidden_size),
            ("intermediate_size", self.intermediate_size, 1, 1 << 20),
            ("max_position_embeddings", self.max_position_embeddings, self.first_position() + 3, 1 << 20),
            ("type_vocab_size", self.type_vocab_size, 1, 1_024),
            ("vocab_size", self.vocab_size, 1, 1 << 24),
        ];
        for (name, value, least, most) in sizes {
            if !(least..=most).contains(&value) {
                return wrong(format!("{name} {value}"), &format!("{least} to {most}"));
            }
        }
        if !self.hidden_size.is_multiple_of(self.num_attention_heads) {
            let found = format!("num_attention_heads {}", self.num_attention_heads);
            return wrong(found, &format!("a divisor of hidden_size {}", self.hidden_size));
        }
        if !(self.layer_norm_eps.is_finite() && self.layer_norm_eps > 0.0) {
            return wrong(format!("layer_norm_eps {}", self.layer_norm_eps), "a positive number");
        }
        Ok(())
    }

    /// The row of the first token in the table of positions: RoBERTa's begins after that of padding.
    pub(super) fn first_position(&self) -> usize {
        if self.model_type == "bert" { 0 } else { self.pad_token_id as usize + 1 }
    }
}

#[derive(Deserialize)]
struct Step {
    #[serde(rename = "type")]
    kind: String,
    path: String,
}

#[derive(Deserialize)]
struct PoolingFile {
    #[serde(default)]
    pooling_mode_cls_token: bool,
    #[serde(default)]
    pooling_mode_mean_tokens: bool,
    #[serde(default)]
    pooling_mode_max_tokens: bool,
    #[serde(default)]
    pooling_mode_mean_sqrt_len_tokens: bool,
    #[serde(default)]
    pooling_mode_weightedmean_tokens: bool,
    #[serde(default)]
    pooling_mode_lasttoken: bool,
}

#[derive(Deserialize)]
struct LengthFile {
    max_seq_length: Option<usize>,
}

/// Reads `modules.json`, the pooling's configuration and `sentence_bert_config.json`; where a folder has none: the mean, as it is, of as many tokens as there are positions.
pub(super) fn read_output(folder: &Path, config: &BertConfig) -> Result<Output, TextError> {
    let positions = config.max_position_embeddings - config.first_position();
    let mut output = Output { pooling: Pooling::Mean, normalize: false, max_tokens: positions };
    let lengths = folder.join("sentence_bert_config.json");
    if lengths.exists() {
        let file: LengthFile = json(&lengths)?;
        output.max_tokens = file.max_seq_length.unwrap_or(positions).clamp(3, positions);
    }
    let modules = folder.join("modules.json");
    if !modules.exists() {
        return Ok(output);
    }
    for step in json::<Vec<Step>>(&modules)? {
        match step.kind.rsplit('.').next().unwrap_or_default() {
            "Transformer" => {}
            "Pooling" => output.pooling = read_pooling(&folder.join(&step.path).join("config.json"))?,
            "Normalize" => output.normalize = true,
            _ => {
                return Err(TextError::file(
                    &modules,
                    format!("a step of type {:?}", step.kind),
                    "Transformer, Pooling and Normalize",
                ));
            }
        }
    }
    Ok(output)
}

fn read_pooling(path: &Path) -> Result<Pooling, TextError> {
    let file: PoolingFile = json(path)?;
    let others = file.pooling_mode_max_tokens
        || file.pooling_mode_mean_sqrt_len_tokens
        || file.pooling_mode_weightedmean_tokens
        || file.pooling_mode_lasttoken;
    match (file.pooling_mode_mean_tokens, file.pooling_mode_cls_token, others) {
        (true, false, false) => Ok(Pooling::Mean),
        (false, true, false) => Ok(Pooling::Cls),
        _ => Err(TextError::file(
            path,
            "another pooling",
            "either pooling_mode_mean_tokens or pooling_mode_cls_token alone",
        )),
    }
}
