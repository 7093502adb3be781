//! The item's mean rating.

use crate::baseline::{narrowed, same_for_all};
use crate::data::{Dataset, UserSplit};
use crate::data::{TrainValues, rated};
use crate::evaluate::EvaluateError;
use crate::evaluate::{Method, Support};

/// How many ratings at the overall mean each item is given besides its own.
const SHRINK: f64 = 5.0;

/// Predicts the item's mean training value, shrunk to the overall mean `mu`: `mu + sum(value - mu) / (count + 5)`.
#[derive(Clone, Debug)]
pub struct ItemMean {
    means: Option<Vec<f32>>,
}

impl ItemMean {
    /// Averages the training users' values.
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    #[must_use]
    pub fn fit(data: &Dataset, split: &UserSplit) -> Self {
        let means = TrainValues::of(split).map(|values| {
            let mut sums = vec![(0.0, 0.0); data.catalogue().len()];
            for (item, value) in split.train.iter().flat_map(|task| rated(&task.events)) {
                sums[item].0 += f64::from(value) - values.mean;
                sums[item].1 += 1.0;
            }
            narrowed(sums.into_iter().map(|(sum, count)| values.mean + sum / (count + SHRINK)).collect())
        });
        Self { means }
    }
}

impl Method for ItemMean {
    fn name(&self) -> &str {
        "item_mean"
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(self.means.as_ref().map(|means| same_for_all(means, supports.len())))
    }
}
