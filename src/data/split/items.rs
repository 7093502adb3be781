//! Item-cold and both-cold: which items are held out, told by a digest of their ids.

use serde::{Deserialize, Serialize};

use super::cold::{ColdSplit, LeftOut, by_id};
use super::digest::{Part, first_arrivals, rest_of_digest};
use super::{HeldOutUser, TaskHistory, UserSplit};
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::IndexedEvent;
use crate::data::ids::UserIndex;

/// Which items are held out, and how many events a scored user's pool has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ItemRule {
    /// How many items of a hundred are for the test.
    pub test_percent: u8,
    /// How many items of a hundred are for validation.
    pub valid_percent: u8,
    /// How many events on training items the pool of a scored user has. Users with fewer are not scored.
    pub support: usize,
}

impl Default for ItemRule {
    /// Ten of a hundred for each part, 20 events in the pool.
    fn default() -> Self {
        Self { test_percent: 10, valid_percent: 10, support: 20 }
    }
}

impl ItemRule {
    /// The same rule with other shares of a hundred.
    #[must_use]
    pub fn with_percent(mut self, valid: u8, test: u8) -> Self {
        (self.valid_percent, self.test_percent) = (valid, test);
        self
    }

    /// The same rule with another size of the pool.
    #[must_use]
    pub fn with_support(mut self, support: usize) -> Self {
        self.support = support;
        self
    }

    fn check(&self) -> Result<(), DataError> {
        let both = u32::from(self.test_percent) + u32::from(self.valid_percent);
        if (1..100).contains(&both) {
            return Ok(());
        }
        let expected = "1 to 99 together";
        Err(DataError::Setting { field: "test_percent + valid_percent", value: both.to_string(), expected })
    }

    /// MD5 of `"item|id"`, read as one big number, modulo 100: the smallest are test, the next valid, all else train.
    fn part(&self, item: &str) -> Part {
        let rest = rest_of_digest(&["item|", item], 100);
        match rest.checked_sub(u32::from(self.test_percent)) {
            None => Part::Test,
            Some(rest) if rest < u32::from(self.valid_percent) => Part::Valid,
            Some(_) => Part::Train,
        }
    }
}

impl ColdSplit {
    /// The item-cold protocol: users are known, and asked about items that nobody's training events have. Which items are held out,
    /// is told by the MD5 of `"item|id"` modulo 100.
    ///
    /// - All users are trained on, by their events on training items.
    /// - A user with at least `rule.support` of these is scored on their events on held-out items, whenever these happened: the
    ///   question is whether a new item finds its users, not what comes next. Their pool are the first `rule.support` of their
    ///   training events in time order.
    /// - Of several events of one user and item the one that arrived first is kept, as in [`UserSplit::by_digest`].
    ///
    /// Costs a copy of the events and a digest for each item.
    ///
    /// # Errors
    /// [`DataError::Setting`] if no or all items would be held out; [`DataError::NoTrainingUsers`] if no training item has an event.
    pub fn by_item(data: &Dataset, rule: &ItemRule) -> Result<Self, DataError> {
        split(data, rule, |_| None)
    }

    /// The both-cold protocol: new users are asked about new items. Users are those of [`UserSplit::by_digest`], items those of
    /// [`ColdSplit::by_item`].
    ///
    /// - Training users are trained on by their events on training items; what they did with others is left out.
    /// - A test user's pool are their first `rule.support` events on items that training users have, their query all events on items of the
    ///   test. Likewise in validation. What else they did is left out.
    ///
    /// Costs and errors are those of [`ColdSplit::by_item`].
    ///
    /// # Errors
    /// As [`ColdSplit::by_item`].
    pub fn by_user_and_item(data: &Dataset, rule: &ItemRule) -> Result<Self, DataError> {
        split(data, rule, |user| Some(Part::of(user)))
    }
}

/// `part_of` says of a user's id in which part they are; `None` for all.
fn split(data: &Dataset, rule: &ItemRule, part_of: impl Fn(&str) -> Option<Part>) -> Result<ColdSplit, DataError> {
    rule.check()?;
    let order: Vec<(UserIndex, Option<Part>)> =
        by_id(data).into_iter().map(|user| (user, part_of(data.users().id(user)))).collect();
    let is_in = |part: Option<Part>, wanted: Part| part.is_none_or(|part| part == wanted);
    let trained_on = order.iter().filter(|(_, part)| is_in(*part, Part::Train)).map(|(user, _)| *user);
    let items = parts_of_items(data, rule, trained_on);
    let on = |events: &[IndexedEvent], part: Part| -> Vec<IndexedEvent> {
        events.iter().copied().filter(|event| items[event.item.position()] == Some(part)).collect()
    };
    let (mut users, mut left_out, mut kept) = (UserSplit::default(), LeftOut::default(), 0);
    for (user, part) in order {
        let events = first_arrivals(data, user);
        kept += events.len() as u64;
        left_out.repeated += (data.history(user).len() - events.len()) as u64;
        let history = on(&events, Part::Train);
        for (wanted, scored) in [(Part::Valid, &mut users.valid), (Part::Test, &mut users.test)] {
            let query = on(&events, wanted);
            if is_in(part, wanted) && history.len() >= rule.support && !query.is_empty() {
                scored.push(HeldOutUser { user, pool: history[..rule.support].to_vec(), query });
            }
        }
        if is_in(part, Part::Train) && !history.is_empty() {
            users.train.push(TaskHistory { user, events: history });
        }
    }
    if users.train.is_empty() {
        return Err(DataError::NoTrainingUsers { users: data.users().len() });
    }
    Ok(ColdSplit::new(data, users, kept, left_out))
}

/// In which part each item is; `None` for a training item that none of these users has.
fn parts_of_items(data: &Dataset, rule: &ItemRule, trained_on: impl Iterator<Item = UserIndex>) -> Vec<Option<Part>> {
    let mut known = vec![false; data.catalogue().len()];
    for user in trained_on {
        data.history(user).iter().for_each(|event| known[event.item.position()] = true);
    }
    let part = |(id, known): (&String, bool)| Some(rule.part(id)).filter(|part| known || *part != Part::Train);
    data.catalogue().ids().iter().zip(known).map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_part_of_an_item_is_the_digest_modulo_a_hundred() {
        // python3 -c "import hashlib; print([int(hashlib.md5(f'item|{i}'.encode()).hexdigest(), 16) % 100 for i in range(8)])"
        const RESTS: [u32; 8] = [24, 46, 46, 15, 99, 28, 63, 78];
        let rule = ItemRule::default().with_percent(20, 30);
        for (item, rest) in RESTS.into_iter().enumerate() {
            let expected = if rest < 30 {
                Part::Test
            } else if rest < 50 {
                Part::Valid
            } else {
                Part::Train
            };
            assert_eq!(rule.part(&item.to_string()), expected);
        }
    }

    #[test]
    fn shares_that_leave_nothing_are_refused() {
        for (valid, test) in [(0, 0), (50, 50), (255, 255)] {
            let error = ItemRule::default().with_percent(valid, test).check().unwrap_err();
            assert!(error.to_string().ends_with("expected 1 to 99 together"), "{error}");
        }
    }
}
