//! MeLU: ratings by meta-learned decision layers.

mod config;
mod fit;
mod network;
#[cfg(test)]
mod tests;

pub use config::MeLuConfig;

use std::sync::Arc;

use burn::tensor::Device;
use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::melu::fit::{Reading, local, train};
use crate::baseline::melu::network::Network;
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};
use crate::meta::{Anil, MetaLearner};

/// Numbers of local updates of a new user that are tried.
const SERVING_STEPS: [usize; 4] = [0, 1, 3, 10];

/// Predicts ratings by a network of which each user has the decision layers for themselves (Lee, Im, Jang, Cho and Chung, *MeLU:
/// meta-learned user preference estimator for cold-start recommendation*, 2019), and ranks by them.
///
/// A vector for each text of the users' columns and the mean of the vectors of an item's categories go through two rectified layers and
/// a linear one. Local updates are gradient steps of these layers on the squared error of a user's own ratings; the vectors stay. Global
/// updates move everything by the derivative of the squared error of ten other ratings *through* the local updates, exactly
/// ([`Anil`]; what is its head here is all three layers). A training user shows up to 20 ratings to their local updates, and sometimes none, as newcomers do.
///
/// An item is known by its categories alone, so those of the same categories are rated alike, and one that nobody has met is as good as any
/// other. Rates are of this crate's choice: those of the paper, 5e-6 and 5e-5, need more passes than is reasonable. Where the training
/// values do not differ nothing is predicted.
///
/// Trains and serves on Burn's default device, which the environment variable `BURN_DEVICE` may name, half of each batch on one
/// thread and half on another. On the CPU the same seed gives the same weights on any number of threads. Serving a user costs
/// `(embedding + hidden) * hidden` multiplications for each set of categories that items have.
///
/// ```
/// use metarec::baseline::{MeLu, MeLuConfig, Ranker};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(80).generate()?.into_dataset();
/// let melu = MeLu::fit(&data, &data.split()?, &MeLuConfig::default().with_epochs(2))?;
/// let ratings = Ranker::new(melu, data.catalogue()).rate(&[Event::rating("i3", 5.0)], &["i4", "i5"])?;
/// assert!(ratings.iter().all(|rating| rating.is_finite()));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct MeLu {
    config: MeLuConfig,
    learner: Anil,
    /// `None` where there is nothing to predict.
    trained: Option<Arc<Trained>>,
}

#[derive(Debug)]
struct Trained {
    reading: Reading,
    network: Network,
    /// The plain one.
    device: Device,
}

impl MeLu {
    /// Trains on the training users' ratings.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a setting is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not; [`BaselineError::Diverged`] if the loss is no longer finite.
    ///
    /// # Panics
    /// If the environment variable `BURN_DEVICE` names a backend that is not compiled in.
    pub fn fit(data: &Dataset, split: &UserSplit, config: &MeLuConfig) -> Result<Self, BaselineError> {
        config.check()?;
        let device = Device::default().inner();
        let trained = match Reading::new(data, split)? {
            Some(reading) => {
                let network = train(&reading, split, config, &device)?;
                Some(Arc::new(Trained { reading, network, device }))
            }
            None => None,
        };
        Ok(Self { config: config.clone(), learner: local(config.serving_steps, config.inner_lr)?, trained })
    }

    /// Tunes the number of a new user's local updates for each number of shots of `tuner` on its validation users by RMSE, among 0, 1, 3 and 10; the
    /// default where there is nobody to tune on. Costs one training and four evaluations.
    ///
    /// # Errors
    /// As [`MeLu::fit`] and [`Tuner::choose`].
    ///
    /// # Panics
    /// As [`MeLu::fit`].
    pub fn tuned(tuner: &Tuner<'_>, seed: u64) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let melu = Self::fit(data, split, &MeLuConfig::default().with_seed(seed))?;
        if melu.trained.is_none() {
            return Ok(Tuned::of_one(melu));
        }
        let candidates = SERVING_STEPS.map(|steps| melu.with_serving_steps(steps));
        tuner.choose("rmse", candidates, || Ok(melu.clone()))
    }

    fn with_serving_steps(&self, steps: usize) -> Result<Self, BaselineError> {
        let config = self.config.clone().with_serving_steps(steps);
        let learner = local(steps, config.inner_lr)?;
        Ok(Self { config, learner, trained: self.trained.clone() })
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &MeLuConfig {
        &self.config
    }

    fn predict(&self, trained: &Trained, support: &Support<'_>) -> Result<Vec<f32>, EvaluateError> {
        let Trained { reading, network, device } = trained;
        let batch = reading.ratings(&[(Some(support.user), support.events)], device);
        let rates = MetaLearner::<Network>::init_state(&self.learner, network);
        let adapted = self.learner.adapt(network, &rates, &batch);
        let of_kinds = network.predict(&batch, adapted.heads()).into_data().try_into_vec::<f32>();
        Ok(reading.of_items(&of_kinds.map_err(|error| EvaluateError::method(self.name(), error))?))
    }
}

impl Method for MeLu {
    fn name(&self) -> &str {
        "melu"
    }

    fn config(&self) -> String {
        format!("serving steps {}", self.config.serving_steps)
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.ratings(supports)
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let Some(trained) = &self.trained else { return Ok(None) };
        let rows: Result<Vec<_>, _> = supports.par_iter().map(|support| self.predict(trained, support)).collect();
        rows.map(Some)
    }
}
