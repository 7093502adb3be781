//! The episode loop: what is bit-equal, what a checkpoint brings back, how a run ends.
#![cfg(feature = "train")]

mod checkpoints;
mod ending;
mod repeat;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::Device;
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, SplitRule, UserSplit, tie_order};
use metarec::meta::{
    Anil, AnilConfig, ClosedForm, ClosedFormConfig, Fomaml, FomamlConfig, InContext, InContextConfig, LearnedRates,
    Maml, MamlConfig, MetaSgdConfig, Moves, Reptile, ReptileConfig, ServingLearner,
};
use metarec::model::initial::InitialValues;
use metarec::model::{PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig};
use metarec::sampler::{SupportOrder, UserSampler, UserSamplerConfig};
use metarec::train::{
    CancelToken, MetaTrainer, Observer, Progress, TrainError, Trained, TrainingConfig, Validation, ValidationScore,
};
use std::path::Path;
use std::sync::Mutex;

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

fn meta_sgd() -> Maml {
    MetaSgdConfig::default().with_moves(Moves::Head).init().unwrap()
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
        $test("Meta-SGD", meta_sgd);
        $test("first-order MAML", fomaml);
        $test("Reptile", reptile);
    };
}
use with_every_learner;

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
