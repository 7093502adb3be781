//! The total order of scored candidates, as one integer for each.

use std::collections::BinaryHeap;

use crate::data::ItemIndex;

/// A number that is smaller the earlier the candidate is ranked: score descending, then place ascending.
///
/// Scores that are not finite are all equal and come last; `-0.0` equals `0.0`.
pub(super) fn rank_key(score: f32, place: u32) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 1 { !bits } else { bits | 0x8000_0000 };
    let descending = if score.is_finite() { !ascending } else { u32::MAX };
    (u64::from(descending) << 32) | u64::from(place)
}

/// The first `k` of the candidates in the order of their scores, best first; all of them where there are fewer.
///
/// `scores` and `places` are of all items, by [`ItemIndex`]; of items with equal scores the one with the smaller place
/// comes first, and scores that are not finite come last. Costs `O(candidates * log k)`.
///
/// # Panics
/// If a candidate has no score or no place.
///
/// ```
/// use metarec::data::ItemIndex;
/// use metarec::evaluate::metric::top_items;
///
/// let candidates = [ItemIndex(0), ItemIndex(1), ItemIndex(3)];
/// let best = top_items(&[0.5, 0.1, 0.9, 0.5], &candidates, &[1, 2, 3, 0], 2);
/// assert_eq!(best, [ItemIndex(3), ItemIndex(0)]);
/// ```
#[must_use]
pub fn top_items(scores: &[f32], candidates: &[ItemIndex], places: &[u32], k: usize) -> Vec<ItemIndex> {
    let mut best = BinaryHeap::with_capacity(k.min(candidates.len()) + 1);
    for &item in candidates {
        let key = rank_key(scores[item.position()], places[item.position()]);
        if best.len() < k {
            best.push((key, item));
        } else if best.peek().is_some_and(|&(worst, _)| key < worst) {
            best.pop();
            best.push((key, item));
        }
    }
    best.into_sorted_vec().into_iter().map(|(_, item)| item).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_follow_scores_then_places() {
        let ordered = [
            rank_key(f32::MAX, 0),
            rank_key(1.0, 0),
            rank_key(1.0, 1),
            rank_key(f32::MIN_POSITIVE, 0),
            rank_key(-0.0, 4),
            rank_key(0.0, 5),
            rank_key(-1.0, 0),
            rank_key(f32::MIN, 0),
            rank_key(f32::INFINITY, 0),
            rank_key(f32::NAN, 1),
            rank_key(f32::NEG_INFINITY, 2),
        ];
        assert!(ordered.is_sorted_by(|a, b| a < b), "{ordered:x?}");
    }

    #[test]
    fn no_list_is_longer_than_the_candidates() {
        assert_eq!(top_items(&[0.0], &[ItemIndex(0)], &[0], 10), [ItemIndex(0)]);
        assert!(top_items(&[0.0], &[ItemIndex(0)], &[0], 0).is_empty());
    }

    proptest! {
        #[test]
        fn the_top_is_the_beginning_of_the_full_order(
            scores in prop::collection::vec(-3i8..3, 1..40),
            k in 0usize..50,
        ) {
            let scores: Vec<f32> = scores.into_iter().map(f32::from).collect();
            let places: Vec<u32> = (0..scores.len() as u32).rev().collect();
            let candidates: Vec<ItemIndex> = (0..scores.len() as u32).map(ItemIndex).collect();
            let mut all = candidates.clone();
            all.sort_by(|a, b| {
                let (a, b) = (a.position(), b.position());
                scores[b].total_cmp(&scores[a]).then(places[a].cmp(&places[b]))
            });
            all.truncate(k);
            prop_assert_eq!(top_items(&scores, &candidates, &places, k), all);
        }
    }
}
