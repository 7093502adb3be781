//! The same program on whatever device `BURN_DEVICE` names: a few steps of training, then batches of users, with the times that they take.
//!
//! `cargo run --release --example gpu` uses the CPU. For another device, build its backend in and name it:
//!
//! ```sh
//! BURN_DEVICE=wgpu cargo run --release --features wgpu --example gpu
//! ```
//!
//! Without a GPU, Mesa's software Vulkan does: there `wgpu` works, while programs of the feature `vulkan`, which are compiled to SPIR-V, crash the compiler of Mesa 22.3.
//!
//! Where the CPU backend `flex` is built in as well (it is by default), the model is served from both, and their scores are compared.

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use metarec::burn::tensor::Device;
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, Event, UserIndex};
use metarec::recommend::{AdaptedUser, device_from_env};
use metarec::train::{Observer, Progress};
use metarec::{Config, Recommender};

/// Batches of as many users are adapted.
const BATCHES: [usize; 3] = [1, 32, 256];
/// How often each is timed; the first run, in which a GPU compiles its programs, does not count.
const REPEATS: usize = 5;
/// Events of a user that are shown.
const SHOTS: usize = 20;

/// The time of each step of training.
struct Clock<'a> {
    last: Instant,
    steps: &'a mut Vec<Duration>,
}

impl Observer for Clock<'_> {
    fn step(&mut self, _: &Progress) {
        self.steps.push(self.last.elapsed());
        self.last = Instant::now();
    }

    fn validated(&mut self, _: &Progress, _: &metarec::train::ValidationScore, _: bool) {
        // Looking at the validation users is no step.
        self.last = Instant::now();
    }
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times.get(times.len() / 2).map_or(f64::NAN, |time| time.as_secs_f64() * 1e3)
}

/// Trains for two epochs, and says how long the first step and the others took.
fn train(data: &Dataset, device: &Device) -> Result<Recommender, Box<dyn Error>> {
    let mut config = Config::default();
    config.training.epochs = 2;
    let mut steps = Vec::new();
    let clock = Clock { last: Instant::now(), steps: &mut steps };
    let rec = Recommender::trainer(data).config(&config).observer(clock).train(device)?;
    let first = steps.first().map_or(f64::NAN, |time| time.as_secs_f64() * 1e3);
    println!("first training step          {first:>9.1} ms");
    println!("training step, median of {:<3} {:>9.1} ms", steps.len() - 1, median(steps.split_off(1)));
    Ok(rec)
}

/// The first events of each user.
fn histories(data: &Dataset) -> Vec<Vec<Event>> {
    let events = |user: UserIndex| {
        let shown = data.history(user).iter().take(SHOTS);
        shown.map(|event| {
            let mut shown = Event::new(data.catalogue().id(event.item), event.action);
            (shown.value, shown.timestamp) = (event.value, event.timestamp);
            shown
        })
    };
    (0..data.users().len() as u32).map(|user| events(UserIndex(user)).collect()).collect()
}

/// Adapts to users in one batch and reads the scores of the last, so that the device has really done it.
fn adapt(rec: &Recommender, users: &[Vec<Event>]) -> Result<Vec<AdaptedUser>, Box<dyn Error>> {
    let adapted = rec.adapt_many(users)?;
    if let Some(last) = adapted.last() {
        rec.scores(last)?;
    }
    Ok(adapted)
}

fn time_batches(rec: &Recommender, users: &[Vec<Event>]) -> Result<(), Box<dyn Error>> {
    for size in BATCHES {
        let batch = users.get(..size).ok_or("too few users for the largest batch")?;
        adapt(rec, batch)?;
        let mut times = Vec::new();
        for _ in 0..REPEATS {
            let began = Instant::now();
            adapt(rec, batch)?;
            times.push(began.elapsed());
        }
        let all = median(times);
        println!("adapting {size:>3} users           {all:>9.2} ms, {:.3} ms each", all / size as f64);
    }
    Ok(())
}

/// Scores of some users, one after the other.
fn scores(rec: &Recommender, users: &[Vec<Event>]) -> Result<Vec<f32>, Box<dyn Error>> {
    let mut scores = Vec::new();
    for user in rec.adapt_many(users)? {
        scores.extend(rec.scores(&user)?);
    }
    Ok(scores)
}

/// Serves the same weights from the CPU, and says how far the scores are apart.
#[cfg(feature = "flex")]
fn compare(rec: &Recommender, users: &[Vec<Event>]) -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("metarec-gpu-{}", std::process::id()));
    rec.save(&folder)?;
    let on_cpu = Recommender::load(&folder, &Device::flex());
    std::fs::remove_dir_all(&folder)?;
    let (here, there) = (scores(rec, users)?, scores(&on_cpu?, users)?);
    let apart = here.iter().zip(&there).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let largest = there.iter().map(|score| score.abs()).fold(0.0, f32::max);
    println!("largest difference of a score from the CPU's: {apart:.1e}, of scores up to {largest:.1}");
    Ok(())
}

/// Without a CPU backend to compare with: a sum of the scores that runs on two devices can be compared by.
#[cfg(not(feature = "flex"))]
fn compare(rec: &Recommender, users: &[Vec<Event>]) -> Result<(), Box<dyn Error>> {
    let scores = scores(rec, users)?;
    let sum: f64 = scores.iter().copied().map(f64::from).sum();
    let squares: f64 = scores.iter().map(|&score| f64::from(score).powi(2)).sum();
    println!("{} scores, sum {sum:.3}, sum of squares {squares:.3}", scores.len());
    Ok(())
}

fn run() -> Result<(), Box<dyn Error>> {
    // On a wrong BURN_DEVICE the error lists what is built in.
    let device = device_from_env()?;
    println!("device: {device:?}\n");
    let data = MarketConfig::default().with_users(600).with_items(400).generate()?.into_dataset();
    let rec = train(&data, &device)?;
    let users = histories(&data);
    time_batches(&rec, &users)?;
    compare(&rec, &users[..32])?;
    println!("fingerprint of the model: {}", &rec.fingerprint()[..16]);
    Ok(())
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
