//! Lists with more variety, and with room for items that scores alone leave out.

use std::fmt;

use super::error::{RecommendError, check_share};
use super::filter::Hit;
use super::floors::{Debts, Floor};
use crate::data::{Catalogue, ItemDistance, ItemIndex};

/// Candidates that variety chooses from, unless another number is set.
const CANDIDATES: usize = 100;

/// Re-ranks a scored list for variety and for floors of exposure. [`Variety`](crate::evaluate::Variety) measures what that costs and gains.
///
/// *Variety* is greedy maximal marginal relevance (Carbonell and Goldstein, 1998, "The Use of MMR, Diversity-Based Reranking"). Each place
/// goes to the candidate with the most of
///
/// ```text
/// (1 - lambda) * relevance + lambda * distance to the nearest item that has a place already
/// ```
///
/// where relevance is the score, scaled so that the candidates go from 0 to 1; for the first place distances are all 1. The candidates are
/// the best 100 of the list, or [as many as are set](Self::with_candidates). Of equals the one that stood first goes first. At a lambda of
/// 0 and without floors the list stays as it was.
///
/// A *floor* promises a group of items (the long tail, a category, a supplier) a share `q` of the places: of the first `p` at least
/// `floor(q * p)`, for every `p` up to `n`, as far as the list has items of the group (Geyik, Ambler and Kenthapadi, 2019,
/// "Fairness-Aware Ranking in Search & Recommendation Systems"; FA\*IR of Zehlike et al., 2017, without its test of significance). The
/// best of the group that a floor can need are candidates wherever they stand in the list, so hand in a long one. The shares of all floors
/// together are at most 1; places that are owed are given out when there is no other way left to keep all floors.
///
/// Scores may be anyone's and on any scale. An item counts no more than those before it in the list, so a list must come best first; a
/// score that is not finite counts as the least. Everything is deterministic.
///
/// Costs `N * n` distances for `n` places from `N` candidates, and a pass over the list for each floor.
///
/// ```
/// use metarec::data::{Catalogue, ItemDistance, ItemIndex};
/// use metarec::recommend::Reranker;
///
/// let mut catalogue = Catalogue::new();
/// let items = [("alien", "horror"), ("aliens", "horror"), ("scream", "horror"), ("big", "comedy"), ("heat", "crime")];
/// let items = items.map(|(id, genre)| catalogue.describe(id, "", "", [genre]));
/// let ranked: Vec<(ItemIndex, f32)> = items.into_iter().zip([5.0, 4.9, 4.8, 3.0, 2.0]).collect();
/// let best = |reranker: &Reranker| reranker.items(&ranked, 3).into_iter().map(|item| catalogue.id(item)).collect::<Vec<_>>();
///
/// let reranker = Reranker::new(ItemDistance::categories(&catalogue));
/// assert_eq!(best(&reranker), ["alien", "aliens", "scream"]);
/// let varied = reranker.clone().with_lambda(0.5)?;
/// assert_eq!(best(&varied), ["alien", "big", "heat"]);
/// let fair = reranker.with_floor("crime", [items[4]], 0.5)?;
/// assert_eq!(best(&fair), ["alien", "heat", "aliens"]);
/// # Ok::<(), metarec::recommend::RecommendError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Reranker {
    distance: ItemDistance,
    lambda: f64,
    candidates: usize,
    floors: Vec<Floor>,
}

/// `lambda 0.3, tail >= 0.2`; `as ranked` where nothing is changed.
impl fmt::Display for Reranker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.lambda > 0.0 {
            parts.push(format!("lambda {}", self.lambda));
        }
        let floors = self.floors.iter().filter(|floor| floor.share > 0.0);
        parts.extend(floors.map(|floor| format!("{} >= {}", floor.name, floor.share)));
        if parts.is_empty() { f.write_str("as ranked") } else { f.write_str(&parts.join(", ")) }
    }
}

impl Reranker {
    /// Changes nothing: a lambda of 0, no floors.
    #[must_use]
    pub fn new(distance: ItemDistance) -> Self {
        Self { distance, lambda: 0.0, candidates: CANDIDATES, floors: Vec::new() }
    }

