//! What a user did within one category as a task.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::{SupportOrder, UserSamplerConfig, size_builders};
use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::part::{Part, PartSampler, samples_parts};
use super::task::TaskId;
use crate::data::{Catalogue, TaskHistory};

/// How a [`SliceSampler`] draws episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SliceSamplerConfig {
    /// The names of the categories that are tasks, each one of the catalogue's; `None` for all. So some can be kept for an
    /// evaluation: what is left out here is never a task.
    pub categories: Option<Vec<String>>,
    /// Least size of the support set; not more than `max_shots`.
    pub min_shots: usize,
    /// Largest size of the support set, drawn evenly from `min_shots`; it shrinks where the slice would not leave `min_query`.
    pub max_shots: usize,
    /// Least size of the query set, 1 or more.
    pub min_query: usize,
    /// Largest size of the query set, not less than `min_query`. `None` for no limit.
    pub max_query: Option<usize>,
    /// Which events of the slice are the support set. For [`SupportOrder::Early`] every event of the slice is early.
    pub order: SupportOrder,
}

impl Default for SliceSamplerConfig {
    /// All categories, 1 to 10 shots, a query of 5 or more, half of the episodes with the first events and half with others.
    fn default() -> Self {
        let order = SupportOrder::default();
        Self { categories: None, min_shots: 1, max_shots: 10, min_query: 5, max_query: None, order }
    }
}

impl SliceSamplerConfig {
    size_builders!();

    /// The same with these categories alone.
    #[must_use]
    pub fn with_categories<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.categories = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The same with another order.
    #[must_use]
    pub fn with_order(mut self, order: SupportOrder) -> Self {
        self.order = order;
        self
    }

    /// Checks every setting that can be checked without a catalogue.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), SamplerError> {
        self.draws().check()
    }

    fn draws(&self) -> UserSamplerConfig {
        let Self { categories: _, min_shots, max_shots, min_query, max_query, order } = *self;
        UserSamplerConfig { min_shots, max_shots, min_query, max_query, order, early_events: usize::MAX }
    }

    /// For each category of the catalogue whether it is a task.
    fn chosen(&self, catalogue: &Catalogue) -> Result<Vec<bool>, SamplerError> {
        let known = catalogue.categories();
        let Some(names) = &self.categories else { return Ok(vec![true; known.len()]) };
        let mut chosen = vec![false; known.len()];
        for (at, name) in names.iter().enumerate() {
            let code = known.iter().position(|known| known == name).ok_or_else(|| {
                SamplerError::setting(format!("categories[{at}]"), format!("{name:?}"), "a category of the catalogue")
            })?;
            chosen[code] = true;
        }
        Ok(chosen)
    }
}

/// Draws episodes from what a user did within one category of the catalogue, all such slices equally often: a task is a user who
/// wants a thriller tonight, and the same user is another task when it is to be a comedy.
///
/// An event belongs to the slice of each of its item's categories. The user's events outside the slice are passed over: they are
/// not what is asked for, but no sign against their items either. Items outside the category that the user never met stay
/// candidates, and count as not liked: which category it is has to be seen from the support.
///
/// With [`SliceSampler::tasks`] slices, indices `0..tasks` are the first epoch: each slice once, in a random order. Slices too
/// short are never drawn; [`SliceSampler::left_out`] counts them (those with at least one event).
///
/// Cloning is cheap: the histories are shared. Memory: 4 bytes for each event and category of its item. An episode costs a few
/// microseconds and a walk over the user's history.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::sampler::{EpisodeId, SliceSampler, SliceSamplerConfig, TaskId, TaskSampler};
///
/// let data = MarketConfig::default().generate()?.into_dataset();
/// let sampler = SliceSampler::new(data.split()?.train, data.catalogue(), SliceSamplerConfig::default())?;
/// let episode = sampler.episode(EpisodeId { seed: 1, index: 0 })?;
/// let TaskId::Slice { category, .. } = episode.task else { unreachable!() };
/// let mut asked = episode.support.iter().chain(&episode.query);
/// assert!(asked.all(|event| data.catalogue().item(event.item).categories.contains(&category)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SliceSampler {
    parts: PartSampler,
    config: SliceSamplerConfig,
}

impl SliceSampler {
    /// A sampler over the slices of these users (a `Vec` or an `Arc` of their histories) by the catalogue's categories.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the configuration is out of its bounds or names an unknown category,
    /// [`SamplerError::NoTasks`] if no slice is long enough.
    ///
    /// # Panics
    /// If an event's item is not in the catalogue.
    pub fn new(
        histories: impl Into<Arc<[TaskHistory]>>,
        catalogue: &Catalogue,
        config: SliceSamplerConfig,
    ) -> Result<Self, SamplerError> {
        let histories = histories.into();
        let chosen = config.chosen(catalogue)?;
        let mut parts = Vec::new();
        for (at, history) in histories.iter().enumerate() {
            let mut slices: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
            for (place, event) in (0..).zip(&history.events) {
                let categories = catalogue.item(event.item).categories.iter();
                for &category in categories.filter(|&&category| chosen[category as usize]) {
                    slices.entry(category).or_default().push(place);
                }
            }
            let task = |category| TaskId::Slice { user: history.user, category };
            parts.extend(slices.into_iter().map(|(category, places)| Part::at(task(category), at, places)));
        }
        Ok(Self { parts: PartSampler::new(histories, parts, config.draws())?, config })
    }

    /// How many slices are drawn: the length of an epoch in episodes.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.parts.tasks()
    }

    /// How many slices have too few events to be drawn.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.parts.left_out()
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &SliceSamplerConfig {
        &self.config
    }
}

samples_parts!(SliceSampler);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_that_the_catalogue_lacks_is_named() {
        let mut catalogue = Catalogue::new();
        catalogue.describe("a", "", "", ["Drama"]);
        let config = SliceSamplerConfig::default().with_categories(["Drama", "Dramma"]);
        let error = SliceSampler::new(vec![], &catalogue, config).unwrap_err().to_string();
        assert_eq!(error, r#"categories[1] is "Dramma": expected a category of the catalogue"#);
    }
}
