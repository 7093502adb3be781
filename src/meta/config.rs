//! The built-in learners, for configuration files and command lines.

use serde::{Deserialize, Serialize};

use crate::meta::anil::AnilConfig;
use crate::meta::closed_form::ClosedFormConfig;
use crate::meta::fomaml::FomamlConfig;
use crate::meta::in_context::InContextConfig;
use crate::meta::learner::ServingLearner;
use crate::meta::maml::{MamlConfig, MetaSgdConfig};
use crate::meta::reptile::ReptileConfig;
use crate::model::{PreferenceModel, RatesLinearly, ServesHeads};

/// A learner's setting is out of its bounds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("learner setting `{field}` is {value}: expected {expected}")]
#[non_exhaustive]
pub struct LearnerError {
    /// Which setting.
    pub field: &'static str,
    /// What it was.
    pub value: String,
    /// What it should be.
    pub expected: &'static str,
}

impl LearnerError {
    /// For a learner of another crate: the setting, what it is, and what it should be.
    #[must_use]
    pub fn new(field: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self { field, value: value.to_string(), expected }
    }
}

/// Which of the built-in learners to use. The trait [`MetaLearner`](crate::meta::MetaLearner) is open; this list is for files and command lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LearnerConfig {
    /// [`ClosedForm`](crate::meta::ClosedForm).
    ClosedForm(ClosedFormConfig),
    /// [`InContext`](crate::meta::InContext).
    InContext(InContextConfig),
    /// [`Anil`](crate::meta::Anil).
    Anil(AnilConfig),
    /// [`Maml`](crate::meta::Maml).
    Maml(MamlConfig),
    /// [`Maml`](crate::meta::Maml) with a learned rate for every number.
    MetaSgd(MetaSgdConfig),
    /// [`Fomaml`](crate::meta::Fomaml).
    Fomaml(FomamlConfig),
    /// [`Reptile`](crate::meta::Reptile).
    Reptile(ReptileConfig),
}

impl Default for LearnerConfig {
    fn default() -> Self {
        Self::ClosedForm(ClosedFormConfig::default())
    }
}

/// What is to be done with whichever learner a [`LearnerConfig`] names.
pub trait WithLearner<M: PreferenceModel> {
    /// What comes of it.
    type Output;

    /// Does it.
    fn with<L: ServingLearner<M> + Clone>(self, learner: L) -> Self::Output;
}

impl LearnerConfig {
    /// Checks the settings, makes the learner and hands it over: the one place where names become types.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn build<M: RatesLinearly + ServesHeads, W: WithLearner<M>>(&self, then: W) -> Result<W::Output, LearnerError> {
        Ok(match self {
            Self::ClosedForm(config) => then.with(config.init()),
            Self::InContext(config) => then.with(config.init()),
            Self::Anil(config) => then.with(config.init()?),
            Self::Maml(config) => then.with(config.init()?),
            Self::MetaSgd(config) => then.with(config.init()?),
            Self::Fomaml(config) => then.with(config.init()?),
            Self::Reptile(config) => then.with(config.init()?),
        })
    }
}