    /// The same giving variety so much weight against relevance: from 0, none, to 1, nothing but variety.
    ///
    /// # Errors
    /// [`RecommendError::Setting`] if it is not from 0 to 1.
    pub fn with_lambda(mut self, lambda: f64) -> Result<Self, RecommendError> {
        check_share("lambda", lambda)?;
        self.lambda = lambda;
        Ok(self)
    }

    /// The same choosing among so many of the list; among as many as there are places where these are more.
    ///
    /// # Errors
    /// [`RecommendError::Setting`] if it is 0.
    pub fn with_candidates(mut self, candidates: usize) -> Result<Self, RecommendError> {
        if candidates == 0 {
            return Err(RecommendError::setting("candidates", 0, "1 or more"));
        }
        self.candidates = candidates;
        Ok(self)
    }

    /// The same with a floor more: at least `share` of the places for these items. The name is for reports.
    ///
    /// # Errors
    /// [`RecommendError::Setting`] if the share is not from 0 to 1, or all shares together are more than 1.
    pub fn with_floor(
        mut self,
        name: impl Into<String>,
        items: impl IntoIterator<Item = ItemIndex>,
        share: f64,
    ) -> Result<Self, RecommendError> {
        check_share("share", share)?;
        let all = share + self.floors.iter().map(|floor| floor.share).sum::<f64>();
        // Ten shares of 0.1 are more than 1 by rounding.
        if all > 1.0 + 1e-9 {
            return Err(RecommendError::setting("share of all floors", all, "at most 1"));
        }
        self.floors.push(Floor::new(name.into(), items, share));
        Ok(self)
    }

    /// The distance that variety goes by.
    #[must_use]
    pub fn distance(&self) -> &ItemDistance {
        &self.distance
    }

    /// How much of a ranking of so many items it reads for `n` places: all of it where there are floors.
    #[must_use]
    pub fn reads(&self, items: usize, n: usize) -> usize {
        if self.floors.is_empty() { self.candidates.max(n).min(items) } else { items }
    }

    /// The `n` items of the new list, of items with their scores, best first; fewer if there are no more.
    #[must_use]
    pub fn items(&self, ranked: &[(ItemIndex, f32)], n: usize) -> Vec<ItemIndex> {
        self.places(ranked, n).into_iter().map(|place| ranked[place].0).collect()
    }

    /// The same of recommendations, which keep their scores: of [`Recommender::top_k`](super::Recommender::top_k) with more than `n` items
    /// asked for.
    ///
    /// ```
    /// use metarec::data::synthetic::MarketConfig;
    /// use metarec::data::{Event, ItemDistance};
    /// use metarec::recommend::Reranker;
    /// use metarec::{Config, Recommender};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let device = metarec::recommend::device_from_env()?;
    /// let data = MarketConfig::default().with_users(60).generate()?.into_dataset();
    /// # let mut config = Config::default();
    /// # config.training.epochs = 1;
    /// let rec = Recommender::train(&data, &config, &device)?;
    /// let reranker = Reranker::new(ItemDistance::categories(rec.catalogue())).with_lambda(0.3)?;
    /// let user = rec.adapt(&[Event::rating("i3", 5.0)])?;
    /// let varied = reranker.hits(rec.catalogue(), rec.top_k(&user, 100)?, 10)?;
    /// assert_eq!(varied.len(), 10);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`RecommendError::UnknownItem`] if the catalogue is another than theirs.
    pub fn hits(&self, catalogue: &Catalogue, ranked: Vec<Hit>, n: usize) -> Result<Vec<Hit>, RecommendError> {
        let find = |hit: &Hit| match catalogue.find(&hit.item) {
            Some(item) => Ok((item, hit.score)),
            None => Err(RecommendError::UnknownItem { item: hit.item.clone() }),
        };
        let items = ranked.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        let places = self.places(&items, n);
        Ok(places.into_iter().map(|place| ranked[place].clone()).collect())
    }

