//! A method's scores with popularity.

use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::narrowed;
use crate::baseline::prior::{Prior, standardise};
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};

/// The weights that are tried.
const WEIGHTS: [f64; 11] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1.0, 2.0, 4.0, 16.0];

/// The weight where there is nobody to tune on.
const UNTUNED: f64 = 1.0;

/// Ranks by `weight * score + log popularity`: the remedy for histories too short to say much.
///
/// The scores of another method and the logarithm of conditional popularity
/// ([`conditional_popularity`](crate::data::conditional_popularity)) are both shifted and scaled to mean 0 and deviation 1
/// over the items with training events. Without events popularity ranks alone. Scores that are not finite stay so.
///
/// Costs a pass over the items more than the other method.
#[derive(Clone, Debug)]
pub struct Blended<M> {
    name: String,
    method: Arc<M>,
    weight: f64,
    prior: Arc<Prior>,
}

impl<M: Method> Blended<M> {
    /// The method's scores at `weight`, finite and 0 or more, under its name with `+pop`. Popularity is that of the
    /// split's training users.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if the weight is out of its bounds.
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    pub fn new(method: Arc<M>, data: &Dataset, split: &UserSplit, weight: f64) -> Result<Self, BaselineError> {
        if !(weight >= 0.0 && weight.is_finite()) {
            return Err(BaselineError::setting("weight", weight, "a finite number, 0 or more"));
        }
        let name = format!("{}+pop", method.name());
        Ok(Self { name, method, weight, prior: Arc::new(Prior::new(data, split)) })
    }

    /// The weight of the method's scores.
    #[must_use]
    pub fn weight(&self) -> f64 {
        self.weight
    }

    fn with_weight(&self, weight: f64) -> Self {
        Self { name: self.name.clone(), method: Arc::clone(&self.method), weight, prior: Arc::clone(&self.prior) }
    }

    fn blend(&self, scores: &[f32]) -> Vec<f32> {
        let mut scores: Vec<f64> = scores.iter().copied().map(f64::from).collect();
        standardise(&mut scores, &self.prior.candidates);
        narrowed(scores.iter().zip(&self.prior.log).map(|(score, log)| self.weight * score + log).collect())
    }
}

impl<M: Method + Send> Blended<M> {
    /// Tunes the weight for each of `shots` on the valid users by nDCG@10, among 0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1,
    /// 2, 4 and 16; 1 where there is nobody to tune on.
    ///
    /// # Errors
    /// As [`Tuner::choose`].
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    pub fn tuned(
        method: Arc<M>,
        data: &Dataset,
        split: &UserSplit,
        shots: &[usize],
    ) -> Result<Tuned<Self>, BaselineError> {
        let tuner = Tuner::new(data, split, shots, "ndcg@10")?;
        let blended = Self::new(method, data, split, UNTUNED)?;
        tuner.choose(WEIGHTS.map(|weight| Ok(blended.with_weight(weight))), || Ok(blended.with_weight(UNTUNED)))
    }
}

impl<M: Method + Send> Method for Blended<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn config(&self) -> String {
        format!("weight {}", self.weight)
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let Some(rows) = self.method.scores(supports)? else { return Ok(None) };
        let row = |(support, scores): (&Support<'_>, &Vec<f32>)| {
            if support.events.is_empty() { narrowed(self.prior.alone().to_vec()) } else { self.blend(scores) }
        };
        Ok(Some(supports.par_iter().zip(&rows).map(row).collect()))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.method.ratings(supports)
    }
}
