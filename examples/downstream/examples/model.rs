use downstream::{MeanTaste, MeanTasteConfig};
use metarec::data::{Event, synthetic::MarketConfig, tie_order};
use metarec::meta::{Anil, AnilConfig};
use metarec::model::PreferenceSchema;
use metarec::persist::ModelFacts;
use metarec::recommend::{Recommender, RecommenderParts, Stored};
use metarec::sampler::{UserSampler, UserSamplerConfig};
use metarec::train::{MetaTrainer, TrainingConfig, Validation};

/// What is needed besides the weights is read from what was saved with them.
fn build(stored: &Stored) -> Result<(MeanTaste, Anil), Box<dyn std::error::Error + Send + Sync>> {
    let device = metarec::recommend::device_from_env()?;
    let model = MeanTaste::new(&stored.config()?, &stored.schema()?, &device);
    Ok((model, AnilConfig::default().init()?))
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let data = MarketConfig::default().with_users(600).generate()?.into_dataset();
    let split = data.split()?;
    let device = metarec::recommend::device_from_env()?;

    // The model, and what it starts from. Training needs a device that keeps track of gradients.
    let config = MeanTasteConfig { width: 16, max_context: 50 };
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &split.train, data.like_rule());
    let training_device = device.clone().autodiff();
    let model = MeanTaste::new(&config, &schema, &training_device).fitted_to(&split.train, 0);

    // What it is trained on, how, and who says when it is best.
    let sampler = UserSampler::new(split.train.clone(), UserSamplerConfig::default().with_shots(0..=20))?;
    let mut training = TrainingConfig::default();
    (training.epochs, training.outer_lr) = (10, 1e-2);
    let (likes, order) = (data.like_rule().clone(), tie_order(data.catalogue().ids()));
    let validation = Validation::new(split.valid.clone(), split.candidates(), likes, order, vec![0, 1, 5, 20]);
    let learner = AnilConfig::default().init()?;
    let trainer = MetaTrainer::new(model, learner.clone(), &sampler, sampler.tasks(), &training, 0, &training_device)?;
    let trained = trainer.with_validation(validation).run()?;

    // What serves. The model has a name, reads 50 events, and predicts no ratings.
    let facts = ModelFacts::new("mean_taste", config.max_context, None);
    let parts = RecommenderParts::new(trained.model, trained.state, learner, data.catalogue().clone(), facts)
        .with_config(&config)?
        .with_schema(&schema)?;
    let rec = Recommender::from_parts(parts, &device)?;
    let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i9", 1.0)])?;
    for hit in rec.top_k(&user, 3)? {
        println!("{} {:.2}", hit.title, hit.score);
    }

    let folder = std::env::temp_dir().join(format!("downstream-model-{}", std::process::id()));
    rec.save(&folder)?;
    let loaded = Recommender::load_with(&folder, &device, build)?;
    assert_eq!(loaded.scores(&user)?, rec.scores(&user)?);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
