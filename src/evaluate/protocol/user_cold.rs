//! The user-cold protocol: users never seen in training, served from their first events.

use crate::data::{Dataset, HeldOutUser, ItemIndex, Shots, UserSplit};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::Method;
use crate::evaluate::metric::RankingMetric;
use crate::evaluate::predictions::{NoPredictions, PredictionSink};
use crate::evaluate::protocol::Protocol;
use crate::evaluate::protocol::measure::{Exam, Measure, Ranking};
use crate::evaluate::protocol::question::{Question, ascending};
use crate::evaluate::protocol::shots::{Part, default_shots, pool_size};
use crate::evaluate::report::Report;

/// The user-cold protocol over one split.
///
/// - At `k` shots a method sees the first `k` events of each user's pool. Query events and candidates are the same at
///   every `k`.
/// - Ranked is every item that has an event of a training user ([`UserSplit::candidates`]), less the items of the
///   user's pool, at every `k`. Query events of other items are left out; those of items that are in the pool as well are
///   not ranked, but if they carry a value, that is predicted.
/// - Relevant are the items of query events that are likes by the data's rule. A user without any has no ranking
///   values.
/// - Equal scores are ordered by the MD5 of `"tie|item"`, smaller first; scores that are not finite are equal to each
///   other and last.
/// - Ratings are predicted for the query events that carry a value, and clipped to the range of the training values.
///   Where those do not differ there are no rating values. Of a method that predicts distributions, `rmse` and `accuracy` are of their means and `mae` is of
///   their medians. [`accuracy`](crate::evaluate::metric::accuracy) is of the rule's threshold: is the event a like, and was it predicted to be one?
/// - Every value is one user's; the report's means are over users, so each counts the same however long the history.
///   Only `coverage@10` is of all users' lists together.
///
/// Metrics: `ndcg@10`, `hr@10`, `recall@20`, `mrr@100`, `precision@10`, `f1@10`, `map@10`, `auc`, `coverage@10`;
/// `rmse`, `mae`, `mae_of_mean` (of what predicts distributions the mean's too, to compare with what has no medians), `accuracy`.
///
/// Another size of the pool is another rule of the split, and the numbers of shots go with it:
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::{SplitRule, UserSplit};
/// use metarec::evaluate::UserCold;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let rule = SplitRule::default().with_support(50).with_min_events(80);
/// let split = UserSplit::by_digest(&data, &rule)?;
/// let protocol = UserCold::new(&data, &split)?.with_shots([0, 1, 5, 10, 20, 50]);
/// # Ok(())
/// # }
/// ```
///
/// The query of a user is then what comes after the first 50, at each of these numbers, so values are not those of another pool.
///
/// Cost besides the method's own: `users * shots * candidates`, spread over threads (556 users, four numbers of shots
/// and 3,643 items take a tenth of a second); memory for the scores of 64 users.
pub struct UserCold<'a> {
    data: &'a Dataset,
    split: &'a UserSplit,
    part: Part,
    shots: Vec<usize>,
    candidates: Vec<ItemIndex>,
    measure: Measure<'a>,
}

impl<'a> UserCold<'a> {
    /// The protocol on the test users, at 0, 1, 5 and 20 shots as far as their pools go (10 in place of 20 where those
    /// are shorter), and with the whole pool where it is larger.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn new(data: &'a Dataset, split: &'a UserSplit) -> Result<Self, EvaluateError> {
        let measure = Measure::new(data, split)?;
        let (shots, candidates) = (default_shots(pool_size(split)), split.candidates());
        Ok(Self { data, split, part: Part::Test, shots, candidates, measure })
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
        self.measure.metrics = metrics;
        self
    }

    /// The same protocol ranking these items in place of those that training knows: of a new market, or of a genre that training lacked.
    #[must_use]
    pub fn with_candidates(mut self, candidates: impl Into<Vec<ItemIndex>>) -> Self {
        self.candidates = ascending(candidates.into());
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
        self.run_with(method, report, &mut NoPredictions)
    }

    fn question(&self, user: &'a HeldOutUser) -> Question<'a> {
        let excluded = user.pool.iter().map(|event| event.item);
        let events = (&user.pool[..], &user.query[..]);
        Question::all_but(user.user, events, excluded, &self.candidates, self.data.like_rule())
    }
}

impl Protocol for UserCold<'_> {
    fn name(&self) -> &str {
        "user-cold"
    }

    fn shots(&self) -> Vec<Shots> {
        self.shots.iter().copied().map(Shots::First).collect()
    }

    fn run_with(
        &self,
        method: &dyn Method,
        report: &mut Report,
        sink: &mut dyn PredictionSink,
    ) -> Result<(), EvaluateError> {
        let exam = Exam {
            part: self.part,
            shots: Protocol::shots(self),
            rankings: vec![Ranking { prefix: "", candidates: self.candidates.clone() }],
            questions: self.part.of(self.split).iter().map(|user| self.question(user)).collect(),
        };
        self.measure.run(method, &exam, report, sink)
    }
}
