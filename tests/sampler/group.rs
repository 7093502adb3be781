//! Groups of users as tasks.

use std::collections::BTreeSet;

use metarec::data::{DatasetBuilder, IndexedEvent, TaskHistory, UserGroups, UserIndex};
use metarec::sampler::{EpisodeId, GroupSampler, GroupSamplerConfig, SamplerError, TaskId, TaskSampler};
use proptest::prelude::*;

use crate::common::{assert_contract, assert_epoch, histories, is_uniform, numbered, serial, serials, sizes};

/// Users in groups by these names; `None` for none.
fn groups(names: &[Option<u8>]) -> UserGroups {
    let mut builder = DatasetBuilder::new();
    for user in 0..names.len() {
        builder.describe_user(&format!("u{user}"), []).unwrap();
    }
    UserGroups::by(builder.users(), |user| names[user.position()].map(|name| name.to_string()))
}

/// The users that these events belong to.
fn users<'a>(histories: &[TaskHistory], events: impl IntoIterator<Item = &'a IndexedEvent>) -> BTreeSet<UserIndex> {
    let of = |number| histories.iter().find(|history| serials(&history.events).contains(&number)).unwrap().user;
    events.into_iter().map(|event| of(serial(event))).collect()
}

fn items<'a>(events: impl IntoIterator<Item = &'a IndexedEvent>) -> BTreeSet<u32> {
    events.into_iter().map(|event| event.item.0).collect()
}

#[test]
fn every_member_is_asked_about_and_every_other_speaks_equally_often() {
    let user = |user: u32| (0..5).map(|item| (user * 5 + item, None)).collect::<Vec<_>>();
    let histories = numbered(&(0..6).map(user).collect::<Vec<_>>());
    let config = GroupSamplerConfig::default().with_members(2, 1).with_shots(3..=3).with_min_query(2);
    let sampler = GroupSampler::new(histories.clone(), &groups(&[Some(0); 6]), config).unwrap();
    let (mut asked, mut spoken) = ([0; 6], [0; 30]);
    for index in 0..3000 {
        let episode = sampler.episode(EpisodeId { seed: 5, index }).unwrap();
        assert_eq!((episode.support.len(), episode.query.len()), (3, 5));
        users(&histories, &episode.query).iter().for_each(|user| asked[user.position()] += 1);
        episode.support.iter().for_each(|event| spoken[serial(event) as usize] += 1);
    }
    assert!(is_uniform(&asked), "{asked:?}");
    assert!(is_uniform(&spoken), "{spoken:?}");
}

#[test]
fn a_group_needs_somebody_to_ask_and_somebody_else_to_speak() {
    let of = |events: usize| (0..events as u32).map(|item| (item, None)).collect::<Vec<_>>();
    let make = |events: &[usize], names: &[Option<u8>]| {
        let histories = numbered(&events.iter().map(|&events| of(events)).collect::<Vec<_>>());
        GroupSampler::new(histories, &groups(names), GroupSamplerConfig::default().with_min_query(5))
    };
    let sampler = make(&[5, 1, 9, 0, 4, 4, 9], &[Some(0), Some(0), Some(1), Some(1), Some(2), Some(2), None]).unwrap();
    assert_eq!((sampler.tasks(), sampler.left_out()), (1, 2));
    let made = sampler.config().clone().with_shots(1..=1);
    let histories = numbered(&[vec![(7, None)], of(5)]);
    let sampler = GroupSampler::new(histories, &groups(&[Some(0); 2]), made).unwrap();
    let episode = sampler.episode(EpisodeId { seed: 5, index: 0 }).unwrap();
    assert_eq!((serials(&episode.support), episode.query.len()), (vec![0], 5), "who is too short to be asked speaks");
    let error = make(&[9, 0, 9], &[Some(1), Some(1), None]).unwrap_err();
    assert!(matches!(error, SamplerError::NoGroups { groups: 1, least: 5 }), "{error}");
}

#[test]
fn a_config_survives_json_and_what_is_left_out_is_the_default() {
    let config: GroupSamplerConfig = serde_json::from_str(r#"{"support_members":7}"#).unwrap();
    assert_eq!(config, GroupSamplerConfig::default().with_members(7, 1));
    assert!(serde_json::from_str::<GroupSamplerConfig>(r#"{"members":7}"#).is_err());
}

proptest! {
    #[test]
    fn members_of_one_group_speak_and_others_are_asked_about_other_items(
        histories in histories(15), names in proptest::collection::vec(proptest::option::weighted(0.9, 0_u8..3), 9),
        sizes in sizes(), speaking in 1_usize..4, asked in 1_usize..4, seed: u64, index in 0..u64::MAX / 2,
    ) {
        let groups = groups(&names);
        let config = GroupSamplerConfig::default().with_members(speaking, asked).with_shots(sizes.0.clone());
        let config = config.with_min_query(sizes.1).with_max_query(sizes.2);
        let Ok(sampler) = GroupSampler::new(histories.clone(), &groups, config) else { return Ok(()) };
        for episode in assert_contract(&sampler, sizes.0.clone(), seed, index) {
            let TaskId::Group(group) = episode.task else { panic!("{:?}", episode.task) };
            let (speakers, members) = (users(&histories, &episode.support), users(&histories, episode.query.iter().chain(&episode.passed_over)));
            prop_assert!(speakers.len() <= speaking && members.len() <= asked && speakers.is_disjoint(&members));
            prop_assert!(speakers.iter().chain(&members).all(|&user| groups.group(user) == Some(group)));
            prop_assert!(items(&episode.support).is_disjoint(&items(&episode.query)), "an item is in both");
            prop_assert!(episode.support.len() <= *sizes.0.end());
            prop_assert!((sizes.1..=sizes.2.unwrap_or(usize::MAX)).contains(&episode.query.len()));
            // Nothing of the members asked about is lost.
            let all: usize = members.iter().map(|user| histories[user.position()].events.len()).sum();
            prop_assert_eq!(episode.query.len() + episode.passed_over.len(), all);
            if sizes.2.is_none() {
                prop_assert!(items(&episode.passed_over).is_subset(&items(&episode.support)), "passed over without a reason");
            }
        }
        assert_epoch(&sampler, sampler.tasks(), seed, index / sampler.tasks() as u64 / 2);
    }

    #[test]
    fn where_no_items_are_shared_the_support_has_its_size(
        lengths in proptest::collection::vec(1_usize..20, 2..7), shots in 0_usize..15, more in 0_usize..5, seed: u64, index: u64,
    ) {
        let mut item = 0;
        let mut user = |&events: &usize| (0..events).map(|_| { item += 1; (item, None) }).collect::<Vec<_>>();
        let histories = numbered(&lengths.iter().map(&mut user).collect::<Vec<_>>());
        let config = GroupSamplerConfig::default().with_members(9, 1).with_shots(shots..=shots + more).with_min_query(1);
        let sampler = GroupSampler::new(histories.clone(), &groups(&vec![Some(0); lengths.len()]), config).unwrap();
        let episode = sampler.episode(EpisodeId { seed, index }).unwrap();
        let others = lengths.iter().sum::<usize>() - episode.query.len();
        prop_assert!((shots.min(others)..=(shots + more).min(others)).contains(&episode.support.len()));
    }
}
