//! All items alike.

use crate::baseline::same_for_all;
use crate::data::TrainValues;
use crate::data::{Dataset, UserSplit};
use crate::evaluate::EvaluateError;
use crate::evaluate::{Method, Support};

/// Scores every item 0, so that only the order of ties ranks, and predicts the mean of the training values.
///
/// A model that answers everyone the same scores like this one; so does one whose every score is NaN.
#[derive(Clone, Debug)]
pub struct Constant {
    items: usize,
    mean: Option<f32>,
}

impl Constant {
    /// The mean of the training users' values.
    #[must_use]
    pub fn fit(data: &Dataset, split: &UserSplit) -> Self {
        let mean = TrainValues::of(split).map(|values| values.mean as f32);
        Self { items: data.catalogue().len(), mean }
    }
}

impl Method for Constant {
    fn name(&self) -> &str {
        "constant"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(same_for_all(&vec![0.0; self.items], supports.len())))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(self.mean.map(|mean| same_for_all(&vec![mean; self.items], supports.len())))
    }
}
