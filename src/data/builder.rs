//! Collecting events in any order, and indexing them once.

use crate::data::catalogue::Catalogue;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::{Action, Event, IndexedEvent};
use crate::data::ids::UserIndex;
use crate::data::likes::LikeRule;
use crate::data::order::digest_of_pair;
use crate::data::users::UserTable;

/// Collects events in any order and indexes them once.
///
/// Memory: 36 bytes an event while collecting, in vectors that double when they are full, and 37 while [`DatasetBuilder::build`] runs,
/// which sorts them where they lie; each id once (see [`Ids`](crate::data::Ids)). Indices are given out in the order in which users
/// and items first appear, described or in an event.
///
/// ```
/// use metarec::data::{DatasetBuilder, Event};
///
/// let mut builder = DatasetBuilder::new();
/// builder.catalogue_mut().describe("50", "Star Wars (1977)", "", ["Action", "Sci-Fi"]);
/// builder.describe_user("ann", [("age", "31")])?;
/// builder.push("ann", &Event::rating("50", 5.0).at(881_250_949))?;
/// let data = builder.build();
/// assert_eq!(data.events().len(), 1);
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DatasetBuilder {
    pub(super) users: UserTable,
    catalogue: Catalogue,
    events: Vec<IndexedEvent>,
    /// Whose event each is.
    owners: Vec<UserIndex>,
}

impl DatasetBuilder {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The catalogue so far, to describe items before or after their events.
    pub fn catalogue_mut(&mut self) -> &mut Catalogue {
        &mut self.catalogue
    }

    /// The users so far.
    #[must_use]
    pub fn users(&self) -> &UserTable {
        &self.users
    }

    /// How many events were collected so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether no event was collected so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// Sets what is known of a user, as `(column, text)`, adding user and columns that are new and replacing what was known.
    ///
    /// # Errors
    /// If the id is empty; the number in the error is that of the next event.
    pub fn describe_user<'a>(
        &mut self,
        user: &str,
        cells: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<UserIndex, DataError> {
        self.check(!user.is_empty(), "user", || user, "an id, not empty")?;
        Ok(self.users.describe(user, cells))
    }

    /// Adds one event.
    ///
    /// # Errors
    /// If an id is empty, the value not finite or the time negative: [`DataError::Event`] with the event's number. Nothing is added
    /// then.
    pub fn push(&mut self, user: &str, event: &Event) -> Result<(), DataError> {
        let (value, time) = (event.value.unwrap_or(0.0), event.timestamp.unwrap_or(0));
        self.check(!user.is_empty(), "user", || user, "an id, not empty")?;
        self.check(!event.item.is_empty(), "item", || &event.item, "an id, not empty")?;
        self.check(value.is_finite(), "value", || value, "a finite number")?;
        self.check(time >= 0, "timestamp", || time, "seconds since the epoch, 0 or more")?;
        self.push_checked(user, &event.item, event.action, event.value, event.timestamp);
        Ok(())
    }

    /// Adds one event whose fields were checked by a reader.
    pub(crate) fn push_checked(
        &mut self,
        user: &str,
        item: &str,
        action: Action,
        value: Option<f32>,
        time: Option<i64>,
    ) {
        // Files are often in the order of users.
        let last = self.owners.last().filter(|last| self.users.id(**last) == user);
        let user = last.copied().unwrap_or_else(|| self.users.insert(user));
        let item = self.catalogue.insert(item);
        self.owners.push(user);
        self.events.push(IndexedEvent { item, action, value, timestamp: time });
    }

    fn check<T: ToString>(
        &self,
        holds: bool,
        field: &'static str,
        value: impl FnOnce() -> T,
        expected: &'static str,
    ) -> Result<(), DataError> {
        if holds {
            return Ok(());
        }
        let number = self.events.len() as u64 + 1;
        Err(DataError::Event { number, field, value: value().to_string(), expected })
    }

