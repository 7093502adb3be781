//! Numbers of items as a linear function of their features: ridge regression with a penalty for each block, chosen by cross-validation.

use rayon::prelude::*;

use super::features::Features;

/// Parts of the items that are predicted from the others.
const FOLDS: usize = 5;
/// Penalties that are tried, over the mean square of a block's features: how many items' worth of evidence weights have to overcome.
const PENALTIES: [f64; 6] = [0.3, 1.0, 3.0, 10.0, 30.0, 100.0];
/// Steps of conjugate gradients at most.
const STEPS: usize = 60;
/// How small the residual is to become, over that of no weights at all.
const TOLERANCE: f64 = 1e-5;

/// `target = intercept + weights . (x - mean)`.
pub(super) struct Ridge {
    pub(super) intercept: f64,
    pub(super) mean: Vec<f64>,
    pub(super) weights: Vec<f64>,
}

impl Ridge {
    /// The fit to some items, with penalties for the blocks.
    fn fit(features: &Features<'_>, items: &[usize], targets: &[f64], penalties: [f64; 2]) -> Self {
        let mean = features.mean(items);
        let intercept = items.iter().map(|&item| targets[item]).sum::<f64>() / items.len().max(1) as f64;
        let centre = |weights: &[f64]| mean.iter().zip(weights).map(|(mean, weight)| mean * weight).sum::<f64>();
        // X^T r for centred features.
        let back = |residuals: &[f64]| {
            let mut sum = vec![0.0; features.len()];
            items.iter().zip(residuals).for_each(|(&item, &residual)| features.add(item, residual, &mut sum));
            let total: f64 = residuals.iter().sum();
            sum.iter_mut().zip(&mean).for_each(|(sum, mean)| *sum -= total * mean);
            sum
        };
        let normal = |weights: &[f64]| {
            let shift = centre(weights);
            let forth = |&item: &usize| features.products(item, weights).iter().sum::<f64>() - shift;
            let mut out = back(&items.iter().map(forth).collect::<Vec<_>>());
            for (block, penalty) in features.blocks().iter().zip(penalties) {
                block.clone().for_each(|at| out[at] += penalty * weights[at]);
            }
            out
        };
        let errors: Vec<f64> = items.iter().map(|&item| targets[item] - intercept).collect();
        Self { intercept, weights: conjugate_gradients(normal, back(&errors)), mean }
    }

    pub(super) fn predict(&self, features: &Features<'_>, item: usize) -> f64 {
        let centre: f64 = self.mean.iter().zip(&self.weights).map(|(mean, weight)| mean * weight).sum();
        self.intercept + features.products(item, &self.weights).iter().sum::<f64>() - centre
    }

    /// The fit with the penalties by which items are best predicted from others, and what is predicted of each item by a fit without it, in the order of `items`.
    ///
    /// Costs about 60 fits of up to 60 passes over the features of all items.
    pub(super) fn chosen(features: &Features<'_>, items: &[usize], targets: &[f64]) -> (Self, Vec<f64>) {
        let spread = features.spread(items, &features.mean(items));
        let penalties = |chosen: [usize; 2]| [0, 1].map(|block| PENALTIES[chosen[block]] * spread[block].max(1e-12));
        let error = |chosen: [usize; 2]| {
            let predicted = held_out(features, items, targets, penalties(chosen));
            predicted.iter().zip(items).map(|(predicted, &item)| (predicted - targets[item]).powi(2)).sum::<f64>()
        };
        let mut chosen = [PENALTIES.len() / 2; 2];
        for block in [1, 0] {
            if spread[block] > 0.0 {
                let at = |place: usize| {
                    let mut at = chosen;
                    at[block] = place;
                    at
                };
                let errors: Vec<f64> = (0..PENALTIES.len()).map(|place| error(at(place))).collect();
                let best = (0..PENALTIES.len()).min_by(|&a, &b| errors[a].total_cmp(&errors[b]));
                chosen = at(best.unwrap_or(chosen[block]));
            }
        }
        let predicted = held_out(features, items, targets, penalties(chosen));
        (Self::fit(features, items, targets, penalties(chosen)), predicted)
    }
}

/// What is predicted of each item by a fit to the other folds.
fn held_out(features: &Features<'_>, items: &[usize], targets: &[f64], penalties: [f64; 2]) -> Vec<f64> {
    let fold = |fold: usize| {
        let others: Vec<usize> =
            items.iter().enumerate().filter(|(nth, _)| nth % FOLDS != fold).map(|(_, &item)| item).collect();
        Ridge::fit(features, &others, targets, penalties)
    };
    let fits: Vec<Ridge> = (0..FOLDS).into_par_iter().map(fold).collect();
    items.iter().enumerate().map(|(nth, &item)| fits[nth % FOLDS].predict(features, item)).collect()
}

