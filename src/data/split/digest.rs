//! The user-cold protocol: which users are held out, told by a digest of their ids.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::cold::by_id;
use super::{HeldOutUser, TaskHistory, UserSplit};
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::IndexedEvent;
use crate::data::ids::UserIndex;

/// How [`UserSplit::by_digest`] divides the events of held-out users.
///
/// ```
/// use metarec::data::SplitRule;
///
/// let rule = SplitRule::default().with_support(5).with_min_events(10);
/// assert_eq!((rule.support, rule.min_events), (5, 10));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SplitRule {
    /// How many events the pool of a held-out user has.
    pub support: usize,
    /// How many events a user must have to be held out; more than `support`, so that something is left to be scored on.
    pub min_events: usize,
}

impl Default for SplitRule {
    /// 20 events in the pool, at least 30 in all.
    fn default() -> Self {
        Self { support: 20, min_events: 30 }
    }
}

impl SplitRule {
    /// The same rule with another size of the pool.
    #[must_use]
    pub fn with_support(mut self, support: usize) -> Self {
        self.support = support;
        self
    }

    /// The same rule with another least number of events.
    #[must_use]
    pub fn with_min_events(mut self, min_events: usize) -> Self {
        self.min_events = min_events;
        self
    }

    fn check(&self) -> Result<(), DataError> {
        if self.min_events > self.support {
            return Ok(());
        }
        let value = self.min_events.to_string();
        Err(DataError::Setting { field: "min_events", value, expected: "more than support" })
    }
}

/// What a user is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Train,
    Valid,
    Test,
}

impl Part {
    /// MD5 of the id, read as one big number, modulo 10: 0 is test, 1 is valid, all else train.
    pub(super) fn of(user: &str) -> Self {
        match rest_of_digest(&[user], 10) {
            0 => Self::Test,
            1 => Self::Valid,
            _ => Self::Train,
        }
    }
}

/// MD5 of some text, read as one big number, modulo another.
pub(super) fn rest_of_digest(text: &[&str], modulus: u32) -> u32 {
    let mut hash = Md5::new();
    text.iter().for_each(|part| hash.update(part.as_bytes()));
    hash.finalize().iter().fold(0, |rest, &byte| (rest * 256 + u32::from(byte)) % modulus)
}

impl UserSplit {
    /// The user-cold protocol. One user in ten is for test and one for validation, told by the MD5 of the user's id, so that every
    /// program in any language finds the same.
    ///
    /// - Of several events of one user and item the one that arrived first (the earliest line of the file) is kept. Where users browse before
    ///   they buy, that is the weaker one: take repeats out before, by [`Dataset::clean`] with [`Keep::Strongest`](crate::data::Keep::Strongest).
    /// - Items without an event of a training user are not in the catalogue that is ranked: events of held-out users on them are
    ///   dropped.
    /// - A held-out user with fewer than `rule.min_events` left is dropped. The first `rule.support` in time order are the pool, the
    ///   later ones the query.
    /// - In each part users are in ascending order of their external ids.
    ///
    /// Costs a copy of the events and a digest for each user.
    ///
    /// # Errors
    /// [`DataError::Setting`] if `rule.min_events` is not more than `rule.support`; [`DataError::NoTrainingUsers`] if no training
    /// user has an event. No users for validation or test are no error.
    pub fn by_digest(data: &Dataset, rule: &SplitRule) -> Result<Self, DataError> {
        rule.check()?;
        let users: Vec<(UserIndex, Part)> =
            by_id(data).into_iter().map(|user| (user, Part::of(data.users().id(user)))).collect();
        let mut ranked = vec![false; data.catalogue().len()];
        for (user, _) in users.iter().filter(|(_, part)| *part == Part::Train) {
            for event in data.history(*user) {
                ranked[event.item.position()] = true;
            }
        }
        let mut split = Self::default();
        for (user, part) in users {
            let mut events = first_arrivals(data, user);
            events.retain(|event| ranked[event.item.position()]);
            match part {
                Part::Train if events.is_empty() => {}
                Part::Train => split.train.push(TaskHistory { user, events }),
                _ if events.len() < rule.min_events => {}
                Part::Valid => split.valid.push(held_out(user, events, rule)),
                Part::Test => split.test.push(held_out(user, events, rule)),
            }
        }
        if split.train.is_empty() {
            return Err(DataError::NoTrainingUsers { users: data.users().len() });
        }
        Ok(split)
    }
}

