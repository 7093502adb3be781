//! Search over settings: a grid, at random, or by successive halving.
//!
//! A [`SearchSpace`] says which settings are searched and what may be chosen for each, by JSON pointers into any settings that serde writes and
//! reads; a [`Strategy`] says which trials there are and what each may cost; an *objective*, a closure of the caller, says how good the settings of
//! a trial are. [`Search`] runs it, writes each trial to a log, goes on from there when it is run again, and can be cancelled between trials.
//! Nothing here knows what is trained: what is tried in tests needs no training, and other crates search their own settings.
//!
//! # Whom an objective may look at
//!
//! The meta-validation users, and nobody else: whoever chooses among forty settings by the test users reports the luck of the best of
//! forty. [`UserSplit::without_test`](crate::data::UserSplit::without_test) takes the test users out of reach:
//!
//! ```
//! use metarec::data::synthetic::MarketConfig;
//! use metarec::evaluate::{Part, Report, Served, UserCold};
//! use metarec::tune::{Halving, Search, SearchSpace, Strategy};
//! use metarec::{Config, Recommender};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let device = metarec::recommend::device_from_env()?;
//! # let mut base = Config::default();
//! # base.model.layers = 1;
//! let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
//! # /*
//! let base = Config::default();
//! # */
//! let split = data.split()?;
//! let seen = split.without_test();
//!
//! let space = SearchSpace::new().one_of("/model/d_model", [16, 32]).log_uniform("/training/outer_lr", 3e-4, 3e-3);
//! let search = Search::new(base, space).with_seed(1).with_budget_at("/training/epochs");
//! let found = search.run(&Strategy::Halving(Halving::new(3, 1, 3)), |trial| -> Result<f64, Box<dyn std::error::Error + Send + Sync>> {
//!     let rec = Recommender::trainer(&data).config(trial.settings).split(seen.clone()).train(&device)?;
//!     let mut report = Report::new();
//!     UserCold::new(&data, &seen)?.on(Part::Valid).with_shots([5]).run(&Served::new(&rec, &data)?, &mut report)?;
//!     Ok(report.mean("metarec", 5, "ndcg@10").unwrap_or(f64::NAN))
//! })?;
//!
//! let config = found.settings.expect("a trial has a score");
//! assert_eq!(config.training.epochs, 3);
//! // Only now: train with `config` on `split`, and report on its test users.
//! # Ok(())
//! # }
//! ```
//!
//! The score of the best trial is itself the luck of the best of many, and training stops early by the same users: report the test users', not this
//! one. Where the data are small, let the objective be the mean over folds ([`cross_validate`](crate::evaluate::cross_validate)), on data without
//! the users who are reported on; that is what `GridSearchCV` of Surprise and scikit-learn does:
//!
//! ```
//! use metarec::baseline::Popularity;
//! use metarec::data::synthetic::MarketConfig;
//! use metarec::data::{ActionWeights, FoldRule};
//! use metarec::evaluate::{EvaluateError, Method, cross_validate};
//! use metarec::tune::{Search, SearchSpace, Strategy};
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Serialize, Deserialize)]
//! struct Settings {
//!     threshold: f32,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let data = MarketConfig::default().with_users(60).generate()?.into_dataset();
//! let rule = FoldRule::default().with_folds(2);
//! let grid = SearchSpace::new().one_of("/threshold", [3.0, 4.0]);
//! let found = Search::new(Settings { threshold: 4.0 }, grid).run(&Strategy::Grid { budget: 1 }, |trial| {
//!     let folds = cross_validate(&data, &rule, |data, split| {
//!         let mut liked = data.clone();
//!         liked.set_like_rule(metarec::data::LikeRule { threshold: Some(trial.settings.threshold), weights: ActionWeights::default() });
//!         Ok::<Box<dyn Method>, EvaluateError>(Box::new(Popularity::fit(&liked, split)))
//!     })?;
//!     Ok::<f64, EvaluateError>(folds.find(5, "ndcg@10").map_or(f64::NAN, |spread| spread.mean))
//! })?;
//! assert_eq!(found.trials.len(), 2);
//! # Ok(())
//! # }
//! ```

mod error;
mod log;
mod search;
mod space;
mod strategy;

pub use error::TuneError;
pub use log::TrialRecord;
pub use search::{Found, Search, Trial};
pub use space::{Choices, Chosen, SearchSpace};
pub use strategy::{Halving, Rung, Strategy};
