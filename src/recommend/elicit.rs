//! Which items to ask a newcomer about.

use serde::{Deserialize, Serialize};

use super::error::{RecommendError, check_share};
use super::filter::Filter;
use super::recommender::Recommender;
use super::shift::log_softmax;
use super::user::AdaptedUser;
use crate::data::{ItemIndex, by_score};
use crate::model::RatingBelief;

/// How questions are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct QuestionRule {
    /// How far the user's own ranking scores change how likely they know an item, at least 0: 0 where everybody is taken to know the same, 1 where the odds of
    /// knowing an item are taken to change as those of liking it next.
    pub personal: f64,
    /// How much of the value of an answer is what it says about ratings, from 0 to 1; the rest is what it says about the ranking.
    pub rating_share: f64,
    /// Of how many items it is worked out how far an answer would move the ranking, by adapting to a good and a poor one. With 0 items are told apart by how
    /// many know them alone, which costs next to nothing.
    pub candidates: usize,
}

impl Default for QuestionRule {
    /// 0.25, 0.15 and 50 items: of ten rules the one that was ahead of asking the most popular after 1, 3, 5 and 10 questions on the validation users of
    /// MovieLens 1M, by nDCG@10 and by RMSE, and by nDCG@10 after 1, 3 and 5 on those of 100K. (`personal` from 0 to 0.5 and `rating_share` from 0 to 0.3 are
    /// within the noise of it; without candidates nDCG@10 is lower after 5 questions.) On test users it keeps ahead of asking the divisive and at random; of the most
    /// popular by nDCG@10 on 100K alone, for certain after 5 questions, and by RMSE on 1M from 20 questions on.
    fn default() -> Self {
        Self { personal: 0.25, rating_share: 0.15, candidates: 50 }
    }
}

impl QuestionRule {
    /// The same, listening so far to the user's own scores.
    #[must_use]
    pub fn with_personal(self, personal: f64) -> Self {
        Self { personal, ..self }
    }

    /// The same with another share of what is said about ratings.
    #[must_use]
    pub fn with_rating_share(self, rating_share: f64) -> Self {
        Self { rating_share, ..self }
    }

    /// The same working out so many items.
    #[must_use]
    pub fn with_candidates(self, candidates: usize) -> Self {
        Self { candidates, ..self }
    }

    /// Checks the settings. Whoever asks by the rule does so itself.
    ///
    /// # Errors
    /// [`RecommendError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), RecommendError> {
        if !(self.personal >= 0.0 && self.personal.is_finite()) {
            return Err(RecommendError::setting("personal", self.personal, "a finite number, 0 or more"));
        }
        check_share("rating_share", self.rating_share)
    }
}

/// An item to ask a user about.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Question {
    /// External id of the item.
    pub item: String,
    /// Its title, or its id where it has none.
    pub title: String,
    /// How likely the user knows it.
    pub known: f64,
    /// What asking is expected to gain, in no unit: to be compared with that of another question.
    pub gain: f64,
}

/// Where nobody counted who knows an item, it is as if a user had liked so many, drawn by the scores of nobody.
const DRAWS: f64 = 100.0;
/// Nothing is known or unknown for certain.
const LEAST: f64 = 1e-6;
const MOST: f64 = 0.95;

/// What asking about each item would gain; changes as questions are chosen.
struct Gains {
    known: Vec<f64>,
    weights: Vec<f64>,
    /// How far an answer moves the ranking, the farthest being 1; `None` where nobody worked it out.
    shifts: Option<Vec<f64>>,
    belief: Option<RatingBelief>,
    rating_share: f64,
}

impl Gains {
    /// From how likely each item is known, and which are open.
    fn new(known: Vec<f64>, open: &[bool], belief: Option<RatingBelief>, rule: &QuestionRule) -> Self {
        let weights = known.iter().zip(open).map(|(known, open)| if *open { *known } else { 0.0 }).collect();
        Self { known, weights, shifts: None, belief, rating_share: rule.rating_share }
    }

