//! How often two items come together: the Gram matrix of the interactions, whole or row by row.

use rayon::prelude::*;

use crate::baseline::interactions::Interactions;

/// Adds one row of the Gram matrix to `sums`, `[items]`: for each item the weighted number of users who have both.
/// `met` is told each term's item before it is added.
///
/// Costs as many additions as the item's users have items together.
pub(super) fn add_row(interactions: &Interactions, item: usize, sums: &mut [f64], mut met: impl FnMut(u32, &f64)) {
    for &(user, weight) in interactions.by_item.row(item) {
        for &(other, factor) in interactions.by_user.row(user as usize) {
            let sum = &mut sums[other as usize];
            met(other, sum);
            *sum += f64::from(weight) * f64::from(factor);
        }
    }
}

/// The whole Gram matrix, row by row, `[items, items]`, over threads.
///
/// Costs as many additions as the sum over users of their number of items squared.
pub(super) fn gram(interactions: &Interactions) -> Vec<f32> {
    let items = interactions.len();
    let mut matrix = vec![0.0; items * items];
    let rows = matrix.par_chunks_mut(items.max(1)).enumerate();
    rows.for_each_init(
        || vec![0.0; items],
        |sums, (item, row)| {
            sums.fill(0.0);
            add_row(interactions, item, sums, |_, _| ());
            row.iter_mut().zip(&*sums).for_each(|(to, sum)| *to = *sum as f32);
        },
    );
    matrix
}

/// Row by row without the matrix: what `of_row` makes of each item's `(other, sum)`, over threads, in the order of the
/// items. The item itself is among the others, which come in any order; those with whom it never comes together are not.
/// What `init` makes is for `of_row` to use again from item to item.
pub(super) fn map_rows<S, T: Send>(
    interactions: &Interactions,
    init: impl Fn() -> S + Sync + Send,
    of_row: impl Fn(&mut S, usize, &mut Vec<(u32, f64)>) -> T + Sync + Send,
) -> Vec<T> {
    let items = interactions.len();
    let row = |(state, sums, found): &mut (S, Vec<f64>, Vec<(u32, f64)>), item: usize| {
        found.clear();
        add_row(interactions, item, sums, |other, sum| {
            if *sum == 0.0 {
                found.push((other, 0.0));
            }
        });
        found.iter_mut().for_each(|(other, sum)| *sum = std::mem::take(&mut sums[*other as usize]));
        of_row(state, item, found)
    };
    (0..items).into_par_iter().map_init(|| (init(), vec![0.0; items], Vec::new()), row).collect()
}

/// Keeps the `most` entries that are greatest by `key`, of equals those of the first columns; in the order of columns.
pub(super) fn keep_greatest(entries: &mut Vec<(u32, f64)>, most: usize, key: impl Fn(&(u32, f64)) -> f64) {
    if most < entries.len() {
        let order = |a: &(u32, f64), b: &(u32, f64)| key(b).total_cmp(&key(a)).then(a.0.cmp(&b.0));
        entries.select_nth_unstable_by(most, order);
        entries.truncate(most);
    }
    entries.sort_unstable_by_key(|&(column, _)| column);
}

/// For each item the root of the sum of its squared weights: the root of the Gram matrix' diagonal.
pub(super) fn lengths(interactions: &Interactions) -> Vec<f64> {
    let squares = |item| interactions.by_item.row(item).iter().map(|(_, weight)| f64::from(*weight).powi(2));
    (0..interactions.len()).map(|item| squares(item).sum::<f64>().sqrt()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_greatest_are_kept_and_of_equals_the_first() {
        let all = [(4, 1.0), (0, 3.0), (7, 1.0), (2, 1.0), (5, 2.0)];
        for (most, expected) in [(0, &[][..]), (3, &[0, 2, 5]), (4, &[0, 2, 4, 5]), (9, &[0, 2, 4, 5, 7])] {
            let mut entries = all.to_vec();
            keep_greatest(&mut entries, most, |entry| entry.1);
            assert_eq!(entries.iter().map(|entry| entry.0).collect::<Vec<_>>(), expected);
        }
    }
}
