//! Episodes from any parts of histories, all of them equally often.

use std::borrow::Cow;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use super::config::UserSamplerConfig;
use super::draw::draw;
use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::permutation::turn;
use super::task::TaskId;
use crate::data::{IndexedEvent, TaskHistory};

/// A task that is a part of one history: which history, and which of its events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    task: TaskId,
    history: usize,
    places: Places,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Places {
    All,
    Run(Range<usize>),
    At(Box<[u32]>),
}

impl Part {
    /// All events of a history, which is told by its place among the histories.
    #[must_use]
    pub fn whole(task: TaskId, history: usize) -> Self {
        Self { task, history, places: Places::All }
    }

    /// Events in a row.
    #[must_use]
    pub fn run(task: TaskId, history: usize, places: Range<usize>) -> Self {
        Self { task, history, places: Places::Run(places) }
    }

    /// The events at these places, ascending.
    #[must_use]
    pub fn at(task: TaskId, history: usize, places: impl Into<Box<[u32]>>) -> Self {
        Self { task, history, places: Places::At(places.into()) }
    }

    fn len(&self, histories: &[TaskHistory]) -> usize {
        match &self.places {
            Places::All => histories[self.history].events.len(),
            Places::Run(run) => run.len(),
            Places::At(places) => places.len(),
        }
    }

    /// Where in the history the event at `place` of the part stands.
    fn place(&self, place: usize) -> usize {
        match &self.places {
            Places::All => place,
            Places::Run(run) => run.start + place,
            Places::At(places) => places[place] as usize,
        }
    }

    fn check(&self, at: usize, histories: &[TaskHistory]) -> Result<(), SamplerError> {
        let Some(history) = histories.get(self.history) else {
            return Err(SamplerError::setting(format!("parts[{at}].history"), self.history, "one of the histories"));
        };
        let len = history.events.len();
        let fits = match &self.places {
            Places::All => true,
            Places::Run(run) => run.start <= run.end && run.end <= len,
            Places::At(places) => {
                places.is_sorted_by(|a, b| a < b) && places.last().is_none_or(|&last| (last as usize) < len)
            }
        };
        if fits {
            return Ok(());
        }
        Err(SamplerError::setting(
            format!("parts[{at}].places"),
            format!("{:?}", self.places),
            "ascending places of events of the history",
        ))
    }
}

/// Draws episodes from parts of histories, all parts equally often. [`UserSampler`](super::UserSampler),
/// [`SessionSampler`](super::SessionSampler), [`SliceSampler`](super::SliceSampler) and [`ItemSampler`](super::ItemSampler) are this
/// with parts of their own; whoever cuts histories in another way hands in other parts.
///
/// With `n` parts, indices `0..n` are the first epoch: each part once, in a random order; `n..2 * n` are the second, in another
/// order, and so on. Support and query come from the part, as [`UserSamplerConfig`] says of a user's history. Every other event of
/// the history is passed over: what the same user liked elsewhere counts neither for nor against.
///
/// Cloning is cheap: histories and parts are shared. An episode costs a few microseconds and a walk over its history.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::sampler::{EpisodeId, Part, PartSampler, SupportOrder, TaskId, TaskSampler, UserSamplerConfig};
///
/// // A task is every second event of a user.
/// let histories = MarketConfig::default().generate()?.dataset().split()?.train;
/// let parts = histories.iter().enumerate().map(|(place, history)| {
///     let even: Vec<u32> = (0..history.events.len() as u32).step_by(2).collect();
///     Part::at(TaskId::Other(history.user.0.into()), place, even)
/// });
/// let config = UserSamplerConfig::default().with_shots(1..=5).with_order(SupportOrder::First);
/// let sampler = PartSampler::new(histories.clone(), parts, config)?;
/// let episode = sampler.episode(EpisodeId { seed: 1, index: 0 })?;
/// assert!(episode.passed_over.len() >= episode.query.len());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct PartSampler {
    histories: Arc<[TaskHistory]>,
    /// Those that are long enough.
    parts: Arc<[Part]>,
    left_out: usize,
    config: UserSamplerConfig,
}

impl PartSampler {
    /// A sampler over these parts of these histories.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the configuration is out of its bounds or a part is none of its history,
    /// [`SamplerError::NoTasks`] if no part has [`UserSamplerConfig::least_events`].
    pub fn new(
        histories: impl Into<Arc<[TaskHistory]>>,
        parts: impl IntoIterator<Item = Part>,
        config: UserSamplerConfig,
    ) -> Result<Self, SamplerError> {
        Self::with_least(histories.into(), parts, config, 0)
    }