    /// Sorts and indexes what was collected.
    ///
    /// Costs one sort of each user's events and one digest for each event that shares its second with another of its user.
    ///
    /// # Panics
    /// If there are `u32::MAX` events or more: 128 GiB of them.
    #[must_use]
    pub fn build(self) -> Dataset {
        let Self { mut users, catalogue, mut events, owners } = self;
        users.fill();
        events.shrink_to_fit();
        let ratings = events.iter().filter(|event| event.action == Action::Rating);
        let likes = LikeRule::from_values(ratings.filter_map(|event| event.value));
        let offsets = group(users.len(), &mut events, owners);
        let mut repeats = vec![false; events.len()];
        let mut scratch = Vec::new();
        for user in 0..users.len() {
            let range = offsets[user]..offsets[user + 1];
            order_history(users.ids()[user].as_str(), &catalogue, &mut events[range.clone()], &mut scratch);
            for (repeat, arrived) in repeats[range].iter_mut().zip(&scratch) {
                *repeat = arrived.repeats;
            }
        }
        Dataset { users, catalogue, offsets, events, repeats, likes, pinned: None }
    }
}

/// Puts the events user by user, each user's in the order of arrival, and says where each user's begin.
fn group(users: usize, events: &mut [IndexedEvent], owners: Vec<UserIndex>) -> Vec<usize> {
    assert!(events.len() < u32::MAX as usize, "fewer than u32::MAX events");
    let mut offsets = vec![0; users + 1];
    for user in &owners {
        offsets[user.position() + 1] += 1;
    }
    for user in 0..users {
        offsets[user + 1] += offsets[user];
    }
    let mut next = offsets.clone();
    let place = |user: UserIndex| {
        next[user.position()] += 1;
        (next[user.position()] - 1) as u32
    };
    // In the memory of the owners, as both are four bytes.
    let mut places: Vec<u32> = owners.into_iter().map(place).collect();
    for here in 0..events.len() {
        while places[here] as usize != here {
            let there = places[here] as usize;
            events.swap(here, there);
            places.swap(here, there);
        }
    }
    offsets
}

/// One event with what is known of its arrival.
struct Arrived {
    event: IndexedEvent,
    order: usize,
    repeats: bool,
}

/// Puts one user's events, given in the order of arrival, in time order; leaves them with their arrival in `scratch`.
fn order_history(user: &str, catalogue: &Catalogue, events: &mut [IndexedEvent], scratch: &mut Vec<Arrived>) {
    scratch.clear();
    scratch.extend(events.iter().enumerate().map(|(order, &event)| Arrived { event, order, repeats: false }));
    scratch.sort_unstable_by_key(|arrived| (arrived.event.item, arrived.order));
    for place in 1..scratch.len() {
        scratch[place].repeats = scratch[place].event.item == scratch[place - 1].event.item;
    }
    scratch.sort_unstable_by_key(|arrived| (arrived.event.timestamp, arrived.order));
    for run in scratch.chunk_by_mut(|a, b| a.event.timestamp == b.event.timestamp) {
        if run.len() > 1 && run[0].event.timestamp.is_some() {
            run.sort_by_cached_key(|arrived| digest_of_pair(user, catalogue.id(arrived.event.item)));
        }
    }
    for (event, arrived) in events.iter_mut().zip(scratch.iter()) {
        *event = arrived.event;
    }
}

