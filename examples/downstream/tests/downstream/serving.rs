//! Sampler, model and learner of this crate together: trained, measured, served, saved, loaded.

use std::error::Error;

use downstream::{Context, Favourites, MeanTaste, MeanTasteConfig};
use metarec::baseline;
use metarec::burn::tensor::Device;
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, Event, UserSplit, tie_order};
use metarec::evaluate::{Method, Report, Served, UserCold};
use metarec::meta::{
    AnilConfig, FomamlConfig, InContextConfig, InnerLoopConfig, MamlConfig, ReptileConfig, ServingLearner,
};
use metarec::model::PreferenceSchema;
use metarec::persist::ModelFacts;
use metarec::recommend::{Recommender, RecommenderParts};
use metarec::train::{MetaTrainer, TrainingConfig, Validation};

const NDCG: &str = "ndcg@10";

fn market(users: usize) -> (Dataset, UserSplit) {
    let data = MarketConfig::default().with_users(users).generate().unwrap().into_dataset();
    let split = data.split().unwrap();
    (data, split)
}

fn train<L: ServingLearner<MeanTaste> + Clone>(
    (data, split): (&Dataset, &UserSplit),
    learner: L,
    epochs: usize,
) -> Recommender {
    let device = Device::default();
    let config = MeanTasteConfig { width: 16, max_context: 50 };
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &split.train, data.like_rule());
    let model = MeanTaste::new(&config, &schema, &device.clone().autodiff()).fitted_to(&split.train, 0);
    let sampler = Favourites::new(split.train.clone(), data.like_rule(), 10).unwrap();
    let mut training = TrainingConfig::default();
    (training.epochs, training.outer_lr, training.meta_batch) = (epochs, 1e-2, 32);
    let (likes, order) = (data.like_rule().clone(), tie_order(data.catalogue().ids()));
    let validation = Validation::new(split.valid.clone(), split.candidates(), likes, order, vec![0, 1, 5, 20]);
    let tasks = sampler.tasks();
    let device_with_graph = device.clone().autodiff();
    let trained = MetaTrainer::new(model, learner.clone(), &sampler, tasks, &training, 0, &device_with_graph)
        .unwrap()
        .with_validation(validation)
        .run()
        .unwrap();
    let facts = ModelFacts::new("mean_taste", config.max_context, None);
    let parts = RecommenderParts::new(trained.model, trained.state, learner, data.catalogue().clone(), facts);
    Recommender::from_parts(parts.with_config(&config).unwrap().with_schema(&schema).unwrap(), &device).unwrap()
}

fn context() -> Context {
    Context::new(4, 3, 0.3).unwrap()
}

fn measured(data: &Dataset, split: &UserSplit, rec: &Recommender) -> Report {
    let mut report = Report::new();
    let protocol = UserCold::new(data, split).unwrap();
    let random: &dyn Method = &baseline::Random::new(data, 0);
    protocol.run(random, &mut report).unwrap();
    protocol.run(&baseline::Popularity::fit(data, split), &mut report).unwrap();
    protocol.run(&Served::new(rec, data).unwrap().named("ours"), &mut report).unwrap();
    report
}

#[test]
fn it_ranks_for_newcomers_far_better_than_chance_and_better_the_more_it_knows() {
    let (data, split) = market(300);
    let rec = train((&data, &split), context(), 30);
    let report = measured(&data, &split, &rec);
    let of = |method: &str, k: usize| report.mean(method, k, NDCG).unwrap();
    for k in [0, 1, 5, 20] {
        println!("k {k}: ours {:.3} popular {:.3} random {:.3}", of("ours", k), of("popularity", k), of("random", k));
    }
    assert!(of("ours", 5) > of("random", 5) + 0.15, "{} and {}", of("ours", 5), of("random", 5));
    assert!(of("ours", 20) > of("ours", 0) + 0.05, "{} and {}", of("ours", 20), of("ours", 0));
}

#[test]
fn a_model_that_was_saved_and_loaded_gives_the_same_scores() -> Result<(), Box<dyn Error>> {
    let (data, split) = market(60);
    let rec = train((&data, &split), context(), 2);
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("model");
    rec.save(&path)?;
    let device = Device::default();
    let loaded = Recommender::load_with(&path, &device, |stored| {
        assert_eq!(stored.facts().model, "mean_taste");
        let model = MeanTaste::new(&stored.config()?, &stored.schema()?, &device);
        Ok::<_, Box<dyn Error + Send + Sync>>((model, context()))
    })?;
    assert_eq!(loaded.fingerprint(), rec.fingerprint());
    let events = [Event::rating("i3", 5.0), Event::click("i7")];
    let mut user = rec.adapt(&events)?;
    assert_eq!(loaded.scores(&user)?, rec.scores(&user)?);
    assert_ne!(rec.scores(&user)?, rec.scores(&rec.adapt(&[])?)?);

    // Event by event is the same as all at once.
    rec.update(&mut user, Event::rating("i11", 4.0))?;
    let whole = [&events[..], &[Event::rating("i11", 4.0)]].concat();
    assert_eq!(rec.scores(&user)?, rec.scores(&rec.adapt(&whole)?)?);
    assert!(rec.ratings(&user).is_err(), "the model predicts no ratings");
    Ok(())
}

#[test]
fn the_learners_of_metarec_train_and_serve_the_model() {
    let (data, split) = market(60);
    let inner = InnerLoopConfig::new(2, 0.3);
    let mut trained = vec![
        ("in context", train((&data, &split), InContextConfig::default().init(), 2)),
        ("anil", train((&data, &split), AnilConfig::default().with_inner(inner.clone()).init().unwrap(), 2)),
        ("maml", train((&data, &split), MamlConfig::default().with_inner(inner.clone()).init().unwrap(), 2)),
        ("fomaml", train((&data, &split), FomamlConfig::default().with_inner(inner.clone()).init().unwrap(), 2)),
        ("reptile", train((&data, &split), ReptileConfig::default().with_inner(inner).init().unwrap(), 2)),
    ];
    let mut prints: Vec<String> = Vec::new();
    for (name, rec) in trained.drain(..) {
        let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i9", 1.0)]).unwrap();
        let top = rec.top_k(&user, 10).unwrap();
        assert_eq!(top.len(), 10, "{name}");
        assert!(top.iter().all(|hit| hit.item != "i3" && hit.item != "i9"), "{name} recommends what was seen");
        prints.push(rec.fingerprint().to_owned());
    }
    prints.sort_unstable();
    prints.dedup();
    assert_eq!(prints.len(), 5, "two learners trained the same model");
}
