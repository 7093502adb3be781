//! The running average of the weights: what is returned, and what it leaves alone.
#![cfg(feature = "train")]

mod small;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use metarec::data::synthetic::Feedback;
use metarec::meta::{ClosedFormConfig, LearnerConfig};
use metarec::model::initial::InitialValues;
use metarec::model::{PreferenceSchema, PreferenceTransformer};
use metarec::persist::{module_from_bytes, read_parts};
use metarec::sampler::UserSampler;
use metarec::train::{MetaTrainer, Optimizers, TrainingConfig};
use metarec::{Config, Recommender};
use small::{device, market};

#[derive(Default)]
struct Weights(Vec<f32>);

impl ModuleVisitor for Weights {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.extend(param.val().into_data().iter::<f32>());
    }
}

fn weights<M: Module>(module: &M) -> Vec<f32> {
    let mut weights = Weights::default();
    module.visit(&mut weights);
    weights.0
}

/// Weights before training, after the last step, and of the model that is returned.
#[derive(Clone, PartialEq)]
struct Run {
    start: Vec<f32>,
    raw: Vec<f32>,
    returned: Vec<f32>,
    steps: usize,
}

/// Trains for one epoch, without anyone to validate on.
fn run(change: impl Fn(&mut TrainingConfig)) -> Run {
    let data = market(Feedback::Ratings);
    let split = data.split().unwrap();
    let mut config = small::config(LearnerConfig::default());
    (config.training.outer_lr, config.training.warm_up) = (0.01, 0.0);
    change(&mut config.training);
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &split.train, data.like_rule());
    let initial = InitialValues::fit(&split.train, 20, &config.model, &schema, 1);
    let device = device().autodiff();
    let new = || PreferenceTransformer::new(&config.model, &schema, data.catalogue(), &initial, 1, &device).unwrap();
    let sampler = UserSampler::new(split.train.clone(), config.sampler.clone()).unwrap();
    let (users, learner) = (sampler.tasks(), ClosedFormConfig::default().init());
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let trainer = MetaTrainer::new(new(), learner, &sampler, users, &config.training, 1, &device).unwrap();
    let trained =
        trainer.with_optimizers(Optimizers::for_transformer(&config.training)).with_checkpoint(&path).run().unwrap();
    let raw = read_parts(&path, "checkpoint").unwrap().1.remove("model.bin").unwrap();
    let raw = module_from_bytes("model.bin", new(), raw).unwrap();
    Run { start: weights(&new()), raw: weights(&raw), returned: weights(&trained.model), steps: trained.steps }
}

#[test]
fn without_averaging_the_last_weights_are_returned_and_with_it_others() {
    let (plain, averaged) = (run(|training| training.averaging = 0.0), run(|training| training.averaging = 0.9));
    assert!(plain.steps > 1 && plain.raw != plain.start);
    assert!(plain.raw == plain.returned, "the last weights are returned");
    assert!(averaged.raw != averaged.returned, "an average is returned");
    assert!(averaged.raw == plain.raw, "the average has no part in the steps");
}

#[test]
fn after_one_step_the_average_is_where_its_weight_says() {
    // The rate has risen by half of the only step, and falls to a half of its height.
    let run = run(|training| (training.averaging, training.meta_batch, training.warm_up) = (0.9, 1000, 0.5));
    assert_eq!(run.steps, 1);
    // (1 + 1) / (10 + 1) of the start is kept.
    for ((start, raw), returned) in run.start.iter().zip(&run.raw).zip(&run.returned) {
        let expected = (2.0 * start + 9.0 * raw) / 11.0;
        assert!((returned - expected).abs() <= 1e-6 * (1.0 + expected.abs()), "{returned}, expected {expected}");
    }
    assert!(run.start.iter().zip(&run.returned).any(|(start, returned)| (start - returned).abs() > 1e-3));
}

#[test]
fn at_a_rate_of_zero_what_starts_at_a_fit_stays_there_and_the_rest_moves() {
    let moved = |item_rate: f64, rating_rate: f64| {
        let run = run(|training| (training.item_rate, training.rating_rate) = (item_rate, rating_rate));
        run.start.iter().zip(&run.raw).filter(|(start, raw)| start != raw).count()
    };
    let (all, items, ratings, neither) = (moved(0.2, 0.1), moved(0.0, 0.1), moved(0.2, 0.0), moved(0.0, 0.0));
    println!("{all} weights move, {items} without items, {ratings} without ratings, {neither} without either");
    assert!(neither > 0 && neither < items.min(ratings) && items.max(ratings) < all);
    assert_eq!(all - items, ratings - neither, "two groups that share nothing");
}

#[test]
fn rates_and_averaging_out_of_bounds_are_named() {
    let bounds = [("averaging", "0 to 0.9999"), ("item_rate", "0 to 10"), ("rating_rate", "0 to 10")];
    let data = market(Feedback::Ratings);
    for (field, expected) in bounds {
        for value in [-0.1, 10.5, f64::NAN, f64::INFINITY] {
            let mut config = Config::default();
            *match field {
                "averaging" => &mut config.training.averaging,
                "item_rate" => &mut config.training.item_rate,
                _ => &mut config.training.rating_rate,
            } = value;
            let error = Recommender::train(&data, &config, &device()).err().unwrap().to_string();
            assert!(error.contains(&format!("`{field}` is {value}")) && error.contains(expected), "{error}");
        }
    }
    let mut config = Config::default();
    config.training.inner_rate_rate = 101.0;
    let error = Recommender::train(&data, &config, &device()).err().unwrap().to_string();
    assert!(error.contains("`inner_rate_rate` is 101: expected 0 to 100"), "{error}");
    let mut config = TrainingConfig::default();
    for (averaging, good) in [(0.0, true), (0.9999, true), (0.99995, false), (1.0, false)] {
        config.averaging = averaging;
        assert_eq!(config.check().is_ok(), good, "{averaging}");
    }
}