/// A data set from any iterator of events and the users they belong to.
///
/// # Errors
/// At the first malformed event: an empty id, a value that is not finite, a negative time. No events at all are no error.
///
/// ```
/// use metarec::data::{Event, from_events};
///
/// let error = from_events([("ann", Event::click("a")), ("ann", Event::rating("b", f32::NAN))]).unwrap_err();
/// assert_eq!(error.to_string(), r#"event 2, value: "NaN": expected a finite number"#);
/// ```
pub fn from_events<U: AsRef<str>>(events: impl IntoIterator<Item = (U, Event)>) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::new();
    for (user, event) in events {
        builder.push(user.as_ref(), &event)?;
    }
    Ok(builder.build())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn items(data: &Dataset, user: u32) -> Vec<&str> {
        data.history(UserIndex(user)).iter().map(|event| data.catalogue().id(event.item)).collect()
    }

    #[test]
    fn a_history_is_in_time_order() {
        let events = [("u", Event::click("c").at(3)), ("v", Event::click("c").at(0)), ("u", Event::click("a").at(1))];
        let data = from_events(events).unwrap();
        assert_eq!(items(&data, 0), ["a", "c"]);
        assert_eq!(items(&data, 1), ["c"]);
    }

    #[test]
    fn events_of_one_second_go_by_digest_and_not_by_arrival() {
        // python3 -c "import hashlib; print(sorted('abcd', key=lambda i: hashlib.md5(f'u|{i}'.encode()).hexdigest()))"
        for order in ["abcd", "dcba", "bdac"] {
            let events = order.chars().map(|item| ("u", Event::click(item).at(5)));
            assert_eq!(items(&from_events(events).unwrap(), 0), ["c", "b", "a", "d"]);
        }
    }

    #[test]
    fn events_of_unknown_time_come_first_and_as_they_arrived() {
        let events = ["d", "a", "c", "b"].map(|item| ("u", Event::click(item)));
        let data = from_events([("u", Event::click("z").at(0))].into_iter().chain(events)).unwrap();
        assert_eq!(items(&data, 0), ["d", "a", "c", "b", "z"]);
    }

    #[test]
    fn what_repeats_is_what_arrived_later_whatever_the_times() {
        let events = [("u", Event::click("a").at(9)), ("u", Event::click("b").at(5)), ("u", Event::click("a").at(1))];
        let data = from_events(events).unwrap();
        assert_eq!(items(&data, 0), ["a", "b", "a"]);
        assert_eq!(data.repeats(UserIndex(0)), [true, false, false]);
    }

    #[test]
    fn malformed_events_are_refused_and_nothing_is_added() {
        let mut builder = DatasetBuilder::new();
        builder.push("u", &Event::click("a")).unwrap();
        for (user, event, field) in [
            ("", Event::click("a"), "user"),
            ("u", Event::click(""), "item"),
            ("u", Event::rating("a", f32::INFINITY), "value"),
            ("u", Event::click("a").at(-1), "timestamp"),
        ] {
            let error = builder.push(user, &event).unwrap_err();
            assert!(matches!(error, DataError::Event { number: 2, field: found, .. } if found == field), "{error}");
        }
        assert_eq!(builder.len(), 1);
        assert!(builder.describe_user("", []).is_err());
    }

    #[test]
    fn a_user_with_columns_alone_has_an_empty_history() {
        let mut builder = DatasetBuilder::new();
        let user = builder.describe_user("new", [("age", "8")]).unwrap();
        builder.push("old", &Event::click("a")).unwrap();
        let data = builder.build();
        assert!(data.history(user).is_empty());
        assert_eq!(data.history(UserIndex(1)).len(), 1);
    }

    #[test]
    fn quantities_of_purchases_do_not_make_a_threshold() {
        let events = [("u", Event::purchase("a").with_value(1.0)), ("u", Event::purchase("b").with_value(50.0))];
        assert_eq!(from_events(events).unwrap().like_rule().threshold, None);
    }

    proptest! {
        #[test]
        fn every_event_is_kept_once(raw in proptest::collection::vec((0u8..4, 0u8..6, proptest::option::of(0i64..4)), 0..60)) {
            let events = raw.iter().map(|&(user, item, time)| {
                let event = Event { timestamp: time, ..Event::click(item.to_string()) };
                (user.to_string(), event)
            });
            let data = from_events(events).unwrap();
            let mut kept = Vec::new();
            for user in (0..).map(UserIndex).take(data.users().len()) {
                prop_assert!(data.history(user).is_sorted_by_key(|event| event.timestamp));
                let id = data.users().id(user);
                kept.extend(data.history(user).iter().map(|event| {
                    (id.parse::<u8>().unwrap(), data.catalogue().id(event.item).parse::<u8>().unwrap(), event.timestamp)
                }));
            }
            let mut raw = raw;
            raw.sort_unstable();
            kept.sort_unstable();
            prop_assert_eq!(kept, raw);
        }
    }
}
