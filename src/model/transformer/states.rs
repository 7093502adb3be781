//! What the trunk leaves at the prefixes of contexts.

use burn::Tensor;
use burn::tensor::{Int, TensorData};

use crate::model::noise::NoiseSource;
use crate::model::transformer::PreferenceTransformer;
use crate::model::transformer::batch::PreferenceBatch;
use crate::model::transformer::blocks::causal_mask;
use crate::model::transformer::prefixes::chosen_prefixes;

/// Probability that training does not show one thing that is known of a user.
const CODE_DROPOUT: f64 = 0.1;

impl PreferenceTransformer {
    /// What profiles are shown, `[rows, codes]`: with noise some whole ones and some single codes are not.
    fn shown_profiles(&self, batch: &PreferenceBatch, noise: &mut NoiseSource) -> Option<Tensor<2>> {
        let profiles = batch.profiles()?;
        let [rows, codes] = profiles.dims();
        let device = profiles.device();
        let whole = noise.kept([rows, 1], self.settings.config.profile_dropout, &device);
        Some(profiles * whole * noise.kept([rows, codes], CODE_DROPOUT, &device))
    }

    /// The states of some tokens, `[rows, length, d_model]`.
    fn read(&self, tokens: Tensor<3>, dropout: f64, noise: &mut NoiseSource) -> Tensor<3> {
        let mask = causal_mask(tokens.dims()[1], &tokens.device());
        let mut x = noise.dropout(tokens, dropout);
        for block in &self.blocks {
            x = block.forward(x, &mask, dropout, noise);
        }
        self.norm.forward(x)
    }

    /// What is taken off every state, `[rows, 1, d_model]`: the state of nothing. A row of whom nothing is known has it itself, and is then zero to the last bit.
    fn nothing(&self, states: &Tensor<3>, profiles: Option<Tensor<2>>) -> Tensor<3> {
        let own = states.clone().narrow(1, 0, 1);
        let Some(profiles) = profiles else { return own };
        let known = profiles.sum_dim(1).clamp_max(1.0).unsqueeze_dim::<3>(2);
        let nothing = self.read(self.tokens.start(), 0.0, &mut NoiseSource::new(None));
        nothing * known.clone() + own * (known.neg() + 1.0)
    }

    /// User vectors `[rows, prefixes, d_model]` and gains `[rows, prefixes, 1]` after each prefix of the context, before the head's shifts.
    pub(super) fn prefixes(
        &self,
        batch: &PreferenceBatch,
        noise: &mut NoiseSource,
        shown: &Tensor<2>,
    ) -> (Tensor<3>, Tensor<3>) {
        let dropout = self.settings.config.dropout_for(self.settings.schema.tasks);
        let profiles = self.shown_profiles(batch, noise);
        let known = profiles.clone().map(|profiles| profiles.matmul(self.profile.val()));
        let tokens = self.tokens.forward(self.items.input(batch.items(), shown), known, batch);
        let [rows, length, d] = tokens.dims();
        let x = self.read(tokens, dropout, noise);
        let added = x.clone() - self.nothing(&x, profiles);
        let x = noise.dropout(added, dropout).reshape([rows * length, d]);
        let u = x.clone().matmul(self.head.map.val()).reshape([rows, length, d]);
        let gain = x.matmul(self.head.gain.val()).reshape([rows, length, 1]);
        (u, gain)
    }

    /// What the whole context of each row leaves, `[rows, 1, d_model]` and `[rows, 1, 1]`.
    pub(super) fn wholes(batch: &PreferenceBatch, (u, gain): (Tensor<3>, Tensor<3>)) -> (Tensor<3>, Tensor<3>) {
        ((u * batch.last()).sum_dim(1), (gain * batch.last()).sum_dim(1))
    }

    /// The states of some of a batch's prefixes, `[rows, chosen, d_model]` and `[rows, chosen, 1]`, and how much each counts, `[rows, chosen]`. All of them without
    /// noise. See [`chosen_prefixes`].
    pub(super) fn some_prefixes(
        &self,
        batch: &PreferenceBatch,
        (u, gain): (Tensor<3>, Tensor<3>),
        noise: &mut NoiseSource,
    ) -> ((Tensor<3>, Tensor<3>), Tensor<2>) {
        let [rows, columns, d] = u.dims();
        let count = self.settings.config.prefixes;
        if columns <= count || batch.noise().is_none() {
            return ((u, gain), batch.prefix_weights());
        }
        let chosen = chosen_prefixes(batch.lengths(), count, batch.profiles().is_some(), noise);
        let places =
            chosen.iter().enumerate().flat_map(|(row, (places, _))| places.iter().map(move |&at| row * columns + at));
        let places: Vec<i32> = places.map(|at| at as i32).collect();
        let weights: Vec<f32> = chosen.iter().flat_map(|(_, weights)| weights.iter().copied()).collect();
        let device = u.device();
        let places = Tensor::<1, Int>::from_data(TensorData::new(places, [rows * count]), &device);
        let of = |states: Tensor<3>, width| {
            let flat = states.reshape([rows * columns, width]);
            flat.select(0, places.clone()).reshape([rows, count, width])
        };
        let weights = Tensor::from_data(TensorData::new(weights, [rows, count]), &device);
        ((of(u, d), of(gain, 1)), weights)
    }
}
