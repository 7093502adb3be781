//! The shortest way from events to recommendations, on a made-up market; nothing is downloaded.
//!
//! `cargo run --release --example first_minute`

use metarec::data::Event;
use metarec::data::synthetic::MarketConfig;
use metarec::recommend::device_from_env;
use metarec::{Config, Recommender};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In an application: `metarec::data::read_dir("folder")?`, an `EventReader`, or `from_events` of any iterator.
    let data = MarketConfig::default().generate()?.into_dataset();
    let rec = Recommender::train(&data, &Config::default(), &device_from_env()?)?;

    let mut user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i11", 1.0)])?;
    rec.update(&mut user, Event::rating("i7", 4.0))?;
    for hit in rec.top_k(&user, 10)? {
        println!("{:>6.2}  {:<5} {}", hit.score, hit.item, hit.title);
    }
    Ok(())
}
