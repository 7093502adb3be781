//! What lists are like besides how good they are: new, varied, from the long tail; and who gets the places.

use crate::data::ItemIndex;

/// Mean self-information of the items of a list, in bits: `-log2` of the share of users who have each (Vargas and Castells, 2011); `None`
/// of an empty list.
///
/// ```
/// use metarec::data::ItemIndex;
/// use metarec::evaluate::metric::novelty;
///
/// let share = [0.5f64, 0.125];
/// let list = [ItemIndex(0), ItemIndex(1)];
/// assert_eq!(novelty(&list, |item| -share[item.position()].log2()), Some(2.0));
/// ```
///
/// [`PopularityBands::self_information`](crate::data::PopularityBands::self_information) tells it of items.
#[must_use]
pub fn novelty(list: &[ItemIndex], information: impl Fn(ItemIndex) -> f64) -> Option<f64> {
    mean(list.iter().map(|item| information(*item)))
}

/// Mean distance of the pairs of items of a list (Smyth and McClave, 2001; the complement of the similarity of Ziegler et al., 2005);
/// `None` of a list of fewer than two. It does not depend on the order.
///
/// Costs `n * (n - 1) / 2` distances.
///
/// ```
/// use metarec::data::ItemIndex;
/// use metarec::evaluate::metric::intra_list_diversity;
///
/// let list = [0, 1, 2].map(ItemIndex);
/// let apart = |a: ItemIndex, b: ItemIndex| if a.0.abs_diff(b.0) > 1 { 1.0 } else { 0.25 };
/// assert_eq!(intra_list_diversity(&list, apart), Some(0.5));
/// ```
#[must_use]
pub fn intra_list_diversity(list: &[ItemIndex], distance: impl Fn(ItemIndex, ItemIndex) -> f64) -> Option<f64> {
    let pairs =
        list.iter().enumerate().flat_map(|(nth, first)| list[nth + 1..].iter().map(move |other| (first, other)));
    mean(pairs.map(|(first, second)| distance(*first, *second)))
}

/// Share of the items of a list that belong to a group, such as the long tail; `None` of an empty list.
///
/// ```
/// use metarec::data::ItemIndex;
/// use metarec::evaluate::metric::share_within;
///
/// assert_eq!(share_within(&[4, 9, 2, 7].map(ItemIndex), |item| item.0 > 6), Some(0.5));
/// ```
#[must_use]
pub fn share_within(list: &[ItemIndex], belongs: impl Fn(ItemIndex) -> bool) -> Option<f64> {
    mean(list.iter().map(|item| f64::from(u8::from(belongs(*item)))))
}

/// How often each candidate stands in a list, in the order of the candidates, which must ascend; other items are passed over.
///
/// Costs a search among the candidates for each listed item.
///
/// ```
/// use metarec::data::ItemIndex;
/// use metarec::evaluate::metric::{exposure, gini};
///
/// let lists = [[2, 5].map(ItemIndex), [5, 9].map(ItemIndex)];
/// let counts = exposure(lists.iter().map(|list| &list[..]), &[2, 3, 5].map(ItemIndex));
/// assert_eq!(counts, [1, 0, 2]);
/// assert!((gini(&counts) - 4.0 / 9.0).abs() < 1e-12);
/// ```
#[must_use]
pub fn exposure<'a>(lists: impl IntoIterator<Item = &'a [ItemIndex]>, candidates: &[ItemIndex]) -> Vec<usize> {
    let mut counts = vec![0; candidates.len()];
    for item in lists.into_iter().flatten() {
        if let Ok(place) = candidates.binary_search(item) {
            counts[place] += 1;
        }
    }
    counts
}

