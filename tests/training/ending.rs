//! How a run ends, which model it gives, and what it refuses to begin with.

use burn::Tensor;
use burn::optim::SgdConfig;
use metarec::meta::{MetaGradient, MetaLearner, ServingLearner};
use metarec::model::{AdaptableModel, MetaBatch, PreferenceModel, Supervision, SupportUse};
use metarec::persist::read_parts;
use metarec::train::{
    CancelToken, Goal, MetaTrainer, Observer, Optimizers, Progress, ScaledRate, Stop, TrainError, TrainingConfig,
    ValidationScore,
};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

/// A learner that spoils something from its nth meta-gradient on.
struct Spoilt<L> {
    inner: L,
    calls: AtomicUsize,
    from: usize,
    what: What,
}

#[derive(Clone, Copy, PartialEq)]
enum What {
    Loss,
    ModelGradient,
    StateGradient,
}

impl<M: AdaptableModel, L: MetaLearner<M>> MetaLearner<M> for Spoilt<L> {
    type State = L::State;
    type Adapted = L::Adapted;

    fn support_use(&self) -> SupportUse {
        self.inner.support_use()
    }

    fn init_state(&self, model: &M) -> L::State {
        self.inner.init_state(model)
    }
    fn supervision(&self) -> Supervision {
        self.inner.supervision()
    }
    fn needs_autodiff(&self) -> bool {
        self.inner.needs_autodiff()
    }
    fn adapt(&self, model: &M, state: &L::State, support: &M::Batch) -> L::Adapted {
        self.inner.adapt(model, state, support)
    }
    fn query_loss(&self, model: &M, state: &L::State, adapted: &L::Adapted, query: &M::Batch) -> Tensor<1> {
        self.inner.query_loss(model, state, adapted, query)
    }
    fn meta_gradient(&self, model: &M, state: &L::State, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let mut gradient = self.inner.meta_gradient(model, state, batch);
        if self.calls.fetch_add(1, Ordering::Relaxed) >= self.from {
            match self.what {
                What::Loss => gradient.query_loss = gradient.query_loss / 0.0,
                What::ModelGradient => gradient.model = metarec::meta::scaled(model, &gradient.model, f64::NAN),
                What::StateGradient => gradient.state = metarec::meta::scaled(state, &gradient.state, f64::NAN),
            }
        }
        gradient
    }
}

impl<M: PreferenceModel, L: ServingLearner<M>> ServingLearner<M> for Spoilt<L> {
    fn task(&self, adapted: &L::Adapted, task: usize) -> L::Adapted {
        self.inner.task(adapted, task)
    }
    fn state_only_rates(&self) -> bool {
        self.inner.state_only_rates()
    }
    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &L::Adapted) -> Tensor<2> {
        self.inner.rank(model, catalogue, adapted)
    }
    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &L::Adapted) -> Option<Tensor<2>> {
        self.inner.rate(model, catalogue, adapted)
    }
}

#[test]
fn a_run_that_diverges_names_the_step_and_keeps_the_last_good_checkpoint() {
    let world = World::new();
    for what in [What::Loss, What::ModelGradient, What::StateGradient] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let learner = |from| Spoilt { inner: closed_form(), calls: AtomicUsize::new(0), from, what };
        // Three shards a step: step 5 has the calls from 15 on. A checkpoint was written after step 4.
        let (told, result) = run(&world, learner(15), Some(&path), None);
        let error = result.map(|trained| trained.steps).unwrap_err();
        let named = matches!(&error, TrainError::Diverged { step: 5, checkpoint: Some(kept), .. } if *kept == path);
        assert!(named, "{error:?}");
        assert!(error.to_string().contains("diverged at step 5"), "{error}");
        assert_eq!(told.steps.len(), 5, "the step that diverged is not reported as done");
        let (whole, expected) = run(&world, closed_form(), None, None);
        let (rest, result) = run(&world, learner(usize::MAX), Some(&path), None);
        assert_eq!(rest.steps, whole.steps[4..], "the checkpoint is not that of the last look");
        assert!(all_bits(&result.unwrap()) == all_bits(&expected.unwrap()));
    }
}

#[test]
fn without_a_checkpoint_a_run_that_diverges_says_of_none() {
    let world = World::new();
    let learner = Spoilt { inner: closed_form(), calls: AtomicUsize::new(0), from: 0, what: What::Loss };
    let error = run(&world, learner, None, None).1.map(|trained| trained.steps).unwrap_err();
    assert!(matches!(error, TrainError::Diverged { step: 0, checkpoint: None, .. }), "{error:?}");
}

