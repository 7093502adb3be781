//! What can go wrong in serving.

use std::error::Error;

use crate::data::DataError;
use crate::meta::LearnerError;
use crate::model::ModelError;
use crate::persist::PersistError;

/// Why a user can't be served, or a recommender not be saved or loaded.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecommendError {
    /// The catalogue has no such item.
    #[error("item {item:?} is not in the catalogue")]
    UnknownItem {
        /// The id that was asked for.
        item: String,
    },
    /// What was said of a user is not what training had of its users.
    #[error(transparent)]
    Profile(#[from] DataError),
    /// A setting is out of its bounds.
    #[error("{field} is {value}: expected {expected}")]
    Setting {
        /// Which setting.
        field: &'static str,
        /// What it is.
        value: String,
        /// Its bounds.
        expected: &'static str,
    },
    /// An event is malformed.
    #[error("event on item {item:?}: {field} is {value}: expected {expected}")]
    Event {
        /// The item of the event.
        item: String,
        /// Which of its fields.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: String,
    },
    /// A user was adapted by another model: adapt again from the user's events.
    #[error("the user was adapted by model {found}, and this is model {expected}")]
    Fingerprint {
        /// The model of the user.
        found: String,
        /// This model.
        expected: String,
    },
    /// A user that was read from outside holds what this model never wrote.
    #[error("the adapted user is damaged: {0}")]
    DamagedUser(String),
    /// Adaptation left the numbers: with a gradient learner, its steps are too long.
    #[error("the score of item {item:?} is {score}: expected a finite number")]
    NotFinite {
        /// The first item whose score it is.
        item: String,
        /// The score.
        score: f32,
    },
    /// Adaptation left the numbers, in what the learner says of how surely it predicts ratings.
    #[error("the learner's variances of the user's ratings are not finite: expected finite numbers")]
    VariancesNotFinite,
    /// A prior is not of this catalogue, or not made of numbers.
    #[error(
        "a prior with {found}: expected {items} finite numbers, one for each item, and strength and fade of 0 or more"
    )]
    Prior {
        /// What it has.
        found: String,
        /// How many items there are.
        items: usize,
    },
    /// A model that another crate built does not score the items of the catalogue that came with it.
    #[error("the model scores {found} items: expected {expected}, as many as the catalogue has")]
    WrongShape {
        /// How many scores the model gave.
        found: usize,
        /// How many items there are.
        expected: usize,
    },
    /// The model does not predict values, as it was trained on none that vary.
    #[error("the model predicts no ratings: it was trained on events without values that vary")]
    NoRatings,
    /// The model predicts values, but its learner does not know how surely.
    #[error("the learner knows no variances of the ratings it predicts: train with the closed form")]
    NoVariances,
    /// The folder is of a model that [`Recommender::load`](crate::Recommender::load) can't build.
    #[error("the folder is of a model called {0:?}: load it with `Recommender::load_with`")]
    UnknownModel(String),
    /// Whoever builds the model of a folder failed.
    #[error("the model could not be built")]
    Build(#[source] Box<dyn Error + Send + Sync>),
    /// The model's settings do not hold together.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The learner's settings do not hold together.
    #[error(transparent)]
    Learner(#[from] LearnerError),
    /// A folder can't be written or read.
    #[error(transparent)]
    Persist(#[from] PersistError),
}

impl RecommendError {
    /// A setting that is out of its bounds.
    pub(super) fn setting(field: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Setting { field, value: value.to_string(), expected }
    }
}

/// Checks that a share is 0 to 1.
pub(super) fn check_share(field: &'static str, value: f64) -> Result<(), RecommendError> {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(RecommendError::setting(field, value, "0 to 1")) }
}
