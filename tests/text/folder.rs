//! A folder as Hugging Face has it, with weights that follow a formula: that of `tests/fixtures/text/golden.py`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::weights;

const D: usize = 12;
const WIDE: usize = 20;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Bert,
    Roberta,
}

pub struct Folder(tempfile::TempDir);

impl Folder {
    /// Mean pooling, vectors of length 1.
    pub fn new(kind: Kind) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        let (model_type, act, positions, epsilon) = match kind {
            Kind::Bert => ("bert", "gelu", 14, 1e-12),
            Kind::Roberta => ("roberta", "relu", 13, 1e-5),
        };
        let config = json!({
            "model_type": model_type, "hidden_size": D, "num_hidden_layers": 2, "num_attention_heads": 3,
            "intermediate_size": WIDE, "hidden_act": act, "max_position_embeddings": positions, "type_vocab_size": 2,
            "vocab_size": 40, "layer_norm_eps": epsilon, "pad_token_id": 0, "architectures": ["AnyModel"],
        });
        folder.write("config.json", config.to_string().as_bytes());
        folder.write("tokenizer.json", include_bytes!("../fixtures/text/tokenizer.json"));
        folder.write("model.safetensors", &safetensors(positions));
        folder.write("sentence_bert_config.json", b"{\"max_seq_length\": 12, \"do_lower_case\": false}");
        let module = |nth: usize, path: &str, kind: &str| json!({ "idx": nth, "name": nth.to_string(), "path": path, "type": format!("sentence_transformers.models.{kind}") });
        let modules = json!([
            module(0, "", "Transformer"),
            module(1, "1_Pooling", "Pooling"),
            module(2, "2_Normalize", "Normalize")
        ]);
        folder.write("modules.json", modules.to_string().as_bytes());
        fs::create_dir(folder.path().join("1_Pooling")).unwrap();
        folder.pool_by("mean");
        folder
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// Leaves so many bytes of a file.
    pub fn cut(&self, name: &str, bytes: usize) {
        let all = fs::read(self.path().join(name)).unwrap();
        self.write(name, &all[..bytes]);
    }

    pub fn pool_by(&self, mode: &str) {
        let on = |name: &str| name == mode;
        let pooling = json!({
            "word_embedding_dimension": D, "pooling_mode_cls_token": on("cls"), "pooling_mode_mean_tokens": on("mean"),
            "pooling_mode_max_tokens": on("max"), "pooling_mode_mean_sqrt_len_tokens": false,
        });
        self.write("1_Pooling/config.json", pooling.to_string().as_bytes());
    }

    /// Changes a field of `config.json`, to a value as JSON.
    pub fn set(&self, field: &str, value: &str) {
        let mut config: Value = serde_json::from_slice(&fs::read(self.path().join("config.json")).unwrap()).unwrap();
        config[field] = serde_json::from_str(value).unwrap();
        self.write("config.json", config.to_string().as_bytes());
    }
}

/// Names and shapes as PyTorch has them, in the order of the names.
fn shapes(positions: usize) -> BTreeMap<String, Vec<usize>> {
    let mut shapes = BTreeMap::new();
    let mut add = |name: String, shape: &[usize]| shapes.insert(name, shape.to_vec());
    for (name, rows) in [("word", 40), ("position", positions), ("token_type", 2)] {
        add(format!("embeddings.{name}_embeddings.weight"), &[rows, D]);
    }
    let mut norms = vec!["embeddings".to_owned()];
    for layer in 0..2 {
        let part = |name: &str| format!("encoder.layer.{layer}.{name}");
        let square = ["attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"];
        let linear = square
            .map(|name| (name, D, D))
            .into_iter()
            .chain([("intermediate.dense", D, WIDE), ("output.dense", WIDE, D)]);
        for (name, from, to) in linear {
            add(format!("{}.weight", part(name)), &[to, from]);
            add(format!("{}.bias", part(name)), &[to]);
        }
        norms.extend([part("attention.output"), part("output")]);
    }
    for norm in norms {
        add(format!("{norm}.LayerNorm.weight"), &[D]);
        add(format!("{norm}.LayerNorm.bias"), &[D]);
    }
    shapes
}

/// The bytes of `model.safetensors`, with a pooler, which nobody reads.
fn safetensors(positions: usize) -> Vec<u8> {
    let mut shapes = shapes(positions);
    let mut numbers = weights::numbers(&shapes, |name| name.ends_with("LayerNorm.weight"));
    shapes.insert("pooler.dense.bias".to_owned(), vec![D]);
    numbers.insert("pooler.dense.bias".to_owned(), vec![0.5; D]);
    weights::safetensors(&shapes, &numbers)
}
