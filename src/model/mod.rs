//! Models of preference: what a meta-learner adapts.
//!
//! The traits come first, and know nothing of learners: [`TaskBatch`] is some tasks' tensors, [`AdaptableModel`] has a loss for each of them,
//! [`PreferenceModel`] turns events into such batches and a user's state into scores of a whole catalogue, [`LinearHeadModel`] also predicts numbers
//! linearly in known features, which is what a closed-form head needs. [`PreferenceTransformer`] implements them all and is the default.

pub mod initial;
mod noise;
mod task;
mod traits;
pub mod transformer;

pub use noise::NoiseSource;
pub use task::{MetaBatch, Supervision, Targets, TaskBatch, TaskEvents};
pub use traits::{AdaptableModel, LinearExamples, LinearHeadModel, PreferenceModel, RatesLinearly};
pub use transformer::{
    CandidateLoss, ModelError, PreferenceBatch, PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig,
};
