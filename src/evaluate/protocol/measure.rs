//! How rankings and ratings are measured, whoever is asked.

use std::borrow::Cow;

use rayon::prelude::*;

use crate::data::Shots;
use crate::data::TrainValues;
use crate::data::{Dataset, IndexedEvent, ItemIndex, UserIndex, UserSplit, tie_order};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::{Method, Support};
use crate::evaluate::metric::{
    Auc, Direction, F1, HitRate, MeanAveragePrecision, Mrr, Ndcg, Positions, Precision, RankingMetric, Recall,
    accuracy, coverage, mae, rmse, top_items,
};
use crate::evaluate::predictions::{Predicted, PredictionSink};
use crate::evaluate::protocol::question::Question;
use crate::evaluate::protocol::shots::Part;
use crate::evaluate::report::{Measured, Report};
use crate::model::RatingDistribution;

/// Support sets handed to a method at once: bounds the memory for scores at `BATCH * items` numbers.
const BATCH: usize = 64;

/// Length of the lists whose coverage is measured.
const COVERED: usize = 10;

/// What is measured, and what it is measured against.
pub(super) struct Measure<'a> {
    data: &'a Dataset,
    pub(super) metrics: Vec<Box<dyn RankingMetric>>,
    places: Vec<u32>,
    values: Option<TrainValues>,
}

/// Who is asked what, and seeing how much.
pub(super) struct Exam<'a> {
    /// Which users these are, for errors.
    pub(super) part: Part,
    /// Questions are asked once at each of them.
    pub(super) shots: Vec<Shots>,
    /// What is ranked: the first is told to the sink.
    pub(super) rankings: Vec<Ranking>,
    /// One for each user.
    pub(super) questions: Vec<Question<'a>>,
}

/// Items that are ranked, and what the names of metrics over them begin with.
pub(super) struct Ranking {
    pub(super) prefix: &'static str,
    /// Ascending.
    pub(super) candidates: Vec<ItemIndex>,
}

/// Users who are handed to a method at once.
struct Batch<'a> {
    method: &'a dyn Method,
    shots: Shots,
    questions: &'a [Question<'a>],
    supports: &'a [Support<'a>],
}

impl Batch<'_> {
    fn predicted<'b>(&'b self, user: UserIndex, items: &'b [(ItemIndex, f32)]) -> Predicted<'b> {
        Predicted { method: self.method.name(), user, shots: self.shots, items }
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
    /// Of the predictive median.
    mae: Option<f64>,
    mae_of_mean: Option<f64>,
    accuracy: Option<f64>,
}

impl<'a> Measure<'a> {
    /// Checks that the split belongs to the data.
    pub(super) fn new(data: &'a Dataset, split: &UserSplit) -> Result<Self, EvaluateError> {
        check_indices(data, split)?;
        let (places, values) = (tie_order(data.catalogue().ids()), TrainValues::of(split));
        Ok(Self { data, metrics: standard_metrics(), places, values })
    }

    /// Asks a method all questions at all numbers of shots, and adds its values to `report`, which is unchanged after an error.
    pub(super) fn run(
        &self,
        method: &dyn Method,
        exam: &Exam<'_>,
        report: &mut Report,
        sink: &mut dyn PredictionSink,
    ) -> Result<(), EvaluateError> {
        self.check(exam)?;
        let mut measured = Vec::new();
        for &shots in &exam.shots {
            measured.extend(self.at(shots, method, exam, sink)?);
        }
        report.add(method.name(), method.config(), measured)
    }

    fn check(&self, exam: &Exam<'_>) -> Result<(), EvaluateError> {
        let (part, items) = (exam.part, self.places.len());
        let mut last = exam.rankings.iter().filter_map(|ranking| ranking.candidates.last());
        if let Some(foreign) = last.find(|item| item.position() >= items) {
            return Err(EvaluateError::ForeignSplit(format!("item {} of {items} among the candidates", foreign.0)));
        }
        let pool = exam.questions.iter().map(|question| question.known.len()).min();
        let pool = pool.ok_or(EvaluateError::NoUsers(part))?;
        for &shots in &exam.shots {
            match shots {
                Shots::First(shots) if shots > pool => return Err(EvaluateError::TooManyShots { shots, pool, part }),
                _ => {}
            }
        }
        Ok(())
    }

