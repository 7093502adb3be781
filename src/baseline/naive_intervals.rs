//! Intervals that anybody can give.

use std::sync::Arc;

use crate::baseline::ItemMean;
use crate::data::{Dataset, UserSplit, rated};
use crate::evaluate::{EvaluateError, Method, Support};
use crate::model::{RatingDistribution, RatingScale};

/// The naive distribution of a rating: around the item's mean ([`ItemMean`]) with the standard deviation of all training ratings. What intervals of an adapted user are measured
/// against.
#[derive(Clone, Debug)]
pub struct NaiveIntervals {
    means: ItemMean,
    shared: Option<Arc<[RatingDistribution]>>,
}

impl NaiveIntervals {
    /// Averages the training users' values.
    ///
    /// # Errors
    /// If the means can't be had.
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    pub fn fit(data: &Dataset, split: &UserSplit) -> Result<Self, EvaluateError> {
        let means = ItemMean::fit(data, split);
        let values = || split.train.iter().flat_map(|task| rated(&task.events)).map(|(_, value)| value);
        let count = values().count().max(1) as f64;
        let mean = values().map(f64::from).sum::<f64>() / count;
        let variance = values().map(|value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        let anybody = Support { user: crate::data::UserIndex(0), events: &[] };
        let rows = means.ratings(&[anybody])?.and_then(|mut rows| rows.pop());
        let shared = rows.zip(RatingScale::of(values())).map(|(row, scale)| {
            let of = |mean: f32| RatingDistribution::new(f64::from(mean), variance, scale.clone());
            row.into_iter().map(of).collect()
        });
        Ok(Self { means, shared })
    }
}

impl Method for NaiveIntervals {
    fn name(&self) -> &str {
        "naive"
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.means.ratings(supports)
    }

    fn distributions(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
        Ok(self.shared.as_ref().map(|row| vec![row.to_vec(); supports.len()]))
    }
}
