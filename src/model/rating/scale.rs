//! The values that ratings take.

use serde::{Deserialize, Serialize};

/// A scale with more values than this is taken for a continuous one.
const MOST_LEVELS: usize = 32;

/// The values that ratings take: stars, or anything in a range.
///
/// ```
/// use metarec::model::RatingScale;
///
/// assert_eq!(RatingScale::of([5.0, 1.0, 3.0, 5.0]), Some(RatingScale::Levels(vec![1.0, 3.0, 5.0])));
/// assert_eq!(RatingScale::of([2.0, 2.0]), None, "nothing to predict");
/// assert_eq!(RatingScale::of((0..200).map(|value| value as f32)), Some(RatingScale::Range(0.0, 199.0)));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RatingScale {
    /// These and none between, ascending, at least two: a distribution over none at all [panics](crate::model::RatingDistribution::new).
    Levels(Vec<f32>),
    /// Anything from the least to the greatest.
    Range(f32, f32),
}

impl RatingScale {
    /// The scale that values suggest: at most 32 different ones are levels. `None` where no two differ; what is not finite is passed over.
    #[must_use]
    pub fn of(values: impl IntoIterator<Item = f32>) -> Option<Self> {
        let mut levels: Vec<f32> = Vec::new();
        let (mut low, mut high) = (f32::INFINITY, f32::NEG_INFINITY);
        for value in values.into_iter().filter(|value| value.is_finite()) {
            (low, high) = (low.min(value), high.max(value));
            if levels.len() <= MOST_LEVELS
                && let Err(place) = levels.binary_search_by(|level| level.total_cmp(&(value + 0.0)))
            {
                levels.insert(place, value + 0.0);
            }
        }
        match levels.len() {
            0 | 1 => None,
            2..=MOST_LEVELS => Some(Self::Levels(levels)),
            _ => Some(Self::Range(low, high)),
        }
    }

    /// The least and the greatest value.
    #[must_use]
    pub fn range(&self) -> (f32, f32) {
        match self {
            Self::Levels(levels) => (levels.first().copied().unwrap_or(0.0), levels.last().copied().unwrap_or(0.0)),
            Self::Range(low, high) => (*low, *high),
        }
    }

    /// Whether it is as [`RatingScale::of`] makes one: finite and in ascending order.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        match self {
            Self::Levels(levels) => {
                levels.len() >= 2 && levels.iter().all(|level| level.is_finite()) && levels.is_sorted_by(|a, b| a < b)
            }
            Self::Range(low, high) => low.is_finite() && high.is_finite() && low < high,
        }
    }
}
