//! The built-in learners, for configuration files and command lines.

use serde::{Deserialize, Serialize};

use crate::meta::closed_form::ClosedFormConfig;
use crate::meta::fomaml::FomamlConfig;
use crate::meta::reptile::ReptileConfig;

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

/// Which of the built-in learners to use. The trait [`MetaLearner`](crate::meta::MetaLearner) is open; this list is for files and command lines.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
#[non_exhaustive]
pub enum LearnerConfig {
    /// [`ClosedForm`](crate::meta::ClosedForm).
    ClosedForm(ClosedFormConfig),
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
