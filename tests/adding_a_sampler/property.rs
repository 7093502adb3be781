use metarec::data::{Action, IndexedEvent, ItemIndex, TaskHistory, UserIndex};
use metarec::sampler::{EpisodeId, TaskSampler};
use my_samplers::NextEvents;
use proptest::prelude::*;

/// A user whose events are told apart by their times: 0, 1, 2, ...
fn history(user: u32, events: u32) -> TaskHistory {
    let event = |place: u32| IndexedEvent {
        item: ItemIndex(place % 7),
        action: Action::Click,
        value: None,
        timestamp: Some(place.into()),
    };
    TaskHistory { user: UserIndex(user), events: (0..events).map(event).collect() }
}

fn times(events: &[IndexedEvent]) -> Vec<i64> {
    events.iter().filter_map(|event| event.timestamp).collect()
}

proptest! {
    #[test]
    fn every_episode_is_cut_from_one_history_and_is_the_same_each_time(
        lengths in proptest::collection::vec(0_u32..30, 1..8),
        (shots, ahead) in (0_usize..6, 1_usize..6),
        (seed, index) in any::<(u64, u64)>(),
    ) {
        let histories: Vec<TaskHistory> = (0..).zip(&lengths).map(|(user, &events)| history(user, events)).collect();
        let Ok(sampler) = NextEvents::new(histories.clone(), shots, ahead) else {
            prop_assert!(lengths.iter().all(|&events| (events as usize) < shots + ahead));
            return Ok(());
        };
        let id = EpisodeId { seed, index };
        let episode = sampler.episode(id).unwrap();
        let user = episode.task.user().unwrap();

        // Sizes are as they were asked for, and the query follows the support.
        prop_assert_eq!((episode.support.len(), episode.query.len()), (shots, ahead));
        let cut = [times(&episode.support), times(&episode.query)].concat();
        prop_assert!(cut.windows(2).all(|pair| pair[1] == pair[0] + 1));

        // Each event of the user is in exactly one set.
        let mut all = [cut, times(&episode.passed_over)].concat();
        all.sort_unstable();
        prop_assert_eq!(all, times(&histories[user.position()].events));

        // Another thread that has drawn another episode before draws the same.
        let again = std::thread::scope(|scope| {
            let draw = || {
                sampler.episode(EpisodeId { seed, index: index ^ 1 }).unwrap();
                sampler.episode(id).unwrap()
            };
            scope.spawn(draw).join().unwrap()
        });
        prop_assert_eq!(again, episode);
    }
}
