//! From nothing to a measured recommender: fetch MovieLens 100K, train, adapt to a user, evaluate, save, reload.
//!
//! `cargo run --release --example quickstart`, and `-- --help` for what it can be told.

mod args;
mod fetch;
mod meet;
#[path = "../results/plot.rs"]
mod plot;
mod progress;
#[path = "../results/record.rs"]
mod record;
mod table;

use std::error::Error;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use metarec::baseline;
use metarec::burn::tensor::Device;
use metarec::data::{Dataset, Event, UserSplit, read_dir};
use metarec::evaluate::{Report, Served, UserCold};
use metarec::recommend::{Hit, device_from_env};
use metarec::{Config, Recommender};

use args::Args;

/// The name of the recommender in tables and files.
const OURS: &str = "metarec";
/// How often each user is drawn with `--quick`.
const QUICK_EPOCHS: usize = 3;

fn main() -> ExitCode {
    let args = match args::parse() {
        Ok(Some(args)) => args,
        Ok(None) => {
            println!("{}", args::HELP);
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(2);
        }
    };
    match run(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    check_outputs(args)?;
    let folder = fetch::movielens_100k(args.data.as_deref())?;
    let data = read_dir(&folder)?;
    let split = data.split()?;
    println!(
        "{}: {} events of {} users on {} items",
        folder.display(),
        data.events().len(),
        data.users().len(),
        data.catalogue().len()
    );
    println!(
        "  {} users to train on, {} to validate, {} to test\n",
        split.train.len(),
        split.valid.len(),
        split.test.len()
    );

    let device = device_from_env()?;
    let rec = train(args, &data, &split, &device)?;
    let newcomer = split.test.first().ok_or("the data has no test users: a user needs 30 events to be one")?;
    let (events, top) = meet::introduce(&rec, &data, newcomer)?;

    let report = evaluate(args, &rec, &data, &split)?;
    let rows = report.rows();
    table::print(&report, &rows, OURS);
    if let Some(path) = &args.json {
        let file = File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        report.write_json_lines(BufWriter::new(file))?;
        println!("results written to {}", path.display());
    }
    if let Some(path) = &args.plot {
        let plots = record::DRAWN.map(|drawn| record::ladder(&rows, report.methods(), drawn));
        plot::draw(&plots, OURS, path).map_err(|error| format!("cannot draw {}: {error}", path.display()))?;
        println!("plot drawn to {}", path.display());
    }
    keep(args, &rec, (&events, &top), &device)
}

/// Finds out before the work and not after it that its results can't be kept.
fn check_outputs(args: &Args) -> Result<(), Box<dyn Error>> {
    for path in args.json.iter().chain(&args.plot) {
        File::create(path).map_err(|error| format!("cannot write {}: {error}", path.display()))?;
    }
    match &args.save {
        Some(folder) if folder.exists() && !folder.join("manifest.json").exists() => {
            Err(format!("--save is {}: expected a folder that is not there yet, or a saved model", folder.display())
                .into())
        }
        _ => Ok(()),
    }
}

fn train(args: &Args, data: &Dataset, split: &UserSplit, device: &Device) -> Result<Recommender, Box<dyn Error>> {
    let mut config = Config::default().with_seed(args.seed);
    if args.quick {
        config.training.epochs = QUICK_EPOCHS;
    }
    let began = Instant::now();
    let bar = progress::Bar::new();
    let rec = Recommender::trainer(data).config(&config).split(split.clone()).observer(bar).train(device)?;
    println!(
        "Trained in {:.1} s, at most {} epochs, seed {}.\n",
        began.elapsed().as_secs_f64(),
        config.training.epochs,
        args.seed
    );
    Ok(rec)
}

/// The recommender and the baselines, on the test users.
fn evaluate(args: &Args, rec: &Recommender, data: &Dataset, split: &UserSplit) -> Result<Report, Box<dyn Error>> {
    let protocol = UserCold::new(data, split)?;
    let mut report = Report::new();
    for method in baseline::standard(data, split, protocol.shots(), args.seed)? {
        protocol.run(method.as_ref(), &mut report)?;
    }
    protocol.run(&Served::new(rec, data)?.named(OURS), &mut report)?;
    Ok(report)
}

/// Saves the model, loads it again and asks it the same question.
fn keep(args: &Args, rec: &Recommender, user: (&[Event], &[Hit]), device: &Device) -> Result<(), Box<dyn Error>> {
    let (events, top) = user;
    let temporary = tempfile::tempdir()?;
    let folder = args.save.clone().unwrap_or_else(|| temporary.path().join("model"));
    rec.save(&folder)?;
    let loaded = Recommender::load(&folder, device)?;
    let again = loaded.top_k(&loaded.adapt(events)?, top.len())?;
    if again != top {
        return Err(format!("the model loaded from {} ranks otherwise than the one saved", folder.display()).into());
    }
    let place = args.save.as_ref().map_or("a temporary folder".to_owned(), |folder| folder.display().to_string());
    let megabytes = size(&folder)? as f64 / 1e6;
    println!("Saved to {place} ({megabytes:.1} MB) and loaded again: the same top {}, score for score.", top.len());
    Ok(())
}

/// Bytes of the files of a folder.
fn size(folder: &Path) -> std::io::Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder)? {
        bytes += entry?.metadata()?.len();
    }
    Ok(bytes)
}
