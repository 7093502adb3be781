//! One draw of a task, and what draws it.

use serde::{Deserialize, Serialize};

use super::error::SamplerError;
use crate::data::{IndexedEvent, UserIndex};

/// Which episode: the seed of a training run, and the number of the episode in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct EpisodeId {
    /// Seed of the run.
    pub seed: u64,
    /// Number of the episode, from 0.
    pub index: u64,
}

/// One draw of a task.
///
/// Support and query never share an event. They may share an *item*, where the user has several events of it: those are
/// different events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Whose events.
    pub user: UserIndex,
    /// What adaptation sees, in time order.
    pub support: Vec<IndexedEvent>,
    /// What the outer loss sees, in time order.
    pub query: Vec<IndexedEvent>,
    /// Earlier events in neither set: not shown, and not to be predicted either, so that as candidates they count neither for nor against.
    pub passed_over: Vec<IndexedEvent>,
}

/// Draws episodes.
///
/// The episode must be a pure function of the id: two calls with one id, on any thread, in any order, give equal episodes.
///
/// ```
/// use metarec::data::{TaskHistory, UserIndex};
/// use metarec::sampler::{Episode, EpisodeId, SamplerError, TaskSampler};
///
/// /// Every user in turn; one event to adapt to, the rest to be scored on.
/// struct InTurn(Vec<TaskHistory>);
///
/// impl TaskSampler for InTurn {
///     fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
///         let turn = usize::try_from(id.index).map_err(SamplerError::other)? % self.0.len();
///         let task = &self.0[turn];
///         let (support, query) = task.events.split_at(task.events.len().min(1));
///         Ok(Episode { user: task.user, support: support.to_vec(), query: query.to_vec(), passed_over: vec![] })
///     }
/// }
///
/// let sampler: Box<dyn TaskSampler> = Box::new(InTurn(vec![TaskHistory { user: UserIndex(0), events: vec![] }]));
/// assert_eq!(sampler.episode(EpisodeId { seed: 1, index: 5 })?.user, UserIndex(0));
/// # Ok::<(), SamplerError>(())
/// ```
pub trait TaskSampler: Send + Sync {
    /// The episode of this id.
    ///
    /// # Errors
    /// If it cannot be drawn. The samplers of this crate check everything when they are made, and do not fail here.
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError>;
}
