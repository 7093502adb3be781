//! Nearest neighbours among items.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::baseline::co_occurrence::{gram, keep_greatest, lengths, map_rows};
use crate::baseline::error::{BaselineError, count, share};
use crate::baseline::interactions::Sparse;
use crate::baseline::item_to_item::{ItemRows, ItemToItem};
use crate::baseline::tuned::{Tuned, Tuner};
use crate::data::{Dataset, UserSplit};
use crate::evaluate::{EvaluateError, Method, Support};

/// Settings of [`Knn`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct KnnConfig {
    /// What is added to the denominator of the cosine, which draws pairs with few common users to 0; 0 or more, finite.
    pub shrink: f64,
    /// How much an event counts that is no like, while a like counts 1; 0 to 1.
    pub not_liked: f32,
    /// How many neighbours of each item are kept in the sparse form; 1 or more.
    pub neighbours: usize,
    /// With more liked items than this the form is sparse; at most 50000.
    pub dense_up_to: usize,
}

impl Default for KnnConfig {
    /// A shrinkage of 100, events that are no likes at 0.2, 300 neighbours above 10000 items.
    fn default() -> Self {
        Self { shrink: 100.0, not_liked: 0.2, neighbours: 300, dense_up_to: 10_000 }
    }
}

impl KnnConfig {
    /// The same with another shrinkage.
    #[must_use]
    pub fn with_shrink(mut self, shrink: f64) -> Self {
        self.shrink = shrink;
        self
    }

    /// The same with another weight of events that are no likes.
    #[must_use]
    pub fn with_not_liked(mut self, not_liked: f32) -> Self {
        self.not_liked = not_liked;
        self
    }

    /// The same with another number of neighbours in the sparse form.
    #[must_use]
    pub fn with_neighbours(mut self, neighbours: usize) -> Self {
        self.neighbours = neighbours;
        self
    }

    /// The same with another number of items up to which the form is dense.
    #[must_use]
    pub fn with_dense_up_to(mut self, items: usize) -> Self {
        self.dense_up_to = items;
        self
    }

    /// Checks every setting. Fitting does so itself.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), BaselineError> {
        if !(self.shrink >= 0.0 && self.shrink.is_finite()) {
            return Err(BaselineError::setting("shrink", self.shrink, "a finite number, 0 or more"));
        }
        share("not_liked", self.not_liked)?;
        count("neighbours", self.neighbours, usize::MAX, "1 or more")?;
        check_dense(self.dense_up_to)
    }
}

/// Checks the number of items up to which a matrix of all pairs is held.
pub(super) fn check_dense(items: usize) -> Result<(), BaselineError> {
    if items <= MOST_DENSE { Ok(()) } else { Err(BaselineError::setting("dense_up_to", items, "at most 50000")) }
}

/// A matrix of so many items squared has 10 GB.
const MOST_DENSE: usize = 50_000;

/// Ranks by similarity to the user's items: item-based nearest neighbours (Sarwar et al., *Item-based collaborative
/// filtering recommendation algorithms*, 2001).
///
/// Two items are as similar as the cosine of their likes over the training users, shrunk:
/// `common / (|a| |b| + shrink)`. An item's score is the sum of its similarities to the items of the support set, a
/// like counting 1 and another event [`KnnConfig::not_liked`]. Popularity ([`conditional_popularity`]) decides between equal
/// scores, such as 0 where there is no common user, and ranks alone where there are no events.
///
/// With more than [`KnnConfig::dense_up_to`] liked items only the [`KnnConfig::neighbours`] most similar of each item
/// are kept, and what an event adds to the scores is the row of its item (Deshpande and Karypis, 2004).
///
/// Fitting costs as many additions as the sum over training users of their liked items squared, over threads; memory
/// is 4 bytes for each pair of items, or 8 for each kept neighbour. Scoring a user costs their number of events times
/// the number of items, or of neighbours.
///
/// ```
/// use metarec::baseline::{Knn, KnnConfig, Ranker};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::Event;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let split = data.split()?;
/// let knn = Knn::fit(&data, &split, &KnnConfig::default().with_shrink(20.0))?;
/// let best = Ranker::new(knn, data.catalogue()).top_k(&[Event::rating("i3", 5.0)], 10)?;
/// assert_eq!(best.len(), 10);
/// # Ok(())
/// # }
/// ```
///
/// [`conditional_popularity`]: crate::data::conditional_popularity
#[derive(Clone, Debug)]
pub struct Knn {
    config: KnnConfig,
    base: ItemToItem,
    lengths: Arc<Vec<f64>>,
    pairs: Pairs,
}

