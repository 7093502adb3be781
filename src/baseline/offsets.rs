//! Mean, item offset and user offset.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::baseline::error::{BaselineError, positive};
use crate::baseline::interactions::check_items;
use crate::baseline::narrowed;
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, IndexedEvent, UserSplit};
use crate::data::{TrainValues, rated};
use crate::evaluate::EvaluateError;
use crate::evaluate::{Method, Support};

/// Alternations between item and user offsets.
const ROUNDS: usize = 15;

/// How strongly offsets are drawn to 0: as by so many ratings without one.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct OffsetRidge {
    /// For users; finite and more than 0.
    pub user: f64,
    /// For items; finite and more than 0.
    pub item: f64,
}

impl Default for OffsetRidge {
    /// 3 for users, 5 for items.
    fn default() -> Self {
        Self { user: 3.0, item: 5.0 }
    }
}

impl OffsetRidge {
    /// The same with another ridge for users.
    #[must_use]
    pub fn with_user(mut self, user: f64) -> Self {
        self.user = user;
        self
    }

    /// The same with another ridge for items.
    #[must_use]
    pub fn with_item(mut self, item: f64) -> Self {
        self.item = item;
        self
    }

    /// Checks both. Fitting does so itself.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), BaselineError> {
        positive("user", self.user)?;
        positive("item", self.item)
    }

    /// What is tried: 1, 3, 6, 12 for users by 2, 5, 10 for items.
    fn grid() -> Vec<Self> {
        [1.0, 3.0, 6.0, 12.0].into_iter().flat_map(|user| [2.0, 5.0, 10.0].map(|item| Self { user, item })).collect()
    }
}

/// Predicts mean + item offset + user offset, the last from the support set: `sum(residual) / (shots + ridge)`.
///
/// Item and user offsets of the training users are fitted together by alternating ridge regressions: 15 passes over the
/// training events. Where the training values do not differ nothing is predicted. Predicting for a user costs one
/// addition for each item.
#[derive(Clone, Debug, PartialEq)]
pub struct Offsets {
    ridge: OffsetRidge,
    /// Mean and item offsets, `[items]`; `None` where there is nothing to predict.
    fitted: Option<(f64, Vec<f64>)>,
}

impl Offsets {
    /// Fits on the training users.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a ridge is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not.
    pub fn fit(data: &Dataset, split: &UserSplit, ridge: OffsetRidge) -> Result<Self, BaselineError> {
        ridge.check()?;
        let items = data.catalogue().len();
        check_items(items, &split.train)?;
        let fitted = TrainValues::of(split).map(|values| (values.mean, item_offsets(items, split, values.mean, ridge)));
        Ok(Self { ridge, fitted })
    }

    /// Tunes the ridges for each number of shots of `tuner` on its validation users by RMSE, among 1, 3, 6, 12 for users by 2, 5, 10 for items;
    /// the default where there is nobody to tune on. Costs 12 fits, over threads.
    ///
    /// # Errors
    /// As [`Offsets::fit`] and [`Tuner::choose`].
    pub fn tuned(tuner: &Tuner<'_>) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let untuned = || Self::fit(data, split, OffsetRidge::default());
        if TrainValues::of(split).is_none() {
            return untuned().map(Tuned::of_one);
        }
        let fits: Vec<_> = OffsetRidge::grid().into_par_iter().map(|ridge| Self::fit(data, split, ridge)).collect();
        tuner.choose("rmse", fits, untuned)
    }

    /// The ridges it was fitted with.
    #[must_use]
    pub fn ridge(&self) -> OffsetRidge {
        self.ridge
    }

    /// Mean of the training values, and the offset of each item from it; `None` where they do not differ.
    pub(super) fn fitted(&self) -> Option<(f64, &[f64])> {
        self.fitted.as_ref().map(|(mean, items)| (*mean, &items[..]))
    }

    fn predict(&self, support: &Support<'_>) -> Option<Vec<f32>> {
        let (mean, items) = self.fitted()?;
        let base = mean + user_offset(support.events, mean, items, self.ridge.user);
        Some(narrowed(items.iter().map(|item| base + item).collect()))
    }
}

fn item_offsets(items: usize, split: &UserSplit, mean: f64, ridge: OffsetRidge) -> Vec<f64> {
    let mut counts = vec![0.0; items];
    for (item, _) in split.train.iter().flat_map(|task| rated(&task.events)) {
        counts[item] += 1.0;
    }
    let mut offsets = vec![0.0; items];
    let mut users = vec![0.0; split.train.len()];
    for _ in 0..ROUNDS {
        let mut sums = vec![0.0; items];
        for (task, user) in split.train.iter().zip(&users) {
            for (item, value) in rated(&task.events) {
                sums[item] += f64::from(value) - mean - user;
            }
        }
        offsets = sums.iter().zip(&counts).map(|(sum, count)| sum / (count + ridge.item)).collect();
        users = split.train.iter().map(|task| user_offset(&task.events, mean, &offsets, ridge.user)).collect();
    }
    offsets
}

fn user_offset(events: &[IndexedEvent], mean: f64, items: &[f64], ridge: f64) -> f64 {
    let (mut sum, mut count) = (0.0, 0.0);
    for (item, value) in rated(events) {
        sum += f64::from(value) - mean - items[item];
        count += 1.0;
    }
    sum / (count + ridge)
}

impl Method for Offsets {
    fn name(&self) -> &str {
        "bias"
    }

    fn config(&self) -> String {
        format!("user {} item {}", self.ridge.user, self.ridge.item)
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(supports.iter().map(|support| self.predict(support)).collect())
    }
}
