//! From data to a recommender: the one place where training and serving meet.

use std::collections::HashMap;
use std::path::PathBuf;

use burn::tensor::Device;
use serde::Serialize;
use sha2::{Digest, Sha256};

use crate::calibration::Calibration;
use crate::cold_items;
use crate::config::Config;
use crate::data::{Dataset, HeldOutUser, IndexedEvent, ItemIndex, Shots, SplitRule, UserIndex, UserSplit, tie_order};
use crate::evaluate::fitted_pool_size;
use crate::meta::{ServingLearner, WithLearner};
use crate::model::initial::InitialValues;
use crate::model::{
    PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig, RatingCalibration, RatingScale, Supervision,
};
use crate::persist::PersistError;
use crate::recommend::{RecommendError, Recommender, RecommenderParts};
use crate::sampler::{TaskSampler, UserSampler, UserSamplerConfig};
use crate::serving_split::{known_shares, split_for_serving};
use crate::train::{
    CancelToken, MetaTrainer, Observer, Optimizers, Progress, Silent, TrainError, Trained, TrainingConfig, Validation,
    ValidationScore,
};

/// A trained model, and what its variances of ratings are worth if it rates.
type Found<S> = (Trained<PreferenceTransformer, S>, Option<RatingCalibration>);

/// What is ranked for the validation users, and how much of each is seen.
type Looks = (Vec<ItemIndex>, Vec<Shots>);

/// What is not ranked for a validation user.
type PassedOver = (UserIndex, Vec<ItemIndex>);

/// Numbers of shots at which the meta-validation users are looked at.
const SHOTS: [usize; 4] = [0, 1, 5, 20];

/// Trains a [`Recommender`]: everything that [`Recommender::train`] does, and what a host may want to have a say in.
///
/// ```no_run
/// use metarec::train::CancelToken;
/// use metarec::{Config, Recommender};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = metarec::recommend::device_from_env()?;
/// let data = metarec::data::read_dir("ml-100k")?;
/// let stop = CancelToken::new();
/// let rec = Recommender::trainer(&data)
///     .config(&Config::default().with_seed(1))
///     .split(data.split()?)
///     .cancel(stop.clone())
///     .checkpoint("run")
///     .train(&device)?;
/// # Ok(())
/// # }
/// ```
pub struct RecommenderTrainer<'a> {
    data: &'a Dataset,
    config: Config,
    split: Option<UserSplit>,
    sampler: Option<(Box<dyn TaskSampler + 'a>, usize)>,
    looks: Option<Looks>,
    passed_over: Vec<PassedOver>,
    start: Box<dyn FnOnce(InitialValues) -> InitialValues + 'a>,
    observer: Box<dyn Observer + 'a>,
    cancel: CancelToken,
    checkpoint: Option<PathBuf>,
}

impl Recommender {
    /// Trains a recommender on a data set, to serve on `device`: `Recommender::trainer(data).config(config).train(device)`.
    ///
    /// By default users with fewer than 11 events are not drawn into episodes, as 10 of them are asked for: lower `config.sampler.min_query` where
    /// histories are shorter.
    ///
    /// # Errors
    /// As [`RecommenderTrainer::train`].
    pub fn train(data: &Dataset, config: &Config, device: &Device) -> Result<Self, TrainError> {
        Self::trainer(data).config(config).train(device)
    }

    /// A trainer, to be told more than [`Recommender::train`] takes.
    #[must_use]
    pub fn trainer(data: &Dataset) -> RecommenderTrainer<'_> {
        RecommenderTrainer {
            data,
            config: Config::default(),
            split: None,
            sampler: None,
            looks: None,
            passed_over: Vec::new(),
            start: Box::new(|fitted| fitted),
            observer: Box::new(Silent),
            cancel: CancelToken::new(),
            checkpoint: None,
        }
    }
}

impl<'a> RecommenderTrainer<'a> {
    /// Trains with these settings.
    #[must_use]
    pub fn config(mut self, config: &Config) -> Self {
        self.config = config.clone();
        self
    }

