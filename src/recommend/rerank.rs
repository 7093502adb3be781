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
mod tests;
