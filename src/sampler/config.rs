//! How episodes are drawn from users.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use super::error::SamplerError;

/// The builders of every config that has `min_shots`, `max_shots`, `min_query` and `max_query`.
macro_rules! size_builders {
    () => {
        /// The same with other sizes of the support set.
        #[must_use]
        pub fn with_shots(mut self, shots: RangeInclusive<usize>) -> Self {
            (self.min_shots, self.max_shots) = shots.into_inner();
            self
        }

        /// The same with another least size of the query set.
        #[must_use]
        pub fn with_min_query(mut self, min_query: usize) -> Self {
            self.min_query = min_query;
            self
        }

        /// The same with another largest size of the query set.
        #[must_use]
        pub fn with_max_query(mut self, max_query: Option<usize>) -> Self {
            self.max_query = max_query;
            self
        }
    };
}
pub(super) use size_builders;

/// Which of a user's events are the support set.
///
/// With `s` shots, of a user with `n` events in time order:
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", from = "OrderInFiles")]
#[non_exhaustive]
pub enum SupportOrder {
    /// The first `s` events; all later ones are the query. This is what a new user looks like.
    First,
    /// `s` events in a row from a random place, which leaves room for the query; all *later* ones are the query. Events before
    /// the window are in neither set, so that nothing of the past is to be predicted.
    Window,
    /// A random set of `s` events, in time order; all others, earlier and later, are the query.
    Subset,
    /// A random set of `s` of the first events, in time order; all events after those are the query. How many events count as the first is drawn
    /// evenly from `s` to [`UserSamplerConfig::early_events`]. Every draw shows a user as another newcomer, while what is to be predicted
    /// stays what comes later: of all orders this one makes small data go furthest.
    Early,
    /// One of these for each episode, at random.
    Mixture(OrderWeights),
}

/// The same as files have it: of variants with empty fields serde refuses fields that it does not know, of those without it does not.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
enum OrderInFiles {
    First {},
    Window {},
    Subset {},
    Early {},
    Mixture(OrderWeights),
}

impl From<OrderInFiles> for SupportOrder {
    fn from(order: OrderInFiles) -> Self {
        match order {
            OrderInFiles::First {} => Self::First,
            OrderInFiles::Window {} => Self::Window,
            OrderInFiles::Subset {} => Self::Subset,
            OrderInFiles::Early {} => Self::Early,
            OrderInFiles::Mixture(weights) => Self::Mixture(weights),
        }
    }
}

impl Default for SupportOrder {
    fn default() -> Self {
        Self::Mixture(OrderWeights::default())
    }
}

/// How often each order is drawn: finite, not negative, not all 0. They need not add up to 1.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct OrderWeights {
    /// Weight of [`SupportOrder::First`]; in files, what is left out is 0.
    #[serde(default)]
    pub first: f64,
    /// Weight of [`SupportOrder::Window`].
    #[serde(default)]
    pub window: f64,
    /// Weight of [`SupportOrder::Subset`].
    #[serde(default)]
    pub subset: f64,
    /// Weight of [`SupportOrder::Early`].
    #[serde(default)]
    pub early: f64,
}

impl Default for OrderWeights {
    /// Half first, half early.
    fn default() -> Self {
        Self { first: 0.5, window: 0.0, subset: 0.0, early: 0.5 }
    }
}

impl OrderWeights {
    /// All weights 0, to be raised by setting fields.
    #[must_use]
    pub fn none() -> Self {
        Self { first: 0.0, window: 0.0, subset: 0.0, early: 0.0 }
    }

    pub(super) fn as_array(self) -> [f64; 4] {
        [self.first, self.window, self.subset, self.early]
    }
}

/// How a [`UserSampler`](super::UserSampler) draws episodes, or a [`PartSampler`](super::PartSampler).
///
/// ```
/// use metarec::sampler::{SupportOrder, UserSamplerConfig};
///
/// let config = UserSamplerConfig::default().with_shots(1..=20).with_order(SupportOrder::First);
/// assert_eq!((config.min_shots, config.max_shots, config.min_query), (1, 20, 10));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct UserSamplerConfig {
    /// Least size of the support set; not more than `max_shots`.
    pub min_shots: usize,
    /// Largest size of the support set. The size is drawn evenly from `min_shots` to `max_shots`, and shrinks where the user's
    /// events would not leave `min_query`.
    pub max_shots: usize,
    /// Least size of the query set, 1 or more.
    pub min_query: usize,
    /// Largest size of the query set, not less than `min_query`: of a larger one a random part is kept,
    /// and the rest passed over. `None` for no limit.
    pub max_query: Option<usize>,
    /// Which events are the support set.
    pub order: SupportOrder,
    /// How many of a user's events count as early for [`SupportOrder::Early`], at most; 1 or more.
    pub early_events: usize,
}

