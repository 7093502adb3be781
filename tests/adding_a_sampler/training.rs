use metarec::data::{Event, synthetic::MarketConfig};
use metarec::{Config, Recommender};
use my_samplers::NextEvents;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A made-up market; of your own files: metarec::data::read_dir("folder")?
    let data = MarketConfig::default().with_users(60).generate()?.into_dataset();
    // The sampler gets the users to train on, and nobody who is held out.
    let split = data.split()?;
    let sampler = NextEvents::new(split.train.clone(), 5, 3)?;
    let tasks = sampler.tasks();
    let mut config = Config::default();
    config.training.epochs = 2; // to see it run; leave it out to train in earnest

    let device = metarec::recommend::device_from_env()?;
    let rec = Recommender::trainer(&data).config(&config).split(split).sampler(sampler, tasks).train(&device)?;

    let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i9", 1.0)])?;
    for hit in rec.top_k(&user, 3)? {
        println!("{} {:.2}", hit.title, hit.score);
    }
    Ok(())
}
