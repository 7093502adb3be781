//! Episodes of several samplers.

use std::sync::Arc;

use metarec::sampler::{
    EpisodeId, MixturePart, MixtureSampler, SessionSampler, SessionSamplerConfig, ShotsSampler, TaskId, TaskSampler,
    UserSampler, UserSamplerConfig,
};
use proptest::prelude::*;

use crate::common::{assert_contract, is_uniform, numbered};

fn users(count: usize) -> UserSampler {
    let user: Vec<_> = (0..12).map(|place| (place, Some(i64::from(place)))).collect();
    UserSampler::new(numbered(&vec![user; count]), UserSamplerConfig::default().with_shots(1..=5).with_min_query(2))
        .unwrap()
}

/// A mixture of users with these weights.
fn mixture(weights: &[f64]) -> MixtureSampler<UserSampler> {
    MixtureSampler::new(weights.iter().map(|&weight| MixturePart::new(users(7), 7, weight))).unwrap()
}

fn id(seed: u64, index: u64) -> EpisodeId {
    EpisodeId { seed, index }
}

#[test]
fn bad_parts_are_named() {
    let error = |parts: &[(usize, f64)]| {
        let parts = parts.iter().map(|&(tasks, weight)| MixturePart::new(users(1), tasks, weight));
        MixtureSampler::new(parts).unwrap_err().to_string()
    };
    assert_eq!(error(&[]), "parts is without weight: expected at least one with a weight above 0");
    assert_eq!(error(&[(1, 0.0), (1, 0.0)]), "parts is without weight: expected at least one with a weight above 0");
    assert_eq!(error(&[(1, 1.0), (1, -2.0)]), "parts[1].weight is -2: expected a finite number, 0 or more");
    assert_eq!(error(&[(1, f64::NAN), (1, 1.0)]), "parts[0].weight is NaN: expected a finite number, 0 or more");
    assert_eq!(error(&[(1, 1.0), (0, 1.0)]), "parts[1].tasks is 0: expected 1 or more");
    let tiny = error(&[(1, 1.0), (1, 1e-10)]);
    assert!(tiny.starts_with("parts[1].weight is 0.0000000001: expected 0, or at least 2^-32"), "{tiny}");
}

#[test]
fn a_part_without_weight_is_never_drawn_and_counts_no_tasks() {
    let mixture = mixture(&[0.0, 1.0, 0.0, 2.0, 0.0]);
    assert_eq!(mixture.tasks(), 14);
    assert!((0..500).all(|index| [1, 3].contains(&mixture.part_of(id(3, index)).0)));
}

#[test]
fn every_episode_is_equally_likely_to_come_from_parts_of_equal_weight() {
    let mixture = mixture(&[1.0; 5]);
    for index in [0, 1, 6, 1000, (1 << 32) + 2] {
        let mut counts = [0; 5];
        (0..2000).for_each(|seed| counts[mixture.part_of(id(seed, index)).0] += 1);
        assert!(is_uniform(&counts), "{index} {counts:?}");
    }
}

#[test]
fn equal_parts_draw_different_episodes() {
    let mixture = mixture(&[1.0, 1.0]);
    let seeds: Vec<u64> = (0..10).map(|index| mixture.part_of(id(3, index)).1.seed).collect();
    assert!(seeds.iter().any(|&seed| seed != seeds[0]));
}

#[test]
fn any_samplers_can_be_mixed_and_told_the_number_of_shots() {
    let user: Vec<_> = (0..12).map(|place| (place, Some(i64::from(place)))).collect();
    let sessions = SessionSampler::new(numbered(&[user]), SessionSamplerConfig::default()).unwrap();
    let parts: [Box<dyn ShotsSampler>; 2] = [Box::new(users(3)), Box::new(sessions)];
    let mixture = MixtureSampler::new(parts.map(|part| MixturePart::new(part, 1, 1.0))).unwrap();
    let shared: Arc<dyn ShotsSampler> = Arc::new(mixture);
    let tasks: Vec<_> = (0..10).map(|index| shared.episode_with(id(1, index), 4..=4).unwrap()).collect();
    assert!(tasks.iter().all(|episode| episode.support.len() == 4));
    let sessions = tasks.iter().filter(|episode| matches!(episode.task, TaskId::Session { .. })).count();
    assert!((4..=6).contains(&sessions), "{sessions}");
}

proptest! {
    #[test]
    fn a_part_meets_its_own_episodes_one_after_the_other_and_as_often_as_it_weighs(
        weights in proptest::collection::vec(0.0_f64..1.0, 1..6), seed: u64, count in 1_u64..700,
    ) {
        prop_assume!(weights.iter().sum::<f64>() > 0.01);
        let mixture = mixture(&weights);
        let mut next = vec![0; weights.len()];
        for index in 0..count {
            let (part, inner) = mixture.part_of(id(seed, index));
            prop_assert_eq!(inner.index, next[part], "an episode of part {} is left out", part);
            next[part] += 1;
            prop_assert_eq!(mixture.episode(id(seed, index)).unwrap(), mixture.parts()[part].sampler.episode(inner).unwrap());
        }
        let total: f64 = weights.iter().sum();
        for (&drawn, weight) in next.iter().zip(&weights) {
            let expected = count as f64 * weight / total;
            prop_assert!((drawn as f64 - expected).abs() <= f64::from(count.count_ones()) + 0.01, "{} {}", drawn, expected);
        }
    }

    #[test]
    fn parts_go_on_where_they_were_after_four_billion_episodes(first in 0.1_f64..0.9, seed: u64, block in 1_u64..1 << 20) {
        let mixture = mixture(&[first, 1.0 - first]);
        let start = block << 32;
        let mut last = [None, None];
        let mut seen = 0;
        for index in start - 200..start + 200 {
            let (part, inner) = mixture.part_of(id(seed, index));
            if let Some(before) = last[part].replace(inner.index) {
                prop_assert_eq!(inner.index, before + 1);
                seen += 1;
            }
        }
        prop_assert_eq!(seen, 398);
    }

    #[test]
    fn a_mixture_is_a_sampler_like_its_parts(first in 0.1_f64..0.9, seed: u64, index in 0..u64::MAX / 2) {
        assert_contract(&mixture(&[first, 1.0 - first]), 1..=5, seed, index);
    }
}
