//! Models of the Llama family: Llama, Mistral, SmolLM, TinyLlama.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::{RmsNorm, RmsNormConfig};
use burn::tensor::activation::{silu, softmax};
use burn::tensor::{Device, TensorData};
use serde::Deserialize;

use super::cache::KeyValues;
use super::decoder::{Decoder, causal, lookup, matrix, table};
use super::source::Weights;
use crate::text::TextError;

/// Sizes of a model, as they stand in `config.json`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct LlamaConfig {
    pub(super) hidden_size: usize,
    pub(super) intermediate_size: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) num_attention_heads: usize,
    #[serde(default)]
    pub(super) num_key_value_heads: Option<usize>,
    #[serde(default)]
    pub(super) head_dim: Option<usize>,
    #[serde(default = "epsilon")]
    pub(super) rms_norm_eps: f64,
    #[serde(default = "theta")]
    pub(super) rope_theta: f64,
    pub(super) vocab_size: usize,
    #[serde(default = "positions")]
    pub(super) max_position_embeddings: usize,
    #[serde(default)]
    pub(super) tie_word_embeddings: bool,
}

fn epsilon() -> f64 {
    1e-6
}

fn theta() -> f64 {
    10_000.0
}

fn positions() -> usize {
    2_048
}

impl LlamaConfig {
    pub(super) fn key_value_heads(&self) -> usize {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    fn d_head(&self) -> usize {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads.max(1))
    }

    /// What does not hold together, and what would.
    pub(super) fn wrong(&self) -> Option<(String, String)> {
        let sizes = [
            ("hidden_size", self.hidden_size, 1 << 16),
            ("intermediate_size", self.intermediate_size, 1 << 20),
            ("num_hidden_layers", self.num_hidden_layers, 1 << 10),
            ("num_attention_heads", self.num_attention_heads, 1 << 10),
            ("num_key_value_heads", self.key_value_heads(), self.num_attention_heads),
            ("head_dim", self.d_head(), 1 << 10),
            ("vocab_size", self.vocab_size, 1 << 24),
            ("max_position_embeddings", self.max_position_embeddings, 1 << 24),
        ];
        let off = sizes.into_iter().find(|(_, value, most)| !(1..=*most).contains(value));
        if let Some((name, value, most)) = off {
            return Some((format!("{name} {value}"), format!("1 to {most}")));
        }
        let (heads, shared) = (self.num_attention_heads, self.key_value_heads());
        if !heads.is_multiple_of(shared) {
            return Some((
                format!("num_key_value_heads {shared}"),
                format!("a divisor of num_attention_heads {heads}"),
            ));
        }
        if !self.d_head().is_multiple_of(2) {
            return Some((format!("head_dim {}", self.d_head()), "an even number".to_owned()));
        }
        if self.head_dim.is_none() && !self.hidden_size.is_multiple_of(heads) {
            let expected = format!("a divisor of hidden_size {}", self.hidden_size);
            return Some((format!("num_attention_heads {heads}"), expected));
        }
        let positive = [("rms_norm_eps", self.rms_norm_eps), ("rope_theta", self.rope_theta)];
        let off = positive.into_iter().find(|(_, value)| !(value.is_finite() && *value > 0.0));
        off.map(|(name, value)| (format!("{name} {value}"), "a positive number".to_owned()))
    }
}

#[derive(Module, Debug)]
struct Layer {
    attention_norm: RmsNorm,
    query: Param<Tensor<2>>,
    key: Param<Tensor<2>>,
    value: Param<Tensor<2>>,
    attended: Param<Tensor<2>>,
    norm: RmsNorm,
    gate: Param<Tensor<2>>,
    up: Param<Tensor<2>>,
    down: Param<Tensor<2>>,
}

/// A decoder with rotary positions, shared heads of keys and values and gated perceptrons (Touvron et al., 2023, "LLaMA: Open and Efficient Foundation Language
/// Models").
#[derive(Module, Debug)]
pub(super) struct Llama {
    tokens: Param<Tensor<2>>,
    layers: Vec<Layer>,
    norm: RmsNorm,
    /// `[d, vocabulary]`; nothing where it is the table of tokens.
    output: Option<Param<Tensor<2>>>,
    heads: usize,
    shared: usize,
    d_head: usize,
    theta: f64,
    positions: usize,
}

