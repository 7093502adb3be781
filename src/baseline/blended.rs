//! A method's scores with popularity.

use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::narrowed_in_order;
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
        let blended = scores.iter().zip(&self.prior.log).map(|(score, log)| self.weight * score + log);
        narrowed_in_order(&blended.collect::<Vec<_>>())
    }
}

impl<M: Method + Send> Blended<M> {
    /// Tunes the weight for each number of shots of `tuner` on its validation users by nDCG@10, among 0, 0.02, 0.05, 0.1, 0.2, 0.35, 0.6, 1,
    /// 2, 4 and 16; 1 where there is nobody to tune on.
    ///
    /// # Errors
    /// As [`Tuner::choose`].
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    pub fn tuned(method: Arc<M>, tuner: &Tuner<'_>) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let blended = Self::new(method, data, split, UNTUNED)?;
        let candidates = WEIGHTS.map(|weight| Ok(blended.with_weight(weight)));
        tuner.choose("ndcg@10", candidates, || Ok(blended.with_weight(UNTUNED)))
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
            if support.events.is_empty() { narrowed_in_order(self.prior.alone()) } else { self.blend(scores) }
        };
        Ok(Some(supports.par_iter().zip(&rows).map(row).collect()))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.method.ratings(supports)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::tests::{all_train, rated, scores};

    /// The same scores for everyone.
    #[derive(Debug)]
    struct Fixed(Vec<f32>);

    impl Method for Fixed {
        fn name(&self) -> &str {
            "fixed"
        }

        fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
            Ok(Some(vec![self.0.clone(); supports.len()]))
        }
    }

    /// Items 0, 1 and 2 are liked by 4, 2 and 1 users.
    fn blended(of: &[f32], weight: f64) -> Blended<Fixed> {
        let likes = [(0, 0), (1, 0), (2, 0), (3, 0), (0, 1), (1, 1), (2, 2), (3, 3)];
        let value = |item| if item == 3 { 1.0 } else { 5.0 };
        let (data, split) = all_train(4, &likes.map(|(user, item)| (user, item, value(item))));
        Blended::new(Arc::new(Fixed(of.to_vec())), &data, &split, weight).unwrap()
    }

    #[test]
    fn scores_and_logarithms_are_added_as_computed_by_hand() {
        let blended = blended(&[1.0, 3.0, 5.0, 7.0], 0.5);
        let logs = [1.0 + 0.125_f64, 0.5 + 0.125, 0.25 + 0.125, 0.125].map(f64::ln);
        let mean = logs.iter().sum::<f64>() / 4.0;
        let deviation = (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / 4.0).sqrt();
        let standard = [-3.0, -1.0, 1.0, 3.0].map(|score: f64| score / 5f64.sqrt());
        for ((score, standard), log) in scores(&blended, &rated(&[(3, 1.0)])).into_iter().zip(standard).zip(logs) {
            let expected = 0.5 * standard + (log - mean) / deviation;
            assert!((f64::from(score) - expected).abs() < 1e-5, "{score} for {expected}");
        }
        assert_eq!((blended.name(), blended.config()), ("fixed+pop", "weight 0.5".to_owned()));
    }

    #[test]
    fn without_events_or_without_weight_popularity_ranks() {
        let of = [0.0, 1.0, 2.0, 3.0];
        for scores in [scores(&blended(&of, 9.0), &[]), scores(&blended(&of, 0.0), &rated(&[(1, 5.0)]))] {
            assert!(scores.is_sorted_by(|a, b| a > b), "{scores:?}");
        }
        let scores = scores(&blended(&of, 16.0), &rated(&[(1, 5.0)]));
        assert!(scores.is_sorted_by(|a, b| a < b), "{scores:?}");
    }

    #[test]
    fn a_score_that_is_no_number_stays_so_and_spoils_no_other() {
        let scores = scores(&blended(&[1.0, f32::NAN, 0.0, 2.0], 1.0), &rated(&[(1, 5.0)]));
        assert_eq!(scores.iter().map(|score| score.is_nan()).collect::<Vec<_>>(), [false, true, false, false]);
    }

    #[test]
    fn a_weight_out_of_bounds_is_named() {
        let (data, split) = all_train(1, &[(0, 0, 5.0)]);
        let error = Blended::new(Arc::new(Fixed(vec![0.0])), &data, &split, f64::INFINITY).unwrap_err();
        assert_eq!(error.to_string(), "baseline setting `weight` is inf: expected a finite number, 0 or more");
    }
}
