//! EASE: a linear auto-encoder in closed form.

mod config;
mod sparse;
#[cfg(test)]
mod tests;

pub use config::{EaseConfig, EaseInput};

use std::sync::Arc;

use faer::Mat;
use rayon::prelude::*;

use crate::baseline::co_occurrence::gram;
use crate::baseline::error::BaselineError;
use crate::baseline::interactions::Interactions;
use crate::baseline::item_to_item::{ItemRows, ItemToItem};
use crate::baseline::spd::{inverse, inverse_of_few};
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};

/// Ranks by a linear function of the user's items, one for each item, in which no item speaks for itself: EASE^R
/// (Steck, *Embarrassingly shallow autoencoders for sparse data*, 2019).
///
/// With `X` the training users' matrix `[users, items]` ([`EaseInput`]) the weights `B` minimise
/// `|X - X B|^2 + ridge * |B|^2` with zeros on the diagonal: `B = I - P / diag(P)`, `P` being the inverse of
/// `X^T X + ridge * I`. A new user's scores are their row, weighed like those of `X`, times `B`. Popularity
/// ([`conditional_popularity`]) decides between equal scores, such as those of a user without any weight, and ranks
/// alone where there are no events.
///
/// With more than [`EaseConfig::dense_up_to`] items no matrix of all pairs is made. Each column of `B` then is a ridge
/// regression of its item on the [`EaseConfig::neighbours`] items that come together with it the most (by cosine), all
/// others being 0: what EASE solves over all items, restricted as in fsSLIM (Ning and Karypis, 2011). With as many
/// neighbours as items it is EASE itself; with fewer it is an approximation: on MovieLens 1M, made to be sparse, with 200
/// of 3,643 items nDCG@10 at 1, 5 and 20 events is .295, .319 and .409, and .300, .325 and .412 with all.
///
/// The dense form costs as many additions as the sum over training users of their number of items squared, and
/// `items^3` multiplications with additions on one thread for each ridge (3,643 items: 2 s), or `users * items^2` where
/// there are fewer users than items; memory is 16 bytes for each pair of items while fitting, 4 afterwards. The sparse form costs `items * neighbours^3 / 3` on all threads, and
/// 8 bytes for each neighbour (25,600 items with 100 neighbours: 25 s on two cores, 0.4 GB in all). Scoring a user costs their number of items times the number
/// of items, or of neighbours.
///
/// ```
/// use metarec::baseline::{Ease, EaseConfig, EaseInput, Ranker};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let split = data.split()?;
/// let config = EaseConfig::default().with_ridge(100.0).with_input(EaseInput::Weighted(0.4));
/// let ease = Ease::fit(&data, &split, &config)?;
/// let best = Ranker::new(ease, data.catalogue()).top_k(&[Event::rating("i3", 5.0)], 10)?;
/// assert_eq!(best.len(), 10);
/// # Ok(())
/// # }
/// ```
///
/// [`conditional_popularity`]: crate::data::conditional_popularity
#[derive(Clone, Debug)]
pub struct Ease {
    config: EaseConfig,
    base: ItemToItem,
    weights: Arc<ItemRows>,
}

/// The ridges that are tried.
const RIDGES: [f64; 5] = [300.0, 1000.0, 2500.0, 5000.0, 10_000.0];

/// What fits under several ridges have in common.
struct Prepared {
    base: ItemToItem,
    /// The Gram matrix, `[items, items]`, where the form asks for it.
    gram: Option<Vec<f32>>,
}

impl Prepared {
    fn new(data: &Dataset, split: &UserSplit, config: &EaseConfig) -> Result<Self, BaselineError> {
        config.check()?;
        let base = ItemToItem::new(data, split, config.input.not_liked())?;
        let form = Form::of(&base.interactions, config);
        let gram = (form == Form::ManyUsers).then(|| gram(&base.interactions));
        Ok(Self { base, gram })
    }