    /// Trains on the training users of this split, and stops by its validation users. Its test users are not looked at: give a split when you mean to
    /// evaluate on them.
    ///
    /// Without one, the split that is pinned to the data is used; and where there is none, everybody is trained on but the validation users of
    /// [`UserSplit::by_digest`], about one user in ten. Where these are fewer than 8, they are trained on too, and training goes on to its end.
    #[must_use]
    pub fn split(mut self, split: UserSplit) -> Self {
        self.split = Some(split);
        self
    }

    /// Trains on the episodes of this sampler, in epochs of `tasks` of them, instead of the [`UserSampler`] that the configuration describes. What training
    /// starts from is fitted to the split's training users all the same. A checkpoint knows nothing of the sampler: resume with the same one.
    #[must_use]
    pub fn sampler(mut self, sampler: impl TaskSampler + 'a, tasks: usize) -> Self {
        self.sampler = Some((Box::new(sampler), tasks));
        self
    }

    /// Looks at the validation users by ranking `candidates` after each of `shots` (numbers of first events, or [`Shots`]), instead of the items that training
    /// knows after 0, 1, 5 and 20: needed where they are asked for items that training does not know, as nobody can tell a good look then.
    #[must_use]
    pub fn looks(
        mut self,
        candidates: impl Into<Vec<ItemIndex>>,
        shots: impl IntoIterator<Item = impl Into<Shots>>,
    ) -> Self {
        let mut candidates = candidates.into();
        candidates.sort_unstable();
        candidates.dedup();
        self.looks = Some((candidates, shots.into_iter().map(Into::into).collect()));
        self
    }

    /// At looks, ranks none of these items for these validation users, besides the items of their pools: what they did that is neither shown nor asked for, so that
    /// a model which finds it is not taken to be wrong. Nothing unless told.
    #[must_use]
    pub fn looks_passing_over(mut self, items: impl IntoIterator<Item = (UserIndex, Vec<ItemIndex>)>) -> Self {
        self.passed_over = items.into_iter().collect();
        self
    }

    /// Starts from what `start` makes of what was fitted to the training users, for instance from item vectors of the host's own. A checkpoint knows nothing of
    /// it: resume with the same.
    #[must_use]
    pub fn start(mut self, start: impl FnOnce(InitialValues) -> InitialValues + 'a) -> Self {
        self.start = Box::new(start);
        self
    }

