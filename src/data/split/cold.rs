//! Splits in which items can be new as well as users.

use serde::{Deserialize, Serialize};

use super::{HeldOutUser, UserSplit};
use crate::data::dataset::Dataset;
use crate::data::event::IndexedEvent;
use crate::data::ids::{ItemIndex, UserIndex};

/// A split in which items can be new as well as users, and users can be known.
///
/// | made by | a scored user | the pool | the query |
/// |---|---|---|---|
/// | [`ColdSplit::by_item`] | is trained on | their first events on training items, trained on | their events on held-out items |
/// | [`ColdSplit::by_user_and_item`] | is not | the same, not trained on | the same |
/// | [`ColdSplit::by_time`] | is trained on where they were there before | their events before the period | those in the period |
/// | [`ColdSplit::leave_last_out`] | is trained on | all events before the query | one event |
///
/// In all of them what is held out is told by ids or times and never by positions, so that neither another order of the input nor more
/// users change what a user is scored on. Of several events of one user and item one is kept. In each part users are in ascending
/// order of their external ids.
///
/// Everything is accounted for: an event is trained on, in a pool or in a query (of several parts maybe), or it is counted in `left_out`.
///
/// ```
/// use metarec::data::{ColdSplit, ItemRule};
///
/// let data = metarec::data::synthetic::MarketConfig::default().generate()?.into_dataset();
/// let split = ColdSplit::by_item(&data, &ItemRule::default().with_support(5))?;
/// let user = &split.users.test[0];
/// assert_eq!(user.pool.len(), 5);
/// assert!(user.query.iter().all(|event| split.test.items.contains(&event.item)));
/// assert!(split.candidates(&split.test).len() > split.users.candidates().len());
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ColdSplit {
    /// Who is trained on, and who is scored on what: a user may be in several parts.
    pub users: UserSplit,
    /// What is new in validation.
    pub valid: Cold,
    /// What is new in the test.
    pub test: Cold,
    /// Events that are in no part.
    pub left_out: LeftOut,
}

/// What a part has and training has not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cold {
    /// Scored users without a training event, ascending.
    pub users: Vec<UserIndex>,
    /// Items without a training event that occur in this part, ascending.
    pub items: Vec<ItemIndex>,
}

/// Events that a split has no use for, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// Another event of the same user and item is kept.
    pub repeated: u64,
    /// The time is unknown, and the split is by time.
    pub unknown_time: u64,
    /// Held out of training and not scored either: the user's pool would be too small, there is nothing to score, or training users
    /// met items of another part.
    pub not_scored: u64,
}

impl ColdSplit {
    /// What is ranked in a part: the items that training has and those that are new in the part, ascending.
    #[must_use]
    pub fn candidates(&self, part: &Cold) -> Vec<ItemIndex> {
        let mut items = self.users.candidates();
        items.extend_from_slice(&part.items);
        items.sort_unstable();
        items.dedup();
        items
    }

    /// Says what is new in each part, and counts what is in none.
    pub(super) fn new(data: &Dataset, users: UserSplit, kept: u64, mut left_out: LeftOut) -> Self {
        let mut known = Seen::new(data);
        users.train.iter().for_each(|task| known.add(task.user, &task.events));
        let cold = |held_out: &[HeldOutUser]| {
            let mut part = Seen::new(data);
            held_out.iter().for_each(|user| part.add(user.user, &user.pool));
            held_out.iter().for_each(|user| part.add(user.user, &user.query));
            Cold {
                users: part.but(&part.users, &known.users).map(UserIndex).collect(),
                items: part.but(&part.items, &known.items).map(ItemIndex).collect(),
            }
        };
        let (valid, test) = (cold(&users.valid), cold(&users.test));
        left_out.not_scored = kept - used(&users);
        Self { users, valid, test, left_out }
    }
}

/// Which users and items occur.
struct Seen {
    users: Vec<bool>,
    items: Vec<bool>,
}

impl Seen {
    fn new(data: &Dataset) -> Self {
        Self { users: vec![false; data.users().len()], items: vec![false; data.catalogue().len()] }
    }

    fn add(&mut self, user: UserIndex, events: &[IndexedEvent]) {
        self.users[user.position()] = true;
        events.iter().for_each(|event| self.items[event.item.position()] = true);
    }

    fn but<'a>(&self, seen: &'a [bool], known: &'a [bool]) -> impl Iterator<Item = u32> + 'a {
        (0..).zip(seen.iter().zip(known)).filter(|(_, (seen, known))| **seen && !**known).map(|(index, _)| index)
    }
}

/// How many events are in a part, each once: a user has one of each item.
fn used(users: &UserSplit) -> u64 {
    let train = users.train.iter().map(|task| (task.user, &task.events));
    let held_out = users.valid.iter().chain(&users.test);
    let held_out = held_out.flat_map(|user| [(user.user, &user.pool), (user.user, &user.query)]);
    let mut parts: Vec<_> = train.chain(held_out).collect();
    parts.sort_by_key(|(user, _)| *user);
    let mut items: Vec<ItemIndex> = Vec::new();
    let mut count = 0;
    for parts in parts.chunk_by(|a, b| a.0 == b.0) {
        items.clear();
        items.extend(parts.iter().flat_map(|(_, events)| events.iter().map(|event| event.item)));
        items.sort_unstable();
        items.dedup();
        count += items.len() as u64;
    }
    count
}

/// The users in ascending order of their external ids.
pub(super) fn by_id(data: &Dataset) -> Vec<UserIndex> {
    let mut users: Vec<UserIndex> = (0..).map(UserIndex).take(data.users().len()).collect();
    users.sort_unstable_by_key(|user| data.users().id(*user));
    users
}
