//! What is cleaned away.

use serde::{Deserialize, Serialize};

use crate::data::error::DataError;
use crate::data::event::Action;

/// What [`Dataset::clean`](crate::data::Dataset::clean) takes out. By default nothing.
///
/// Rules are applied in the order of the fields; each sees what the ones before it left. `min_user_events` and `min_item_events` are
/// applied together, again and again until nothing more falls below either (the *k-core*).
///
/// ```
/// use metarec::data::{CleaningRules, Duplicates, Keep};
///
/// let rules: CleaningRules = serde_json::from_str(r#"{ "duplicates": { "keep": "strongest" }, "min_user_events": 5 }"#)?;
/// let same = CleaningRules::default().with_duplicates(Duplicates::keep(Keep::Strongest)).with_min_user_events(5);
/// assert_eq!(rules, same);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CleaningRules {
    /// Users who act as no person does. They are told first, by all of their events: what gives them away is what they repeat and
    /// what no other rule would keep.
    pub bots: BotRule,
    /// Events of other actions are dropped; `None` keeps all.
    pub actions: Option<Vec<Action>>,
    /// Events at other times are dropped.
    pub time: TimeRange,
    /// Of several events of one user and item, those that are not wanted are dropped.
    pub duplicates: Duplicates,
    /// Users with more events are dropped; `None` keeps all.
    pub max_user_events: Option<u32>,
    /// Users with fewer events are dropped. (Users without any event are none of these.)
    pub min_user_events: u32,
    /// Items with fewer events are dropped. (Items without any event are none of these.)
    pub min_item_events: u32,
    /// Whether items that lost all events stay in the catalogue, where they can still be recommended by what is known of them.
    pub emptied_items: Emptied,
    /// Whether users who lost all events stay in the table of users, with an empty history.
    pub emptied_users: Emptied,
    /// What happens to a split that is pinned to the data.
    pub pinned_split: OnPinnedSplit,
}

/// Users who act as no person does.
///
/// A *burst* is more than `events` events of one user within `seconds` seconds, counted over every window of that length. An
/// *overlong day* is more events than `events_a_day` on one day of UTC. A user with one of either is a bot, and all of their
/// events are dropped. Events of unknown time are not counted.
///
/// This is the volume and rate test of the work on web robots (Tan and Kumar, *Discovery of Web Robot Sessions Based on their
/// Navigational Patterns*, Data Mining and Knowledge Discovery 6, 2002), which finds crawlers that do not say what they are. What is too
/// fast depends on the page: where a person rates a screenful at once, as in MovieLens, many events share a second, and a bound
/// on bursts would drop people. So there are no bounds unless they are given.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct BotRule {
    /// The bound on bursts.
    pub burst: Option<Burst>,
    /// The most events on one day of UTC.
    pub events_a_day: Option<u32>,
}

/// The most events of a person within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Burst {
    /// The most events.
    pub events: u32,
    /// The length of the window: events at `t` and at `t + seconds` are not in one.
    pub seconds: u32,
}

/// A range of times. Where it has a bound, events of unknown time are outside.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TimeRange {
    /// The first second; `None` is no bound.
    pub from: Option<i64>,
    /// The first second behind the range; `None` is no bound.
    pub until: Option<i64>,
}

impl TimeRange {
    /// Whether a time is in the range.
    #[must_use]
    pub fn contains(&self, time: Option<i64>) -> bool {
        match time {
            None => self.from.is_none() && self.until.is_none(),
            Some(time) => self.from.is_none_or(|from| time >= from) && self.until.is_none_or(|until| time < until),
        }
    }
}

/// Which of several events of one user and item are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Duplicates {
    /// Which is kept.
    pub keep: Keep,
    /// Which are duplicates of each other.
    pub of: SameAs,
}

impl Duplicates {
    /// Of the events of one user and item.
    #[must_use]
    pub fn keep(keep: Keep) -> Self {
        Self { keep, of: SameAs::Item }
    }

    /// Of those that share what `of` says.
    #[must_use]
    pub fn of(mut self, of: SameAs) -> Self {
        self.of = of;
        self
    }
}

/// Which of several duplicates is kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Keep {
    /// Each of them.
    #[default]
    All,
    /// The first in the order of the history.
    First,
    /// The last in the order of the history.
    Last,
    /// The one that weighs most by the data's [`LikeRule`](crate::data::LikeRule); of these the one with the greatest value; of
    /// these the last.
    Strongest,
}

/// What duplicates have in common, besides the user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SameAs {
    /// The item.
    #[default]
    Item,
    /// The item and the action.
    ItemAndAction,
}

/// What becomes of users or items without events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Emptied {
    /// They stay, and all keep their indices.
    #[default]
    Stay,
    /// Those that lost their last event go, and the others move up: indices change, ids do not.
    Go,
}

/// What becomes of a split that is pinned to the data: it has the events as they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnPinnedSplit {
    /// Cleaning is refused with [`DataError::PinnedSplit`].
    #[default]
    Refuse,
    /// It is taken away, which the report says.
    Drop,
}

impl CleaningRules {
    /// The same rules with another one for bots.
    #[must_use]
    pub fn with_bots(mut self, bots: BotRule) -> Self {
        self.bots = bots;
        self
    }

    /// The same rules that keep these actions alone.
    #[must_use]
    pub fn with_actions(mut self, actions: impl Into<Vec<Action>>) -> Self {
        self.actions = Some(actions.into());
        self
    }

    /// The same rules with another range of times.
    #[must_use]
    pub fn with_time(mut self, time: TimeRange) -> Self {
        self.time = time;
        self
    }

    /// The same rules with another one for duplicates.
    #[must_use]
    pub fn with_duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// The same rules with a most number of events for each user.
    #[must_use]
    pub fn with_max_user_events(mut self, events: u32) -> Self {
        self.max_user_events = Some(events);
        self
    }

