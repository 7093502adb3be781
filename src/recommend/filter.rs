//! Which items may be recommended, and the best of them.

use std::collections::HashSet;

use crate::data::{Catalogue, ItemIndex, by_score};

/// One recommendation.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// External id of the item.
    pub item: String,
    /// Its title, or its id where it has none.
    pub title: String,
    /// Its ranking score: higher is better, and differences are log odds. Not comparable between users.
    pub score: f32,
}

/// Which items may be recommended: all that the user has not seen, unless it is told otherwise.
///
/// Ids that the catalogue does not have are no error: a shop's list of what is in stock may be ahead of the model.
///
/// ```
/// use metarec::recommend::Filter;
///
/// let in_stock = ["50", "181", "258"];
/// let filter = Filter::new().only(in_stock).without(["258"]).with_seen();
/// ```
#[derive(Clone, Debug, Default)]
pub struct Filter {
    only: Option<HashSet<String>>,
    without: HashSet<String>,
    seen: Seen,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Seen {
    #[default]
    LeftOut,
    Kept,
}

impl Filter {
    /// All items that the user has not seen.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// None but these. Said again, the lists add up.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, items: impl IntoIterator<Item = S>) -> Self {
        self.only.get_or_insert_default().extend(items.into_iter().map(Into::into));
        self
    }

    /// Not these, even if they are among [`Filter::only`].
    #[must_use]
    pub fn without<S: Into<String>>(mut self, items: impl IntoIterator<Item = S>) -> Self {
        self.without.extend(items.into_iter().map(Into::into));
        self
    }

    /// Items that the user has seen as well: where things are bought or heard again.
    #[must_use]
    pub fn with_seen(mut self) -> Self {
        self.seen = Seen::Kept;
        self
    }

    /// For each item of the catalogue whether it may be recommended.
    pub(super) fn allowed(&self, catalogue: &Catalogue, seen: &[ItemIndex]) -> Vec<bool> {
        let mut allowed = vec![self.only.is_none(); catalogue.len()];
        let mut set = |item: Option<ItemIndex>, to: bool| {
            if let Some(place) = item.and_then(|item| allowed.get_mut(item.position())) {
                *place = to;
            }
        };
        self.only.iter().flatten().for_each(|id| set(catalogue.find(id), true));
        self.without.iter().for_each(|id| set(catalogue.find(id), false));
        if self.seen == Seen::LeftOut {
            seen.iter().for_each(|item| set(Some(*item), false));
        }
        allowed
    }

    /// The `k` best of the allowed items, equal scores by `places`.
    ///
    /// Costs one pass over the items and a sort of `k`.
    pub(super) fn best(
        &self,
        (catalogue, places): (&Catalogue, &[u32]),
        seen: &[ItemIndex],
        scores: &[f32],
        k: usize,
    ) -> Vec<Hit> {
        let allowed = self.allowed(catalogue, seen);
        let mut found: Vec<(f32, u32, ItemIndex)> = (0..)
            .map(ItemIndex)
            .zip(scores.iter().zip(places))
            .filter(|(item, _)| allowed[item.position()])
            .map(|(item, (&score, &place))| (score, place, item))
            .collect();
        let order = |a: &(f32, u32, ItemIndex), b: &(f32, u32, ItemIndex)| by_score((a.0, a.1), (b.0, b.1));
        if k < found.len() {
            found.select_nth_unstable_by(k, order);
            found.truncate(k);
        }
        found.sort_unstable_by(order);
        let hit = |(score, _, item)| Hit {
            item: catalogue.id(item).to_owned(),
            title: catalogue.title(item).to_owned(),
            score,
        };
        found.into_iter().map(hit).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::tie_order;

    fn best(filter: &Filter, seen: &[u32], scores: &[f32], k: usize) -> Vec<String> {
        let mut catalogue = Catalogue::new();
        for id in ["a", "b", "c", "d", "e"] {
            catalogue.insert(id);
        }
        let places = tie_order(catalogue.ids());
        let seen: Vec<ItemIndex> = seen.iter().copied().map(ItemIndex).collect();
        let hits = filter.best((&catalogue, &places), &seen, scores, k);
        hits.into_iter().map(|hit| hit.item).collect()
    }

    const SCORES: [f32; 5] = [1.0, 5.0, 3.0, 4.0, 2.0];

    #[test]
    fn the_best_unseen_items_come_first() {
        assert_eq!(best(&Filter::new(), &[1], &SCORES, 2), ["d", "c"]);
        assert_eq!(best(&Filter::new(), &[1], &SCORES, 9), ["d", "c", "e", "a"]);
        assert!(best(&Filter::new(), &[], &SCORES, 0).is_empty());
    }

    #[test]
    fn equal_scores_go_by_the_order_that_means_nothing() {
        // The order of the digests of "tie|a" to "tie|e" is e, d, a, b, c.
        assert_eq!(best(&Filter::new(), &[], &[0.0; 5], 3), ["e", "d", "a"]);
    }

    #[test]
    fn lists_allow_and_forbid() {
        let filter = Filter::new().only(["a", "b", "unheard of"]).only(["c"]).without(["b", "never"]);
        assert_eq!(best(&filter, &[2], &SCORES, 5), ["a"]);
        assert_eq!(best(&filter.with_seen(), &[2], &SCORES, 5), ["c", "a"]);
        assert!(best(&Filter::new().only(Vec::<String>::new()), &[], &SCORES, 5).is_empty());
    }
}
