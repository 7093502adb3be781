//! The network of SASRec.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::nn::{LayerNorm, LayerNormConfig, Linear};
use burn::tensor::activation::{log_sigmoid, relu, softmax};
use burn::tensor::{Device, Int, TensorData};

use crate::baseline::sas_rec::SasRecConfig;
use crate::data::Draws;
use crate::model::NoiseSource;

/// Causal self-attention over item and position vectors.
#[derive(Module, Debug)]
pub(super) struct Network {
    /// `[items, d_model]`: read, and scored against.
    items: Param<Tensor<2>>,
    /// `[max_length, d_model]`.
    positions: Param<Tensor<2>>,
    blocks: Vec<Block>,
    norm: LayerNorm,
}

/// `x + attention(norm(x))` by one head, then `x + feed_forward(norm(x))`.
#[derive(Module, Debug)]
struct Block {
    attention_norm: LayerNorm,
    /// Queries, keys and values, `[d_model, 3 * d_model]`.
    projection: Linear,
    feed_forward_norm: LayerNorm,
    up: Linear,
    down: Linear,
}

/// Some windows of likes, each `[users, length]`, shorter ones filled up at their end.
pub(super) struct Windows {
    /// What is read.
    pub(super) read: Tensor<2, Int>,
    /// What comes next at each place.
    pub(super) next: Tensor<2, Int>,
    /// What does not.
    pub(super) other: Tensor<2, Int>,
    /// 1 where there is a like, else 0.
    pub(super) mask: Tensor<2>,
}

/// Draws parameters.
struct Start<'a>(Draws, &'a Device);

impl Start<'_> {
    fn normal(&mut self, rows: usize, columns: usize, deviation: f64) -> Param<Tensor<2>> {
        let values: Vec<f32> = (0..rows * columns).map(|_| (deviation * self.0.normal()) as f32).collect();
        Param::from_data(TensorData::new(values, [rows, columns]), self.1)
    }

    fn linear(&mut self, from: usize, to: usize) -> Linear {
        let weight = self.normal(from, to, (2.0 / (from + to) as f64).sqrt());
        Linear { weight, bias: Some(Param::from_data(TensorData::new(vec![0.0_f32; to], [to]), self.1)) }
    }

    fn block(&mut self, d: usize) -> Block {
        Block {
            attention_norm: LayerNormConfig::new(d).init(self.1),
            projection: self.linear(d, 3 * d),
            feed_forward_norm: LayerNormConfig::new(d).init(self.1),
            up: self.linear(d, d),
            down: self.linear(d, d),
        }
    }
}

impl Block {
    /// `[users, length, d_model]` to the same shape; `mask` is `[1, length, length]`.
    fn forward(&self, x: Tensor<3>, mask: &Tensor<3>, dropout: f64, noise: &mut NoiseSource) -> Tensor<3> {
        let [_, _, d] = x.dims();
        let all = self.projection.forward(self.attention_norm.forward(x.clone()));
        let part = |at: usize| all.clone().narrow(2, at * d, d);
        let (query, key, value) = (part(0) / (d as f64).sqrt(), part(1), part(2));
        let weights = softmax(query.matmul(key.transpose()) + mask.clone(), 2);
        let seen = noise.dropout(weights, dropout).matmul(value);
        let x = x + noise.dropout(seen, dropout);
        let inside = relu(self.up.forward(self.feed_forward_norm.forward(x.clone())));
        let thought = self.down.forward(noise.dropout(inside, dropout));
        x + noise.dropout(thought, dropout)
    }
}

/// `[1, length, length]`: 0 where a position may look, a large negative number at what comes after it.
fn causal_mask(length: usize, device: &Device) -> Tensor<3> {
    let value = |at: usize| if at % length > at / length { -1e9 } else { 0.0 };
    let values: Vec<f32> = (0..length * length).map(value).collect();
    Tensor::from_data(TensorData::new(values, [1, length, length]), device)
}

impl Network {
    /// Vectors of items and positions start with a length of about 1, matrices as Glorot and Bengio (2010) have it.
    pub(super) fn new(items: usize, config: &SasRecConfig, device: &Device) -> Self {
        let d = config.d_model;
        let deviation = 1.0 / (d as f64).sqrt();
        let mut start = Start(Draws::new(*b"sasrec 0", config.seed, 0), device);
        Self {
            items: start.normal(items, d, deviation),
            positions: start.normal(config.max_length, d, deviation),
            blocks: (0..config.layers).map(|_| start.block(d)).collect(),
            norm: LayerNormConfig::new(d).init(device),
        }
    }

    /// The state after each place of `[users, length]` items, `[users, length, d_model]`; it depends on nothing that comes later.
    pub(super) fn states(&self, read: Tensor<2, Int>, dropout: f64, noise: &mut NoiseSource) -> Tensor<3> {
        let [users, length] = read.dims();
        let [_, d] = self.items.val().dims();
        let positions = self.positions.val().narrow(0, 0, length).unsqueeze_dim::<3>(0);
        let items = self.vectors(read);
        let mask = causal_mask(length, &items.device());
        let x = noise.dropout(items * (d as f64).sqrt() + positions.expand([users, length, d]), dropout);
        let x = self.blocks.iter().fold(x, |x, block| block.forward(x, &mask, dropout, noise));
        self.norm.forward(x)
    }

    /// The vectors of `[users, length]` items, `[users, length, d_model]`.
    fn vectors(&self, items: Tensor<2, Int>) -> Tensor<3> {
        let [users, length] = items.dims();
        let [_, d] = self.items.val().dims();
        self.items.val().select(0, items.reshape([users * length])).reshape([users, length, d])
    }

    /// The binary cross-entropy of what comes next and what does not, summed over places, `[1]`.
    pub(super) fn loss(&self, windows: &Windows, dropout: f64, noise: &mut NoiseSource) -> Tensor<1> {
        let states = self.states(windows.read.clone(), dropout, noise);
        let score =
            |items: &Tensor<2, Int>| (states.clone() * self.vectors(items.clone())).sum_dim(2).squeeze_dim::<2>(2);
        let likely = log_sigmoid(score(&windows.next)) + log_sigmoid(-score(&windows.other));
        -(likely * windows.mask.clone()).sum()
    }

    /// Scores of all items for who has read these last, `[items]`.
    pub(super) fn scores(&self, read: Tensor<2, Int>) -> Tensor<1> {
        let [_, length] = read.dims();
        let states = self.states(read, 0.0, &mut NoiseSource::new(None));
        let last = states.narrow(1, length - 1, 1).squeeze_dim::<2>(1);
        let items = self.items.val();
        let [count, _] = items.dims();
        last.matmul(items.transpose()).reshape([count])
    }
}
