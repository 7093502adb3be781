//! Words as tokens and back, for decoders.

use std::fs;
use std::path::Path;

use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokenizers::Tokenizer;

use super::gguf::{Gguf, Value};
use crate::text::TextError;
use crate::text::files::json as read_json;

/// A model's tokens.
#[derive(Clone, Debug)]
pub(super) struct Vocabulary {
    tokenizer: Tokenizer,
    /// What every prompt begins with.
    begin: Vec<u32>,
    /// Tokens that end a text.
    ends: Vec<u32>,
}

/// One number or several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Ends {
    One(u32),
    Several(Vec<u32>),
}

#[derive(Deserialize)]
struct EndsFile {
    eos_token_id: Option<Ends>,
}

/// Kinds of tokens in GGUF files: a token that is no text, and one that is text but never cut.
const CONTROL: i64 = 3;
const USER_DEFINED: i64 = 4;

impl Vocabulary {
    /// `tokenizer.json` of a folder, and `eos_token_id` of its `generation_config.json` or `config.json`.
    pub(super) fn read(folder: &Path) -> Result<Self, TextError> {
        let path = folder.join("tokenizer.json");
        let bytes = fs::read(&path).map_err(TextError::io(&path))?;
        let tokenizer = Tokenizer::from_bytes(&bytes)
            .map_err(|error| TextError::file(&path, error.to_string(), "a tokenizer of the Hugging Face format"))?;
        let mut ends = Vec::new();
        for name in ["generation_config.json", "config.json"] {
            let path = folder.join(name);
            if !path.exists() || !ends.is_empty() {
                continue;
            }
            let file: EndsFile = read_json(&path)?;
            ends = match file.eos_token_id {
                Some(Ends::One(end)) => vec![end],
                Some(Ends::Several(ends)) => ends,
                None => Vec::new(),
            };
        }
        let begin = tokenizer.encode("", true).map(|encoding| encoding.get_ids().to_vec());
        let begin =
            begin.map_err(|error| TextError::file(&path, error.to_string(), "a tokenizer that encodes nothing"))?;
        Ok(Self::new(tokenizer, begin, ends))
    }

    /// The tokens that a GGUF file has in itself.
    pub(super) fn of(file: &Gguf) -> Result<Self, TextError> {
        let tokenizer = json_of(file)?;
        let bytes = serde_json::to_vec(&tokenizer)
            .map_err(|error| TextError::file(file.path(), error.to_string(), "tokens that are text"))?;
        let tokenizer = Tokenizer::from_bytes(&bytes)
            .map_err(|error| TextError::file(file.path(), error.to_string(), "merges of tokens that are there"))?;
        let number = |key: &str| match file.get(key) {
            Some(Value::Whole(number)) => u32::try_from(*number).ok(),
            _ => None,
        };
        let add = matches!(file.get("tokenizer.ggml.add_bos_token"), Some(Value::Truth(true)));
        let begin = number("tokenizer.ggml.bos_token_id").filter(|_| add);
        let ends = ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"];
        Ok(Self::new(tokenizer, begin.into_iter().collect(), ends.into_iter().filter_map(number).collect()))
    }

    fn new(mut tokenizer: Tokenizer, begin: Vec<u32>, ends: Vec<u32>) -> Self {
        tokenizer.with_padding(None);
        // What stands in a text is text, even if it looks like the name of a control token.
        tokenizer.set_encode_special_tokens(true);
        Self { tokenizer, begin, ends }
    }

    pub(super) fn begin(&self) -> &[u32] {
        &self.begin
    }

    pub(super) fn ends(&self) -> &[u32] {
        &self.ends
    }

    /// The greatest of all tokens, 0 where there are none.
    pub(super) fn last(&self) -> u32 {
        let known = self.tokenizer.get_vocab(true).into_values();
        known.chain(self.begin.iter().chain(&self.ends).copied()).max().unwrap_or(0)
    }

