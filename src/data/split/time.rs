//! Splits by time: one boundary for everybody, or each user's last events.

use serde::{Deserialize, Serialize};

use super::cold::{ColdSplit, LeftOut, by_id};
use super::{HeldOutUser, TaskHistory, UserSplit};
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::IndexedEvent;
use crate::data::ids::UserIndex;

/// When training ends and when the test begins, in seconds since the epoch.
///
/// ```
/// use metarec::data::{Event, TimeRule, from_events};
///
/// let data = from_events((0..100).map(|time| ("ann", Event::click(time.to_string()).at(time))))?;
/// assert_eq!(TimeRule::of_shares(&data, 0.1, 0.2)?, TimeRule::new(70, 80));
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TimeRule {
    /// The first second of validation: everything before is trained on.
    pub valid_from: i64,
    /// The first second of the test.
    pub test_from: i64,
}

impl TimeRule {
    /// Validation from one second on, and the test from another.
    #[must_use]
    pub fn new(valid_from: i64, test_from: i64) -> Self {
        Self { valid_from, test_from }
    }

    /// The boundaries behind which these shares of the events lie; of events of one second none is cut off from the others, so
    /// that the shares may be larger.
    ///
    /// Costs a sort of all times.
    ///
    /// # Errors
    /// [`DataError::Setting`] if the shares are not at least 0 and below 1 together; [`DataError::NoTimes`] if no event has a time.
    pub fn of_shares(data: &Dataset, valid: f64, test: f64) -> Result<Self, DataError> {
        let both = valid + test;
        if !(valid >= 0.0 && test >= 0.0 && both < 1.0) {
            let expected = "0 or more each, and less than 1 together";
            return Err(DataError::Setting { field: "valid and test", value: format!("{valid} and {test}"), expected });
        }
        let mut times: Vec<i64> = data.events().iter().filter_map(|event| event.timestamp).collect();
        times.sort_unstable();
        let last = times.last().ok_or(DataError::NoTimes)?.saturating_add(1);
        let from = |share: f64| {
            let place = (times.len() as f64 * (1.0 - share)).round() as usize;
            times.get(place).copied().unwrap_or(last)
        };
        Ok(Self::new(from(both), from(test)))
    }
}

impl ColdSplit {
    /// The protocol of one global boundary: what was known then, against what came later, as a recommender meets it.
    ///
    /// - All events before `rule.valid_from` are trained on.
    /// - Everybody with an event from then on and before `rule.test_from` is scored in validation on those events; their pool are all
    ///   their events before, which is empty for who was not there: they are the cold users of the part.
    /// - Likewise in the test, from `rule.test_from` on. The pool holds what happened in validation too, as it is known by then; training
    ///   has not seen it.
    /// - Of several events of one user and item the first in time order is kept. Events of unknown time are left out.
    ///
    /// Costs up to three copies of the events.
    ///
    /// # Errors
    /// [`DataError::Setting`] if the test would begin before validation; [`DataError::NoTrainingUsers`] if there is no event before
    /// `rule.valid_from`.
    pub fn by_time(data: &Dataset, rule: &TimeRule) -> Result<Self, DataError> {
        if rule.test_from < rule.valid_from {
            let (value, expected) = (rule.test_from.to_string(), "at least valid_from");
            return Err(DataError::Setting { field: "test_from", value, expected });
        }
        let in_time = |event: &IndexedEvent| event.timestamp.is_some();
        Splitter::new(data).split(in_time, |events| {
            let place = |time: i64| events.partition_point(|event| event.timestamp < Some(time));
            (place(rule.valid_from), place(rule.test_from), events.len())
        })
    }

    /// The protocol of each user's last events: everybody is known, and asked for one event that is not.
    ///
    /// Of a user with three events or more the last is for the test and the one before it for validation; the pool are all before, the
    /// test's with the event of validation. Training has all but these two. Users with fewer events are trained on. What one user
    /// does last may be earlier than what training has of others: [`ColdSplit::by_time`] has no such leak.
    ///
    /// Of several events of one user and item the first in time order is kept. Costs up to three copies of the events.
    ///
    /// # Errors
    /// [`DataError::NoTrainingUsers`] if there is no event.
    pub fn leave_last_out(data: &Dataset) -> Result<Self, DataError> {
        Splitter::new(data).split(
            |_| true,
            |events| match events.len() {
                count @ 0..3 => (count, count, count),
                count => (count - 2, count - 1, count),
            },
        )
    }
}

/// Cuts each history in three.
struct Splitter<'a> {
    data: &'a Dataset,
    users: UserSplit,
    left_out: LeftOut,
    /// Events that are left in the histories.
    kept: u64,
}

impl<'a> Splitter<'a> {
    fn new(data: &'a Dataset) -> Self {
        Self { data, users: UserSplit::default(), left_out: LeftOut::default(), kept: 0 }
    }

    /// `cut` says where in a history training, validation and the test end.
    fn split(
        mut self,
        has_place: impl Fn(&IndexedEvent) -> bool,
        cut: impl Fn(&[IndexedEvent]) -> (usize, usize, usize),
    ) -> Result<ColdSplit, DataError> {
        let mut seen = vec![u32::MAX; self.data.catalogue().len()];
        for user in by_id(self.data) {
            let history = self.data.history(user);
            let mut events: Vec<IndexedEvent> = history.iter().copied().filter(&has_place).collect();
            let placed = events.len();
            events.retain(|event| std::mem::replace(&mut seen[event.item.position()], user.0) != user.0);
            self.left_out.unknown_time += (history.len() - placed) as u64;
            self.left_out.repeated += (placed - events.len()) as u64;
            let (train, valid, test) = cut(&events);
            self.kept += events.len() as u64;
            score(&mut self.users.valid, user, &events[..valid], train);
            score(&mut self.users.test, user, &events[..test], valid);
            events.truncate(train);
            if !events.is_empty() {
                self.users.train.push(TaskHistory { user, events });
            }
        }
        if self.users.train.is_empty() {
            return Err(DataError::NoTrainingUsers { users: self.data.users().len() });
        }
        Ok(ColdSplit::new(self.data, self.users, self.kept, self.left_out))
    }
}

/// Scores a user on their events from a place on, if there is one.
fn score(scored: &mut Vec<HeldOutUser>, user: UserIndex, events: &[IndexedEvent], from: usize) {
    let (pool, query) = events.split_at(from);
    if !query.is_empty() {
        scored.push(HeldOutUser { user, pool: pool.to_vec(), query: query.to_vec() });
    }
}
