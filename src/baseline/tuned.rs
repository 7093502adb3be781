//! Settings chosen on the validation users, for each number of shots.

use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::data::{Dataset, UserSplit};
use crate::evaluate::metric::Direction;
use crate::evaluate::{
    EvaluateError, Method, Part, Protocol, ProtocolOptions, ProtocolSplit, Report, Shots, Support, UserCold,
};
use crate::model::RatingDistribution;

/// A method in the setting that did best on the validation users, chosen for each number of shots.
///
/// At another number of shots the setting of the next smaller one serves; below the smallest, the smallest one's.
/// Settings that were chosen for several numbers of shots are held once.
#[derive(Clone, Debug)]
pub struct Tuned<M> {
    name: String,
    /// For each number of shots, ascending; never empty.
    chosen: Vec<(usize, Arc<M>)>,
}

impl<M> Tuned<M> {
    /// What serves at each number of shots it was tuned for, ascending.
    pub fn chosen(&self) -> impl Iterator<Item = (usize, &M)> {
        self.chosen.iter().map(|(shots, method)| (*shots, &**method))
    }

    /// What serves at this number of shots.
    #[must_use]
    pub fn at(&self, shots: usize) -> &M {
        let up_to = self.chosen.partition_point(|&(tuned, _)| tuned <= shots);
        &self.chosen[up_to.saturating_sub(1)].1
    }
}

impl<M: Method> Tuned<M> {
    /// One setting for every number of shots.
    pub(super) fn of_one(method: M) -> Self {
        Self { name: method.name().to_owned(), chosen: vec![(0, Arc::new(method))] }
    }
}

impl<M: Method + Send> Tuned<M> {
    /// Asks for each support set the method of its number of shots, over threads.
    fn rows<T: Send>(
        &self,
        supports: &[Support<'_>],
        ask: impl Fn(&M, &[Support<'_>]) -> Result<Option<Vec<Vec<T>>>, EvaluateError> + Sync,
    ) -> Result<Option<Vec<Vec<T>>>, EvaluateError> {
        let row = |support: &Support<'_>| {
            let rows = ask(self.at(support.events.len()), std::slice::from_ref(support))?;
            Ok(rows.and_then(|mut rows| rows.pop()))
        };
        supports.par_iter().map(row).collect()
    }
}

impl<M: Method + Send> Method for Tuned<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn config(&self) -> String {
        if let [(_, only)] = &self.chosen[..] {
            return only.config();
        }
        let settings = self.chosen.iter().map(|(shots, method)| format!("k={shots} {}", method.config()));
        settings.collect::<Vec<_>>().join(", ")
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.rows(supports, |method, supports| method.scores(supports))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.rows(supports, |method, supports| method.ratings(supports))
    }

    fn distributions(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
        self.rows(supports, |method, supports| method.distributions(supports))
    }
}

/// Chooses settings on the validation users of a split, for each number of shots by itself, under the protocol that methods are to be scored by.
///
/// ```
/// use metarec::baseline::{Knn, KnnConfig, Tuner};
/// use metarec::data::synthetic::MarketConfig;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let split = data.split()?;
/// let tuner = Tuner::new(&data, &split, &[1, 5])?;
/// let knn = |shrink| Knn::fit(&data, &split, &KnnConfig::default().with_shrink(shrink));
/// let tuned = tuner.choose("ndcg@10", [2.0, 50.0].map(knn), || knn(20.0))?;
/// assert_eq!(tuned.chosen().map(|(shots, _)| shots).collect::<Vec<_>>(), [1, 5]);
/// # Ok(())
/// # }
/// ```
pub struct Tuner<'a> {
    data: &'a Dataset,
    split: &'a UserSplit,
    protocol: Box<dyn Protocol + 'a>,
    /// What is chosen together, under the number of events from which on it serves; ascending.
    tuned: Vec<(usize, Vec<Shots>)>,
    /// Numbers of shots that the pools do not hold, ascending.
    untuned: Vec<usize>,
}

