//! The user-cold protocol: users never seen in training, served from their first events.

use rayon::prelude::*;

use crate::data::TrainValues;
use crate::data::{Dataset, IndexedEvent, ItemIndex, UserIndex, UserSplit, tie_order};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::{Method, Support};
use crate::evaluate::metric::{
    Auc, Direction, F1, HitRate, MeanAveragePrecision, Mrr, Ndcg, Positions, Precision, RankingMetric, Recall,
    accuracy, coverage, mae, rmse, top_items,
};
use crate::evaluate::protocol::held_out::Scored;
use crate::evaluate::protocol::shots::{Part, default_shots, pool_size, smallest_pool};
use crate::evaluate::report::{Measured, Report};

/// Support sets handed to a method at once: bounds the memory for scores at `BATCH * items` numbers.
const BATCH: usize = 64;

/// Length of the lists whose coverage is measured.
const COVERED: usize = 10;

/// The user-cold protocol over one split.
///
/// - At `k` shots a method sees the first `k` events of each user's pool. Query events and candidates are the same at
///   every `k`.
/// - Ranked is every item that has an event of a training user ([`UserSplit::candidates`]), less the items of the
///   user's pool, at every `k`. Query events of other items are left out, as are those of items that are in the pool as
///   well.
/// - Relevant are the items of query events that are likes by the data's rule. A user without any has no ranking
///   values.
/// - Equal scores are ordered by the MD5 of `"tie|item"`, smaller first; scores that are not finite are equal to each
///   other and last.
/// - Ratings are predicted for the query events that carry a value, and clipped to the range of the training values.
///   Where those do not differ there are no rating values. [`accuracy`] is of the rule's threshold: is the event a
///   like, and was it predicted to be one?
/// - Every value is one user's; the report's means are over users, so each counts the same however long the history.
///   Only `coverage@10` is of all users' lists together.
///
/// Metrics: `ndcg@10`, `hr@10`, `recall@20`, `mrr@100`, `precision@10`, `f1@10`, `map@10`, `auc`, `coverage@10`;
/// `rmse`, `mae`, `accuracy`.
///
/// Cost besides the method's own: `users * shots * candidates`, spread over threads (556 users, four numbers of shots
/// and 3,643 items take a tenth of a second); memory for the scores of 64 users.
pub struct UserCold<'a> {
    data: &'a Dataset,
    split: &'a UserSplit,
    part: Part,
    shots: Vec<usize>,
    metrics: Vec<Box<dyn RankingMetric>>,
    candidates: Vec<ItemIndex>,
    places: Vec<u32>,
    values: Option<TrainValues>,
}

impl<'a> UserCold<'a> {
    /// The protocol on the test users, at 0, 1, 5 and 20 shots as far as their pools go (10 in place of 20 where those
    /// are shorter).
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn new(data: &'a Dataset, split: &'a UserSplit) -> Result<Self, EvaluateError> {
        check_indices(data, split)?;
        Ok(Self {
            data,
            split,
            part: Part::Test,
            shots: default_shots(pool_size(split)),
            metrics: standard_metrics(),
            candidates: split.candidates(),
            places: tie_order(data.catalogue().ids()),
            values: TrainValues::of(split),
        })
    }

    /// The same protocol on the users of `part`.
    #[must_use]
    pub fn on(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// The same protocol at other numbers of shots, in this order.
    #[must_use]
    pub fn with_shots(mut self, shots: impl Into<Vec<usize>>) -> Self {
        self.shots = shots.into();
        self
    }

    /// The same protocol with other ranking metrics; coverage and the rating metrics stay.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Vec<Box<dyn RankingMetric>>) -> Self {
        self.metrics = metrics;
        self
    }

    /// The same protocol ranking these items in place of those that training knows: of a new market, or of a genre that training lacked.
    #[must_use]
    pub fn with_candidates(mut self, candidates: impl Into<Vec<ItemIndex>>) -> Self {
        self.candidates = candidates.into();
        self.candidates.sort_unstable();
        self.candidates.dedup();
        self
    }

    /// The numbers of shots, in the order in which they run.
    #[must_use]
    pub fn shots(&self) -> &[usize] {
        &self.shots
    }

    /// The items that are ranked, before a user's pool is taken out; ascending.
    #[must_use]
    pub fn candidates(&self) -> &[ItemIndex] {
        &self.candidates
    }

