//! Repeated events: what new users did before, and do again.

use serde::{Deserialize, Serialize};

use super::cold::by_id;
use super::digest::Part;
use super::{HeldOutUser, TaskHistory, TimeRule, UserSplit};
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::IndexedEvent;

/// Where [`UserSplit::by_repeats`] cuts, and who has enough on either side.
///
/// ```
/// use metarec::data::RepeatRule;
///
/// let rule: RepeatRule = serde_json::from_str(r#"{ "share": 0.1, "min_events": 20 }"#)?;
/// assert_eq!(rule, RepeatRule::default().with_share(0.1).with_min_events(20));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RepeatRule {
    /// The first second of what is asked for; `None` to find it by `share`.
    pub from: Option<i64>,
    /// The share of all events of known time that lie behind the cut, where `from` does not say; at least 0, below 1.
    pub share: f64,
    /// How many events before the cut a held-out user must have.
    pub min_events: usize,
}

impl Default for RepeatRule {
    /// The last fifth of the events behind the cut, at least 5 events before it.
    fn default() -> Self {
        Self { from: None, share: 0.2, min_events: 5 }
    }
}

impl RepeatRule {
    /// The same rule cutting at a time, in seconds since the epoch.
    #[must_use]
    pub fn with_from(mut self, from: i64) -> Self {
        self.from = Some(from);
        self
    }

    /// The same rule cutting where this share of the events lies behind.
    #[must_use]
    pub fn with_share(mut self, share: f64) -> Self {
        (self.from, self.share) = (None, share);
        self
    }

    /// The same rule with another least number of events before the cut.
    #[must_use]
    pub fn with_min_events(mut self, min_events: usize) -> Self {
        self.min_events = min_events;
        self
    }
}

impl UserSplit {
    /// New users whose events before one global time are known, to be asked what they do again after it: for groceries, music, and
    /// whatever else the same user takes several times. Users are those of [`UserSplit::by_digest`].
    ///
    /// - Unlike in every other split, *repeats stay*: how often and how lately is what there is to learn from.
    /// - Training users are trained on by their events before the cut, so that nothing is known of the period that is asked about.
    /// - A held-out user's pool are all events before the cut, the query all after. Who has fewer than `rule.min_events` in the pool or
    ///   none in the query is left out.
    /// - Events of unknown time are left out, and of held-out users those on items that no training user has before the cut.
    /// - In each part users are in ascending order of their external ids.
    ///
    /// Costs a copy of the events and a digest for each user.
    ///
    /// # Errors
    /// [`DataError::NoTrainingUsers`] if no training user has an event before the cut; where the cut is found by a share, as
    /// [`TimeRule::of_shares`].
    pub fn by_repeats(data: &Dataset, rule: &RepeatRule) -> Result<Self, DataError> {
        let cut = match rule.from {
            Some(from) => from,
            None => TimeRule::of_shares(data, 0.0, rule.share)?.test_from,
        };
        let before = |event: &&IndexedEvent| event.timestamp.is_some_and(|time| time < cut);
        let mut split = Self::default();
        let mut held_out = Vec::new();
        for user in by_id(data) {
            match Part::of(data.users().id(user)) {
                Part::Train => {
                    let events: Vec<IndexedEvent> = data.history(user).iter().filter(before).copied().collect();
                    split.train.extend((!events.is_empty()).then_some(TaskHistory { user, events }));
                }
                part => held_out.push((user, part)),
            }
        }
        if split.train.is_empty() {
            return Err(DataError::NoTrainingUsers { users: data.users().len() });
        }
        let known = split.candidates();
        for (user, part) in held_out {
            let timed = data.history(user).iter().filter(|event| event.timestamp.is_some());
            let ranked = timed.filter(|event| known.binary_search(&event.item).is_ok());
            let (pool, query): (Vec<IndexedEvent>, Vec<IndexedEvent>) = ranked.partition(before);
            if pool.len() >= rule.min_events && !query.is_empty() {
                let users = if part == Part::Valid { &mut split.valid } else { &mut split.test };
                users.push(HeldOutUser { user, pool, query });
            }
        }
        Ok(split)
    }
}