impl Default for UserSamplerConfig {
    /// 20 shots, a query of 10 or more, half of the episodes with the first events and half with others of the first 100.
    fn default() -> Self {
        Self {
            min_shots: 20,
            max_shots: 20,
            min_query: 10,
            max_query: None,
            order: SupportOrder::default(),
            early_events: 100,
        }
    }
}

impl UserSamplerConfig {
    size_builders!();

    /// The same with another order.
    #[must_use]
    pub fn with_order(mut self, order: SupportOrder) -> Self {
        self.order = order;
        self
    }

    /// How many events a user must have to be drawn: `min_query` and one to adapt to (none where `min_shots` is 0).
    #[must_use]
    pub fn least_events(&self) -> usize {
        self.min_query.saturating_add(self.min_shots.min(1))
    }

    /// Checks every setting.
    ///
    /// # Errors
    /// [`SamplerError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), SamplerError> {
        let fail = |field: &'static str, value: String, expected| Err(SamplerError::setting(field, value, expected));
        if self.min_shots > self.max_shots {
            return fail("min_shots", self.min_shots.to_string(), "not more than max_shots");
        }
        if self.max_shots == usize::MAX {
            return fail("max_shots", self.max_shots.to_string(), "less than the largest number");
        }
        if self.min_query == 0 {
            return fail("min_query", self.min_query.to_string(), "1 or more");
        }
        if self.early_events == 0 {
            return fail("early_events", self.early_events.to_string(), "1 or more");
        }
        if let Some(max) = self.max_query.filter(|&max| max < self.min_query) {
            return fail("max_query", max.to_string(), "not less than min_query");
        }
        let SupportOrder::Mixture(weights) = self.order else { return Ok(()) };
        for (field, weight) in
            ["order.first", "order.window", "order.subset", "order.early"].into_iter().zip(weights.as_array())
        {
            if !(0.0..=f64::MAX / 4.0).contains(&weight) {
                return fail(field, weight.to_string(), "a finite number, 0 or more");
            }
        }
        if weights.as_array() == [0.0; 4] {
            return fail("order", "all weights 0".to_owned(), "at least one weight above 0");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::reversed_empty_ranges, reason = "that is what is refused")]
    fn settings_out_of_bounds_are_named() {
        let base = UserSamplerConfig::default;
        let mixture = |first, window, subset| {
            base().with_order(SupportOrder::Mixture(OrderWeights { first, window, subset, early: 0.0 }))
        };
        for (config, expected) in [
            (base().with_shots(5..=4), "min_shots is 5: expected not more than max_shots"),
            (base().with_min_query(0), "min_query is 0: expected 1 or more"),
            (UserSamplerConfig { early_events: 0, ..base() }, "early_events is 0: expected 1 or more"),
            (base().with_max_query(Some(9)), "max_query is 9: expected not less than min_query"),
            (mixture(-1.0, 1.0, 1.0), "order.first is -1: expected a finite number, 0 or more"),
            (mixture(1.0, f64::NAN, 1.0), "order.window is NaN: expected a finite number, 0 or more"),
            (mixture(1.0, 1.0, f64::INFINITY), "order.subset is inf: expected a finite number, 0 or more"),
            (mixture(0.0, 0.0, 0.0), "order is all weights 0: expected at least one weight above 0"),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn an_order_in_a_file_has_no_fields_that_mean_nothing() {
        let read = |text: &str| serde_json::from_str::<SupportOrder>(text);
        for (text, order) in [
            (r#"{"kind":"first"}"#, SupportOrder::First),
            (r#"{"kind":"window"}"#, SupportOrder::Window),
            (r#"{"kind":"subset"}"#, SupportOrder::Subset),
            (r#"{"kind":"early"}"#, SupportOrder::Early),
        ] {
            assert_eq!(read(text).unwrap(), order);
            assert_eq!(serde_json::to_string(&order).unwrap(), text);
            assert!(read(&text.replace('}', r#","first":0.5}"#)).is_err(), "{text}");
        }
    }

    #[test]
    fn a_config_survives_json_and_what_is_left_out_is_the_default() {
        let config = UserSamplerConfig::default().with_max_query(Some(50));
        let text = serde_json::to_string(&config).unwrap();
        assert_eq!(serde_json::from_str::<UserSamplerConfig>(&text).unwrap(), config);
        let short: UserSamplerConfig = serde_json::from_str(r#"{"order":{"kind":"window"}}"#).unwrap();
        assert_eq!(short, UserSamplerConfig::default().with_order(SupportOrder::Window));
        assert!(serde_json::from_str::<UserSamplerConfig>(r#"{"shots":3}"#).is_err());
    }
}
