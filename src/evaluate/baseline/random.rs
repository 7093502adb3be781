//! Independent uniform scores.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::Dataset;
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::{Method, Support};

/// Scores every item independently and uniformly, anew for each user and number of shots; the same seed gives the same
/// scores.
///
/// With `r` relevant among `n` ranked items its expectation is `r / n` for precision@k, `k * r / n / min(k, r)` for
/// recall@k, and for nDCG@k `r / n` times the sum of the first `k` discounts over the sum of the first `min(k, r)`; a
/// hit rate of `1 - C(n - r, k) / C(n, k)`; an AUC of 0.5.
#[derive(Clone, Debug)]
pub struct Random {
    items: usize,
    seed: u64,
}

impl Random {
    /// Scores for the items of `data`.
    #[must_use]
    pub fn new(data: &Dataset, seed: u64) -> Self {
        Self { items: data.catalogue().len(), seed }
    }

    fn row(&self, support: &Support<'_>) -> Vec<f32> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
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
        Ok(Some(supports.iter().map(|support| self.row(support)).collect()))
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
            Random { items: 5, seed }.row(&Support { user: UserIndex(user), events: &events })
        };
        let rows = [row(0, 0, 1), row(1, 0, 1), row(0, 1, 1), row(0, 0, 2)];
        for (i, first) in rows.iter().enumerate() {
            assert!(rows[i + 1..].iter().all(|second| first != second));
        }
        assert_eq!(row(3, 2, 9), row(3, 2, 9));
    }
}