    fn fit(&self, config: &EaseConfig) -> Result<Ease, BaselineError> {
        let interactions = &self.base.interactions;
        let singular = || BaselineError::Singular(config.input.name());
        let weights = match &self.gram {
            Some(gram) => ItemRows::Dense(weights(&ridged_inverse(gram, config.ridge).ok_or_else(singular)?)),
            None if Form::of(interactions, config) == Form::FewUsers => {
                let inverse = inverse_of_few(matrix(interactions), config.ridge).ok_or_else(singular)?;
                ItemRows::Dense(weights(&inverse))
            }
            None => ItemRows::Sparse(sparse::weights(interactions, config)?),
        };
        Ok(Ease { config: config.clone(), base: self.base.clone(), weights: Arc::new(weights) })
    }
}

/// How the weights are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// By the inverse of a matrix between items.
    ManyUsers,
    /// The same weights by the inverse of a matrix between users, who are fewer than items.
    FewUsers,
    /// Without a matrix of all pairs.
    Sparse,
}

impl Form {
    fn of(interactions: &Interactions, config: &EaseConfig) -> Self {
        let (users, items) = (interactions.by_user.rows(), interactions.len());
        if items > config.dense_up_to {
            Self::Sparse
        } else if users < items {
            Self::FewUsers
        } else {
            Self::ManyUsers
        }
    }
}

/// The inverse of the Gram matrix with the ridge on its diagonal; the lower triangle.
fn ridged_inverse(gram: &[f32], ridge: f64) -> Option<Mat<f64>> {
    let items = gram.len().isqrt();
    let entry = |row: usize, column: usize| f64::from(gram[column * items + row]);
    inverse(Mat::from_fn(items, items, |row, column| entry(row, column) + if row == column { ridge } else { 0.0 }))
}

/// The weights of users' items as a dense matrix, `[users, items]`.
fn matrix(interactions: &Interactions) -> Mat<f64> {
    let mut matrix = Mat::zeros(interactions.by_user.rows(), interactions.len());
    for item in 0..interactions.len() {
        for &(user, weight) in interactions.by_item.row(item) {
            matrix[(user as usize, item)] = f64::from(weight);
        }
    }
    matrix
}

/// `-P / diag(P)` with zeros on the diagonal, row by row, for the lower triangle of `P`.
fn weights(inverse: &Mat<f64>) -> Vec<f32> {
    let items = inverse.nrows();
    let mut weights = vec![0.0; items * items];
    weights.par_chunks_mut(items.max(1)).enumerate().for_each(|(item, row)| {
        for (other, weight) in row.iter_mut().enumerate().filter(|&(other, _)| other != item) {
            *weight = (-inverse[(item.max(other), item.min(other))] / inverse[(other, other)]) as f32;
        }
    });
    weights
}

impl Ease {
    /// Fits to the training users' events.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a setting is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not; [`BaselineError::Singular`] if the ridge is too small for the numbers.
    pub fn fit(data: &Dataset, split: &UserSplit, config: &EaseConfig) -> Result<Self, BaselineError> {
        Prepared::new(data, split, config)?.fit(config)
    }

    /// Tunes the ridge for each number of shots of `tuner` on its validation users by nDCG@10, among 300, 1000, 2500, 5000 and 10000; the
    /// default where there is nobody to tune on. The Gram matrix is made once.
    ///
    /// # Errors
    /// As [`Ease::fit`] and [`Tuner::choose`].
    pub fn tuned(input: EaseInput, tuner: &Tuner<'_>) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let config = EaseConfig::default().with_input(input);
        let prepared = Prepared::new(data, split, &config)?;
        let candidates = RIDGES.into_iter().map(|ridge| prepared.fit(&config.clone().with_ridge(ridge)));
        tuner.choose("ndcg@10", candidates, || prepared.fit(&config))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &EaseConfig {
        &self.config
    }
}

impl Method for Ease {
    fn name(&self) -> &str {
        self.config.input.name()
    }

    fn config(&self) -> String {
        format!("ridge {}", self.config.ridge)
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let add = |item: usize, weight: f64, scores: &mut [f64]| self.weights.add(item, weight, scores);
        Ok(Some(self.base.scores(supports, self.config.input.not_liked(), add)))
    }
}
