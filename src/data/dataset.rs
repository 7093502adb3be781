//! Indexed events of many users.

use crate::data::catalogue::Catalogue;
use crate::data::error::DataError;
use crate::data::event::IndexedEvent;
use crate::data::ids::UserIndex;
use crate::data::likes::LikeRule;
use crate::data::split::{SplitRule, UserSplit};
use crate::data::users::UserTable;

/// Events of many users, indexed and in time order, with catalogue and user columns.
///
/// Each user's events are ordered by time; within one second by the MD5 of `"user|item"`, which means nothing, then by arrival.
/// Events of unknown time come first, in the order of arrival. An item may occur several times in a history: these are different
/// events. Users of whom only columns are known have an empty history.
///
/// Memory: 33 bytes an event, and each id once (see [`Ids`](crate::data::Ids)): 10 million events of 100,000 users take 330 MB.
///
/// ```
/// use metarec::data::{Event, UserIndex, from_events};
///
/// let data = from_events([
///     ("ann", Event::rating("jaws", 5.0).at(20)),
///     ("bob", Event::rating("heat", 1.0).at(30)),
///     ("ann", Event::rating("heat", 4.0).at(10)),
/// ])?;
/// let items: Vec<&str> = data.history(UserIndex(0)).iter().map(|event| data.catalogue().id(event.item)).collect();
/// assert_eq!(items, ["heat", "jaws"]);
/// assert_eq!(data.like_rule().threshold, Some(4.0));
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Dataset {
    pub(super) users: UserTable,
    pub(super) catalogue: Catalogue,
    /// `offsets[u]..offsets[u + 1]` are the events of user `u`.
    pub(super) offsets: Vec<usize>,
    pub(super) events: Vec<IndexedEvent>,
    /// For each event whether another one of the same user and item arrived before it.
    pub(super) repeats: Vec<bool>,
    pub(super) likes: LikeRule,
    pub(super) pinned: Option<UserSplit>,
}

impl Dataset {
    /// The users.
    #[must_use]
    pub fn users(&self) -> &UserTable {
        &self.users
    }

    /// The items.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// The catalogue, to describe items or to give them vectors.
    pub fn catalogue_mut(&mut self) -> &mut Catalogue {
        &mut self.catalogue
    }

    /// The events of one user, in time order.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn history(&self, user: UserIndex) -> &[IndexedEvent] {
        &self.events[self.offsets[user.position()]..self.offsets[user.position() + 1]]
    }

    /// For each event of [`Dataset::history`] whether it repeats: another event of this user with the same item *arrived* before
    /// it (stands on an earlier line of the file), whatever their times.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn repeats(&self, user: UserIndex) -> &[bool] {
        &self.repeats[self.offsets[user.position()]..self.offsets[user.position() + 1]]
    }

    /// All events, user by user.
    #[must_use]
    pub fn events(&self) -> &[IndexedEvent] {
        &self.events
    }

    /// Which events count as likes.
    #[must_use]
    pub fn like_rule(&self) -> &LikeRule {
        &self.likes
    }

    /// Replaces the rule that was derived from the values.
    pub fn set_like_rule(&mut self, rule: LikeRule) {
        self.likes = rule;
    }

    /// The split that came with the data (`episodes.csv`), if one did.
    #[must_use]
    pub fn pinned_split(&self) -> Option<&UserSplit> {
        self.pinned.as_ref()
    }

    /// Pins a split to the data.
    pub fn set_pinned_split(&mut self, split: Option<UserSplit>) {
        self.pinned = split;
    }

    /// The pinned split if there is one, else [`UserSplit::by_digest`] with the default rule.
    ///
    /// Costs a copy of the events.
    ///
    /// # Errors
    /// As [`UserSplit::by_digest`].
    pub fn split(&self) -> Result<UserSplit, DataError> {
        match &self.pinned {
            Some(split) => Ok(split.clone()),
            None => UserSplit::by_digest(self, &SplitRule::default()),
        }
    }
}
