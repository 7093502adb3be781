//! A user as a value.

use std::fmt;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

use super::engine::State;
use crate::data::{IndexedEvent, ItemIndex};

/// A user whom a model has adapted to: a small value of the host's own.
///
/// It holds the user's recent events (as many as the model reads), the items that the user has had anything to do with, and the fingerprint of the model.
/// What adaptation found is kept beside them, and found again where it is missing: after reading a saved user, and after an update. Adaptation is
/// deterministic, so a user who is saved, read and used again gets the same scores.
///
/// Serialises with serde, without what can be found again. A user of another model is refused with
/// [`RecommendError::Fingerprint`](crate::recommend::RecommendError::Fingerprint).
///
/// Memory: 32 bytes a kept event, 4 a seen item, and what the learner keeps: some kilobytes for a closed form, a model's moved weights for gradient
/// learners. A clone shares the latter.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct AdaptedUser {
    fingerprint: String,
    events: Vec<IndexedEvent>,
    /// Ascending.
    seen: Vec<ItemIndex>,
    /// Codes of what else is known, ascending.
    #[serde(default)]
    profile: Vec<u32>,
    #[serde(skip)]
    state: Kept,
}

/// What adaptation found, and the recommender that found it.
#[derive(Clone, Default)]
struct Kept(OnceLock<(u64, State)>);

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.get().is_some() { "adapted" } else { "to be adapted" })
    }
}

/// Users are equal if the same model knows the same of them.
impl PartialEq for AdaptedUser {
    fn eq(&self, other: &Self) -> bool {
        (&self.fingerprint, &self.profile) == (&other.fingerprint, &other.profile)
            && (&self.events, &self.seen) == (&other.events, &other.seen)
    }
}

impl AdaptedUser {
    /// A user of whom nothing is known but these codes.
    pub(super) fn new(fingerprint: &str, profile: &[u32]) -> Self {
        let (fingerprint, profile) = (fingerprint.to_owned(), profile.to_vec());
        Self { fingerprint, events: Vec::new(), seen: Vec::new(), profile, state: Kept::default() }
    }

    /// The fingerprint of the model that this user belongs to.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// The events that the model reads, in time order: the most recent ones.
    #[must_use]
    pub fn events(&self) -> &[IndexedEvent] {
        &self.events
    }

    /// What is known of the user besides events: codes of [`ModelFacts::profile`](crate::persist::ModelFacts::profile), ascending.
    #[must_use]
    pub fn profile(&self) -> &[u32] {
        &self.profile
    }

    /// Every item that the user has had anything to do with, older events included, ascending.
    #[must_use]
    pub fn seen(&self) -> &[ItemIndex] {
        &self.seen
    }

    /// Takes an event in at its place in time, and keeps the `most` most recent.
    pub(super) fn insert(&mut self, event: IndexedEvent, most: usize) {
        let later = |kept: &&IndexedEvent| kept.timestamp.zip(event.timestamp).is_some_and(|(kept, new)| kept > new);
        let place = self.events.len() - self.events.iter().rev().take_while(later).count();
        self.events.insert(place, event);
        if self.events.len() > most {
            self.events.drain(..self.events.len() - most);
        }
        if let Err(place) = self.seen.binary_search(&event.item) {
            self.seen.insert(place, event.item);
        }
        self.state = Kept::default();
    }

    /// Drops every event on an item; says whether there was anything to drop.
    pub(super) fn remove(&mut self, item: ItemIndex) -> bool {
        let place = self.seen.binary_search(&item);
        if let Ok(place) = place {
            self.seen.remove(place);
        }
        let before = self.events.len();
        self.events.retain(|event| event.item != item);
        let changed = self.events.len() < before;
        if changed {
            self.state = Kept::default();
        }
        changed || place.is_ok()
    }

    /// What the recommender with this number found.
    pub(super) fn state(&self, recommender: u64) -> Option<&State> {
        self.state.0.get().filter(|(owner, _)| *owner == recommender).map(|(_, state)| state)
    }

    /// Keeps what a recommender found, if nothing is kept yet.
    pub(super) fn keep(&self, recommender: u64, state: State) {
        let _ = self.state.0.set((recommender, state));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Action;

    fn event(item: u32, timestamp: Option<i64>) -> IndexedEvent {
        IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp }
    }

    fn user(events: &[(u32, Option<i64>)], most: usize) -> AdaptedUser {
        let mut user = AdaptedUser::new("f", &[]);
        events.iter().for_each(|&(item, time)| user.insert(event(item, time), most));
        user
    }

    fn items(user: &AdaptedUser) -> Vec<u32> {
        user.events().iter().map(|event| event.item.0).collect()
    }

    #[test]
    fn an_event_goes_to_its_place_in_time_and_equal_times_stay_in_order_of_arrival() {
        assert_eq!(
            items(&user(&[(1, Some(10)), (2, Some(30)), (3, Some(20)), (4, Some(20)), (5, Some(5))], 9)),
            [5, 1, 3, 4, 2]
        );
    }

    #[test]
    fn an_event_without_a_time_happens_after_all_before_it() {
        assert_eq!(items(&user(&[(1, Some(10)), (2, None), (3, Some(5)), (4, Some(20))], 9)), [1, 2, 3, 4]);
    }

    #[test]
    fn the_most_recent_events_are_kept_and_all_items_are_remembered() {
        let user = user(&[(4, Some(1)), (3, Some(2)), (2, Some(3)), (1, Some(0))], 2);
        assert_eq!(items(&user), [3, 2]);
        assert_eq!(user.seen(), [1, 2, 3, 4].map(ItemIndex));
    }

    #[test]
    fn a_removed_item_is_neither_read_nor_remembered() {
        let mut user = user(&[(1, None), (2, None), (1, None)], 9);
        assert!(user.remove(ItemIndex(1)));
        assert!(!user.remove(ItemIndex(1)));
        assert_eq!((items(&user), user.seen()), (vec![2], &[ItemIndex(2)][..]));
    }
}
