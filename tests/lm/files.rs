//! Models as folders and as GGUF files, with weights that follow a formula.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::weights;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Llama,
    Gpt2,
}

pub const VOCABULARY: usize = 47;

pub struct Files {
    folder: tempfile::TempDir,
    kind: Kind,
    shapes: BTreeMap<String, Vec<usize>>,
    numbers: BTreeMap<String, Vec<f32>>,
}

impl Files {
    /// A folder with a model of these weights.
    pub fn new(kind: Kind, shapes: &BTreeMap<String, Vec<usize>>) -> Self {
        let norm = |name: &str| name.ends_with("norm.weight") || name.contains(".ln_") && name.ends_with("weight");
        let numbers = weights::numbers(shapes, norm);
        let folder = tempfile::tempdir().unwrap();
        let files = Self { folder, kind, shapes: shapes.clone(), numbers };
        let config = match kind {
            Kind::Llama => json!({
                "model_type": "llama", "hidden_size": 16, "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4,
                "num_key_value_heads": 2, "rms_norm_eps": 1e-5, "rope_theta": 100.0, "max_position_embeddings": 32,
                "vocab_size": VOCABULARY, "eos_token_id": 0,
            }),
            Kind::Gpt2 => json!({
                "model_type": "gpt2", "n_embd": 12, "n_layer": 2, "n_head": 3, "n_positions": 32, "vocab_size": VOCABULARY,
                "eos_token_id": [0],
            }),
        };
        files.write("config.json", config.to_string().as_bytes());
        files.write("tokenizer.json", include_bytes!("../fixtures/lm/tokenizer.json"));
        files.write("model.safetensors", &weights::safetensors(shapes, &files.numbers));
        files
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path().join(name), bytes).unwrap();
    }

    pub fn remove(&self, name: &str) {
        fs::remove_file(self.path().join(name)).unwrap();
    }

    /// Changes a field of `config.json`.
    pub fn set(&self, field: &str, value: Value) {
        let mut config: Value = serde_json::from_slice(&fs::read(self.path().join("config.json")).unwrap()).unwrap();
        config[field] = value;
        self.write("config.json", config.to_string().as_bytes());
    }

    /// The same weights in two files with an index.
    pub fn split(&self) {
        let half = |nth: usize| {
            let names = self.shapes.keys().enumerate().filter(|(at, _)| at % 2 == nth).map(|(_, name)| name.clone());
            names.map(|name| (name.clone(), self.shapes[&name].clone())).collect::<BTreeMap<_, _>>()
        };
        let mut places = serde_json::Map::new();
        for nth in [0, 1] {
            let file = format!("model-{nth}.safetensors");
            half(nth).keys().for_each(|name| _ = places.insert(name.clone(), json!(file)));
            self.write(&file, &weights::safetensors(&half(nth), &self.numbers));
        }
        self.remove("model.safetensors");
        self.write("model.safetensors.index.json", json!({ "weight_map": places }).to_string().as_bytes());
    }

    /// The same model as a GGUF file.
    pub fn gguf(&self) -> PathBuf {
        let path = self.path().join("model.gguf");
        fs::write(&path, self.gguf_bytes()).unwrap();
        path
    }

    pub fn gguf_bytes(&self) -> Vec<u8> {
        let mut out = Gguf::default();
        match self.kind {
            Kind::Llama => {
                out.text("general.architecture", "llama");
                for (key, number) in [
                    ("embedding_length", 16),
                    ("feed_forward_length", 20),
                    ("block_count", 2),
                    ("attention.head_count", 4),
                    ("attention.head_count_kv", 2),
                    ("context_length", 32),
                ] {
                    out.number(&format!("llama.{key}"), number);
                }
                out.real("llama.rope.freq_base", 100.0);
                out.real("llama.attention.layer_norm_rms_epsilon", 1e-5);
            }
            Kind::Gpt2 => {
                out.text("general.architecture", "gpt2");
                for (key, number) in [
                    ("embedding_length", 12),
                    ("feed_forward_length", 48),
                    ("block_count", 2),
                    ("attention.head_count", 3),
                    ("context_length", 32),
                ] {
                    out.number(&format!("gpt2.{key}"), number);
                }
                out.real("gpt2.attention.layer_norm_epsilon", 1e-5);
            }
        }
        out.tokens();
        for (name, shape) in &self.shapes {
            let (theirs, numbers, shape) = self.gguf_weight(name, shape);
            out.weight(&theirs, &shape, &numbers);
        }
        out.bytes()
    }

    /// Name, numbers and shape, the axis that lies together first.
    fn gguf_weight(&self, name: &str, shape: &[usize]) -> (String, Vec<f32>, Vec<usize>) {
        let mut theirs = name.to_owned();
        for (from, to) in [
            ("transformer.", ""),
            ("model.", ""),
            ("layers.", "blk."),
            ("embed_tokens", "token_embd"),
            ("lm_head", "output"),
            ("self_attn.q_proj", "attn_q"),
            ("self_attn.k_proj", "attn_k"),
            ("self_attn.v_proj", "attn_v"),
            ("self_attn.o_proj", "attn_output"),
            ("mlp.gate_proj", "ffn_gate"),
            ("mlp.up_proj", "ffn_up"),
            ("mlp.down_proj", "ffn_down"),
            ("input_layernorm", "attn_norm"),
            ("post_attention_layernorm", "ffn_norm"),
            ("h.", "blk."),
            ("wte", "token_embd"),
            ("wpe", "position_embd"),
            ("attn.c_attn", "attn_qkv"),
            ("attn.c_proj", "attn_output"),
            ("mlp.c_fc", "ffn_up"),
            ("mlp.c_proj", "ffn_down"),
            ("ln_1", "attn_norm"),
            ("ln_2", "ffn_norm"),
            ("ln_f", "output_norm"),
        ] {
            if from != "h." || theirs.starts_with("h.") {
                theirs = theirs.replacen(from, to, 1);
            }
        }
        if theirs == "norm.weight" {
            theirs = "output_norm.weight".to_owned();
        }
        let numbers = &self.numbers[name];
        let row = |row: usize| &numbers[row * shape[1]..(row + 1) * shape[1]];
        // GGUF has maps as [to, from], and rows that are rotated together side by side.
        let turned = name.contains(".c_");
        let rotated = name.contains("q_proj") || name.contains("k_proj");
        match shape {
            [from, to] if turned => {
                let turned = (0..*to).flat_map(|to| (0..*from).map(move |from| row(from)[to])).collect();
                (theirs, turned, vec![*from, *to])
            }
            [to, from] if rotated => {
                let order = (0..*to / 4).flat_map(|head| [0, 2, 1, 3].map(|at| head * 4 + at));
                (theirs, order.flat_map(|at| row(at).to_vec()).collect(), vec![*from, *to])
            }
            _ => (theirs, numbers.clone(), shape.iter().rev().copied().collect()),
        }
    }
}

