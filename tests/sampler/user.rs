//! Users as tasks.

use std::collections::HashMap;
use std::sync::Arc;

use metarec::data::{Action, IndexedEvent, ItemIndex, TaskHistory, UserIndex};
use metarec::sampler::{
    Episode, EpisodeId, OrderWeights, SamplerError, SupportOrder, TaskSampler, UserSampler, UserSamplerConfig,
};
use proptest::prelude::*;

/// Users with these numbers of events; the time of an event is its place.
fn tasks(lengths: &[usize]) -> Vec<TaskHistory> {
    let event = |place: usize| IndexedEvent {
        item: ItemIndex(place as u32 % 7),
        action: Action::Rating,
        value: Some(1.0),
        timestamp: Some(place as i64),
    };
    let task = |(user, &length): (u32, &usize)| TaskHistory {
        user: UserIndex(user),
        events: (0..length).map(event).collect(),
    };
    (0..).zip(lengths).map(task).collect()
}

fn user_of(episode: &Episode) -> UserIndex {
    episode.task.user().unwrap()
}

fn weights(first: f64, window: f64, subset: f64, early: f64) -> OrderWeights {
    let mut weights = OrderWeights::none();
    (weights.first, weights.window, weights.subset, weights.early) = (first, window, subset, early);
    weights
}

fn places(events: &[IndexedEvent]) -> Vec<usize> {
    events.iter().map(|event| event.timestamp.unwrap() as usize).collect()
}

fn sampler(lengths: &[usize], config: UserSamplerConfig) -> UserSampler {
    UserSampler::new(tasks(lengths), config).unwrap()
}

fn episodes(sampler: &UserSampler, count: u64) -> impl Iterator<Item = Episode> + '_ {
    (0..count).map(|index| sampler.episode(EpisodeId { seed: 11, index }).unwrap())
}

#[test]
fn the_first_order_splits_a_history_in_two() {
    let config = UserSamplerConfig::default().with_order(SupportOrder::First);
    for episode in episodes(&sampler(&[40], config), 20) {
        assert_eq!(places(&episode.support), (0..20).collect::<Vec<_>>());
        assert_eq!(places(&episode.query), (20..40).collect::<Vec<_>>());
    }
}

#[test]
fn a_window_starts_anywhere_that_leaves_room_for_the_query() {
    let config = UserSamplerConfig::default().with_order(SupportOrder::Window);
    let mut starts = HashMap::new();
    for episode in episodes(&sampler(&[40], config), 2200) {
        let support = places(&episode.support);
        assert_eq!(support, (support[0]..support[0] + 20).collect::<Vec<_>>());
        assert_eq!(places(&episode.query), (support[0] + 20..40).collect::<Vec<_>>());
        *starts.entry(support[0]).or_insert(0_i32) += 1;
    }
    assert_eq!(starts.len(), 11);
    assert!(starts.iter().all(|(start, count)| *start <= 10 && (count - 200).abs() < 70), "{starts:?}");
}

#[test]
fn a_subset_takes_every_event_equally_often_and_leaves_the_rest() {
    let config = UserSamplerConfig::default().with_order(SupportOrder::Subset);
    let mut counts = [0_i32; 40];
    for episode in episodes(&sampler(&[40], config), 2000) {
        places(&episode.support).into_iter().for_each(|place| counts[place] += 1);
        let mut all = [places(&episode.support), places(&episode.query)].concat();
        all.sort_unstable();
        assert_eq!(all, (0..40).collect::<Vec<_>>());
    }
    assert!(counts.iter().all(|count| (count - 1000).abs() < 110), "{counts:?}");
}

#[test]
fn early_episodes_show_a_part_of_the_first_events_and_ask_for_all_later_ones() {
    let mut config = UserSamplerConfig::default().with_order(SupportOrder::Early);
    config.early_events = 25;
    let mut ends = HashMap::new();
    for episode in episodes(&sampler(&[60], config), 1200) {
        let mut early = [places(&episode.support), places(&episode.passed_over)].concat();
        early.sort_unstable();
        assert_eq!(early, (0..early.len()).collect::<Vec<_>>());
        assert_eq!(episode.support.len(), 20);
        assert_eq!(places(&episode.query), (early.len()..60).collect::<Vec<_>>());
        *ends.entry(early.len()).or_insert(0_i32) += 1;
    }
    assert_eq!(ends.len(), 6);
    assert!(ends.iter().all(|(end, count)| (20..=25).contains(end) && (count - 200).abs() < 70), "{ends:?}");
}