/// The Gini coefficient of how often items are shown: 0 where all are shown equally often (or never), `1 - 1 / items` where one has all the
/// places.
///
/// With counts `x` in ascending order, `sum((2 i - n - 1) x_i) / (n sum(x))`. Costs a sort.
#[must_use]
pub fn gini(counts: &[usize]) -> f64 {
    let mut ascending = counts.to_vec();
    ascending.sort_unstable();
    let (n, total) = (ascending.len() as f64, ascending.iter().sum::<usize>() as f64);
    if total == 0.0 {
        return 0.0;
    }
    let weighted = ascending.iter().zip(1..).map(|(&count, nth)| (f64::from(2 * nth) - n - 1.0) * count as f64);
    weighted.sum::<f64>() / (n * total) + 0.0
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0), |(sum, count), value| (sum + value, count + 1));
    (count > 0).then(|| sum / f64::from(count))
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    use super::*;

    fn items(items: &[u32]) -> Vec<ItemIndex> {
        items.iter().copied().map(ItemIndex).collect()
    }

    #[test]
    fn novelty_is_the_mean_of_what_items_tell() {
        let information = |item: ItemIndex| -[1.0f64, 0.5, 0.25, 0.1][item.position()].log2();
        assert_eq!(novelty(&items(&[0]), information), Some(0.0));
        let found = novelty(&items(&[0, 1, 2, 3]), information).unwrap();
        assert_abs_diff_eq!(found, (3.0 + 10f64.log2()) / 4.0, epsilon = 1e-12);
        assert_eq!(novelty(&[], information), None);
    }

    #[test]
    fn diversity_is_the_mean_over_pairs() {
        // Pairs at 1, 3 and 2.
        let apart = |a: ItemIndex, b: ItemIndex| f64::from(a.0.abs_diff(b.0));
        assert_eq!(intra_list_diversity(&items(&[0, 1, 3]), apart), Some(2.0));
        assert_eq!(intra_list_diversity(&items(&[5]), apart), None);
        assert_eq!(intra_list_diversity(&[], apart), None);
    }

    #[test]
    fn gini_is_that_computed_by_hand() {
        // Mean absolute difference over all ordered pairs, over twice the mean: of 1, 2, 3, 4 it is 20 / 16 / (2 * 2.5).
        assert_abs_diff_eq!(gini(&[3, 1, 4, 2]), 0.25, epsilon = 1e-12);
        assert_abs_diff_eq!(gini(&[0, 0, 7, 0]), 0.75, epsilon = 1e-12);
        assert_eq!((gini(&[5, 5, 5]), gini(&[0, 0]), gini(&[])), (0.0, 0.0, 0.0));
    }

    #[test]
    fn what_is_no_candidate_has_no_exposure() {
        let lists = [items(&[1, 8]), items(&[8, 3]), Vec::new()];
        assert_eq!(exposure(lists.iter().map(Vec::as_slice), &items(&[0, 1, 8])), [0, 1, 2]);
        assert_eq!(share_within(&[], |_| true), None);
    }

    proptest! {
        #[test]
        fn the_order_of_a_list_does_not_matter(
            (list, shuffled) in prop::collection::vec(0u32..20, 2..12).prop_flat_map(|list| {
                let shuffled = Just(list.clone()).prop_shuffle();
                (Just(list), shuffled)
            }),
        ) {
            let (list, shuffled) = (items(&list), items(&shuffled));
            let information = |item: ItemIndex| f64::from(item.0 + 2).log2();
            let apart = |a: ItemIndex, b: ItemIndex| f64::from(a.0.abs_diff(b.0)) / 20.0;
            let tail = |item: ItemIndex| item.0 >= 10;
            let all = |list: &[ItemIndex]| {
                [novelty(list, information), intra_list_diversity(list, apart), share_within(list, tail)].map(Option::unwrap)
            };
            for (one, other) in all(&list).into_iter().zip(all(&shuffled)) {
                prop_assert!((one - other).abs() < 1e-12);
            }
            let [novelty, diversity, tail] = all(&list);
            prop_assert!((1.0 - 1e-12..=21f64.log2() + 1e-12).contains(&novelty));
            prop_assert!((0.0..=1.0).contains(&diversity) && (0.0..=1.0).contains(&tail));
        }

        #[test]
        fn gini_is_half_the_relative_mean_difference(counts in prop::collection::vec(0usize..50, 1..20)) {
            let n = counts.len() as f64;
            let pairs = counts.iter().flat_map(|a| counts.iter().map(move |b| a.abs_diff(*b) as f64));
            let (difference, mean) = (pairs.sum::<f64>() / (n * n), counts.iter().sum::<usize>() as f64 / n);
            let expected = if mean > 0.0 { difference / (2.0 * mean) } else { 0.0 };
            let found = gini(&counts);
            prop_assert!((found - expected).abs() < 1e-12);
            prop_assert!((0.0..=1.0 - 1.0 / n + 1e-12).contains(&found));
        }
    }
}
