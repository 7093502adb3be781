//! Where the relevant items stand in a ranking: all that a ranking metric needs.

use std::collections::HashSet;

use crate::data::ItemIndex;
use crate::evaluate::metric::order::rank_key;

/// The positions of the relevant items in one ranking, counted from 0.
///
/// A relevant item that is not in the ranking counts as relevant and is never found: it stands behind everything.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    found: Vec<usize>,
    relevant: usize,
    ranked: usize,
}

impl Positions {
    /// From positions that are known: `found` in any order, `relevant` items in all, among `ranked` items.
    ///
    /// # Panics
    /// If a position is not below `ranked`, one stands twice, or more are found than are relevant.
    #[must_use]
    pub fn new(mut found: Vec<usize>, relevant: usize, ranked: usize) -> Self {
        found.sort_unstable();
        assert!(found.is_sorted_by(|a, b| a < b), "a position holds one item: {found:?}");
        assert!(found.last().is_none_or(|&last| last < ranked), "positions {found:?} among {ranked} items");
        assert!(found.len() <= relevant, "{} found of {relevant} relevant", found.len());
        Self { found, relevant, ranked }
    }

    /// From a list, best first, which may be the beginning of a ranking only.
    ///
    /// An item counts once, where it first stands, in the list as in `relevant`; a repeat in the list holds its
    /// position and is not relevant. Costs one hash for each item.
    ///
    /// ```
    /// use metarec::data::ItemIndex;
    /// use metarec::evaluate::metric::Positions;
    ///
    /// let list = [7, 3, 5].map(ItemIndex);
    /// let positions = Positions::in_list(&list, &[5, 7, 9].map(ItemIndex));
    /// assert_eq!((positions.found(), positions.relevant(), positions.ranked()), (&[0, 2][..], 3, 3));
    /// ```
    #[must_use]
    pub fn in_list(ranked: &[ItemIndex], relevant: &[ItemIndex]) -> Self {
        let mut wanted: HashSet<ItemIndex> = relevant.iter().copied().collect();
        let relevant = wanted.len();
        let found = ranked.iter().enumerate().filter_map(|(position, item)| wanted.remove(item).then_some(position));
        Self { found: found.collect(), relevant, ranked: ranked.len() }
    }

    /// From the scores of a whole catalogue, as if all candidates were sorted, without sorting them.
    ///
    /// `scores` and `places` are of all items, by [`ItemIndex`]; of candidates with equal scores the one with the
    /// smaller place comes first, and scores that are not finite come last, as if equal. Candidates must be distinct.
    /// Costs `O(candidates * log relevant)`.
    ///
    /// # Panics
    /// If a candidate or a relevant item has no score or no place.
    ///
    /// ```
    /// use metarec::data::ItemIndex;
    /// use metarec::evaluate::metric::Positions;
    ///
    /// let candidates = [ItemIndex(0), ItemIndex(1), ItemIndex(2)];
    /// let positions = Positions::by_score(&[0.5, 0.5, 0.9], &candidates, &[ItemIndex(0)], &[1, 0, 2]);
    /// assert_eq!(positions.found(), [2], "behind item 2 by its score, behind item 1 by its place");
    /// ```
    #[must_use]
    pub fn by_score(scores: &[f32], candidates: &[ItemIndex], relevant: &[ItemIndex], places: &[u32]) -> Self {
        let key = |item: &ItemIndex| (rank_key(scores[item.position()], places[item.position()]), *item);
        let mut wanted: Vec<(u64, ItemIndex)> = relevant.iter().map(key).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut before = vec![0_usize; wanted.len() + 1];
        let mut seen = vec![false; wanted.len()];
        for candidate in candidates {
            let candidate = key(candidate);
            let next = wanted.partition_point(|one| *one <= candidate);
            before[next] += 1;
            if next > 0 && wanted[next - 1] == candidate {
                seen[next - 1] = true;
            }
        }
        let mut found = Vec::with_capacity(wanted.len());
        let mut above = 0;
        for (count, seen) in before.iter().zip(seen) {
            above += count;
            if seen {
                found.push(above);
            }
        }
        Self { found, relevant: wanted.len(), ranked: candidates.len() }
    }

    /// Positions of the relevant items that are in the ranking, ascending, the best item at 0.
    #[must_use]
    pub fn found(&self) -> &[usize] {
        &self.found
    }

    /// How many items are relevant, found or not.
    #[must_use]
    pub fn relevant(&self) -> usize {
        self.relevant
    }

    /// How many items were ranked.
    #[must_use]
    pub fn ranked(&self) -> usize {
        self.ranked
    }

    /// Positions of the relevant items among the first `k`.
    #[must_use]
    pub fn within(&self, k: usize) -> &[usize] {
        &self.found[..self.found.partition_point(|&position| position < k)]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::evaluate::metric::order::top_items;

    #[test]
    fn an_item_that_stands_twice_counts_once() {
        let positions = Positions::in_list(&[1, 1, 2].map(ItemIndex), &[1, 2, 2].map(ItemIndex));
        assert_eq!(positions, Positions::new(vec![0, 2], 2, 3));
    }

    #[test]
    fn a_relevant_item_that_is_no_candidate_is_never_found() {
        let positions =
            Positions::by_score(&[1.0, 2.0, 3.0], &[ItemIndex(0), ItemIndex(1)], &[2, 0].map(ItemIndex), &[0, 1, 2]);
        assert_eq!(positions, Positions::new(vec![1], 2, 2));
    }

    #[test]
    fn a_model_of_nan_scores_like_the_order_of_the_places() {
        let candidates = [0, 1, 2, 3].map(ItemIndex);
        let places = [2, 0, 3, 1];
        let nan = Positions::by_score(&[f32::NAN; 4], &candidates, &[ItemIndex(0)], &places);
        assert_eq!(nan.found(), [2]);
        assert_eq!(nan, Positions::by_score(&[0.0; 4], &candidates, &[ItemIndex(0)], &places));
    }

    #[test]
    #[should_panic(expected = "a position holds one item")]
    fn one_position_for_two_items_is_refused() {
        let _ = Positions::new(vec![1, 1], 2, 3);
    }

    proptest! {
        #[test]
        fn scores_give_the_positions_of_the_sorted_list(
            scores in prop::collection::vec(
                prop_oneof![Just(f32::NAN), Just(f32::INFINITY), (-2i8..2).prop_map(f32::from)],
                1..60,
            ),
            chosen in prop::collection::vec(0usize..60, 0..20),
            skipped in prop::collection::vec(0usize..60, 0..10),
        ) {
            let n = scores.len();
            let places: Vec<u32> = (0..n as u32).map(|i| i.wrapping_mul(0x9E37_79B1)).collect();
            let kept = (0..n).filter(|i| !skipped.contains(i));
            let candidates: Vec<ItemIndex> = kept.map(|i| ItemIndex(i as u32)).collect();
            let relevant: Vec<ItemIndex> = chosen.into_iter().map(|i| ItemIndex((i % n) as u32)).collect();
            let list = top_items(&scores, &candidates, &places, n);
            let positions = Positions::by_score(&scores, &candidates, &relevant, &places);
            prop_assert_eq!(positions, Positions::in_list(&list, &relevant));
        }
    }
}
