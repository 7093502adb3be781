//! Metrics of one user's ranking.

use crate::data::ItemIndex;
use crate::evaluate::metric::positions::Positions;

/// How well one ranking puts the relevant items first: a pure function with values from 0 to 1, more being better.
///
/// Where nothing is relevant every metric of this crate is 0, save [`Auc`], which is 0.5. Such a user says nothing
/// about a ranking; protocols leave them out.
///
/// ```
/// use metarec::data::ItemIndex;
/// use metarec::evaluate::metric::{Ndcg, RankingMetric};
///
/// let ndcg = Ndcg { k: 10 };
/// let value = ndcg.score(&[4, 2, 9].map(ItemIndex), &[2].map(ItemIndex));
/// assert_eq!(ndcg.name(), "ndcg@10");
/// assert!((value - 1.0 / 3f64.log2()).abs() < 1e-12);
/// ```
pub trait RankingMetric: Send + Sync {
    /// The name in reports, such as `ndcg@10`.
    fn name(&self) -> String;

    /// The value for a ranking, given where its relevant items stand.
    fn at(&self, positions: &Positions) -> f64;

    /// The value for a list, best first, given the relevant items in any order; see [`Positions::in_list`].
    fn score(&self, ranked: &[ItemIndex], relevant: &[ItemIndex]) -> f64 {
        self.at(&Positions::in_list(ranked, relevant))
    }
}

/// Normalised discounted cumulative gain with gain 1 for a relevant item: a hit at position `p` (from 0) gives `1 /
/// log2(p + 2)`; divided by what a ranking with all relevant items in front would have (Järvelin and Kekäläinen, 2002).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ndcg {
    /// Length of the list that is looked at.
    pub k: usize,
}

/// Whether a relevant item is among the first `k`: 0 or 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HitRate {
    /// Length of the list that is looked at.
    pub k: usize,
}

/// Relevant items among the first `k`, over as many as could be there: `min(k, relevant)`. So a perfect list has 1,
/// however many are relevant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recall {
    /// Length of the list that is looked at.
    pub k: usize,
}

/// Relevant items among the first `k`, over `k`, also where the ranking is shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Precision {
    /// Length of the list that is looked at.
    pub k: usize,
}

/// Harmonic mean of precision, `hits / k`, and recall in the plain sense, `hits / relevant`: `2 * hits / (k +
/// relevant)`.
///
/// It is not the mean with this module's [`Recall`], which divides by `min(k, relevant)`: with that, precision, recall
/// and F1 would be one number wherever more than `k` items are relevant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct F1 {
    /// Length of the list that is looked at.
    pub k: usize,
}

/// Reciprocal rank of the first relevant item, counted from 1; 0 where it is not among the first `k`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mrr {
    /// Length of the list that is looked at.
    pub k: usize,
}

/// Average precision: the sum over the relevant items among the first `k` of the precision there, over `min(k,
/// relevant)`. Its mean over users is MAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeanAveragePrecision {
    /// Length of the list that is looked at.
    pub k: usize,
}

/// Area under the ROC curve of the full ranking: the share of pairs of a relevant and another item in which the
/// relevant one stands first. 0.5 where there is no such pair. A relevant item that was not ranked stands behind every
/// other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Auc;

/// `numerator / denominator`, 0 where the denominator is; never the negative zero that the sum of nothing is.
fn ratio(numerator: f64, denominator: usize) -> f64 {
    if denominator == 0 { 0.0 } else { numerator / denominator as f64 + 0.0 }
}

/// Gain of a hit at `position`, from 0.
fn discount(position: usize) -> f64 {
    1.0 / (position as f64 + 2.0).log2()
}

impl RankingMetric for Ndcg {
    fn name(&self) -> String {
        format!("ndcg@{}", self.k)
    }

    fn at(&self, positions: &Positions) -> f64 {
        let best: f64 = (0..self.k.min(positions.relevant())).map(discount).sum();
        let gain: f64 = positions.within(self.k).iter().map(|&position| discount(position)).sum();
        // The sum of no gains is -0.0, which would be written as such.
        if gain > 0.0 { gain / best } else { 0.0 }
    }
}

