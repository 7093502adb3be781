//! How good a model is on users it does not train on.

use std::collections::{HashMap, HashSet};

use burn::Tensor;
use burn::tensor::Device;

use crate::data::{HeldOutUser, IndexedEvent, ItemIndex, LikeRule, Profiles, Shots, UserIndex};
use crate::evaluate::metric::{Ndcg, Positions, RankingMetric, rmse};
use crate::meta::ServingLearner;
use crate::model::{PreferenceModel, RatingBelief, RatingOutcome, Supervision, TaskEvents};

/// Users that are adapted together.
const CHUNK: usize = 64;

/// What training tries to get better at, by the meta-validation users.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Goal {
    /// Mean nDCG@10.
    #[default]
    Ranking,
    /// Mean error of values: for models that rate and are not meant to rank.
    Ratings,
}

/// What one look at the meta-validation users found: a mean over users at each number of shots.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ValidationScore {
    /// How much of each user was seen.
    pub shots: Vec<Shots>,
    /// nDCG@10 of the likes among all candidates, one for each number of shots.
    pub ndcg: Vec<f64>,
    /// Root mean squared error of values, one for each number of shots; empty where the model does not rate.
    pub rmse: Vec<f64>,
    /// nDCG@10 of each user who likes a candidate, the mean over the numbers of shots.
    pub user_ndcg: Vec<f64>,
    /// Root mean squared error of each user who rates a candidate, the mean over the numbers of shots; empty where the model does not rate.
    pub user_rmse: Vec<f64>,
    /// Which of them training goes by.
    pub goal: Goal,
}

impl ValidationScore {
    /// What training tries to raise: by the [`Goal`], mean nDCG or minus the mean error.
    #[must_use]
    pub fn value(&self) -> f64 {
        match self.goal {
            Goal::Ranking => self.ranking(),
            Goal::Ratings => -self.rating().unwrap_or(f64::INFINITY),
        }
    }

    /// Mean nDCG.
    #[must_use]
    pub fn ranking(&self) -> f64 {
        self.ndcg.iter().sum::<f64>() / self.ndcg.len().max(1) as f64
    }

    /// Mean error of values; `None` where the model does not rate.
    #[must_use]
    pub fn rating(&self) -> Option<f64> {
        (!self.rmse.is_empty()).then(|| self.rmse.iter().sum::<f64>() / self.rmse.len() as f64)
    }
}

/// Meta-validation users and how they are scored: candidates and query set are the same at every number of shots.
#[derive(Clone, Debug)]
pub struct Validation {
    users: Vec<HeldOutUser>,
    candidates: Vec<ItemIndex>,
    likes: LikeRule,
    places: Vec<u32>,
    shots: Vec<Shots>,
    goal: Goal,
    profiles: Profiles,
    passed_over: HashMap<UserIndex, HashSet<ItemIndex>>,
}

/// One user after one number of shots: what they did, what is ranked for them, and what of that they like.
#[derive(Clone, Debug)]
pub(crate) struct Look<'a> {
    pub(crate) support: &'a [IndexedEvent],
    /// Ascending.
    pub(crate) candidates: Vec<ItemIndex>,
    pub(crate) relevant: Vec<ItemIndex>,
    /// What the model gives every item of the catalogue.
    pub(crate) scores: &'a [f32],
}

impl Validation {
    /// Scores `users` by ranking `candidates`, which are in ascending order, ties broken by `places` (see [`tie_order`](crate::data::tie_order)), after each of `shots`:
    /// numbers of first events (all that a user has where they have fewer), or [`Shots`].
    #[must_use]
    pub fn new(
        users: Vec<HeldOutUser>,
        candidates: Vec<ItemIndex>,
        likes: LikeRule,
        places: Vec<u32>,
        shots: impl IntoIterator<Item = impl Into<Shots>>,
    ) -> Self {
        let shots = shots.into_iter().map(Into::into).collect();
        Self {
            users,
            candidates,
            likes,
            places,
            shots,
            goal: Goal::Ranking,
            profiles: Profiles::default(),
            passed_over: HashMap::new(),
        }
    }

