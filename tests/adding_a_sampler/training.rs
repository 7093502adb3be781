use metarec::data::{Event, synthetic::MarketConfig};
use metarec::train::{Observer, Progress, ValidationScore};
use metarec::{Config, Recommender};
use my_samplers::NextEvents;

/// Prints how each look at the validation users went.
struct Looks;

impl Observer for Looks {
    fn validated(&mut self, progress: &Progress, score: &ValidationScore, best: bool) {
        let best = if best { ", the best so far" } else { "" };
        println!("step {} of {}: validation nDCG@10 {:.3}{best}", progress.step, progress.steps, score.ranking());
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // A made-up market; of your own files: metarec::data::read_dir("folder")?
    let data = MarketConfig::default().with_users(1000).generate()?.into_dataset();
    // The sampler gets the users to train on, and nobody who is held out.
    let split = data.split()?;
    let sampler = NextEvents::new(split.train.clone(), 5, 3)?;
    let tasks = sampler.tasks();
    let mut config = Config::default();
    config.training.epochs = 6; // to see it run; leave it out to train in earnest

    let device = metarec::recommend::device_from_env()?;
    let trainer = Recommender::trainer(&data).config(&config).split(split).observer(Looks);
    let rec = trainer.sampler(sampler, tasks).train(&device)?;

    let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i9", 1.0)])?;
    for hit in rec.top_k(&user, 3)? {
        println!("{} {:.2}", hit.title, hit.score);
    }
    Ok(())
}
