//! Training is worth it: what a small model learns of a generated market, end to end.
#![cfg(feature = "train")]

mod small;

use std::sync::OnceLock;

use metarec::baseline::standard;
use metarec::data::synthetic::{Feedback, MarketConfig};
use metarec::data::{Dataset, Event, ItemVectors, TaskHistory, UserIndex, UserSplit};
use metarec::evaluate::{Report, Served, UserCold};
use metarec::meta::LearnerConfig;
use metarec::model::CandidateLoss;
use metarec::model::initial::{RatingFit, RatingStart, choose_rating_fit, fit_ratings};
use metarec::recommend::AdaptedUser;
use metarec::{Config, Recommender};
use small::{device, events, learners};

const RANKING: &str = "ndcg@10";

/// A market and who is held out of it.
struct World {
    data: Dataset,
    split: UserSplit,
}

impl World {
    fn new(feedback: Feedback) -> Self {
        let data = MarketConfig::default().with_feedback(feedback).generate().unwrap().into_dataset();
        let split = data.split().unwrap();
        Self { data, split }
    }

    fn train(&self, config: &Config) -> Recommender {
        Recommender::trainer(&self.data).config(config).split(self.split.clone()).train(&device()).unwrap()
    }

    /// Means of the test users: those of the baselines, and of the recommenders under their names.
    fn report(&self, recommenders: &[(&str, &Recommender)]) -> Report {
        let protocol = UserCold::new(&self.data, &self.split).unwrap();
        let mut report = Report::new();
        for method in standard(&self.data, &self.split, protocol.shots(), 1).unwrap() {
            protocol.run(method.as_ref(), &mut report).unwrap();
        }
        for (name, recommender) in recommenders {
            let served = Served::new(recommender, &self.data).unwrap().named(*name);
            protocol.run(&served, &mut report).unwrap();
        }
        report
    }
}

/// A small model that learns fast.
fn small_model() -> Config {
    let mut config = Config::default().with_seed(3);
    (config.model.d_model, config.model.d_feed_forward, config.model.layers) = (16, 32, 1);
    (config.model.max_context, config.model.rating_factors, config.model.dropout) = (20, 8, Some(0.1));
    (config.training.epochs, config.training.meta_batch, config.training.outer_lr) = (10, 16, 0.01);
    // So that at no shots it knows nothing of a user.
    config.model.profiles = false;
    config
}

/// The same model after steps that move nothing.
fn untrained() -> Config {
    let mut config = small_model();
    (config.training.epochs, config.training.outer_lr) = (1, 1e-12);
    config
}

/// The market of ratings, a model trained on it and one that is not, and what they are worth.
fn rated() -> &'static (World, Report) {
    static RATED: OnceLock<(World, Report)> = OnceLock::new();
    RATED.get_or_init(|| {
        let world = World::new(Feedback::Ratings);
        let (before, after) = (world.train(&untrained()), world.train(&small_model()));
        let report = world.report(&[("untrained", &before), ("trained", &after)]);
        (world, report)
    })
}

fn mean(report: &Report, method: &str, k: usize, metric: &str) -> f64 {
    report.mean(method, k, metric).unwrap_or_else(|| panic!("no {metric} of {method} at {k}"))
}

/// Asserts that a trained model, asked at `k` shots, beats what does not know the user by a margin: popularity, itself at no shots, and itself untrained.
fn assert_learned(report: &Report, name: &str, (metric, k): (&str, usize), margin: f64) {
    let of = |method, k| mean(report, method, k, metric);
    let found = of(name, k);
    for (what, other) in [
        ("conditional popularity", of("popularity_cond", k)),
        ("the same model without a context", of(name, 0)),
        ("the model before training", of("untrained", k)),
    ] {
        println!("{metric} at {k}: {found:.4}, {what} {other:.4}");
        assert!(found > other + margin, "{metric} at {k}: {found} is not above {other} of {what} by {margin}");
    }
}

#[test]
fn a_small_model_learns_to_rank_a_market_of_ratings() {
    let (_, report) = rated();
    assert_learned(report, "trained", (RANKING, 5), 0.08);
    assert_learned(report, "trained", (RANKING, 20), 0.08);
    assert_learned(report, "trained", ("auc", 5), 0.03);
}

#[test]
fn a_small_model_learns_to_rank_a_market_of_actions() {
    let world = World::new(Feedback::Actions);
    let (before, after) = (world.train(&untrained()), world.train(&small_model()));
    let report = world.report(&[("untrained", &before), ("trained", &after)]);
    assert_learned(&report, "trained", (RANKING, 5), 0.01);
    assert_learned(&report, "trained", (RANKING, 20), 0.03);
    assert_learned(&report, "trained", ("auc", 5), 0.02);
    assert!(report.mean("trained", 5, "rmse").is_none(), "actions have no values");
}