impl<'a> Tuner<'a> {
    /// For each of `shots`, under the user-cold protocol.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn new(data: &'a Dataset, split: &'a UserSplit, shots: &[usize]) -> Result<Self, BaselineError> {
        let (tuned, untuned) = held_by(split, shots);
        let protocol = UserCold::new(data, split)?.on(Part::Valid).with_shots(tuned);
        Ok(Self::on((data, split), Box::new(protocol), untuned))
    }

    /// Under the protocol of a split, for each of `shots`, such as [`Protocol::shots`] of the protocol that methods are to be scored by.
    ///
    /// Where histories have different lengths ([`Shots::All`], [`Shots::Last`]) one setting is chosen for all such `shots`, by the mean over them; it serves support
    /// sets with more events than the greatest of the numbers.
    ///
    /// # Errors
    /// As [`ProtocolSplit::protocol`].
    pub fn of_protocol(data: &'a Dataset, split: &'a ProtocolSplit, shots: &[Shots]) -> Result<Self, BaselineError> {
        let first = |shots: &Shots| if let Shots::First(count) = shots { Some(*count) } else { None };
        let numbers: Vec<usize> = shots.iter().filter_map(first).collect();
        let (tuned, untuned) = held_by(split.users(), &numbers);
        let mut others: Vec<Shots> = shots.iter().copied().filter(|shots| first(shots).is_none()).collect();
        if split.users().valid.is_empty() {
            others.clear();
        }
        let shots: Vec<Shots> = tuned.into_iter().map(Shots::First).chain(others).collect();
        let options = ProtocolOptions::default().on(Part::Valid).with_shots(shots);
        Ok(Self::on((data, split.users()), split.protocol(data, &options)?, untuned))
    }

    fn on((data, split): (&'a Dataset, &'a UserSplit), protocol: Box<dyn Protocol + 'a>, untuned: Vec<usize>) -> Self {
        let mut tuned: Vec<(usize, Vec<Shots>)> = Vec::new();
        let mut others = Vec::new();
        for shots in protocol.shots() {
            match shots {
                Shots::First(count) => tuned.push((count, vec![shots])),
                other => others.push(other),
            }
        }
        if !others.is_empty() {
            let greatest = tuned.iter().map(|(count, _)| *count).chain(untuned.iter().copied()).max();
            tuned.push((greatest.map_or(0, |greatest| greatest + 1), others));
        }
        Self { data, split, protocol, tuned, untuned }
    }

    /// What candidates are to be fitted on: the data set.
    #[must_use]
    pub fn data(&self) -> &'a Dataset {
        self.data
    }

    /// The split of it whose training users candidates are to be fitted on.
    #[must_use]
    pub fn split(&self) -> &'a UserSplit {
        self.split
    }

    /// The candidate that is best at each number of shots by `metric`, which goes by its name in reports (`ndcg@10`, `rmse`, ...); the first of equals. Where there
    /// are no validation users, their pools hold fewer events, or none of them has a value of the metric, it is `untuned`, which is made only then.
    ///
    /// Candidates are made and measured one after the other, so that no more of them are held at once than numbers of
    /// shots, and one.
    ///
    /// # Errors
    /// Those of the candidates and of the evaluation; [`BaselineError::NotMeasured`] if the protocol does not have the metric and it is none of ratings,
    /// or has none of its kind because the method does not rank; [`BaselineError::NoCandidates`] if there are none.
    pub fn choose<M: Method>(
        &self,
        metric: &str,
        candidates: impl IntoIterator<Item = Result<M, BaselineError>>,
        untuned: impl FnOnce() -> Result<M, BaselineError>,
    ) -> Result<Tuned<M>, BaselineError> {
        let mut chosen = self.best(metric, candidates)?;
        let shots = self.tuned.iter().map(|(from, _)| from).chain(&self.untuned).copied();
        let mut left: Vec<usize> = shots.filter(|shots| chosen.iter().all(|(tuned, _)| tuned != shots)).collect();
        if chosen.is_empty() && left.is_empty() {
            left.push(0);
        }
        if !left.is_empty() {
            let method = Arc::new(untuned()?);
            chosen.extend(left.into_iter().map(|shots| (shots, Arc::clone(&method))));
        }
        chosen.sort_by_key(|&(shots, _)| shots);
        let name = chosen.first().map(|(_, method)| method.name().to_owned()).unwrap_or_default();
        Ok(Tuned { name, chosen })
    }

    fn best<M: Method>(
        &self,
        metric: &str,
        candidates: impl IntoIterator<Item = Result<M, BaselineError>>,
    ) -> Result<Vec<(usize, Arc<M>)>, BaselineError> {
        let mut best: Vec<Option<(f64, Arc<M>)>> = vec![None; self.tuned.len()];
        if self.tuned.is_empty() {
            return Ok(Vec::new());
        }
        let mut candidates = candidates.into_iter().peekable();
        if candidates.peek().is_none() {
            return Err(BaselineError::NoCandidates);
        }
        for candidate in candidates {
            let candidate = Arc::new(candidate?);
            for (best, value) in best.iter_mut().zip(self.values(metric, &*candidate)?) {
                let Some(value) = value else { continue };
                if best.as_ref().is_none_or(|(most, _)| value > *most) {
                    *best = Some((value, Arc::clone(&candidate)));
                }
            }
        }
        Ok(self.tuned.iter().zip(best).filter_map(|((from, _), best)| Some((*from, best?.1))).collect())
    }

    /// What the metric is on average over what is chosen together, with a sign that makes more better; `None` of nobody.
    fn values(&self, metric: &str, method: &dyn Method) -> Result<Vec<Option<f64>>, BaselineError> {
        let mut report = Report::new();
        self.protocol.run(method, &mut report)?;
        let value = |shots: Shots| match report.find(method.name(), shots, metric) {
            Some(measured) => Ok(measured.mean().map(|mean| match measured.direction() {
                Direction::HigherIsBetter => mean,
                Direction::LowerIsBetter => -mean,
            })),
            // The protocol asks for no ratings.
            None if OF_RATINGS.contains(&metric) => Ok(None),
            None => {
                Err(BaselineError::NotMeasured { method: method.name().to_owned(), metric: metric.to_owned(), shots })
            }
        };
        let mean = |shots: &[Shots]| -> Result<Option<f64>, BaselineError> {
            let values = shots.iter().map(|&shots| value(shots)).collect::<Result<Option<Vec<f64>>, _>>()?;
            Ok(values.map(|values| values.iter().sum::<f64>() / values.len() as f64))
        };
        self.tuned.iter().map(|(_, shots)| mean(shots)).collect()
    }
}

