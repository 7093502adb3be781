//! LightFM: factors of what is known of users and items.

mod config;
mod features;
mod fit;
mod loss;
#[cfg(test)]
mod tests;

pub use config::LightFmConfig;
pub use loss::LightFmLoss;

use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::light_fm::fit::{Examples, Fitted, Training, likes_of};
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, LikeRule, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};

/// Numbers of factors that are tried.
const FACTORS: [usize; 2] = [16, 32];

/// Numbers of epochs that are tried, ascending: each goes on where the one before ended.
const EPOCHS: [usize; 3] = [5, 10, 20];

/// Passes over a new user's likes that are tried.
const FOLD_INS: [usize; 3] = [2, 5, 20];

/// Ranks by the inner product of vectors that are sums over features (Kula, *Metadata embeddings for user and item
/// cold-start recommendations*, 2015), fitted to likes by one of three losses ([`LightFmLoss`]).
///
/// An item's features are its categories and itself; a user's are the texts of their columns ([`ProfileSchema`]) and they themselves.
/// A score is `user . item + user bias + item bias`, each of them a sum over features. Training passes over the likes in random order;
/// against each an item is drawn that the user does not like, uniformly from those that training users have met, and the pair is
/// one step of Adagrad. The logistic loss takes such drawn items for its negatives.
///
/// Who is new, user or item, has no vector of their own, while every sum was trained with one: the mean of the others' own stands in its
/// place. An item that nobody has met is so ranked by its categories, and no better or worse for being new. A new user's own vector
/// only starts at that mean, where the paper would have them served by their columns alone, and is fitted to the support set's likes: by
/// the same loss, rate and draws, the items' side staying as it is, in [`LightFmConfig::fold_in_epochs`] passes, which are few so that
/// it stays near where it started. Without likes the mean serves; who has no known text in any column has the mean of the training
/// users' there as well.
///
/// An epoch costs, for each like, the sums of the features of the user, the like and each drawn item, `factors` each: on one
/// thread, about a second for 500000 likes. Scoring a user costs `factors` for each item, and as much for each draw. Memory is
/// 8 bytes for each number of a vector. The same seed gives the same vectors.
///
/// ```
/// use metarec::baseline::{LightFm, LightFmConfig, LightFmLoss, Ranker};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let config = LightFmConfig::default().with_loss(LightFmLoss::Bpr).with_factors(8);
/// let lightfm = LightFm::fit(&data, &data.split()?, &config)?;
/// let best = Ranker::new(lightfm, data.catalogue()).top_k(&[Event::rating("i3", 5.0)], 10)?;
/// assert_eq!(best.len(), 10);
/// # Ok(())
/// # }
/// ```
///
/// [`ProfileSchema`]: crate::data::ProfileSchema
#[derive(Clone, Debug)]
pub struct LightFm {
    config: LightFmConfig,
    rule: LikeRule,
    fitted: Arc<Fitted>,
}

impl LightFm {
    /// Fits to the training users' likes.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a setting is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not; [`BaselineError::Diverged`] if a vector is no longer finite.
    pub fn fit(data: &Dataset, split: &UserSplit, config: &LightFmConfig) -> Result<Self, BaselineError> {
        config.check()?;
        let examples = Examples::new(data, split)?;
        let mut training = Training::new(&examples, config);
        training.run_to(config.epochs)?;
        Ok(Self { config: config.clone(), rule: data.like_rule().clone(), fitted: Arc::new(training.fitted()) })
    }

    /// Tunes for each number of shots of `tuner` on its validation users by nDCG@10: 16 and 32 factors, 5, 10 and 20 epochs, 2, 5 and 20 passes over a new
    /// user's likes; the default where there is nobody to tune on. Costs two fits of 20 epochs and 18 evaluations.
    ///
    /// # Errors
    /// As [`LightFm::fit`] and [`Tuner::choose`].
    pub fn tuned(loss: LightFmLoss, tuner: &Tuner<'_>, seed: u64) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let config = LightFmConfig::default().with_loss(loss).with_seed(seed);
        let (examples, rule) = (Examples::new(data, split)?, data.like_rule());
        let of_factors = |factors| {
            let config = config.clone().with_factors(factors);
            let mut training = Training::new(&examples, &config);
            EPOCHS.into_iter().flat_map(move |epochs| {
                if let Err(error) = training.run_to(epochs) {
                    return vec![Err(error)];
                }
                let fitted = Arc::new(training.fitted());
                let config = config.clone().with_epochs(epochs);
                let of_passes = |passes| {
                    let config = config.clone().with_fold_in_epochs(passes);
                    Ok(Self { config, rule: rule.clone(), fitted: Arc::clone(&fitted) })
                };
                FOLD_INS.map(of_passes).into()
            })
        };
        let candidates = FACTORS.into_iter().flat_map(of_factors);
        tuner.choose("ndcg@10", candidates, || Self::fit(data, split, &config))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &LightFmConfig {
        &self.config
    }
}

impl Method for LightFm {
    fn name(&self) -> &str {
        self.config.loss.method_name()
    }

    fn config(&self) -> String {
        let LightFmConfig { factors, epochs, fold_in_epochs, .. } = &self.config;
        format!("factors {factors} epochs {epochs} fold-in {fold_in_epochs}")
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let row = |support: &Support<'_>| {
            self.fitted.score(support.user, &likes_of(support.events, &self.rule), &self.config)
        };
        Ok(Some(supports.par_iter().map(row).collect()))
    }
}
