//! The episode loop: what is bit-equal, what a checkpoint brings back, how a run ends.
#![cfg(feature = "train")]

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::SgdConfig;
use burn::tensor::Device;
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, SplitRule, UserSplit, tie_order};
use metarec::meta::{
    Anil, AnilConfig, ClosedForm, ClosedFormConfig, Fomaml, FomamlConfig, InContext, InContextConfig, LearnedRates,
    Maml, MamlConfig, MetaGradient, MetaLearner, Moves, Reptile, ReptileConfig, ServingLearner, combine, norm, values,
};
use metarec::model::initial::InitialValues;
use metarec::model::{
    AdaptableModel, MetaBatch, PreferenceModel, PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig,
    Supervision, SupportUse, TaskEvents,
};
use metarec::persist::{PersistError, read_parts};
use metarec::sampler::{EpisodeId, SupportOrder, TaskSampler, UserSampler, UserSamplerConfig};
use metarec::train::{
    CancelToken, Goal, MetaTrainer, Observer, Optimizers, Progress, ScaledRate, Stop, TrainError, Trained,
    TrainingConfig, Validation, ValidationScore,
};

/// A small market, its users divided, and who draws from them.
struct World {
    data: Dataset,
    split: UserSplit,
    sampler: UserSampler,
}

impl World {
    fn new() -> Self {
        let market = MarketConfig::default().with_users(60).with_items(30).with_events(20);
        let data = market.generate().unwrap().into_dataset();
        let rule = SplitRule::default().with_support(8).with_min_events(12);
        let split = UserSplit::by_digest(&data, &rule).unwrap();
        assert!(split.valid.len() > 2, "{} users to look at", split.valid.len());
        let config = UserSamplerConfig::default().with_shots(0..=6).with_min_query(4).with_order(SupportOrder::First);
        let sampler = UserSampler::new(split.train.clone(), config).unwrap();
        Self { data, split, sampler }
    }

    /// The same model each time, under new parameter ids, as in a new process.
    fn model(&self, d_model: usize, dropout: f64) -> PreferenceTransformer {
        let mut config = PreferenceTransformerConfig::default();
        (config.d_model, config.d_feed_forward, config.layers) = (d_model, 12, 1);
        (config.rating_factors, config.max_context, config.dropout) = (3, 6, Some(dropout));
        let (data, tasks) = (&self.data, &self.split.train);
        let schema = PreferenceSchema::from_tasks(data.catalogue(), tasks, data.like_rule());
        let initial = InitialValues::fit(tasks, 4, &config, &schema, 1);
        PreferenceTransformer::new(&config, &schema, data.catalogue(), &initial, 1, &device()).unwrap()
    }

    fn validation(&self) -> Validation {
        let places = tie_order(self.data.catalogue().ids());
        let likes = self.data.like_rule().clone();
        Validation::new(self.split.valid.clone(), self.split.candidates(), likes, places, vec![0, 3])
    }

    fn trainer<L: ServingLearner<PreferenceTransformer>>(
        &self,
        learner: L,
        config: &TrainingConfig,
        seed: u64,
    ) -> MetaTrainer<'_, PreferenceTransformer, L> {
        let model = self.model(8, 0.2);
        MetaTrainer::new(model, learner, &self.sampler, self.sampler.tasks(), config, seed, &device()).unwrap()
    }
}

fn device() -> Device {
    Device::default().autodiff()
}

/// Four steps an epoch.
fn config(epochs: usize) -> TrainingConfig {
    let world_users = World::new().sampler.tasks();
    let mut config = TrainingConfig::default();
    (config.epochs, config.meta_batch, config.outer_lr) = (epochs, world_users.div_ceil(4), 0.01);
    (config.shards, config.validate_every, config.weight_decay) = (3, 1, 0.01);
    assert_eq!(config.steps_an_epoch(world_users), 4);
    config
}

fn closed_form() -> ClosedForm {
    ClosedFormConfig::default().init()
}

fn in_context() -> InContext {
    InContextConfig::default().init()
}

fn anil() -> Anil {
    AnilConfig::default().with_rates(Some(LearnedRates::default())).init().unwrap()
}

fn maml() -> Maml {
    MamlConfig::default().with_moves(Moves::Head).with_rates(Some(LearnedRates::default())).init().unwrap()
}

fn fomaml() -> Fomaml {
    FomamlConfig::default().init().unwrap()
}

fn reptile() -> Reptile {
    ReptileConfig::default().init().unwrap()
}

