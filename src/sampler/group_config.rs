//! How episodes are drawn from groups of users.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::config::{SupportOrder, UserSamplerConfig, size_builders};
use super::error::SamplerError;

/// How a [`GroupSampler`](super::GroupSampler) draws episodes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GroupSamplerConfig {
    /// How many members speak for the group, at most; 1 or more. Fewer where the group is smaller.
    pub support_members: usize,
    /// How many other members are asked about, at most; 1 or more. Fewer where the group is smaller.
    pub query_members: usize,
    /// Least size of the support set; not more than `max_shots`.
    pub min_shots: usize,
    /// Largest size of the support set, drawn evenly from `min_shots`; it shrinks where the speakers have fewer events, or where
    /// their items would not leave `min_query`.
    pub max_shots: usize,
    /// Least size of the query set, 1 or more.
    pub min_query: usize,
    /// Largest size of the query set, not less than `min_query`: of a larger one a random part is kept. `None` for no limit.
    pub max_query: Option<usize>,
}

impl Default for GroupSamplerConfig {
    /// 5 members speak in 20 events, for one other member, who is asked about 10 events or more.
    fn default() -> Self {
        Self { support_members: 5, query_members: 1, min_shots: 20, max_shots: 20, min_query: 10, max_query: None }
    }
}

impl GroupSamplerConfig {
    size_builders!();

    /// The same with other numbers of members who speak, and who are asked about.
    #[must_use]
    pub fn with_members(mut self, support: usize, query: usize) -> Self {
        (self.support_members, self.query_members) = (support, query);
        self
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), SamplerError> {
        let Self { support_members, query_members, min_shots, max_shots, min_query, max_query } = *self;
        for (field, members) in [("support_members", support_members), ("query_members", query_members)] {
            if members == 0 {
                return Err(SamplerError::setting(field, members, "1 or more"));
            }
        }
        let order = SupportOrder::First;
        UserSamplerConfig { min_shots, max_shots, min_query, max_query, order, early_events: 1 }.check()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_bounds_are_named() {
        let base = GroupSamplerConfig::default;
        for (config, expected) in [
            (base().with_members(0, 1), "support_members is 0: expected 1 or more"),
            (base().with_members(1, 0), "query_members is 0: expected 1 or more"),
            (base().with_min_query(0), "min_query is 0: expected 1 or more"),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), expected);
        }
    }
}
