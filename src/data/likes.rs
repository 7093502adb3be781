//! Which events count as liking an item, and how much.

use serde::{Deserialize, Serialize};

use crate::data::event::{Action, IndexedEvent};

/// How much each action says about preference, from 0 (nothing) to 1.
///
/// ```
/// use metarec::data::{Action, ActionWeights};
///
/// let weights = ActionWeights::default().with(Action::Browse, 0.0);
/// assert_eq!(weights.weight(Action::Purchase), 1.0);
/// assert_eq!(weights.weight(Action::Browse), 0.0);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "[f32; Action::ALL.len()]", into = "[f32; Action::ALL.len()]")]
pub struct ActionWeights([f32; Action::ALL.len()]);

impl From<ActionWeights> for [f32; Action::ALL.len()] {
    fn from(weights: ActionWeights) -> Self {
        weights.0
    }
}

impl TryFrom<[f32; Action::ALL.len()]> for ActionWeights {
    type Error = String;

    /// Weights in the order of [`Action::ALL`].
    fn try_from(weights: [f32; Action::ALL.len()]) -> Result<Self, String> {
        match weights.iter().zip(Action::ALL).find(|(weight, _)| !(0.0..=1.0).contains(*weight)) {
            Some((weight, action)) => Err(format!("weight of {action} is {weight}: expected 0 to 1")),
            None => Ok(Self(weights)),
        }
    }
}

impl Default for ActionWeights {
    /// Purchases, plays, likes and ratings 1; saves 0.8; clicks 0.5; browsing 0.2; dislikes 0.
    fn default() -> Self {
        let mut weights = [1.0; Action::ALL.len()];
        weights[Action::Save.code()] = 0.8;
        weights[Action::Click.code()] = 0.5;
        weights[Action::Browse.code()] = 0.2;
        weights[Action::Dislike.code()] = 0.0;
        Self(weights)
    }
}

impl ActionWeights {
    /// The weight of `action`.
    #[must_use]
    pub fn weight(&self, action: Action) -> f32 {
        self.0[action.code()]
    }

    /// The same weights with another one for `action`.
    ///
    /// # Panics
    /// If `weight` is not in `0.0..=1.0`.
    #[must_use]
    pub fn with(mut self, action: Action, weight: f32) -> Self {
        assert!((0.0..=1.0).contains(&weight), "weight of {action} is {weight}: expected 0 to 1");
        self.0[action.code()] = weight;
        self
    }
}

/// Decides which events are *likes*: the positives of ranking.
///
/// A rating is a like if its value reaches the threshold, or if there is no threshold because all ratings of the data are the
/// same. Any other event is a like with its action's weight; a value it may carry (a quantity, a number of seconds) does not
/// decide.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LikeRule {
    /// The least value of a rating that is a like; `None` where every rating is one.
    pub threshold: Option<f32>,
    /// How much each action counts.
    pub weights: ActionWeights,
}

impl LikeRule {
    /// The rule that the ratings themselves suggest: three quarters up their range (4 of 1 to 5 stars, 3.875 of 0.5 to 5), no
    /// threshold where all are the same or there are none. Values that are not finite are passed over.
    ///
    /// ```
    /// use metarec::data::LikeRule;
    ///
    /// assert_eq!(LikeRule::from_values([1.0, 3.0, 5.0]).threshold, Some(4.0));
    /// assert_eq!(LikeRule::from_values([1.0, 1.0]).threshold, None);
    /// ```
    #[must_use]
    pub fn from_values(values: impl IntoIterator<Item = f32>) -> Self {
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            low = low.min(value);
            high = high.max(value);
        }
        let threshold = (low < high).then_some(0.25 * low + 0.75 * high);
        Self { threshold, weights: ActionWeights::default() }
    }

    /// How much of a like the event is, from 0 (it is none) to 1.
    #[must_use]
    pub fn weight(&self, event: &IndexedEvent) -> f32 {
        match (event.action, event.value, self.threshold) {
            (Action::Rating, Some(value), Some(threshold)) if value < threshold => 0.0,
            _ => self.weights.weight(event.action),
        }
    }

    /// Whether the event is a like at all.
    #[must_use]
    pub fn is_like(&self, event: &IndexedEvent) -> bool {
        self.weight(event) > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::ItemIndex;

    fn event(action: Action, value: Option<f32>) -> IndexedEvent {
        IndexedEvent { item: ItemIndex(0), action, value, timestamp: None }
    }

    #[test]
    fn the_threshold_is_exact_on_common_scales() {
        for (low, high, expected) in
            [(1.0, 5.0, 4.0), (0.5, 5.0, 3.875), (0.0, 1.0, 0.75), (-1.0, 1.0, 0.5), (0.0, 10.0, 7.5)]
        {
            assert_eq!(LikeRule::from_values([high, low]).threshold, Some(expected));
        }
    }

    #[test]
    fn values_that_are_not_finite_do_not_move_the_threshold() {
        let values = [f32::NAN, 1.0, f32::INFINITY, 5.0, f32::NEG_INFINITY, f32::NAN];
        assert_eq!(LikeRule::from_values(values).threshold, Some(4.0));
        assert_eq!(LikeRule::from_values([f32::NAN]).threshold, None);
    }

    #[test]
    fn the_widest_range_has_a_finite_threshold() {
        assert!(LikeRule::from_values([f32::MIN, f32::MAX]).threshold.unwrap().is_finite());
    }

    #[test]
    fn ratings_below_the_threshold_are_no_likes() {
        let rule = LikeRule::from_values([1.0, 5.0]);
        assert!(rule.is_like(&event(Action::Rating, Some(4.0))));
        assert!(!rule.is_like(&event(Action::Rating, Some(3.5))));
        assert!(rule.is_like(&event(Action::Rating, None)));
    }

    #[test]
    fn other_actions_count_by_their_weight_whatever_their_value() {
        let rule = LikeRule::from_values([1.0, 5.0]);
        assert_eq!(rule.weight(&event(Action::Purchase, Some(2.0))), 1.0);
        assert_eq!(rule.weight(&event(Action::Click, None)), 0.5);
        assert!(!rule.is_like(&event(Action::Dislike, None)));
    }

    #[test]
    #[should_panic(expected = "weight of click is NaN: expected 0 to 1")]
    fn a_weight_out_of_bounds_is_refused() {
        let _ = ActionWeights::default().with(Action::Click, f32::NAN);
    }

    #[test]
    fn weights_out_of_bounds_are_refused_when_read() {
        let text = serde_json::to_string(&ActionWeights::default()).unwrap();
        assert_eq!(serde_json::from_str::<ActionWeights>(&text).unwrap(), ActionWeights::default());
        assert!(serde_json::from_str::<ActionWeights>(&text.replace("0.8", "1.8")).is_err());
    }
}
