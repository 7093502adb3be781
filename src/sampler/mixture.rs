//! Episodes of several samplers.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::spread::{SLOTS, slot, slots_below};
use crate::data::Draws;

/// A sampler in a mixture.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MixturePart<S = Box<dyn TaskSampler>> {
    /// Where its episodes come from.
    pub sampler: S,
    /// How many episodes are an epoch of the sampler: its `tasks()`. 1 or more.
    pub tasks: usize,
    /// How often it is drawn: finite and 0 or more. Weights need not add up to 1, but none may be less than 2^-32 of their sum.
    pub weight: f64,
}

impl<S: TaskSampler> MixturePart<S> {
    /// A part of this kind of sampler, so that all parts are of one type.
    pub fn new(sampler: S, tasks: usize, weight: f64) -> Self {
        Self { sampler, tasks, weight }
    }
}

impl MixturePart {
    /// A part of any sampler.
    pub fn boxed(sampler: impl TaskSampler + 'static, tasks: usize, weight: f64) -> Self {
        Self { sampler: Box::new(sampler), tasks, weight }
    }
}

/// Draws each episode from one of several samplers, in proportion to weights.
///
/// Each part is drawn with a probability of its share of the weights, to within 2^-32, and evenly: among the first `n` episodes a
/// part has been drawn `n` times its share, give or take one for each binary digit of `n` that is 1, thus never more than 32.
///
/// To its part an episode has an id of the part's own, which [`MixtureSampler::part_of`] tells: the index counts the part's
/// episodes from 0 without a gap, so that epochs of the part stay epochs; the seed is derived from the mixture's seed and the place
/// of the part, so that equal parts draw different episodes.
///
/// Parts are of one type, by default `Box<dyn TaskSampler>`. A mixture of samplers that can be told the number of shots (as
/// `Box<dyn ShotsSampler>`) can be told it too.
///
/// Cloning is cheap. An episode costs one of the part's, and half a microsecond.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::sampler::{
///     EpisodeId, MixturePart, MixtureSampler, SliceSampler, SliceSamplerConfig, TaskId, TaskSampler, UserSampler,
///     UserSamplerConfig,
/// };
///
/// let data = MarketConfig::default().generate()?.into_dataset();
/// let histories = data.split()?.train;
/// let users = UserSampler::new(histories.clone(), UserSamplerConfig::default())?;
/// let slices = SliceSampler::new(histories, data.catalogue(), SliceSamplerConfig::default())?;
/// let (of_users, of_slices) = (users.tasks(), slices.tasks());
/// let mixture =
///     MixtureSampler::new([MixturePart::boxed(users, of_users, 3.0), MixturePart::boxed(slices, of_slices, 1.0)])?;
/// let drawn = (0..100).map(|index| mixture.episode(EpisodeId { seed: 1, index }));
/// let users = drawn.filter(|episode| matches!(episode, Ok(episode) if matches!(episode.task, TaskId::User(_))));
/// assert!((72..=78).contains(&users.count()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct MixtureSampler<S = Box<dyn TaskSampler>> {
    parts: Arc<[MixturePart<S>]>,
    /// Where the slots of each part end; they begin where those of the part before end.
    ends: Arc<[u64]>,
}

impl<S: TaskSampler> MixtureSampler<S> {
    /// A mixture of these parts.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if there is no part, an epoch is empty, a weight is negative, not finite or too small beside the
    /// others, or all are 0.
    pub fn new(parts: impl IntoIterator<Item = MixturePart<S>>) -> Result<Self, SamplerError> {
        let parts: Arc<[MixturePart<S>]> = parts.into_iter().collect();
        for (at, part) in parts.iter().enumerate() {
            if !(0.0..=f64::MAX / parts.len() as f64).contains(&part.weight) {
                return Err(weight(at, part.weight, "a finite number, 0 or more"));
            }
            if part.tasks == 0 {
                return Err(SamplerError::setting(format!("parts[{at}].tasks"), 0, "1 or more"));
            }
        }
        let total: f64 = parts.iter().map(|part| part.weight).sum();
        if total == 0.0 {
            return Err(SamplerError::setting("parts", "without weight", "at least one with a weight above 0"));
        }
        let (mut sum, mut start) = (0.0, 0);
        let mut ends = Vec::with_capacity(parts.len());
        for (at, part) in parts.iter().enumerate() {
            sum += part.weight;
            let end = (sum / total * SLOTS as f64).round() as u64;
            if part.weight > 0.0 && end == start {
                return Err(weight(at, part.weight, "0, or at least 2^-32 of the sum of the weights"));
            }
            ends.push(end);
            start = end;
        }
        Ok(Self { parts, ends: ends.into() })
    }

    /// The length of an epoch in episodes: as many as the parts that are drawn have tasks together. In an epoch a part goes through
    /// its own tasks once if its weight is in proportion to them; else more or less often.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.parts.iter().filter(|part| part.weight > 0.0).map(|part| part.tasks).sum()
    }

    /// What it was made from.
    #[must_use]
    pub fn parts(&self) -> &[MixturePart<S>] {
        &self.parts
    }

    /// Which part an episode comes from, by its place, and which episode of the part it is.
    #[must_use]
    pub fn part_of(&self, id: EpisodeId) -> (usize, EpisodeId) {
        let (block, place) = (id.index / SLOTS, id.index % SLOTS);
        let shift = Draws::new(*b"mixture\0", id.seed, block).bits();
        let slot = slot(place, shift);
        let part = self.ends.partition_point(|&end| end <= slot);
        let end = self.ends[part];
        let start = part.checked_sub(1).map_or(0, |before| self.ends[before]);
        let before = slots_below(place, end, shift) - slots_below(place, start, shift);
        let seed = Draws::new(*b"mixseed\0", id.seed, part as u64).bits();
        (part, EpisodeId { seed, index: block * (end - start) + before })
    }
}

/// What is wrong with a weight.
fn weight(at: usize, weight: f64, expected: &'static str) -> SamplerError {
    SamplerError::setting(format!("parts[{at}].weight"), weight, expected)
}

impl<S: TaskSampler> TaskSampler for MixtureSampler<S> {
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
        let (part, id) = self.part_of(id);
        self.parts[part].sampler.episode(id)
    }
}

impl<S: ShotsSampler> ShotsSampler for MixtureSampler<S> {
    fn episode_with(&self, id: EpisodeId, shots: RangeInclusive<usize>) -> Result<Episode, SamplerError> {
        let (part, id) = self.part_of(id);
        self.parts[part].sampler.episode_with(id, shots)
    }
}
