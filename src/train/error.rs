//! Why training ends without a model.

use std::path::PathBuf;

use crate::data::DataError;
use crate::meta::LearnerError;
use crate::model::ModelError;
use crate::persist::PersistError;
use crate::sampler::SamplerError;

/// Training ended without a model.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting is out of its bounds.
    #[error("training setting `{field}` is {value}: expected {expected}")]
    Setting {
        /// Which setting.
        field: &'static str,
        /// What it was.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// There is nobody to train on.
    #[error("no user to train on: {0}")]
    NoTasks(String),
    /// The loss or the model is no longer finite. The last good checkpoint, if checkpoints were asked for, is still there.
    #[error("diverged at step {step}: the loss is {loss}{kept}", kept = checkpoint.as_ref().map(|path| format!("; the last good checkpoint is {}", path.display())).unwrap_or_default())]
    Diverged {
        /// The step, from 0.
        step: usize,
        /// Mean query loss of that step.
        loss: f64,
        /// Where the last good checkpoint is.
        checkpoint: Option<PathBuf>,
    },
    /// The cancel token was used. A checkpoint of the step that was finished last has been written, if checkpoints were asked for.
    #[error("cancelled before step {step}")]
    Cancelled {
        /// The step that would have come next, from 0.
        step: usize,
    },
    /// The data can't be divided into users to train on and users to look at.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The sampler could not draw an episode.
    #[error(transparent)]
    Sampler(#[from] SamplerError),
    /// The model's settings do not hold together.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The learner's settings do not hold together.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// A checkpoint can't be written or read, or the trained model can't be written as bytes.
    #[error(transparent)]
    Checkpoint(#[from] PersistError),
}