    /// The same with how far answers about these items move the ranking; others are taken to move it as little as the least of them.
    fn with_shifts(mut self, items: &[usize], shifts: &[f64]) -> Self {
        let most = shifts.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let least = shifts.iter().copied().fold(most, f64::min);
        let mut all = vec![least / most; self.known.len()];
        items.iter().zip(shifts).for_each(|(&item, shift)| all[item] = shift / most);
        self.shifts = Some(all);
        self
    }

    /// What an answer about each item says about the ranking.
    fn of_ranking(&self) -> Vec<f64> {
        self.shifts.clone().unwrap_or_else(|| self.known.iter().map(|known| -known.ln()).collect())
    }

    /// The gain of each item.
    fn now(&self) -> Vec<f64> {
        let ranking = self.known.iter().zip(self.of_ranking());
        let Some(belief) = &self.belief else { return ranking.map(|(known, moved)| known * moved).collect() };
        let told = belief.reductions(&self.weights);
        let most = told.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
        let value = |moved: f64, told: f64| (1.0 - self.rating_share) * moved + self.rating_share * told / most;
        ranking.zip(told).map(|((known, moved), told)| known * value(moved, told)).collect()
    }

    /// Goes on as if the question had been answered as far as an answer is likely.
    fn asked(&mut self, item: usize) {
        self.weights[item] = 0.0;
        if let Some(belief) = &mut self.belief {
            belief.expect_rating(item, self.known[item]);
        }
    }
}

impl Recommender {
    /// The `n` items that it would tell most to ask the user about, the first to be asked first; fewer if the filter lets fewer through. What the user has seen is not
    /// asked about.
    ///
    /// Asking about an item gains what an answer would tell, times how likely the user knows it: the share of training users who do
    /// ([`ModelFacts::known`](crate::persist::ModelFacts::known)), moved by what the user's own ranking scores say as far as [`QuestionRule::personal`] goes.
    /// What an answer tells of the ranking is how far it is expected to move what is liked next: the Hellinger distance of the softmax over what they have not
    /// seen before and after, over a good and a poor answer, as likely as the learner's posterior has them (expected model change: Settles, 2009, "Active
    /// Learning Literature Survey"). What it tells of ratings is the reduction of the variance of all other ratings, each weighed by how likely it comes about,
    /// in closed form from the learner's posterior (active learning as in Jin and Si, 2004; A-optimal design); a learner without a posterior asks by the first
    /// alone.
    ///
    /// What moves the ranking is worked out for [`QuestionRule::candidates`] items: those of which an answer tells most by how few know them (`-known ln known`
    /// is the larger part of the entropy of knowing an item: Rashid, Karypis and Riedl, 2008, "Learning Preferences of New Users") and by what it tells of
    /// ratings. A model that knows no values, and a rule with no candidates, asks by these. Questions of one call are chosen one after the other, as far as
    /// ratings go each as if those before had been answered as far as is likely; better is to ask few, [`update`](Recommender::update) with the answers, and
    /// ask again, leaving out what the user does not know with [`Filter::without`].
    ///
    /// Costs two adaptations for each candidate (some 30 ms with the default rule), and `items * d_head^2` for each question.
    ///
    /// ```
    /// use metarec::data::Event;
    /// use metarec::data::synthetic::MarketConfig;
    /// use metarec::recommend::Filter;
    /// use metarec::{Config, Recommender};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let device = metarec::recommend::device_from_env()?;
    /// let data = MarketConfig::default().with_users(60).generate()?.into_dataset();
    /// # let mut config = Config::default();
    /// # config.training.epochs = 1;
    /// let rec = Recommender::train(&data, &config, &device)?;
    /// let mut newcomer = rec.adapt(&[])?;
    /// let mut unknown = Filter::new();
    /// for (turn, answer) in [Some(5.0), None, Some(2.0)].into_iter().enumerate() {
    ///     let question = &rec.questions(&newcomer, 1, &unknown)?[0];
    ///     println!("{turn}: do you know {}? ({:.0} %)", question.title, 100.0 * question.known);
    ///     match answer {
    ///         Some(stars) => rec.update(&mut newcomer, Event::rating(&question.item, stars))?,
    ///         None => unknown = unknown.without([&question.item]),
    ///     }
    /// }
    /// assert_eq!(newcomer.events().len(), 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Recommender::top_k`].
    pub fn questions(&self, user: &AdaptedUser, n: usize, filter: &Filter) -> Result<Vec<Question>, RecommendError> {
        self.questions_by(user, n, filter, &QuestionRule::default())
    }

