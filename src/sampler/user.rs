//! Episodes from users, all of them equally often.

use std::sync::Arc;

use super::config::{SupportOrder, UserSamplerConfig};
use super::episode::{Episode, EpisodeId, TaskSampler};
use super::error::SamplerError;
use super::permutation::Permutation;
use crate::data::{Draws, IndexedEvent, TaskHistory};

/// Draws episodes from users, all of them equally often.
///
/// With [`UserSampler::users`] users, indices `0..users` are the first epoch: each user once, in a random order; `users..2 * users`
/// are the second, in another order, and so on. Where the support set cannot have the size that was drawn without leaving
/// `min_query` events, it shrinks, down to one event (to none where `min_shots` is 0). Users too short even for that are never
/// drawn; [`UserSampler::left_out`] counts them.
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
    tasks: Arc<[TaskHistory]>,
    /// Places in `tasks` of those that are long enough.
    usable: Arc<[usize]>,
    config: UserSamplerConfig,
}

impl UserSampler {
    /// A sampler over these users (a `Vec` or an `Arc` of them).
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the configuration is out of its bounds, [`SamplerError::NoUsers`] if no user has
    /// [`UserSamplerConfig::least_events`].
    pub fn new(tasks: impl Into<Arc<[TaskHistory]>>, config: UserSamplerConfig) -> Result<Self, SamplerError> {
        config.check()?;
        let tasks = tasks.into();
        let least = config.least_events();
        let usable: Arc<[usize]> = (0..tasks.len()).filter(|&place| tasks[place].events.len() >= least).collect();
        if usable.is_empty() {
            return Err(SamplerError::NoUsers { users: tasks.len(), least });
        }
        Ok(Self { tasks, usable, config })
    }

    /// How many users are drawn: the length of an epoch in episodes.
    #[must_use]
    pub fn users(&self) -> usize {
        self.usable.len()
    }

    /// How many users have too few events to be drawn.
    #[must_use]
    pub fn left_out(&self) -> usize {
        self.tasks.len() - self.usable.len()
    }

    /// What it was made from.
    #[must_use]
    pub fn config(&self) -> &UserSamplerConfig {
        &self.config
    }

    /// The user of an episode.
    fn task(&self, id: EpisodeId) -> &TaskHistory {
        let users = self.usable.len() as u64;
        let turn = Permutation::new(users, id.seed, id.index / users).at(id.index % users);
        &self.tasks[self.usable[usize::try_from(turn).unwrap_or(0)]]
    }

    fn order(&self, draws: &mut Draws) -> SupportOrder {
        let SupportOrder::Mixture(weights) = self.config.order else { return self.config.order };
        match draws.weighted(&weights.as_array()) {
            Some(1) => SupportOrder::Window,
            Some(2) => SupportOrder::Subset,
            Some(3) => SupportOrder::Early,
            _ => SupportOrder::First,
        }
    }
}

impl TaskSampler for UserSampler {
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
        let task = self.task(id);
        let mut draws = Draws::new(*b"episode\0", id.seed, id.index);
        let UserSamplerConfig { min_shots, max_shots, min_query, max_query, .. } = self.config;
        let room = task.events.len() - min_query;
        let shots = (min_shots + draws.below(max_shots - min_shots + 1)).min(room);
        let Sets { support, mut query, passed_over } = match self.order(&mut draws) {
            SupportOrder::Window => window(&task.events, draws.below(room - shots + 1), shots),
            SupportOrder::Subset => subset(&task.events, &draws.subset(shots, task.events.len())),
            SupportOrder::Early => {
                let most = self.config.early_events.clamp(shots, room);
                let early = shots + draws.below(most - shots + 1);
                let Sets { support, query: passed_over, .. } =
                    subset(&task.events[..early], &draws.subset(shots, early));
                Sets { support, query: task.events[early..].to_vec(), passed_over }
            }
            SupportOrder::First | SupportOrder::Mixture(_) => window(&task.events, 0, shots),
        };
        if let Some(most) = max_query.filter(|&most| most < query.len()) {
            query = draws.subset(most, query.len()).into_iter().map(|place| query[place]).collect();
        }
        Ok(Episode { user: task.user, support, query, passed_over })
    }
}

/// The three parts of an episode.
struct Sets {
    support: Vec<IndexedEvent>,
    query: Vec<IndexedEvent>,
    passed_over: Vec<IndexedEvent>,
}

fn window(events: &[IndexedEvent], start: usize, shots: usize) -> Sets {
    let (support, query) = events[start..].split_at(shots);
    Sets { support: support.to_vec(), query: query.to_vec(), passed_over: events[..start].to_vec() }
}

fn subset(events: &[IndexedEvent], chosen: &[usize]) -> Sets {
    let mut next = chosen.iter().copied().peekable();
    let (mut support, mut query) = (Vec::with_capacity(chosen.len()), Vec::with_capacity(events.len() - chosen.len()));
    for (place, event) in events.iter().enumerate() {
        match next.next_if_eq(&place) {
            Some(_) => support.push(*event),
            None => query.push(*event),
        }
    }
    Sets { support, query, passed_over: Vec::new() }
}
