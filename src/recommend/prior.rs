//! What is known of items for a user before their events: a wish, for instance.

use super::{AdaptedUser, Filter, Hit, RecommendError, Recommender};

/// A number for each item, in the order of the catalogue, that is added to its ranking score: what was known before the user's events, and gives way to them.
///
/// The numbers are brought to mean 0 and deviation 1. A deviation is worth [`strength`](Self::with_strength) in log odds for a user without events, and
/// `strength * fade / (fade + events)` for one with events, as evidence that weighs as much as [`fade`](Self::with_fade) events would.
///
/// ```
/// use metarec::recommend::ItemPrior;
///
/// let prior = ItemPrior::new(vec![0.2, 0.9, 0.1]).with_strength(2.0).with_fade(4.0);
/// assert_eq!((prior.weight(0), prior.weight(4)), (2.0, 1.0));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ItemPrior {
    scores: Vec<f32>,
    strength: f32,
    fade: f32,
}

impl ItemPrior {
    /// Of these numbers, in the order of the catalogue: higher is better. Numbers that are all alike say nothing.
    #[must_use]
    pub fn new(mut scores: Vec<f32>) -> Self {
        let count = scores.len().max(1) as f64;
        let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / count;
        let variance = scores.iter().map(|&score| (f64::from(score) - mean).powi(2)).sum::<f64>() / count;
        let scale = if variance > 0.0 { variance.sqrt().recip() } else { 0.0 };
        scores.iter_mut().for_each(|score| *score = ((f64::from(*score) - mean) * scale) as f32);
        Self { scores, strength: 0.1, fade: 100.0 }
    }

    /// The same prior with a deviation of its numbers worth so much in log odds; 0.1 by default, which is what validation users of MovieLens 1M chose for wishes.
    #[must_use]
    pub fn with_strength(self, strength: f32) -> Self {
        Self { strength, ..self }
    }

    /// The same prior that weighs as much as so many events; 100 by default, likewise.
    #[must_use]
    pub fn with_fade(self, fade: f32) -> Self {
        Self { fade, ..self }
    }

    /// What a deviation is worth to a user with so many events.
    #[must_use]
    pub fn weight(&self, events: usize) -> f32 {
        if events == 0 { self.strength } else { self.strength * (self.fade / (self.fade + events as f32)) }
    }

    /// The numbers, of mean 0 and deviation 1.
    #[must_use]
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }
}

impl Recommender {
    /// [`scores`](Self::scores) with a prior added to them, weighed by the number of the user's events that the model reads.
    ///
    /// # Errors
    /// [`RecommendError::Prior`] if the prior has not a finite number for each item, or its strength or fade is negative or not finite; else as
    /// [`Recommender::top_k`].
    pub fn scores_with_prior(&self, user: &AdaptedUser, prior: &ItemPrior) -> Result<Vec<f32>, RecommendError> {
        let mut scores = self.scores(user)?;
        let wrong = |found: String| Err(RecommendError::Prior { found, items: scores.len() });
        if prior.scores.len() != scores.len() {
            return wrong(format!("{} numbers", prior.scores.len()));
        }
        if let Some(number) = prior.scores.iter().find(|number| !number.is_finite()) {
            return wrong(number.to_string());
        }
        for (name, value) in [("strength", prior.strength), ("fade", prior.fade)] {
            if !(value >= 0.0 && value.is_finite()) {
                return wrong(format!("{name} {value}"));
            }
        }
        let weight = prior.weight(user.events().len());
        scores.iter_mut().zip(&prior.scores).for_each(|(score, known)| *score += weight * known);
        Ok(scores)
    }

    /// The `k` best items that the filter lets through, by [`scores_with_prior`](Self::scores_with_prior).
    ///
    /// # Errors
    /// As [`Recommender::scores_with_prior`].
    pub fn top_k_with_prior(
        &self,
        user: &AdaptedUser,
        k: usize,
        filter: &Filter,
        prior: &ItemPrior,
    ) -> Result<Vec<Hit>, RecommendError> {
        let scores = self.scores_with_prior(user, prior)?;
        Ok(self.best_of(filter, user, &scores, k))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_brought_to_one_scale_and_give_way_to_events() {
        let prior = ItemPrior::new(vec![10.0, 20.0, 30.0]).with_strength(3.0).with_fade(2.0);
        let third = (1.5_f32).sqrt();
        for (found, expected) in prior.scores().iter().zip([-third, 0.0, third]) {
            assert!((found - expected).abs() < 1e-6);
        }
        let weights: Vec<f32> = [0, 1, 2, 10].map(|events| prior.weight(events)).to_vec();
        assert_eq!(weights, [3.0, 2.0, 1.5, 0.5]);
        assert_eq!(ItemPrior::new(vec![7.0; 3]).scores(), [0.0; 3], "what is all alike says nothing");
        assert_eq!(ItemPrior::new(vec![1.0, 2.0]).with_fade(0.0).weight(1), 0.0);
        assert_eq!(ItemPrior::new(vec![1.0, 2.0]).with_strength(2.0).with_fade(f32::MAX).weight(9), 2.0);
        assert!(ItemPrior::new(Vec::new()).scores().is_empty());
    }
}
