//! SASRec: self-attention over what a user liked, one thing after the other.

mod config;
mod fit;
mod network;
#[cfg(test)]
mod tests;

pub use config::SasRecConfig;

use std::sync::Arc;

use burn::Tensor;
use burn::tensor::{Device, Int, TensorData};
use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::narrowed_in_order;
use crate::baseline::prior::Prior;
use crate::baseline::sas_rec::fit::{Sequences, Training, liked};
use crate::baseline::sas_rec::network::Network;
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, LikeRule, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};

/// Numbers of epochs that are tried, ascending: each goes on where the one before ended.
const EPOCHS: [usize; 4] = [5, 10, 20, 40];

/// Ranks by a causal Transformer that predicts the next like from those before (Kang and McAuley, *Self-attentive sequential
/// recommendation*, 2018).
///
/// Item and position vectors go through blocks of self-attention by one head and a feed-forward layer, normalised before each of them,
/// with dropout; an item's score is the inner product of the last state and its vector. The loss is the binary cross-entropy of each
/// next like and one drawn item that the user does not like, by Adam. A sequence is what a user liked, in time order. In each epoch one
/// window of [`SasRecConfig::max_length`] likes is read of each training user: the first ones or, as often, any, as a newcomer's
/// first likes are what is to be read.
///
/// Unlike in the paper, shorter sequences are padded on the right and positions count from the first like that is read, so that a newcomer's few likes stand
/// where training had them; and by default 50 likes are read at most, where the paper reads 200 on MovieLens 1M.
///
/// Popularity ([`conditional_popularity`](crate::data::conditional_popularity)) ranks alone where there are no likes, as the network reads
/// nothing then. Items that no training user has met come last.
///
/// Trains and serves on Burn's default device, which the environment variable `BURN_DEVICE` may name, half of each batch on one
/// thread and half on another. On the CPU the same seed gives the same weights on any number of threads. An epoch costs about
/// `15 * layers * d_model^2` multiplications for each like that is read; scoring a user a third of it for each of their likes, and
/// `d_model` for each item.
///
/// ```
/// use metarec::baseline::{Ranker, SasRec, SasRecConfig};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(80).generate()?.into_dataset();
/// let config = SasRecConfig::default().with_d_model(16).with_epochs(2);
/// let sasrec = SasRec::fit(&data, &data.split()?, &config)?;
/// let best = Ranker::new(sasrec, data.catalogue()).top_k(&[Event::rating("i3", 5.0)], 10)?;
/// assert_eq!(best.len(), 10);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SasRec {
    config: SasRecConfig,
    served: Arc<Served>,
    network: Arc<Network>,
}

/// What does not depend on the settings.
#[derive(Debug)]
struct Served {
    rule: LikeRule,
    prior: Prior,
    /// Of each item whether a training user has met it.
    met: Vec<bool>,
    /// The plain one.
    device: Device,
}

impl Served {
    fn new(data: &Dataset, split: &UserSplit, sequences: &Sequences) -> Self {
        let mut met = vec![false; data.catalogue().len()];
        sequences.met().iter().for_each(|&item| met[item as usize] = true);
        let device = Device::default().inner();
        Self { rule: data.like_rule().clone(), prior: Prior::new(data, split), met, device }
    }
}

impl SasRec {
    /// Trains on the training users' likes.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a setting is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not; [`BaselineError::Diverged`] if the loss is no longer finite.
    ///
    /// # Panics
    /// If the environment variable `BURN_DEVICE` names a backend that is not compiled in.
    pub fn fit(data: &Dataset, split: &UserSplit, config: &SasRecConfig) -> Result<Self, BaselineError> {
        config.check()?;
        let sequences = Sequences::new(data, split)?;
        let served = Arc::new(Served::new(data, split, &sequences));
        let mut training = Training::new(&sequences, config, &served.device);
        Self::trained(&mut training, config, &served)
    }

    /// Tunes the number of epochs for each number of shots of `tuner` on its validation users by nDCG@10, among 5, 10, 20 and 40; the default where there is
    /// nobody to tune on. Costs one training.
    ///
    /// # Errors
    /// As [`SasRec::fit`] and [`Tuner::choose`].
    ///
    /// # Panics
    /// As [`SasRec::fit`].
    pub fn tuned(tuner: &Tuner<'_>, seed: u64) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let config = SasRecConfig::default().with_seed(seed);
        let sequences = Sequences::new(data, split)?;
        let served = Arc::new(Served::new(data, split, &sequences));
        let mut training = Training::new(&sequences, &config, &served.device);
        let candidates =
            EPOCHS.into_iter().map(|epochs| Self::trained(&mut training, &config.clone().with_epochs(epochs), &served));
        tuner.choose("ndcg@10", candidates, || Self::fit(data, split, &config))
    }

    /// What a training is after the epochs of these settings.
    fn trained(
        training: &mut Training<'_>,
        config: &SasRecConfig,
        served: &Arc<Served>,
    ) -> Result<Self, BaselineError> {
        training.run_to(config.epochs)?;
        Ok(Self { config: config.clone(), served: Arc::clone(served), network: Arc::new(training.fitted()) })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &SasRecConfig {
        &self.config
    }

    fn score(&self, support: &Support<'_>) -> Result<Vec<f32>, EvaluateError> {
        let Served { rule, prior, met, device } = &*self.served;
        let liked = liked(support.events, rule);
        if liked.is_empty() {
            return Ok(narrowed_in_order(prior.alone()));
        }
        let recent = &liked[liked.len().saturating_sub(self.config.max_length)..];
        let read: Vec<i32> = recent.iter().map(|&item| item as i32).collect();
        let read = Tensor::<2, Int>::from_data(TensorData::new(read, [1, recent.len()]), device);
        let scores = self.network.scores(read).into_data().try_into_vec::<f32>();
        let mut scores = scores.map_err(|error| EvaluateError::method(self.name(), error))?;
        let least = scores.iter().copied().fold(f32::INFINITY, f32::min);
        scores.iter_mut().zip(met).filter(|(_, met)| !**met).for_each(|(score, _)| *score = least);
        Ok(scores)
    }
}

impl Method for SasRec {
    fn name(&self) -> &str {
        "sasrec"
    }

    fn config(&self) -> String {
        format!("d_model {} epochs {}", self.config.d_model, self.config.epochs)
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let rows: Result<Vec<_>, _> = supports.par_iter().map(|support| self.score(support)).collect();
        rows.map(Some)
    }
}
