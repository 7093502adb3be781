//! Which ridges a rating fit needs, found on training users that it does not see.

use crate::data::{IndexedEvent, TaskHistory};
use crate::model::initial::{RankOne, RatingFit, RatingStart, fit_ratings};

/// One training user in so many is held out.
const HELD_OUT: usize = 4;
/// More users than these add nothing to the choice.
const MOST_TASKS: usize = 2000;
/// Numbers of shots at which a fit is judged.
const SHOTS: [usize; 4] = [0, 1, 5, 20];
/// A held-out user needs this many rated events after the last shot.
const LEAST_QUERY: usize = 10;

/// The settings of [`fit_ratings`] that predict held-out training users best: the ridges of offsets by the error without any event of the user,
/// then the ridge of the factors and the noise by the mean error after 0, 1, 5 and 20.
///
/// Costs four fits with factors and nine without, of at most 2,000 tasks. With fewer than 20 users who can be held out, the settings that did well on MovieLens are returned.
#[must_use]
pub fn choose_rating_fit(tasks: &[TaskHistory], items: usize, mean: f64, factors: usize, seed: u64) -> RatingFit {
    let start = RatingFit::with_factors(factors);
    let tasks = &tasks[..tasks.len().min(MOST_TASKS)];
    let (mut kept, mut held_out) = (Vec::new(), Vec::new());
    for (place, task) in tasks.iter().enumerate() {
        let long_enough = task.events.iter().filter(|event| event.rating().is_some()).count() >= SHOTS[3] + LEAST_QUERY;
        if place % HELD_OUT == 0 && long_enough { held_out.push(task) } else { kept.push(task.clone()) }
    }
    if held_out.len() < 20 {
        return start;
    }
    let fit = |candidate: &RatingFit| fit_ratings(&kept, items, mean, candidate, seed);
    let judge = |fitted: &RatingStart, factor: f64, shots: &[usize]| -> f64 {
        held_out.iter().map(|task| shots.iter().map(|&k| task_error(task, fitted, mean, factor, k)).sum::<f64>()).sum()
    };
    let offsets_only = |user_ridge, item_ridge| RatingFit { factors: 0, user_ridge, item_ridge, rounds: 8, ..start };
    let mut start = (f64::INFINITY, start);
    for (user_ridge, item_ridge) in
        [3.0, 6.0, 12.0].into_iter().flat_map(|user| [2.0, 5.0, 10.0].map(|item| (user, item)))
    {
        let error = judge(&fit(&offsets_only(user_ridge, item_ridge)), 1.0, &SHOTS[..1]);
        if error < start.0 {
            start = (error, RatingFit { user_ridge, item_ridge, ..start.1 });
        }
    }
    let start = start.1;
    let mut best = (f64::INFINITY, start);
    for ridge in [4.0, 8.0, 16.0, 32.0] {
        let fitted = fit(&RatingFit { ridge, noise_factor: 1.0, ..start });
        for noise_factor in [0.8, 1.2, 2.0, 3.5] {
            let error = judge(&fitted, noise_factor, &SHOTS);
            if error < best.0 {
                best = (error, RatingFit { ridge, noise_factor, ..start });
            }
        }
    }
    best.1
}

/// Root mean squared error of a user's rated events after the first `max(SHOTS)`, predicted from the first `shots`.
fn task_error(task: &TaskHistory, fitted: &RatingStart, mean: f64, noise_factor: f64, shots: usize) -> f64 {
    let d = fitted.weight.len();
    let rated: Vec<(&IndexedEvent, f64)> =
        task.events.iter().filter_map(|event| event.rating().map(|value| (event, f64::from(value)))).collect();
    let features = |event: &IndexedEvent| -> Vec<f64> {
        let item = event.item.position();
        let factors = fitted.factors[item * (d - 1)..(item + 1) * (d - 1)].iter().map(|&factor| f64::from(factor));
        std::iter::once(1.0).chain(factors).collect()
    };
    let residual = |event: &IndexedEvent, value: f64| value - mean - f64::from(fitted.offsets[event.item.position()]);
    let weight = fitted.weight.iter().map(|&weight| f64::from(weight)).collect();
    let mut user = RankOne::new(fitted.covariance.clone(), weight, fitted.noise * noise_factor);
    for (event, value) in &rated[..shots] {
        user.see(&features(event), residual(event, *value));
    }
    let query = &rated[SHOTS[3]..];
    let squares: f64 = query
        .iter()
        .map(|(event, value)| {
            let predicted: f64 =
                user.mean().iter().zip(features(event)).map(|(weight, feature)| weight * feature).sum();
            (residual(event, *value) - predicted).powi(2)
        })
        .sum();
    (squares / query.len() as f64).sqrt()
}
