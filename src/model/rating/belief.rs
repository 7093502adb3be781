//! What is believed of one user's values of all items, and how surely.

use std::sync::Arc;

/// A Gaussian belief about a user's value of every item: `value_i = mean_i + x_i . w + noise`, where `w` is normal around 0.
///
/// Its scale is that of training, which fits means: [`RatingCalibration`](crate::model::RatingCalibration) says what it is worth.
#[derive(Clone, Debug)]
pub struct RatingBelief {
    means: Vec<f32>,
    features: Arc<[f32]>,
    covariance: Vec<f64>,
    noise: f64,
    seen: usize,
    surprise: f64,
}

impl RatingBelief {
    /// The belief with these means `[items]`, features `[items, d]`, covariance of `w` `[d, d]` and variance of the noise.
    ///
    /// # Panics
    /// If there is not a row of features for each mean, or the covariance is not of their width.
    pub fn new(means: Vec<f32>, features: Arc<[f32]>, covariance: Vec<f64>, noise: f64) -> Self {
        let d = covariance.len().isqrt();
        assert_eq!(covariance.len(), d * d, "a covariance has as many columns as rows");
        assert_eq!(features.len(), means.len() * d, "{d} features for each of {} items", means.len());
        Self { means, features, covariance, noise, seen: 0, surprise: 0.0 }
    }

    /// The same belief of a user whose `seen` ratings came out with `surprise`: the squares of how far off the prediction of each from those before it was,
    /// over the variances that were expected, summed.
    #[must_use]
    pub fn after(self, seen: usize, surprise: f64) -> Self {
        Self { seen, surprise, ..self }
    }

    /// What each item is expected to get, `[items]`; not clipped.
    #[must_use]
    pub fn means(&self) -> &[f32] {
        &self.means
    }

    /// Variance of what a user's weights cannot say.
    #[must_use]
    pub fn noise(&self) -> f64 {
        self.noise
    }

    /// How many ratings of the user it rests on.
    #[must_use]
    pub fn seen(&self) -> usize {
        self.seen
    }

    /// How these came out: about [`seen`](Self::seen) for a user like others, more for one who is harder to predict.
    #[must_use]
    pub fn surprise(&self) -> f64 {
        self.surprise
    }

    /// Whether all that variances are worked out from are finite numbers. Costs `items * d`.
    #[must_use]
    pub fn is_finite(&self) -> bool {
        let scalars = [self.noise, self.surprise];
        scalars.iter().chain(&self.covariance).all(|value| value.is_finite())
            && self.features.iter().all(|value| value.is_finite())
    }

    /// `S x` of every item, row by row, `[items, d]`; costs `items * d^2`.
    #[must_use]
    pub fn directions(&self) -> Vec<f64> {
        let d = self.width();
        let mut directions = vec![0.0; self.means.len() * d];
        if d > 0 {
            for (direction, x) in directions.chunks_exact_mut(d).zip(self.features.chunks_exact(d)) {
                for (value, row) in direction.iter_mut().zip(self.covariance.chunks_exact(d)) {
                    *value = dot(row, x);
                }
            }
        }
        directions
    }

    /// Variance of each item's value that more ratings of the user would take away, `x' S x`, `[items]`; costs `items * d^2`.
    #[must_use]
    pub fn spreads(&self) -> Vec<f64> {
        (0..self.means.len()).map(|item| self.spread(item)).collect()
    }

    /// That variance of one item's value; costs `d^2`, so it is for where few items are asked about.
    ///
    /// # Panics
    /// If there is no such item.
    #[must_use]
    pub fn spread(&self, item: usize) -> f64 {
        let d = self.width();
        let x = &self.features[item * d..(item + 1) * d];
        let rows = self.covariance.chunks_exact(d.max(1)).zip(x);
        rows.map(|(row, a)| dot(row, x) * f64::from(*a)).sum::<f64>().max(0.0)
    }

    /// By how much a rating of each item is expected to reduce the variances of all others, summed by `weights` `[items]`: of item `j` it is
    /// `sum_(i != j) w_i (x_i' S x_j)^2 / (x_j' S x_j + noise)`, which does not depend on what the rating says. Costs `items * d^2`.
    ///
    /// # Panics
    /// If there is not a weight for each item.
    #[must_use]
    pub fn reductions(&self, weights: &[f64]) -> Vec<f64> {
        assert_eq!(weights.len(), self.means.len(), "a weight for each item");
        let d = self.width();
        if d == 0 {
            return vec![0.0; weights.len()];
        }
        let mut moment = vec![0.0; d * d];
        for (weight, x) in weights.iter().zip(self.features.chunks_exact(d)).filter(|(weight, _)| **weight > 0.0) {
            for (row, a) in moment.chunks_exact_mut(d).zip(x) {
                row.iter_mut().zip(x).for_each(|(sum, b)| *sum += weight * f64::from(*a) * f64::from(*b));
            }
        }
        let directions = self.directions();
        let reduction = |((v, x), weight): ((&[f64], &[f32]), &f64)| {
            let rows = moment.chunks_exact(d).zip(v);
            let gained: f64 = rows.map(|(row, a)| a * row.iter().zip(v).map(|(m, b)| m * b).sum::<f64>()).sum();
            let spread = dot(v, x).max(0.0);
            // What is known of the item itself needs no prediction any more; rounding is not what others gain.
            let others = gained - weight.max(0.0) * spread * spread;
            if others > 1e-12 * gained { others / (spread + self.noise) } else { 0.0 }
        };
        let rows = directions.chunks_exact(d).zip(self.features.chunks_exact(d));
        rows.zip(weights).map(reduction).collect()
    }