#[test]
fn events_before_a_window_are_passed_over() {
    let config = UserSamplerConfig::default().with_order(SupportOrder::Window);
    for episode in episodes(&sampler(&[40], config), 20) {
        assert_eq!(places(&episode.passed_over), (0..places(&episode.support)[0]).collect::<Vec<_>>());
    }
}

#[test]
fn a_mixture_has_its_proportions() {
    let kinds = |weights: OrderWeights| {
        let config = UserSamplerConfig::default().with_shots(5..=5).with_order(SupportOrder::Mixture(weights));
        let mut kinds = [0_i32; 3];
        for episode in episodes(&sampler(&[200], config), 4000) {
            let support = places(&episode.support);
            kinds[if support == [0, 1, 2, 3, 4] { 0 } else { usize::from(support[4] - support[0] > 4) + 1 }] += 1;
        }
        kinds
    };
    let [first, window, subset] = kinds(weights(0.5, 0.25, 0.25, 0.0));
    assert!(
        (first - 2000).abs() < 130 && (window - 1000).abs() < 120 && (subset - 1000).abs() < 120,
        "{first} {window} {subset}"
    );
    let [first, window, subset] = kinds(weights(0.0, 3.0, 1.0, 0.0));
    assert!(first < 40 && (window - 3000).abs() < 130 && (subset - 1000).abs() < 120, "{first} {window} {subset}");
}

#[test]
fn the_size_of_the_support_is_drawn_evenly_from_its_range() {
    let config = UserSamplerConfig::default().with_shots(0..=4);
    let mut sizes = [0_i32; 5];
    for episode in episodes(&sampler(&[60], config), 5000) {
        sizes[episode.support.len()] += 1;
    }
    assert!(sizes.iter().all(|count| (count - 1000).abs() < 130), "{sizes:?}");
}

#[test]
fn users_too_short_are_counted_and_never_drawn() {
    let sampler = sampler(&[3, 11, 10, 40, 0], UserSamplerConfig::default());
    assert_eq!((sampler.tasks(), sampler.left_out()), (2, 3));
    for episode in episodes(&sampler, 50) {
        let expected = if user_of(&episode) == UserIndex(1) { 1 } else { 20 };
        assert_eq!(episode.support.len(), expected);
        assert!([1, 3].contains(&user_of(&episode).0));
    }
}

#[test]
fn nobody_long_enough_is_an_error() {
    let error = UserSampler::new(tasks(&[10, 3]), UserSamplerConfig::default()).unwrap_err();
    assert!(matches!(error, SamplerError::NoTasks { tasks: 2, least: 11 }));
    assert!(UserSampler::new(tasks(&[]), UserSamplerConfig::default()).is_err());
    assert_eq!(UserSampler::new(tasks(&[10]), UserSamplerConfig::default().with_shots(0..=20)).unwrap().tasks(), 1);
}

#[test]
fn the_first_episodes_of_a_seed_are_pinned() {
    let sampler = sampler(&[40; 10], UserSamplerConfig::default().with_shots(1..=5));
    let first: Vec<(u32, Vec<usize>)> =
        episodes(&sampler, 4).map(|episode| (user_of(&episode).0, places(&episode.support))).collect();
    assert_eq!(first, [(5, vec![1, 11, 25, 26]), (0, vec![0]), (3, vec![0]), (2, vec![0, 8, 13, 14, 17])]);
}

