//! Gaussian matrix factors of ratings by alternating least squares.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::data::TaskHistory;
use crate::model::initial::rating_prior::{Expected, RaterFacts, expected_of_nobody};
use crate::model::initial::{cholesky, normal, solve_cholesky};

/// Where a rating head starts: item factors and offsets, and how users' weights are spread.
#[derive(Clone, Debug, PartialEq)]
pub struct RatingStart {
    /// `[items, factors]`.
    pub factors: Vec<f32>,
    /// `[items]`.
    pub offsets: Vec<f32>,
    /// Mean of users' weights over `(1, factors)`, `[1 + factors]`.
    pub weight: Vec<f32>,
    /// What each code of a user's profile adds to it, `[codes, 1 + factors]`; empty where nothing was learned of profiles.
    pub profile: Vec<f32>,
    /// What each item that a user rated adds to it, whatever the value, `[items, 1 + factors]`, divided by the root of how many they rated; empty where
    /// nothing was learned of it.
    pub rated: Vec<f32>,
    /// Covariance of users' weights around what is expected of them, row by row.
    pub covariance: Vec<f64>,
    /// Variance of what is left.
    pub noise: f64,
}

impl RatingStart {
    /// No factors: a head that knows nothing of items, with unit covariance.
    #[must_use]
    pub fn flat(items: usize, factors: usize) -> Self {
        let d = factors + 1;
        let covariance = (0..d * d).map(|at| if at % (d + 1) == 0 { 1.0 } else { 0.0 }).collect();
        Self {
            factors: vec![0.0; items * factors],
            offsets: vec![0.0; items],
            weight: vec![0.0; d],
            profile: Vec::new(),
            rated: Vec::new(),
            covariance,
            noise: 1.0,
        }
    }
}

/// Settings of [`fit_ratings`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct RatingFit {
    /// Number of factors besides the user's offset.
    pub factors: usize,
    /// Ridge on users' and items' factors.
    pub ridge: f64,
    /// Ridge on users' offsets while items' offsets are fitted.
    pub user_ridge: f64,
    /// Ridge on items' offsets.
    pub item_ridge: f64,
    /// Rounds of alternation.
    pub rounds: usize,
    /// What the variance of the residuals is multiplied by: training users' own ratings were fitted, so it is too small for a new user.
    pub noise_factor: f64,
}

impl RatingFit {
    /// The settings that did well on MovieLens.
    #[must_use]
    pub fn with_factors(factors: usize) -> Self {
        Self { factors, ridge: 8.0, user_ridge: 6.0, item_ridge: 5.0, rounds: 12, noise_factor: 1.2 }
    }
}

/// A rated event as it is used here.
struct Rated {
    user: usize,
    item: usize,
    residual: f64,
}

/// Item offsets by alternating ridge regression with users' offsets.
fn item_offsets(events: &[Rated], users: usize, items: usize, fit: &RatingFit) -> Vec<f64> {
    let (mut of_item, mut of_user) = (vec![0.0; items], vec![0.0; users]);
    let pass = |target: &mut Vec<f64>, other: &[f64], ridge: f64, key: fn(&Rated) -> (usize, usize)| {
        let mut count = vec![ridge; target.len()];
        target.fill(0.0);
        for event in events {
            let (own, their) = key(event);
            target[own] += event.residual - other[their];
            count[own] += 1.0;
        }
        target.iter_mut().zip(count).for_each(|(sum, count)| *sum /= count);
    };
    for _ in 0..fit.rounds {
        pass(&mut of_item, &of_user, fit.item_ridge, |event| (event.item, event.user));
        pass(&mut of_user, &of_item, fit.user_ridge, |event| (event.user, event.item));
    }
    of_item
}

/// Ridge regression of `targets` on rows of `features`; zero if the system is singular.
fn ridge_regression<'a>(rows: impl Iterator<Item = (&'a [f64], f64)>, d: usize, ridge: f64) -> Vec<f64> {
    let mut gram = vec![0.0; d * d];
    (0..d).for_each(|at| gram[at * d + at] = ridge);
    let mut right = vec![0.0; d];
    for (features, target) in rows {
        for a in 0..d {
            right[a] += features[a] * target;
            for b in 0..=a {
                gram[a * d + b] += features[a] * features[b];
            }
        }
    }
    if cholesky(&mut gram, d) {
        solve_cholesky(&gram, d, &mut right);
        right
    } else {
        vec![0.0; d]
    }
}

