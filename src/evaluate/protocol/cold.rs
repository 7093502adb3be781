//! Protocols in which users can be known and items can be new.

use std::collections::HashMap;

use crate::data::{Cold, ColdSplit, Dataset, HeldOutUser, IndexedEvent, ItemIndex, Shots, UserIndex};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::Method;
use crate::evaluate::metric::RankingMetric;
use crate::evaluate::predictions::{NoPredictions, PredictionSink};
use crate::evaluate::protocol::Protocol;
use crate::evaluate::protocol::measure::{Exam, Measure, Ranking};
use crate::evaluate::protocol::question::Question;
use crate::evaluate::protocol::shots::{Part, default_shots, pool_size};
use crate::evaluate::report::Report;

/// What the names of metrics over the new items alone begin with.
const AMONG_COLD: &str = "cold:";

/// The protocols over a [`ColdSplit`], in which users can be known to training and items can be new.
///
/// | made by | of a split by | who is asked | what a method sees | ranked, besides what training knows | not ranked |
/// |---|---|---|---|---|---|
/// | [`ColdProtocol::item_cold`] | [`ColdSplit::by_item`] | known users | their whole training history | the part's new items | all else they did |
/// | [`ColdProtocol::both_cold`] | [`ColdSplit::by_user_and_item`] | new users | the first events of their pool | the part's new items | all else they did |
/// | [`ColdProtocol::leave_last_out`] | [`ColdSplit::leave_last_out`] | known users | all before the query | items that are new in the part | the pool |
/// | [`ColdProtocol::by_time`] | [`ColdSplit::by_time`] | whoever acts in the period | all before the period, nothing of a new user | items that are new in the part | the pool |
///
/// A method is fitted on the split's training users ([`ColdSplit::users`]), among whom the known ones are; it still gets their events as
/// a support set, as new users' events. The most recent ones may be from after training (validation's, at the test).
///
/// - *Relevant* are the liked items of the query. In the first two protocols these are all new: the question is whether a new item
///   finds its users among everything that a user could be shown. What the same users did with other items counts neither for nor
///   against, so these are not ranked for them.
/// - *Shots*: histories have different lengths, so the number of events is none that a row could have. `k` is `"all"` for everything that
///   is known, `"last-n"` for the most recent `n` as a model may read, and a number for the first events where everybody has as many
///   (by default for `both_cold`, whose pools do). Numbers are possible for `item_cold` too: there the pool is the beginning of the history.
/// - The first two also say how new items are placed among each other: metrics whose names begin with `cold:` rank the part's new
///   items alone. They tell a method that knows nothing of new items, and is at the level of chance there, from one that knows which
///   of them a user likes but puts them all behind the old ones.
/// - Ties, clipping, metrics and intervals are as in [`UserCold`](crate::evaluate::UserCold).
///
/// Cost besides the method's own: `users * shots * candidates`, over threads; memory for the scores of 64 users.
///
/// ```
/// use metarec::data::{ColdSplit, ItemRule};
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{ColdProtocol, Report, Shots};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let split = ColdSplit::by_item(&data, &ItemRule::default())?;
/// let popularity = metarec::baseline::Popularity::fit(&data, &split.users);
/// let mut report = Report::new().of_protocol("item-cold");
/// ColdProtocol::item_cold(&data, &split)?.run(&popularity, &mut report)?;
/// let (everywhere, among_new) = ("ndcg@10", "cold:ndcg@10");
/// assert!(report.mean("popularity", Shots::All, everywhere) < report.mean("popularity", Shots::All, among_new));
/// # Ok(())
/// # }
/// ```
pub struct ColdProtocol<'a> {
    data: &'a Dataset,
    split: &'a ColdSplit,
    kind: Kind,
    part: Part,
    shots: Vec<Shots>,
    measure: Measure<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    ItemCold,
    BothCold,
    LeaveLastOut,
    Time,
}

impl Kind {
    /// Whether the query is of new items only, and all else that a user did is passed over.
    fn asks_for_new_items(self) -> bool {
        matches!(self, Self::ItemCold | Self::BothCold)
    }
}