impl Llama {
    pub(super) fn read(config: &LlamaConfig, weights: &dyn Weights, device: &Device) -> Result<Self, TextError> {
        let (d, wide, vocabulary) = (config.hidden_size, config.intermediate_size, config.vocab_size);
        let (heads, shared, d_head) = (config.num_attention_heads, config.key_value_heads(), config.d_head());
        let norm = |name: &str| -> Result<RmsNorm, TextError> {
            let gamma = Param::from_data(TensorData::new(weights.weight(name, &[d])?, [d]), device);
            let norm = RmsNormConfig::new(d).with_epsilon(config.rms_norm_eps).init(device);
            Ok(RmsNorm { gamma, ..norm })
        };
        let layer = |nth: usize| -> Result<Layer, TextError> {
            let name = |part: &str| format!("model.layers.{nth}.{part}.weight");
            let map = |part: &str, from, to| matrix(weights, &name(part), [from, to], device);
            Ok(Layer {
                attention_norm: norm(&name("input_layernorm"))?,
                query: map("self_attn.q_proj", d, heads * d_head)?,
                key: map("self_attn.k_proj", d, shared * d_head)?,
                value: map("self_attn.v_proj", d, shared * d_head)?,
                attended: map("self_attn.o_proj", heads * d_head, d)?,
                norm: norm(&name("post_attention_layernorm"))?,
                gate: map("mlp.gate_proj", d, wide)?,
                up: map("mlp.up_proj", d, wide)?,
                down: map("mlp.down_proj", wide, d)?,
            })
        };
        let head = "lm_head.weight";
        let own = !config.tie_word_embeddings;
        Ok(Self {
            tokens: table(weights, "model.embed_tokens.weight", [vocabulary, d], device)?,
            layers: (0..config.num_hidden_layers).map(layer).collect::<Result<_, _>>()?,
            norm: norm("model.norm.weight")?,
            output: if own { Some(matrix(weights, head, [d, vocabulary], device)?) } else { None },
            heads,
            shared,
            d_head,
            theta: config.rope_theta,
            positions: config.max_position_embeddings,
        })
    }

    /// Cosines and sines of `count` positions from `first` on, each `[count, d_head / 2]`.
    fn rotation(&self, first: usize, count: usize, device: &Device) -> [Tensor<2>; 2] {
        let half = self.d_head / 2;
        let angle =
            |position: usize, at: usize| position as f64 * self.theta.powf(-2.0 * at as f64 / self.d_head as f64);
        let each = |of: fn(f64) -> f64| {
            let values: Vec<f32> = (first..first + count)
                .flat_map(|position| (0..half).map(move |at| (position, at)))
                .map(|(position, at)| of(angle(position, at)) as f32)
                .collect();
            Tensor::from_data(TensorData::new(values, [count, half]), device)
        };
        [each(f64::cos), each(f64::sin)]
    }
}

/// Turns pairs of numbers, those of the first half with those of the second, by the angles of their positions; `[texts, heads, tokens, d_head]`.
fn rotated(states: Tensor<4>, [cosines, sines]: &[Tensor<2>; 2]) -> Tensor<4> {
    let half = states.dims()[3] / 2;
    let (a, b) = (states.clone().narrow(3, 0, half), states.narrow(3, half, half));
    let (cosines, sines) = (cosines.clone().unsqueeze::<4>(), sines.clone().unsqueeze::<4>());
    let first = a.clone() * cosines.clone() - b.clone() * sines.clone();
    let second = b * cosines + a * sines;
    Tensor::cat(vec![first, second], 3)
}

impl Decoder for Llama {
    fn width(&self) -> usize {
        self.tokens.dims()[1]
    }

    fn layers(&self) -> usize {
        self.layers.len()
    }

    fn positions(&self) -> usize {
        self.positions
    }

    fn vocabulary(&self) -> usize {
        self.tokens.dims()[0]
    }

    fn states(&self, tokens: &[Vec<u32>], read: &mut KeyValues, layers: usize) -> Tensor<3> {
        let mut states = lookup(&self.tokens, tokens);
        let [texts, count, d] = states.dims();
        let device = states.device();
        let first = read.len();
        let rotation = self.rotation(first, count, &device);
        let (heads, shared, d_head) = (self.heads, self.shared, self.d_head);
        let group = heads / shared;
        let mask = causal(first, count, group, &device);
        for (nth, layer) in self.layers[..layers].iter().enumerate() {
            let input = layer.attention_norm.forward(states.clone()).reshape([texts * count, d]);
            let part = |weights: &Param<Tensor<2>>, heads| {
                input.clone().matmul(weights.val()).reshape([texts, count, heads, d_head]).swap_dims(1, 2)
            };
            let query = rotated(part(&layer.query, heads), &rotation) / (d_head as f64).sqrt();
            let key = rotated(part(&layer.key, shared), &rotation);
            let (keys, values) = read.extend(nth, key, part(&layer.value, shared));
            // Heads that share keys are rows of one product.
            let query = query.reshape([texts, shared, group * count, d_head]);
            let scores = query.matmul(keys.transpose());
            let scores = match &mask {
                Some(mask) => scores + mask.clone(),
                None => scores,
            };
            let attended = softmax(scores, 3).matmul(values).reshape([texts, heads, count, d_head]);
            let attended = attended.swap_dims(1, 2).reshape([texts * count, heads * d_head]);
            states = states + attended.matmul(layer.attended.val()).reshape([texts, count, d]);
            let input = layer.norm.forward(states.clone()).reshape([texts * count, d]);
            let wide = silu(input.clone().matmul(layer.gate.val())) * input.matmul(layer.up.val());
            states = states + wide.matmul(layer.down.val()).reshape([texts, count, d]);
        }
        read.read(count);
        if layers == self.layers.len() { self.norm.forward(states) } else { states }
    }

    fn logits(&self, states: Tensor<2>) -> Tensor<2> {
        match &self.output {
            Some(output) => states.matmul(output.val()),
            None => states.matmul(self.tokens.val().transpose()),
        }
    }
}