/// Of several events of one item the one that arrived first.
pub(super) fn first_arrivals(data: &Dataset, user: UserIndex) -> Vec<IndexedEvent> {
    let arrived = data.history(user).iter().zip(data.repeats(user));
    arrived.filter(|(_, repeats)| !**repeats).map(|(event, _)| *event).collect()
}

fn held_out(user: UserIndex, mut pool: Vec<IndexedEvent>, rule: &SplitRule) -> HeldOutUser {
    let query = pool.split_off(rule.support);
    HeldOutUser { user, pool, query }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Event, ItemIndex, from_events};

    // python3 -c "import hashlib; print([int(hashlib.md5(str(u).encode()).hexdigest(), 16) % 10 for u in range(30)])"
    const RESTS: [u32; 30] = [0, 1, 2, 3, 0, 3, 2, 5, 1, 4, 4, 0, 2, 3, 8, 3, 5, 7, 5, 2, 6, 1, 7, 9, 9, 4, 9, 8, 7, 7];

    fn everyone_has(items: usize) -> Dataset {
        let events = (0..30).flat_map(|user| (0..items).map(move |item| (user, item)));
        from_events(events.map(|(user, item)| {
            (user.to_string(), Event::rating(item.to_string(), 3.0).at(i64::try_from(item).unwrap()))
        }))
        .unwrap()
    }

    #[test]
    fn the_part_of_a_user_is_the_digest_modulo_ten() {
        for (user, rest) in RESTS.into_iter().enumerate() {
            let expected = [Part::Test, Part::Valid].get(rest as usize).copied().unwrap_or(Part::Train);
            assert_eq!(Part::of(&user.to_string()), expected);
        }
    }

    #[test]
    fn users_are_in_one_part_each_and_in_the_order_of_their_ids() {
        let data = everyone_has(30);
        let split = data.split().unwrap();
        let ids =
            |users: Vec<UserIndex>| users.into_iter().map(|user| data.users().id(user).to_owned()).collect::<Vec<_>>();
        let train = ids(split.train.iter().map(|task| task.user).collect());
        let valid = ids(split.valid.iter().map(|held| held.user).collect());
        let test = ids(split.test.iter().map(|held| held.user).collect());
        assert!([&train, &valid, &test].into_iter().all(|part| part.is_sorted() && !part.is_empty()));
        let mut all = [train, valid, test].concat();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 30);
    }

    #[test]
    fn the_first_events_are_the_pool_and_the_rest_the_query() {
        let split = everyone_has(33).split().unwrap();
        for held in split.valid.iter().chain(&split.test) {
            assert_eq!((held.pool.len(), held.query.len()), (20, 13));
            assert_eq!(held.pool[0].item, ItemIndex(0));
            assert_eq!(held.query[12].item, ItemIndex(32));
        }
    }

    #[test]
    fn held_out_users_with_too_few_events_are_dropped() {
        let split = everyone_has(29).split().unwrap();
        assert!(split.valid.is_empty() && split.test.is_empty() && !split.train.is_empty());
    }

    #[test]
    fn items_that_no_training_user_has_are_dropped() {
        let held = (0..30).find(|user| Part::of(&user.to_string()) == Part::Test).unwrap().to_string();
        let own = (0..2).map(|item| (held.clone(), Event::click(format!("own{item}")).at(0)));
        let common =
            (0..30).flat_map(|user| (0..4).map(move |item| (user.to_string(), Event::click(item.to_string()).at(9))));
        let data = from_events(own.chain(common)).unwrap();
        let split = UserSplit::by_digest(&data, &SplitRule::default().with_support(1).with_min_events(4)).unwrap();
        assert_eq!(split.candidates().len(), 4);
        let user = split.test.iter().find(|user| data.users().id(user.user) == held).unwrap();
        assert_eq!(user.pool.len() + user.query.len(), 4);
    }

    #[test]
    fn a_split_without_training_users_is_an_error() {
        let held = (0..30).find(|user| Part::of(&user.to_string()) == Part::Test).unwrap().to_string();
        let data = from_events([(held, Event::click("a"))]).unwrap();
        assert!(matches!(data.split(), Err(DataError::NoTrainingUsers { users: 1 })));
        assert!(matches!(from_events::<&str>([]).unwrap().split(), Err(DataError::NoTrainingUsers { users: 0 })));
    }

    #[test]
    fn a_rule_that_leaves_no_query_is_refused() {
        let rule = SplitRule::default().with_min_events(20);
        let error = UserSplit::by_digest(&everyone_has(3), &rule).unwrap_err();
        assert_eq!(error.to_string(), "min_events is 20: expected more than support");
    }
}
