//! Implicit matrix factors by alternating least squares.

mod config;
#[cfg(test)]
mod tests;

pub use config::ImplicitAlsConfig;

use std::sync::Arc;

use faer::Mat;
use rayon::prelude::*;

use crate::baseline::alternating::{Equations, Term, dot, mean, start, update};
use crate::baseline::error::BaselineError;
use crate::baseline::interactions::{Interactions, Sparse};
use crate::baseline::narrowed_in_order;
use crate::baseline::spd::{add_gram, diagonal};
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, LikeRule, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};

/// Ranks by the inner product of a user's and an item's vector, fitted to who liked what and who did not (Hu, Koren and
/// Volinsky, *Collaborative filtering for implicit feedback datasets*, 2008).
///
/// With `p = 1` for a like of weight `w` ([`LikeRule::weight`]) and 0 for everything else, the vectors minimise
/// `sum(c * (p - user . item)^2) + ridge * (|users|^2 + |items|^2)` over all pairs, `c` being `1 + alpha * w`. A new user's
/// vector is the exact minimum given the items', one solve; a user without likes has the mean of the training users'
/// vectors.
///
/// A round costs `factors^2` for each like and `factors^3 / 3` for each user and item, over threads; scoring a user
/// `factors^2` for each like, `factors^3 / 6`, and `factors` for each item. Memory is 8 bytes for each number of a vector.
/// The same seed gives the same vectors on any number of threads.
///
/// ```
/// use metarec::baseline::{ImplicitAls, ImplicitAlsConfig, Ranker};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let config = ImplicitAlsConfig::default().with_factors(8).with_ridge(10.0);
/// let als = ImplicitAls::fit(&data, &data.split()?, &config)?;
/// let best = Ranker::new(als, data.catalogue()).top_k(&[Event::rating("i3", 5.0)], 10)?;
/// assert_eq!(best.len(), 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct ImplicitAls {
    config: ImplicitAlsConfig,
    interactions: Arc<Interactions>,
    rule: LikeRule,
    /// `[places, factors]`.
    items: Vec<f64>,
    /// The items' Gram matrix with the ridge on its diagonal; the lower triangle.
    gram: Mat<f64>,
    /// The mean of the training users' vectors.
    mean: Vec<f64>,
}

impl ImplicitAls {
    /// Fits to the training users' likes.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a setting is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not; [`BaselineError::Singular`] if the ridge is too small for the numbers.
    pub fn fit(data: &Dataset, split: &UserSplit, config: &ImplicitAlsConfig) -> Result<Self, BaselineError> {
        Self::fit_to(&Arc::new(likes(data, split)?), data.like_rule(), config)
    }

    /// Tunes factors, ridge and alpha together for each number of shots of `tuner` on its validation users by nDCG@10; the default where there
    /// is nobody to tune on.
    ///
    /// Below 4 million pairs of training user and item with training events 24 settings are tried: 16 and 64 factors, ridges
    /// of 3, 10, 30 and 100, alpha 0.3, 1 and 4. Else five are: (32, 10, 1), (64, 30, 1), (64, 100, 1), (64, 60, 4) and
    /// (64, 200, 4).
    ///
    /// # Errors
    /// As [`ImplicitAls::fit`] and [`Tuner::choose`].
    pub fn tuned(tuner: &Tuner<'_>, seed: u64) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let config = ImplicitAlsConfig::default().with_seed(seed);
        let (likes, rule) = (Arc::new(likes(data, split)?), data.like_rule());
        let cells = split.train.len() * split.candidates().len();
        let candidates = config.grid(cells).into_iter().map(|config| Self::fit_to(&likes, rule, &config));
        tuner.choose("ndcg@10", candidates, || Self::fit_to(&likes, rule, &config))
    }

    fn fit_to(
        interactions: &Arc<Interactions>,
        rule: &LikeRule,
        config: &ImplicitAlsConfig,
    ) -> Result<Self, BaselineError> {
        config.check()?;
        let d = config.factors;
        let singular = || BaselineError::Singular("ials");
        let mut items = start(interactions.len(), d, config.seed);
        let mut users = vec![0.0; interactions.by_user.rows() * d];
        for _ in 0..config.rounds {
            half_round(&mut users, &items, &interactions.by_user, config).ok_or_else(singular)?;
            half_round(&mut items, &users, &interactions.by_item, config).ok_or_else(singular)?;
        }
        let gram = ridged_gram(&items, config);
        let (interactions, rule) = (Arc::clone(interactions), rule.clone());
        Ok(Self { config: config.clone(), interactions, rule, items, gram, mean: mean(&users, d) })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &ImplicitAlsConfig {
        &self.config
    }

    /// The vector of a user with these likes; `None` if it has no finite solution.
    fn fold_in(&self, likes: &[(u32, f32)]) -> Option<Vec<f64>> {
        if likes.is_empty() {
            return Some(self.mean.clone());
        }
        let mut equations = Equations::new(self.config.factors);
        let terms = terms(&self.items, likes, &self.config);
        equations.solve(&self.gram, &vec![0.0; self.config.factors], terms).map(<[f64]>::to_vec)
    }

    fn score(&self, support: &Support<'_>) -> Option<Vec<f32>> {
        let user = self.fold_in(&self.interactions.weigh(support.events, |event| self.rule.weight(event)))?;
        let scores: Vec<f64> = self.items.chunks_exact(self.config.factors).map(|item| dot(item, &user)).collect();
        Some(narrowed_in_order(&self.interactions.spread(&scores)))
    }
}

/// Who liked what, as much as it weighs.
fn likes(data: &Dataset, split: &UserSplit) -> Result<Interactions, BaselineError> {
    Interactions::new(data, split, |event| data.like_rule().weight(event))
}

/// What the likes of one side add to its equations, the vectors of the other side being given.
fn terms<'a>(
    others: &'a [f64],
    likes: &'a [(u32, f32)],
    config: &'a ImplicitAlsConfig,
) -> impl Iterator<Item = Term<'a>> {
    likes.iter().map(|&(other, weight)| {
        let more = config.alpha * f64::from(weight);
        let row = &others[other as usize * config.factors..(other as usize + 1) * config.factors];
        Term { row, weight: more, target: 1.0 + more }
    })
}

fn ridged_gram(factors: &[f64], config: &ImplicitAlsConfig) -> Mat<f64> {
    let mut gram = diagonal(config.factors, config.ridge);
    add_gram(&mut gram, factors);
    gram
}

/// Solves for the vectors of one side given the other's.
fn half_round(factors: &mut [f64], others: &[f64], likes: &Sparse, config: &ImplicitAlsConfig) -> Option<()> {
    let (gram, zeros) = (ridged_gram(others, config), vec![0.0; config.factors]);
    update(factors, (config.factors, config.factors), |equations, row, factors| {
        factors.copy_from_slice(equations.solve(&gram, &zeros, terms(others, likes.row(row), config))?);
        Some(())
    })
}

impl Method for ImplicitAls {
    fn name(&self) -> &str {
        "ials"
    }

    fn config(&self) -> String {
        let ImplicitAlsConfig { factors, ridge, alpha, .. } = &self.config;
        format!("factors {factors} ridge {ridge} alpha {alpha}")
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let row = |support| self.score(support).ok_or(BaselineError::Singular("ials"));
        let rows: Result<Vec<_>, _> = supports.par_iter().map(row).collect();
        rows.map(Some).map_err(|error| EvaluateError::method(self.name(), error))
    }
}