#[test]
fn many_threads_draw_what_one_draws() {
    let sampler: Arc<dyn TaskSampler> = Arc::new(sampler(&[30; 20], UserSamplerConfig::default()));
    let draw = |index| sampler.episode(EpisodeId { seed: 3, index }).unwrap();
    let expected: Vec<Episode> = (0..200).map(draw).collect();
    let drawn: Vec<Episode> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            (0..4).map(|part| scope.spawn(move || (part * 50..part * 50 + 50).map(draw).collect::<Vec<_>>())).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(drawn, expected);
}

fn config() -> impl Strategy<Value = UserSamplerConfig> {
    let orders = (0.0..1.0, 0.0..1.0, 0.1..1.0, 0.0..1.0)
        .prop_map(|(first, window, subset, early)| weights(first, window, subset, early));
    let order = prop_oneof![
        Just(SupportOrder::First),
        Just(SupportOrder::Window),
        Just(SupportOrder::Subset),
        Just(SupportOrder::Early),
        orders.prop_map(SupportOrder::Mixture)
    ];
    let sizes = (0_usize..12, 0_usize..12, 1_usize..12, proptest::option::of(0_usize..20));
    (sizes, order).prop_map(|((min, more, query, cap), order)| {
        UserSamplerConfig::default()
            .with_shots(min..=min + more)
            .with_min_query(query)
            .with_max_query(cap.map(|more| query + more))
            .with_order(order)
    })
}

#[test]
fn every_epoch_and_every_seed_has_an_order_of_its_own() {
    let sampler = sampler(&[12; 20], UserSamplerConfig::default());
    let order = |seed, epoch: u64| -> Vec<UserIndex> {
        let ids = (epoch * 20..epoch * 20 + 20).map(|index| EpisodeId { seed, index });
        ids.map(|id| user_of(&sampler.episode(id).unwrap())).collect()
    };
    assert_ne!(order(1, 0), order(1, 1));
    assert_ne!(order(1, 0), order(2, 0));
}

proptest! {
    #[test]
    fn every_episode_is_disjoint_in_range_in_order_and_reproducible(
        lengths in proptest::collection::vec(0_usize..60, 1..12), config in config(), seed: u64, index: u64,
    ) {
        let tasks = tasks(&lengths);
        let Ok(sampler) = UserSampler::new(tasks.clone(), config.clone()) else {
            prop_assert!(lengths.iter().all(|&length| length < config.least_events()));
            return Ok(());
        };
        let id = EpisodeId { seed, index };
        let episode = sampler.episode(id).unwrap();
        let (support, query) = (places(&episode.support), places(&episode.query));
        prop_assert!(support.is_sorted_by(|a, b| a < b) && query.is_sorted_by(|a, b| a < b));
        prop_assert!(!support.iter().any(|place| query.contains(place)));
        let passed_over = places(&episode.passed_over);
        prop_assert!(!passed_over.iter().any(|place| support.contains(place) || query.contains(place)));
        let events = &tasks[user_of(&episode).position()].events;
        prop_assert!(episode.support.iter().chain(&episode.query).all(|event| events.contains(event)));
        prop_assert_eq!(support.len() + query.len() + passed_over.len(), events.len(), "an event is lost");
        let room = events.len() - config.min_query;
        prop_assert!((config.min_shots.min(room)..=config.max_shots.min(room)).contains(&support.len()));
        prop_assert!((config.min_query..=config.max_query.unwrap_or(usize::MAX)).contains(&query.len()));
        if !matches!(config.order, SupportOrder::Subset | SupportOrder::Mixture(_)) {
            prop_assert!(support.last().is_none_or(|last| *last < query[0]));
        }
        prop_assert_eq!(UserSampler::new(tasks, config).unwrap().episode(id).unwrap(), episode);
    }

    #[test]
    fn an_epoch_has_every_user_once(users in 1_usize..60, seed: u64, epoch in 0_u64..1_000_000) {
        let sampler = sampler(&vec![12; users], UserSamplerConfig::default());
        let count = users as u64;
        let drawn = (epoch * count..(epoch + 1) * count).map(|index| sampler.episode(EpisodeId { seed, index }).unwrap().task.user().unwrap().position());
        let mut drawn: Vec<usize> = drawn.collect();
        drawn.sort_unstable();
        prop_assert!(drawn.into_iter().eq(0..users));
    }
}
