//! Pre-norm causal attention blocks.

use burn::Tensor;
use burn::module::Module;
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::{relu, softmax};
use burn::tensor::{Device, TensorData};
use rand::Rng;

use crate::model::initial::normal;
use crate::model::noise::NoiseSource;
use crate::model::transformer::config::PreferenceTransformerConfig;
use crate::model::transformer::parameter;

/// One block: `x + attention(norm(x))`, then `x + feed_forward(norm(x))`.
#[derive(Module, Debug)]
pub(crate) struct Block {
    attention_norm: LayerNorm,
    /// Queries, keys and values of all heads, `[d_model, 3 * d_model]`.
    projection: Linear,
    output: Linear,
    feed_forward_norm: LayerNorm,
    up: Linear,
    down: Linear,
    heads: usize,
}

/// A linear layer with weights of standard deviation `std` and no bias.
fn linear<R: Rng>(from: usize, to: usize, std: f64, rng: &mut R, device: &Device) -> Linear {
    Linear {
        weight: parameter(normal(from * to, std, rng), [from, to], device),
        bias: Some(parameter(vec![0.0; to], [to], device)),
    }
}

/// `[1, 1, length, length]`: 0 where a position may look, a large negative number where it may not.
pub(crate) fn causal_mask(length: usize, device: &Device) -> Tensor<4> {
    let values =
        (0..length * length).map(|at| if at % length > at / length { -1e9 } else { 0.0 }).collect::<Vec<f32>>();
    Tensor::from_data(TensorData::new(values, [1, 1, length, length]), device)
}

impl Block {
    pub(crate) fn new<R: Rng>(config: &PreferenceTransformerConfig, rng: &mut R, device: &Device) -> Self {
        let (d, wide) = (config.d_model, config.d_feed_forward);
        let spread = |fan_in: usize| (1.0 / fan_in as f64).sqrt();
        // What writes to the residual stream starts small, so that deep stacks start as the identity.
        let residual = 1.0 / (2.0 * config.layers as f64).sqrt();
        Self {
            attention_norm: LayerNormConfig::new(d).init(device),
            projection: linear(d, 3 * d, spread(d), rng, device),
            output: linear(d, d, spread(d) * residual, rng, device),
            feed_forward_norm: LayerNormConfig::new(d).init(device),
            up: linear(d, wide, spread(d), rng, device),
            down: linear(wide, d, spread(wide) * residual, rng, device),
            heads: config.heads,
        }
    }

    /// `[tasks, length, d_model]` to the same shape.
    pub(crate) fn forward(&self, x: Tensor<3>, mask: &Tensor<4>, dropout: f64, noise: &mut NoiseSource) -> Tensor<3> {
        let [tasks, length, d] = x.dims();
        let width = d / self.heads;
        let all = self.projection.forward(self.attention_norm.forward(x.clone()));
        let all = all.reshape([tasks, length, 3 * self.heads, width]).swap_dims(1, 2);
        let part = |at: usize| all.clone().narrow(1, at * self.heads, self.heads);
        let (query, key, value) = (part(0) / (width as f64).sqrt(), part(1), part(2));
        let weights = softmax(query.matmul(key.swap_dims(2, 3)) + mask.clone(), 3);
        let seen = weights.matmul(value).swap_dims(1, 2).reshape([tasks, length, d]);
        let x = x + noise.dropout(self.output.forward(seen), dropout);
        let thought = self.down.forward(relu(self.up.forward(self.feed_forward_norm.forward(x.clone()))));
        x + noise.dropout(thought, dropout)
    }
}
