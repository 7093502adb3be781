//! One draw of a task, and what draws it.

use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::error::SamplerError;
use super::task::TaskId;
use crate::data::IndexedEvent;

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
/// Support and query never share an event. They may share an *item*, where a user has several events of it: those are different
/// events.
///
/// In the loss, items that are neither in the query nor left out count as not liked. Left out are those of the support and those
/// passed over, unless the query has them as well. So whatever is known to have been liked, but is not asked for in this episode,
/// belongs to [`Episode::passed_over`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// What the task is.
    pub task: TaskId,
    /// What adaptation sees, in time order.
    pub support: Vec<IndexedEvent>,
    /// What the outer loss sees, in time order.
    pub query: Vec<IndexedEvent>,
    /// Events in neither set, in time order: not shown, and not to be predicted from the support either, so that as candidates for the query they
    /// count neither for nor against. Inner steps on the support know nothing of them, as they would not where a user is served.
    pub passed_over: Vec<IndexedEvent>,
}

/// Draws episodes.
///
/// The episode must be a pure function of the id: two calls with one id, on any thread, in any order, give equal episodes.
///
/// A reference, a `Box` or an `Arc` of a sampler is a sampler.
///
/// ```
/// use metarec::data::{TaskHistory, UserIndex};
/// use metarec::sampler::{Episode, EpisodeId, SamplerError, TaskId, TaskSampler};
///
/// /// Every user in turn; one event to adapt to, the rest to be scored on.
/// struct InTurn(Vec<TaskHistory>);
///
/// impl TaskSampler for InTurn {
///     fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
///         let turn = usize::try_from(id.index).map_err(SamplerError::other)? % self.0.len();
///         let TaskHistory { user, events } = &self.0[turn];
///         let (support, query) = events.split_at(events.len().min(1));
///         Ok(Episode { task: TaskId::User(*user), support: support.to_vec(), query: query.to_vec(), passed_over: vec![] })
///     }
/// }
///
/// let sampler: Box<dyn TaskSampler> = Box::new(InTurn(vec![TaskHistory { user: UserIndex(0), events: vec![] }]));
/// assert_eq!(sampler.episode(EpisodeId { seed: 1, index: 5 })?.task, TaskId::User(UserIndex(0)));
/// # Ok::<(), SamplerError>(())
/// ```
pub trait TaskSampler: Send + Sync {
    /// The episode of this id.
    ///
    /// # Errors
    /// If it cannot be drawn. The samplers of this crate check everything when they are made, and do not fail here.
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError>;
}

/// A sampler that can be told the size of the support set episode by episode, as a
/// [`CurriculumSampler`](super::CurriculumSampler) does.
pub trait ShotsSampler: TaskSampler {
    /// The episode of this id with as many shots as are drawn evenly from `shots`, fewer where the task would be left without the
    /// query set that it must have.
    ///
    /// A pure function of the id and the range. Which task the id stands for does not depend on the range, so that an epoch stays
    /// one. With the range that the sampler was made with it is [`TaskSampler::episode`].
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if the range is empty or ends at the largest number; else as [`TaskSampler::episode`].
    fn episode_with(&self, id: EpisodeId, shots: RangeInclusive<usize>) -> Result<Episode, SamplerError>;
}

/// Makes pointers to samplers samplers.
macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<S: TaskSampler + ?Sized> TaskSampler for $pointer {
            fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
                (**self).episode(id)
            }
        }

        impl<S: ShotsSampler + ?Sized> ShotsSampler for $pointer {
            fn episode_with(&self, id: EpisodeId, shots: RangeInclusive<usize>) -> Result<Episode, SamplerError> {
                (**self).episode_with(id, shots)
            }
        }
    )*};
}

forward!(&S, Box<S>, Arc<S>);
