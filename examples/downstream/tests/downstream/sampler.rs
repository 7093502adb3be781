//! What the sampler promises, for any histories and settings.

use std::error::Error;

use downstream::Favourites;
use metarec::data::{Action, IndexedEvent, ItemIndex, LikeRule, TaskHistory, UserIndex};
use metarec::sampler::{EpisodeId, TaskSampler};
use proptest::prelude::*;

/// A user whose events are told apart by their times, and of whom every third event is no like.
fn history(user: u32, events: u32) -> TaskHistory {
    let event = |place: u32| IndexedEvent {
        item: ItemIndex(place % 7),
        action: if place.is_multiple_of(3) { Action::Dislike } else { Action::Like },
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
    fn only_likes_are_shown_and_everything_else_is_asked_for(
        lengths in proptest::collection::vec(0_u32..30, 1..8),
        most in 1_usize..6,
        (seed, index) in any::<(u64, u64)>(),
    ) {
        let rule = LikeRule::default();
        let histories: Vec<TaskHistory> = (0..).zip(&lengths).map(|(user, &events)| history(user, events)).collect();
        let likes = |events: &[IndexedEvent]| events.iter().filter(|event| rule.is_like(event)).count();
        let Ok(sampler) = Favourites::new(histories.clone(), &rule, most) else {
            prop_assert!(histories.iter().all(|history| likes(&history.events) < 2));
            return Ok(());
        };
        let episode = sampler.episode(EpisodeId { seed, index }).unwrap();
        let history = &histories[episode.task.user().unwrap().position()];

        prop_assert!((1..=most).contains(&episode.support.len()));
        prop_assert_eq!(likes(&episode.support), episode.support.len());
        prop_assert!(likes(&episode.query) >= 1);

        // In time order, and no event twice or lost.
        prop_assert!(times(&episode.support).is_sorted() && times(&episode.query).is_sorted());
        let mut all = [times(&episode.support), times(&episode.query)].concat();
        all.sort_unstable();
        prop_assert_eq!(all, times(&history.events));
        prop_assert!(episode.passed_over.is_empty());
    }

    #[test]
    fn an_episode_is_a_function_of_its_id_alone(seed: u64, index: u64) {
        let histories: Vec<TaskHistory> = (0..5).map(|user| history(user, 20)).collect();
        let sampler = || Favourites::new(histories.clone(), &LikeRule::default(), 4).unwrap();
        let id = EpisodeId { seed, index };
        let (one, other) = (sampler(), sampler());
        one.episode(EpisodeId { seed, index: index ^ 1 }).unwrap();
        let drawn = std::thread::scope(|scope| scope.spawn(|| one.episode(id).unwrap()).join().unwrap());
        prop_assert_eq!(drawn, other.episode(id).unwrap());
    }
}

#[test]
fn each_user_comes_once_an_epoch_and_the_shots_differ() {
    let histories: Vec<TaskHistory> = (0..5).map(|user| history(user, 20)).collect();
    let sampler = Favourites::new(histories, &LikeRule::default(), 4).unwrap();
    let episodes: Vec<_> = (0..50).map(|index| sampler.episode(EpisodeId { seed: 1, index }).unwrap()).collect();
    for epoch in episodes.chunks(sampler.tasks()) {
        let mut users: Vec<u32> = epoch.iter().filter_map(|episode| episode.task.user()).map(|user| user.0).collect();
        users.sort_unstable();
        assert_eq!(users, [0, 1, 2, 3, 4]);
    }
    for shots in 1..=4 {
        assert!(episodes.iter().any(|episode| episode.support.len() == shots), "never {shots} shots");
    }
}

#[test]
fn a_sampler_without_anything_to_draw_says_why() {
    let error = |histories, most| Favourites::new(histories, &LikeRule::default(), most).err().unwrap();
    assert!(error(vec![history(0, 20)], 0).to_string().contains("most is 0"));
    assert!(error(vec![history(0, 2)], 3).source().unwrap().to_string().contains("nobody"));
}
