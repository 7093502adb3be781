//! Conditional popularity, as what other methods fall back on.

use crate::data::{Dataset, UserSplit, conditional_popularity};
use crate::evaluate::pool_size;

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
        let mut popularity = conditional_popularity(&split.train, items, pool_size(split), data.like_rule());
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