/// Metrics that some protocols do not have, as they ask for no ratings.
const OF_RATINGS: [&str; 4] = ["rmse", "mae", "mae_of_mean", "accuracy"];

/// Numbers of shots in ascending order, each once: those that the validation users' pools hold, and those that they do not.
fn held_by(split: &UserSplit, shots: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut shots = shots.to_vec();
    shots.sort_unstable();
    shots.dedup();
    let pool = split.valid.iter().map(|user| user.pool.len()).min();
    shots.into_iter().partition(|&shots| pool.is_some_and(|pool| shots <= pool))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::synthetic::MarketConfig;
    use crate::data::{DatasetBuilder, Event, HeldOutUser, ItemIndex, SplitRule, TaskHistory, UserIndex};
    use crate::evaluate::{ProtocolKind, ProtocolRules};

    /// Knows what valid users want if it sees the right number of events, and ranks the other way round otherwise.
    #[derive(Clone, Debug, PartialEq)]
    struct Knows {
        right: &'static [usize],
        number: u32,
    }

    impl Method for Knows {
        fn name(&self) -> &str {
            "knows"
        }

        fn config(&self) -> String {
            format!("number {}", self.number)
        }

        fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
            let row = |support: &Support<'_>| {
                let sign = if self.right.contains(&support.events.len()) { 1.0 } else { -1.0 };
                (0..40).map(|item| sign * item as f32).collect()
            };
            Ok(Some(supports.iter().map(row).collect()))
        }
    }

    /// Forty items; valid users have three events in their pools, and want item 39.
    fn example() -> (Dataset, UserSplit) {
        let mut events = DatasetBuilder::new();
        for item in 0..40 {
            events.push("train", &Event::click(item.to_string()).at(item)).unwrap();
        }
        for (time, item) in [0, 1, 2, 39].into_iter().enumerate() {
            events.push("valid", &Event::click(item.to_string()).at(time as i64)).unwrap();
        }
        let data = events.build();
        let history = |user| data.history(UserIndex(user)).to_vec();
        let (pool, query) = (history(1)[..3].to_vec(), history(1)[3..].to_vec());
        let split = UserSplit {
            train: vec![TaskHistory { user: UserIndex(0), events: history(0) }],
            valid: vec![HeldOutUser { user: UserIndex(1), pool, query }],
            test: Vec::new(),
        };
        (data, split)
    }

    fn candidates() -> [Result<Knows, BaselineError>; 3] {
        [(0, &[1][..]), (1, &[0, 3]), (2, &[3])].map(|(number, right)| Ok(Knows { number, right }))
    }

    fn untuned() -> Result<Knows, BaselineError> {
        Ok(Knows { number: 9, right: &[] })
    }

    fn numbers(tuned: &Tuned<Knows>) -> Vec<(usize, u32)> {
        tuned.chosen().map(|(shots, method)| (shots, method.number)).collect()
    }

    #[test]
    fn the_best_is_chosen_for_each_number_of_shots_and_of_equals_the_first() {
        let (data, split) = example();
        let tuner = Tuner::new(&data, &split, &[3, 1, 2, 0, 3]).unwrap();
        let tuned = tuner.choose("ndcg@10", candidates(), || panic!("everything is tuned")).unwrap();
        assert_eq!(numbers(&tuned), [(0, 1), (1, 0), (2, 0), (3, 1)], "at 2 nobody knows");
        assert_eq!(
            (tuned.name(), tuned.config()),
            ("knows", "k=0 number 1, k=1 number 0, k=2 number 0, k=3 number 1".to_owned())
        );
    }

    #[test]
    fn between_tuned_numbers_of_shots_the_next_smaller_one_serves() {
        let (data, split) = example();
        let tuned = Tuner::new(&data, &split, &[1, 3]).unwrap().choose("mrr@100", candidates(), untuned).unwrap();
        assert_eq!([0, 1, 2, 3, 99].map(|shots| tuned.at(shots).number), [0, 0, 0, 1, 1]);
        let event = split.valid[0].pool[0];
        let row = |shots| {
            tuned.scores(&[Support { user: UserIndex(1), events: &vec![event; shots] }]).unwrap().unwrap().remove(0)
        };
        assert!(row(1)[39] > 0.0 && row(2)[39] < 0.0 && row(3)[39] > 0.0, "each by what was chosen for it");
    }

    #[test]
    fn where_nobody_has_so_many_events_the_default_serves() {
        let (data, split) = example();
        let tuned = Tuner::new(&data, &split, &[0, 20]).unwrap().choose("ndcg@10", candidates(), untuned).unwrap();
        assert_eq!(numbers(&tuned), [(0, 1), (20, 9)]);
        let split = UserSplit { valid: Vec::new(), ..split };
        for (shots, expected) in [(&[0, 5][..], &[(0, 9), (5, 9)][..]), (&[], &[(0, 9)])] {
            let tuned = Tuner::new(&data, &split, shots).unwrap().choose("ndcg@10", candidates(), untuned).unwrap();
            assert_eq!(numbers(&tuned), expected);
        }
    }

    #[test]
    fn a_metric_that_the_protocol_does_not_have_is_an_error() {
        let (data, split) = example();
        let error = Tuner::new(&data, &split, &[1]).unwrap().choose("ndcg@11", candidates(), untuned).unwrap_err();
        assert!(error.to_string().starts_with("knows has no ndcg@11 at 1 shots to be tuned by"), "{error}");
    }

    #[test]
    fn where_nobody_has_a_value_of_the_metric_the_default_serves() {
        let (data, split) = example();
        let tuned = Tuner::new(&data, &split, &[0, 1]).unwrap().choose("rmse", candidates(), untuned).unwrap();
        assert_eq!(numbers(&tuned), [(0, 9), (1, 9)], "clicks have no ratings");
    }

    #[test]
    fn nothing_to_choose_from_is_an_error_and_so_is_a_candidate_that_fails() {
        let (data, split) = example();
        let tuner = Tuner::new(&data, &split, &[1]).unwrap();
        assert!(matches!(tuner.choose("ndcg@10", [], untuned), Err(BaselineError::NoCandidates)));
        let failed = || Err(BaselineError::Singular("knows"));
        assert!(matches!(tuner.choose("ndcg@10", [failed()], untuned), Err(BaselineError::Singular("knows"))));
    }

    fn market() -> Dataset {
        MarketConfig::default().with_users(80).with_items(80).generate().unwrap().into_dataset()
    }

    #[test]
    fn under_another_protocol_candidates_are_asked_what_that_asks_of_the_validation_users() {
        /// Ranks one item first.
        #[derive(Clone, Debug)]
        struct First(ItemIndex, usize);
        impl Method for First {
            fn name(&self) -> &str {
                "first"
            }
            fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
                let row = (0..self.1 as u32).map(|item| if item == self.0.0 { 1.0 } else { 0.0 }).collect();
                Ok(Some(vec![row; supports.len()]))
            }
        }
        let data = market();
        let split = ProtocolKind::ItemCold.split(&data, &ProtocolRules::default()).unwrap();
        // What is asked for are new items alone: the one that most validation users like is the best to rank first.
        let liked = |item: &ItemIndex| {
            let likes = |user: &&HeldOutUser| {
                user.query.iter().any(|event| event.item == *item && data.like_rule().is_like(event))
            };
            split.users().valid.iter().filter(likes).count()
        };
        let known = split.users().candidates();
        let new: Vec<ItemIndex> =
            split.candidates(Part::Valid).into_iter().filter(|item| !known.contains(item)).collect();
        let best = new.iter().copied().max_by_key(|item| liked(item)).unwrap();
        let worst = new.iter().copied().min_by_key(|item| liked(item)).unwrap();
        assert!(liked(&best) > liked(&worst));
        let tuner = Tuner::of_protocol(&data, &split, &[Shots::All]).unwrap();
        let candidates = [known[0], worst, best].map(|item| Ok(First(item, data.catalogue().len())));
        let tuned = tuner.choose("ndcg@10", candidates, || panic!("everything is tuned")).unwrap();
        assert_eq!(tuned.chosen().map(|(from, first)| (from, first.0)).collect::<Vec<_>>(), [(0, best)]);
        assert_eq!([0, 7, 500].map(|shots| tuned.at(shots).0), [best; 3], "it serves histories of any length");
    }

    #[test]
    fn what_has_no_number_is_chosen_together_and_serves_longer_histories() {
        let data = market();
        let split = ProtocolKind::BothCold.split(&data, &ProtocolRules::default()).unwrap();
        let tuner = Tuner::of_protocol(&data, &split, &[Shots::First(1), Shots::All, Shots::Last(9)]).unwrap();
        let groups = [(1, vec![Shots::First(1)]), (2, vec![Shots::All, Shots::Last(9)])];
        assert_eq!((&tuner.tuned[..], &tuner.untuned[..]), (&groups[..], &[][..]));
        let many = Tuner::of_protocol(&data, &split, &[Shots::All, Shots::First(999)]).unwrap();
        assert_eq!((many.tuned, many.untuned), (vec![(1000, vec![Shots::All])], vec![999]));
    }

    #[test]
    fn a_protocol_without_validation_users_or_without_ratings_leaves_the_default() {
        let data = market();
        let rules = ProtocolRules {
            users: Some(SplitRule::default().with_support(3).with_min_events(1_000_000)),
            ..ProtocolRules::default()
        };
        let nobody = ProtocolKind::UserCold.split(&data, &rules).unwrap();
        for (shots, key) in [(Shots::First(1), 1), (Shots::All, 0)] {
            let tuner = Tuner::of_protocol(&data, &nobody, &[shots]).unwrap();
            let made = [Err(BaselineError::Singular("none is made"))];
            assert_eq!(numbers(&tuner.choose("ndcg@10", made, untuned).unwrap()), [(key, 9)]);
        }

        let repeated = {
            let mut events = DatasetBuilder::new();
            for (user, time) in (0..40).flat_map(|user: i64| (0..120).map(move |time| (user, time))) {
                events.push(&user.to_string(), &Event::rating((time % 40).to_string(), 4.0).at(time)).unwrap();
            }
            events.build()
        };
        let split = ProtocolKind::Repeat.split(&repeated, &ProtocolRules::default()).unwrap();
        let tuner = Tuner::of_protocol(&repeated, &split, &[Shots::All]).unwrap();
        assert_eq!(numbers(&tuner.choose("rmse", candidates(), untuned).unwrap()), [(0, 9)]);
    }
}