    /// Shrinks the covariance as a rating of the item would, by this share of it, from 0 to 1; means stay.
    ///
    /// # Panics
    /// If there is no such item.
    pub fn expect_rating(&mut self, item: usize, share: f64) {
        let d = self.width();
        let x = &self.features[item * d..(item + 1) * d];
        let direction: Vec<f64> = self.covariance.chunks_exact(d.max(1)).map(|row| dot(row, x)).collect();
        let spread = dot(&direction, x).max(0.0) + self.noise;
        for (row, a) in self.covariance.chunks_exact_mut(d.max(1)).zip(&direction) {
            row.iter_mut().zip(&direction).for_each(|(c, b)| *c -= share * a * b / spread);
        }
    }

    /// How many features an item has.
    #[must_use]
    pub fn width(&self) -> usize {
        self.covariance.len().isqrt()
    }
}

fn dot(row: &[f64], x: &[f32]) -> f64 {
    row.iter().zip(x).map(|(a, b)| a * f64::from(*b)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spreads_are_those_worked_out_by_hand() {
        let features: Arc<[f32]> = vec![1.0, 0.0, 1.0, 2.0, 0.0, 0.0].into();
        let belief = RatingBelief::new(vec![3.0; 3], features, vec![2.0, 0.5, 0.5, 1.0], 0.7);
        assert_eq!(belief.spreads(), [2.0, 2.0 + 2.0 * 0.5 * 2.0 + 4.0, 0.0]);
        assert_eq!([0, 1, 2].map(|item| belief.spread(item)), [2.0, 8.0, 0.0]);
        assert_eq!(belief.directions(), [2.0, 0.5, 3.0, 2.5, 0.0, 0.0]);
    }

    #[test]
    fn one_number_that_is_not_finite_is_found_wherever_it_stands() {
        let belief = |x: f32, covariance: f64, noise: f64, surprise: f64| {
            RatingBelief::new(vec![3.0], vec![x].into(), vec![covariance], noise).after(2, surprise).is_finite()
        };
        assert!(belief(1.0, 1.0, 1.0, 2.0));
        let (nan, infinite) = (f64::NAN, f64::INFINITY);
        let torn = [belief(f32::NAN, 1.0, 1.0, 2.0), belief(1.0, nan, 1.0, 2.0), belief(1.0, 1.0, infinite, 2.0)];
        assert_eq!((torn, belief(1.0, 1.0, 1.0, nan)), ([false; 3], false));
    }

    proptest! {
        #[test]
        fn a_reduction_is_what_spreads_of_the_others_lose_when_the_rating_comes(
            root in prop::collection::vec(-1.0f64..1.0, 9),
            features in prop::collection::vec(-2.0f32..2.0, 15),
            weights in prop::collection::vec(0.0f64..1.0, 5),
            noise in 0.1f64..2.0,
        ) {
            let covariance: Vec<f64> = (0..9).map(|at| (0..3).map(|k| root[at / 3 * 3 + k] * root[at % 3 * 3 + k]).sum()).collect();
            let belief = RatingBelief::new(vec![0.0; 5], features.into(), covariance, noise);
            for (item, reduction) in belief.reductions(&weights).into_iter().enumerate() {
                let mut rated = belief.clone();
                rated.expect_rating(item, 1.0);
                let lost = belief.spreads().into_iter().zip(rated.spreads()).map(|(before, after)| before - after);
                let others = lost.zip(&weights).enumerate().filter(|(other, _)| *other != item);
                let expected: f64 = others.map(|(_, (lost, weight))| weight * lost).sum();
                prop_assert!((expected - reduction).abs() < 1e-6, "{item}: {reduction}");
            }
        }
    }

    #[test]
    fn a_head_without_features_is_sure() {
        let belief = RatingBelief::new(vec![3.0; 2], Arc::new([]), Vec::new(), 1.0);
        assert_eq!((belief.spreads(), belief.reductions(&[1.0; 2])), (vec![0.0; 2], vec![0.0; 2]));
    }
}