impl RankingMetric for HitRate {
    fn name(&self) -> String {
        format!("hr@{}", self.k)
    }

    fn at(&self, positions: &Positions) -> f64 {
        if positions.within(self.k).is_empty() { 0.0 } else { 1.0 }
    }
}

impl RankingMetric for Recall {
    fn name(&self) -> String {
        format!("recall@{}", self.k)
    }

    fn at(&self, positions: &Positions) -> f64 {
        ratio(positions.within(self.k).len() as f64, self.k.min(positions.relevant()))
    }
}

impl RankingMetric for Precision {
    fn name(&self) -> String {
        format!("precision@{}", self.k)
    }

    fn at(&self, positions: &Positions) -> f64 {
        ratio(positions.within(self.k).len() as f64, self.k)
    }
}

impl RankingMetric for F1 {
    fn name(&self) -> String {
        format!("f1@{}", self.k)
    }

    fn at(&self, positions: &Positions) -> f64 {
        ratio(2.0 * positions.within(self.k).len() as f64, self.k + positions.relevant())
    }
}

impl RankingMetric for Mrr {
    fn name(&self) -> String {
        format!("mrr@{}", self.k)
    }

    fn at(&self, positions: &Positions) -> f64 {
        positions.within(self.k).first().map_or(0.0, |&position| 1.0 / (position as f64 + 1.0))
    }
}

impl RankingMetric for MeanAveragePrecision {
    fn name(&self) -> String {
        format!("map@{}", self.k)
    }

    fn at(&self, positions: &Positions) -> f64 {
        let hits = positions.within(self.k).iter().zip(1..);
        let sum = hits.map(|(&position, hits)| f64::from(hits) / (position as f64 + 1.0)).sum();
        ratio(sum, self.k.min(positions.relevant()))
    }
}

impl RankingMetric for Auc {
    fn name(&self) -> String {
        "auc".to_owned()
    }

    fn at(&self, positions: &Positions) -> f64 {
        let others = positions.ranked() - positions.found().len();
        let pairs = positions.relevant() * others;
        if pairs == 0 {
            return 0.5;
        }
        let behind = |(nth, &position): (usize, &usize)| others - (position - nth);
        let right: usize = positions.found().iter().enumerate().map(behind).sum();
        right as f64 / pairs as f64
    }
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    use super::*;

    fn all(k: usize) -> Vec<Box<dyn RankingMetric>> {
        vec![
            Box::new(Ndcg { k }),
            Box::new(HitRate { k }),
            Box::new(Recall { k }),
            Box::new(Precision { k }),
            Box::new(F1 { k }),
            Box::new(Mrr { k }),
            Box::new(MeanAveragePrecision { k }),
            Box::new(Auc),
        ]
    }

    #[test]
    fn each_metric_has_the_value_computed_by_hand() {
        // Six items ranked; relevant at positions 1, 3 and 5; k = 4.
        let positions = Positions::new(vec![1, 3, 5], 3, 6);
        let ndcg = (1.0 / 3f64.log2() + 1.0 / 5f64.log2()) / (1.0 + 1.0 / 3f64.log2() + 0.5);
        let expected = [
            ("ndcg@4", ndcg),
            ("hr@4", 1.0),
            ("recall@4", 2.0 / 3.0),
            ("precision@4", 0.5),
            ("f1@4", 4.0 / 7.0),
            ("mrr@4", 0.5),
            ("map@4", (1.0 / 2.0 + 2.0 / 4.0) / 3.0),
            ("auc", 3.0 / 9.0),
        ];
        for (metric, (name, value)) in all(4).iter().zip(expected) {
            assert_eq!(metric.name(), name);
            assert_abs_diff_eq!(metric.at(&positions), value, epsilon = 1e-12);
        }
    }

