//! How long a user waits: median and 99th percentile of 1,000 calls, on one thread.
//!
//! `cargo bench --bench adapt -- FOLDER` takes the events of a folder that `metarec::data::read_dir` reads; without one a generated market of 1,682 items.

use std::time::{Duration, Instant};

use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, Event, UserIndex};
use metarec::meta::{ClosedFormConfig, FomamlConfig, LearnerConfig};
use metarec::{Config, Recommender};

const CALLS: usize = 1000;

type Failure = Box<dyn std::error::Error>;

fn data() -> Result<Dataset, Failure> {
    match std::env::args().skip(1).find(|argument| !argument.starts_with('-')) {
        Some(folder) => Ok(metarec::data::read_dir(folder)?),
        None => Ok(MarketConfig::default().with_users(600).with_items(1682).generate()?.into_dataset()),
    }
}

/// Calls `work` for one user after the other.
fn report(name: &str, calls: usize, mut work: impl FnMut(usize) -> Result<(), Failure>) -> Result<(), Failure> {
    let mut times: Vec<Duration> = Vec::with_capacity(calls);
    for call in 0..calls {
        let start = Instant::now();
        work(call)?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    println!("{name:<42} median {:>9.1?}  p99 {:>9.1?}", times[calls / 2], times[calls * 99 / 100]);
    Ok(())
}

fn histories(data: &Dataset, shots: usize) -> Vec<Vec<Event>> {
    let user = |user: u32| {
        let events = data.history(UserIndex(user)).iter().take(shots).map(|event| {
            let mut made = Event::new(data.catalogue().id(event.item), event.action);
            (made.value, made.timestamp) = (event.value, event.timestamp);
            made
        });
        events.collect()
    };
    (0..data.users().len() as u32).map(user).collect()
}

fn serve(rec: &Recommender, data: &Dataset, calls: usize) -> Result<(), Failure> {
    for shots in [1, 5, 20] {
        let users = histories(data, shots);
        report(&format!("  adapt to {shots} events"), calls, |call| {
            rec.adapt(&users[call % users.len()]).map(drop).map_err(Failure::from)
        })?;
    }
    let users = histories(data, 20);
    report("  adapt to 20 events and take the top 10", calls, |call| {
        let user = rec.adapt(&users[call % users.len()])?;
        rec.top_k(&user, 10).map(drop).map_err(Failure::from)
    })?;
    let user = rec.adapt(&users[0])?;
    report("  top 10 of an adapted user", calls, |_| rec.top_k(&user, 10).map(drop).map_err(Failure::from))?;
    report("  all ratings of an adapted user", calls, |_| rec.ratings(&user).map(drop).map_err(Failure::from))?;
    report("  adapt 64 users to 20 events together", (calls / 20).max(3), |call| {
        let start = call % (users.len() - 63);
        rec.adapt_many(&users[start..start + 64]).map(drop).map_err(Failure::from)
    })
}

fn main() -> Result<(), Failure> {
    let data = data()?;
    let device = metarec::recommend::device_from_env()?;
    println!("{} items, device {device:?}", data.catalogue().len());
    let learners = [
        ("closed form", LearnerConfig::ClosedForm(ClosedFormConfig::default()), CALLS),
        ("first-order MAML of the head, 3 steps", LearnerConfig::Fomaml(FomamlConfig::default()), CALLS / 10),
    ];
    for (name, learner, calls) in learners {
        println!("{name}");
        let mut config = Config::default().with_learner(learner);
        config.training.epochs = 1;
        config.training.validate_every = 1;
        let rec = Recommender::train(&data, &config, &device)?;
        serve(&rec, &data, calls)?;
        let folder = std::env::temp_dir().join(format!("metarec-bench-{}", std::process::id()));
        let start = Instant::now();
        rec.save(&folder)?;
        let saved = start.elapsed();
        let start = Instant::now();
        Recommender::load(&folder, &device)?;
        println!("  save {saved:.1?}, load {:.1?}", start.elapsed());
        std::fs::remove_dir_all(folder)?;
    }
    Ok(())
}
