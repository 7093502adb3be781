//! The episode loop.

use std::path::PathBuf;

use burn::module::Module;
use burn::tensor::Device;

use crate::data::Profiles;
use crate::meta::{ServingLearner, blend, clip_by_norm, is_finite};
use crate::model::PreferenceModel;
use crate::persist::PersistError;
use crate::sampler::{Episode, EpisodeId, TaskSampler};
use crate::train::cancel::CancelToken;
use crate::train::checkpoint::{Ledger, RunState};
use crate::train::config::TrainingConfig;
use crate::train::error::TrainError;
use crate::train::keep::BestLook;
use crate::train::observer::{Observer, Progress, Silent};
use crate::train::optimizer::Optimizers;
use crate::train::shards::step_gradient;
use crate::train::validation::Validation;

/// Why a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Stop {
    /// All steps were done.
    Finished,
    /// The meta-validation users were ranked for no better for as many looks as patience allowed.
    EarlyStop,
}

/// A meta-trained model.
#[derive(Clone, Debug)]
pub struct Trained<M, S> {
    /// The running average of the weights at the last look after which the meta-validation users were not ranked for worse than at the best, with the rating head
    /// of the last at which they were not rated for worse (see [`TrainingConfig::keep_margin`]); the last average if there were no such users.
    pub model: M,
    /// What the learner learned besides.
    pub state: S,
    /// Steps done.
    pub steps: usize,
    /// Why it ended.
    pub stop: Stop,
}

/// Trains a model with a learner on episodes of a sampler.
///
/// The model must be on an autodiff device. Threads come from the current rayon pool: run [`MetaTrainer::run`] inside `pool.install` to choose one.
pub struct MetaTrainer<'a, M: PreferenceModel, L: ServingLearner<M>> {
    model: M,
    state: L::State,
    learner: L,
    sampler: &'a dyn TaskSampler,
    tasks: usize,
    device: Device,
    config: TrainingConfig,
    seed: u64,
    optimizers: Optimizers,
    profiles: Profiles,
    validation: Option<Validation>,
    observer: Box<dyn Observer + 'a>,
    cancel: CancelToken,
    checkpoint: Option<PathBuf>,
    mark: String,
}

impl<'a, M: PreferenceModel, L: ServingLearner<M>> MetaTrainer<'a, M, L> {
    /// A trainer of `model`, which is on the autodiff device `device`, on `sampler`, which draws from `tasks` tasks.
    ///
    /// # Errors
    /// If a setting is out of its bounds or does not fit the model, or there are no tasks.
    pub fn new(
        model: M,
        learner: L,
        sampler: &'a dyn TaskSampler,
        tasks: usize,
        config: &TrainingConfig,
        seed: u64,
        device: &Device,
    ) -> Result<Self, TrainError> {
        config.check()?;
        if tasks == 0 {
            return Err(TrainError::NoTasks("the sampler has no tasks".to_owned()));
        }
        learner.check(&model)?;
        let state = learner.init_state(&model);
        let optimizers = Optimizers::adamw(config).for_state_of(&learner, config);
        Ok(Self {
            model,
            state,
            learner,
            sampler,
            tasks,
            device: device.clone(),
            config: config.clone(),
            seed,
            optimizers,
            profiles: Profiles::default(),
            validation: None,
            observer: Box::new(Silent),
            cancel: CancelToken::new(),
            checkpoint: None,
            mark: String::new(),
        })
    }

    /// Steps with these optimizers instead of [`Optimizers::adamw`] with the state stepped as [`Optimizers::for_state_of`] says.
    #[must_use]
    pub fn with_optimizers(mut self, optimizers: Optimizers) -> Self {
        self.optimizers = optimizers;
        self
    }

    /// Tells the model what is known of the users of tasks besides their events: see [`TaskId::user`](crate::sampler::TaskId::user). Nothing unless told.
    #[must_use]
    pub fn with_profiles(mut self, profiles: Profiles) -> Self {
        self.profiles = profiles;
        self
    }

    /// Keeps the latest model of which these users do not say that it is worse than the best so far ([`TrainingConfig::keep_margin`]), and stops when none gets
    /// better.
    #[must_use]
    pub fn with_validation(mut self, validation: Validation) -> Self {
        self.validation = (!validation.is_empty()).then_some(validation);
        self
    }

