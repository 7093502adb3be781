//! How varied, new and evenly spread lists are, beside how good.

use rayon::prelude::*;

use crate::data::{
    Band, Dataset, HeldOutUser, ItemDistance, ItemIndex, PopularityBands, Shots, UserIndex, UserSplit, tie_order,
};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::Method;
use crate::evaluate::metric::{
    Direction, Ndcg, RankingMetric, Recall, coverage, exposure, gini, intra_list_diversity, novelty, share_within,
    top_items,
};
use crate::evaluate::protocol::measure::{check_indices, check_shape, supports};
use crate::evaluate::protocol::question::Question;
use crate::evaluate::protocol::shots::{Part, default_shots, pool_size};
use crate::evaluate::report::{Measured, Report};
use crate::recommend::Reranker;

/// Users who are handed to a method at once.
const BATCH: usize = 64;
/// Length of the lists that are made; what is looked at is their beginning.
const LISTED: usize = 20;
/// Length of the lists that variety is measured of.
const VARIED: usize = 10;

/// The user-cold protocol for what lists are like: the same users, support sets, candidates and relevant items as
/// [`UserCold`](crate::evaluate::UserCold), each method as it ranks and re-ranked.
///
/// | metric | of |
/// |---|---|
/// | `ndcg@10`, `recall@20` | one user with something relevant, as in the user-cold protocol |
/// | `ndcg@10/head`, `recall@20/head`, `.../middle`, `.../tail` | the same where only relevant items of one of the [`PopularityBands`] count, of users who have any there |
/// | `novelty@10` | [`novelty`] of one user's list, in bits |
/// | `ild@10` | [`intra_list_diversity`] of one user's list, by [`ItemDistance::fit`] or [another distance](Self::with_distance) |
/// | `tail@10` | share of one user's list that is long tail |
/// | `coverage@10` | all lists together: share of the candidates in one of them |
/// | `gini@10` | all lists together: how unevenly their places go to the candidates ([`gini`]); less is more even |
///
/// The last two depend on how many users there are, and have no interval. What lists are like is measured of all users, relevant items or
/// not.
///
/// Cost besides the method's own: `users * shots` sorts of the candidates, and for each re-ranker what it costs; memory for the scores of
/// 64 users and one list for each user.
///
/// ```
/// use metarec::baseline::Popularity;
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{Report, Variety};
/// use metarec::recommend::Reranker;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let split = data.split()?;
/// let protocol = Variety::new(&data, &split)?.with_shots([5]);
/// let reranker = Reranker::new(protocol.distance().clone());
/// let curve = [0.1, 0.5].map(|lambda| reranker.clone().with_lambda(lambda));
/// let curve = curve.into_iter().collect::<Result<Vec<_>, _>>()?;
///
/// let mut report = Report::new();
/// protocol.run(&Popularity::fit(&data, &split), &curve, &mut report)?;
/// println!("{report}");
/// let ild = |name| report.mean(name, 5, "ild@10");
/// assert!(ild("popularity, lambda 0.5") > ild("popularity"));
/// # Ok(())
/// # }
/// ```
pub struct Variety<'a> {
    data: &'a Dataset,
    split: &'a UserSplit,
    part: Part,
    shots: Vec<usize>,
    candidates: Vec<ItemIndex>,
    places: Vec<u32>,
    bands: PopularityBands,
    distance: ItemDistance,
}

/// One user's list, and what of it they like.
struct Listed {
    user: UserIndex,
    list: Vec<ItemIndex>,
    relevant: Vec<ItemIndex>,
}