    /// The same over the parts with no fewer than `least` events.
    pub(super) fn with_least(
        histories: Arc<[TaskHistory]>,
        parts: impl IntoIterator<Item = Part>,
        config: UserSamplerConfig,
        least: usize,
    ) -> Result<Self, SamplerError> {
        config.check()?;
        let least = least.max(config.least_events());
        let (mut long, mut tasks) = (Vec::new(), 0);
        for (at, part) in parts.into_iter().enumerate() {
            part.check(at, &histories)?;
            tasks = at + 1;
            if part.len(&histories) >= least {
                long.push(part);
            }
        }
        if long.is_empty() {
            return Err(SamplerError::NoTasks { tasks, least });
        }
        Ok(Self { histories, left_out: tasks - long.len(), parts: long.into(), config })
    }

    /// How many parts are drawn: the length of an epoch in episodes.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.parts.len()
    }

    /// How many parts have too few events to be drawn.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.left_out
    }

    /// How support and query are drawn.
    #[must_use]
    pub fn config(&self) -> &UserSamplerConfig {
        &self.config
    }

    fn draw(&self, id: EpisodeId, config: &UserSamplerConfig) -> Episode {
        let part = &self.parts[turn(self.parts.len(), id)];
        let history = &self.histories[part.history].events;
        let drawn = draw(part.len(&self.histories), id, config);
        let mut roles = vec![Role::PassedOver; history.len()];
        drawn.support.into_iter().for_each(|place| roles[part.place(place)] = Role::Support);
        drawn.query.into_iter().for_each(|place| roles[part.place(place)] = Role::Query);
        let of = |role| -> Vec<IndexedEvent> {
            history.iter().zip(&roles).filter(|(_, is)| **is == role).map(|(event, _)| *event).collect()
        };
        Episode {
            task: part.task,
            support: of(Role::Support),
            query: of(Role::Query),
            passed_over: of(Role::PassedOver),
        }
    }
}

/// What an event of the history is in an episode.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Role {
    Support,
    Query,
    PassedOver,
}

impl TaskSampler for PartSampler {
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
        Ok(self.draw(id, &self.config))
    }
}

impl ShotsSampler for PartSampler {
    fn episode_with(&self, id: EpisodeId, shots: RangeInclusive<usize>) -> Result<Episode, SamplerError> {
        check_shots("shots", &shots)?;
        Ok(self.draw(id, &self.config.clone().with_shots(shots)))
    }
}

/// Refuses a range of shots that nothing can be drawn from.
pub(super) fn check_shots(
    field: impl Into<Cow<'static, str>>,
    shots: &RangeInclusive<usize>,
) -> Result<(), SamplerError> {
    if shots.start() <= shots.end() && *shots.end() < usize::MAX {
        return Ok(());
    }
    Err(SamplerError::setting(
        field,
        format!("{shots:?}"),
        "a range that is not empty and ends below the largest number",
    ))
}

/// Makes a struct with the field `parts: PartSampler` a sampler of its parts.
macro_rules! samples_parts {
    ($sampler:ty) => {
        impl TaskSampler for $sampler {
            fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
                self.parts.episode(id)
            }
        }

        impl ShotsSampler for $sampler {
            fn episode_with(&self, id: EpisodeId, shots: RangeInclusive<usize>) -> Result<Episode, SamplerError> {
                self.parts.episode_with(id, shots)
            }
        }
    };
}
pub(super) use samples_parts;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::UserIndex;

    #[test]
    fn parts_that_are_none_of_their_history_are_named() {
        let history = TaskHistory { user: UserIndex(0), events: vec![] };
        let error = |part| {
            let parts = [Part::whole(TaskId::Other(1), 0), part];
            PartSampler::new(vec![history.clone()], parts, UserSamplerConfig::default()).unwrap_err().to_string()
        };
        assert_eq!(error(Part::whole(TaskId::Other(2), 1)), "parts[1].history is 1: expected one of the histories");
        assert!(error(Part::run(TaskId::Other(2), 0, 0..1)).starts_with("parts[1].places is Run(0..1): expected asc"));
        assert!(
            error(Part::at(TaskId::Other(2), 0, [0])).starts_with("parts[1].places is At([0]): expected ascending")
        );
        assert!(error(Part::whole(TaskId::Other(2), 0)).starts_with("none of 2 tasks has enough events"));
    }
}