/// Runs a generic test for every learner.
macro_rules! with_every_learner {
    ($test:ident) => {
        $test("closed form", closed_form);
        $test("in context", in_context);
        $test("ANIL", anil);
        $test("MAML", maml);
        $test("first-order MAML", fomaml);
        $test("Reptile", reptile);
    };
}

#[derive(Default)]
struct Bits(Vec<u32>);

impl ModuleVisitor for Bits {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(param.val().into_data().iter::<f32>().map(f32::to_bits));
    }
}

fn bits<M: Module>(module: &M) -> Vec<u32> {
    let mut bits = Bits::default();
    module.visit(&mut bits);
    bits.0
}

fn all_bits<M: Module, S: Module>(trained: &Trained<M, S>) -> (Vec<u32>, Vec<u32>) {
    (bits(&trained.model), bits(&trained.state))
}

/// What an observer was told, bit by bit.
#[derive(Clone, Debug, Default, PartialEq)]
struct Told {
    steps: Vec<(usize, usize, u64, u64)>,
    looks: Vec<(usize, u64, bool)>,
}

/// Writes down what it is told, and cancels after a step.
struct Recorder<'a> {
    told: &'a Mutex<Told>,
    cancel: Option<(CancelToken, usize)>,
}

impl Observer for Recorder<'_> {
    fn step(&mut self, p: &Progress) {
        self.told.lock().unwrap().steps.push((p.step, p.steps, p.loss.to_bits(), p.gradient_norm.to_bits()));
        if let Some((token, _)) = self.cancel.as_ref().filter(|(_, after)| *after == p.step) {
            token.cancel();
        }
    }

    fn validated(&mut self, progress: &Progress, score: &ValidationScore, best: bool) {
        assert_eq!((score.shots.len(), score.ndcg.len(), score.rmse.len()), (2, 2, 2));
        self.told.lock().unwrap().looks.push((progress.step, score.ranking().to_bits(), best));
    }
}

/// A run with validation, perhaps with a checkpoint, perhaps cancelled after a step.
fn run<L: ServingLearner<PreferenceTransformer>>(
    world: &World,
    learner: L,
    checkpoint: Option<&Path>,
    cancel_after: Option<usize>,
) -> (Told, Result<Trained<PreferenceTransformer, L::State>, TrainError>) {
    let (told, token) = (Mutex::new(Told::default()), CancelToken::new());
    let recorder = Recorder { told: &told, cancel: cancel_after.map(|step| (token.clone(), step)) };
    let mut trainer = world
        .trainer(learner, &config(2), 7)
        .with_validation(world.validation())
        .with_observer(recorder)
        .with_cancel(token);
    if let Some(path) = checkpoint {
        trainer = trainer.with_checkpoint(path);
    }
    let result = trainer.run();
    (told.into_inner().unwrap(), result)
}

#[test]
fn a_run_is_bit_equal_on_any_number_of_threads_and_when_repeated() {
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let on = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let trained = pool.install(|| world.trainer(learner(), &config(1), seed).run()).unwrap();
            all_bits(&trained)
        };
        let one = on(1, 3);
        assert!(one.0 != bits(&world.model(8, 0.2)), "{name} does not train");
        for threads in [1, 2, 4] {
            assert!(one == on(threads, 3), "{name} on {threads} threads");
        }
        assert!(one != on(1, 4), "{name} with another seed");
    }
    with_every_learner!(test);
}

#[test]
fn the_number_of_shards_changes_only_rounding_without_dropout() {
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let start = world.model(8, 0.0);
        // One step of the clipped gradient itself.
        let step = |shards: usize| {
            let mut config = config(100);
            (config.shards, config.outer_lr, config.warm_up, config.epochs) = (shards, 1.0, 0.0, 100);
            let token = CancelToken::new();
            let told = Mutex::new(Told::default());
            let folder = tempfile::tempdir().unwrap();
            let observer = Recorder { told: &told, cancel: Some((token.clone(), 1)) };
            let sgd = Optimizers { model: SgdConfig::new().init(), state: SgdConfig::new().init() };
            let model = start.clone();
            let run = MetaTrainer::new(model, learner(), &world.sampler, 30, &config, 5, &device()).unwrap();
            let run = run.with_optimizers(sgd).with_observer(observer).with_cancel(token);
            let path = folder.path().join("checkpoint");
            assert!(matches!(run.with_checkpoint(&path).run(), Err(TrainError::Cancelled { step: 1 })));
            let bytes = read_parts(&path, "checkpoint").unwrap().1.remove("model.bin").unwrap();
            metarec::persist::module_from_bytes("model.bin", start.clone(), bytes).unwrap()
        };
        let before = values(&start);
        let way = |after: &PreferenceTransformer| combine(&start, (&values(after), 1.0), (&before, -1.0));
        let one = way(&step(1));
        assert!(norm(&start, &one) > 0.01, "{name}: the step is too short to compare");
        for shards in [2, 4, 7] {
            let other = way(&step(shards));
            let far = norm(&start, &combine(&start, (&one, 1.0), (&other, -1.0))) / norm(&start, &one);
            assert!(far <= 1e-5, "{name}: {shards} shards are {far:.1e} of a step away");
        }
    }
    with_every_learner!(test);
}