/// Solves `normal(x) = b` for a symmetric positive definite operator.
fn conjugate_gradients(normal: impl Fn(&[f64]) -> Vec<f64>, b: Vec<f64>) -> Vec<f64> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut x = vec![0.0; b.len()];
    let (mut direction, mut residual) = (b.clone(), b);
    let start = dot(&residual, &residual);
    let mut size = start;
    for _ in 0..STEPS {
        if size <= start * TOLERANCE * TOLERANCE {
            break;
        }
        let image = normal(&direction);
        let step = size / dot(&direction, &image);
        x.iter_mut().zip(&direction).for_each(|(x, along)| *x += step * along);
        residual.iter_mut().zip(&image).for_each(|(left, image)| *left -= step * image);
        let next = dot(&residual, &residual);
        direction.iter_mut().zip(&residual).for_each(|(along, left)| *along = left + next / size * *along);
        size = next;
    }
    x
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::data::{Catalogue, ItemVectors};
    use crate::model::initial::normal;

    /// Items with one of two categories and vectors of six numbers, of which the first says something.
    fn catalogue(items: usize) -> (Catalogue, Vec<f32>) {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let mut catalogue = Catalogue::new();
        for item in 0..items {
            catalogue.describe(&item.to_string(), "", "", [["even", "odd"][item % 2]]);
        }
        let values = normal(items * 6, 1.0, &mut rng);
        catalogue.set_vectors(Some(ItemVectors { width: 6, values: values.clone() }));
        (catalogue, values)
    }

    #[test]
    fn the_gradient_of_the_penalised_error_is_zero_at_the_fit() {
        let (catalogue, values) = catalogue(40);
        let features = Features::new(&catalogue);
        let items: Vec<usize> = (0..30).collect();
        let targets: Vec<f64> = (0..40).map(|item| f64::from(values[item * 6]) + (item % 2) as f64).collect();
        let penalties = [0.7, 3.0];
        let ridge = Ridge::fit(&features, &items, &targets, penalties);
        let objective = |weights: &[f64]| {
            let fit = Ridge { intercept: ridge.intercept, mean: ridge.mean.clone(), weights: weights.to_vec() };
            let error: f64 = items.iter().map(|&item| (fit.predict(&features, item) - targets[item]).powi(2)).sum();
            let penalty = |block: usize| {
                features.blocks()[block].clone().map(|at| weights[at].powi(2)).sum::<f64>() * penalties[block]
            };
            error + penalty(0) + penalty(1)
        };
        for at in 0..features.len() {
            let moved = |by: f64| {
                let mut weights = ridge.weights.clone();
                weights[at] += by;
                objective(&weights)
            };
            let slope = (moved(1e-4) - moved(-1e-4)) / 2e-4;
            assert!(slope.abs() < 1e-3, "feature {at}: {slope}");
        }
    }

    #[test]
    fn what_features_say_is_found_and_items_are_predicted_without_themselves() {
        let (catalogue, values) = catalogue(200);
        let features = Features::new(&catalogue);
        let items: Vec<usize> = (0..200).collect();
        let mut targets: Vec<f64> =
            (0..200).map(|item| 2.0 * f64::from(values[item * 6]) + 3.0 * (item % 2) as f64).collect();
        // One item is not at all what its features say.
        targets[7] += 1000.0;
        let (_, predicted) = Ridge::chosen(&features, &items, &targets);
        targets[7] -= 1000.0;
        assert!((predicted[7] - targets[7]).abs() < 2.0, "{} for {}", predicted[7], targets[7]);
    }

    #[test]
    fn numbers_that_features_say_nothing_of_are_predicted_by_their_mean() {
        let (catalogue, _) = catalogue(1000);
        let features = Features::new(&catalogue);
        let items: Vec<usize> = (0..1000).collect();
        let targets: Vec<f64> =
            normal(1000, 1.0, &mut ChaCha8Rng::seed_from_u64(9)).into_iter().map(f64::from).collect();
        let (ridge, _) = Ridge::chosen(&features, &items, &targets);
        let largest = ridge.weights.iter().fold(0.0_f64, |most, weight| most.max(weight.abs()));
        assert!(largest < 0.2, "{largest}");
        let empty = Catalogue::new();
        let nothing = Ridge::fit(&Features::new(&empty), &[], &[], [1.0, 1.0]);
        assert_eq!(nothing.intercept, 0.0);
    }
}
