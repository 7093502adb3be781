//! By likes after a user's first events.

use crate::baseline::{narrowed, same_for_all};
use crate::data::{Dataset, UserSplit, conditional_popularity};
use crate::evaluate::EvaluateError;
use crate::evaluate::fitted_pool_size;
use crate::evaluate::{Method, Support};

/// Ranks by how likely an item is liked after a user's pool among those who did not have it there
/// ([`conditional_popularity`]): the best list without personalisation under the user-cold protocol.
#[derive(Clone, Debug)]
pub struct ConditionalPopularity {
    scores: Vec<f32>,
    pool: usize,
}

impl ConditionalPopularity {
    /// Counts the training users' likes after as many events as the split's pools hold ([`fitted_pool_size`]).
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    #[must_use]
    pub fn fit(data: &Dataset, split: &UserSplit) -> Self {
        let pool = fitted_pool_size(split);
        let scores = conditional_popularity(&split.train, data.catalogue().len(), pool, data.like_rule());
        Self { scores: narrowed(scores), pool }
    }
}

impl Method for ConditionalPopularity {
    fn name(&self) -> &str {
        "popularity_cond"
    }

    fn config(&self) -> String {
        format!("pool {}", self.pool)
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(same_for_all(&self.scores, supports.len())))
    }
}
