//! Fitting the factors, and the posterior of a new user.

use faer::Mat;

use crate::baseline::alternating::{Equations, Term, dot, mean, start, update};
use crate::baseline::error::BaselineError;
use crate::baseline::gaussian_factors::GaussianFactorsConfig;
use crate::baseline::interactions::Sparse;
use crate::baseline::narrowed;
use crate::baseline::offsets::Offsets;
use crate::baseline::spd::{add_gram, diagonal, inverse};
use crate::data::{Dataset, IndexedEvent, UserSplit, rated};

/// What is added to the variance of every factor over users.
const LEAST_VARIANCE: f64 = 1e-3;

/// The least variance of a rating, so that a perfect fit does not divide by 0.
const LEAST_NOISE: f64 = 1e-9;

fn singular() -> BaselineError {
    BaselineError::Singular("pmf_foldin")
}

/// What does not depend on the factor of the noise.
#[derive(Debug)]
pub(super) struct Fitted {
    pub(super) mean: f64,
    /// `[items]`.
    pub(super) offsets: Vec<f64>,
    /// `[items, factors]`, the first number of each row being 1.
    pub(super) items: Vec<f64>,
    /// The training users' mean vector, `[factors]`.
    pub(super) prior: Vec<f64>,
    /// The inverse of their covariance; the lower triangle.
    pub(super) precision: Mat<f64>,
    /// The inverse of their covariance times their mean.
    pull: Vec<f64>,
    /// The mean squared residual.
    pub(super) variance: f64,
}

impl Fitted {
    /// Ratings of all items for a user with these events, `[items]`.
    pub(super) fn predict(&self, events: &[IndexedEvent], noise: f64) -> Result<Vec<f32>, BaselineError> {
        let user = self.posterior(events, noise).ok_or_else(singular)?;
        let rating = |(item, offset): (&[f64], &f64)| self.mean + offset + dot(item, &user);
        Ok(narrowed(self.items.chunks_exact(self.prior.len()).zip(&self.offsets).map(rating).collect()))
    }

    /// The mean of the posterior; `None` if it has no finite solution.
    fn posterior(&self, events: &[IndexedEvent], noise: f64) -> Option<Vec<f64>> {
        let d = self.prior.len();
        let weight = 1.0 / (self.variance * noise).max(LEAST_NOISE);
        let terms = rated(events).map(|(item, value)| Term {
            row: &self.items[item * d..(item + 1) * d],
            weight,
            target: weight * (f64::from(value) - self.mean - self.offsets[item]),
        });
        let mut terms = terms.peekable();
        if terms.peek().is_none() {
            return Some(self.prior.clone());
        }
        Equations::new(d).solve(&self.precision, &self.pull, terms).map(<[f64]>::to_vec)
    }
}

/// What is left of the training ratings without mean and item offsets.
pub(super) struct Residuals {
    mean: f64,
    offsets: Vec<f64>,
    /// A row for each training user, of `(item, residual)`.
    by_user: Sparse,
    /// A row for each item, of `(user, residual)`.
    pub(super) by_item: Sparse,
}

impl Residuals {
    /// `None` where there is nothing to predict.
    pub(super) fn new(data: &Dataset, split: &UserSplit, offsets: &Offsets) -> Option<Self> {
        let (mean, offsets) = offsets.fitted()?;
        let residual = |(item, value)| (item as u32, (f64::from(value) - mean - offsets[item]) as f32);
        let by_user = Sparse::from_rows(split.train.iter().map(|task| rated(&task.events).map(residual).collect()));
        let by_item = by_user.transposed(data.catalogue().len());
        Some(Self { mean, offsets: offsets.to_vec(), by_user, by_item })
    }

    pub(super) fn fit(&self, config: &GaussianFactorsConfig) -> Result<Fitted, BaselineError> {
        let d = config.factors;
        let mut items = start(self.offsets.len(), d, config.seed);
        items.chunks_exact_mut(d).for_each(|item| item[0] = 1.0);
        let mut users = vec![0.0; self.by_user.rows() * d];
        for _ in 0..config.rounds {
            self.update_users(&mut users, &items, config).ok_or_else(singular)?;
            self.update_items(&mut items, &users, config).ok_or_else(singular)?;
        }
        let prior = mean(&users, d);
        let precision = inverse(covariance(&users, &prior)).ok_or_else(singular)?;
        let entry = |row: usize, column: usize| precision[(row.max(column), row.min(column))];
        let pull = (0..d).map(|row| (0..d).map(|column| entry(row, column) * prior[column]).sum()).collect();
        let (mean, offsets, variance) = (self.mean, self.offsets.clone(), self.variance(&users, &items, d));
        Ok(Fitted { mean, offsets, items, prior, precision, pull, variance })
    }

    pub(super) fn update_users(&self, users: &mut [f64], items: &[f64], config: &GaussianFactorsConfig) -> Option<()> {
        let d = config.factors;
        let (ridge, zeros) = (diagonal(d, config.ridge), vec![0.0; d]);
        update(users, (d, d), |equations, user, factors| {
            let term = |&(item, residual): &(u32, f32)| Term {
                row: &items[item as usize * d..(item as usize + 1) * d],
                weight: 1.0,
                target: f64::from(residual),
            };
            factors.copy_from_slice(equations.solve(&ridge, &zeros, self.by_user.row(user).iter().map(term))?);
            Some(())
        })
    }

    /// All numbers of an item's vector but the first, which stays 1.
    fn update_items(&self, items: &mut [f64], users: &[f64], config: &GaussianFactorsConfig) -> Option<()> {
        let d = config.factors;
        let (ridge, zeros) = (diagonal(d - 1, config.ridge), vec![0.0; d - 1]);
        update(items, (d, d - 1), |equations, item, factors| {
            let term = |&(user, residual): &(u32, f32)| {
                let user = &users[user as usize * d..(user as usize + 1) * d];
                Term { row: &user[1..], weight: 1.0, target: f64::from(residual) - user[0] }
            };
            factors[1..].copy_from_slice(equations.solve(&ridge, &zeros, self.by_item.row(item).iter().map(term))?);
            Some(())
        })
    }

    /// The mean squared residual that the factors leave.
    fn variance(&self, users: &[f64], items: &[f64], d: usize) -> f64 {
        let of_user = |(user, factors): (usize, &[f64])| {
            let squared = |&(item, residual): &(u32, f32)| {
                let item = item as usize;
                (f64::from(residual) - dot(factors, &items[item * d..(item + 1) * d])).powi(2)
            };
            (self.by_user.row(user).iter().map(squared).sum::<f64>(), self.by_user.row(user).len())
        };
        let of_users = users.chunks_exact(d).enumerate().map(of_user);
        let (sum, count) = of_users.fold((0.0, 0), |(sum, count), (more, ratings)| (sum + more, count + ratings));
        sum / count.max(1) as f64
    }
}

/// The covariance of rows around their mean, over their number less one, with [`LEAST_VARIANCE`] on its diagonal; the
/// lower triangle.
pub(super) fn covariance(rows: &[f64], mean: &[f64]) -> Mat<f64> {
    let d = mean.len();
    let count = (rows.len() / d).saturating_sub(1).max(1) as f64;
    let scale = count.sqrt().recip();
    let centred: Vec<f64> = rows.iter().zip(mean.iter().cycle()).map(|(value, mean)| scale * (value - mean)).collect();
    let mut covariance = diagonal(d, LEAST_VARIANCE);
    add_gram(&mut covariance, &centred);
    covariance
}