    pub(super) fn encode(&self, index: usize, text: &str) -> Result<Vec<u32>, TextError> {
        let encoded = self.tokenizer.encode_fast(text, false);
        let encoded = encoded.map_err(|error| TextError::Tokens { index, why: error.to_string() })?;
        Ok(encoded.get_ids().to_vec())
    }

    /// The control token of this name.
    pub(super) fn control(&self, name: &str) -> Option<u32> {
        let token = self.tokenizer.token_to_id(name)?;
        self.tokenizer.get_added_vocabulary().is_special_token(name).then_some(token)
    }

    /// The text of some tokens, control tokens left out.
    pub(super) fn decode(&self, tokens: &[u32]) -> Result<String, TextError> {
        self.tokenizer.decode(tokens, true).map_err(|error| TextError::Tokens { index: 0, why: error.to_string() })
    }
}

/// How texts are cut before tokens are merged, by the name that GGUF files have for it.
fn cut_by(name: &str) -> Option<Json> {
    let bytes = |regex: bool| json!({ "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": regex });
    let split = |pattern: &str| json!({ "type": "Split", "pattern": { "Regex": pattern }, "behavior": "Isolated", "invert": false });
    let steps = match name {
        "gpt-2" => vec![bytes(true)],
        "smollm" => vec![json!({ "type": "Digits", "individual_digits": true }), bytes(true)],
        "llama-bpe" => vec![
            split(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            ),
            bytes(false),
        ],
        "qwen2" => vec![
            split(
                r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+",
            ),
            bytes(false),
        ],
        _ => return None,
    };
    Some(json!({ "type": "Sequence", "pretokenizers": steps }))
}

/// A tokenizer in the Hugging Face format, of what a GGUF file says.
fn json_of(file: &Gguf) -> Result<Json, TextError> {
    let wrong = |found: String, expected: &str| TextError::file(file.path(), found, expected);
    let text = |key: &str| file.get(key).and_then(Value::text).unwrap_or("");
    let kind = text("tokenizer.ggml.model");
    if kind != "gpt2" {
        return Err(wrong(format!("tokenizer.ggml.model {kind:?}"), "gpt2, which is byte-level BPE"));
    }
    let name = text("tokenizer.ggml.pre");
    let Some(cut) = cut_by(name) else {
        return Err(wrong(format!("tokenizer.ggml.pre {name:?}"), "gpt-2, smollm, llama-bpe or qwen2"));
    };
    let list = |key: &str| match file.get(key).and_then(Value::list) {
        Some(list) => Ok(list),
        None => Err(wrong(format!("no {key}"), "a list")),
    };
    let (tokens, merges) = (list("tokenizer.ggml.tokens")?, list("tokenizer.ggml.merges")?);
    let kinds = file.get("tokenizer.ggml.token_type").and_then(Value::list).unwrap_or(&[]);
    let mut vocabulary = serde_json::Map::new();
    let mut added = Vec::new();
    for (id, token) in tokens.iter().enumerate() {
        let Some(token) = token.text() else { return Err(wrong(format!("token {id} is {token:?}"), "a text")) };
        vocabulary.insert(token.to_owned(), json!(id));
        if let Some(Value::Whole(kind @ (CONTROL | USER_DEFINED))) = kinds.get(id) {
            added.push(json!({
                "id": id, "content": token, "single_word": false, "lstrip": false, "rstrip": false,
                "normalized": false, "special": *kind == CONTROL,
            }));
        }
    }
    let pair = |merge: &Value| merge.text().and_then(|merge| merge.split_once(' ')).map(|(a, b)| json!([a, b]));
    let merges: Option<Vec<Json>> = merges.iter().map(pair).collect();
    let Some(merges) = merges else {
        return Err(wrong("a merge that is not two tokens".to_owned(), "two, with a space between"));
    };
    Ok(json!({
        "version": "1.0", "truncation": null, "padding": null, "normalizer": null, "added_tokens": added,
        "pre_tokenizer": cut, "post_processor": null,
        "decoder": { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null,
            "fuse_unk": false, "byte_fallback": false, "ignore_merges": false, "vocab": vocabulary, "merges": merges,
        },
    }))
}