    /// Tells `observer` how it goes.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer + 'a) -> Self {
        self.observer = Box::new(observer);
        self
    }

    /// Stops when the token is used.
    #[must_use]
    pub fn with_cancel(mut self, cancel: CancelToken) -> Self {
        self.cancel = cancel;
        self
    }

    /// Writes a checkpoint to this folder at every look at the meta-validation users, at least once in `validate_every` epochs, and when cancelled; goes on
    /// from the one that is there.
    #[must_use]
    pub fn with_checkpoint(mut self, path: impl Into<PathBuf>) -> Self {
        self.checkpoint = Some(path.into());
        self
    }

    /// Marks checkpoints with whatever tells this run from others besides seed, tasks and training settings: learner, sampler, data. A checkpoint with another
    /// mark is refused.
    #[must_use]
    pub fn with_mark(mut self, mark: impl Into<String>) -> Self {
        self.mark = mark.into();
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// If the loss or the model is no longer finite, the token was used, an episode can't be drawn, or a checkpoint can't be written or read.
    ///
    /// # Panics
    /// If the model is not on an autodiff device; on resuming, if the environment variable `BURN_DEVICE` names a backend that is not compiled in.
    pub fn run(mut self) -> Result<Trained<M, L::State>, TrainError> {
        let steps = self.config.steps(self.tasks);
        let every = self.config.steps_an_epoch(self.tasks) * self.config.validate_every;
        let mut run = self.start()?;
        let mut loss = f64::NAN;
        if run.ledger.step == 0 && !run.ledger.best.is_some() {
            self.look(&mut run, &Progress { step: 0, steps, loss, gradient_norm: f64::NAN })?;
        }
        // A run that has stopped early, and comes back from its checkpoint, stays stopped.
        while run.ledger.step < steps && run.ledger.best.looks_since() < self.config.patience {
            if self.cancel.is_cancelled() {
                self.save(&run, loss)?;
                return Err(TrainError::Cancelled { step: run.ledger.step });
            }
            let progress = self.step(&mut run, steps)?;
            loss = progress.loss;
            self.observer.step(&progress);
            if run.ledger.step % every == 0 || run.ledger.step == steps {
                self.look(&mut run, &progress)?;
            }
        }
        let stop = if run.ledger.step < steps { Stop::EarlyStop } else { Stop::Finished };
        Ok(Trained { model: run.kept_model, state: run.kept_state, steps: run.ledger.step, stop })
    }

    /// The run from its beginning, or from its checkpoint.
    fn start(&self) -> Result<RunState<M, L::State>, TrainError> {
        let config = self.config.clone();
        let fresh = RunState {
            ledger: Ledger {
                step: 0,
                seed: self.seed,
                tasks: self.tasks,
                mark: self.mark.clone(),
                config,
                best: BestLook::default(),
                best_rating: BestLook::default(),
            },
            model: self.model.clone(),
            state: self.state.clone(),
            average_model: self.model.clone(),
            average_state: self.state.clone(),
            kept_model: self.model.clone(),
            kept_state: self.state.clone(),
            optimizers: self.optimizers.clone(),
        };
        let Some(path) = self.written() else { return Ok(fresh) };
        let ledger = fresh.ledger.clone();
        let run = fresh.load(&path)?;
        if !ledger.is_of_run(&run.ledger) {
            let why =
                "it is of a run with another seed, other training settings, another number of tasks or another mark"
                    .to_owned();
            return Err(PersistError::Foreign { path, expected: "checkpoint", why }.into());
        }
        Ok(run)
    }

    /// Where the checkpoint is, if there is one. A folder with nothing in it is none yet.
    fn written(&self) -> Option<PathBuf> {
        let empty = |path: &PathBuf| path.read_dir().is_ok_and(|mut entries| entries.next().is_none());
        self.checkpoint.clone().filter(|path| path.exists() && !empty(path))
    }

    /// Writes a checkpoint, unless the last step, whose loss was `loss`, has spoilt the model: then the one before is kept.
    fn save(&self, run: &RunState<M, L::State>, loss: f64) -> Result<(), TrainError> {
        if !is_finite(&run.model) || !is_finite(&run.state) {
            return Err(self.diverged(run.ledger.step.saturating_sub(1), loss));
        }
        self.checkpoint.as_ref().map_or(Ok(()), |path| run.save(path)).map_err(TrainError::from)
    }

    fn diverged(&self, step: usize, loss: f64) -> TrainError {
        TrainError::Diverged { step, loss, checkpoint: self.written() }
    }

    /// One outer step.
    fn step(&self, run: &mut RunState<M, L::State>, steps: usize) -> Result<Progress, TrainError> {
        let step = run.ledger.step;
        let first = step * self.config.meta_batch;
        let episodes = (first..first + self.config.meta_batch)
            .map(|index| self.sampler.episode(EpisodeId { seed: self.seed, index: index as u64 }))
            .collect::<Result<Vec<Episode>, _>>()?;
        let parts = (&run.model, &run.state, &self.learner);
        let gradient =
            step_gradient(parts, (&episodes, &self.profiles), (self.seed, step, self.config.shards), &self.device);
        let (model, norm) = clip_by_norm(&run.model, gradient.model, self.config.max_gradient_norm);
        let (state, norm_of_state) = clip_by_norm(&run.state, gradient.state, self.config.max_gradient_norm);
        if !(gradient.loss.is_finite() && norm.is_finite() && norm_of_state.is_finite()) {
            return Err(self.diverged(step, gradient.loss));
        }
        let rate = self.config.rate(step, steps);
        run.model = run.optimizers.model.step(rate, run.model.clone(), model);
        run.state = run.optimizers.state.step(rate, run.state.clone(), state);
        run.ledger.step += 1;
        let weight = self.config.average_weight(run.ledger.step);
        run.average_model = blend(run.average_model.clone(), &run.model, weight);
        run.average_state = blend(run.average_state.clone(), &run.state, weight);
        Ok(Progress { step: step + 1, steps, loss: gradient.loss, gradient_norm: norm })
    }

    /// Looks at the validation users, keeps what is not worse, writes a checkpoint.
    fn look(&mut self, run: &mut RunState<M, L::State>, progress: &Progress) -> Result<(), TrainError> {
        if !is_finite(&run.model) || !is_finite(&run.state) {
            return Err(self.diverged(progress.step.saturating_sub(1), progress.loss));
        }
        let score = self.validation.as_ref().map(|validation| {
            let plain = self.device.clone().inner();
            if self.learner.needs_autodiff() {
                validation.score((&run.average_model, &run.average_state, &self.learner), &plain)
            } else {
                validation.score((&run.average_model.valid(), &run.average_state.valid(), &self.learner), &plain)
            }
        });
        let kept = run.keep(score.as_ref(), self.learner.state_only_rates());
        if let Some(score) = &score {
            self.observer.validated(progress, score, kept);
        }
        // What has not been trained need not be kept.
        if run.ledger.step == 0 { Ok(()) } else { self.save(run, progress.loss) }
    }
}
