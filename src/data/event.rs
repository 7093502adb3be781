//! What a user did with an item.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::ids::ItemIndex;

/// What kind of thing a user did.
///
/// How much each says about preference is a matter of [`ActionWeights`](crate::data::ActionWeights), not of the action itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Action {
    /// The item was shown and looked at in passing.
    Browse,
    /// The item's page was opened.
    Click,
    /// The item was put in a cart, a list or a wish list.
    Save,
    /// The item was bought.
    Purchase,
    /// The item was watched, listened to, read or played.
    Play,
    /// The item was given a thumb up.
    Like,
    /// The item was given a thumb down.
    Dislike,
    /// The item was given a number.
    Rating,
}

impl Action {
    /// Every action, in the order of [`Action::code`].
    pub const ALL: [Self; 8] =
        [Self::Browse, Self::Click, Self::Save, Self::Purchase, Self::Play, Self::Like, Self::Dislike, Self::Rating];

    /// Dense code of the action, `0..Action::ALL.len()`.
    #[must_use]
    pub fn code(self) -> usize {
        self as usize
    }

    /// The name that files use: lower case.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Browse => "browse",
            Self::Click => "click",
            Self::Save => "save",
            Self::Purchase => "purchase",
            Self::Play => "play",
            Self::Like => "like",
            Self::Dislike => "dislike",
            Self::Rating => "rating",
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The text is no action's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no action: expected one of browse, click, save, purchase, play, like, dislike, rating")]
#[non_exhaustive]
pub struct UnknownAction(pub String);

impl FromStr for Action {
    type Err = UnknownAction;

    fn from_str(text: &str) -> Result<Self, UnknownAction> {
        Self::ALL
            .into_iter()
            .find(|action| action.name().eq_ignore_ascii_case(text))
            .ok_or_else(|| UnknownAction(text.to_owned()))
    }
}

/// One event of one user, by the item's external id: what a host application hands in.
///
/// ```
/// use metarec::data::{Action, Event};
///
/// let event = Event::rating("50", 5.0).at(881_250_949);
/// assert_eq!(event.action, Action::Rating);
/// assert_eq!(Event::click("181").value, None);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Event {
    /// External id of the item.
    pub item: String,
    /// What was done.
    pub action: Action,
    /// How strongly, where the action carries a number: a rating in the data's own scale.
    pub value: Option<f32>,
    /// Seconds since the epoch, where known.
    pub timestamp: Option<i64>,
}

impl Event {
    /// An event without a value or a time.
    pub fn new(item: impl Into<String>, action: Action) -> Self {
        Self { item: item.into(), action, value: None, timestamp: None }
    }

    /// A rating, in the scale of the data the model was trained on.
    pub fn rating(item: impl Into<String>, value: f32) -> Self {
        Self { value: Some(value), ..Self::new(item, Action::Rating) }
    }

    /// A click.
    pub fn click(item: impl Into<String>) -> Self {
        Self::new(item, Action::Click)
    }

    /// A purchase.
    pub fn purchase(item: impl Into<String>) -> Self {
        Self::new(item, Action::Purchase)
    }

    /// The same event at a time, in seconds since the epoch.
    #[must_use]
    pub fn at(mut self, timestamp: i64) -> Self {
        self.timestamp = Some(timestamp);
        self
    }

    /// The same event with a value.
    #[must_use]
    pub fn with_value(mut self, value: f32) -> Self {
        self.value = Some(value);
        self
    }
}

/// One event of one user, by dense index: what everything behind the reader works on.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexedEvent {
    /// Which item of the catalogue.
    pub item: ItemIndex,
    /// What was done.
    pub action: Action,
    /// How strongly, where the action carries a number; always finite.
    pub value: Option<f32>,
    /// Seconds since the epoch; `None` where unknown. Never negative when read by this crate.
    pub timestamp: Option<i64>,
}

impl IndexedEvent {
    /// The value of a rating; `None` for other actions, whose numbers (pieces bought, seconds played) are on another scale and are not what rating predicts.
    #[must_use]
    pub fn rating(&self) -> Option<f32> {
        self.value.filter(|_| self.action == Action::Rating)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_dense_and_names_are_read_back() {
        for (code, action) in Action::ALL.into_iter().enumerate() {
            assert_eq!(action.code(), code);
            assert_eq!(action.name().to_uppercase().parse(), Ok(action));
        }
    }

    #[test]
    fn an_unknown_action_is_an_error_that_lists_the_known() {
        let message = "steal".parse::<Action>().unwrap_err().to_string();
        assert!(
            message.starts_with("\"steal\" is no action") && Action::ALL.iter().all(|a| message.contains(a.name()))
        );
    }

    #[test]
    fn json_has_the_names_that_files_have() {
        for action in Action::ALL {
            assert_eq!(serde_json::to_string(&action).unwrap(), format!("\"{action}\""));
        }
    }
}