    /// Tells `observer` how it goes.
    #[must_use]
    pub fn observer(mut self, observer: impl Observer + 'a) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Stops when the token is used.
    #[must_use]
    pub fn cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Writes checkpoints to this folder, and goes on from the one that is there.
    #[must_use]
    pub fn checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Trains, on the threads of the current rayon pool, and gives a recommender on `device`.
    ///
    /// # Errors
    /// If a setting is out of its bounds, there is nobody to train on, the loss or the model is no longer finite, the token was used
    /// ([`TrainError::Cancelled`]), or a checkpoint can't be written or read.
    pub fn train(self, device: &Device) -> Result<Recommender, TrainError> {
        let learner = self.config.learner.clone();
        learner.build(Train { trainer: self, device })?
    }

    /// Trains with a learner of any crate, in place of the one that the configuration names. What is saved is loaded with
    /// [`Recommender::load_transformer`]; [`Recommender::load`] refuses it, as it does not say which learner it goes with.
    ///
    /// # Errors
    /// As [`RecommenderTrainer::train`].
    pub fn train_with<L>(self, learner: L, device: &Device) -> Result<Recommender, TrainError>
    where
        L: ServingLearner<PreferenceTransformer> + Clone,
    {
        let config = self.config.clone();
        let Config { seed, model, sampler, training, .. } = &config;
        self.train_learner(learner, device, &WithoutLearner { seed: *seed, model, learner: (), sampler, training })
    }

    /// Trains, and keeps `settings` with what is trained.
    fn train_learner<L>(
        mut self,
        learner: L,
        device: &Device,
        settings: &impl Serialize,
    ) -> Result<Recommender, TrainError>
    where
        L: ServingLearner<PreferenceTransformer> + Clone,
    {
        self.config.check()?;
        let split = match self.split.take().or_else(|| self.data.pinned_split().cloned()) {
            Some(split) => split,
            None => split_for_serving(self.data),
        };
        let data = self.data;
        let (trained, rating) = self.meta_train(learner.clone(), &split, &device.clone().inner().autodiff())?;
        let parts = (trained.model, trained.state, learner);
        RecommenderParts::of_transformer(parts, data.catalogue().clone(), settings)
            .map(|parts| parts.with_known(known_shares(&split, data.catalogue().len())))
            .map(|parts| match rating {
                Some(rating) => parts.with_rating(rating),
                None => parts,
            })
            .and_then(|parts| Recommender::from_parts(parts, device))
            .map_err(of_training)
    }

    /// The recipe: from data to a trained model, and what its variances of ratings are worth.
    fn meta_train<L: ServingLearner<PreferenceTransformer> + Clone>(
        self,
        learner: L,
        split: &UserSplit,
        device: &Device,
    ) -> Result<Found<L::State>, TrainError> {
        let Self { data, config, sampler, looks, passed_over, start, observer, cancel, checkpoint, .. } = self;
        let (catalogue, seed) = (data.catalogue(), config.seed);
        let pool = if split.valid.is_empty() { SplitRule::default().support } else { fitted_pool_size(split) };
        let schema = schema(data, split, &config);
        let profiles = schema.profile.profiles(data.users());
        let read = format!("{:?} {profiles:?}", schema.profile);
        let initial = start(InitialValues::fit_knowing(&split.train, &profiles, pool, &config.model, &schema, seed));
        let model = PreferenceTransformer::new(&config.model, &schema, catalogue, &initial, seed, device)?;
        let (sampler, tasks) = match sampler {
            Some(own) => own,
            None => {
                let users = UserSampler::new(split.train.clone(), sampling(&config, learner.supervision(), pool))?;
                let tasks = users.tasks();
                (Box::new(users) as Box<dyn TaskSampler>, tasks)
            }
        };
        let looks = match looks {
            Some(looks) => checked_looks(looks, catalogue.len())?,
            None => (split.candidates(), SHOTS.map(Shots::First).to_vec()),
        };
        let what = format!("{} {pool} {looks:?} {passed_over:?} {read}", std::any::type_name::<L>());
        let validation = validation(data, split, looks).passing_over(passed_over).with_profiles(profiles.clone());
        let optimizers = Optimizers::for_transformer(&config.training).for_state_of(&learner, &config.training);
        let (looked, ranker) = (validation.clone(), learner.clone());
        let calibration = Calibration::new(validation.clone(), learner.clone(), device);
        let mut trainer = MetaTrainer::new(model, learner, &*sampler, tasks, &config.training, seed, device)?
            .with_optimizers(optimizers)
            .with_profiles(profiles)
            .with_validation(validation)
            .with_observer(Told(observer))
            .with_cancel(cancel);
        if let Some(path) = checkpoint {
            trainer = trainer.with_checkpoint(path).with_mark(mark(&config, data, split, &what));
        }
        let trained = calibration.of(trainer.run()?);
        let trained = cold_items::fitted(trained, &ranker, (catalogue, &initial.popularity), &looked, device);
        let values = split.train.iter().flat_map(|task| &task.events).filter_map(IndexedEvent::rating);
        let rating = RatingScale::of(values).map(|scale| calibration.of_ratings(&trained, scale));
        Ok((trained, rating))
    }
}

/// The settings of a recommender whose learner no configuration names: a [`Config`] with `null` for it.
#[derive(Serialize)]
struct WithoutLearner<'a> {
    seed: u64,
    model: &'a PreferenceTransformerConfig,
    learner: (),
    sampler: &'a UserSamplerConfig,
    training: &'a TrainingConfig,
}

/// Trains with whichever learner the configuration names.
struct Train<'a, 'b> {
    trainer: RecommenderTrainer<'a>,
    device: &'b Device,
}

impl WithLearner<PreferenceTransformer> for Train<'_, '_> {
    type Output = Result<Recommender, TrainError>;

    fn with<L: ServingLearner<PreferenceTransformer> + Clone>(self, learner: L) -> Self::Output {
        let config = self.trainer.config.clone();
        self.trainer.train_learner(learner, self.device, &config)
    }
}

