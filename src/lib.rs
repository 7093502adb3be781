//! metarec
pub use burn;
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
pub mod recommend;
pub mod sampler;
#[cfg(feature = "train")]
pub mod train;

#[cfg(feature = "train")]
pub use config::Config;
#[cfg(feature = "train")]
pub use facade::RecommenderTrainer;
pub use recommend::Recommender;