    /// Runs the protocol on a method and adds what it measured to `report`.
    ///
    /// # Errors
    /// [`EvaluateError::NoUsers`] and [`EvaluateError::TooManyShots`] if the split does not have what is asked for; [`EvaluateError::ForeignSplit`]
    /// if a candidate is not in the catalogue;
    /// what the method fails with; [`EvaluateError::WrongShape`] and [`EvaluateError::RatingNotFinite`] if it breaks
    /// the contract of [`Method`]; [`EvaluateError::MethodTwice`] if the report has its name already. The report is
    /// unchanged then.
    pub fn run(&self, method: &dyn Method, report: &mut Report) -> Result<(), EvaluateError> {
        let items = self.places.len();
        if let Some(foreign) = self.candidates.last().filter(|item| item.position() >= items) {
            return Err(EvaluateError::ForeignSplit(format!("item {} of {items} among the candidates", foreign.0)));
        }
        let users = self.part.of(self.split);
        let pool = smallest_pool(users).ok_or(EvaluateError::NoUsers(self.part))?;
        let likes = self.data.like_rule();
        let users: Vec<Scored<'_>> = users.iter().map(|user| Scored::new(user, &self.candidates, likes)).collect();
        let mut measured = Vec::new();
        for &shots in &self.shots {
            if shots > pool {
                return Err(EvaluateError::TooManyShots { shots, pool, part: self.part });
            }
            let (mut rankings, mut ratings) = (Vec::new(), Vec::new());
            for batch in users.chunks(BATCH) {
                let supports: Vec<Support<'_>> = batch.iter().map(|user| user.support(shots)).collect();
                rankings.extend(self.rank(method, batch, &supports)?.into_iter().flatten());
                ratings.extend(self.rate(method, batch, &supports)?.into_iter().flatten());
            }
            measured.extend(self.measured_rankings(shots, &rankings));
            measured.extend(self.measured_ratings(shots, &ratings));
        }
        report.add(method.name(), method.config(), measured)
    }

