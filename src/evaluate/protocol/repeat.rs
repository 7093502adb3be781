//! Repeat purchase: which of their own items users take again.

use std::collections::HashSet;

use crate::data::{Dataset, HeldOutUser, IndexedEvent, ItemIndex, Shots, UserSplit};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::Method;
use crate::evaluate::metric::RankingMetric;
use crate::evaluate::predictions::{NoPredictions, PredictionSink};
use crate::evaluate::protocol::Protocol;
use crate::evaluate::protocol::measure::{Exam, Measure, Ranking};
use crate::evaluate::protocol::question::{Question, ascending};
use crate::evaluate::protocol::shots::Part;
use crate::evaluate::report::Report;

/// The protocol of repeat purchase: of the items that a user has liked before (bought, played, rated well: what the data's rule says),
/// which do they like again? Over a split whose histories keep their repeats, as [`UserSplit::by_repeats`] makes it.
///
/// - A method sees the pool, with its repeats: all of it (`k` is `"all"`), or what else it is told to see.
/// - Ranked are the items that the user likes in the pool, the same at every `k`, and nothing else: finding *new* items is what the other
///   protocols ask, with each item of a user once. (So "what will this household buy next" is two questions, this one, and
///   [`UserCold`](crate::evaluate::UserCold) over [`UserSplit::by_digest`], which keeps the first event of each item and ranks only items
///   that are new to the user.)
/// - Relevant are those of them that the user likes in the query. Who likes none again has no values.
/// - No ratings are asked for. Ties, metrics and intervals are as in [`UserCold`](crate::evaluate::UserCold).
///
/// The method to beat is the user's own habit, `PersonalFrequency` among the baselines: most next-basket methods do not (Li et al., *A Next
/// Basket Recommendation Reality Check*, ACM TOIS 41, 2023). As the list is short, `recall@20` and AUC of chance are far from 0.
///
/// Cost besides the method's own: `users * shots * own items`.
pub struct RepeatPurchase<'a> {
    data: &'a Dataset,
    split: &'a UserSplit,
    part: Part,
    shots: Vec<Shots>,
    measure: Measure<'a>,
}

impl<'a> RepeatPurchase<'a> {
    /// The protocol on the test users, a method seeing all that they did before.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn new(data: &'a Dataset, split: &'a UserSplit) -> Result<Self, EvaluateError> {
        let measure = Measure::new(data, split)?;
        Ok(Self { data, split, part: Part::Test, shots: vec![Shots::All], measure })
    }

    /// The same protocol on the users of `part`.
    #[must_use]
    pub fn on(mut self, part: Part) -> Self {
        self.part = part;
        self
    }

    /// The same protocol with other support sets, in this order.
    #[must_use]
    pub fn with_shots(mut self, shots: impl Into<Vec<Shots>>) -> Self {
        self.shots = shots.into();
        self
    }

    /// The same protocol with other ranking metrics; coverage stays.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Vec<Box<dyn RankingMetric>>) -> Self {
        self.measure.metrics = metrics;
        self
    }

    /// Runs the protocol on a method and adds what it measured to `report`.
    ///
    /// # Errors
    /// As [`UserCold::run`](crate::evaluate::UserCold::run); [`EvaluateError::TooManyShots`] only where the first events are asked for.
    pub fn run(&self, method: &dyn Method, report: &mut Report) -> Result<(), EvaluateError> {
        self.run_with(method, report, &mut NoPredictions)
    }

    fn liked<'e>(&self, events: &'e [IndexedEvent]) -> impl Iterator<Item = ItemIndex> + use<'e, 'a> {
        let likes = self.data.like_rule();
        events.iter().filter(move |event| likes.is_like(event)).map(|event| event.item)
    }

    fn question(&self, user: &'a HeldOutUser) -> Question<'a> {
        let own: HashSet<ItemIndex> = self.liked(&user.pool).collect();
        let again = ascending(self.liked(&user.query).filter(|item| own.contains(item)));
        Question::only(user.user, &user.pool, own, again)
    }
}

impl Protocol for RepeatPurchase<'_> {
    fn name(&self) -> &str {
        "repeat"
    }

    fn shots(&self) -> Vec<Shots> {
        self.shots.clone()
    }

    fn run_with(
        &self,
        method: &dyn Method,
        report: &mut Report,
        sink: &mut dyn PredictionSink,
    ) -> Result<(), EvaluateError> {
        let users = self.part.of(self.split);
        let candidates = ascending(users.iter().flat_map(|user| self.liked(&user.pool)));
        let exam = Exam {
            part: self.part,
            shots: self.shots.clone(),
            rankings: vec![Ranking { prefix: "", candidates }],
            questions: users.iter().map(|user| self.question(user)).collect(),
        };
        self.measure.run(method, &exam, report, sink)
    }
}