    /// The same by another rule.
    ///
    /// # Errors
    /// [`RecommendError::Setting`] if a setting of the rule is out of its bounds; else as [`Recommender::top_k`].
    pub fn questions_by(
        &self,
        user: &AdaptedUser,
        n: usize,
        filter: &Filter,
        rule: &QuestionRule,
    ) -> Result<Vec<Question>, RecommendError> {
        let open = filter.allowed(&self.catalogue, user.seen());
        let question = |(item, known, gain): (ItemIndex, f64, f64)| Question {
            item: self.catalogue.id(item).to_owned(),
            title: self.catalogue.title(item).to_owned(),
            known,
            gain,
        };
        Ok(self.ask(user, n, open, rule)?.into_iter().map(question).collect())
    }

    /// The items that it would tell most to ask about if nothing else was asked, best first.
    #[cfg(feature = "train")]
    pub(crate) fn most_telling(
        &self,
        user: &AdaptedUser,
        most: usize,
        open: &[bool],
        rule: &QuestionRule,
    ) -> Result<Vec<ItemIndex>, RecommendError> {
        let now = self.gains(user, open, rule)?.now();
        Ok(self.best(&now, open, most).into_iter().map(|item| ItemIndex(item as u32)).collect())
    }

    /// The open items that gain most, the best first.
    fn best(&self, gains: &[f64], open: &[bool], most: usize) -> Vec<usize> {
        let key = |item: &usize| (gains[*item] as f32, self.places[*item]);
        let mut items: Vec<usize> = (0..open.len()).filter(|&item| open[item]).collect();
        items.sort_unstable_by(|a, b| by_score(key(a), key(b)));
        items.truncate(most);
        items
    }

    fn gains(&self, user: &AdaptedUser, open: &[bool], rule: &QuestionRule) -> Result<Gains, RecommendError> {
        rule.check()?;
        let belief = match self.belief(user) {
            Ok(belief) => Some(belief),
            Err(RecommendError::NoRatings | RecommendError::NoVariances) => None,
            Err(other) => return Err(other),
        };
        let gains = Gains::new(self.likely_known(user, rule)?, open, belief, rule);
        if rule.candidates == 0 {
            return Ok(gains);
        }
        let candidates = self.best(&gains.now(), open, rule.candidates);
        let shifts = self.expected_shifts(user, &candidates, gains.belief.as_ref())?;
        Ok(match shifts {
            Some(shifts) => gains.with_shifts(&candidates, &shifts),
            None => gains,
        })
    }

    /// How likely the user knows each item: the share of users who do, moved as the user's own scores moved from those of nobody.
    fn likely_known(&self, user: &AdaptedUser, rule: &QuestionRule) -> Result<Vec<f64>, RecommendError> {
        let nobody = match self.nobody.get() {
            Some(scores) => scores,
            None => {
                let scores = self.scores(&self.adapt(&[])?)?;
                self.nobody.get_or_init(|| scores)
            }
        };
        let everything = vec![true; nobody.len()];
        let (own, all) = (log_softmax(&self.scores(user)?, &everything), log_softmax(nobody, &everything));
        let share = |item: usize| match self.facts.known.get(item) {
            Some(share) => f64::from(*share),
            None => -(-DRAWS * all[item].exp()).exp_m1(),
        };
        let known = |item: usize| (share(item) * (rule.personal * (own[item] - all[item])).exp()).clamp(LEAST, MOST);
        Ok((0..own.len()).map(known).collect())
    }

