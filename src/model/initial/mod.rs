//! Where training starts: closed-form fits that a few epochs of gradients would not find.
//!
//! Item vectors start at a truncated SVD of who liked what ([`item_vectors`]), rating factors at alternating least squares ([`fit_ratings`]),
//! scores at the log of popularity. On small data most of the quality of a trained model is decided here.

mod popularity;
mod rating_choice;
mod rating_prior;
mod ratings;
mod solve;
mod vectors;

use rand::Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::data::{LikeRule, Profiles, TaskHistory, discounted_popularity};
use crate::model::transformer::{ModelError, PreferenceSchema, PreferenceTransformerConfig};

pub use popularity::log_popularity;
pub use rating_choice::choose_rating_fit;
pub use rating_prior::RaterFacts;
pub use ratings::{RatingFit, RatingStart, fit_ratings, fit_ratings_knowing};
pub(crate) use solve::{RankOne, cholesky, solve_cholesky};
use vectors::VECTOR_DEVIATION;
pub use vectors::item_vectors;

/// What a [`PreferenceTransformer`](crate::model::PreferenceTransformer) starts from.
#[derive(Clone, Debug, PartialEq)]
pub struct InitialValues {
    /// `[items, d_model]`; drawn at random where `None`.
    pub item_vectors: Option<Vec<f32>>,
    /// Log popularity of each item, `[items]`.
    pub popularity: Vec<f32>,
    /// Log popularity of an item without events.
    pub cold_popularity: f32,
    /// Rating factors; all zero where `None`.
    pub rating: Option<RatingStart>,
}

impl InitialValues {
    /// Random vectors, equal popularity and no rating factors.
    #[must_use]
    pub fn flat(items: usize) -> Self {
        Self { item_vectors: None, popularity: vec![0.0; items], cold_popularity: 0.0, rating: None }
    }
}

impl InitialValues {
    /// Checks that the values are of a model of this configuration with this many items.
    ///
    /// # Errors
    /// If something has another number of rows or of columns. Of what profiles add to rating weights that is whole rows: how many codes there are is the schema's.
    pub(crate) fn check(&self, config: &PreferenceTransformerConfig, items: usize) -> Result<(), ModelError> {
        let numbers = |what, found, expected| {
            if found == expected { Ok(()) } else { Err(ModelError::Items { what, found, expected }) }
        };
        let rows = |what, found, width: usize| numbers(what, found, items * width);
        rows("the initial popularity", self.popularity.len(), 1)?;
        if let Some(vectors) = &self.item_vectors {
            rows("the table of initial item vectors", vectors.len(), config.d_model)?;
        }
        if let Some(rating) = &self.rating {
            rows("the table of initial rating factors", rating.factors.len(), config.rating_factors)?;
            rows("the initial rating offsets", rating.offsets.len(), 1)?;
            let width = 1 + config.rating_factors;
            if !rating.rated.is_empty() {
                rows("what rated items say of a user", rating.rated.len(), width)?;
            }
            numbers("the mean of users' rating weights", rating.weight.len(), width)?;
            numbers("the covariance of users' rating weights", rating.covariance.len(), width * width)?;
            let codes = rating.profile.len().div_ceil(width);
            numbers("what profiles say of a user's rating weights", rating.profile.len(), codes * width)?;
        }
        Ok(())
    }

    /// Fits everything to the training tasks: `pool` is the number of first events that ranking conditional popularity leaves out.
    ///
    /// Of users' profiles nothing is learned here; [`fit_knowing`](Self::fit_knowing) does.
    ///
    /// Costs seconds for a million events.
    #[must_use]
    pub fn fit(
        tasks: &[TaskHistory],
        pool: usize,
        config: &PreferenceTransformerConfig,
        schema: &PreferenceSchema,
        seed: u64,
    ) -> Self {
        Self::fit_knowing(tasks, &Profiles::default(), pool, config, schema, seed)
    }

    /// The same of users with profiles.
    #[must_use]
    pub fn fit_knowing(
        tasks: &[TaskHistory],
        profiles: &Profiles,
        pool: usize,
        config: &PreferenceTransformerConfig,
        schema: &PreferenceSchema,
        seed: u64,
    ) -> Self {
        let items = schema.known.len();
        let counted = discounted_popularity(tasks, items, pool, &schema.likes, config.popularity_discount);
        let (popularity, cold_popularity) = log_popularity(&counted);
        let rating = schema.rated().then(|| {
            let mean = f64::from(schema.value_mean);
            let fit = choose_rating_fit(tasks, items, mean, config.rating_factors, seed);
            let everything = LikeRule { threshold: None, ..schema.likes.clone() };
            let met = item_vectors(tasks, items, RATER_WIDTH, &everything, VECTOR_SHRINK, seed);
            let vectors: Vec<f32> = met.into_iter().map(|value| value / VECTOR_DEVIATION).collect();
            let facts = RaterFacts { profiles, codes: schema.profile.len(), vectors: &vectors, width: RATER_WIDTH };
            fit_ratings_knowing(tasks, &facts, mean, &fit, seed)
        });
        let vectors = item_vectors(tasks, items, config.d_model, &schema.likes, VECTOR_SHRINK, seed);
        Self { item_vectors: Some(vectors), popularity, cold_popularity, rating }
    }
}

/// How many numbers say of an item who rates it.
const RATER_WIDTH: usize = 32;
/// Added to counts before item vectors are scaled by their roots.
const VECTOR_SHRINK: f64 = 10.0;

/// Draws from a normal distribution with mean zero.
pub(crate) fn normal<R: Rng>(count: usize, deviation: f64, rng: &mut R) -> Vec<f32> {
    (0..count)
        .map(|_| {
            let draw: f64 = StandardNormal.sample(rng);
            (draw * deviation) as f32
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_another_number_of_rows_or_columns_is_named() {
        let config = PreferenceTransformerConfig::default();
        let (items, width) = (7, 1 + config.rating_factors);
        let with = |change: fn(&mut RatingStart)| {
            let mut rating = RatingStart::flat(items, width - 1);
            change(&mut rating);
            InitialValues { rating: Some(rating), ..InitialValues::flat(items) }.check(&config, items)
        };
        assert!(with(|_| ()).is_ok());
        for (change, what, found, expected) in [
            (
                (|rating| rating.profile = vec![0.0; 3]) as fn(&mut RatingStart),
                "what profiles say of a user's rating weights",
                3,
                width,
            ),
            (|rating| rating.rated = vec![0.0; 3], "what rated items say of a user", 3, 7 * width),
            (|rating| rating.weight = vec![0.0; 2], "the mean of users' rating weights", 2, width),
            (|rating| rating.covariance = vec![1.0], "the covariance of users' rating weights", 1, width * width),
        ] {
            let error = with(change).unwrap_err();
            assert_eq!(error, ModelError::Items { what, found, expected });
        }
    }
}
