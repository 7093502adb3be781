//! Items' features as numbers on the host, in the order in which the model has them.

use std::ops::Range;

use crate::data::{Catalogue, ItemIndex};

/// The features of all items: a few categories each, and a dense vector. They make two blocks, each with a scale and a penalty of its own.
pub(super) struct Features<'a> {
    /// Codes of each item's categories, and what each counts.
    categories: Vec<(&'a [u32], f64)>,
    dense: &'a [f32],
    /// Categories, then dimensions of dense vectors; a block may be empty.
    blocks: [Range<usize>; 2],
}

impl<'a> Features<'a> {
    pub(super) fn new(catalogue: &'a Catalogue) -> Self {
        let of = |item| {
            let codes = &catalogue.item(ItemIndex(item)).categories[..];
            (codes, 1.0 / (codes.len().max(1) as f64).sqrt())
        };
        let (names, vectors) = (catalogue.categories().len(), catalogue.vectors());
        let (width, dense) = vectors.map_or((0, &[][..]), |vectors| (vectors.width, &vectors.values[..]));
        let categories = (0..).take(catalogue.len()).map(of).collect();
        Self { categories, dense, blocks: [0..names, names..names + width] }
    }

    /// How many features there are.
    pub(super) fn len(&self) -> usize {
        self.blocks[1].end
    }

    pub(super) fn blocks(&self) -> &[Range<usize>; 2] {
        &self.blocks
    }

    /// The features of one item that are not zero, with their values.
    pub(super) fn of(&self, item: usize) -> impl Iterator<Item = (usize, f64)> + '_ {
        let ((codes, value), width) = (self.categories[item], self.blocks[1].len());
        let dense = self.dense[item * width..(item + 1) * width].iter().map(|&value| f64::from(value));
        codes.iter().map(move |&code| (code as usize, value)).chain(self.blocks[1].clone().zip(dense))
    }

    /// The product of an item's features with some weights, block by block.
    pub(super) fn products(&self, item: usize, weights: &[f64]) -> [f64; 2] {
        let ((codes, value), width) = (self.categories[item], self.blocks[1].len());
        let categories: f64 = codes.iter().map(|&code| weights[code as usize]).sum();
        let dense = &self.dense[item * width..(item + 1) * width];
        let dense = dense.iter().zip(&weights[self.blocks[1].clone()]).map(|(&x, weight)| f64::from(x) * weight).sum();
        [categories * value, dense]
    }

    /// Adds the features of an item, times `factor`.
    pub(super) fn add(&self, item: usize, factor: f64, into: &mut [f64]) {
        self.of(item).for_each(|(feature, value)| into[feature] += factor * value);
    }

    /// The mean over some items.
    pub(super) fn mean(&self, items: &[usize]) -> Vec<f64> {
        let mut mean = vec![0.0; self.len()];
        let share = 1.0 / items.len().max(1) as f64;
        items.iter().for_each(|&item| self.add(item, share, &mut mean));
        mean
    }

    /// The mean square of the distance from `mean` over some items, block by block: what a penalty is in proportion to.
    pub(super) fn spread(&self, items: &[usize], mean: &[f64]) -> [f64; 2] {
        let mut sums = [0.0; 2];
        for &item in items {
            for (feature, value) in self.of(item) {
                sums[usize::from(feature >= self.blocks[1].start)] += value * value / items.len() as f64;
            }
        }
        let centre = |block: &Range<usize>| mean[block.clone()].iter().map(|mean| mean * mean).sum::<f64>();
        [0, 1].map(|block| (sums[block] - centre(&self.blocks[block])).max(0.0))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::data::ItemVectors;

    /// Items with categories x and y, y and none, and vectors of two numbers.
    pub(in crate::cold_items) fn three_items() -> Catalogue {
        let mut catalogue = Catalogue::new();
        catalogue.describe("a", "", "", ["x", "y"]);
        catalogue.describe("b", "", "", ["y"]);
        catalogue.insert("c");
        catalogue.set_vectors(Some(ItemVectors { width: 2, values: vec![1.0, 2.0, 3.0, 4.0, 0.0, 0.0] }));
        catalogue
    }

    #[test]
    fn an_item_has_its_categories_and_its_vector() {
        let catalogue = three_items();
        let features = Features::new(&catalogue);
        let half = 1.0 / 2.0_f64.sqrt();
        assert_eq!(features.len(), 4);
        assert_eq!(features.of(0).collect::<Vec<_>>(), [(0, half), (1, half), (2, 1.0), (3, 2.0)]);
        assert_eq!(features.of(1).collect::<Vec<_>>(), [(1, 1.0), (2, 3.0), (3, 4.0)]);
        let products = features.products(0, &[10.0, 100.0, 1.0, -1.0]);
        assert!((products[0] - 110.0 * half).abs() < 1e-12);
        assert_eq!(products[1], -1.0);
        assert_eq!(features.mean(&[1, 2]), [0.0, 0.5, 1.5, 2.0]);
        let spread = features.spread(&[1, 2], &features.mean(&[1, 2]));
        assert!((spread[0] - 0.25).abs() < 1e-12 && (spread[1] - (2.25 + 4.0)).abs() < 1e-12, "{spread:?}");
    }
}
