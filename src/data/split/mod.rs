//! What is set apart for meta-training, meta-validation and meta-test: whole users, items, both, or what comes later.

mod cold;
mod digest;
mod folds;
mod items;
mod repeat;
mod time;

pub use cold::{Cold, ColdSplit, LeftOut};
pub use digest::SplitRule;
pub use folds::{FoldRule, UserFolds};
pub use items::ItemRule;
pub use repeat::RepeatRule;
pub use time::TimeRule;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::data::event::IndexedEvent;
use crate::data::ids::{ItemIndex, UserIndex};

/// A user whose events are all there to learn from: one task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TaskHistory {
    /// Whose events.
    pub user: UserIndex,
    /// In time order.
    pub events: Vec<IndexedEvent>,
}

/// A user kept out of meta-training, with what adaptation may see and what it is scored on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOutUser {
    /// Whose events.
    pub user: UserIndex,
    /// The first events in time order: at `k` shots a model sees the first `k`. None of them is a candidate at any `k`.
    pub pool: Vec<IndexedEvent>,
    /// All later events: what the model is scored on, the same at every `k`.
    pub query: Vec<IndexedEvent>,
}

/// Disjoint users for meta-training, meta-validation and meta-test.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct UserSplit {
    /// Users to train on.
    pub train: Vec<TaskHistory>,
    /// Users to choose settings and to stop on.
    pub valid: Vec<HeldOutUser>,
    /// Users to report on, and for nothing else.
    pub test: Vec<HeldOutUser>,
}

impl UserSplit {
    /// The items with at least one event of a training user, ascending: what is ranked.
    #[must_use]
    pub fn candidates(&self) -> Vec<ItemIndex> {
        let mut items: Vec<ItemIndex> =
            self.train.iter().flat_map(|task| task.events.iter().map(|event| event.item)).collect();
        items.sort_unstable();
        items.dedup();
        items
    }

    /// The same split with every held-out user's pool in an order drawn from `seed` and the user: the first `k` of it are then a random `k` of the first
    /// events, and all of them the same set as before. A pool is not in time order then: whoever
    /// gives the first `k` of it to a recommender puts them in order first, as the protocols do.
    ///
    /// ```
    /// use metarec::data::synthetic::MarketConfig;
    ///
    /// let data = MarketConfig::default().generate()?.into_dataset();
    /// let split = data.split()?;
    /// let shuffled = split.clone().with_shuffled_pools(7);
    /// assert_ne!(shuffled.test[0].pool, split.test[0].pool);
    /// assert_eq!(shuffled.test[0].query, split.test[0].query);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_shuffled_pools(mut self, seed: u64) -> Self {
        for user in self.valid.iter_mut().chain(&mut self.test) {
            let mut rng = ChaCha8Rng::seed_from_u64(seed ^ u64::from(user.user.0).wrapping_mul(0x9E37_79B9_7F4A_7C15));
            user.pool.shuffle(&mut rng);
        }
        self
    }

    /// The same split without its test users: all that whoever chooses settings may see.
    #[must_use]
    pub fn without_test(&self) -> Self {
        Self { train: self.train.clone(), valid: self.valid.clone(), test: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Action;

    #[test]
    fn a_shuffled_pool_is_the_same_set_in_an_order_of_the_users_own() {
        let event = |item| IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp: None };
        let held =
            |user| HeldOutUser { user: UserIndex(user), pool: (0..20).map(event).collect(), query: vec![event(30)] };
        let split = UserSplit { valid: vec![held(1)], test: vec![held(2)], ..UserSplit::default() };
        let shuffled = split.clone().with_shuffled_pools(3);
        assert_eq!(shuffled, split.clone().with_shuffled_pools(3));
        let (valid, test) = (&shuffled.valid[0].pool, &shuffled.test[0].pool);
        assert!(valid != test && *test != split.test[0].pool);
        let mut sorted = test.clone();
        sorted.sort_by_key(|event| event.item);
        assert_eq!(sorted, split.test[0].pool);
        assert_eq!(shuffled.test[0].query, split.test[0].query);
    }

    #[test]
    fn candidates_are_the_items_of_training_users_in_ascending_order() {
        let event = |item| IndexedEvent { item: ItemIndex(item), action: Action::Click, value: None, timestamp: None };
        let task = |user, items: &[u32]| TaskHistory {
            user: UserIndex(user),
            events: items.iter().map(|&item| event(item)).collect(),
        };
        let held = HeldOutUser { user: UserIndex(9), pool: vec![event(8)], query: vec![event(9)] };
        let split =
            UserSplit { train: vec![task(0, &[5, 2]), task(1, &[2, 7])], valid: vec![held.clone()], test: vec![held] };
        assert_eq!(split.candidates(), [2, 5, 7].map(ItemIndex));
    }
}
