//! Recommendation from the first interaction, embedded in a Rust program.
//!
//! A host trains once over many users, each of them a small learning task of its own. After that a user never seen before is served from a handful of events: the
//! model *adapts* to them in the host's process, in well under a millisecond, and ranks the whole catalogue. The model is a Transformer over events; how it adapts
//! is a meta-learner, which can be exchanged; everything runs on [Burn](burn), on CPU and GPU.
//!
//! # From data to recommendations
//!
//! ```
//! use metarec::data::Event;
//! use metarec::{Config, Recommender};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let data = metarec::data::synthetic::MarketConfig::default().with_users(60).generate()?.into_dataset();
//! # let mut quick = Config::default();
//! # quick.training.epochs = 1;
//! # let folder = std::env::temp_dir().join(format!("metarec-doctest-{}", std::process::id()));
//! # /*
//! let data = metarec::data::read_dir("ml-100k")?; // or from_events(iterator)
//! # */
//! let device = metarec::recommend::device_from_env()?;
//! # let rec = Recommender::train(&data, &quick, &device)?;
//! # /*
//! let rec = Recommender::train(&data, &Config::default(), &device)?;
//! # */
//!
//! let mut user = rec.adapt(&[Event::rating("i50", 5.0)])?;
//! rec.update(&mut user, Event::click("i81"))?;
//! for hit in rec.top_k(&user, 10)? {
//!     println!("{} {:.2}", hit.title, hit.score);
//! }
//!
//! # let path = &folder;
//! # /*
//! let path = "model";
//! # */
//! rec.save(path)?;
//! let same = Recommender::load(path, &device)?;
//! assert_eq!(same.top_k(&user, 10)?, rec.top_k(&user, 10)?);
//! # std::fs::remove_dir_all(path)?;
//! # Ok(())
//! # }
//! ```
//!
//! # The rooms
//!
//! | module | what it is for |
//! |---|---|
//! | [`data`] | events, catalogue, splits; readers of folders and files |
//! | [`sampler`] | which support and query sets training draws |
//! | [`model`] | the model's traits, and the Transformer |
//! | [`meta`] | how a model adapts to a user: the traits, and one file for each learner |
//! | [`train`] | the episode loop, observers, checkpoints |
//! | [`recommend`] | adapted users, online updates, top-k |
//! | [`evaluate`] | metrics, protocols, reports |
//! | [`baseline`] | the methods to measure against |
//! | [`tune`] | search over settings |
//! | [`persist`] | what is on disk |
//!
//! Learners, samplers and models of other crates implement [`MetaLearner`](meta::MetaLearner), [`TaskSampler`](sampler::TaskSampler) and
//! [`PreferenceModel`](model::PreferenceModel), with no more work than the built-in ones, train with [`MetaTrainer`](train::MetaTrainer) and serve through
//! [`Recommender::from_parts`].
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `train` | yes | [`Config`], [`Recommender::train`], [`train`], [`evaluate`], [`baseline`] and [`tune`]. Without it the crate loads, adapts and ranks |
//! | `flex` | yes | Burn's CPU backend in pure Rust |
//! | `wgpu`, `vulkan`, `metal`, `cuda`, `rocm`, `cpu`, `ndarray` | no | Burn's other backends |
//! | `parquet` | no | reading of Parquet files |
//! | `text` | no | pretrained encoders of text, from Hugging Face folders |
//! | `lm` | no | language models of the Llama family and GPT-2, from Hugging Face folders and GGUF files |
//! | `testing` | no | the contract tests for learners of other crates |
//!
//! [`recommend::device_from_env`] chooses among the backends that are compiled in.
//!
//! # Burn
//!
//! Burn's types are part of this crate's interface, and Burn is re-exported as [`burn`]. So a new minor release of Burn (0.23) is a breaking change of
//! this crate, and comes with one of its own. Burn's derive macros write paths that begin with `burn`, so a crate that derives `Module` for a model or a learner needs
//! the dependency itself, in the version that is re-exported:
//!
//! ```toml
//! [dependencies]
//! burn = { version = "0.22.1", default-features = false, features = ["std"] }
//! # for a learner, which takes gradients and gives them to optimizers:
//! # features = ["std", "autodiff", "optim"]
//! ```
//!
//! # What it does not do
//!
//! The library prints nothing, installs no signal handler, makes no threads of its own and downloads nothing. Progress goes to a [`train::Observer`], stopping comes from
//! a [`train::CancelToken`], threads are those of the caller's rayon pool. Errors name the value that is wrong and what was expected; settings are checked once, before
//! anything is computed.

#![deny(missing_docs)]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(feature = "train"), allow(rustdoc::broken_intra_doc_links))]

pub use burn;

#[cfg(feature = "train")]
pub mod baseline;
#[cfg(feature = "train")]
mod calibration;
#[cfg(feature = "train")]
mod cold_items;
#[cfg(feature = "train")]
mod config;
pub mod data;
#[cfg(feature = "train")]
pub mod evaluate;
#[cfg(feature = "train")]
mod facade;
pub mod meta;
pub mod model;
pub mod persist;
pub mod prelude;
pub mod recommend;
pub mod sampler;
#[cfg(feature = "train")]
mod serving_split;
pub mod text;
#[cfg(feature = "train")]
pub mod train;
#[cfg(feature = "train")]
pub mod tune;

#[cfg(feature = "train")]
pub use config::Config;
#[cfg(feature = "train")]
pub use facade::RecommenderTrainer;
pub use recommend::Recommender;