    /// `None` if the method does not rank.
    fn rank(
        &self,
        method: &dyn Method,
        users: &[Scored<'_>],
        supports: &[Support<'_>],
    ) -> Result<Option<Vec<UserRanking>>, EvaluateError> {
        let Some(scores) = method.scores(supports)? else { return Ok(None) };
        check_shape(method, &scores, supports.len(), self.places.len())?;
        let rank = |(user, scores): (&Scored<'_>, &Vec<f32>)| {
            let ranked = user.ranked(&self.candidates);
            let positions = Positions::by_score(scores, &ranked, &user.relevant, &self.places);
            let values = || self.metrics.iter().map(|metric| metric.at(&positions)).collect();
            UserRanking {
                user: user.user(),
                values: (!user.relevant.is_empty()).then(values),
                top: top_items(scores, &ranked, &self.places, COVERED),
            }
        };
        Ok(Some(users.par_iter().zip(&scores).map(rank).collect()))
    }

    /// `None` if the method predicts no ratings, or the data has none to predict.
    fn rate(
        &self,
        method: &dyn Method,
        users: &[Scored<'_>],
        supports: &[Support<'_>],
    ) -> Result<Option<Vec<UserRating>>, EvaluateError> {
        let Some(range) = self.values else { return Ok(None) };
        let Some(ratings) = method.ratings(supports)? else { return Ok(None) };
        check_shape(method, &ratings, supports.len(), self.places.len())?;
        let mut rated = Vec::with_capacity(users.len());
        for ((user, support), ratings) in users.iter().zip(supports).zip(&ratings) {
            let predicted: Vec<f32> = user.rated.iter().map(|item| ratings[item.position()]).collect();
            if let Some((item, &value)) = user.rated.iter().zip(&predicted).find(|(_, value)| !value.is_finite()) {
                return Err(EvaluateError::RatingNotFinite {
                    method: method.name().to_owned(),
                    user: self.data.users().id(support.user).to_owned(),
                    item: self.data.catalogue().id(*item).to_owned(),
                    shots: support.events.len(),
                    value,
                });
            }
            let clipped: Vec<f32> = predicted.into_iter().map(|value| value.clamp(range.low, range.high)).collect();
            rated.push(self.rating_of(user, &clipped));
        }
        Ok(Some(rated))
    }

    fn rating_of(&self, user: &Scored<'_>, clipped: &[f32]) -> UserRating {
        let threshold = self.data.like_rule().threshold;
        UserRating {
            user: user.user(),
            rmse: rmse(clipped, &user.values),
            mae: mae(clipped, &user.values),
            accuracy: threshold.and_then(|threshold| accuracy(clipped, &user.values, threshold)),
        }
    }

    fn measured_rankings(&self, shots: usize, rankings: &[UserRanking]) -> Vec<Measured> {
        if rankings.is_empty() {
            return Vec::new();
        }
        let values = |nth: usize| {
            let one = |ranking: &UserRanking| Some((ranking.user, *ranking.values.as_ref()?.get(nth)?));
            rankings.iter().filter_map(one).collect()
        };
        let names = self.metrics.iter().map(|metric| metric.name()).enumerate();
        let mut measured: Vec<Measured> =
            names.map(|(nth, name)| Measured::per_user(name, shots, Direction::HigherIsBetter, values(nth))).collect();
        let covered = coverage(rankings.iter().map(|ranking| &ranking.top[..]), self.candidates.len());
        let name = format!("coverage@{COVERED}");
        measured.push(Measured::whole(name, shots, Direction::HigherIsBetter, covered, rankings.len()));
        measured
    }

    fn measured_ratings(&self, shots: usize, ratings: &[UserRating]) -> Vec<Measured> {
        let of = |name: &str, direction, value: fn(&UserRating) -> Option<f64>| {
            let values = ratings.iter().filter_map(|rating| Some((rating.user, value(rating)?)));
            Measured::per_user(name, shots, direction, values.collect())
        };
        vec![
            of("rmse", Direction::LowerIsBetter, |rating| rating.rmse),
            of("mae", Direction::LowerIsBetter, |rating| rating.mae),
            of("accuracy", Direction::HigherIsBetter, |rating| rating.accuracy),
        ]
    }
}

/// One user's ranking values, in the order of the metrics; `None` for a user with nothing relevant.
struct UserRanking {
    user: UserIndex,
    values: Option<Vec<f64>>,
    top: Vec<ItemIndex>,
}

/// One user's rating values; `None` for a user without rated query events.
struct UserRating {
    user: UserIndex,
    rmse: Option<f64>,
    mae: Option<f64>,
    accuracy: Option<f64>,
}

fn standard_metrics() -> Vec<Box<dyn RankingMetric>> {
    vec![
        Box::new(Ndcg { k: 10 }),
        Box::new(HitRate { k: 10 }),
        Box::new(Recall { k: 20 }),
        Box::new(Mrr { k: 100 }),
        Box::new(Precision { k: 10 }),
        Box::new(F1 { k: 10 }),
        Box::new(MeanAveragePrecision { k: 10 }),
        Box::new(Auc),
    ]
}

fn check_shape(method: &dyn Method, rows: &[Vec<f32>], supports: usize, items: usize) -> Result<(), EvaluateError> {
    let wrong =
        |what, expected, found| EvaluateError::WrongShape { method: method.name().to_owned(), what, expected, found };
    if rows.len() != supports {
        return Err(wrong("rows", supports, rows.len()));
    }
    match rows.iter().find(|row| row.len() != items) {
        Some(row) => Err(wrong("numbers in a row", items, row.len())),
        None => Ok(()),
    }
}

fn check_indices(data: &Dataset, split: &UserSplit) -> Result<(), EvaluateError> {
    let (users, items) = (data.users().len(), data.catalogue().len());
    let check = |user: UserIndex, events: &[IndexedEvent]| {
        if user.position() >= users {
            return Err(EvaluateError::ForeignSplit(format!("user {} of {users}", user.0)));
        }
        match events.iter().find(|event| event.item.position() >= items) {
            Some(event) => Err(EvaluateError::ForeignSplit(format!("item {} of {items}", event.item.0))),
            None => Ok(()),
        }
    };
    split.train.iter().try_for_each(|task| check(task.user, &task.events))?;
    let mut held_out = split.valid.iter().chain(&split.test);
    held_out.try_for_each(|user| check(user.user, &user.pool).and_then(|()| check(user.user, &user.query)))
}
