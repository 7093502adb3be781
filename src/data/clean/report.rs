//! The account of what was cleaned away.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amounts {
    /// Events.
    pub events: u64,
    /// Users with an event.
    pub users: u64,
    /// Items with an event.
    pub items: u64,
}

impl fmt::Display for Amounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} events, {} users, {} items", self.events, self.users, self.items)
    }
}

/// Why something was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CleaningReason {
    /// The user acts as no person does.
    Bot,
    /// The action is none of those that are kept.
    Action,
    /// The time is out of the range.
    Time,
    /// The time is unknown, and a range is asked for.
    UnknownTime,
    /// There is a better event of the same user and item.
    Duplicate,
    /// The user has too many events.
    TooManyUserEvents,
    /// The user has too few events.
    TooFewUserEvents,
    /// The item has too few events.
    TooFewItemEvents,
}

impl CleaningReason {
    /// All reasons, in the order in which they are looked for.
    pub const ALL: [Self; 8] = [
        Self::Bot,
        Self::Action,
        Self::Time,
        Self::UnknownTime,
        Self::Duplicate,
        Self::TooManyUserEvents,
        Self::TooFewUserEvents,
        Self::TooFewItemEvents,
    ];
}

impl fmt::Display for CleaningReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bot => "of bots",
            Self::Action => "other actions",
            Self::Time => "out of the time range",
            Self::UnknownTime => "of unknown time",
            Self::Duplicate => "duplicates",
            Self::TooManyUserEvents => "of users with too many events",
            Self::TooFewUserEvents => "of users with too few events",
            Self::TooFewItemEvents => "of items with too few events",
        })
    }
}

/// What was dropped for one reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Dropped {
    /// Why.
    pub reason: CleaningReason,
    /// How many events, and how many users and items that had their last event among them.
    pub amounts: Amounts,
}

/// What [`Dataset::clean`](crate::data::Dataset::clean) took out, and why. For events, users and items alike `before` is `after`
/// and all that was dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct CleaningReport {
    /// What there was.
    pub before: Amounts,
    /// What is left.
    pub after: Amounts,
    /// What was dropped, in the order of the rules; reasons without any are left out.
    pub dropped: Vec<Dropped>,
    /// How often the rules for too few events were applied until nothing more fell below them: 0 if there are none.
    pub rounds: u32,
    /// Whether a split that was pinned to the data was taken away.
    pub pinned_split_dropped: bool,
}

impl fmt::Display for CleaningReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "before: {}", self.before)?;
        for Dropped { reason, amounts } in &self.dropped {
            write!(f, "\n  dropped {reason}: {amounts}")?;
        }
        if self.rounds > 0 {
            write!(f, "\n  (too few events: {} rounds)", self.rounds)?;
        }
        if self.pinned_split_dropped {
            write!(f, "\n  the pinned split was dropped")?;
        }
        write!(f, "\nafter: {}", self.after)
    }
}
