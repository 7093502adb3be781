//! GPT-2.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, TensorData};
use serde::Deserialize;

use super::cache::KeyValues;
use super::decoder::{Decoder, causal, lookup, matrix, table};
use super::source::Weights;
use crate::text::TextError;

/// Sizes of a model, as they stand in `config.json`.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub(super) struct Gpt2Config {
    pub(super) n_embd: usize,
    pub(super) n_layer: usize,
    pub(super) n_head: usize,
    pub(super) n_positions: usize,
    pub(super) vocab_size: usize,
    #[serde(default)]
    pub(super) n_inner: Option<usize>,
    #[serde(default = "epsilon")]
    pub(super) layer_norm_epsilon: f64,
}

fn epsilon() -> f64 {
    1e-5
}

impl Gpt2Config {
    /// What does not hold together, and what would.
    pub(super) fn wrong(&self) -> Option<(String, String)> {
        let sizes = [
            ("n_embd", self.n_embd, 1 << 16),
            ("n_layer", self.n_layer, 1 << 10),
            ("n_head", self.n_head, self.n_embd),
            ("n_positions", self.n_positions, 1 << 24),
            ("vocab_size", self.vocab_size, 1 << 24),
            ("n_inner", self.wide(), 1 << 20),
        ];
        let off = sizes.into_iter().find(|(_, value, most)| !(1..=*most).contains(value));
        if let Some((name, value, most)) = off {
            return Some((format!("{name} {value}"), format!("1 to {most}")));
        }
        if !self.n_embd.is_multiple_of(self.n_head) {
            return Some((format!("n_head {}", self.n_head), format!("a divisor of n_embd {}", self.n_embd)));
        }
        let epsilon = self.layer_norm_epsilon;
        let positive = epsilon.is_finite() && epsilon > 0.0;
        (!positive).then(|| (format!("layer_norm_epsilon {epsilon}"), "a positive number".to_owned()))
    }

    fn wide(&self) -> usize {
        self.n_inner.unwrap_or(4 * self.n_embd)
    }
}

#[derive(Module, Debug)]
struct Linear {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Linear {
    fn forward(&self, input: Tensor<2>) -> Tensor<2> {
        input.matmul(self.weight.val()) + self.bias.val().unsqueeze::<2>()
    }
}

#[derive(Module, Debug)]
struct Layer {
    attention_norm: LayerNorm,
    /// Queries, keys and values.
    attention: Linear,
    attended: Linear,
    norm: LayerNorm,
    widen: Linear,
    narrow: Linear,
}

/// A decoder with learned positions (Radford et al., 2019, "Language Models are Unsupervised Multitask Learners").
#[derive(Module, Debug)]
pub(super) struct Gpt2 {
    tokens: Param<Tensor<2>>,
    places: Param<Tensor<2>>,
    layers: Vec<Layer>,
    norm: LayerNorm,
    heads: usize,
}

impl Gpt2 {
    /// `turned` says that maps lie as `[from, to]`, as Hugging Face has those of GPT-2.
    pub(super) fn read(
        config: &Gpt2Config,
        weights: &dyn Weights,
        turned: bool,
        device: &Device,
    ) -> Result<Self, TextError> {
        let (d, wide) = (config.n_embd, config.wide());
        let vector = |name: &str, size| -> Result<Param<Tensor<1>>, TextError> {
            Ok(Param::from_data(TensorData::new(weights.weight(name, &[size])?, [size]), device))
        };
        let norm = |name: &str| -> Result<LayerNorm, TextError> {
            let mut norm = LayerNormConfig::new(d).with_epsilon(config.layer_norm_epsilon).init(device);
            norm.gamma = vector(&format!("{name}.weight"), d)?;
            norm.beta = Some(vector(&format!("{name}.bias"), d)?);
            Ok(norm)
        };
        let linear = |name: &str, from, to| -> Result<Linear, TextError> {
            let weight = format!("{name}.weight");
            let weight = match turned {
                true => table(weights, &weight, [from, to], device)?,
                false => matrix(weights, &weight, [from, to], device)?,
            };
            Ok(Linear { weight, bias: vector(&format!("{name}.bias"), to)? })
        };
        let layer = |nth: usize| -> Result<Layer, TextError> {
            let name = |part: &str| format!("h.{nth}.{part}");
            Ok(Layer {
                attention_norm: norm(&name("ln_1"))?,
                attention: linear(&name("attn.c_attn"), d, 3 * d)?,
                attended: linear(&name("attn.c_proj"), d, d)?,
                norm: norm(&name("ln_2"))?,
                widen: linear(&name("mlp.c_fc"), d, wide)?,
                narrow: linear(&name("mlp.c_proj"), wide, d)?,
            })
        };
        Ok(Self {
            tokens: table(weights, "wte.weight", [config.vocab_size, d], device)?,
            places: table(weights, "wpe.weight", [config.n_positions, d], device)?,
            layers: (0..config.n_layer).map(layer).collect::<Result<_, _>>()?,
            norm: norm("ln_f")?,
            heads: config.n_head,
        })
    }
}

/// The form of GELU that GPT-2 was trained with.
fn gelu(x: Tensor<2>) -> Tensor<2> {
    let inner = (x.clone() + x.clone().powi_scalar(3) * 0.044_715) * (2.0 / std::f64::consts::PI).sqrt();
    x * (inner.tanh() + 1.0) * 0.5
}

impl Decoder for Gpt2 {
    fn width(&self) -> usize {
        self.tokens.dims()[1]
    }

    fn layers(&self) -> usize {
        self.layers.len()
    }

    fn positions(&self) -> usize {
        self.places.dims()[0]
    }

    fn vocabulary(&self) -> usize {
        self.tokens.dims()[0]
    }

    fn states(&self, tokens: &[Vec<u32>], read: &mut KeyValues, layers: usize) -> Tensor<3> {
        let words = lookup(&self.tokens, tokens);
        let [texts, count, d] = words.dims();
        let first = read.len();
        let mut states = words + self.places.val().narrow(0, first, count).unsqueeze::<3>();
        let (heads, d_head) = (self.heads, d / self.heads);
        let mask = causal(first, count, 1, &states.device());
        for (nth, layer) in self.layers[..layers].iter().enumerate() {
            let input = layer.attention_norm.forward(states.clone()).reshape([texts * count, d]);
            let all = layer.attention.forward(input);
            let part =
                |at: usize| all.clone().narrow(1, at * d, d).reshape([texts, count, heads, d_head]).swap_dims(1, 2);
            let (keys, values) = read.extend(nth, part(1), part(2));
            let scores = (part(0) / (d_head as f64).sqrt()).matmul(keys.transpose());
            let scores = match &mask {
                Some(mask) => scores + mask.clone(),
                None => scores,
            };
            let attended = softmax(scores, 3).matmul(values).swap_dims(1, 2).reshape([texts * count, d]);
            states = states + layer.attended.forward(attended).reshape([texts, count, d]);
            let input = layer.norm.forward(states.clone()).reshape([texts * count, d]);
            let narrow = layer.narrow.forward(gelu(layer.widen.forward(input)));
            states = states + narrow.reshape([texts, count, d]);
        }
        read.read(count);
        if layers == self.layers.len() { self.norm.forward(states) } else { states }
    }

    fn logits(&self, states: Tensor<2>) -> Tensor<2> {
        states.matmul(self.tokens.val().transpose())
    }
}