    /// The items to ask about of those that are open, with how likely each is known and what asking gains.
    fn ask(
        &self,
        user: &AdaptedUser,
        n: usize,
        mut open: Vec<bool>,
        rule: &QuestionRule,
    ) -> Result<Vec<(ItemIndex, f64, f64)>, RecommendError> {
        let mut gains = self.gains(user, &open, rule)?;
        let mut chosen = Vec::with_capacity(n.min(open.len()));
        while chosen.len() < n {
            let now = gains.now();
            let key = |item: &usize| (now[*item] as f32, self.places[*item]);
            let best = (0..open.len()).filter(|&item| open[item]).min_by(|a, b| by_score(key(a), key(b)));
            let Some(best) = best else { break };
            chosen.push((ItemIndex(best as u32), gains.known[best], now[best]));
            open[best] = false;
            gains.asked(best);
        }
        Ok(chosen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belief(covariance: Vec<f64>) -> RatingBelief {
        // Items 0 and 1 are alike, item 2 is like nothing else.
        RatingBelief::new(vec![3.0; 3], vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0].into(), covariance, 1.0)
    }

    #[test]
    fn neither_what_everybody_knows_nor_what_nobody_knows_tells_users_apart() {
        let gains = Gains::new(vec![0.95, 0.4, 0.001], &[true; 3], None, &QuestionRule::default());
        let now = gains.now();
        assert!(now[1] > now[0] && now[0] > now[2], "{now:?}");
        assert!((now[1] + 0.4 * 0.4_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn what_moves_the_ranking_counts_by_how_likely_it_is_known_and_others_as_the_least() {
        let rule = QuestionRule::default();
        let gains = Gains::new(vec![0.9, 0.5, 0.2, 0.4], &[true; 4], None, &rule).with_shifts(&[1, 0], &[0.5, 0.2]);
        let now = gains.now();
        for (gain, expected) in now.iter().zip([0.9 * 0.4, 0.5, 0.2 * 0.4, 0.4 * 0.4]) {
            assert!((gain - expected).abs() < 1e-12, "{now:?}");
        }
        let belief = belief(vec![1.0, 0.0, 0.0, 1.0]);
        let mixed = Gains::new(vec![0.9; 3], &[true; 3], Some(belief.clone()), &rule.with_rating_share(0.25));
        let ratings = Gains::new(vec![0.9; 3], &[true; 3], Some(belief), &rule.with_rating_share(1.0)).now();
        let now = mixed.with_shifts(&[0, 1, 2], &[0.1, 0.2, 0.2]).now();
        for (item, moved) in [0.5, 1.0, 1.0].into_iter().enumerate() {
            assert!((now[item] - (0.9 * 0.75 * moved + 0.25 * ratings[item])).abs() < 1e-12, "{now:?}");
        }
    }

    #[test]
    fn what_tells_of_more_ratings_is_asked_first_and_then_what_it_did_not_tell() {
        let rule = QuestionRule::default().with_rating_share(1.0);
        let mut gains = Gains::new(vec![0.9; 3], &[true; 3], Some(belief(vec![1.0, 0.0, 0.0, 1.0])), &rule);
        let now = gains.now();
        assert!(now[0] > 0.8 && now[2] == 0.0, "it tells of item 1, and item 2 of no other: {now:?}");
        assert_eq!(now[0], now[1]);
        gains.asked(0);
        assert_eq!(gains.now()[1], gains.now()[2], "nothing is left to tell: the answer of item 0 is known");
    }

    #[test]
    fn a_gain_is_that_worked_out_by_hand_and_leaves_out_the_item_itself() {
        // Covariances of the three values with item 0: 2, 2 and 0.5; with item 2: 0.5, 0.5 and 1.
        let known = vec![0.5, 0.8, 0.4];
        let rule = QuestionRule::default().with_rating_share(0.25);
        let gains = Gains::new(known.clone(), &[true, true, false], Some(belief(vec![2.0, 0.5, 0.5, 1.0])), &rule);
        // A rating of item 0 tells 0.8 * 2^2 / (2 + 1) of item 1; item 2 is not open, so it does not count.
        let told = [0.8 * 4.0 / 3.0, 0.5 * 4.0 / 3.0, (0.5 + 0.8) * 0.25 / 2.0];
        for (item, gain) in gains.now().into_iter().enumerate() {
            let expected = known[item] * (0.75 * -f64::ln(known[item]) + 0.25 * told[item] / told[0]);
            assert!((gain - expected).abs() < 1e-12, "{item}: {gain}, not {expected}");
        }
    }
}
