//! Independent uniform scores and ratings.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::TrainValues;
use crate::data::{Dataset, UserSplit};
use crate::evaluate::EvaluateError;
use crate::evaluate::{Method, Support};

/// Scores every item independently and uniformly, anew for each user and number of shots; the same seed gives the same
/// scores.
///
/// With `r` relevant among `n` ranked items its expectation is `r / n` for precision@k, `k * r / n / min(k, r)` for
/// recall@k, and for nDCG@k `r / n` times the sum of the first `k` discounts over the sum of the first `min(k, r)`; a
/// hit rate of `1 - C(n - r, k) / C(n, k)`; an AUC of 0.5.
///
/// Ratings, where it was told their range, are independent and uniform in `low..=high` too: the squared error of a rating `y` has the expectation
/// `(y - (low + high) / 2)^2 + (high - low)^2 / 12`.
#[derive(Clone, Debug)]
pub struct Random {
    items: usize,
    seed: u64,
    range: Option<(f32, f32)>,
}

/// Ratings are drawn apart from scores.
const RATINGS: u64 = 0x9E37_79B9_7F4A_7C15;

impl Random {
    /// Scores for the items of `data`.
    #[must_use]
    pub fn new(data: &Dataset, seed: u64) -> Self {
        Self { items: data.catalogue().len(), seed, range: None }
    }

    /// The same, predicting ratings between the least and the greatest value of the training users as well, if these differ.
    #[must_use]
    pub fn with_ratings(mut self, split: &UserSplit) -> Self {
        self.range = TrainValues::of(split).map(|values| (values.low, values.high));
        self
    }

    fn row(&self, support: &Support<'_>, seed: u64) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream((u64::from(support.user.0) << 32) | support.events.len() as u64);
        (0..self.items).map(|_| rng.random()).collect()
    }
}

impl Method for Random {
    fn name(&self) -> &str {
        "random"
    }

    fn config(&self) -> String {
        format!("seed {}", self.seed)
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(supports.iter().map(|support| self.row(support, self.seed)).collect()))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let Some((low, high)) = self.range else { return Ok(None) };
        let rows = supports.iter().map(|support| self.row(support, self.seed ^ RATINGS));
        Ok(Some(rows.map(|row| row.into_iter().map(|share| low + share * (high - low)).collect()).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, IndexedEvent, ItemIndex, UserIndex};

    #[test]
    fn scores_differ_by_user_shots_and_seed_and_are_repeatable() {
        let event = IndexedEvent { item: ItemIndex(0), action: Action::Like, value: None, timestamp: None };
        let row = |user, shots, seed| {
            let events = vec![event; shots];
            let random = Random { items: 5, seed, range: None };
            random.row(&Support { user: UserIndex(user), events: &events }, seed)
        };
        let rows = [row(0, 0, 1), row(1, 0, 1), row(0, 1, 1), row(0, 0, 2)];
        for (i, first) in rows.iter().enumerate() {
            assert!(rows[i + 1..].iter().all(|second| first != second));
        }
        assert_eq!(row(3, 2, 9), row(3, 2, 9));
    }

    #[test]
    fn ratings_have_the_error_that_is_expected_of_them() {
        let random = Random { items: 40_000, seed: 3, range: Some((1.0, 5.0)) };
        let supports = [Support { user: UserIndex(0), events: &[] }];
        let ratings = random.ratings(&supports).unwrap().unwrap().remove(0);
        assert!(ratings.iter().all(|rating| (1.0..=5.0).contains(rating)));
        let error = ratings.iter().map(|rating| (f64::from(*rating) - 4.0).powi(2)).sum::<f64>() / 40_000.0;
        assert!((error - (1.0 + 16.0 / 12.0)).abs() < 0.03, "{error}");
    }
}
