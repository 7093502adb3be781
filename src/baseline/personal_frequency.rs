//! By the user's own habit.

use std::collections::HashMap;

use crate::data::{Dataset, ItemIndex, LikeRule};
use crate::evaluate::EvaluateError;
use crate::evaluate::{Method, Support};

/// Ranks the items of a user's own support set by how often they are liked there, the most recent of equals first; all others come
/// after, alike. Nothing is fitted.
///
/// It is what repeat purchase is measured against, and hard to beat there (Li et al., *A Next Basket Recommendation Reality Check*, ACM
/// TOIS 41, 2023); where a user's items are not ranked again, as in [`UserCold`](crate::evaluate::UserCold), it is the constant
/// method.
///
/// A score is the place in that order counted from behind, so that an item of which there is one event has at least 1: exact in 32 bits
/// for 16 million items of one user.
///
/// ```
/// use metarec::baseline::PersonalFrequency;
/// use metarec::data::{Event, UserIndex, from_events};
/// use metarec::evaluate::{Method, Support};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let bought = ["milk", "tea", "milk", "jam"];
/// let data = from_events((0..).zip(bought).map(|(time, item)| ("ann", Event::purchase(item).at(time))))?;
/// let support = Support { user: UserIndex(0), events: data.history(UserIndex(0)) };
/// let scores = PersonalFrequency::new(&data).scores(&[support])?;
/// assert_eq!(scores, Some(vec![vec![3.0, 1.0, 2.0]]), "milk, tea, jam: twice; once; once, and later");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct PersonalFrequency {
    items: usize,
    likes: LikeRule,
}

impl PersonalFrequency {
    /// Scores for the items of `data`, by its rule of what is a like.
    #[must_use]
    pub fn new(data: &Dataset) -> Self {
        Self { items: data.catalogue().len(), likes: data.like_rule().clone() }
    }

    fn row(&self, support: &Support<'_>) -> Vec<f32> {
        // How often, and where last.
        let mut habits: HashMap<ItemIndex, (u32, usize)> = HashMap::new();
        for (place, event) in support.events.iter().enumerate().filter(|(_, event)| self.likes.is_like(event)) {
            let (count, last) = habits.entry(event.item).or_default();
            *count += 1;
            *last = place;
        }
        let mut order: Vec<((u32, usize), ItemIndex)> = habits.into_iter().map(|(item, habit)| (habit, item)).collect();
        order.sort_unstable();
        let mut scores = vec![0.0; self.items];
        for (place, (_, item)) in (1..).zip(order) {
            scores[item.position()] = place as f32;
        }
        scores
    }
}

impl Method for PersonalFrequency {
    fn name(&self) -> &str {
        "personal_frequency"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        Ok(Some(supports.iter().map(|support| self.row(support)).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Event, UserIndex, from_events};

    #[test]
    fn only_likes_count_and_nothing_known_is_constant() {
        let data = from_events([
            ("ann", Event::rating("a", 1.0).at(1)),
            ("ann", Event::rating("a", 1.0).at(2)),
            ("ann", Event::rating("b", 5.0).at(3)),
            ("ann", Event::rating("c", 5.0).at(4)),
        ])
        .unwrap();
        let method = PersonalFrequency::new(&data);
        let events = data.history(UserIndex(0));
        let row = |events| method.row(&Support { user: UserIndex(0), events });
        assert_eq!(row(events), [0.0, 1.0, 2.0]);
        assert_eq!(row(&[]), [0.0; 3]);
    }
}