/// Fits item factors to the rated events of some tasks (Salakhutdinov and Mnih 2007, "Probabilistic Matrix Factorization", by least squares), and the mean
/// and covariance of users' weights, which are the prior of a user never seen.
///
/// `mean` is what all values have in common. Costs `rounds * events * factors^2` operations.
#[must_use]
pub fn fit_ratings(tasks: &[TaskHistory], items: usize, mean: f64, fit: &RatingFit, seed: u64) -> RatingStart {
    let (fitted, raters) = alternate(tasks, items, mean, fit, seed);
    fitted.start(expected_of_nobody(&fitted.of_user, &raters, fit.factors + 1), fit)
}

/// The same, with a prior that depends on what is known of a user before their values are: see [`RaterFacts`].
#[must_use]
pub fn fit_ratings_knowing(
    tasks: &[TaskHistory],
    facts: &RaterFacts<'_>,
    mean: f64,
    fit: &RatingFit,
    seed: u64,
) -> RatingStart {
    let (fitted, raters) = alternate(tasks, facts.items(), mean, fit, seed);
    fitted.start(facts.expected(tasks, &fitted.of_user, &raters, fit.factors + 1), fit)
}

/// Factors of users and items.
struct Fitted {
    events: Vec<Rated>,
    /// `[users, d]`.
    of_user: Vec<f64>,
    /// `[items, d]`; the first column is 1.
    of_item: Vec<f64>,
    offsets: Vec<f64>,
}

/// Fits both, and says which tasks have a rating: the weights of the others are zeros that say nothing.
fn alternate(tasks: &[TaskHistory], items: usize, mean: f64, fit: &RatingFit, seed: u64) -> (Fitted, Vec<bool>) {
    let mut events: Vec<Rated> = Vec::new();
    for (user, task) in tasks.iter().enumerate() {
        events.extend(task.events.iter().filter_map(|event| {
            let residual = f64::from(event.rating()?) - mean;
            Some(Rated { user, item: event.item.position(), residual })
        }));
    }
    let offsets = item_offsets(&events, tasks.len(), items, fit);
    events.iter_mut().for_each(|event| event.residual -= offsets[event.item]);
    let d = fit.factors + 1;
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut of_item: Vec<f64> = normal(items * d, 0.1, &mut rng).into_iter().map(f64::from).collect();
    of_item.chunks_exact_mut(d).for_each(|row| row[0] = 1.0);
    let mut of_user = vec![0.0; tasks.len() * d];
    let by_user = group(&events, tasks.len(), |event| event.user);
    let by_item = group(&events, items, |event| event.item);
    for _ in 0..fit.rounds {
        for (user, own) in by_user.iter().enumerate() {
            let rows = own.iter().map(|&at| {
                let event = &events[at];
                (&of_item[event.item * d..(event.item + 1) * d], event.residual)
            });
            let solved = ridge_regression(rows, d, fit.ridge);
            of_user[user * d..(user + 1) * d].copy_from_slice(&solved);
        }
        for (item, own) in by_item.iter().enumerate() {
            let rows = own.iter().map(|&at| {
                let event = &events[at];
                let user = &of_user[event.user * d..(event.user + 1) * d];
                (&user[1..], event.residual - user[0])
            });
            let solved = ridge_regression(rows, d - 1, fit.ridge);
            of_item[item * d + 1..(item + 1) * d].copy_from_slice(&solved);
        }
    }
    let raters = by_user.iter().map(|own| !own.is_empty()).collect();
    (Fitted { events, of_user, of_item, offsets }, raters)
}

fn group(events: &[Rated], groups: usize, key: fn(&Rated) -> usize) -> Vec<Vec<usize>> {
    let mut grouped = vec![Vec::new(); groups];
    events.iter().enumerate().for_each(|(at, event)| grouped[key(event)].push(at));
    grouped
}

impl Fitted {
    /// Where a head starts that expects this of its users.
    fn start(&self, expected: Expected, fit: &RatingFit) -> RatingStart {
        let d = fit.factors + 1;
        let squares: f64 = self
            .events
            .iter()
            .map(|event| {
                let user = &self.of_user[event.user * d..(event.user + 1) * d];
                let item = &self.of_item[event.item * d..(event.item + 1) * d];
                (event.residual - user.iter().zip(item).map(|(u, q)| u * q).sum::<f64>()).powi(2)
            })
            .sum();
        let single = |values: &[f64]| values.iter().map(|&value| value as f32).collect::<Vec<_>>();
        RatingStart {
            factors: self.of_item.chunks_exact(d).flat_map(|row| single(&row[1..])).collect(),
            offsets: single(&self.offsets),
            weight: single(&expected.weight),
            profile: single(&expected.profile),
            rated: single(&expected.rated),
            covariance: expected.covariance,
            noise: (squares / self.events.len().max(1) as f64).max(1e-3) * fit.noise_factor,
        }
    }
}
