//! What methods have in common whose scores are sums over the user's items.

use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::interactions::{Interactions, Sparse};
use crate::baseline::narrowed_in_order;
use crate::baseline::prior::Prior;
use crate::data::{Dataset, IndexedEvent, LikeRule, UserSplit};
use crate::evaluate::Support;

/// How much an event counts: 1 for a like, `other` for an event that is none, in between for half a like.
fn counted(rule: &LikeRule, other: f32, event: &IndexedEvent) -> f32 {
    let like = rule.weight(event);
    like + (1.0 - like) * other
}

/// What each of a user's items adds to the scores of all: a row of a matrix between items.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum ItemRows {
    /// Row by row, `[items, items]`.
    Dense(Vec<f32>),
    /// The greatest of each row.
    Sparse(Sparse),
}

impl ItemRows {
    /// Adds `weight` times the row of an item.
    pub(super) fn add(&self, item: usize, weight: f64, scores: &mut [f64]) {
        match self {
            Self::Dense(matrix) => {
                let row = &matrix[item * scores.len()..(item + 1) * scores.len()];
                scores.iter_mut().zip(row).for_each(|(score, value)| *score += weight * f64::from(*value));
            }
            Self::Sparse(rows) => {
                rows.row(item).iter().for_each(|&(other, value)| scores[other as usize] += weight * f64::from(value));
            }
        }
    }
}

/// Training users' interactions, and popularity for where they say nothing.
#[derive(Clone, Debug)]
pub(super) struct ItemToItem {
    pub(super) interactions: Arc<Interactions>,
    pub(super) prior: Arc<Prior>,
    rule: LikeRule,
}

impl ItemToItem {
    /// The training users' events, those that are no likes counting `other`.
    pub(super) fn new(data: &Dataset, split: &UserSplit, other: f32) -> Result<Self, BaselineError> {
        let rule = data.like_rule().clone();
        let interactions = Interactions::new(data, split, |event| counted(&rule, other, event))?;
        Ok(Self { interactions: Arc::new(interactions), prior: Arc::new(Prior::new(data, split)), rule })
    }

    /// Scores of the whole catalogue, `[supports, items]`, over threads: `add` is told each place of a support set with
    /// its weight (`other` where it is no like) and the scores of all places to add to.
    ///
    /// Popularity decides between items of equal scores, and alone where there are no events.
    pub(super) fn scores(
        &self,
        supports: &[Support<'_>],
        other: f32,
        add: impl Fn(usize, f64, &mut [f64]) + Sync,
    ) -> Vec<Vec<f32>> {
        let row = |support: &Support<'_>| {
            if support.events.is_empty() {
                return narrowed_in_order(self.prior.alone());
            }
            let mut scores = vec![0.0; self.interactions.len()];
            for (item, weight) in self.interactions.weigh(support.events, |event| counted(&self.rule, other, event)) {
                add(item as usize, f64::from(weight), &mut scores);
            }
            let mut scores = self.interactions.spread(&scores);
            self.prior.break_ties(&mut scores);
            narrowed_in_order(&scores)
        };
        supports.par_iter().map(row).collect()
    }
}
