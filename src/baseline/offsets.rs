//! Mean, item offset and user offset.

use rayon::prelude::*;

use crate::baseline::narrowed;
use crate::data::{Dataset, IndexedEvent, UserSplit};
use crate::data::{TrainValues, rated};
use crate::evaluate::EvaluateError;
use crate::evaluate::Report;
use crate::evaluate::{Method, Support};
use crate::evaluate::{Part, UserCold};

/// Alternations between item and user offsets.
const ROUNDS: usize = 15;

/// How strongly offsets are drawn to 0: as by so many ratings without one.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct OffsetRidge {
    /// For users.
    pub user: f64,
    /// For items.
    pub item: f64,
}

impl OffsetRidge {
    /// What is tried: 1, 3, 6, 12 for users by 2, 5, 10 for items.
    fn grid() -> Vec<Self> {
        [1.0, 3.0, 6.0, 12.0].into_iter().flat_map(|user| [2.0, 5.0, 10.0].map(|item| Self { user, item })).collect()
    }

    /// Used where there is nobody to tune on.
    const UNTUNED: Self = Self { user: 3.0, item: 5.0 };
}

/// Predicts mean + item offset + user offset, the last from the support set: `sum(residual) / (shots + ridge)`.
///
/// Item and user offsets of the training users are fitted together by alternating ridge regressions. The ridges are
/// chosen for each number of shots on the valid users by RMSE. Fitting costs 12 fits of 15 passes over the training
/// events, over threads.
#[derive(Clone, Debug)]
pub struct Offsets {
    /// For each number of shots, ascending.
    chosen: Vec<(usize, Fit)>,
}

/// Mean and item offsets under one pair of ridges.
#[derive(Clone, Debug)]
struct Fit {
    ridge: OffsetRidge,
    mean: f64,
    items: Vec<f64>,
}

impl Offsets {
    /// Fits on the training users and tunes on the valid ones for each of `shots`; at another number of shots the
    /// setting of the next smaller one serves. Where there are no valid users, or fewer shots in their pools, the
    /// ridges are 3 for users and 5 for items.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn fit(data: &Dataset, split: &UserSplit, shots: &[usize]) -> Result<Self, EvaluateError> {
        let protocol = UserCold::new(data, split)?.on(Part::Valid);
        let mut shots = shots.to_vec();
        shots.sort_unstable();
        shots.dedup();
        let Some(values) = TrainValues::of(split) else { return Ok(Self { chosen: Vec::new() }) };
        let pool = split.valid.iter().map(|user| user.pool.len()).min();
        let tuned: Vec<usize> = shots.iter().copied().filter(|&k| pool.is_some_and(|pool| k <= pool)).collect();
        let untuned = Fit::new(data, split, values.mean, OffsetRidge::UNTUNED);
        let mut chosen: Vec<(usize, Fit)> =
            shots.into_iter().filter(|k| !tuned.contains(k)).map(|k| (k, untuned.clone())).collect();
        if !tuned.is_empty() {
            let fits: Vec<Fit> =
                OffsetRidge::grid().into_par_iter().map(|ridge| Fit::new(data, split, values.mean, ridge)).collect();
            chosen.extend(best_of(&protocol.with_shots(tuned), fits)?);
        }
        chosen.sort_by_key(|&(k, _)| k);
        Ok(Self { chosen })
    }

    /// The ridges chosen for each number of shots.
    pub fn ridges(&self) -> impl Iterator<Item = (usize, OffsetRidge)> {
        self.chosen.iter().map(|(shots, fit)| (*shots, fit.ridge))
    }

    fn fit_for(&self, shots: usize) -> Option<&Fit> {
        let up_to = self.chosen.partition_point(|&(k, _)| k <= shots);
        self.chosen.get(up_to.saturating_sub(1)).map(|(_, fit)| fit)
    }
}

/// The fit with the least RMSE at each number of shots, the first of equals.
fn best_of(protocol: &UserCold<'_>, fits: Vec<Fit>) -> Result<Vec<(usize, Fit)>, EvaluateError> {
    let mut best: Vec<Option<(f64, &Fit)>> = vec![None; protocol.shots().len()];
    for fit in &fits {
        let mut report = Report::new();
        protocol.run(fit, &mut report)?;
        for (&k, best) in protocol.shots().iter().zip(&mut best) {
            let rmse = report.mean(fit.name(), k, "rmse").unwrap_or(f64::INFINITY);
            if best.is_none_or(|(least, _)| rmse < least) {
                *best = Some((rmse, fit));
            }
        }
    }
    let chosen = protocol.shots().iter().zip(best);
    Ok(chosen.filter_map(|(&k, best)| Some((k, best?.1.clone()))).collect())
}

impl Fit {
    fn new(data: &Dataset, split: &UserSplit, mean: f64, ridge: OffsetRidge) -> Self {
        let items = data.catalogue().len();
        let mut item_counts = vec![0.0; items];
        for (item, _) in split.train.iter().flat_map(|task| rated(&task.events)) {
            item_counts[item] += 1.0;
        }
        let mut fit = Self { ridge, mean, items: vec![0.0; items] };
        let mut users = vec![0.0; split.train.len()];
        for _ in 0..ROUNDS {
            let mut sums = vec![0.0; items];
            for (task, user) in split.train.iter().zip(&users) {
                for (item, value) in rated(&task.events) {
                    sums[item] += f64::from(value) - mean - user;
                }
            }
            fit.items = sums.iter().zip(&item_counts).map(|(sum, count)| sum / (count + ridge.item)).collect();
            users = split.train.iter().map(|task| fit.user_offset(&task.events)).collect();
        }
        fit
    }

    fn user_offset(&self, events: &[IndexedEvent]) -> f64 {
        let (mut sum, mut count) = (0.0, 0.0);
        for (item, value) in rated(events) {
            sum += f64::from(value) - self.mean - self.items[item];
            count += 1.0;
        }
        if count > 0.0 { sum / (count + self.ridge.user) } else { 0.0 }
    }

    fn predict(&self, support: &Support<'_>) -> Vec<f32> {
        let base = self.mean + self.user_offset(support.events);
        narrowed(self.items.iter().map(|item| base + item).collect())
    }
}

impl Method for Fit {
    fn name(&self) -> &str {
        "bias"
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(supports.iter().map(|support| self.predict(support)).collect()))
    }
}

impl Method for Offsets {
    fn name(&self) -> &str {
        "bias"
    }

    fn config(&self) -> String {
        let ridges = self.ridges().map(|(k, ridge)| format!("k={k} user {} item {}", ridge.user, ridge.item));
        ridges.collect::<Vec<_>>().join(", ")
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(supports.iter().map(|support| Some(self.fit_for(support.events.len())?.predict(support))).collect())
    }
}
