//! Protocols by name, from a data set to what is run.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::data::{
    ColdSplit, DataError, Dataset, HeldOutUser, ItemIndex, ItemRule, RepeatRule, Shots, SplitRule, TimeRule, UserIndex,
    UserSplit,
};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::protocol::Protocol;
use crate::evaluate::protocol::cold::ColdProtocol;
use crate::evaluate::protocol::question::ascending;
use crate::evaluate::protocol::repeat::RepeatPurchase;
use crate::evaluate::protocol::shots::Part;
use crate::evaluate::protocol::user_cold::UserCold;

/// The protocols of this crate, by name: for programs that are told on a command line or in a file which to run.
///
/// | name | the split | the protocol |
/// |---|---|---|
/// | `user-cold` | the pinned one, or [`UserSplit::by_digest`] | [`UserCold`] |
/// | `item-cold` | [`ColdSplit::by_item`] | [`ColdProtocol::item_cold`] |
/// | `both-cold` | [`ColdSplit::by_user_and_item`] | [`ColdProtocol::both_cold`] |
/// | `leave-last-out` | [`ColdSplit::leave_last_out`] | [`ColdProtocol::leave_last_out`] |
/// | `time` | [`ColdSplit::by_time`] | [`ColdProtocol::by_time`] |
/// | `repeat` | [`UserSplit::by_repeats`] | [`RepeatPurchase`] |
///
/// ```
/// use metarec::baseline::Popularity;
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{ProtocolKind, ProtocolOptions, ProtocolRules, Report};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// for name in ["user-cold", "leave-last-out"] {
///     let kind: ProtocolKind = name.parse()?;
///     let split = kind.split(&data, &ProtocolRules::default())?;
///     let popularity = Popularity::fit(&data, split.users());
///     let mut report = Report::new().of_protocol(name);
///     split.protocol(&data, &ProtocolOptions::default())?.run(&popularity, &mut report)?;
///     assert!(!report.rows().is_empty());
/// }
/// assert!("warm".parse::<ProtocolKind>().is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProtocolKind {
    /// New users, at several numbers of events.
    UserCold,
    /// New items for known users.
    ItemCold,
    /// New items for new users.
    BothCold,
    /// The last event of known users.
    LeaveLastOut,
    /// What happens after one global time.
    Time,
    /// What new users take again.
    Repeat,
}

impl ProtocolKind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::UserCold, Self::ItemCold, Self::BothCold, Self::LeaveLastOut, Self::Time, Self::Repeat];

    /// The name, as it is read.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::UserCold => "user-cold",
            Self::ItemCold => "item-cold",
            Self::BothCold => "both-cold",
            Self::LeaveLastOut => "leave-last-out",
            Self::Time => "time",
            Self::Repeat => "repeat",
        }
    }

    /// Sets apart what the protocol needs. Costs what the split does.
    ///
    /// # Errors
    /// Those of the split.
    pub fn split(self, data: &Dataset, rules: &ProtocolRules) -> Result<ProtocolSplit, DataError> {
        let of_users = |users| ColdSplit { users, ..ColdSplit::default() };
        let split = match self {
            Self::UserCold => {
                let users = match &rules.users {
                    None => data.split()?,
                    Some(rule) => UserSplit::by_digest(data, rule)?,
                };
                of_users(match rules.shuffled {
                    None => users,
                    Some(seed) => users.with_shuffled_pools(seed),
                })
            }
            Self::ItemCold => ColdSplit::by_item(data, &rules.items)?,
            Self::BothCold => ColdSplit::by_user_and_item(data, &rules.items)?,
            Self::LeaveLastOut => ColdSplit::leave_last_out(data)?,
            Self::Time => ColdSplit::by_time(data, &rules.time.rule(data)?)?,
            Self::Repeat => of_users(UserSplit::by_repeats(data, &rules.repeats)?),
        };
        Ok(ProtocolSplit { kind: self, split })
    }
}