#[test]
fn a_model_that_a_step_has_spoilt_is_never_written() {
    let world = World::new();
    // A step of infinite length: the loss before it was fine, the model after it is not.
    let far = ScaledRate { inner: SgdConfig::new().build(), factor: 1e300 };
    let optimizers = || Optimizers { model: far.clone().into(), state: far.clone().into() };
    let mut look_at_once = config(2);
    look_at_once.meta_batch = 1000;
    for (what, config, cancel) in [("cancelled", config(2), true), ("looked at", look_at_once, false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let (told, token) = (Mutex::new(Told::default()), CancelToken::new());
        let recorder = Recorder { told: &told, cancel: cancel.then(|| (token.clone(), 1)) };
        let trainer = world.trainer(closed_form(), &config, 7).with_optimizers(optimizers());
        let result = trainer.with_observer(recorder).with_cancel(token).with_checkpoint(&path).run();
        let error = result.map(|trained| trained.steps).unwrap_err();
        assert!(matches!(error, TrainError::Diverged { step: 0, checkpoint: None, .. }), "{what}: {error:?}");
        assert!(!path.exists(), "{what}: a spoilt model was written");
    }
}

#[test]
fn a_run_that_gets_no_better_stops_early_and_stays_stopped() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let go = || {
        let mut config = config(50);
        (config.patience, config.outer_lr, config.weight_decay) = (3, 1e-12, 0.0);
        let told = Mutex::new(Told::default());
        let trainer = world.trainer(closed_form(), &config, 7).with_validation(world.validation());
        let recorder = Recorder { told: &told, cancel: None };
        let trained = trainer.with_checkpoint(&path).with_observer(recorder).run().unwrap();
        (trained, told.into_inner().unwrap())
    };
    // The first look, before any step, is the best; three more are not better.
    let (trained, told) = go();
    assert_eq!((trained.stop, trained.steps), (Stop::EarlyStop, 12));
    assert_eq!(told.looks.iter().map(|look| look.2).collect::<Vec<_>>(), [true, false, false, false]);
    let (again, told) = go();
    assert_eq!((again.stop, again.steps, told), (Stop::EarlyStop, 12, Told::default()));
    assert!(all_bits(&again) == all_bits(&trained));
}

#[test]
fn the_best_model_is_returned_and_not_the_last() {
    let world = World::new();
    // At this rate parameters move, but no rank changes: the first look is the best one.
    let mut config = config(3);
    (config.outer_lr, config.weight_decay) = (1e-6, 0.0);
    let told = Mutex::new(Told::default());
    let recorder = Recorder { told: &told, cancel: None };
    let trainer = world.trainer(closed_form(), &config, 7).with_validation(world.validation());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let trained = trainer.with_observer(recorder).with_checkpoint(&path).run().unwrap();
    assert_eq!(
        told.into_inner().unwrap().looks.iter().map(|look| look.2).collect::<Vec<_>>(),
        [true, false, false, false]
    );
    let load = |part: &str| {
        let bytes = read_parts(&path, "checkpoint").unwrap().1.remove(part).unwrap();
        bits(&metarec::persist::module_from_bytes(part, world.model(8, 0.2), bytes).unwrap())
    };
    assert!(load("kept_model.bin") == bits(&trained.model));
    assert!(load("model.bin") != bits(&trained.model));
}

#[test]
fn settings_out_of_bounds_and_no_tasks_are_named() {
    let world = World::new();
    let new = |config: &TrainingConfig, tasks| {
        MetaTrainer::new(world.model(8, 0.0), closed_form(), &world.sampler, tasks, config, 1, &device()).err().unwrap()
    };
    let with = |change: fn(&mut TrainingConfig)| {
        let mut config = TrainingConfig::default();
        change(&mut config);
        new(&config, 10).to_string()
    };
    for (error, field) in [
        (with(|config| config.epochs = 0), "`epochs` is 0"),
        (with(|config| config.most_steps = 0), "`most_steps` is 0"),
        (with(|config| config.meta_batch = 0), "`meta_batch` is 0"),
        (with(|config| config.shards = 1025), "`shards` is 1025"),
        (with(|config| config.validate_every = 0), "`validate_every` is 0"),
        (with(|config| config.patience = 0), "`patience` is 0"),
        (with(|config| config.keep_margin = -1.0), "`keep_margin` is -1"),
        (with(|config| config.outer_lr = f64::NAN), "`outer_lr` is NaN"),
        (with(|config| config.warm_up = 0.6), "`warm_up` is 0.6"),
        (with(|config| config.weight_decay = -1.0), "`weight_decay` is -1"),
        (with(|config| config.max_gradient_norm = f64::INFINITY), "`max_gradient_norm` is inf"),
    ] {
        assert!(error.contains(field), "{error}");
    }
    assert!(matches!(new(&TrainingConfig::default(), 0), TrainError::NoTasks(_)));
}

#[test]
fn the_goal_says_which_model_is_the_best() {
    let world = World::new();
    let run = |goal| {
        let told = Mutex::new(Vec::new());
        struct Looks<'a>(&'a Mutex<Vec<(ValidationScore, bool)>>);
        impl Observer for Looks<'_> {
            fn validated(&mut self, _: &Progress, score: &ValidationScore, best: bool) {
                self.0.lock().unwrap().push((score.clone(), best));
            }
        }
        let mut config = config(3);
        config.keep_margin = 0.0;
        let trainer = world.trainer(closed_form(), &config, 7);
        trainer.with_validation(world.validation().with_goal(goal)).with_observer(Looks(&told)).run().unwrap();
        told.into_inner().unwrap()
    };
    for goal in [Goal::Ranking, Goal::Ratings] {
        let looks = run(goal);
        let mut best = f64::NEG_INFINITY;
        for (score, was_best) in looks {
            let value = match goal {
                Goal::Ranking => score.ndcg.iter().sum::<f64>() / score.ndcg.len() as f64,
                _ => -score.rmse.iter().sum::<f64>() / score.rmse.len() as f64,
            };
            assert_eq!(score.value(), value);
            assert_eq!(was_best, value > best, "{goal:?}: {value} after {best}");
            best = best.max(value);
        }
    }
}
