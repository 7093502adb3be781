//! Meta-learners: how a model becomes a user's own after a few events.
//!
//! A learner is chosen on two axes. *What moves, and how*: nothing ([`InContext`]: the model reads its support), a linear head in closed form
//! ([`ClosedForm`]), a small head by unrolled steps ([`Anil`]), or any parameters by gradient steps ([`Descent`] with its [`InnerLoop`]: how many steps,
//! along what, how long, of which parameters). *How the gradient for the initialisation is estimated*: exactly, through a closed form or unrolled steps; by Hessian-vector products
//! ([`Maml`], and Meta-SGD, which is MAML with learned rates: [`MetaSgdConfig`]); at the fast weights ([`Fomaml`]); or as a difference of weights ([`Reptile`]).
//! A learner estimates and adapts; it never steps, so any of Burn's optimizers goes with any of them.
//!
//! | learner | asks of the model | adapting takes autodiff |
//! |---|---|---|
//! | [`InContext`] | [`PreferenceModel`](crate::model::PreferenceModel) that reads its context | no |
//! | [`ClosedForm`] | [`LinearHeadModel`](crate::model::LinearHeadModel): a rating regression (and [`PreferenceModel`](crate::model::PreferenceModel)) | no |
//! | [`Anil`] | [`HeadModel`](crate::model::HeadModel): the gradient of its head | no |
//! | [`Maml`], [`Fomaml`], [`Reptile`] | [`AdaptableModel`](crate::model::AdaptableModel) | yes |
//!
//! A learner that a rating regression fits and a ranking does not says so in its types:
//!
//! ```
//! use metarec::meta::{ClosedForm, MetaLearner};
//! use metarec::model::{LinearHeadModel, PreferenceModel};
//!
//! fn rating_regressions<M: PreferenceModel + LinearHeadModel>(learner: ClosedForm) -> impl MetaLearner<M> {
//!     learner
//! }
//! ```
//!
//! ```compile_fail,E0277
//! use metarec::meta::{ClosedForm, MetaLearner};
//! use metarec::model::PreferenceModel;
//!
//! fn all_models<M: PreferenceModel>(learner: ClosedForm) -> impl MetaLearner<M> {
//!     learner
//! }
//! ```
//!
//! [`InContext`] goes with any [`PreferenceModel`](crate::model::PreferenceModel), but serves everybody alike where the model's state says nothing of the support, as that
//! of [`RatingMlp`](crate::model::RatingMlp): there it is the model as it is, to compare others with.
//!
//! To add one: a file here with a config, a struct and an `impl` of [`MetaLearner`] (and of [`ServingLearner`] if it is to serve users), one variant in
//! [`LearnerConfig`], one line in the contract tests. In another crate the same `impl` does: `docs/adding-a-learner.md` goes through it step by step.

mod anil;
mod arithmetic;
mod closed_form;
mod config;
#[cfg(any(test, feature = "testing"))]
pub mod contract;
mod descent;
#[cfg(any(test, feature = "testing"))]
mod differences;
mod fomaml;
mod gaussian;
mod in_context;
mod inner;
mod learner;
mod maml;
mod reptile;
#[cfg(test)]
mod tests;

pub use anil::{Anil, AnilConfig};
pub use arithmetic::{
    axpy, blend, clip_by_norm, combine, dot, graft, is_finite, learned, members, norm, scaled, selected, values,
};
pub use closed_form::{ClosedForm, ClosedFormConfig, ClosedFormUser};
pub use config::{LearnerConfig, LearnerError, WithLearner};
pub use descent::{Descent, Estimator};
pub use fomaml::{AtFastWeights, Fomaml, FomamlConfig};
pub use gaussian::{GaussianPrior, HeadPosterior};
pub use in_context::{InContext, InContextConfig};
pub use inner::{
    FastHeads, FastWeights, InnerLoop, InnerLoopConfig, InnerOptimizer, LearnedRates, Moves, RateScope, RateSteps,
    Rates,
};
pub use learner::{MetaGradient, MetaLearner, ServingLearner, Stateless};
pub use maml::{HessianVector, Maml, MamlConfig, MetaSgdConfig};
pub use reptile::{Reptile, ReptileConfig, WayToFastWeights};
