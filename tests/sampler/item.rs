//! Cold items as tasks.

use metarec::data::{Dataset, Event, IndexedEvent, TaskHistory, UserIndex, from_events};
use metarec::sampler::{ItemSampler, ItemSamplerConfig, TaskId};
use proptest::prelude::*;

use crate::common::{assert_contract, assert_epoch, assert_nothing_lost, assert_sizes, serial, serials, sizes};

/// All histories of the transposed data: one for each item.
fn transposed(data: &Dataset) -> Vec<TaskHistory> {
    let items = data.transposed();
    let history = |item| TaskHistory { user: item, events: items.history(item).to_vec() };
    (0..).map(UserIndex).take(items.users().len()).map(history).collect()
}

#[test]
fn a_config_survives_json_and_what_is_left_out_is_the_default() {
    let config: ItemSamplerConfig = serde_json::from_str(r#"{"early_events":7}"#).unwrap();
    assert_eq!(config, ItemSamplerConfig::default().with_early_events(7));
    assert!(serde_json::from_str::<ItemSamplerConfig>(r#"{"order":"first"}"#).is_err());
    let error = ItemSampler::new(vec![], config.with_early_events(0)).unwrap_err();
    assert_eq!(error.to_string(), "early_events is 0: expected 1 or more");
}

proptest! {
    #[test]
    fn the_first_who_met_an_item_are_shown_and_later_ones_asked_for(
        raw in proptest::collection::vec((0_u32..12, 0_u32..6, 0_i64..500), 1..150),
        sizes in sizes(), early in 1_usize..12, least in 0_usize..15, seed: u64, index in 0..u64::MAX / 2,
    ) {
        let event = |(number, &(user, item, time)): (u16, &(u32, u32, i64))| {
            (user.to_string(), Event::rating(item.to_string(), number.into()).at(time))
        };
        let data = from_events((0..).zip(&raw).map(event)).unwrap();
        let config = ItemSamplerConfig::default().with_shots(sizes.0.clone()).with_min_query(sizes.1).with_max_query(sizes.2);
        let config = config.with_early_events(early).with_least_events(least);
        let histories = transposed(&data);
        let least = least.max(sizes.1 + sizes.0.start().min(&1));
        let long = histories.iter().filter(|item| item.events.len() >= least).count();
        let Ok(sampler) = ItemSampler::new(histories.clone(), config) else {
            prop_assert_eq!(long, 0);
            return Ok(());
        };
        prop_assert_eq!((sampler.tasks(), sampler.left_out()), (long, histories.len() - long));
        for episode in assert_contract(&sampler, sizes.0.clone(), seed, index) {
            let TaskId::Item(item) = episode.task else { panic!("{:?}", episode.task) };
            let who_met_it: Vec<IndexedEvent> = data.events().iter().filter(|event| event.item == item).copied().collect();
            prop_assert!(who_met_it.len() >= least);
            assert_sizes(&episode, who_met_it.len(), &sizes);
            assert_nothing_lost(&episode, &who_met_it);
            let history = serials(&histories[item.position()].events);
            let place = |event| history.iter().position(|&known| known == serial(event)).unwrap();
            let last = episode.support.iter().map(place).max();
            prop_assert!(last.is_none_or(|last| last < early.max(episode.support.len()) && last < place(&episode.query[0])));
        }
        assert_epoch(&sampler, long, seed, index / long as u64 / 2);
    }
}
