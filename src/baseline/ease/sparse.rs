//! EASE for many items: each item on a few others, without a matrix of all pairs.

use faer::Mat;
use rayon::prelude::*;

use crate::baseline::co_occurrence::{add_row, keep_greatest, lengths, map_rows};
use crate::baseline::ease::EaseConfig;
use crate::baseline::error::BaselineError;
use crate::baseline::interactions::{Interactions, Sparse};
use crate::baseline::spd::{diagonal, solve};

/// For how many of the most frequent items the Gram matrix is held: 64 MB.
const HUBS: usize = 4096;

/// The weights of the sparse form: for each item what it adds to others' scores.
pub(super) fn weights(interactions: &Interactions, config: &EaseConfig) -> Result<Sparse, BaselineError> {
    weights_with(interactions, config, HUBS)
}

pub(super) fn weights_with(
    interactions: &Interactions,
    config: &EaseConfig,
    hubs: usize,
) -> Result<Sparse, BaselineError> {
    let lengths = lengths(interactions);
    let pairs = Pairs::new(interactions, hubs);
    // The ridge regression of one item on its neighbours: a column of the weights.
    let regress = |within: &mut Within, item: usize, common: &mut Vec<(u32, f64)>| {
        common.retain(|&(other, _)| other as usize != item);
        keep_greatest(common, config.neighbours, |&(other, sum)| sum / lengths[other as usize]);
        let (neighbours, mut solution): (Vec<u32>, Vec<f64>) = common.iter().copied().unzip();
        let mut matrix = diagonal(neighbours.len(), config.ridge);
        pairs.add(&neighbours, within, &mut matrix);
        if !solve(&mut matrix, &mut solution) {
            return Err(BaselineError::Singular(config.input.name()));
        }
        Ok(neighbours.into_iter().zip(solution).map(|(other, weight)| (other, weight as f32)).collect())
    };
    let columns = map_rows(interactions, || Within(vec![None; interactions.len()]), regress);
    let columns: Vec<Vec<(u32, f32)>> = columns.into_iter().collect::<Result<_, _>>()?;
    Ok(Sparse::from_rows(columns).transposed(interactions.len()))
}

/// Where each item stands among some neighbours; all `None` between two uses.
struct Within(Vec<Option<usize>>);

/// The entries of the Gram matrix, of which those between frequent items are held and others added up when asked for.
struct Pairs<'a> {
    interactions: &'a Interactions,
    /// The place of each item among the hubs.
    hub: Vec<Option<usize>>,
    hubs: usize,
    /// `[hubs, hubs]`.
    held: Vec<f32>,
}

impl<'a> Pairs<'a> {
    /// Those between the `hubs` items with the most users are held.
    fn new(interactions: &'a Interactions, hubs: usize) -> Self {
        let mut items: Vec<usize> = (0..interactions.len()).collect();
        items.sort_by_key(|&item| std::cmp::Reverse(interactions.by_item.row(item).len()));
        items.truncate(hubs);
        let mut hub = vec![None; interactions.len()];
        items.iter().enumerate().for_each(|(place, &item)| hub[item] = Some(place));
        let mut held = vec![0.0; items.len() * items.len()];
        held.par_chunks_mut(items.len().max(1)).zip(&items).for_each_init(
            || vec![0.0; interactions.len()],
            |sums, (row, &item)| {
                sums.fill(0.0);
                add_row(interactions, item, sums, |_, _| ());
                row.iter_mut().zip(&items).for_each(|(held, &other)| *held = sums[other] as f32);
            },
        );
        Self { interactions, hub, hubs: items.len(), held }
    }

    /// Adds the entries between all neighbours to the lower triangle of a matrix.
    fn add(&self, neighbours: &[u32], within: &mut Within, matrix: &mut Mat<f64>) {
        neighbours.iter().enumerate().for_each(|(place, &item)| within.0[item as usize] = Some(place));
        for (row, &item) in neighbours.iter().enumerate() {
            match self.hub[item as usize] {
                Some(hub) => self.add_held(hub, row, neighbours, matrix),
                None => self.add_counted(item, row, within, matrix),
            }
        }
        neighbours.iter().for_each(|&item| within.0[item as usize] = None);
    }

    /// A hub's entries with the hubs up to itself.
    fn add_held(&self, hub: usize, row: usize, neighbours: &[u32], matrix: &mut Mat<f64>) {
        for (column, &other) in neighbours[..=row].iter().enumerate() {
            if let Some(other) = self.hub[other as usize] {
                matrix[(row, column)] += f64::from(self.held[hub * self.hubs + other]);
            }
        }
    }

    /// Another item's entries with all hubs, and with other items up to itself.
    fn add_counted(&self, item: u32, row: usize, within: &Within, matrix: &mut Mat<f64>) {
        for &(user, weight) in self.interactions.by_item.row(item as usize) {
            for &(other, factor) in self.interactions.by_user.row(user as usize) {
                let Some(column) = within.0[other as usize] else { continue };
                if column <= row || self.hub[other as usize].is_some() {
                    matrix[(row.max(column), row.min(column))] += f64::from(weight) * f64::from(factor);
                }
            }
        }
    }
}
