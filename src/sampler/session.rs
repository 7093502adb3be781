//! Sessions as tasks.

use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::config::{SupportOrder, UserSamplerConfig, size_builders};
use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::part::{Part, PartSampler, samples_parts};
use super::task::TaskId;
use crate::data::{IndexedEvent, TaskHistory};

/// How a [`SessionSampler`] cuts histories into sessions and draws episodes from them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SessionSamplerConfig {
    /// The longest time between two events of one session, in seconds.
    pub max_gap: u64,
    /// Least size of the support set; not more than `max_shots`.
    pub min_shots: usize,
    /// Largest size of the support set, drawn evenly from `min_shots`; it shrinks where the session would not leave `min_query`.
    pub max_shots: usize,
    /// Least size of the query set, 1 or more.
    pub min_query: usize,
    /// Largest size of the query set, not less than `min_query`. `None` for no limit.
    pub max_query: Option<usize>,
    /// Which events of the session are the support set. For [`SupportOrder::Early`] every event of the session is early.
    pub order: SupportOrder,
}

impl Default for SessionSamplerConfig {
    /// Half an hour without an event ends a session; its first 1 to 5 events are the support, all later ones, at least 1, the query.
    fn default() -> Self {
        Self { max_gap: 1800, min_shots: 1, max_shots: 5, min_query: 1, max_query: None, order: SupportOrder::First }
    }
}

impl SessionSamplerConfig {
    size_builders!();

    /// The same with another longest time between two events of a session, in seconds.
    #[must_use]
    pub fn with_max_gap(mut self, seconds: u64) -> Self {
        self.max_gap = seconds;
        self
    }

    /// The same with another order.
    #[must_use]
    pub fn with_order(mut self, order: SupportOrder) -> Self {
        self.order = order;
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
        let Self { max_gap: _, min_shots, max_shots, min_query, max_query, order } = *self;
        UserSamplerConfig { min_shots, max_shots, min_query, max_query, order, early_events: usize::MAX }
    }
}

/// Draws episodes from sessions, all of them equally often: what a visitor wants *now*.
///
/// A session is a run of one user's events without a gap longer than [`SessionSamplerConfig::max_gap`]. An event of unknown time
/// belongs to no session. All events of the user outside the session, earlier and later ones and those of unknown time, are passed
/// over: they are known to be liked, or not, for other reasons.
///
/// With [`SessionSampler::tasks`] sessions, indices `0..tasks` are the first epoch: each session once, in a random order. A user
/// with more sessions is drawn more often. Sessions too short are never drawn; [`SessionSampler::left_out`] counts them.
///
/// Cloning is cheap: the histories are shared. An episode costs a few microseconds and a walk over the user's history.
///
/// ```
/// use metarec::data::{Event, from_events, UserSplit, UserIndex, TaskHistory};
/// use metarec::sampler::{EpisodeId, SessionSampler, SessionSamplerConfig, TaskId, TaskSampler};
///
/// let hour = 3600;
/// let times = [("a", 0), ("b", 60), ("c", hour), ("d", hour + 10), ("e", hour + 20)];
/// let data = from_events(times.map(|(item, time)| ("ann", Event::click(item).at(time))))?;
/// let history = TaskHistory { user: UserIndex(0), events: data.history(UserIndex(0)).to_vec() };
/// let sampler = SessionSampler::new(vec![history], SessionSamplerConfig::default().with_min_query(2))?;
/// assert_eq!((sampler.tasks(), sampler.left_out()), (1, 1));
/// let episode = sampler.episode(EpisodeId { seed: 1, index: 0 })?;
/// assert_eq!(episode.task, TaskId::Session { user: UserIndex(0), number: 1 });
/// assert_eq!((episode.support.len(), episode.query.len(), episode.passed_over.len()), (1, 2, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct SessionSampler {
    parts: PartSampler,
    config: SessionSamplerConfig,
}

impl SessionSampler {
    /// A sampler over the sessions of these users (a `Vec` or an `Arc` of their histories).
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the configuration is out of its bounds, [`SamplerError::NoTasks`] if no session is long
    /// enough.
    pub fn new(histories: impl Into<Arc<[TaskHistory]>>, config: SessionSamplerConfig) -> Result<Self, SamplerError> {
        let histories = histories.into();
        let mut parts = Vec::new();
        for (place, history) in histories.iter().enumerate() {
            let sessions = (0..).zip(sessions(&history.events, config.max_gap));
            parts
                .extend(sessions.map(|(number, session)| {
                    Part::run(TaskId::Session { user: history.user, number }, place, session)
                }));
        }
        Ok(Self { parts: PartSampler::new(histories, parts, config.draws())?, config })
    }

    /// How many sessions are drawn: the length of an epoch in episodes.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.parts.tasks()
    }

    /// How many sessions have too few events to be drawn.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.parts.left_out()
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &SessionSamplerConfig {
        &self.config
    }
}

samples_parts!(SessionSampler);

/// The sessions of a history in time order, as places of its events.
fn sessions(events: &[IndexedEvent], max_gap: u64) -> Vec<Range<usize>> {
    let near = |a: &IndexedEvent, b: &IndexedEvent| {
        a.timestamp.zip(b.timestamp).is_some_and(|(before, after)| after.abs_diff(before) <= max_gap)
    };
    let mut start = 0;
    let mut found = Vec::new();
    for session in events.chunk_by(near) {
        let end = start + session.len();
        if session[0].timestamp.is_some() {
            found.push(start..end);
        }
        start = end;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, ItemIndex};

    fn cut(times: &[Option<i64>], max_gap: u64) -> Vec<(usize, usize)> {
        let event = |&timestamp| IndexedEvent { item: ItemIndex(0), action: Action::Click, value: None, timestamp };
        let events: Vec<IndexedEvent> = times.iter().map(event).collect();
        sessions(&events, max_gap).into_iter().map(|session| (session.start, session.end)).collect()
    }

    #[test]
    fn a_gap_that_is_just_short_enough_does_not_end_a_session() {
        assert_eq!(cut(&[Some(0), Some(10), Some(21), Some(21)], 10), [(0, 2), (2, 4)]);
    }

    #[test]
    fn events_of_unknown_time_are_in_no_session() {
        assert_eq!(cut(&[None, None, Some(5), Some(6)], 10), [(2, 4)]);
        assert_eq!(cut(&[Some(5), None, Some(6)], 10), [(0, 1), (2, 3)]);
        assert!(cut(&[None], 10).is_empty() && cut(&[], 10).is_empty());
    }

    #[test]
    fn the_widest_gap_does_not_overflow() {
        assert_eq!(cut(&[Some(i64::MIN), Some(i64::MAX)], u64::MAX), [(0, 2)]);
    }
}