    /// The same rules with another least number of events for each user.
    #[must_use]
    pub fn with_min_user_events(mut self, events: u32) -> Self {
        self.min_user_events = events;
        self
    }

    /// The same rules with another least number of events for each item.
    #[must_use]
    pub fn with_min_item_events(mut self, events: u32) -> Self {
        self.min_item_events = events;
        self
    }

    /// The same rules with other ends for items and users without events.
    #[must_use]
    pub fn with_emptied(mut self, items: Emptied, users: Emptied) -> Self {
        (self.emptied_items, self.emptied_users) = (items, users);
        self
    }

    /// The same rules with another way with a pinned split.
    #[must_use]
    pub fn with_pinned_split(mut self, pinned_split: OnPinnedSplit) -> Self {
        self.pinned_split = pinned_split;
        self
    }

    /// Whether the rules can be followed.
    ///
    /// # Errors
    /// [`DataError::Setting`] that names the one that cannot.
    pub fn check(&self) -> Result<(), DataError> {
        let check = |holds: bool, field, value: String, expected| {
            if holds { Ok(()) } else { Err(DataError::Setting { field, value, expected }) }
        };
        if let Some(Burst { events, seconds }) = self.bots.burst {
            check(events > 0, "bots.burst.events", events.to_string(), "1 or more")?;
            check(seconds > 0, "bots.burst.seconds", seconds.to_string(), "1 or more")?;
        }
        let day = self.bots.events_a_day;
        check(day != Some(0), "bots.events_a_day", "0".to_owned(), "1 or more")?;
        let none = self.actions.as_ref().is_some_and(Vec::is_empty);
        check(!none, "actions", "empty".to_owned(), "at least one action")?;
        if let TimeRange { from: Some(from), until: Some(until) } = self.time {
            check(from < until, "time.until", until.to_string(), "more than time.from")?;
        }
        let most = self.max_user_events.unwrap_or(u32::MAX);
        check(most > 0, "max_user_events", most.to_string(), "1 or more")?;
        check(
            self.min_user_events <= most,
            "min_user_events",
            self.min_user_events.to_string(),
            "at most max_user_events",
        )
    }
}

impl BotRule {
    /// No bounds.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a bound on bursts.
    #[must_use]
    pub fn with_burst(mut self, events: u32, seconds: u32) -> Self {
        self.burst = Some(Burst { events, seconds });
        self
    }

    /// With a bound on the events of a day.
    #[must_use]
    pub fn with_events_a_day(mut self, events: u32) -> Self {
        self.events_a_day = Some(events);
        self
    }

    /// Whether these times, ascending, are those of a bot.
    pub(super) fn is_bot(&self, times: impl Iterator<Item = i64> + Clone) -> bool {
        let overlong = |most: u32| {
            let (mut day, mut events) = (None, 0_u32);
            times.clone().any(|time| {
                let this = Some(time.div_euclid(86_400));
                events = if this == day { events.saturating_add(1) } else { 1 };
                day = this;
                events > most
            })
        };
        let burst = |Burst { events, seconds }| {
            // The event that stands `events` places before this one: are both in one window?
            let before = times.clone();
            let later = times.clone().skip(events as usize);
            before.zip(later).any(|(first, last)| last.saturating_sub(first) < i64::from(seconds))
        };
        self.events_a_day.is_some_and(overlong) || self.burst.is_some_and(burst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_bot(rule: &BotRule, times: &[i64]) -> bool {
        rule.is_bot(times.iter().copied())
    }

    #[test]
    fn a_burst_is_more_events_than_the_bound_in_any_window() {
        let rule = BotRule::new().with_burst(2, 10);
        assert!(is_bot(&rule, &[0, 100, 105, 109]));
        assert!(!is_bot(&rule, &[0, 100, 105, 110]), "the window is half open");
        assert!(!is_bot(&rule, &[5, 5]) && is_bot(&rule, &[5, 5, 5]));
        assert!(!is_bot(&rule, &[]));
    }

    #[test]
    fn a_day_ends_at_midnight_of_utc() {
        let rule = BotRule::new().with_events_a_day(2);
        assert!(is_bot(&rule, &[0, 1, 86_399]));
        assert!(!is_bot(&rule, &[0, 1, 86_400, 86_401]));
    }

    #[test]
    fn rules_that_contradict_themselves_name_the_setting() {
        for (rules, field) in [
            (CleaningRules::default().with_bots(BotRule::new().with_burst(0, 1)), "bots.burst.events"),
            (CleaningRules::default().with_bots(BotRule::new().with_burst(1, 0)), "bots.burst.seconds"),
            (CleaningRules::default().with_bots(BotRule::new().with_events_a_day(0)), "bots.events_a_day"),
            (CleaningRules::default().with_actions([]), "actions"),
            (CleaningRules::default().with_time(TimeRange { from: Some(5), until: Some(5) }), "time.until"),
            (CleaningRules::default().with_max_user_events(0), "max_user_events"),
            (CleaningRules::default().with_max_user_events(4).with_min_user_events(5), "min_user_events"),
        ] {
            assert!(matches!(rules.check(), Err(DataError::Setting { field: found, .. }) if found == field), "{field}");
        }
        CleaningRules::default().check().unwrap();
    }

    #[test]
    fn a_setting_that_is_not_there_is_refused_when_read() {
        assert!(serde_json::from_str::<CleaningRules>(r#"{ "min_users": 5 }"#).is_err());
        let rules = CleaningRules::default().with_time(TimeRange { from: Some(3), until: None });
        let text = serde_json::to_string(&rules).unwrap();
        assert_eq!(serde_json::from_str::<CleaningRules>(&text).unwrap(), rules);
    }
}
