//! How well a method knows how sure it is of ratings.

use crate::data::{Dataset, HeldOutUser, ItemIndex, Shots, UserIndex, UserSplit};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::{Method, Support};
use crate::evaluate::metric::{Direction, central_part, holds, interval_score, mae, rmse};
use crate::evaluate::protocol::measure::check_shape;
use crate::evaluate::protocol::question::Question;
use crate::evaluate::protocol::shots::{Part, default_shots, pool_size};
use crate::evaluate::report::{Measured, Report};
use crate::model::RatingDistribution;

/// Users who are handed to a method at once.
const BATCH: usize = 64;
/// The coverage of the intervals that are scored.
const COVERAGE: f64 = 0.9;
/// The coverages of a calibration table.
const NOMINAL: [f64; 9] = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9];

/// The user-cold protocol for predicted distributions of ratings: the same users, support sets and query events as those whose ratings
/// [`UserCold`](crate::evaluate::UserCold) predicts.
///
/// | metric | of one user's query events |
/// |---|---|
/// | `coverage@90` | share that 90 % intervals hold; good is near 0.9 |
/// | `coverage@90/events` | the same, each user counting as many times as they have events: its mean is the share of all events |
/// | `width@90` | mean width of these intervals, in the unit of the ratings |
/// | `interval_score@90` | [`interval_score`] |
/// | `crps`, `log_score` | [`RatingDistribution::crps`] and [`RatingDistribution::log_score`] |
/// | `mae`, `mae_of_mean`, `rmse` | absolute error of the median, and of the mean; squared error of the mean |
///
/// Cost besides the method's own: an evaluation of the normal distribution for each query event and coverage.
pub struct Uncertainty<'a> {
    data: &'a Dataset,
    split: &'a UserSplit,
    part: Part,
    shots: Vec<usize>,
    candidates: Vec<ItemIndex>,
}

/// One line of a calibration table: what there is to plot.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct CalibrationRow {
    /// How many events of each user the method saw.
    pub shots: usize,
    /// The share of events that is to be held.
    pub nominal: f64,
    /// The share that central intervals of the distributions hold: what a plot of calibration shows. See [`central_part`].
    pub central: f64,
    /// The share that [`RatingDistribution::interval`] holds: of a scale of few levels never less than the medians alone do.
    pub interval: f64,
    /// Over how many events.
    pub events: usize,
}

/// One user's query events with a value, and what was predicted of them.
struct Answered {
    user: UserIndex,
    events: Vec<(RatingDistribution, f32)>,
}