/// What the similarities are taken from.
#[derive(Clone, Debug)]
enum Pairs {
    /// Common likes, of which the similarity is computed when it is asked for: all settings of a tuning share them.
    Common(Arc<Vec<f32>>),
    /// Similarities.
    Nearest(ItemRows),
}

/// What fits under several settings have in common.
struct Prepared {
    base: ItemToItem,
    /// Of each item the root of its likes' squared weights.
    lengths: Arc<Vec<f64>>,
    /// `None` in the sparse form.
    common: Option<Arc<Vec<f32>>>,
}

impl Prepared {
    fn new(data: &Dataset, split: &UserSplit, dense_up_to: usize) -> Result<Self, BaselineError> {
        let base = ItemToItem::new(data, split, 0.0)?;
        let lengths = Arc::new(lengths(&base.interactions));
        let common = (base.interactions.len() <= dense_up_to).then(|| Arc::new(gram(&base.interactions)));
        Ok(Self { base, lengths, common })
    }

    fn fit(&self, config: &KnnConfig) -> Knn {
        let pairs = match &self.common {
            Some(common) => Pairs::Common(Arc::clone(common)),
            None => Pairs::Nearest(ItemRows::Sparse(self.nearest(config))),
        };
        Knn { config: config.clone(), base: self.base.clone(), lengths: Arc::clone(&self.lengths), pairs }
    }

    /// The most similar items of each.
    fn nearest(&self, config: &KnnConfig) -> Sparse {
        let row = |(): &mut (), item: usize, common: &mut Vec<(u32, f64)>| {
            common.retain(|&(other, _)| other as usize != item);
            for (other, sum) in common.iter_mut() {
                *sum = similarity(*sum, self.lengths[item] * self.lengths[*other as usize], config.shrink);
            }
            keep_greatest(common, config.neighbours, |&(_, similarity)| similarity);
            common.iter().map(|&(other, similarity)| (other, similarity as f32)).collect()
        };
        Sparse::from_rows(map_rows(&self.base.interactions, || (), row))
    }
}

fn similarity(common: f64, lengths: f64, shrink: f64) -> f64 {
    common / (lengths + shrink)
}

impl Knn {
    /// Counts the training users' common likes.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] if a setting is out of its bounds; [`EvaluateError::ForeignSplit`] if the split has
    /// items that the data set has not.
    pub fn fit(data: &Dataset, split: &UserSplit, config: &KnnConfig) -> Result<Self, BaselineError> {
        config.check()?;
        Ok(Prepared::new(data, split, config.dense_up_to)?.fit(config))
    }

    /// Tunes the shrinkage for each number of shots of `tuner` on its validation users by nDCG@10, among 1, 20, 100 and 400; the default
    /// where there is nobody to tune on. Common likes are counted once.
    ///
    /// # Errors
    /// As [`Knn::fit`] and [`Tuner::choose`].
    pub fn tuned(tuner: &Tuner<'_>) -> Result<Tuned<Self>, BaselineError> {
        let (data, split) = (tuner.data(), tuner.split());
        let config = KnnConfig::default();
        let prepared = Prepared::new(data, split, config.dense_up_to)?;
        let fit = |shrink| Ok(prepared.fit(&config.clone().with_shrink(shrink)));
        let candidates = [1.0, 20.0, 100.0, 400.0].map(fit);
        tuner.choose("ndcg@10", candidates, || Ok(prepared.fit(&config)))
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &KnnConfig {
        &self.config
    }

    /// Adds `weight` times the similarities of an item.
    fn add(&self, item: usize, weight: f64, scores: &mut [f64]) {
        let common = match &self.pairs {
            Pairs::Nearest(rows) => return rows.add(item, weight, scores),
            Pairs::Common(common) => &common[item * scores.len()..(item + 1) * scores.len()],
        };
        let (own, length) = (scores[item], self.lengths[item]);
        for ((score, common), of_other) in scores.iter_mut().zip(common).zip(&*self.lengths) {
            *score += weight * similarity(f64::from(*common), length * of_other, self.config.shrink);
        }
        // No item is its own neighbour.
        scores[item] = own;
    }
}

impl Method for Knn {
    fn name(&self) -> &str {
        "knn"
    }