impl fmt::Display for ProtocolKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// The text is no protocol's name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("protocol is {0:?}: expected one of {known}", known = ProtocolKind::ALL.map(ProtocolKind::name).join(", "))]
#[non_exhaustive]
pub struct UnknownProtocol(pub String);

impl FromStr for ProtocolKind {
    type Err = UnknownProtocol;

    fn from_str(text: &str) -> Result<Self, UnknownProtocol> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| UnknownProtocol(text.to_owned()))
    }
}

/// How the splits of [`ProtocolKind`] are made; each protocol reads its own field.
///
/// ```
/// use metarec::data::SplitRule;
/// use metarec::evaluate::ProtocolRules;
///
/// let rules: ProtocolRules = serde_json::from_str(r#"{ "users": { "support": 50, "min_events": 80 } }"#)?;
/// assert_eq!(rules.users, Some(SplitRule::default().with_support(50).with_min_events(80)));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ProtocolRules {
    /// For `user-cold`; `None` for the split that is pinned to the data, or else the default rule.
    pub users: Option<SplitRule>,
    /// For `user-cold`: a seed by which each pool is shuffled ([`UserSplit::with_shuffled_pools`]), so that support sets are random ones of a user's first
    /// events; `None` for the first ones.
    pub shuffled: Option<u64>,
    /// For `item-cold` and `both-cold`.
    pub items: ItemRule,
    /// For `time`.
    pub time: TimeShares,
    /// For `repeat`.
    pub repeats: RepeatRule,
}

/// Where the protocol `time` has its boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum TimeShares {
    /// Behind which boundary which share of the events lies, as [`TimeRule::of_shares`] finds it.
    Shares {
        /// In validation.
        valid: f64,
        /// In the test.
        test: f64,
    },
    /// At these times.
    Times(TimeRule),
}

impl Default for TimeShares {
    /// A tenth of the events for validation, a tenth for the test.
    fn default() -> Self {
        Self::Shares { valid: 0.1, test: 0.1 }
    }
}

impl TimeShares {
    fn rule(self, data: &Dataset) -> Result<TimeRule, DataError> {
        match self {
            Self::Shares { valid, test } => TimeRule::of_shares(data, valid, test),
            Self::Times(rule) => Ok(rule),
        }
    }
}

/// What a protocol is asked to do other than by default.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct ProtocolOptions {
    /// Who is asked; by default the test users.
    pub part: Part,
    /// What a method sees of each user; `None` for what the protocol does by itself.
    pub shots: Option<Vec<Shots>>,
}

impl ProtocolOptions {
    /// The same on another part.
    #[must_use]
    pub fn on(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// The same with these support sets, in this order.
    #[must_use]
    pub fn with_shots(mut self, shots: impl Into<Vec<Shots>>) -> Self {
        self.shots = Some(shots.into());
        self
    }
}

/// What [`ProtocolKind::split`] set apart: what methods are fitted on, and what they are asked.
#[derive(Clone, Debug, PartialEq)]
pub struct ProtocolSplit {
    kind: ProtocolKind,
    /// Without new items where users alone are split.
    split: ColdSplit,
}

impl ProtocolSplit {
    /// Which protocol it is for.
    #[must_use]
    pub fn kind(&self) -> ProtocolKind {
        self.kind
    }

    /// What methods are fitted on, and tuned on.
    #[must_use]
    pub fn users(&self) -> &UserSplit {
        &self.split.users
    }

    /// The items that are ranked for the users of a part, before what a user has done is taken out; ascending. Under `repeat` each user's own items are ranked,
    /// which no list for all can say: here are those that training knows.
    #[must_use]
    pub fn candidates(&self, part: Part) -> Vec<ItemIndex> {
        self.split.candidates(match part {
            Part::Valid => &self.split.valid,
            Part::Test => &self.split.test,
        })
    }