    /// What is measured at one number of shots.
    fn at(
        &self,
        shots: Shots,
        method: &dyn Method,
        exam: &Exam<'_>,
        sink: &mut dyn PredictionSink,
    ) -> Result<Vec<Measured>, EvaluateError> {
        let mut rankings: Vec<Vec<UserRanking>> = exam.rankings.iter().map(|_| Vec::new()).collect();
        let mut ratings = Vec::new();
        for questions in exam.questions.chunks(BATCH) {
            let seen: Vec<Cow<'_, [IndexedEvent]>> = questions.iter().map(|question| question.support(shots)).collect();
            let supports = supports(questions, &seen);
            let batch = Batch { method, shots, questions, supports: &supports };
            let ranked = self.rank(&batch, &exam.rankings, sink)?;
            rankings.iter_mut().zip(ranked).for_each(|(all, more)| all.extend(more));
            ratings.extend(self.rate(&batch, sink)?);
        }
        let mut measured = Vec::new();
        for (ranking, users) in exam.rankings.iter().zip(&rankings) {
            measured.extend(self.measured_rankings(shots, ranking, users));
        }
        measured.extend(measured_ratings(shots, &ratings));
        Ok(measured)
    }

    /// Each user's place in each ranking; none if the method does not rank.
    fn rank(
        &self,
        batch: &Batch<'_>,
        rankings: &[Ranking],
        sink: &mut dyn PredictionSink,
    ) -> Result<Vec<Vec<UserRanking>>, EvaluateError> {
        let Some(scores) = batch.method.scores(batch.supports)? else { return Ok(Vec::new()) };
        check_shape(batch.method, &scores, batch.supports.len(), self.places.len())?;
        let depth = sink.depth();
        let mut ranked = Vec::with_capacity(rankings.len());
        for (nth, ranking) in rankings.iter().enumerate() {
            let wanted = if nth == 0 { depth } else { 0 };
            let mut users = self.rank_one(ranking, batch.questions, &scores, wanted.max(COVERED));
            if wanted > 0 {
                tell_ranked(sink, batch, (&users, wanted), &scores)?;
            }
            users.iter_mut().for_each(|user| user.top.truncate(COVERED));
            ranked.push(users);
        }
        Ok(ranked)
    }

    /// Where what is relevant stands, and the best `depth` items.
    fn rank_one(
        &self,
        ranking: &Ranking,
        questions: &[Question<'_>],
        scores: &[Vec<f32>],
        depth: usize,
    ) -> Vec<UserRanking> {
        let rank = |(question, scores): (&Question<'_>, &Vec<f32>)| {
            let ranked = question.ranked(&ranking.candidates);
            let positions = Positions::by_score(scores, &ranked, &question.relevant, &self.places);
            let values = || self.metrics.iter().map(|metric| metric.at(&positions)).collect();
            UserRanking {
                user: question.user,
                values: (!question.relevant.is_empty()).then(values),
                top: top_items(scores, &ranked, &self.places, depth),
            }
        };
        questions.par_iter().zip(scores).map(rank).collect()
    }

    /// Nothing if the method predicts no ratings, or there are none to predict.
    fn rate(&self, batch: &Batch<'_>, sink: &mut dyn PredictionSink) -> Result<Vec<UserRating>, EvaluateError> {
        let Some(range) = self.values else { return Ok(Vec::new()) };
        let Some((ratings, medians)) = predicted(batch)? else { return Ok(Vec::new()) };
        check_shape(batch.method, &ratings, batch.supports.len(), self.places.len())?;
        check_shape(batch.method, &medians, batch.supports.len(), self.places.len())?;
        let mut rated = Vec::with_capacity(batch.questions.len());
        let rows = ratings.iter().zip(&medians);
        for ((question, support), (ratings, medians)) in batch.questions.iter().zip(batch.supports).zip(rows) {
            let of = |row: &[f32]| question.rated.iter().map(|item| row[item.position()]).collect::<Vec<f32>>();
            let (predicted, medians) = (of(ratings), of(medians));
            self.check_finite(batch.method, question, support, &predicted)?;
            self.check_finite(batch.method, question, support, &medians)?;
            let clipped = |values: Vec<f32>| -> Vec<f32> {
                values.into_iter().map(|value| value.clamp(range.low, range.high)).collect()
            };
            let (predicted, medians) = (clipped(predicted), clipped(medians));
            let items: Vec<(ItemIndex, f32)> = question.rated.iter().copied().zip(predicted.iter().copied()).collect();
            sink.rated(&batch.predicted(question.user, &items))?;
            rated.push(self.rating_of(question, &predicted, &medians));
        }
        Ok(rated)
    }

    fn check_finite(
        &self,
        method: &dyn Method,
        question: &Question<'_>,
        support: &Support<'_>,
        predicted: &[f32],
    ) -> Result<(), EvaluateError> {
        match question.rated.iter().zip(predicted).find(|(_, value)| !value.is_finite()) {
            None => Ok(()),
            Some((item, &value)) => Err(EvaluateError::RatingNotFinite {
                method: method.name().to_owned(),
                user: self.data.users().id(support.user).to_owned(),
                item: self.data.catalogue().id(*item).to_owned(),
                shots: support.events.len(),
                value,
            }),
        }
    }

    fn rating_of(&self, question: &Question<'_>, clipped: &[f32], medians: &[f32]) -> UserRating {
        let threshold = self.data.like_rule().threshold;
        UserRating {
            user: question.user,
            rmse: rmse(clipped, &question.values),
            mae: mae(medians, &question.values),
            mae_of_mean: mae(clipped, &question.values),
            accuracy: threshold.and_then(|threshold| accuracy(clipped, &question.values, threshold)),
        }
    }

    fn measured_rankings(&self, shots: Shots, ranking: &Ranking, users: &[UserRanking]) -> Vec<Measured> {
        if users.is_empty() {
            return Vec::new();
        }
        let values = |nth: usize| {
            let one = |ranking: &UserRanking| Some((ranking.user, *ranking.values.as_ref()?.get(nth)?));
            users.iter().filter_map(one).collect()
        };
        let named = |name: String| format!("{}{name}", ranking.prefix);
        let names = self.metrics.iter().map(|metric| named(metric.name())).enumerate();
        let mut measured: Vec<Measured> =
            names.map(|(nth, name)| Measured::per_user(name, shots, Direction::HigherIsBetter, values(nth))).collect();
        let covered = coverage(users.iter().map(|user| &user.top[..]), ranking.candidates.len());
        let name = named(format!("coverage@{COVERED}"));
        measured.push(Measured::whole(name, shots, Direction::HigherIsBetter, covered, users.len()));
        measured
    }
}

/// What a method sees of the users of some questions.
pub(super) fn supports<'a>(questions: &[Question<'_>], seen: &'a [Cow<'_, [IndexedEvent]>]) -> Vec<Support<'a>> {
    questions.iter().zip(seen).map(|(question, events)| Support { user: question.user, events }).collect()
}

