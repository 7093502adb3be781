//! How much of a user a method sees.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::data::IndexedEvent;

/// Which of the events that are known of a user a method sees: the column `k` of a report.
///
/// | | in reports and files | who uses it |
/// |---|---|---|
/// | `First(k)` | `k` as a number | protocols of users never seen: the first `k`, the same number for everybody |
/// | `Last(n)` | `"last-n"` | protocols of known users: the `n` most recent, all where there are fewer |
/// | `All` | `"all"` | protocols of known users: everything, a different number for each user |
///
/// ```
/// use metarec::data::Shots;
///
/// assert_eq!(Shots::from(5), Shots::First(5));
/// assert_eq!("last-50".parse(), Ok(Shots::Last(50)));
/// assert_eq!(Shots::All.to_string(), "all");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Shots {
    /// The first so many events; everybody must have as many.
    First(usize),
    /// The most recent so many events, or all where there are fewer.
    Last(usize),
    /// All events.
    All,
}

impl Shots {
    /// The events that are seen of those that are known, which are in time order; `None` where the first so many are asked for and
    /// there are fewer.
    #[must_use]
    pub fn of(self, known: &[IndexedEvent]) -> Option<&[IndexedEvent]> {
        match self {
            Self::First(count) => known.get(..count),
            Self::Last(count) => known.get(known.len().saturating_sub(count)..),
            Self::All => Some(known),
        }
    }
}

impl From<usize> for Shots {
    fn from(count: usize) -> Self {
        Self::First(count)
    }
}

impl PartialEq<usize> for Shots {
    fn eq(&self, count: &usize) -> bool {
        *self == Self::First(*count)
    }
}

impl fmt::Display for Shots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First(count) => fmt::Display::fmt(count, f),
            Self::Last(count) => f.pad(&format!("last-{count}")),
            Self::All => f.pad("all"),
        }
    }
}

/// The text says of no events which they are.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shots are {0:?}: expected a number, last- and a number, or all")]
#[non_exhaustive]
pub struct UnknownShots(pub String);

impl FromStr for Shots {
    type Err = UnknownShots;

    fn from_str(text: &str) -> Result<Self, UnknownShots> {
        let number = |text: &str| text.parse().map_err(|_| UnknownShots(text.to_owned()));
        match (text, text.strip_prefix("last-")) {
            ("all", _) => Ok(Self::All),
            (_, Some(count)) => number(count).map(Self::Last).map_err(|_| UnknownShots(text.to_owned())),
            _ => number(text).map(Self::First),
        }
    }
}

impl Serialize for Shots {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::First(count) => serializer.serialize_u64(*count as u64),
            Self::Last(_) | Self::All => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Shots {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a number, last- and a number, or all")]
        enum Written {
            Count(usize),
            Text(String),
        }
        match Written::deserialize(deserializer)? {
            Written::Count(count) => Ok(Self::First(count)),
            Written::Text(text) => text.parse().map_err(D::Error::custom),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, ItemIndex};

    #[test]
    fn the_first_must_be_there_and_the_last_may_be_fewer() {
        let event = |item| IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp: None };
        let known = [event(0), event(1), event(2)];
        assert_eq!(Shots::First(2).of(&known), Some(&known[..2]));
        assert_eq!(Shots::First(4).of(&known), None);
        assert_eq!(Shots::Last(2).of(&known), Some(&known[1..]));
        assert_eq!((Shots::Last(4).of(&known), Shots::All.of(&known)), (Some(&known[..]), Some(&known[..])));
        assert_eq!(Shots::Last(0).of(&known), Some(&[][..]));
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (shots, json) in [(Shots::First(20), "20"), (Shots::Last(50), "\"last-50\""), (Shots::All, "\"all\"")] {
            assert_eq!(shots.to_string().parse(), Ok(shots));
            assert_eq!(serde_json::to_string(&shots).unwrap(), json);
            assert_eq!(serde_json::from_str::<Shots>(json).unwrap(), shots);
        }
        assert_eq!(format!("{:>3}|{:<4}", Shots::First(5), Shots::All), "  5|all ");
    }

    #[test]
    fn text_that_is_no_shots_is_named() {
        for text in ["", "some", "-1", "last-", "last-x", "1.5"] {
            let error = text.parse::<Shots>().unwrap_err().to_string();
            assert_eq!(error, format!("shots are {text:?}: expected a number, last- and a number, or all"));
        }
        for json in ["\"some\"", "-1", "[1]"] {
            let error = serde_json::from_str::<Shots>(json).unwrap_err().to_string();
            assert!(error.contains("a number, last- and a number, or all"), "{error}");
        }
    }
}
