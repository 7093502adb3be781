//! The outer loop: episodes in, a meta-trained model out.
//!
//! [`MetaTrainer`] owns the loop for any model, learner and sampler: it draws episodes by their ids, spreads the meta-batch over the threads of the
//! current rayon pool, adds the shards' gradients, divides by the number of tasks, clips by the global norm and lets Burn's optimizers step.
//!
//! What is looked at, kept and returned is a running average of the weights over steps ([`TrainingConfig::averaging`]). The meta-validation users are looked at
//! before the first step and then every few epochs. The last look is kept, unless an earlier one was better by more than chance
//! ([`TrainingConfig::keep_margin`]): for ranking and for ratings apart, as the two share no parameters. Training stops early when *ranking* gets no better.
//!
//! # What is equal between two runs
//!
//! | the same | and so |
//! |---|---|
//! | seed, device kind, number of `shards` | every step is bit-equal, on any number of threads: shards are fixed by the configuration and added in order |
//! | the above, stopped and resumed from a checkpoint | every step is bit-equal to the run that was not stopped |
//! | seed and device kind, another number of `shards`, without dropout and with the full loss | gradients agree to 1e-5 of their norm (sums in another order) |
//! | seed and device kind, another number of `shards`, with dropout or a sampled loss | other masks and samples: equal in distribution only |
//! | seed, another device kind | equal until rounding grows: about 1e-4 after one step |

mod cancel;
mod checkpoint;
mod config;
mod error;
mod keep;
mod observer;
mod optimizer;
mod shards;
mod trainer;
mod validation;

pub use cancel::CancelToken;
pub use config::TrainingConfig;
pub use error::TrainError;
pub use observer::{Observer, Progress, Silent};
pub use optimizer::{Optimizers, ScaledRate};
pub use trainer::{MetaTrainer, Stop, Trained};
pub(crate) use validation::Look;
pub use validation::{Goal, Validation, ValidationScore};