    /// Where the items of the new list stand in the old one.
    fn places(&self, ranked: &[(ItemIndex, f32)], n: usize) -> Vec<usize> {
        let n = n.min(ranked.len());
        let mut open = self.open(ranked, n);
        let mut debts = Debts::new(&self.floors, ranked, n);
        let mut places = Vec::with_capacity(n);
        while places.len() < n {
            let owed = debts.due(places.len());
            let allowed = |candidate: &Candidate| owed.as_ref().is_none_or(|floors| debts.pays(candidate.item, floors));
            let worth =
                |candidate: &Candidate| (1.0 - self.lambda) * candidate.relevance + self.lambda * candidate.nearest;
            let mut best: Option<(usize, f64)> = None;
            for (at, candidate) in open.iter().enumerate().filter(|(_, candidate)| allowed(candidate)) {
                let worth = worth(candidate);
                if best.is_none_or(|(_, most)| worth > most) {
                    best = Some((at, worth));
                }
            }
            let Some((at, _)) = best else { break };
            let chosen = open.remove(at);
            debts.pay(chosen.item);
            places.push(chosen.place);
            if self.lambda > 0.0 {
                for other in &mut open {
                    other.nearest = other.nearest.min(self.distance.between(chosen.item, other.item));
                }
            }
        }
        places
    }

    /// The best of the list, and the best of each group wherever they stand; in the order of the list.
    fn open(&self, ranked: &[(ItemIndex, f32)], n: usize) -> Vec<Candidate> {
        let best = self.candidates.max(n).min(ranked.len());
        let mut chosen: Vec<bool> = (0..ranked.len()).map(|place| place < best).collect();
        for floor in &self.floors {
            let members = (0..ranked.len()).filter(|&place| floor.holds(ranked[place].0));
            members.take(floor.owed(n, n)).for_each(|place| chosen[place] = true);
        }
        let relevance = relevance(ranked, best);
        let candidate = |place: usize| Candidate {
            place,
            item: ranked[place].0,
            relevance: relevance.get(place).copied().unwrap_or(0.0),
            nearest: 1.0,
        };
        (0..ranked.len()).filter(|&place| chosen[place]).map(candidate).collect()
    }
}

/// An item that has no place yet.
struct Candidate {
    /// Where it stands in the old list.
    place: usize,
    item: ItemIndex,
    relevance: f64,
    /// Distance to the nearest item that has a place.
    nearest: f64,
}