#[test]
fn predicted_ratings_are_better_than_offsets_and_get_better_with_events() {
    let (_, report) = rated();
    let rmse = |method, k| mean(report, method, k, "rmse");
    for k in [0, 1, 5, 20] {
        let of = |method| rmse(method, k);
        println!(
            "rmse at {k}: {:.4}, untrained {:.4}, bias {:.4}, constant {:.4}",
            of("trained"),
            of("untrained"),
            of("bias"),
            of("constant")
        );
    }
    for other in ["bias", "item_mean", "constant"] {
        assert!(rmse("trained", 5) < rmse(other, 5) - 0.03, "{other} {} {}", rmse("trained", 5), rmse(other, 5));
    }
    assert!(rmse("trained", 5) < rmse("trained", 0) - 0.03);
    assert!(rmse("trained", 20) < rmse("trained", 5) - 0.03);
}

#[test]
fn a_sampled_loss_learns_to_rank_as_well() {
    let (world, _) = rated();
    let mut config = small_model();
    config.model.candidates = CandidateLoss::Sampled(40);
    let (before, after) = (world.train(&untrained()), world.train(&config));
    let report = world.report(&[("untrained", &before), ("sampled", &after)]);
    assert_learned(&report, "sampled", (RANKING, 5), 0.05);
    assert!(before.fingerprint() != after.fingerprint());
}

#[test]
fn every_learner_trains_on_the_default_sampler_and_serves_any_number_of_events() {
    let data = MarketConfig::default().with_users(60).with_items(60).generate().unwrap().into_dataset();
    let newcomer: Vec<Event> = events(&data, UserIndex(0));
    for learner in learners() {
        let (config, name) = (quick(learner.clone()), format!("{learner:?}"));
        let served = Recommender::train(&data, &config, &device()).unwrap();
        let users: Vec<AdaptedUser> = [0, 1, 5, 20].map(|k| served.adapt(&newcomer[..k]).unwrap()).into();
        for user in &users {
            let (scores, ratings) = (served.scores(user).unwrap(), served.ratings(user).unwrap());
            assert_eq!((scores.len(), ratings.len()), (60, 60));
            assert!(scores.iter().all(|score| score.is_finite()), "{name}");
            assert!(ratings.iter().all(|rating| (1.0..=5.0).contains(rating)), "{name}");
            assert_eq!(served.top_k(user, 10).unwrap().len(), 10);
        }
        for pair in users.windows(2) {
            let of = |user| (served.scores(user).unwrap(), served.ratings(user).unwrap());
            let ((scores, ratings), (more_scores, more_ratings)) = (of(&pair[0]), of(&pair[1]));
            assert!(scores != more_scores, "{name}: more events change nothing");
            // A model that reads its context for ranking alone predicts everybody's ratings.
            let reads_alone = matches!(learner, LearnerConfig::InContext(_));
            assert_eq!(ratings == more_ratings, reads_alone, "{name}: ratings after more events");
        }
    }
}

/// One epoch of a learner on everything else as it is by default, but for the size of the model.
fn quick(learner: LearnerConfig) -> Config {
    let mut config = small_model().with_learner(learner);
    (config.training.epochs, config.training.meta_batch) = (1, 64);
    assert_eq!(config.sampler, Config::default().sampler);
    config
}

/// The market's items and two more without any event, all with vectors: those of the two are `first` and `second`.
fn with_newcomers(first: [f32; 3], second: [f32; 3]) -> Dataset {
    let mut data = MarketConfig::default().with_users(60).with_items(60).generate().unwrap().into_dataset();
    let wave = |at: usize| (at as f32 * 1.7).sin();
    let values = (0..60 * 3).map(wave).chain(first).chain(second).collect();
    data.catalogue_mut().insert("new");
    data.catalogue_mut().insert("newer");
    data.catalogue_mut().set_vectors(Some(ItemVectors { width: 3, values }));
    data
}

