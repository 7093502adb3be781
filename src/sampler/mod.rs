//! Which support and query sets to draw, and from whom.
//!
//! An episode is one draw of a task: what adaptation sees (the support set) and what the outer loss sees (the query set). A
//! [`TaskSampler`] makes it from an [`EpisodeId`] and from nothing else. So resuming is an integer, workers need no lock, and
//! whatever went wrong in an episode can be looked at again from its id.
//!
//! To add a sampler, implement [`TaskSampler`] for a type of your own; the trait is object safe and asks for one method.

mod config;
mod episode;
mod error;
mod permutation;
mod user;

pub use config::{OrderWeights, SupportOrder, UserSamplerConfig};
pub use episode::{Episode, EpisodeId, TaskSampler};
pub use error::SamplerError;
pub use user::UserSampler;