    #[test]
    fn recall_and_ndcg_of_a_full_list_are_one_where_more_is_relevant_than_fits() {
        let positions = Positions::new((0..50).collect(), 50, 100);
        assert_abs_diff_eq!(Recall { k: 20 }.at(&positions), 1.0);
        assert_abs_diff_eq!(Ndcg { k: 10 }.at(&positions), 1.0);
        assert_abs_diff_eq!(MeanAveragePrecision { k: 10 }.at(&positions), 1.0);
        assert_abs_diff_eq!(Mrr { k: 100 }.at(&positions), 1.0);
    }

    #[test]
    fn the_cut_is_exclusive_of_position_k() {
        let positions = Positions::new(vec![10], 1, 100);
        for metric in &all(10)[..7] {
            assert_eq!(metric.at(&positions), 0.0, "{}", metric.name());
        }
        assert_abs_diff_eq!(Mrr { k: 11 }.at(&positions), 1.0 / 11.0);
    }

    #[test]
    fn without_relevant_items_every_metric_is_zero_and_auc_a_half() {
        for positions in [Positions::new(vec![], 0, 5), Positions::new(vec![], 0, 0)] {
            for metric in all(10) {
                let expected = if metric.name() == "auc" { 0.5 } else { 0.0 };
                assert_eq!(metric.at(&positions), expected, "{}", metric.name());
            }
        }
    }

    #[test]
    fn auc_counts_an_unranked_relevant_item_as_last() {
        assert_abs_diff_eq!(Auc.at(&Positions::new(vec![0], 2, 3)), 0.5);
    }

    prop_compose! {
        fn rankings()(ranked in 1usize..80)(
            ranked in Just(ranked),
            found in prop::collection::btree_set(0..ranked, 0..=ranked),
            missing in 0usize..5,
        ) -> Positions {
            let found: Vec<usize> = found.into_iter().collect();
            Positions::new(found.clone(), found.len() + missing, ranked)
        }
    }

    proptest! {
        #[test]
        fn every_value_lies_between_zero_and_one(positions in rankings(), k in 0usize..40) {
            for metric in all(k) {
                let value = metric.at(&positions);
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{} is {value}", metric.name());
            }
        }

        #[test]
        fn moving_a_relevant_item_one_place_up_lowers_nothing(positions in rankings(), k in 1usize..40) {
            for nth in 0..positions.found().len() {
                let mut found = positions.found().to_vec();
                if found[nth] == 0 || (nth > 0 && found[nth - 1] + 1 == found[nth]) {
                    continue;
                }
                found[nth] -= 1;
                let better = Positions::new(found, positions.relevant(), positions.ranked());
                for metric in all(k) {
                    prop_assert!(metric.at(&better) >= metric.at(&positions) - 1e-12, "{}", metric.name());
                }
            }
        }

        #[test]
        fn relevant_items_all_in_front_are_perfect(relevant in 1usize..30, others in 1usize..30, k in 1usize..40) {
            let positions = Positions::new((0..relevant).collect(), relevant, relevant + others);
            for metric in all(k) {
                let perfect = match metric.name().split('@').next() {
                    Some("precision") => relevant.min(k) as f64 / k as f64,
                    Some("f1") => 2.0 * relevant.min(k) as f64 / (relevant + k) as f64,
                    _ => 1.0,
                };
                prop_assert!((metric.at(&positions) - perfect).abs() < 1e-12, "{}", metric.name());
            }
        }

        #[test]
        fn a_reversed_ranking_has_the_complement_of_the_auc(
            ranked in 2usize..60,
            chosen in prop::collection::btree_set(0usize..60, 1..20),
        ) {
            let found: Vec<usize> = chosen.into_iter().filter(|&p| p < ranked).collect();
            prop_assume!(!found.is_empty());
            let reversed = found.iter().map(|p| ranked - 1 - p).collect();
            let forth = Positions::new(found.clone(), found.len(), ranked);
            let back = Positions::new(reversed, found.len(), ranked);
            prop_assert!((Auc.at(&forth) + Auc.at(&back) - 1.0).abs() < 1e-12);
        }
    }
}
