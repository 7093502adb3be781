//! What a user did within one category as a task.

use std::collections::BTreeMap;

use metarec::data::{Catalogue, IndexedEvent, TaskHistory, UserIndex};
use metarec::sampler::{EpisodeId, SliceSampler, SliceSamplerConfig, SupportOrder, TaskId, TaskSampler};
use proptest::prelude::*;

use crate::common::{
    assert_contract, assert_epoch, assert_nothing_lost, assert_sizes, histories, numbered, orders, serial, serials,
    sizes,
};

/// Nine items: categories `a` to `c` by the remainder of three, every other item in `d` as well, the last in none.
fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::new();
    for item in 0..9_usize {
        let of = [["a", "b", "c"][item % 3], "d"];
        let of = if item == 8 { &of[..0] } else { &of[..1 + item % 2] };
        catalogue.describe(&item.to_string(), "", "", of.iter().copied());
    }
    catalogue
}

/// All slices with an event, with their events.
fn slices(histories: &[TaskHistory], catalogue: &Catalogue) -> BTreeMap<(UserIndex, u32), Vec<IndexedEvent>> {
    let mut found: BTreeMap<_, Vec<IndexedEvent>> = BTreeMap::new();
    for category in 0..catalogue.categories().len() as u32 {
        for history in histories {
            for event in &history.events {
                if catalogue.item(event.item).categories.contains(&category) {
                    found.entry((history.user, category)).or_default().push(*event);
                }
            }
        }
    }
    found
}

#[test]
fn the_rest_of_the_user_is_passed_over() {
    let user = [0, 3, 1, 6, 2, 0].map(|item| (item, None));
    let config = SliceSamplerConfig::default().with_shots(1..=1).with_min_query(2).with_order(SupportOrder::First);
    let sampler = SliceSampler::new(numbered(&[user.to_vec()]), &catalogue(), config.clone()).unwrap();
    assert_eq!(sampler.tasks(), 1, "of category a; the others are too short");
    let episode = sampler.episode(EpisodeId { seed: 3, index: 4 }).unwrap();
    assert_eq!(episode.task, TaskId::Slice { user: UserIndex(0), category: 0 });
    assert_eq!((serials(&episode.support), serials(&episode.query)), (vec![0], vec![1, 3, 5]));
    assert_eq!(serials(&episode.passed_over), [2, 4]);
    let others = config.with_categories(["b", "c", "d"]).with_shots(0..=0).with_min_query(1);
    let sampler = SliceSampler::new(numbered(&[user.to_vec()]), &catalogue(), others).unwrap();
    let tasks = assert_epoch(&sampler, sampler.tasks(), 1, 0);
    assert!(tasks.iter().all(|task| !matches!(task, TaskId::Slice { category: 0, .. })), "{tasks:?}");
}

#[test]
fn a_config_survives_json_and_what_is_left_out_is_the_default() {
    let config: SliceSamplerConfig = serde_json::from_str(r#"{"categories":["a"]}"#).unwrap();
    assert_eq!(config, SliceSamplerConfig::default().with_categories(["a"]));
    assert!(serde_json::from_str::<SliceSamplerConfig>(r#"{"category":"a"}"#).is_err());
}

proptest! {
    #[test]
    fn support_and_query_are_of_one_slice_and_all_else_is_passed_over(
        histories in histories(9), sizes in sizes(), order in orders(), seed: u64, index in 0..u64::MAX / 2,
    ) {
        let config = SliceSamplerConfig::default().with_shots(sizes.0.clone()).with_min_query(sizes.1);
        let config = config.with_max_query(sizes.2).with_order(order);
        let all = slices(&histories, &catalogue());
        let least = sizes.1 + sizes.0.start().min(&1);
        let long = all.values().filter(|slice| slice.len() >= least).count();
        let Ok(sampler) = SliceSampler::new(histories.clone(), &catalogue(), config) else {
            prop_assert_eq!(long, 0);
            return Ok(());
        };
        prop_assert_eq!((sampler.tasks(), sampler.left_out()), (long, all.len() - long));
        for episode in assert_contract(&sampler, sizes.0.clone(), seed, index) {
            let TaskId::Slice { user, category } = episode.task else { panic!("{:?}", episode.task) };
            let slice = serials(&all[&(user, category)]);
            prop_assert!(episode.support.iter().chain(&episode.query).all(|event| slice.contains(&serial(event))));
            assert_sizes(&episode, slice.len(), &sizes);
            assert_nothing_lost(&episode, &histories[user.position()].events);
        }
        assert_epoch(&sampler, long, seed, index / long as u64 / 2);
    }
}
