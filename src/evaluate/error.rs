//! What can go wrong in an evaluation.

use std::error::Error;

use crate::data::{DataError, Shots};
use crate::evaluate::protocol::Part;

/// Why an evaluation gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// The split has nobody to evaluate on.
    #[error("the split has no {0} users")]
    NoUsers(Part),
    /// A user is in two parts of a split, which the format of episodes cannot say.
    #[error("user {user:?} is in the parts {first} and {second}: expected one")]
    TwoParts {
        /// External id of the user.
        user: String,
        /// One part.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// More shots were asked for than every user's pool holds.
    #[error("{shots} shots were asked for, but the smallest pool of a {part} user holds {pool} events")]
    TooManyShots {
        /// What was asked for.
        shots: usize,
        /// What there is.
        pool: usize,
        /// Among whom.
        part: Part,
    },
    /// The protocol counts first events, and something else was to be shown.
    #[error("{0} of a new user's events were to be shown: expected a number of first events")]
    OnlyFirstEvents(Shots),
    /// A method returned something that is not one row for each support set with one number for each item.
    #[error("{method} returned {found} {what}: expected {expected}")]
    WrongShape {
        /// Name of the method.
        method: String,
        /// What was counted.
        what: &'static str,
        /// How many there should be.
        expected: usize,
        /// How many there were.
        found: usize,
    },
    /// A policy asked about an item that it was not offered, or twice about one.
    #[error("{policy} asked about item {item}: expected one of the {items} items of the catalogue that is still open")]
    NotOpen {
        /// Name of the policy.
        policy: String,
        /// Index of the item.
        item: u32,
        /// How many items there are.
        items: usize,
    },
    /// A method predicted a rating that is no number.
    #[error(
        "{method} predicted {value} for user {user:?} and item {item:?} at {shots} shots: expected a finite rating"
    )]
    RatingNotFinite {
        /// Name of the method.
        method: String,
        /// External id of the user.
        user: String,
        /// External id of the item.
        item: String,
        /// How many events the method saw.
        shots: usize,
        /// What it predicted.
        value: f32,
    },
    /// A report already has values of this method.
    #[error("the report already has a method called {0:?}")]
    MethodTwice(String),
    /// A method failed.
    #[error("{method} failed")]
    Method {
        /// Name of the method.
        method: String,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An event's user or item is not in the data set.
    #[error("the split does not belong to this data set: {0}")]
    ForeignSplit(String),
    /// A recommender was made for other items than those of the data set, or has them in another order.
    #[error("the recommender's catalogue of {found} items is not that of the data set, which has {expected}")]
    ForeignCatalogue {
        /// How many items the recommender has.
        found: usize,
        /// How many items the data set has.
        expected: usize,
    },
    /// The data cannot be divided as was asked.
    #[error("the data cannot be split")]
    Data(#[from] DataError),
    /// No method could be made for a fold.
    #[error("no method for fold {fold}")]
    Fold {
        /// Which fold, from 0.
        fold: usize,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The methods of two folds have different names.
    #[error("the method is {first:?} in one fold and {other:?} in another: expected one name")]
    FoldNames {
        /// Of the first fold.
        first: String,
        /// Of a later one.
        other: String,
    },
    /// Writing failed.
    #[error("writing failed")]
    Write(#[from] std::io::Error),
    /// Writing CSV failed.
    #[error("writing CSV failed")]
    Csv(#[from] csv::Error),
    /// Writing JSON failed.
    #[error("writing JSON failed")]
    Json(#[from] serde_json::Error),
}

impl EvaluateError {
    /// A failure inside the method called `name`.
    pub fn method(name: impl Into<String>, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::Method { method: name.into(), source: source.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failure_of_a_method_keeps_its_source() {
        let error = EvaluateError::method("fomaml", std::io::Error::other("disk full"));
        assert_eq!(error.to_string(), "fomaml failed");
        assert_eq!(error.source().map(ToString::to_string).as_deref(), Some("disk full"));
    }
}
