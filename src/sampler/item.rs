//! Cold items as tasks.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::{SupportOrder, UserSamplerConfig, size_builders};
use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::part::{Part, PartSampler, samples_parts};
use super::task::TaskId;
use crate::data::{ItemIndex, TaskHistory};

/// How an [`ItemSampler`] draws episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ItemSamplerConfig {
    /// Least size of the support set; not more than `max_shots`. 0 to meet items that nobody has met yet.
    pub min_shots: usize,
    /// Largest size of the support set, drawn evenly from `min_shots`; it shrinks where the item's events would not leave
    /// `min_query`.
    pub max_shots: usize,
    /// Least size of the query set, 1 or more.
    pub min_query: usize,
    /// Largest size of the query set, not less than `min_query`. `None` for no limit.
    pub max_query: Option<usize>,
    /// How many of an item's events count as early, at most; 1 or more. The support is a random set of the early events, and the
    /// query all events after those; how many are early is drawn evenly from the size of the support up to this. Where this is not
    /// more than the size of the support, the support is the very first events.
    pub early_events: usize,
    /// Items with fewer events than this are left out, besides those that are too short for `min_query` anyway.
    pub least_events: usize,
}

impl Default for ItemSamplerConfig {
    /// 0 to 10 shots of the first 20 events, a query of 10 or more.
    fn default() -> Self {
        Self { min_shots: 0, max_shots: 10, min_query: 10, max_query: None, early_events: 20, least_events: 0 }
    }
}

impl ItemSamplerConfig {
    size_builders!();

    /// The same with another number of early events.
    #[must_use]
    pub fn with_early_events(mut self, early_events: usize) -> Self {
        self.early_events = early_events;
        self
    }

    /// The same with another least number of events.
    #[must_use]
    pub fn with_least_events(mut self, least_events: usize) -> Self {
        self.least_events = least_events;
        self
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), SamplerError> {
        self.draws().check()
    }

    fn draws(&self) -> UserSamplerConfig {
        let Self { min_shots, max_shots, min_query, max_query, early_events, least_events: _ } = *self;
        UserSamplerConfig { min_shots, max_shots, min_query, max_query, early_events, order: SupportOrder::Early }
    }
}

/// Draws episodes from items, all of them equally often: a new item and the first users who met it, to find the users who will.
///
/// It reads *transposed* histories, in which users and items have changed places:
/// [`Dataset::transposed`](crate::data::Dataset::transposed) makes a data set whose "users" are the items and whose "catalogue" are
/// the users, and everything behind it works unchanged. The split of a transposed data set holds out whole items.
///
/// With [`ItemSampler::tasks`] items, indices `0..tasks` are the first epoch: each item once, in a random order. The query is
/// always later than the support. Every event of the item is shown, asked for or passed over. Items too short are never drawn;
/// [`ItemSampler::left_out`] counts them.
///
/// Cloning is cheap: the histories are shared. An episode costs a few microseconds and a walk over the item's history.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::sampler::{EpisodeId, ItemSampler, ItemSamplerConfig, TaskId, TaskSampler};
///
/// let data = MarketConfig::default().generate()?.into_dataset();
/// let items = data.transposed();
/// let sampler = ItemSampler::new(items.split()?.train, ItemSamplerConfig::default().with_shots(1..=5))?;
/// let episode = sampler.episode(EpisodeId { seed: 1, index: 0 })?;
/// let TaskId::Item(item) = episode.task else { unreachable!() };
/// let (title, first) = (data.catalogue().title(item), items.catalogue().id(episode.support[0].item));
/// println!("{title} was met by {first} first");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct ItemSampler {
    parts: PartSampler,
    config: ItemSamplerConfig,
}

impl ItemSampler {
    /// A sampler over these items (a `Vec` or an `Arc` of transposed histories).
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the configuration is out of its bounds, [`SamplerError::NoTasks`] if no item has enough
    /// events.
    pub fn new(transposed: impl Into<Arc<[TaskHistory]>>, config: ItemSamplerConfig) -> Result<Self, SamplerError> {
        let histories = transposed.into();
        let item = |history: &TaskHistory| TaskId::Item(ItemIndex(history.user.0));
        let parts: Vec<Part> =
            (0..).zip(&*histories).map(|(place, history)| Part::whole(item(history), place)).collect();
        Ok(Self { parts: PartSampler::with_least(histories, parts, config.draws(), config.least_events)?, config })
    }

    /// How many items are drawn: the length of an epoch in episodes.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.parts.tasks()
    }

    /// How many items have too few events to be drawn.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.parts.left_out()
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &ItemSamplerConfig {
        &self.config
    }
}

samples_parts!(ItemSampler);