/// What a model is to know of the data.
fn schema(data: &Dataset, split: &UserSplit, config: &Config) -> PreferenceSchema {
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &split.train, data.like_rule());
    match config.model.profiles {
        true => schema.with_profiles(data.users(), &split.train),
        false => schema,
    }
}

/// The validation users, and what they are asked.
fn validation(data: &Dataset, split: &UserSplit, (candidates, shots): Looks) -> Validation {
    let places = tie_order(data.catalogue().ids());
    Validation::new(looked_at(split), candidates, data.like_rule().clone(), places, shots)
}

/// The validation users, with all that training knows of those who are training users too, where their pool is but the beginning of it.
fn looked_at(split: &UserSplit) -> Vec<HeldOutUser> {
    let known: HashMap<UserIndex, &[IndexedEvent]> =
        split.train.iter().map(|task| (task.user, &task.events[..])).collect();
    let with_known = |user: &HeldOutUser| match known.get(&user.user) {
        Some(events) if events.starts_with(&user.pool) => HeldOutUser { pool: events.to_vec(), ..user.clone() },
        _ => user.clone(),
    };
    split.valid.iter().map(with_known).collect()
}

/// What the validation users are looked at by, if there is something to look at and it is in the catalogue.
fn checked_looks((candidates, shots): Looks, items: usize) -> Result<Looks, TrainError> {
    let wrong = |field, value: String, expected| Err(TrainError::Setting { field, value, expected });
    if let Some(foreign) = candidates.iter().find(|item| item.position() >= items) {
        return wrong("looks.candidates", format!("item {} of {items}", foreign.0), "items of the catalogue");
    }
    if candidates.is_empty() {
        return wrong("looks.candidates", "empty".to_owned(), "at least one item");
    }
    if shots.is_empty() {
        return wrong("looks.shots", "empty".to_owned(), "at least one number of shots");
    }
    Ok((candidates, shots))
}

/// How episodes are drawn, unless that was said: with as many shots as the `pool` of those who are looked at has, if these are more than the default's and the
/// model reads them. A learner that is supervised from the whole context
/// alone meets each number of shots only where episodes have it, and so gets them all.
fn sampling(config: &Config, supervision: Supervision, pool: usize) -> UserSamplerConfig {
    let sampler = config.sampler.clone();
    let pool = pool.min(config.model.max_context).max(sampler.max_shots);
    match supervision {
        _ if sampler != UserSamplerConfig::default() => sampler,
        Supervision::WholeContext => sampler.with_shots(0..=pool),
        Supervision::EveryPrefix => sampler.with_shots(pool..=pool),
    }
}

/// What tells a run from others: all settings, and a digest of `what` else there is, the ids and the training events.
fn mark(config: &Config, data: &Dataset, split: &UserSplit, what: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(what.as_bytes());
    for id in data.catalogue().ids() {
        hash.update(id.as_bytes());
        hash.update([0]);
    }
    for event in split.train.iter().flat_map(|task| &task.events) {
        hash.update(event.item.0.to_le_bytes());
        hash.update([event.action.code() as u8]);
        hash.update(event.value.unwrap_or(f32::NAN).to_bits().to_le_bytes());
        hash.update(event.timestamp.unwrap_or(-1).to_le_bytes());
    }
    let digest: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{config:?} {digest}")
}

/// What can fail once training is done is writing the weights as bytes.
fn of_training(error: RecommendError) -> TrainError {
    match error {
        RecommendError::Persist(source) => TrainError::Checkpoint(source),
        other => TrainError::Checkpoint(PersistError::Malformed { part: "model".to_owned(), source: Box::new(other) }),
    }
}

/// An observer in a box is an observer.
struct Told<'a>(Box<dyn Observer + 'a>);

impl Observer for Told<'_> {
    fn step(&mut self, progress: &Progress) {
        self.0.step(progress);
    }

    fn validated(&mut self, progress: &Progress, score: &ValidationScore, best: bool) {
        self.0.validated(progress, score, best);
    }
}

#[cfg(test)]
mod tests;
