use downstream::Context;
use metarec::data::{Event, synthetic::MarketConfig};
use metarec::{Config, Recommender};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A made-up market; of your own files: metarec::data::read_dir("folder")?
    let data = MarketConfig::default().with_users(600).generate()?.into_dataset();
    let device = metarec::recommend::device_from_env()?;
    let learner = Context::new(4, 3, 0.1)?;
    let mut config = Config::default();
    config.training.epochs = 2; // to see it run; leave it out to train in earnest

    // The learner takes the place of the one that the configuration names.
    let rec = Recommender::trainer(&data).config(&config).train_with(learner.clone(), &device)?;
    let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i9", 1.0)])?;
    for hit in rec.top_k(&user, 3)? {
        println!("{} {:.2}", hit.title, hit.score);
    }

    // A saved model is loaded with the learner that it was trained with.
    let folder = std::env::temp_dir().join(format!("downstream-learner-{}", std::process::id()));
    rec.save(&folder)?;
    let loaded = Recommender::load_transformer(&folder, learner, &device)?;
    assert_eq!(loaded.scores(&user)?, rec.scores(&user)?);
    std::fs::remove_dir_all(folder)?;
    Ok(())
}