#[test]
fn a_run_that_is_cancelled_and_resumed_is_bit_equal_to_one_that_is_not() {
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let (whole, trained) = run(&world, learner(), None, None);
        let expected = all_bits(&trained.unwrap());
        assert_eq!(
            whole.steps.iter().map(|step| (step.0, step.1)).collect::<Vec<_>>(),
            (1..=8).map(|s| (s, 8)).collect::<Vec<_>>()
        );
        assert_eq!(whole.looks.iter().map(|look| look.0).collect::<Vec<_>>(), [0, 4, 8], "{name}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut pieces = Told::default();
        // In the middle of an epoch, at a look, and one step further.
        for cancel_after in [2, 4, 5] {
            let (told, result) = run(&world, learner(), Some(&path), Some(cancel_after));
            assert!(matches!(result, Err(TrainError::Cancelled { step }) if step == cancel_after), "{name}");
            pieces.steps.extend(told.steps);
            pieces.looks.extend(told.looks);
            let next = whole.steps[..pieces.steps.len()].to_vec();
            assert_eq!(pieces.steps, next, "{name}, cancelled after {cancel_after}");
        }
        let (told, result) = run(&world, learner(), Some(&path), None);
        let trained = result.unwrap();
        pieces.steps.extend(told.steps);
        pieces.looks.extend(told.looks);
        assert_eq!(pieces, whole, "{name}");
        assert!(all_bits(&trained) == expected, "{name}: the resumed run ends elsewhere");
        // A run that has ended is not run again.
        let (told, result) = run(&world, learner(), Some(&path), None);
        assert_eq!(told, Told::default(), "{name}");
        assert!(all_bits(&result.unwrap()) == expected, "{name}: the finished run");
    }
    with_every_learner!(test);
}

