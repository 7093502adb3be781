//! Models of preference: what a meta-learner adapts.
//!
//! The traits come first, and know nothing of learners: [`TaskBatch`] is some tasks' tensors, [`AdaptableModel`] has a loss for each of them,
//! [`PreferenceModel`] turns events into such batches and a user's state into scores of a whole catalogue, [`LinearHeadModel`] also predicts numbers
//! linearly in known features, which is what a closed-form head needs, and [`HeadModel`] writes the gradient of a small head itself, which is what unrolled steps
//! need. [`PreferenceTransformer`] implements them all and is the default; [`RatingMlp`] predicts ratings alone, from item vectors that stay as they are.
//!
//! A [`RatingBelief`] and its [`RatingCalibration`] are how surely values are predicted, a [`RatingDistribution`] for each item.
//!
//! `docs/adding-a-model.md` goes through a model of another crate step by step.

pub mod initial;
mod noise;
mod rating;
mod rating_mlp;
mod task;
mod traits;
pub mod transformer;

pub use noise::NoiseSource;
pub use rating::{RatingBelief, RatingCalibration, RatingDistribution, RatingOutcome, RatingScale};
pub use rating_mlp::{RatingBatch, RatingMlp, RatingMlpConfig};
pub use task::{MetaBatch, Supervision, SupportUse, Targets, TaskBatch, TaskEvents};
pub use traits::{
    AdaptableModel, HeadModel, LinearExamples, LinearHeadModel, PreferenceModel, RatesLinearly, ServesHeads,
};
#[cfg(feature = "train")]
pub(crate) use transformer::ColdItemValues;
pub use transformer::{
    CandidateLoss, ModelError, PreferenceBatch, PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig,
};