/// A file as it is written.
#[derive(Default)]
struct Gguf {
    values: Vec<u8>,
    count: u64,
    weights: Vec<(String, Vec<usize>, Vec<u8>)>,
}

fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u64).to_le_bytes()[..], text.as_bytes()].concat()
}

impl Gguf {
    fn value(&mut self, key: &str, kind: u32, bytes: &[u8]) {
        self.values.extend([&text(key), &kind.to_le_bytes()[..], bytes].concat());
        self.count += 1;
    }

    fn text(&mut self, key: &str, value: &str) {
        self.value(key, 8, &text(value));
    }

    fn number(&mut self, key: &str, value: u32) {
        self.value(key, 4, &value.to_le_bytes());
    }

    fn real(&mut self, key: &str, value: f32) {
        self.value(key, 6, &value.to_le_bytes());
    }

    fn list(&mut self, key: &str, kind: u32, values: &[Vec<u8>]) {
        let head = [&kind.to_le_bytes()[..], &(values.len() as u64).to_le_bytes()].concat();
        self.value(key, 9, &[head, values.concat()].concat());
    }

    /// Those of the fixture's `tokenizer.json`.
    fn tokens(&mut self) {
        let tokenizer: Value = serde_json::from_str(include_str!("../fixtures/lm/tokenizer.json")).unwrap();
        let model = &tokenizer["model"];
        let mut tokens = vec![Vec::new(); VOCABULARY];
        let mut kinds = vec![1_i32.to_le_bytes().to_vec(); VOCABULARY];
        for (token, id) in model["vocab"].as_object().unwrap() {
            tokens[id.as_u64().unwrap() as usize] = text(token);
        }
        kinds[0] = 3_i32.to_le_bytes().to_vec();
        let merge = |merge: &Value| match merge {
            Value::String(merge) => text(merge),
            pair => text(&format!("{} {}", pair[0].as_str().unwrap(), pair[1].as_str().unwrap())),
        };
        let merges: Vec<Vec<u8>> = model["merges"].as_array().unwrap().iter().map(merge).collect();
        self.text("tokenizer.ggml.model", "gpt2");
        self.text("tokenizer.ggml.pre", "gpt-2");
        self.list("tokenizer.ggml.tokens", 8, &tokens);
        self.list("tokenizer.ggml.merges", 8, &merges);
        self.list("tokenizer.ggml.token_type", 5, &kinds);
        self.number("tokenizer.ggml.eos_token_id", 0);
    }

    fn weight(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.weights.push((name.to_owned(), shape.to_vec(), bytes));
    }

    fn bytes(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3_u32.to_le_bytes());
        out.extend((self.weights.len() as u64).to_le_bytes());
        out.extend(self.count.to_le_bytes());
        out.extend(&self.values);
        let mut data = Vec::new();
        for (name, shape, bytes) in &self.weights {
            data.resize(data.len().next_multiple_of(32), 0);
            out.extend(text(name));
            out.extend((shape.len() as u32).to_le_bytes());
            shape.iter().for_each(|&size| out.extend((size as u64).to_le_bytes()));
            out.extend(0_u32.to_le_bytes());
            out.extend((data.len() as u64).to_le_bytes());
            data.extend(bytes);
        }
        out.resize(out.len().next_multiple_of(32), 0);
        out.extend(data);
        out
    }
}
