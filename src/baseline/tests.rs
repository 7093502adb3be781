//! What the tests of single methods share.

use crate::data::{Action, Dataset, DatasetBuilder, Event, IndexedEvent, ItemIndex, UserIndex, UserSplit};
use crate::evaluate::{Method, Support};

use super::everyone;

/// Ratings of `(user, item, value)`, all to train on; the items of the catalogue are `0..items`, by index and by id.
pub(super) fn all_train(items: u32, ratings: &[(u32, u32, f32)]) -> (Dataset, UserSplit) {
    let mut events = DatasetBuilder::new();
    for item in 0..items {
        events.catalogue_mut().insert(&item.to_string());
    }
    for &(user, item, value) in ratings {
        events.push(&user.to_string(), &Event::rating(item.to_string(), value)).unwrap();
    }
    let data = events.build();
    let split = everyone(&data);
    (data, split)
}

/// A few users with one of two tastes each: `users` of them, who rate every item but a few from 1 to 5.
pub(super) fn two_tastes(users: u32, items: u32) -> (Dataset, UserSplit) {
    let rating = |user: u32, item: u32| {
        let liked = (user + item).is_multiple_of(2);
        let luck = (user * 7 + item * 13 + user * item) % 3;
        (user, item, if liked { 3.0 + luck as f32 } else { 1.0 + luck as f32 })
    };
    let pairs = (0..users).flat_map(|user| (0..items).map(move |item| (user, item)));
    let met = pairs.filter(|(user, item)| !(user * 5 + item * 3 + user * item).is_multiple_of(4));
    all_train(items, &met.map(|(user, item)| rating(user, item)).collect::<Vec<_>>())
}

/// Ratings of `(item, value)` as a support set holds them.
pub(super) fn rated(ratings: &[(u32, f32)]) -> Vec<IndexedEvent> {
    let event = |&(item, value)| IndexedEvent {
        item: ItemIndex(item),
        action: Action::Rating,
        value: Some(value),
        timestamp: None,
    };
    ratings.iter().map(event).collect()
}

/// The scores of a user with these events.
pub(super) fn scores(method: &dyn Method, events: &[IndexedEvent]) -> Vec<f32> {
    method.scores(&[Support { user: UserIndex(0), events }]).unwrap().unwrap().remove(0)
}

/// The ratings of a user with these events.
pub(super) fn ratings(method: &dyn Method, events: &[IndexedEvent]) -> Vec<f32> {
    method.ratings(&[Support { user: UserIndex(0), events }]).unwrap().unwrap().remove(0)
}

/// What a closure gives on a pool of so many threads.
pub(super) fn on_threads<T: Send>(threads: usize, run: impl FnOnce() -> T + Send) -> T {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(run)
}