/// Means and medians of the ratings of all items, which are one where a method does not tell them apart; `None` if it predicts none.
type Predictions = Option<(Vec<Vec<f32>>, Vec<Vec<f32>>)>;

fn predicted(batch: &Batch<'_>) -> Result<Predictions, EvaluateError> {
    let Some(rows) = batch.method.distributions(batch.supports)? else {
        return Ok(batch.method.ratings(batch.supports)?.map(|ratings| (ratings.clone(), ratings)));
    };
    let of =
        |guess: fn(&RatingDistribution) -> f32| rows.par_iter().map(|row| row.iter().map(guess).collect()).collect();
    Ok(Some((of(RatingDistribution::mean), of(RatingDistribution::median))))
}

fn measured_ratings(shots: Shots, ratings: &[UserRating]) -> Vec<Measured> {
    let of = |name: &str, direction, value: fn(&UserRating) -> Option<f64>| {
        let values = ratings.iter().filter_map(|rating| Some((rating.user, value(rating)?)));
        Measured::per_user(name, shots, direction, values.collect())
    };
    vec![
        of("rmse", Direction::LowerIsBetter, |rating| rating.rmse),
        of("mae", Direction::LowerIsBetter, |rating| rating.mae),
        of("mae_of_mean", Direction::LowerIsBetter, |rating| rating.mae_of_mean),
        of("accuracy", Direction::HigherIsBetter, |rating| rating.accuracy),
    ]
}

fn tell_ranked(
    sink: &mut dyn PredictionSink,
    batch: &Batch<'_>,
    (users, depth): (&[UserRanking], usize),
    scores: &[Vec<f32>],
) -> Result<(), EvaluateError> {
    for (user, scores) in users.iter().zip(scores) {
        let best = user.top.iter().take(depth);
        let items: Vec<(ItemIndex, f32)> = best.map(|&item| (item, scores[item.position()])).collect();
        sink.ranked(&batch.predicted(user.user, &items))?;
    }
    Ok(())
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

pub(super) fn check_shape<T>(
    method: &dyn Method,
    rows: &[Vec<T>],
    supports: usize,
    items: usize,
) -> Result<(), EvaluateError> {
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

pub(super) fn check_indices(data: &Dataset, split: &UserSplit) -> Result<(), EvaluateError> {
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
