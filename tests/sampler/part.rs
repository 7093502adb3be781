//! Any parts of histories as tasks.

use metarec::data::{IndexedEvent, TaskHistory};
use metarec::sampler::{EpisodeId, Part, PartSampler, TaskId, TaskSampler, UserSampler, UserSamplerConfig};
use proptest::prelude::*;

use crate::common::{
    assert_contract, assert_epoch, assert_nothing_lost, assert_sizes, histories, orders, serial, serials, sizes,
};

/// A history with some of the places of its events.
fn parts() -> impl Strategy<Value = (Vec<TaskHistory>, Vec<(usize, Vec<u32>)>)> {
    let part = (any::<prop::sample::Index>(), proptest::collection::vec(any::<bool>(), 30));
    (histories(9), proptest::collection::vec(part, 1..8)).prop_map(|(histories, drawn)| {
        let chosen = |(history, flags): &(prop::sample::Index, Vec<bool>)| {
            let history = history.index(histories.len());
            let places = (0..histories[history].events.len()).filter(|&place| flags[place]);
            (history, places.map(|place| place as u32).collect())
        };
        let chosen = drawn.iter().map(chosen).collect();
        (histories, chosen)
    })
}

proptest! {
    #[test]
    fn support_and_query_are_of_the_part_and_all_else_is_passed_over(
        (histories, chosen) in parts(), sizes in sizes(), order in orders(), seed: u64, index in 0..u64::MAX / 2,
    ) {
        let config = UserSamplerConfig::default().with_shots(sizes.0.clone()).with_min_query(sizes.1).with_max_query(sizes.2).with_order(order);
        let part = |(number, (history, places)): (u64, &(usize, Vec<u32>))| Part::at(TaskId::Other(number), *history, places.clone());
        let long = chosen.iter().filter(|(_, places)| places.len() >= config.least_events()).count();
        let Ok(sampler) = PartSampler::new(histories.clone(), (0..).zip(&chosen).map(part), config) else {
            prop_assert_eq!(long, 0);
            return Ok(());
        };
        prop_assert_eq!((sampler.tasks(), sampler.left_out()), (long, chosen.len() - long));
        for episode in assert_contract(&sampler, sizes.0.clone(), seed, index) {
            let TaskId::Other(number) = episode.task else { panic!("{:?}", episode.task) };
            let (history, places) = &chosen[number as usize];
            let events = &histories[*history].events;
            let of_part: Vec<IndexedEvent> = places.iter().map(|&place| events[place as usize]).collect();
            let own = serials(&of_part);
            prop_assert!(episode.support.iter().chain(&episode.query).all(|event| own.contains(&serial(event))));
            assert_sizes(&episode, own.len(), &sizes);
            assert_nothing_lost(&episode, events);
        }
        assert_epoch(&sampler, long, seed, index / long as u64 / 2);
    }

    #[test]
    fn a_whole_history_is_a_user(histories in histories(9), seed: u64, index: u64) {
        let config = UserSamplerConfig::default().with_shots(0..=9).with_min_query(1).with_max_query(Some(4));
        let Ok(users) = UserSampler::new(histories.clone(), config.clone()) else { return Ok(()) };
        let whole = histories.iter().enumerate().map(|(place, history)| {
            Part::run(TaskId::User(history.user), place, 0..history.events.len())
        });
        let parts = PartSampler::new(histories.clone(), whole, config).unwrap();
        let id = EpisodeId { seed, index };
        prop_assert_eq!(parts.episode(id).unwrap(), users.episode(id).unwrap());
    }
}
