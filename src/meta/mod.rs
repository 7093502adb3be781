//! Meta-learners: how a model becomes a user's own after a few events.
//!
//! A learner is chosen on two axes. *What moves, and how*: nothing (the model reads its support in context), a linear head in closed form, or
//! any parameters by gradient steps ([`InnerLoop`]). *How the gradient for the initialisation is estimated*: exactly through a closed form, at the fast weights
//! ([`Fomaml`]), or as a difference of weights ([`Reptile`]). A learner estimates and adapts; it never steps, so any of Burn's optimizers goes with any of them.
//!
//! To add one: a file here with a config, a struct and an `impl` of [`MetaLearner`] (and of [`ServingLearner`] if it is to serve users), one variant in
//! [`LearnerConfig`], one line in the contract tests.

mod arithmetic;
mod closed_form;
mod config;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
#[cfg(any(test, feature = "testing"))]
mod differences;
mod fomaml;
mod gaussian;
mod inner;
mod learner;
mod reptile;
#[cfg(test)]
mod tests;

pub use arithmetic::{axpy, blend, clip_by_norm, combine, dot, graft, is_finite, members, norm, scaled, values};
pub use closed_form::{ClosedForm, ClosedFormConfig, ClosedFormUser};
pub use config::{LearnerConfig, LearnerError};
pub use fomaml::{Fomaml, FomamlConfig};
pub use gaussian::GaussianPrior;
pub use inner::{FastWeights, InnerLoop, InnerLoopConfig, Moves};
pub use learner::{MetaGradient, MetaLearner, ServingLearner, Stateless};
pub use reptile::{Reptile, ReptileConfig};
