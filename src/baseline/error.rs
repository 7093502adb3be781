//! What can be wrong with a baseline's settings, its tuning, or what it is asked.

use crate::baseline::named::NAMES;
use crate::evaluate::{EvaluateError, Shots};

/// Why a baseline could not be fitted, tuned or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BaselineError {
    /// A setting is out of its bounds.
    #[error("baseline setting `{field}` is {value}: expected {expected}")]
    Setting {
        /// Which setting.
        field: &'static str,
        /// What it is.
        value: String,
        /// Its bounds.
        expected: &'static str,
    },
    /// No baseline goes by this name.
    #[error("no baseline is called {0:?}: expected one of {known}", known = NAMES.join(", "))]
    UnknownName(String),
    /// Settings were to be chosen by a metric that was not measured.
    #[error(
        "{method} has no {metric} at {shots} shots to be tuned by: expected a metric that the protocol measures of it"
    )]
    NotMeasured {
        /// Name of the method.
        method: String,
        /// Name of the metric.
        metric: String,
        /// What it saw of each user.
        shots: Shots,
    },
    /// There is nothing to choose from.
    #[error("no candidate to tune: expected at least one")]
    NoCandidates,
    /// A system of linear equations has no solution in double precision.
    #[error(
        "the equations of {0} are not positive definite: expected finite values and a ridge that is not negligible"
    )]
    Singular(&'static str),
    /// Training by gradients did not stay finite.
    #[error(
        "the {what} of {method} is no longer finite in epoch {epoch} at a learning rate of {learning_rate}: \
         expected it to be with a smaller learning rate"
    )]
    Diverged {
        /// Name of the method.
        method: &'static str,
        /// What is not finite.
        what: &'static str,
        /// Which pass over the training users, counted from 1.
        epoch: usize,
        /// The rate of its steps.
        learning_rate: f32,
    },
    /// An event's item is not in the catalogue.
    #[error("unknown item {item:?}: expected one of the catalogue")]
    UnknownItem {
        /// Its external id.
        item: String,
    },
    /// An event that was handed in is malformed.
    #[error("event on item {item:?}: {field} is {value}: expected {expected}")]
    Event {
        /// External id of the item.
        item: String,
        /// Which of its fields.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
    /// A method was asked for what it does not give.
    #[error("{method} has no {what}: expected a method that gives them")]
    NoAnswer {
        /// Name of the method.
        method: String,
        /// What was asked for.
        what: &'static str,
    },
    /// What the evaluation says.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
}

impl BaselineError {
    /// A setting that is out of its bounds.
    pub(super) fn setting(field: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Setting { field, value: value.to_string(), expected }
    }
}

/// Checks that a number is finite and more than 0.
pub(super) fn positive(field: &'static str, value: f64) -> Result<(), BaselineError> {
    let holds = value.is_finite() && value > 0.0;
    if holds { Ok(()) } else { Err(BaselineError::setting(field, value, "a finite number, more than 0")) }
}

/// Checks that a share is 0 to 1.
pub(super) fn share(field: &'static str, value: f32) -> Result<(), BaselineError> {
    let holds = (0.0..=1.0).contains(&value);
    if holds { Ok(()) } else { Err(BaselineError::setting(field, value, "0 to 1")) }
}

/// Checks that a count is in `1..=most`; `expected` says so in words.
pub(super) fn count(
    field: &'static str,
    value: usize,
    most: usize,
    expected: &'static str,
) -> Result<(), BaselineError> {
    if (1..=most).contains(&value) { Ok(()) } else { Err(BaselineError::setting(field, value, expected)) }
}