#[test]
fn grouped_optimizers_come_back_from_a_checkpoint_as_well() {
    let world = World::new();
    let go = |path: Option<&Path>, cancel_after: usize| {
        let (told, token) = (Mutex::new(Told::default()), CancelToken::new());
        let config = config(2);
        let recorder = Recorder { told: &told, cancel: Some((token.clone(), cancel_after)) };
        let trainer = world.trainer(closed_form(), &config, 7).with_observer(recorder).with_cancel(token);
        let trainer = trainer.with_optimizers(Optimizers::for_transformer(&config));
        match path {
            Some(path) => trainer.with_checkpoint(path).run(),
            None => trainer.run(),
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let expected = all_bits(&go(None, 99).unwrap());
    assert!(matches!(go(Some(&path), 3), Err(TrainError::Cancelled { step: 3 })));
    assert!(all_bits(&go(Some(&path), 99).unwrap()) == expected);
}

#[test]
fn a_checkpoint_of_another_run_is_refused_and_left_as_it_is() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let (_, result) = run(&world, closed_form(), Some(&path), Some(3));
    assert!(matches!(result, Err(TrainError::Cancelled { step: 3 })));
    let whole = read_parts(&path, "checkpoint").unwrap();
    let trainer = |config: &TrainingConfig, seed, tasks, d| {
        let model = world.model(d, 0.2);
        let run = MetaTrainer::new(model, closed_form(), &world.sampler, tasks, config, seed, &device()).unwrap();
        run.with_checkpoint(&path).run()
    };
    let (own, users) = (config(2), world.sampler.tasks());
    let mut other = config(2);
    other.outer_lr = 0.02;
    for (what, result) in [
        ("seed", trainer(&own, 8, users, 8)),
        ("training settings", trainer(&other, 7, users, 8)),
        ("tasks", trainer(&own, 7, users + 40, 8)),
    ] {
        match result {
            Err(TrainError::Checkpoint(PersistError::Foreign { why, .. })) => {
                assert!(why.contains(what), "{what}: {why}")
            }
            other => panic!("{what}: {:?}", other.map(|trained| trained.steps)),
        }
    }
    let result = trainer(&own, 7, users, 16).map(|trained| trained.steps);
    let named =
        matches!(&result, Err(TrainError::Checkpoint(PersistError::Malformed { part, .. })) if part == "model.bin");
    assert!(named, "another model: {result:?}");
    assert!(read_parts(&path, "checkpoint").unwrap() == whole, "the checkpoint has changed");
}

#[test]
fn settings_that_json_brings_back_one_bit_off_do_not_make_another_run() {
    let world = World::new();
    let changed = |value: &f64| serde_json::from_str::<f64>(&value.to_string()).unwrap() != *value;
    let rate = (1..100_000).map(|n| f64::from(n).sqrt() / 400.0).find(changed);
    // Nothing to test where serde_json reads decimal numbers exactly.
    let Some(rate) = rate else { return };
    let folder = tempfile::tempdir().unwrap();
    let go = |cancel_after| {
        let mut config = config(2);
        config.outer_lr = rate;
        let (told, token) = (Mutex::new(Told::default()), CancelToken::new());
        let recorder = Recorder { told: &told, cancel: Some((token.clone(), cancel_after)) };
        let trainer = world.trainer(closed_form(), &config, 7).with_observer(recorder).with_cancel(token);
        trainer.with_checkpoint(folder.path()).run().map(|trained| trained.steps)
    };
    assert!(matches!(go(1), Err(TrainError::Cancelled { step: 1 })));
    assert_eq!(go(99).unwrap(), 8);
}

#[test]
fn an_empty_folder_is_a_checkpoint_yet_to_be_written() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let (_, result) = run(&world, closed_form(), Some(folder.path()), Some(1));
    assert!(matches!(result, Err(TrainError::Cancelled { step: 1 })), "{:?}", result.map(|trained| trained.steps));
    assert!(read_parts(folder.path(), "checkpoint").is_ok());
}

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
    assert!(load("best_model.bin") == bits(&trained.model));
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
        (with(|config| config.meta_batch = 0), "`meta_batch` is 0"),
        (with(|config| config.shards = 1025), "`shards` is 1025"),
        (with(|config| config.validate_every = 0), "`validate_every` is 0"),
        (with(|config| config.patience = 0), "`patience` is 0"),
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
fn gradients_of_many_threads_at_once_are_those_of_one() {
    // Upstream bug tracel-ai/burn#5647: concurrent backward passes mixed up each other's gradients.
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let (model, learner) = (world.model(8, 0.0), learner());
        let state = learner.init_state(&model);
        let batches: Vec<MetaBatch<_>> = (0..4)
            .map(|index| {
                let episode = world.sampler.episode(EpisodeId { seed: 1, index }).unwrap();
                let plain = Device::default();
                let support = [learner.support_use().of(&episode.support)];
                let query = [TaskEvents::query(&episode.support, &episode.query)];
                MetaBatch {
                    support: model.batch(&support, Supervision::EveryPrefix, &plain),
                    query: model.batch(&query, learner.supervision(), &plain),
                }
            })
            .collect();
        let of = |model: &PreferenceTransformer, state: &L::State, batch| {
            let gradient = learner.meta_gradient(model, state, batch);
            let mut found = Bits::default();
            model.visit(&mut Gradients { gradient: &gradient, found: &mut found });
            found.0
        };
        let expected: Vec<Vec<u32>> = batches.iter().map(|batch| of(&model, &state, batch)).collect();
        assert!(expected.iter().all(|bits| !bits.is_empty()));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (model, state) = (model.clone().fork(&device()), state.clone().fork(&device()));
                let (batches, expected, of) = (&batches, &expected, &of);
                scope.spawn(move || {
                    for round in 0..10 {
                        let at = (thread + round) % batches.len();
                        assert!(
                            of(&model, &state, &batches[at]) == expected[at],
                            "{name}: thread {thread}, round {round}"
                        );
                    }
                });
            }
        });
    }
    with_every_learner!(test);
}

struct Gradients<'a> {
    gradient: &'a MetaGradient,
    found: &'a mut Bits,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradient.model.get::<D>(param.id).into_iter();
        self.found.0.extend(gradient.flat_map(|t| t.into_data().iter::<f32>().map(f32::to_bits).collect::<Vec<_>>()));
    }
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
        let trainer = world.trainer(closed_form(), &config(3), 7);
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