    /// For each user of a part what they did that the protocol neither shows nor asks for, and so does not rank: under `item-cold` and `both-cold` all else than pool
    /// and query; nothing under the others. `data` is what it was made of.
    #[must_use]
    pub fn passed_over(&self, data: &Dataset, part: Part) -> Vec<(UserIndex, Vec<ItemIndex>)> {
        let users = match self.kind {
            ProtocolKind::ItemCold | ProtocolKind::BothCold => part.of(&self.split.users),
            _ => &[],
        };
        let others = |user: &HeldOutUser| {
            let asked = |item| user.query.iter().any(|event| event.item == item);
            let done = data.history(user.user).iter().map(|event| event.item);
            (user.user, ascending(done.filter(|&item| !asked(item))))
        };
        users.iter().map(others).collect()
    }

    /// The protocol over it. `data` is what it was made of.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if it is not; [`EvaluateError::OnlyFirstEvents`] if `user-cold` is to show anything but a number
    /// of first events.
    pub fn protocol<'a>(
        &'a self,
        data: &'a Dataset,
        options: &ProtocolOptions,
    ) -> Result<Box<dyn Protocol + 'a>, EvaluateError> {
        let ProtocolOptions { part, shots } = options;
        let cold = match self.kind {
            ProtocolKind::UserCold => return Ok(Box::new(self.user_cold(data, options)?)),
            ProtocolKind::Repeat => {
                let repeat = RepeatPurchase::new(data, &self.split.users)?.on(*part);
                return Ok(match shots {
                    Some(shots) => Box::new(repeat.with_shots(shots.clone())),
                    None => Box::new(repeat),
                });
            }
            ProtocolKind::ItemCold => ColdProtocol::item_cold(data, &self.split)?,
            ProtocolKind::BothCold => ColdProtocol::both_cold(data, &self.split)?,
            ProtocolKind::LeaveLastOut => ColdProtocol::leave_last_out(data, &self.split)?,
            ProtocolKind::Time => ColdProtocol::by_time(data, &self.split)?,
        };
        let cold = cold.on(*part);
        Ok(match shots {
            Some(shots) => Box::new(cold.with_shots(shots.clone())),
            None => Box::new(cold),
        })
    }

    fn user_cold<'a>(&'a self, data: &'a Dataset, options: &ProtocolOptions) -> Result<UserCold<'a>, EvaluateError> {
        let protocol = UserCold::new(data, &self.split.users)?.on(options.part);
        let Some(shots) = &options.shots else { return Ok(protocol) };
        let number = |shots: &Shots| match shots {
            Shots::First(count) => Ok(*count),
            other => Err(EvaluateError::OnlyFirstEvents(*other)),
        };
        Ok(protocol.with_shots(shots.iter().map(number).collect::<Result<Vec<usize>, _>>()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_from_text_and_from_files() {
        for kind in ProtocolKind::ALL {
            assert_eq!(kind.to_string().parse(), Ok(kind));
            assert_eq!(serde_json::to_string(&kind).unwrap(), format!("\"{kind}\""));
        }
    }

    #[test]
    fn an_unknown_name_is_an_error_that_lists_the_known() {
        let error = "cold-start".parse::<ProtocolKind>().unwrap_err().to_string();
        let expected =
            "protocol is \"cold-start\": expected one of user-cold, item-cold, both-cold, leave-last-out, time, repeat";
        assert_eq!(error, expected);
    }

    #[test]
    fn boundaries_are_shares_or_times() {
        let read = |text| serde_json::from_str::<ProtocolRules>(text).map(|rules| rules.time);
        assert_eq!(read("{}").unwrap(), TimeShares::Shares { valid: 0.1, test: 0.1 });
        let times = read(r#"{"time":{"times":{"valid_from":5,"test_from":9}}}"#).unwrap();
        assert_eq!(times, TimeShares::Times(TimeRule::new(5, 9)));
        assert!(read(r#"{"tme":{}}"#).is_err());
    }
}
