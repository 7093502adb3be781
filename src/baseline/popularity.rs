//! By number of likes.

use crate::baseline::{narrowed, same_for_all};
use crate::data::{Dataset, UserSplit, popularity};
use crate::evaluate::EvaluateError;
use crate::evaluate::{Method, Support};

/// Ranks by the number of likes among the training users ([`popularity`]).
#[derive(Clone, Debug)]
pub struct Popularity {
    likes: Vec<f32>,
}

impl Popularity {
    /// Counts the training users' likes.
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    #[must_use]
    pub fn fit(data: &Dataset, split: &UserSplit) -> Self {
        Self { likes: narrowed(popularity(&split.train, data.catalogue().len(), data.like_rule())) }
    }
}

impl Method for Popularity {
    fn name(&self) -> &str {
        "popularity"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(same_for_all(&self.likes, supports.len())))
    }
}