impl<'a> Variety<'a> {
    /// The protocol on the test users, at [the shots](super::UserCold::new) that their pools allow.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn new(data: &'a Dataset, split: &'a UserSplit) -> Result<Self, EvaluateError> {
        check_indices(data, split)?;
        let catalogue = data.catalogue();
        Ok(Self {
            data,
            split,
            part: Part::Test,
            shots: default_shots(pool_size(split)),
            candidates: split.candidates(),
            places: tie_order(catalogue.ids()),
            bands: PopularityBands::of(&split.train, catalogue.len()),
            distance: ItemDistance::fit(catalogue, &split.train),
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

    /// The same measuring diversity by another distance. Re-rankers have their own.
    #[must_use]
    pub fn with_distance(mut self, distance: ItemDistance) -> Self {
        self.distance = distance;
        self
    }

    /// The distance that diversity is measured by.
    #[must_use]
    pub fn distance(&self) -> &ItemDistance {
        &self.distance
    }

    /// Which items are the long tail: by popularity among the training users.
    #[must_use]
    pub fn bands(&self) -> &PopularityBands {
        &self.bands
    }

    /// Adds what a method's lists are like to `report` under its name, and what each re-ranker makes of them under its name, a comma and
    /// the re-ranker as text (`metarec, lambda 0.3`). Nothing of a method that does not rank.
    ///
    /// # Errors
    /// [`EvaluateError::NoUsers`] and [`EvaluateError::TooManyShots`] if the split does not have what is asked for; what the method fails
    /// with; [`EvaluateError::WrongShape`] if it breaks the contract of [`Method`]; [`EvaluateError::MethodTwice`] if the report has one of
    /// the names, or two re-rankers read the same. The report is unchanged then.
    pub fn run(&self, method: &dyn Method, rerankers: &[Reranker], report: &mut Report) -> Result<(), EvaluateError> {
        let users = self.part.of(self.split);
        let pool = users.iter().map(|user| user.pool.len()).min().ok_or(EvaluateError::NoUsers(self.part))?;
        if let Some(&shots) = self.shots.iter().find(|&&shots| shots > pool) {
            return Err(EvaluateError::TooManyShots { shots, pool, part: self.part });
        }
        let names = rerankers.iter().map(|reranker| format!("{}, {reranker}", method.name()));
        let names: Vec<String> = std::iter::once(method.name().to_owned()).chain(names).collect();
        let taken = |nth: usize| names[..nth].contains(&names[nth]) || report.methods().any(|name| name == names[nth]);
        if let Some(nth) = (0..names.len()).find(|&nth| taken(nth)) {
            return Err(EvaluateError::MethodTwice(names[nth].clone()));
        }
        let likes = self.data.like_rule();
        let question = |user: &'a HeldOutUser| {
            let excluded = user.pool.iter().map(|event| event.item);
            Question::all_but(user.user, (&user.pool, &user.query), excluded, &self.candidates, likes)
        };
        let questions: Vec<Question<'_>> = users.iter().map(question).collect();
        let mut measured = vec![Vec::new(); rerankers.len() + 1];
        for &shots in &self.shots {
            let Some(lists) = self.lists(method, &questions, shots, rerankers)? else { return Ok(()) };
            measured.iter_mut().zip(&lists).for_each(|(all, listed)| all.extend(self.measured(shots, listed)));
        }
        names.into_iter().zip(measured).try_for_each(|(name, measured)| report.add(name, method.config(), measured))
    }

    /// All users' lists: as the method ranks, then by each re-ranker.
    fn lists(
        &self,
        method: &dyn Method,
        questions: &[Question<'_>],
        shots: usize,
        rerankers: &[Reranker],
    ) -> Result<Option<Vec<Vec<Listed>>>, EvaluateError> {
        let mut lists: Vec<Vec<Listed>> = (0..=rerankers.len()).map(|_| Vec::new()).collect();
        for batch in questions.chunks(BATCH) {
            let seen: Vec<_> = batch.iter().map(|question| question.support(Shots::First(shots))).collect();
            let supports = supports(batch, &seen);
            let Some(scores) = method.scores(&supports)? else { return Ok(None) };
            check_shape(method, &scores, batch.len(), self.places.len())?;
            let one = |(question, scores): (&Question<'_>, &Vec<f32>)| self.lists_of(question, scores, rerankers);
            let made: Vec<Vec<Listed>> = batch.par_iter().zip(&scores).map(one).collect();
            made.into_iter().for_each(|user| lists.iter_mut().zip(user).for_each(|(all, listed)| all.push(listed)));
        }
        Ok(Some(lists))
    }

    fn lists_of(&self, question: &Question<'_>, scores: &[f32], rerankers: &[Reranker]) -> Vec<Listed> {
        let candidates = question.ranked(&self.candidates);
        let reads = rerankers.iter().map(|reranker| reranker.reads(candidates.len(), LISTED));
        let depth = reads.fold(LISTED, usize::max);
        let best = top_items(scores, &candidates, &self.places, depth);
        let ranked: Vec<(ItemIndex, f32)> = best.iter().map(|item| (*item, scores[item.position()])).collect();
        let as_ranked = best[..best.len().min(LISTED)].to_vec();
        let lists = rerankers.iter().map(|reranker| reranker.items(&ranked, LISTED));
        let listed = |list| Listed { user: question.user, list, relevant: question.relevant.clone() };
        std::iter::once(as_ranked).chain(lists).map(listed).collect()
    }

    fn measured(&self, shots: usize, users: &[Listed]) -> Vec<Measured> {
        let of = |name: &str, value: &dyn Fn(&Listed) -> Option<f64>| {
            let values = users.iter().filter_map(|user| Some((user.user, value(user)?)));
            Measured::per_user(name, shots, Direction::HigherIsBetter, values.collect())
        };
        let top = |user: &'_ Listed| user.list[..user.list.len().min(VARIED)].to_vec();
        let tops: Vec<Vec<ItemIndex>> = users.iter().map(top).collect();
        let shown = exposure(tops.iter().map(Vec::as_slice), &self.candidates);
        let covered = coverage(tops.iter().map(Vec::as_slice), self.candidates.len());
        let whole = |name: &str, direction, value| Measured::whole(name, shots, direction, value, users.len());
        let mut measured = Vec::new();
        let metrics: [&dyn RankingMetric; 2] = [&Ndcg { k: VARIED }, &Recall { k: LISTED }];
        for metric in metrics {
            measured.push(of(&metric.name(), &|user| user.score(metric, |_| true)));
        }
        measured.extend([
            of("novelty@10", &|user| novelty(&top(user), |item| self.bands.self_information(item))),
            of("ild@10", &|user| intra_list_diversity(&top(user), |a, b| self.distance.between(a, b))),
            of("tail@10", &|user| share_within(&top(user), |item| self.bands.band(item) == Band::Tail)),
            whole("coverage@10", Direction::HigherIsBetter, covered),
            whole("gini@10", Direction::LowerIsBetter, gini(&shown)),
        ]);
        for (metric, band) in metrics.iter().flat_map(|metric| Band::ALL.map(|band| (metric, band))) {
            let name = format!("{}/{}", metric.name(), band.name());
            measured.push(of(&name, &|user| user.score(*metric, |item| self.bands.band(item) == band)));
        }
        measured
    }
}

impl Listed {
    /// A metric where only these of the relevant items count; `None` where there are none.
    fn score(&self, metric: &dyn RankingMetric, counts: impl Fn(ItemIndex) -> bool) -> Option<f64> {
        let relevant: Vec<ItemIndex> = self.relevant.iter().copied().filter(|item| counts(*item)).collect();
        (!relevant.is_empty()).then(|| metric.score(&self.list, &relevant))
    }
}
