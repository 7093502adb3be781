//! Which support and query sets to draw, and from whom.
//!
//! An episode is one draw of a task: what adaptation sees (the support set) and what the outer loss sees (the query set). A
//! [`TaskSampler`] makes it from an [`EpisodeId`] and from nothing else. So resuming is an integer, workers need no lock, and
//! whatever went wrong in an episode can be looked at again from its id.
//!
//! | sampler | a task is | support | query |
//! |---|---|---|---|
//! | [`UserSampler`] | a user | by default their first events, or some of the first | all later ones |
//! | [`SessionSampler`] | a session of a user | its first events | the rest of it |
//! | [`SliceSampler`] | what a user did within one category | some of it | the rest of it |
//! | [`GroupSampler`] | a group of users | events of some members | events of other members |
//! | [`ItemSampler`] | an item | who met it first | who met it later |
//! | [`PartSampler`] | any part of a history | some of it | the rest of it |
//! | [`MixtureSampler`] | a task of one of several samplers, in shares | | |
//! | [`CurriculumSampler`] | a task of another sampler, with as many shots as a schedule says | | |
//!
//! Each has a `tasks()`, the number of episodes in an epoch, and goes to
//! [`RecommenderTrainer::sampler`](crate::RecommenderTrainer::sampler) with it. But for the last two, each is drawn by turns: every
//! task once an epoch, in an order of the epoch's own.
//!
//! To add a sampler, implement [`TaskSampler`] for a type of your own; the trait is object safe and asks for one method.
//! `docs/adding-a-sampler.md` goes through it step by step.

mod config;
mod curriculum;
mod draw;
mod episode;
mod error;
mod group;
mod group_config;
mod item;
mod mixture;
mod part;
mod permutation;
mod session;
mod slice;
mod spread;
mod task;
mod user;

pub use config::{OrderWeights, SupportOrder, UserSamplerConfig};
pub use curriculum::{CurriculumConfig, CurriculumSampler, CurriculumStage, StageStart};
pub use episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
pub use error::SamplerError;
pub use group::GroupSampler;
pub use group_config::GroupSamplerConfig;
pub use item::{ItemSampler, ItemSamplerConfig};
pub use mixture::{MixturePart, MixtureSampler};
pub use part::{Part, PartSampler};
pub use session::{SessionSampler, SessionSamplerConfig};
pub use slice::{SliceSampler, SliceSamplerConfig};
pub use task::TaskId;
pub use user::UserSampler;
