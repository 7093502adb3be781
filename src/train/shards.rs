//! One outer step's gradient, spread over threads.

use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::Device;
use rayon::prelude::*;

use crate::data::Profiles;
use crate::meta::{MetaGradient, MetaLearner, learned, scaled, selected};
use crate::model::{MetaBatch, PreferenceModel, TaskBatch, TaskEvents};
use crate::sampler::Episode;

/// The mean gradient of some episodes.
pub(crate) struct StepGradient {
    pub(crate) model: GradientsParams,
    pub(crate) state: GradientsParams,
    /// Mean query loss.
    pub(crate) loss: f64,
}

/// A seed that differs for each step and shard.
fn noise_seed(seed: u64, step: usize, shard: usize) -> u64 {
    let mut x =
        seed ^ (step as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (shard as u64).wrapping_mul(0xD1B5_4A32_D192_ED03);
    x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}

/// The tensors of some episodes, noise included.
fn meta_batch<M: PreferenceModel, L: MetaLearner<M>>(
    model: &M,
    learner: &L,
    (episodes, profiles): (&[Episode], &Profiles),
    seed: u64,
    device: &Device,
) -> MetaBatch<M::Batch> {
    let profile = |episode: &Episode| episode.task.user().map_or(&[][..], |user| profiles.of(user));
    let supports: Vec<TaskEvents<'_>> =
        episodes.iter().map(|episode| learner.support_use().of(&episode.support).known_as(profile(episode))).collect();
    let queries: Vec<TaskEvents<'_>> = episodes
        .iter()
        .map(|episode| {
            TaskEvents::query(&episode.support, &episode.query)
                .passing_over(&episode.passed_over)
                .known_as(profile(episode))
        })
        .collect();
    MetaBatch {
        support: model.batch(&supports, crate::model::Supervision::EveryPrefix, device),
        query: model.batch(&queries, learner.supervision(), device).with_noise(seed),
    }
}

/// The mean gradient of `episodes`, cut into `shards` pieces for the threads of the current rayon pool.
///
/// Each piece works on a fork of the model, as clones share one graph lock; pieces are added in their order, so the result does not depend on the threads.
pub(crate) fn step_gradient<M: PreferenceModel, L: MetaLearner<M>>(
    (model, state, learner): (&M, &L::State, &L),
    (episodes, profiles): (&[Episode], &Profiles),
    (seed, step, shards): (u64, usize, usize),
    device: &Device,
) -> StepGradient {
    let size = episodes.len().div_ceil(shards).max(1);
    // Parameters are made where they are first used: use them here, not on whichever thread is first.
    let pieces: Vec<(usize, &[Episode], M, L::State)> = episodes
        .chunks(size)
        .enumerate()
        .map(|(shard, piece)| (shard, piece, model.clone().fork(device), state.clone().fork(device)))
        .collect();
    let gradients: Vec<(MetaGradient, f64)> = pieces
        .into_par_iter()
        .map(|(shard, piece, model, state)| {
            let batch = meta_batch(&model, learner, (piece, profiles), noise_seed(seed, step, shard), &plain(device));
            let gradient = learner.meta_gradient(&model, &state, &batch);
            let loss = f64::from(gradient.query_loss.clone().sum().into_scalar::<f32>());
            (gradient, loss)
        })
        .collect();
    let (mut of_model, mut of_state) = (GradientsAccumulator::new(), GradientsAccumulator::new());
    let mut loss = 0.0;
    for (gradient, shard_loss) in gradients {
        of_model.accumulate(model, gradient.model);
        of_state.accumulate(state, gradient.state);
        loss += shard_loss;
    }
    let tasks = episodes.len().max(1) as f64;
    let trained = learned(model);
    StepGradient {
        model: scaled(model, &selected(model, &of_model.grads(), |id| trained.contains(&id)), 1.0 / tasks),
        state: scaled(state, &of_state.grads(), 1.0 / tasks),
        loss: loss / tasks,
    }
}

/// The device without its graph.
pub(crate) fn plain(device: &Device) -> Device {
    device.clone().inner()
}
