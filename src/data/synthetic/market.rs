//! A generated market: its events and the truth behind them.

use crate::data::dataset::Dataset;
use crate::data::ids::{ItemIndex, UserIndex};

use super::config::MarketConfig;

/// What everyone would give an item of no quality that is nobody's taste.
const MIDDLE: f64 = 2.8;

/// A generated market: its events and the truth behind them.
///
/// User `u7` has [`UserIndex(7)`](UserIndex) and item `i7` has [`ItemIndex(7)`](ItemIndex). Users have the columns `segment`, which
/// leans towards one genre, and `city`, which means nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct Market {
    pub(super) config: MarketConfig,
    pub(super) dataset: Dataset,
    pub(super) truth: Truth,
}

/// What users think of items.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Truth {
    pub(super) items: usize,
    /// In stars, `[users, items]`.
    pub(super) preferences: Vec<f64>,
    /// In stars, `[items]`.
    pub(super) quality: Vec<f64>,
}

impl Truth {
    pub(super) fn of(&self, user: usize) -> &[f64] {
        &self.preferences[user * self.items..(user + 1) * self.items]
    }
}

/// Stars before rounding, within 1 and 5.
pub(super) fn stars(preference: f64) -> f64 {
    (MIDDLE + preference).clamp(1.0, 5.0)
}

impl Market {
    /// What it was generated from.
    #[must_use]
    pub fn config(&self) -> &MarketConfig {
        &self.config
    }

    /// The events, items and users.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// The events, items and users, without the truth.
    #[must_use]
    pub fn into_dataset(self) -> Dataset {
        self.dataset
    }

    /// What the user thinks of the item: stars above or below what is usual.
    ///
    /// # Panics
    /// If there is no such user or item.
    #[must_use]
    pub fn preference(&self, user: UserIndex, item: ItemIndex) -> f64 {
        self.truth.of(user.position())[item.position()]
    }

    /// The rating the user would give the item without noise and rounding, 1 to 5.
    ///
    /// # Panics
    /// If there is no such user or item.
    #[must_use]
    pub fn true_rating(&self, user: UserIndex, item: ItemIndex) -> f64 {
        stars(self.preference(user, item))
    }

    /// What the item is worth to everyone: stars above or below what is usual.
    ///
    /// # Panics
    /// If there is no such item.
    #[must_use]
    pub fn quality(&self, item: ItemIndex) -> f64 {
        self.truth.quality[item.position()]
    }

    /// The `count` items that the user prefers, best first; all items if there are fewer.
    ///
    /// Costs a sort of the items.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn best_items(&self, user: UserIndex, count: usize) -> Vec<ItemIndex> {
        let preferences = self.truth.of(user.position());
        let mut items: Vec<ItemIndex> = (0..).map(ItemIndex).take(preferences.len()).collect();
        items.sort_by(|a, b| preferences[b.position()].total_cmp(&preferences[a.position()]));
        items.truncate(count);
        items
    }
}
