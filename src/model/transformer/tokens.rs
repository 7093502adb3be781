//! Events as tokens.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use rand::Rng;

use crate::data::Action;
use crate::model::initial::normal;
use crate::model::transformer::batch::PreferenceBatch;
use crate::model::transformer::columns::{GAP_BUCKETS, NUMBERS};
use crate::model::transformer::config::PreferenceTransformerConfig;
use crate::model::transformer::parameter;

/// Adds to an item's vector what was done with it: value, action, time since the event before.
#[derive(Module, Debug)]
pub(crate) struct TokenEncoder {
    /// The token before the first event, `[1, 1, d_model]`.
    start: Param<Tensor<3>>,
    /// `[NUMBERS, d_model]`.
    numbers: Param<Tensor<2>>,
    /// `[NUMBERS, d_model]`: how the numbers scale the item's vector, so that a disliked item can point the other way.
    scales: Param<Tensor<2>>,
    /// `[actions, d_model]`.
    actions: Param<Tensor<2>>,
    /// `[GAP_BUCKETS, d_model]`.
    gaps: Param<Tensor<2>>,
}

impl TokenEncoder {
    pub(crate) fn new<R: Rng>(config: &PreferenceTransformerConfig, rng: &mut R, device: &Device) -> Self {
        let d = config.d_model;
        let mut draw = |rows: usize| parameter(normal(rows * d, 0.02, rng), [rows, d], device);
        let (numbers, actions, gaps) = (draw(NUMBERS), draw(Action::ALL.len()), draw(GAP_BUCKETS));
        Self {
            start: parameter(normal(d, 0.02, rng), [1, 1, d], device),
            numbers,
            scales: parameter(vec![0.0; NUMBERS * d], [NUMBERS, d], device),
            actions,
            gaps,
        }
    }

    /// The start token of a user of whom nothing is known, `[1, 1, d_model]`.
    pub(crate) fn start(&self) -> Tensor<3> {
        self.start.val()
    }

    /// Tokens `[tasks, 1 + shots, d_model]` from item vectors `[tasks, shots, d_model]` and what a profile adds to the start
    /// token, `[tasks, d_model]`.
    pub(crate) fn forward(&self, items: Tensor<3>, profile: Option<Tensor<2>>, batch: &PreferenceBatch) -> Tensor<3> {
        let [tasks, shots, d] = items.dims();
        let numbers = batch.numbers().reshape([tasks * shots, NUMBERS]);
        let scale = numbers.clone().matmul(self.scales.val()).reshape([tasks, shots, d]) + 1.0;
        let added = numbers.matmul(self.numbers.val())
            + self.actions.val().select(0, batch.actions().reshape([tasks * shots]))
            + self.gaps.val().select(0, batch.gaps().reshape([tasks * shots]));
        let events = items * scale + added.reshape([tasks, shots, d]);
        let mut start = self.start.val().expand([tasks, 1, d]);
        if let Some(profile) = profile {
            start = start + profile.unsqueeze_dim(1);
        }
        Tensor::cat(vec![start, events], 1)
    }
}