impl<'a> ColdProtocol<'a> {
    /// Known users are asked for new items, on the test part, seeing their whole training history.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn item_cold(data: &'a Dataset, split: &'a ColdSplit) -> Result<Self, EvaluateError> {
        Self::new(data, split, Kind::ItemCold, vec![Shots::All])
    }

    /// New users are asked for new items, on the test part, at [the shots](super::UserCold::new) that the pools allow.
    ///
    /// # Errors
    /// As [`ColdProtocol::item_cold`].
    pub fn both_cold(data: &'a Dataset, split: &'a ColdSplit) -> Result<Self, EvaluateError> {
        let shots = default_shots(pool_size(&split.users)).into_iter().map(Shots::First).collect();
        Self::new(data, split, Kind::BothCold, shots)
    }

    /// Known users are asked for their last event, on the test part, seeing all that came before.
    ///
    /// # Errors
    /// As [`ColdProtocol::item_cold`].
    pub fn leave_last_out(data: &'a Dataset, split: &'a ColdSplit) -> Result<Self, EvaluateError> {
        Self::new(data, split, Kind::LeaveLastOut, vec![Shots::All])
    }

    /// Everybody who acts in the period of the test is asked for what they do, a method seeing all that they did before.
    ///
    /// # Errors
    /// As [`ColdProtocol::item_cold`].
    pub fn by_time(data: &'a Dataset, split: &'a ColdSplit) -> Result<Self, EvaluateError> {
        Self::new(data, split, Kind::Time, vec![Shots::All])
    }

    fn new(data: &'a Dataset, split: &'a ColdSplit, kind: Kind, shots: Vec<Shots>) -> Result<Self, EvaluateError> {
        let measure = Measure::new(data, &split.users)?;
        Ok(Self { data, split, kind, part: Part::Test, shots, measure })
    }

    /// The same protocol on another part.
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

    /// The same protocol with other ranking metrics; coverage and the rating metrics stay.
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

    fn cold(&self) -> &'a Cold {
        match self.part {
            Part::Valid => &self.split.valid,
            Part::Test => &self.split.test,
        }
    }

    fn rankings(&self) -> Vec<Ranking> {
        let mut rankings = vec![Ranking { prefix: "", candidates: self.split.candidates(self.cold()) }];
        if self.kind.asks_for_new_items() {
            rankings.push(Ranking { prefix: AMONG_COLD, candidates: self.cold().items.clone() });
        }
        rankings
    }

    /// The training history of each user whose pool is only its beginning.
    fn histories(&self) -> HashMap<UserIndex, &'a [IndexedEvent]> {
        let train = match self.kind {
            Kind::ItemCold => &self.split.users.train[..],
            _ => &[],
        };
        train.iter().map(|task| (task.user, &task.events[..])).collect()
    }

    fn question(&self, user: &'a HeldOutUser, known: &'a [IndexedEvent], candidates: &[ItemIndex]) -> Question<'a> {
        let mut excluded: Vec<ItemIndex> = user.pool.iter().map(|event| event.item).collect();
        if self.kind.asks_for_new_items() {
            let asked = |item: &ItemIndex| user.query.iter().any(|event| event.item == *item);
            let done = known.iter().chain(self.data.history(user.user)).map(|event| event.item);
            excluded.extend(done.filter(|item| !asked(item)));
        }
        Question::all_but(user.user, (known, &user.query), excluded, candidates, self.data.like_rule())
    }
}

impl Protocol for ColdProtocol<'_> {
    fn name(&self) -> &str {
        match self.kind {
            Kind::ItemCold => "item-cold",
            Kind::BothCold => "both-cold",
            Kind::LeaveLastOut => "leave-last-out",
            Kind::Time => "time",
        }
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
        let (rankings, histories) = (self.rankings(), self.histories());
        let candidates = &rankings[0].candidates;
        let known = |user: &'_ HeldOutUser| histories.get(&user.user).copied();
        let users = self.part.of(&self.split.users).iter();
        let questions = users.map(|user| self.question(user, known(user).unwrap_or(&user.pool), candidates)).collect();
        let exam = Exam { part: self.part, shots: self.shots.clone(), rankings, questions };
        self.measure.run(method, &exam, report, sink)
    }
}