    /// The same users with another goal.
    #[must_use]
    pub fn with_goal(self, goal: Goal) -> Self {
        Self { goal, ..self }
    }

    /// The same users, of whom this is known besides their events.
    #[must_use]
    pub fn with_profiles(self, profiles: Profiles) -> Self {
        Self { profiles, ..self }
    }

    /// The same users, for whom these items are not ranked, besides those of their pools: what they did that is neither shown nor asked for.
    #[must_use]
    pub fn passing_over(self, items: impl IntoIterator<Item = (UserIndex, Vec<ItemIndex>)>) -> Self {
        let passed_over = items.into_iter().map(|(user, items)| (user, items.into_iter().collect())).collect();
        Self { passed_over, ..self }
    }

    /// Whether there is anybody to look at.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.users.is_empty()
    }

    /// Scores a model. `model` is on an autodiff device if the learner needs one, else on a plain one.
    pub(crate) fn score<M: PreferenceModel, L: ServingLearner<M>>(
        &self,
        (model, state, learner): (&M, &L::State, &L),
        device: &Device,
    ) -> ValidationScore {
        let catalogue = model.catalogue();
        let mut score = ValidationScore { shots: self.shots.clone(), goal: self.goal, ..ValidationScore::default() };
        for &shots in &self.shots {
            let (mut ndcg, mut errors) = (Vec::new(), Vec::new());
            for users in self.users.chunks(CHUNK) {
                let adapted = learner.adapt(model, state, &self.supports((model, learner), users, shots, device));
                let ranked = host(learner.rank(model, &catalogue, &adapted));
                ndcg.extend(users.iter().zip(&ranked).filter_map(|(user, scores)| self.ndcg(user, scores)));
                if let Some(values) = learner.rate(model, &catalogue, &adapted) {
                    errors.extend(
                        users.iter().zip(&host(values)).filter_map(|(user, values)| self.user_rmse(user, values)),
                    );
                }
            }
            score.ndcg.push(mean(&ndcg));
            if !errors.is_empty() {
                score.rmse.push(mean(&errors));
            }
            add(&mut score.user_ndcg, &ndcg);
            add(&mut score.user_rmse, &errors);
        }
        let shots = self.shots.len().max(1) as f64;
        score.user_ndcg.iter_mut().chain(&mut score.user_rmse).for_each(|sum| *sum /= shots);
        score
    }

    /// What was believed of the query's ratings at each number of shots, and what they were; none if the learner knows no variances. As [`score`](Self::score).
    pub(crate) fn outcomes<M: PreferenceModel, L: ServingLearner<M>>(
        &self,
        (model, state, learner): (&M, &L::State, &L),
        device: &Device,
    ) -> Vec<RatingOutcome> {
        let catalogue = model.catalogue();
        let mut outcomes = Vec::new();
        for (&shots, users) in
            self.shots.iter().flat_map(|shots| self.users.chunks(CHUNK).map(move |users| (shots, users)))
        {
            let adapted = learner.adapt(model, state, &self.supports((model, learner), users, shots, device));
            let Some(beliefs) = learner.beliefs(model, state, &catalogue, &adapted) else { return Vec::new() };
            for (user, belief) in users.iter().zip(&beliefs) {
                outcomes.extend(self.outcomes_of(user, belief));
            }
        }
        outcomes
    }

    /// The ratings of the candidates in a user's query.
    fn outcomes_of(&self, user: &HeldOutUser, belief: &RatingBelief) -> Vec<RatingOutcome> {
        let (noise, seen, surprise) = (belief.noise(), belief.seen(), belief.surprise());
        let outcome = |event: &IndexedEvent| {
            let (value, place) = (event.rating()?, event.item.position());
            let (mean, spread) = (f64::from(*belief.means().get(place)?), belief.spread(place));
            Some(RatingOutcome { user: user.user.0, mean, spread, noise, seen, surprise, value })
        };
        self.asked(user).filter_map(outcome).collect()
    }

    /// The events of a user's query whose items are candidates.
    fn asked<'u>(&self, user: &'u HeldOutUser) -> impl Iterator<Item = &'u IndexedEvent> + use<'u, '_> {
        user.query.iter().filter(|event| self.candidates.binary_search(&event.item).is_ok())
    }

    /// Root mean squared error of one user; `None` where nothing is rated.
    fn user_rmse(&self, user: &HeldOutUser, values: &[f32]) -> Option<f64> {
        let rated = |event: &IndexedEvent| event.rating().map(|value| (values[event.item.position()], value));
        let (predicted, actual): (Vec<f32>, Vec<f32>) = self.asked(user).filter_map(rated).unzip();
        rmse(&predicted, &actual)
    }

    /// The support sets of some users.
    fn supports<M: PreferenceModel, L: ServingLearner<M>>(
        &self,
        (model, learner): (&M, &L),
        users: &[HeldOutUser],
        shots: Shots,
        device: &Device,
    ) -> M::Batch {
        let supports: Vec<TaskEvents<'_>> = users
            .iter()
            .map(|user| {
                let support = shots.of(&user.pool).unwrap_or(&user.pool);
                learner.support_use().of(support).known_as(self.profiles.of(user.user))
            })
            .collect();
        model.batch(&supports, Supervision::WholeContext, device)
    }

    /// What is ranked for a user, and what of that they like; `None` where that is nothing.
    fn question(&self, user: &HeldOutUser) -> Option<(Vec<ItemIndex>, Vec<ItemIndex>)> {
        let mut out: HashSet<ItemIndex> = user.pool.iter().map(|event| event.item).collect();
        out.extend(self.passed_over.get(&user.user).into_iter().flatten());
        let candidates: Vec<ItemIndex> = self.candidates.iter().copied().filter(|item| !out.contains(item)).collect();
        let liked = user.query.iter().filter(|event| self.likes.is_like(event)).map(|event| event.item);
        let relevant: Vec<ItemIndex> = liked.filter(|item| candidates.binary_search(item).is_ok()).collect();
        (!relevant.is_empty()).then_some((candidates, relevant))
    }

    /// nDCG@10 of one user; `None` where nothing is relevant.
    fn ndcg(&self, user: &HeldOutUser, scores: &[f32]) -> Option<f64> {
        let (candidates, relevant) = self.question(user)?;
        Some(Ndcg { k: 10 }.at(&Positions::by_score(scores, &candidates, &relevant, &self.places)))
    }

    /// The same of `most` users at most, evenly spread over all.
    pub(crate) fn some(&self, most: usize) -> Self {
        let count = self.users.len().min(most);
        let users = (0..count).map(|nth| self.users[nth * self.users.len() / count].clone()).collect();
        Self { users, ..self.clone() }
    }

    /// Calls `each` for every user who likes a candidate, after each number of shots. As [`score`](Self::score).
    pub(crate) fn each_look<M: PreferenceModel, L: ServingLearner<M>>(
        &self,
        (model, state, learner): (&M, &L::State, &L),
        device: &Device,
        mut each: impl FnMut(&Look<'_>),
    ) {
        let catalogue = model.catalogue();
        for (&shots, users) in
            self.shots.iter().flat_map(|shots| self.users.chunks(CHUNK).map(move |users| (shots, users)))
        {
            let adapted = learner.adapt(model, state, &self.supports((model, learner), users, shots, device));
            let ranked = host(learner.rank(model, &catalogue, &adapted));
            for (user, scores) in users.iter().zip(&ranked) {
                let Some((candidates, relevant)) = self.question(user) else { continue };
                let support = shots.of(&user.pool).unwrap_or(&user.pool);
                each(&Look { support, candidates, relevant, scores });
            }
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Adds values to sums; who has a value does not depend on the number of shots.
fn add(sums: &mut Vec<f64>, values: &[f64]) {
    sums.resize(values.len(), 0.0);
    sums.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
}

/// Rows of a matrix on the host.
fn host(tensor: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, width] = tensor.dims();
    let values: Vec<f32> = tensor.into_data().iter::<f32>().collect();
    values.chunks(width.max(1)).map(<[f32]>::to_vec).collect()
}
