//! The number of shots as a matter of how far training is.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::episode::{Episode, EpisodeId, ShotsSampler, TaskSampler};
use super::error::SamplerError;
use super::part::check_shots;

/// When a stage of a curriculum begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StageStart {
    /// At an episode, counted from 0.
    Episode(u64),
    /// At the first episode of an epoch, counted from 0: each of the tasks once. A training epoch fills its last meta-batch up, so that it is
    /// longer where the tasks are no multiple of the meta-batch, and much longer where they are fewer.
    Epoch(u64),
}

/// A stage of a curriculum: from when on how many shots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CurriculumStage {
    /// When it begins; it ends where the next one begins.
    pub from: StageStart,
    /// Least size of the support set; not more than `max_shots`.
    pub min_shots: usize,
    /// Largest size of the support set.
    pub max_shots: usize,
}

impl CurriculumStage {
    /// This many shots from then on.
    #[must_use]
    pub fn new(from: StageStart, shots: RangeInclusive<usize>) -> Self {
        let (min_shots, max_shots) = shots.into_inner();
        Self { from, min_shots, max_shots }
    }

    fn shots(self) -> RangeInclusive<usize> {
        self.min_shots..=self.max_shots
    }
}

/// The schedule of a [`CurriculumSampler`].
///
/// ```
/// use metarec::sampler::CurriculumConfig;
///
/// // From many shots to few.
/// let text = r#"{"stages":[
///     {"from":{"epoch":0},"min_shots":20,"max_shots":20},
///     {"from":{"epoch":10},"min_shots":0,"max_shots":5}
/// ]}"#;
/// let config: CurriculumConfig = serde_json::from_str(text)?;
/// assert_eq!(config.stages[1].max_shots, 5);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct CurriculumConfig {
    /// At least one; the first begins with episode 0, each other one later than the one before.
    pub stages: Vec<CurriculumStage>,
}

impl CurriculumConfig {
    /// These stages.
    pub fn new(stages: impl IntoIterator<Item = CurriculumStage>) -> Self {
        Self { stages: stages.into_iter().collect() }
    }

    /// The episodes with which the stages begin, where an epoch has `tasks` episodes.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] with the first setting that is out of its bounds.
    pub fn starts(&self, tasks: usize) -> Result<Vec<u64>, SamplerError> {
        if tasks == 0 {
            return Err(SamplerError::setting("tasks", 0, "1 or more"));
        }
        let mut starts: Vec<u64> = Vec::with_capacity(self.stages.len());
        for (at, stage) in self.stages.iter().enumerate() {
            let from = |expected| {
                Err(SamplerError::setting(format!("stages[{at}].from"), format!("{:?}", stage.from), expected))
            };
            let start = match stage.from {
                StageStart::Episode(episode) => episode,
                StageStart::Epoch(epoch) => epoch.saturating_mul(tasks as u64),
            };
            match starts.last() {
                None if start > 0 => return from("the first episode, 0"),
                Some(&before) if start <= before => return from("later than the stage before"),
                _ => starts.push(start),
            }
            check_shots(format!("stages[{at}].shots"), &stage.shots())?;
        }
        if starts.is_empty() { Err(SamplerError::setting("stages", "empty", "at least one")) } else { Ok(starts) }
    }
}

/// Draws the episodes of another sampler with as many shots as a schedule says for their index.
///
/// The tasks are those of the other sampler, in the same order; only sizes of support sets change. Which users (sessions, slices)
/// are long enough to be drawn was decided when the other sampler was made, by *its* number of shots.
///
/// In a mixture, make the curriculum of the mixture: a curriculum that is a part counts the part's own episodes.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::sampler::{
///     CurriculumConfig, CurriculumSampler, CurriculumStage, EpisodeId, StageStart, TaskSampler, UserSampler,
///     UserSamplerConfig,
/// };
///
/// let users = UserSampler::new(MarketConfig::default().generate()?.dataset().split()?.train, UserSamplerConfig::default())?;
/// let stages = [(0, 20..=20), (2, 5..=10), (4, 0..=5)];
/// let schedule =
///     CurriculumConfig::new(stages.map(|(epoch, shots)| CurriculumStage::new(StageStart::Epoch(epoch), shots)));
/// let tasks = users.tasks();
/// let sampler = CurriculumSampler::new(users, tasks, schedule)?;
/// let shots = |index| Ok::<_, metarec::sampler::SamplerError>(sampler.episode(EpisodeId { seed: 1, index })?.support.len());
/// assert_eq!(shots(0)?, 20);
/// assert!(shots(4 * tasks as u64)? <= 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CurriculumSampler<S = Box<dyn ShotsSampler>> {
    sampler: S,
    tasks: usize,
    config: CurriculumConfig,
    /// The episode with which each stage begins.
    starts: Vec<u64>,
}

impl<S: ShotsSampler> CurriculumSampler<S> {
    /// The episodes of `sampler`, whose epochs have `tasks` of them, by this schedule.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] if there is no stage, the first doesn't begin with episode 0, one doesn't begin after the one
    /// before, or a range of shots is empty.
    pub fn new(sampler: S, tasks: usize, config: CurriculumConfig) -> Result<Self, SamplerError> {
        let starts = config.starts(tasks)?;
        Ok(Self { sampler, tasks, config, starts })
    }

    /// The length of an epoch in episodes: that of the other sampler.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.tasks
    }

    /// The schedule.
    #[must_use]
    pub fn config(&self) -> &CurriculumConfig {
        &self.config
    }

    /// The stage that an episode belongs to.
    #[must_use]
    pub fn stage(&self, index: u64) -> CurriculumStage {
        let begun = self.starts.partition_point(|&start| start <= index);
        self.config.stages[begun.saturating_sub(1)]
    }
}

impl<S: ShotsSampler> TaskSampler for CurriculumSampler<S> {
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
        self.sampler.episode_with(id, self.stage(id.index).shots())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    fn schedules_out_of_order_are_named() {
        let stage = |from, shots| CurriculumStage::new(from, shots);
        let (episode, epoch) = (StageStart::Episode, StageStart::Epoch);
        for (stages, expected) in [
            (vec![], "stages is empty: expected at least one"),
            (vec![stage(episode(1), 1..=2)], "stages[0].from is Episode(1): expected the first episode, 0"),
            (
                vec![stage(epoch(0), 1..=2), stage(epoch(2), 1..=2), stage(episode(20), 1..=2)],
                "stages[2].from is Episode(20): expected later than the stage before",
            ),
            (
                vec![stage(epoch(0), 2..=1)],
                "stages[0].shots is 2..=1: expected a range that is not empty and ends below the largest number",
            ),
        ] {
            assert_eq!(CurriculumConfig::new(stages).starts(10).unwrap_err().to_string(), expected);
        }
        let stages = vec![stage(epoch(0), 1..=2), stage(episode(19), 1..=2), stage(epoch(2), 1..=2)];
        assert_eq!(CurriculumConfig::new(stages.clone()).starts(10).unwrap(), [0, 19, 20]);
        assert!(CurriculumConfig::new(stages).starts(0).unwrap_err().to_string().starts_with("tasks is 0"));
    }
}