#[test]
fn an_item_without_events_is_scored_by_its_vector_which_is_saved_with_the_model() {
    let scores = |second: [f32; 3]| {
        let data = with_newcomers([0.5, -1.0, 2.0], second);
        let config = quick(LearnerConfig::default());
        let trained = Recommender::train(&data, &config, &device()).unwrap();
        let user = trained.adapt(&events(&data, UserIndex(1))[..5]).unwrap();
        let scores = trained.scores(&user).unwrap();
        let folder = tempfile::tempdir().unwrap();
        trained.save(folder.path().join("model")).unwrap();
        let loaded = Recommender::load(folder.path().join("model"), &device()).unwrap();
        assert_eq!(loaded.scores(&user).unwrap(), scores);
        assert_eq!(loaded.catalogue().vectors(), data.catalogue().vectors());
        scores
    };
    let (same, other) = (scores([0.5, -1.0, 2.0]), scores([-2.0, 1.0, -0.5]));
    assert_eq!(same[60], same[61], "equal vectors, equal scores");
    assert_eq!(same[..61], other[..61], "the vector of an item without events changes nothing else");
    println!("{} and {}", same[61], other[61]);
    assert!((same[61] - other[61]).abs() > 1e-3, "other vectors, other scores");
}

/// Root mean squared error of a user's events after the first 20, predicted from the first `shots` by the posterior of the fit's prior.
fn error_of(start: &RatingStart, task: &TaskHistory, mean: f64, shots: usize) -> f64 {
    let d = start.weight.len();
    let rated: Vec<(usize, f64)> =
        task.events.iter().map(|event| (event.item.position(), f64::from(event.value.unwrap()))).collect();
    let features = |item: usize| -> Vec<f64> {
        let factors = &start.factors[item * (d - 1)..(item + 1) * (d - 1)];
        std::iter::once(1.0).chain(factors.iter().copied().map(f64::from)).collect()
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (mut weight, mut covariance) =
        (start.weight.iter().copied().map(f64::from).collect::<Vec<_>>(), start.covariance.clone());
    let left = |item: usize, value: f64| value - mean - f64::from(start.offsets[item]);
    for &(item, value) in &rated[..shots] {
        let x = features(item);
        let gain: Vec<f64> = covariance.chunks_exact(d).map(|row| dot(row, &x)).collect();
        let scale = start.noise + dot(&x, &gain);
        let surprise = (left(item, value) - dot(&weight, &x)) / scale;
        weight.iter_mut().zip(&gain).for_each(|(weight, gain)| *weight += gain * surprise);
        for (at, cell) in covariance.iter_mut().enumerate() {
            *cell -= gain[at / d] * gain[at % d] / scale;
        }
    }
    let query = &rated[20..];
    let squares = query.iter().map(|&(item, value)| (left(item, value) - dot(&weight, &features(item))).powi(2));
    (squares.sum::<f64>() / query.len() as f64).sqrt()
}

#[test]
fn the_chosen_rating_fit_predicts_users_it_never_saw_better_than_the_default() {
    // From noise alone, nearly, to tastes that stand out clearly.
    for (noise, taste) in [(1.5, 0.5), (0.4, 1.2), (0.1, 2.0)] {
        let market = MarketConfig::default().with_users(400).with_noise(noise).with_taste(taste);
        let data = market.with_quality(0.2).with_seed(9).generate().unwrap().into_dataset();
        let task = |user| TaskHistory { user, events: data.history(user).to_vec() };
        let tasks: Vec<TaskHistory> = (0..400).map(|user| task(UserIndex(user))).collect();
        let (seen, unseen) = tasks.split_at(300);
        let values: Vec<f64> =
            seen.iter().flat_map(|task| &task.events).map(|event| f64::from(event.value.unwrap())).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let error = |fit: &RatingFit| {
            let start = fit_ratings(seen, 120, mean, fit, 1);
            let of = |task| [0, 1, 5, 20].map(|k| error_of(&start, task, mean, k)).iter().sum::<f64>() / 4.0;
            unseen.iter().map(of).sum::<f64>() / unseen.len() as f64
        };
        let (default, chosen) = (RatingFit::with_factors(8), choose_rating_fit(seen, 120, mean, 8, 1));
        let (before, after) = (error(&default), error(&chosen));
        println!("noise {noise}, taste {taste}: default {before:.4}, chosen {after:.4}, {chosen:?}");
        assert_eq!((chosen.factors, chosen.rounds), (default.factors, default.rounds));
        assert!(after < before - 0.002, "noise {noise}: default {before}, chosen {after}");
    }
}

#[test]
fn with_few_users_to_judge_by_the_default_rating_fit_is_kept() {
    let data = MarketConfig::default().with_users(76).generate().unwrap().into_dataset();
    let tasks: Vec<TaskHistory> = (0..76)
        .map(|user| TaskHistory { user: UserIndex(user), events: data.history(UserIndex(user)).to_vec() })
        .collect();
    assert_eq!(choose_rating_fit(&tasks, 120, 3.0, 4, 1), RatingFit::with_factors(4));
    assert_eq!(choose_rating_fit(&[], 120, 3.0, 4, 1), RatingFit::with_factors(4));
}
