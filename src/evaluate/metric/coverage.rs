//! How much of the catalogue anyone is shown.

use std::collections::HashSet;

use crate::data::ItemIndex;

/// Share of `candidates` distinct items that stand in at least one of the lists: 0 where there are no candidates.
///
/// The lists are cut by the caller, so coverage@10 takes lists of ten. Costs one hash for each listed item.
///
/// ```
/// use metarec::data::ItemIndex;
/// use metarec::evaluate::metric::coverage;
///
/// let lists = [[1, 2].map(ItemIndex), [2, 3].map(ItemIndex)];
/// assert_eq!(coverage(lists.iter().map(|list| &list[..]), 4), 0.75);
/// ```
#[must_use]
pub fn coverage<'a>(lists: impl IntoIterator<Item = &'a [ItemIndex]>, candidates: usize) -> f64 {
    let shown: HashSet<ItemIndex> = lists.into_iter().flatten().copied().collect();
    if candidates == 0 { 0.0 } else { shown.len() as f64 / candidates as f64 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_list_for_everyone_covers_its_own_length() {
        let list = [4, 8].map(ItemIndex);
        assert_eq!(coverage([&list[..], &list[..], &list[..]], 20), 0.1);
        assert_eq!(coverage([], 20), 0.0);
        assert_eq!(coverage([], 0), 0.0);
    }

    proptest! {
        #[test]
        fn another_list_never_lowers_it(lists in prop::collection::vec(prop::collection::vec(0u32..30, 0..10), 1..8)) {
            let indexed = |list: Vec<u32>| list.into_iter().map(ItemIndex).collect();
            let lists: Vec<Vec<ItemIndex>> = lists.into_iter().map(indexed).collect();
            let of = |n: usize| coverage(lists[..n].iter().map(Vec::as_slice), 30);
            for n in 0..lists.len() {
                prop_assert!(of(n) <= of(n + 1) && of(n + 1) <= 1.0);
            }
        }
    }
}