/// The scores of the first `best`, from 0 to 1, none above one before it; 1 where they do not differ.
fn relevance(ranked: &[(ItemIndex, f32)], best: usize) -> Vec<f64> {
    let scores = || ranked[..best].iter().map(|(_, score)| f64::from(*score));
    let low = scores().filter(|score| score.is_finite()).fold(f64::INFINITY, f64::min);
    let mut most = f64::INFINITY;
    let mut falling = Vec::with_capacity(best);
    for score in scores() {
        most = most.min(if score.is_finite() { score } else { low });
        falling.push(most);
    }
    let high = falling.first().copied().unwrap_or(low);
    let scaled = |score: f64| if high > low { (score - low) / (high - low) } else { 1.0 };
    falling.into_iter().map(scaled).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A catalogue with these categories, each item in those named by its letters.
    fn catalogue(categories: &[&str]) -> Catalogue {
        let mut catalogue = Catalogue::new();
        for (id, categories) in categories.iter().enumerate() {
            let letters: Vec<String> = categories.chars().map(String::from).collect();
            catalogue.describe(&id.to_string(), "", "", letters.iter().map(String::as_str));
        }
        catalogue
    }

    fn reranker(categories: &[&str]) -> Reranker {
        Reranker::new(ItemDistance::categories(&catalogue(categories)))
    }

    fn scored(scores: &[f32]) -> Vec<(ItemIndex, f32)> {
        (0..).map(ItemIndex).zip(scores.iter().copied()).collect()
    }

    fn items(reranker: &Reranker, scores: &[f32], n: usize) -> Vec<u32> {
        reranker.items(&scored(scores), n).into_iter().map(|item| item.0).collect()
    }

    #[test]
    fn places_are_those_worked_out_by_hand() {
        // Relevance 1, 0.9, 0.8, 0.5, 0.
        let scores = [10.0, 9.0, 8.0, 5.0, 0.0];
        let varied = |lambda| reranker(&["ab", "ab", "ac", "cd", "e"]).with_lambda(lambda).unwrap();
        // After 0: 1 is at 0 from it, 2 at 2/3, 3 and 4 at 1: 0.63, 0.76, 0.65, 0.3. After 2 (3 is at 2/3 from it): 0.63, 0.55, 0.3.
        assert_eq!(items(&varied(0.3), &scores, 5), [0, 2, 1, 3, 4]);
        // After 0: 0.45, 0.73, 0.75, 0.5. After 3 (2 is at 2/3 from it as well): 0.45, 0.73, 0.5. After 2: 0.45, 0.5.
        assert_eq!(items(&varied(0.5), &scores, 5), [0, 3, 2, 4, 1]);
        // Nothing but variety: ties go to who stood first.
        assert_eq!(items(&varied(1.0), &scores, 5), [0, 3, 4, 2, 1]);
        assert_eq!(items(&varied(1.0).with_candidates(3).unwrap(), &scores, 3), [0, 2, 1]);
    }

    #[test]
    fn there_are_never_fewer_candidates_than_places() {
        let one = reranker(&["a", "a", "b"]).with_lambda(1.0).unwrap().with_candidates(1).unwrap();
        assert_eq!(items(&one, &[3.0, 2.0, 1.0], 2), [0, 1]);
        assert_eq!(items(&one, &[3.0, 2.0, 1.0], 9), [0, 2, 1]);
        assert!(items(&one, &[], 5).is_empty() && items(&one, &[1.0], 0).is_empty());
    }

    #[test]
    fn a_floor_takes_the_best_of_its_group_from_behind_the_candidates() {
        let floor = |share| {
            let reranker = reranker(&[""; 8]).with_candidates(2).unwrap();
            reranker.with_floor("late", [6, 7].map(ItemIndex), share).unwrap()
        };
        let scores = [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
        assert_eq!(items(&floor(0.5), &scores, 4), [0, 6, 1, 7]);
        assert_eq!(items(&floor(0.34), &scores, 4), [0, 1, 6, 2]);
        assert_eq!(items(&floor(1.0), &scores, 4), [6, 7, 0, 1], "as far as there are any");
        assert_eq!(items(&floor(0.0), &scores, 4), [0, 1, 2, 3]);
        assert_eq!((floor(0.5).reads(8, 4), reranker(&[]).reads(500, 20), reranker(&[]).reads(9, 20)), (8, 100, 9));
    }

    #[test]
    fn settings_out_of_bounds_are_named() {
        let plain = || reranker(&["a"]);
        let text = |result: Result<Reranker, RecommendError>| result.unwrap_err().to_string();
        assert_eq!(text(plain().with_lambda(1.5)), "lambda is 1.5: expected 0 to 1");
        assert_eq!(text(plain().with_lambda(f64::NAN)), "lambda is NaN: expected 0 to 1");
        assert_eq!(text(plain().with_candidates(0)), "candidates is 0: expected 1 or more");
        assert_eq!(text(plain().with_floor("a", [], -0.5)), "share is -0.5: expected 0 to 1");
        let half = plain().with_floor("a", [], 0.5).unwrap();
        assert_eq!(text(half.clone().with_floor("b", [], 0.75)), "share of all floors is 1.25: expected at most 1");
        let tenths = (0..10).try_fold(plain(), |reranker, _| reranker.with_floor("a", [], 0.1));
        assert!(tenths.is_ok(), "rounding is no reason");
        assert_eq!(half.with_lambda(0.3).unwrap().to_string(), "lambda 0.3, a >= 0.5");
        assert_eq!(plain().to_string(), "as ranked");
    }

    #[test]
    fn recommendations_keep_their_scores_and_foreign_ones_are_named() {
        let catalogue = catalogue(&["a", "a", "b"]);
        let hit = |item: &str, score| Hit { item: item.to_owned(), title: String::new(), score };
        let varied = Reranker::new(ItemDistance::categories(&catalogue)).with_lambda(0.6).unwrap();
        let hits = vec![hit("0", 3.0), hit("1", 2.5), hit("2", 1.0)];
        assert_eq!(varied.hits(&catalogue, hits, 2).unwrap(), [hit("0", 3.0), hit("2", 1.0)]);
        let error = varied.hits(&catalogue, vec![hit("x", 1.0)], 1).unwrap_err();
        assert_eq!(error.to_string(), r#"item "x" is not in the catalogue"#);
    }

    /// Eight items with categories drawn from four.
    fn categories() -> impl Strategy<Value = Vec<String>> {
        prop::collection::vec("[abcd]{0,3}", 8..24)
    }

    proptest! {
        #[test]
        fn nothing_set_leaves_any_list_as_it_was(
            names in categories(),
            scores in prop::collection::vec(prop_oneof![any::<f32>(), Just(1.0), Just(f32::NAN)], 24),
            n in 0usize..30,
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let scores = &scores[..names.len()];
            let kept: Vec<u32> = (0..names.len() as u32).take(n).collect();
            prop_assert_eq!(items(&reranker(&names), scores, n), kept);
        }

        #[test]
        fn each_place_has_the_most_marginal_relevance_there_is(
            names in categories(),
            seed in prop::collection::vec(0u8..40, 24),
            lambda in 0.0f64..=1.0,
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let mut scores: Vec<f32> = seed[..names.len()].iter().map(|score| f32::from(*score)).collect();
            scores.sort_by(|a, b| b.total_cmp(a));
            let varied = reranker(&names).with_lambda(lambda).unwrap();
            let list = items(&varied, &scores, names.len());
            let (high, low) = (f64::from(scores[0]), f64::from(scores[names.len() - 1]));
            let relevance = |item: u32| if high > low { (f64::from(scores[item as usize]) - low) / (high - low) } else { 1.0 };
            for place in 0..list.len() {
                let nearest = |item: u32| {
                    let distances = list[..place].iter().map(|other| varied.distance().between(ItemIndex(item), ItemIndex(*other)));
                    distances.fold(1.0, f64::min)
                };
                let worth = |item: u32| (1.0 - lambda) * relevance(item) + lambda * nearest(item);
                for &later in &list[place..] {
                    prop_assert!(worth(list[place]) >= worth(later) - 1e-12);
                }
            }
        }

        #[test]
        fn floors_hold_at_every_prefix_as_far_as_there_are_items(
            names in categories(),
            shares in (0.0f64..=0.5, 0.0f64..=0.5),
            lambda in prop_oneof![Just(0.0), Just(0.4)],
            (groups, n) in (prop::collection::vec((any::<bool>(), any::<bool>()), 24), 0usize..24),
        ) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let of = |member: fn(&(bool, bool)) -> bool| -> Vec<ItemIndex> {
                (0..).map(ItemIndex).zip(&groups[..names.len()]).filter(|(_, group)| member(group)).map(|(item, _)| item).collect()
            };
            let (first, second) = (of(|group| group.0), of(|group| group.1));
            let fair = reranker(&names).with_lambda(lambda).unwrap().with_candidates(3).unwrap();
            let fair = fair.with_floor("first", first.clone(), shares.0).unwrap();
            let fair = fair.with_floor("second", second.clone(), shares.1).unwrap();
            let scores: Vec<f32> = (0..names.len()).rev().map(|score| score as f32).collect();
            let list = fair.items(&scored(&scores), n);
            prop_assert_eq!(list.len(), n.min(names.len()));
            for places in 0..=list.len() {
                for (group, share) in [(&first, shares.0), (&second, shares.1)] {
                    let has = list[..places].iter().filter(|item| group.contains(item)).count();
                    prop_assert!(has >= ((share * places as f64).floor() as usize).min(group.len()));
                }
            }
            let mut distinct = list.clone();
            distinct.sort_unstable();
            distinct.dedup();
            prop_assert_eq!(distinct.len(), list.len());
        }
    }
}
