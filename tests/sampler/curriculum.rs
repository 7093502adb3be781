//! The number of shots as a matter of how far training is.

use metarec::sampler::{
    CurriculumConfig, CurriculumSampler, CurriculumStage, EpisodeId, ShotsSampler, StageStart, TaskSampler,
    UserSampler, UserSamplerConfig,
};
use proptest::prelude::*;

use crate::common::{assert_epoch, numbered};

fn users(count: usize) -> UserSampler {
    let user: Vec<_> = (0..40).map(|place| (place, Some(i64::from(place)))).collect();
    UserSampler::new(numbered(&vec![user; count]), UserSamplerConfig::default().with_shots(1..=5)).unwrap()
}

#[test]
fn a_stage_begins_with_its_first_episode() {
    let stages = [(StageStart::Epoch(0), 20), (StageStart::Episode(11), 7), (StageStart::Epoch(3), 0)];
    let config = CurriculumConfig::new(stages.map(|(from, shots)| CurriculumStage::new(from, shots..=shots)));
    let sampler = CurriculumSampler::new(users(5), 5, config).unwrap();
    let shots = |index| sampler.episode(EpisodeId { seed: 1, index }).unwrap().support.len();
    assert_eq!([0, 10, 11, 14, 15, u64::MAX].map(shots), [20, 20, 7, 7, 0, 0]);
    assert_eq!(sampler.tasks(), 5);
}

#[test]
fn a_curriculum_takes_any_sampler_that_can_be_told_the_number_of_shots() {
    let boxed: Box<dyn ShotsSampler> = Box::new(users(2));
    let config = CurriculumConfig::new([CurriculumStage::new(StageStart::Episode(0), 3..=3)]);
    let sampler: Box<dyn TaskSampler> = Box::new(CurriculumSampler::new(boxed, 2, config).unwrap());
    assert_eq!(sampler.episode(EpisodeId { seed: 1, index: 8 }).unwrap().support.len(), 3);
}

#[test]
fn a_schedule_survives_json_and_nothing_unknown_is_taken() {
    let config = CurriculumConfig::new([CurriculumStage::new(StageStart::Epoch(0), 1..=2)]);
    let text = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<CurriculumConfig>(&text).unwrap(), config);
    assert!(serde_json::from_str::<CurriculumConfig>(&text.replace("min_shots", "shots")).is_err());
}

proptest! {
    #[test]
    fn shots_are_those_of_the_stage_and_all_else_is_the_samplers(
        lengths in proptest::collection::vec((1_u64..30, 0_usize..10, 0_usize..10), 1..5), users_ in 1_usize..9, seed: u64, index in 0_u64..150,
    ) {
        let mut start = 0;
        let mut stages = Vec::new();
        for (length, min, more) in lengths {
            stages.push((start, min..=min + more));
            start += length;
        }
        let stage = |(start, shots): &(u64, std::ops::RangeInclusive<usize>)| CurriculumStage::new(StageStart::Episode(*start), shots.clone());
        let sampler = CurriculumSampler::new(users(users_), users_, CurriculumConfig::new(stages.iter().map(stage))).unwrap();
        let id = EpisodeId { seed, index };
        let episode = sampler.episode(id).unwrap();
        let (_, shots) = stages.iter().rev().find(|(start, _)| *start <= index).unwrap();
        prop_assert!(shots.contains(&episode.support.len()));
        prop_assert_eq!(&episode, &users(users_).episode_with(id, shots.clone()).unwrap());
        prop_assert_eq!(episode.task, users(users_).episode(id).unwrap().task);
        prop_assert_eq!(sampler.episode(id).unwrap(), episode);
        assert_epoch(&sampler, users_, seed, index);
    }
}
