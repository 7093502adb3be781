//! Conditional popularity, as what other methods fall back on.

use crate::data::{Dataset, UserSplit, conditional_popularity};
use crate::evaluate::fitted_pool_size;

/// How much of it decides between items that a method scores alike.
const BETWEEN_EQUALS: f64 = 1e-6;

/// Popularity after a user's first events ([`conditional_popularity`]) in the two forms that other methods add to
/// their scores. Items without training events are the least popular.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Prior {
    /// Divided by the greatest: 0 to 1, `[items]`.
    popularity: Vec<f64>,
    /// Its logarithm with mean 0 and deviation 1 over the candidates, `[items]`.
    pub(super) log: Vec<f64>,
    /// The items with training events, ascending.
    pub(super) candidates: Vec<usize>,
}

impl Prior {
    /// Counts the training users' likes after as many events as the split's pools hold.
    ///
    /// # Panics
    /// If the split has items that the data set has not.
    pub(super) fn new(data: &Dataset, split: &UserSplit) -> Self {
        let items = data.catalogue().len();
        let mut popularity = conditional_popularity(&split.train, items, fitted_pool_size(split), data.like_rule());
        let greatest = popularity.iter().copied().fold(0.0, f64::max);
        if greatest > 0.0 {
            popularity.iter_mut().for_each(|value| *value /= greatest);
        }
        let candidates: Vec<usize> = split.candidates().into_iter().map(|item| item.position()).collect();
        let log = logarithm(&popularity, &candidates);
        Self { popularity, log, candidates }
    }

    /// What is added to the scores of a user with events, so that popularity decides between equals.
    pub(super) fn break_ties(&self, scores: &mut [f64]) {
        scores.iter_mut().zip(&self.popularity).for_each(|(score, prior)| *score += BETWEEN_EQUALS * prior);
    }

    /// The scores of a user without events.
    pub(super) fn alone(&self) -> &[f64] {
        &self.popularity
    }
}

/// Standardised logarithms, half the least popularity being added so that none is of 0.
fn logarithm(popularity: &[f64], candidates: &[usize]) -> Vec<f64> {
    let least = popularity.iter().copied().filter(|&value| value > 0.0).fold(f64::INFINITY, f64::min);
    let least = if least.is_finite() { least } else { 1.0 };
    let mut log: Vec<f64> = popularity.iter().map(|value| (value + least / 2.0).ln()).collect();
    standardise(&mut log, candidates);
    log
}

/// Shifts and scales all scores so that the finite ones of the candidates have mean 0 and deviation 1; where they do
/// not differ, all become 0.
pub(super) fn standardise(scores: &mut [f64], candidates: &[usize]) {
    let finite = || candidates.iter().map(|&item| scores[item]).filter(|score| score.is_finite());
    let count = finite().count().max(1) as f64;
    let mean = finite().sum::<f64>() / count;
    let deviation = (finite().map(|score| (score - mean).powi(2)).sum::<f64>() / count).sqrt();
    scores.iter_mut().for_each(|score| *score = (*score - mean) / (deviation + 1e-9));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::tests::all_train;

    #[test]
    fn standard_scores_have_mean_0_and_deviation_1_over_the_candidates() {
        let mut scores = [1.0, f64::NAN, 5.0, 100.0, 3.0];
        standardise(&mut scores, &[0, 1, 2, 4]);
        let spread = (8.0_f64 / 3.0).sqrt();
        assert!(scores[1].is_nan());
        for (score, expected) in [(0, -2.0), (2, 2.0), (3, 97.0), (4, 0.0)] {
            assert!((scores[score] - expected / spread).abs() < 1e-6, "{scores:?}");
        }
    }

    #[test]
    fn scores_that_do_not_differ_become_0() {
        let mut scores = [0.25; 4];
        standardise(&mut scores, &[0, 2]);
        assert_eq!(scores, [0.0; 4]);
    }

    #[test]
    fn an_item_without_events_is_the_least_popular_and_has_a_finite_logarithm() {
        let (data, split) = all_train(4, &[(0, 0, 5.0), (1, 0, 5.0), (1, 1, 5.0), (2, 2, 1.0)]);
        let prior = Prior::new(&data, &split);
        assert_eq!(prior.alone(), [1.0, 0.5, 0.0, 0.0]);
        assert_eq!(prior.candidates, [0, 1, 2]);
        // The logarithms of 1.25, 0.75 and 0.25.
        let logs = [1.25_f64, 0.75, 0.25].map(f64::ln);
        let mean = logs.iter().sum::<f64>() / 3.0;
        let deviation = (logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / 3.0).sqrt();
        for (item, log) in [0, 1, 2, 2].into_iter().zip(&prior.log) {
            assert!((log - (logs[item] - mean) / deviation).abs() < 1e-6, "{:?}", prior.log);
        }
    }
}