impl<'a> Uncertainty<'a> {
    /// The protocol on the test users, at [the shots](super::UserCold::new) that their pools allow.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if a held-out user has items that the data set has not.
    pub fn new(data: &'a Dataset, split: &'a UserSplit) -> Result<Self, EvaluateError> {
        let items = data.catalogue().len();
        let events = split.valid.iter().chain(&split.test).flat_map(|user| user.pool.iter().chain(&user.query));
        let mut foreign = events.filter(|event| event.item.position() >= items);
        match foreign.next() {
            Some(event) => Err(EvaluateError::ForeignSplit(format!("item {} of {items}", event.item.0))),
            None => {
                let (shots, candidates) = (default_shots(pool_size(split)), split.candidates());
                Ok(Self { data, split, part: Part::Test, shots, candidates })
            }
        }
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

    /// Adds what a method's distributions are worth to `report`, and returns its calibration table: nothing if it predicts no distributions.
    ///
    /// # Errors
    /// [`EvaluateError::NoUsers`] and [`EvaluateError::TooManyShots`] if the split does not have what is asked for; what the method fails with;
    /// [`EvaluateError::WrongShape`] if it breaks the contract of [`Method`]; [`EvaluateError::MethodTwice`]. The report is unchanged then.
    pub fn run(&self, method: &dyn Method, report: &mut Report) -> Result<Vec<CalibrationRow>, EvaluateError> {
        let users = self.part.of(self.split);
        let pool = users.iter().map(|user| user.pool.len()).min().ok_or(EvaluateError::NoUsers(self.part))?;
        if let Some(&shots) = self.shots.iter().find(|&&shots| shots > pool) {
            return Err(EvaluateError::TooManyShots { shots, pool, part: self.part });
        }
        let (mut measured, mut table) = (Vec::new(), Vec::new());
        for &shots in &self.shots {
            let Some(answered) = self.ask(method, users, shots)? else { return Ok(Vec::new()) };
            measured.extend(measured_at(shots, &answered));
            table.extend(NOMINAL.map(|nominal| calibration(shots, nominal, &answered)));
        }
        report.add(method.name(), method.config(), measured)?;
        Ok(table)
    }

    fn ask(
        &self,
        method: &dyn Method,
        users: &'a [HeldOutUser],
        shots: usize,
    ) -> Result<Option<Vec<Answered>>, EvaluateError> {
        let questions: Vec<Question<'_>> = users.iter().map(|user| self.question(user)).collect();
        let mut all = Vec::with_capacity(users.len());
        for questions in questions.chunks(BATCH) {
            let seen: Vec<_> = questions.iter().map(|question| question.support(Shots::First(shots))).collect();
            let both = questions.iter().zip(&seen);
            let supports: Vec<Support<'_>> =
                both.map(|(question, events)| Support { user: question.user, events }).collect();
            let Some(rows) = method.distributions(&supports)? else { return Ok(None) };
            check_shape(method, &rows, supports.len(), self.data.catalogue().len())?;
            all.extend(questions.iter().zip(&rows).map(|(question, row)| answered(question, row)));
        }
        all.retain(|user: &Answered| !user.events.is_empty());
        Ok(Some(all))
    }

    fn question(&self, user: &'a HeldOutUser) -> Question<'a> {
        let pool = user.pool.iter().map(|event| event.item);
        let events = (&user.pool[..], &user.query[..]);
        Question::all_but(user.user, events, pool, &self.candidates, self.data.like_rule())
    }
}

fn answered(question: &Question<'_>, row: &[RatingDistribution]) -> Answered {
    let Question { user, rated, values, .. } = question;
    let events = rated.iter().map(|item| row[item.position()].clone()).zip(values.iter().copied()).collect();
    Answered { user: *user, events }
}

/// The mean of something over all events of some users.
fn over_events(users: &[Answered], of: impl Fn(&RatingDistribution, f32) -> f64) -> f64 {
    let events = || users.iter().flat_map(|user| &user.events);
    events().map(|(rating, value)| of(rating, *value)).sum::<f64>() / events().count().max(1) as f64
}

fn held(rating: &RatingDistribution, value: f32, coverage: f64) -> f64 {
    if holds(rating.interval(coverage), value) { 1.0 } else { 0.0 }
}

fn calibration(shots: usize, nominal: f64, users: &[Answered]) -> CalibrationRow {
    CalibrationRow {
        shots,
        nominal,
        central: over_events(users, |rating, value| central_part(rating.shares_around(value), nominal)),
        interval: over_events(users, |rating, value| held(rating, value, nominal)),
        events: users.iter().map(|user| user.events.len()).sum(),
    }
}

fn measured_at(shots: usize, users: &[Answered]) -> Vec<Measured> {
    let (up, down) = (Direction::HigherIsBetter, Direction::LowerIsBetter);
    let per_user = |name: &str, direction, of: &dyn Fn(&Answered) -> f64| {
        let values = users.iter().map(|user| (user.user, of(user))).collect();
        Measured::per_user(name, shots, direction, values)
    };
    let mean = |of: fn(&RatingDistribution, f32) -> f64| {
        move |user: &Answered| {
            user.events.iter().map(|(rating, value)| of(rating, *value)).sum::<f64>() / user.events.len() as f64
        }
    };
    let covered = mean(|rating, value| held(rating, value, COVERAGE));
    // The mean over users of these is the mean over events, and so is that of a resample, to first order.
    let overall = over_events(users, |rating, value| held(rating, value, COVERAGE));
    let each = users.iter().map(|user| user.events.len()).sum::<usize>() as f64 / users.len().max(1) as f64;
    let weighted = |user: &Answered| overall + user.events.len() as f64 / each * (covered(user) - overall);
    let error = |of: fn(&[f32], &[f32]) -> Option<f64>, guess: fn(&RatingDistribution) -> f32| {
        move |user: &Answered| {
            let (guesses, values): (Vec<f32>, Vec<f32>) =
                user.events.iter().map(|(rating, value)| (guess(rating), *value)).unzip();
            of(&guesses, &values).unwrap_or_default()
        }
    };
    vec![
        per_user("coverage@90", up, &covered),
        per_user("coverage@90/events", up, &weighted),
        per_user(
            "width@90",
            down,
            &mean(|rating, _| {
                let (low, high) = rating.interval(COVERAGE);
                f64::from(high - low)
            }),
        ),
        per_user(
            "interval_score@90",
            down,
            &mean(|rating, value| interval_score(rating.interval(COVERAGE), value, COVERAGE)),
        ),
        per_user("crps", down, &mean(RatingDistribution::crps)),
        per_user("log_score", down, &mean(RatingDistribution::log_score)),
        per_user("mae", down, &error(mae, RatingDistribution::median)),
        per_user("mae_of_mean", down, &error(mae, RatingDistribution::mean)),
        per_user("rmse", down, &error(rmse, RatingDistribution::mean)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DatasetBuilder, Event, IndexedEvent};
    use crate::evaluate::UserCold;
    use crate::model::RatingScale;

    /// Everybody gives 4 stars, or so.
    struct Four(f64);

    impl Method for Four {
        fn name(&self) -> &str {
            "four"
        }

        fn distributions(
            &self,
            supports: &[Support<'_>],
        ) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
            let scale = RatingScale::Levels(vec![1.0, 2.0, 3.0, 4.0, 5.0]);
            Ok(Some(vec![vec![RatingDistribution::new(4.2, self.0, scale); 6]; supports.len()]))
        }
    }

    fn market() -> (Dataset, UserSplit) {
        let mut events = DatasetBuilder::new();
        for (user, values) in [("train", [4.0; 6]), ("a", [4.0, 4.0, 5.0, 5.0, 5.0, 1.0]), ("b", [4.0; 6])] {
            for (item, value) in ["i", "j", "k", "l", "m", "n"].into_iter().zip(values) {
                events.push(user, &Event::rating(item, value)).unwrap();
            }
        }
        let data = events.build();
        let held_out = |user, query: usize| {
            let (pool, rest) = data.history(UserIndex(user)).split_at(2);
            HeldOutUser { user: UserIndex(user), pool: pool.to_vec(), query: rest[..query].to_vec() }
        };
        let train = vec![crate::data::TaskHistory { user: UserIndex(0), events: data.history(UserIndex(0)).to_vec() }];
        let split = UserSplit { train, valid: Vec::new(), test: vec![held_out(1, 4), held_out(2, 1)] };
        (data, split)
    }

    #[test]
    fn coverage_and_errors_are_those_counted_by_hand() {
        let (data, split) = market();
        let protocol = Uncertainty::new(&data, &split).unwrap().with_shots([0, 2]);
        let mut report = Report::new();
        // 3 to 5 stars hold 0.96 of the distribution, 4 and 5 hold 0.86.
        let table = protocol.run(&Four(0.4), &mut report).unwrap();
        let mean = |metric: &str| report.mean("four", 2, metric).unwrap();
        assert_eq!((mean("coverage@90"), mean("width@90")), ((0.75 + 1.0) / 2.0, 1.0));
        assert!((mean("coverage@90/events") - 0.8).abs() < 1e-12, "4 of 5 events");
        assert!((mean("interval_score@90") - ((4.0 + 20.0 * 3.0) / 4.0 + 1.0) / 2.0).abs() < 1e-6);
        assert_eq!(mean("mae"), (6.0 / 4.0 + 0.0) / 2.0);
        assert!((mean("mae_of_mean") - ((0.8 * 3.0 + 3.2) / 4.0 + 0.2) / 2.0).abs() < 1e-6);
        assert!((mean("rmse") - (((0.64 * 3.0 + 10.24) / 4.0_f64).sqrt() + 0.2) / 2.0).abs() < 1e-6);
        let ninety = table.iter().find(|row| row.shots == 2 && row.nominal == 0.9).unwrap();
        assert_eq!((ninety.interval, ninety.events, table.len()), (0.8, 5, 18));
    }

    #[test]
    fn what_is_rated_again_is_asked_for_as_the_user_cold_protocol_does() {
        struct Guess;
        impl Method for Guess {
            fn name(&self) -> &str {
                "guess"
            }
            fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
                Ok(Some(vec![vec![4.2; 6]; supports.len()]))
            }
        }
        let (data, mut split) = market();
        let again = IndexedEvent { value: Some(1.0), ..split.test[0].pool[0] };
        split.test[0].query.push(again);
        // Ratings are predicted where those of training differ.
        split.train[0].events[5].value = Some(5.0);
        let (mut sure, mut guessed) = (Report::new(), Report::new());
        let table = Uncertainty::new(&data, &split).unwrap().with_shots([2]).run(&Four(0.4), &mut sure).unwrap();
        assert_eq!(table[0].events, 6);
        UserCold::new(&data, &split).unwrap().with_shots([2]).run(&Guess, &mut guessed).unwrap();
        assert_eq!(sure.mean("four", 2, "rmse"), guessed.mean("guess", 2, "rmse"));
    }

    #[test]
    fn support_is_in_time_order_where_the_pool_is_not() {
        struct Ordered;
        impl Method for Ordered {
            fn name(&self) -> &str {
                "ordered"
            }
            fn distributions(
                &self,
                supports: &[Support<'_>],
            ) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
                let times = |support: &Support<'_>| support.events.iter().map(|event| event.timestamp).collect();
                let seen: Vec<Vec<_>> = supports.iter().map(times).collect();
                assert_eq!(seen, [vec![Some(10), Some(20)], vec![None, None]]);
                Four(0.4).distributions(supports)
            }
        }
        let (data, mut split) = market();
        for (event, time) in split.test[0].pool.iter_mut().zip([20, 10]) {
            event.timestamp = Some(time);
        }
        Uncertainty::new(&data, &split).unwrap().with_shots([2]).run(&Ordered, &mut Report::new()).unwrap();
    }

    #[test]
    fn a_method_without_distributions_has_no_row() {
        struct Nothing;
        impl Method for Nothing {
            fn name(&self) -> &str {
                "nothing"
            }
        }
        let (data, split) = market();
        let mut report = Report::new();
        assert!(Uncertainty::new(&data, &split).unwrap().run(&Nothing, &mut report).unwrap().is_empty());
        assert_eq!(report, Report::new());
    }

    #[test]
    fn more_shots_than_there_are_are_refused() {
        let (data, split) = market();
        let error = Uncertainty::new(&data, &split).unwrap().with_shots([3]).run(&Four(1.0), &mut Report::new());
        assert!(matches!(error, Err(EvaluateError::TooManyShots { shots: 3, pool: 2, .. })));
    }
}
