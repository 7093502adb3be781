//! Sessions as tasks.

use metarec::data::{IndexedEvent, TaskHistory};
use metarec::sampler::{EpisodeId, SessionSampler, SessionSamplerConfig, SupportOrder, TaskId, TaskSampler};
use proptest::prelude::*;

use crate::common::{
    assert_contract, assert_epoch, assert_nothing_lost, assert_sizes, histories, numbered, orders, serial, serials,
    sizes,
};

/// The sessions of a history, told in another way: each event of known time goes where the one before went, if that was soon before.
fn sessions(history: &TaskHistory, max_gap: i64) -> Vec<Vec<IndexedEvent>> {
    let mut found: Vec<Vec<IndexedEvent>> = Vec::new();
    for event in history.events.iter().filter(|event| event.timestamp.is_some()) {
        let soon = |before: &IndexedEvent| event.timestamp.unwrap() - before.timestamp.unwrap() <= max_gap;
        match found.last_mut().filter(|session| session.last().is_some_and(soon)) {
            Some(session) => session.push(*event),
            None => found.push(vec![*event]),
        }
    }
    found
}

#[test]
fn the_first_events_of_a_session_are_its_support_by_default() {
    let user = [None, Some(0), Some(9), Some(100), Some(110), Some(111), Some(115), Some(300)].map(|time| (0, time));
    let config = SessionSamplerConfig::default().with_max_gap(10).with_shots(2..=2).with_min_query(2);
    let sampler = SessionSampler::new(numbered(&[user.to_vec()]), config).unwrap();
    assert_eq!((sampler.tasks(), sampler.left_out()), (1, 2));
    let episode = sampler.episode(EpisodeId { seed: 3, index: 4 }).unwrap();
    assert_eq!(serials(&episode.support), [3, 4]);
    assert_eq!(serials(&episode.query), [5, 6]);
    assert_eq!(serials(&episode.passed_over), [0, 1, 2, 7]);
}

#[test]
fn a_config_survives_json_and_what_is_left_out_is_the_default() {
    let config: SessionSamplerConfig = serde_json::from_str(r#"{"max_gap":60}"#).unwrap();
    assert_eq!(config, SessionSamplerConfig::default().with_max_gap(60));
    assert_eq!(config.order, SupportOrder::First);
    assert!(serde_json::from_str::<SessionSamplerConfig>(r#"{"gap":60}"#).is_err());
    let error = SessionSampler::new(vec![], config.with_min_query(0)).unwrap_err();
    assert_eq!(error.to_string(), "min_query is 0: expected 1 or more");
}

proptest! {
    #[test]
    fn support_and_query_are_of_one_session_and_all_else_is_passed_over(
        histories in histories(9), max_gap in 0_i64..45, sizes in sizes(), order in orders(), seed: u64, index in 0..u64::MAX / 2,
    ) {
        let config = SessionSamplerConfig::default().with_max_gap(max_gap as u64).with_shots(sizes.0.clone());
        let config = config.with_min_query(sizes.1).with_max_query(sizes.2).with_order(order);
        let least = sizes.1 + sizes.0.start().min(&1);
        let all: Vec<Vec<Vec<IndexedEvent>>> = histories.iter().map(|history| sessions(history, max_gap)).collect();
        let long = all.iter().flatten().filter(|session| session.len() >= least).count();
        let Ok(sampler) = SessionSampler::new(histories.clone(), config) else {
            prop_assert_eq!(long, 0);
            return Ok(());
        };
        prop_assert_eq!((sampler.tasks(), sampler.left_out()), (long, all.iter().flatten().count() - long));
        for episode in assert_contract(&sampler, sizes.0.clone(), seed, index) {
            let TaskId::Session { user, number } = episode.task else { panic!("{:?}", episode.task) };
            let session = serials(&all[user.position()][number as usize]);
            prop_assert!(episode.support.iter().chain(&episode.query).all(|event| session.contains(&serial(event))));
            assert_sizes(&episode, session.len(), &sizes);
            assert_nothing_lost(&episode, &histories[user.position()].events);
            if order == SupportOrder::First {
                prop_assert!(session.starts_with(&serials(&episode.support)));
            }
        }
        assert_epoch(&sampler, long, seed, index / long as u64 / 2);
    }
}
