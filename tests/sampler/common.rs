//! Made-up histories, and what every sampler promises.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use metarec::data::{Action, IndexedEvent, ItemIndex, TaskHistory, UserIndex};
use metarec::sampler::{Episode, EpisodeId, ShotsSampler, SupportOrder, TaskSampler};
use proptest::prelude::*;

/// Which event it is: made-up events are numbered through in their values.
pub fn serial(event: &IndexedEvent) -> u32 {
    event.value.unwrap() as u32
}

pub fn serials<'a>(events: impl IntoIterator<Item = &'a IndexedEvent>) -> Vec<u32> {
    events.into_iter().map(serial).collect()
}

/// Histories of users 0, 1, ... with events of these items and times, each with a number of its own.
pub fn numbered(users: &[Vec<(u32, Option<i64>)>]) -> Vec<TaskHistory> {
    let mut next = 0;
    let mut event = |&(item, timestamp): &(u32, Option<i64>)| {
        next += 1;
        IndexedEvent { item: ItemIndex(item), action: Action::Rating, value: Some((next - 1) as f32), timestamp }
    };
    (0..)
        .zip(users)
        .map(|(user, events)| TaskHistory { user: UserIndex(user), events: events.iter().map(&mut event).collect() })
        .collect()
}

/// Up to eight users with up to 30 events of up to `items` items, the first of them of unknown time, the others up to 40 seconds apart.
pub fn histories(items: u32) -> impl Strategy<Value = Vec<TaskHistory>> {
    let user = (0_usize..3, proptest::collection::vec((0..items, 0_i64..40), 0..30));
    proptest::collection::vec(user, 1..9).prop_map(|users| {
        let timed = |(unknown, events): &(usize, Vec<(u32, i64)>)| {
            let mut now = 0;
            let timed = events.iter().enumerate().map(|(place, &(item, gap))| {
                now += gap;
                (item, (place >= *unknown).then_some(now))
            });
            timed.collect::<Vec<_>>()
        };
        numbered(&users.iter().map(timed).collect::<Vec<_>>())
    })
}

/// Least and largest size of the support, of the query.
pub type Sizes = (RangeInclusive<usize>, usize, Option<usize>);

pub fn sizes() -> impl Strategy<Value = Sizes> {
    (0_usize..4, 0_usize..6, 1_usize..6, proptest::option::of(0_usize..6))
        .prop_map(|(min, more, query, cap)| (min..=min + more, query, cap.map(|more| query + more)))
}

pub fn orders() -> impl Strategy<Value = SupportOrder> {
    let plain = [SupportOrder::First, SupportOrder::Window, SupportOrder::Subset, SupportOrder::Early];
    prop_oneof![proptest::sample::select(plain.to_vec()), Just(SupportOrder::default())]
}

/// The sizes of an episode of a task with `events` events.
pub fn assert_sizes(episode: &Episode, events: usize, (shots, query, cap): &Sizes) {
    let room = events - query;
    assert!((*shots.start().min(&room)..=*shots.end().min(&room)).contains(&episode.support.len()));
    assert!((*query..=cap.unwrap_or(usize::MAX)).contains(&episode.query.len()));
}

/// Every event of these is in one set of the episode, and in no other.
pub fn assert_nothing_lost<'a>(episode: &Episode, events: impl IntoIterator<Item = &'a IndexedEvent>) {
    let mut all = serials(episode.support.iter().chain(&episode.query).chain(&episode.passed_over));
    all.sort_unstable();
    let mut expected = serials(events);
    expected.sort_unstable();
    assert_eq!(all, expected);
}

/// What every sampler promises: sets without a common event, in time order; the same episode for the same id, whenever and wherever
/// it is asked for; a task that does not depend on the number of shots.
pub fn assert_contract(
    sampler: &dyn ShotsSampler,
    shots: RangeInclusive<usize>,
    seed: u64,
    first: u64,
) -> Vec<Episode> {
    let draw = |index| sampler.episode(EpisodeId { seed, index }).unwrap();
    let episodes: Vec<Episode> = (first..first + 6).map(draw).collect();
    for episode in &episodes {
        let sets = [&episode.support, &episode.query, &episode.passed_over];
        assert!(sets.iter().all(|set| set.is_sorted_by_key(|event| event.timestamp)));
        let distinct: BTreeSet<u32> = serials(sets.into_iter().flatten()).into_iter().collect();
        assert_eq!(distinct.len(), sets.iter().map(|set| set.len()).sum::<usize>(), "an event is in two sets");
    }
    let backwards = std::thread::scope(|scope| {
        scope.spawn(|| (first..first + 6).rev().map(draw).collect::<Vec<_>>()).join().unwrap()
    });
    assert!(backwards.iter().rev().eq(&episodes));
    for (index, episode) in (first..).zip(&episodes) {
        let id = EpisodeId { seed, index };
        assert_eq!(&sampler.episode_with(id, shots.clone()).unwrap(), episode);
        let other = sampler.episode_with(id, 2..=2).unwrap();
        assert!(other.task == episode.task && other.support.len() <= 2);
    }
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    for shots in [2..=1, 0..=usize::MAX] {
        assert!(sampler.episode_with(EpisodeId { seed, index: first }, shots).is_err());
    }
    episodes
}

/// Each of `tasks` tasks once an epoch, in any epoch; returned in order.
pub fn assert_epoch(sampler: &dyn TaskSampler, tasks: usize, seed: u64, epoch: u64) -> Vec<metarec::sampler::TaskId> {
    let first = epoch * tasks as u64;
    let drawn: Vec<_> =
        (first..first + tasks as u64).map(|index| sampler.episode(EpisodeId { seed, index }).unwrap().task).collect();
    let distinct: BTreeSet<_> = drawn.iter().copied().collect();
    assert_eq!(distinct.len(), tasks);
    distinct.into_iter().collect()
}

/// Whether counts are as even as chance makes them: chi-square within five standard deviations of its mean.
pub fn is_uniform(counts: &[usize]) -> bool {
    let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    let chi_square: f64 = counts.iter().map(|&count| (count as f64 - mean).powi(2) / mean).sum();
    let freedom = (counts.len() - 1) as f64;
    chi_square < freedom + 5.0 * (2.0 * freedom).sqrt()
}
