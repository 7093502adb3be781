//! Users as tasks.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::config::UserSamplerConfig;
use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::part::{Part, PartSampler, samples_parts};
use super::task::TaskId;
use crate::data::TaskHistory;

/// Draws episodes from users, all of them equally often.
///
/// With [`UserSampler::tasks`] users, indices `0..users` are the first epoch: each user once, in a random order; `users..2 * users`
/// are the second, in another order, and so on. Where the support set cannot have the size that was drawn without leaving
/// `min_query` events, it shrinks, down to one event (to none where `min_shots` is 0). Users too short even for that are never
/// drawn; [`UserSampler::left_out`] counts them. Every event of the user is shown, asked for or passed over.
///
/// Cloning is cheap: the histories are shared. An episode costs a few microseconds, mostly one random number for each event
/// where a subset is drawn.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::sampler::{EpisodeId, TaskSampler, UserSampler, UserSamplerConfig};
///
/// let split = MarketConfig::default().generate()?.dataset().split()?;
/// let sampler = UserSampler::new(split.train, UserSamplerConfig::default())?;
/// let episode = sampler.episode(EpisodeId { seed: 7, index: 0 })?;
/// assert_eq!(episode.support.len(), 20);
/// assert!(episode.query.len() >= 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UserSampler {
    parts: PartSampler,
}

impl UserSampler {
    /// A sampler over these users (a `Vec` or an `Arc` of them).
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the configuration is out of its bounds, [`SamplerError::NoTasks`] if no user has
    /// [`UserSamplerConfig::least_events`].
    pub fn new(histories: impl Into<Arc<[TaskHistory]>>, config: UserSamplerConfig) -> Result<Self, SamplerError> {
        let histories = histories.into();
        let parts: Vec<Part> =
            (0..).zip(&*histories).map(|(place, history)| Part::whole(TaskId::User(history.user), place)).collect();
        Ok(Self { parts: PartSampler::new(histories, parts, config)? })
    }

    /// How many users are drawn: the length of an epoch in episodes.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.parts.tasks()
    }

    /// How many users have too few events to be drawn.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.parts.left_out()
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &UserSamplerConfig {
        self.parts.config()
    }
}

samples_parts!(UserSampler);
