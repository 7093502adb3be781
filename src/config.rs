//! All settings of a recommender in one place.

use serde::{Deserialize, Serialize};

use crate::meta::{LearnerConfig, ServingLearner, WithLearner};
use crate::model::{PreferenceTransformer, PreferenceTransformerConfig};
use crate::sampler::UserSamplerConfig;
use crate::train::{TrainError, TrainingConfig};

/// All settings of a recommender, from its seed to its weight decay.
///
/// The default is meant for everybody. In files, what is left out is the default, and a field of an unknown name is an error.
///
/// ```
/// use metarec::Config;
///
/// let mut config = Config::default().with_seed(7);
/// config.model.d_model = 32;
/// config.training.epochs = 20;
/// config.check()?;
///
/// config.training.outer_lr = -1.0;
/// assert_eq!(config.check().unwrap_err().to_string(), "training setting `outer_lr` is -1: expected more than 0, at most 10");
/// # Ok::<(), metarec::train::TrainError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// Every random number of a run comes from here: equal seeds give equal models (see the table in [`train`](crate::train)).
    pub seed: u64,
    /// The model.
    pub model: PreferenceTransformerConfig,
    /// How it adapts.
    pub learner: LearnerConfig,
    /// What it is trained to adapt to.
    pub sampler: UserSamplerConfig,
    /// How it is trained.
    pub training: TrainingConfig,
}

impl Config {
    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same with another model.
    #[must_use]
    pub fn with_model(mut self, model: PreferenceTransformerConfig) -> Self {
        self.model = model;
        self
    }

    /// The same with another learner.
    #[must_use]
    pub fn with_learner(mut self, learner: LearnerConfig) -> Self {
        self.learner = learner;
        self
    }

    /// The same with other episodes.
    #[must_use]
    pub fn with_sampler(mut self, sampler: UserSamplerConfig) -> Self {
        self.sampler = sampler;
        self
    }

    /// The same with another training.
    #[must_use]
    pub fn with_training(mut self, training: TrainingConfig) -> Self {
        self.training = training;
        self
    }

    /// Checks every setting. Training does so itself, before it starts.
    ///
    /// # Errors
    /// The first that is out of its bounds, by name.
    pub fn check(&self) -> Result<(), TrainError> {
        self.model.check()?;
        self.learner.build(Checked)?;
        self.sampler.check()?;
        self.training.check()
    }
}

/// Nothing is done with a learner whose settings are in their bounds.
struct Checked;

impl WithLearner<PreferenceTransformer> for Checked {
    type Output = ();

    fn with<L: ServingLearner<PreferenceTransformer> + Clone>(self, _: L) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meta::FomamlConfig;

    #[test]
    fn a_setting_out_of_bounds_is_named_wherever_it_stands() {
        let mut fomaml = FomamlConfig::default();
        fomaml.inner.inner_lr = 0.0;
        let mut model = Config::default();
        model.model.heads = 7;
        let configs = [
            (model, "model setting `heads`"),
            (Config::default().with_learner(LearnerConfig::Fomaml(fomaml)), "learner setting `inner_lr`"),
            (Config::default().with_sampler(UserSamplerConfig::default().with_min_query(0)), "min_query"),
        ];
        for (config, expected) in configs {
            let message = config.check().unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
        }
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn what_is_left_out_of_a_file_is_the_default_and_what_is_unknown_an_error() {
        let config: Config = serde_json::from_str(r#"{"seed": 3, "learner": {"name": "reptile"}}"#).unwrap();
        assert_eq!(config, Config::default().with_seed(3).with_learner(LearnerConfig::Reptile(Default::default())));
        assert!(serde_json::from_str::<Config>(r#"{"sed": 3}"#).is_err());
    }
}