    fn config(&self) -> String {
        format!("shrink {}", self.config.shrink)
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let add = |item: usize, weight: f64, scores: &mut [f64]| self.add(item, weight, scores);
        Ok(Some(self.base.scores(supports, self.config.not_liked, add)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::tests::{all_train, rated, scores, two_tastes};

    /// Items 0, 1 and 2 are liked by 3, 2 and 1 users, item 3 is disliked, item 4 unknown.
    fn example() -> (Dataset, UserSplit) {
        let ratings = [(0, 0, 5.0), (0, 1, 4.0), (1, 0, 5.0), (1, 1, 5.0), (1, 2, 4.0), (2, 0, 4.0), (2, 3, 1.0)];
        all_train(5, &ratings)
    }

    #[test]
    fn similarities_are_the_shrunken_cosines_computed_by_hand() {
        let (data, split) = example();
        let config = KnnConfig::default().with_shrink(1.0);
        let (zero_one, zero_two, one_two) =
            (2.0 / (6f32.sqrt() + 1.0), 1.0 / (3f32.sqrt() + 1.0), 1.0 / (2f32.sqrt() + 1.0));
        for (dense_up_to, form) in [(10, "dense"), (0, "sparse")] {
            let knn = Knn::fit(&data, &split, &config.clone().with_dense_up_to(dense_up_to)).unwrap();
            for (support, expected) in [
                (&[(0, 5.0)][..], [0.0, zero_one, zero_two, 0.0, 0.0]),
                (&[(0, 5.0), (2, 1.0)], [0.2 * zero_two, zero_one + 0.2 * one_two, zero_two, 0.0, 0.0]),
                (&[(3, 5.0), (4, 5.0)], [0.0; 5]),
            ] {
                for (score, expected) in scores(&knn, &rated(support)).into_iter().zip(expected) {
                    assert!((score - expected).abs() < 2e-6, "{form} {support:?}: {score} for {expected}");
                }
            }
        }
    }

    #[test]
    fn all_neighbours_of_the_sparse_form_are_the_dense_one_and_fewer_are_the_nearest() {
        let (data, split) = two_tastes(30, 20);
        let support = rated(&[(0, 5.0), (3, 4.0), (8, 1.0)]);
        let with = |config: KnnConfig| scores(&Knn::fit(&data, &split, &config).unwrap(), &support);
        let sparse = KnnConfig::default().with_dense_up_to(0);
        let (dense, all) = (with(KnnConfig::default()), with(sparse.clone()));
        dense.iter().zip(&all).for_each(|(dense, all)| assert!((dense - all).abs() < 1e-6, "{dense} {all}"));
        let one = Knn::fit(&data, &split, &sparse.with_neighbours(1)).unwrap();
        let scores = scores(&one, &rated(&[(0, 5.0)]));
        let reached: Vec<usize> = (0..20).filter(|&item| scores[item] > 1e-3).collect();
        let alone = super::tests::scores(&Knn::fit(&data, &split, &KnnConfig::default()).unwrap(), &rated(&[(0, 5.0)]));
        assert_eq!(reached.len(), 1);
        assert!(alone.iter().all(|score| *score <= alone[reached[0]] + 1e-6), "the nearest is the one that is kept");
    }

    #[test]
    fn who_has_no_neighbours_is_served_by_popularity() {
        let (data, split) = example();
        let knn = Knn::fit(&data, &split, &KnnConfig::default().with_not_liked(0.0)).unwrap();
        for support in [rated(&[(0, 1.0)]), rated(&[(4, 5.0)]), Vec::new()] {
            let scores = scores(&knn, &support);
            assert!(scores[0] > scores[1] && scores[1] > scores[2] && scores[2] > scores[3], "{scores:?}");
            assert_eq!(scores[3..], [0.0, 0.0]);
        }
    }

    #[test]
    fn settings_out_of_bounds_are_named() {
        let base = KnnConfig::default;
        for (config, expected) in [
            (base().with_shrink(-1.0), "baseline setting `shrink` is -1: expected a finite number, 0 or more"),
            (base().with_not_liked(1.5), "baseline setting `not_liked` is 1.5: expected 0 to 1"),
            (base().with_neighbours(0), "baseline setting `neighbours` is 0: expected 1 or more"),
            (base().with_dense_up_to(50_001), "baseline setting `dense_up_to` is 50001: expected at most 50000"),
        ] {
            assert_eq!(config.check().unwrap_err().to_string(), expected);
            assert!(Knn::fit(&example().0, &example().1, &config).is_err());
        }
        assert!(serde_json::from_str::<KnnConfig>(r#"{"shrinkage": 3}"#).is_err());
        assert_eq!(serde_json::from_str::<KnnConfig>(r#"{"shrink": 3}"#).unwrap(), base().with_shrink(3.0));
    }
}
