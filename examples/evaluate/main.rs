//! Trains on a data set, chooses on its validation users, and scores its test users beside the baselines, under any protocol.
//!
//! `cargo run --release --example evaluate -- --data FOLDER`, and `-- --help` for what it can be told.

mod args;
mod compare;
mod ours;
#[path = "../quickstart/progress.rs"]
mod progress;
#[path = "../quickstart/table.rs"]
mod table;

use std::error::Error;
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;
use std::process::ExitCode;

use metarec::data::{Dataset, SplitRule, UserSplit, read_dir};
use metarec::evaluate::{
    Method, NoPredictions, Part, PredictionCsv, PredictionSink, Protocol, ProtocolOptions, ProtocolRules,
    ProtocolSplit, Report, Served,
};
use metarec::recommend::device_from_env;
use metarec::train::CancelToken;
use metarec::{Config, Recommender, baseline};

use args::Args;
use ours::Work;

/// The name of the recommender in tables and files.
const OURS: &str = "metarec";
/// The same without what is known of users besides their events.
const ANONYMOUS: &str = "metarec-anonymous";

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
    let data = read_dir(&args.data)?;
    let mut rules = ProtocolRules::default();
    rules.users = args.pool.map(|pool| SplitRule::default().with_support(pool).with_min_events(pool + 30));
    let split = args.protocol.split(&data, &rules)?;
    let [training, choosing, scored] = [split.users().train.len(), split.users().valid.len(), split.users().test.len()];
    println!("{}: {} events of {} users", args.data.display(), data.events().len(), data.users().len());
    println!(
        "  {training} users to train on, {choosing} to choose on, {scored} to score; protocol {}\n",
        args.protocol
    );

    let options = ProtocolOptions::default().on(args.part);
    let protocol = split.protocol(&data, &options)?;
    let baselines = baselines(args, &data, split.users())?;
    let work = Work::new(args)?;
    let models = train(args, &work, &data, split.users())?;
    let mut methods: Vec<Box<dyn Method + '_>> = Vec::new();
    let mut names = Vec::new();
    for (nth, rec) in models.iter().enumerate() {
        let numbered = |name: &str| if nth == 0 { name.to_owned() } else { format!("{name}/{nth}") };
        if wanted(args, OURS) {
            names.push(numbered(OURS));
            methods.push(Box::new(Served::new(rec, &data)?.named(numbered(OURS))));
        }
        if wanted(args, ANONYMOUS) && !rec.facts().profile.is_empty() {
            names.push(numbered(ANONYMOUS));
            methods.push(Box::new(Served::new(rec, &data)?.named(numbered(ANONYMOUS)).without_profiles()));
        }
    }
    methods.extend(baselines);
    let report = score(args, protocol.as_ref(), &methods, &data)?;
    show(args, &report, &names);
    let valid = on_validation_users(&split, &data, &methods[names.len()..])?;
    compare::print(&report, &valid, &names);
    compare::print_ladder(&report, &names);
    for one in [OURS, ANONYMOUS] {
        let seeds: Vec<String> = names.iter().filter(|name| name.split('/').next() == Some(one)).cloned().collect();
        if seeds.len() > 1 {
            compare::print_spread(&report, &seeds);
        }
    }
    if let Some(path) = &args.json {
        write_whole(path, |file| Ok(report.write_json_lines(file)?))?;
        println!("results written to {}", path.display());
    }
    drop(methods);
    Ok(work.finished()?)
}

/// Whether a method was asked for.
fn wanted(args: &Args, name: &str) -> bool {
    args.methods.as_ref().is_none_or(|methods| methods.iter().any(|method| method == name))
}

/// The baselines that were asked for.
fn baselines(args: &Args, data: &Dataset, split: &UserSplit) -> Result<Vec<Box<dyn Method>>, Box<dyn Error>> {
    let shots = [0, 1, 5, 10, 20, 50].into_iter().filter(|&k| k <= metarec::evaluate::pool_size(split));
    let shots: Vec<usize> = shots.collect();
    let known: Vec<&str> = [OURS, ANONYMOUS].into_iter().chain(baseline::NAMES).collect();
    if let Some(unknown) = args.methods.iter().flatten().find(|name| !known.contains(&name.as_str())) {
        return Err(format!("--methods has {unknown:?}: expected some of {}", known.join(", ")).into());
    }
    let mut named = baseline::Named::new(data, split, &shots, args.seed);
    let names: Vec<&str> = baseline::NAMES.into_iter().filter(|name| wanted(args, name)).collect();
    let bar = indicatif::ProgressBar::new(names.len() as u64);
    let mut fitted = Vec::new();
    for name in names {
        bar.set_message(name);
        fitted.push(named.fit(name)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(fitted)
}

/// A model for each seed, if any of ours was asked for.
fn train(args: &Args, work: &Work, data: &Dataset, split: &UserSplit) -> Result<Vec<Recommender>, Box<dyn Error>> {
    if ![OURS, ANONYMOUS].iter().any(|name| wanted(args, name)) {
        return Ok(Vec::new());
    }
    let config: Config = match &args.config {
        Some(path) => serde_json::from_str(&fs::read_to_string(path).map_err(|error| named(path, &error))?)
            .map_err(|error| named(path, &error))?,
        None => Config::default(),
    };
    let cancel = CancelToken::new();
    let asked = cancel.clone();
    ctrlc::set_handler(move || asked.cancel())?;
    let device = device_from_env()?;
    let trained = (args.seed..args.seed + args.seeds)
        .map(|seed| work.train((data, split), &config.clone().with_seed(seed), &cancel, &device));
    trained.collect::<Result<_, _>>().map_err(|error| match cancel.is_cancelled() {
        true => "stopped, and nothing is lost: the same command with --resume goes on".into(),
        false => error,
    })
}

fn named(path: &Path, error: &dyn Error) -> String {
    format!("{}: {error}", path.display())
}

/// Runs the protocol on every method; what the first predicts is written where that was asked for.
fn score(
    args: &Args,
    protocol: &dyn Protocol,
    methods: &[Box<dyn Method + '_>],
    data: &Dataset,
) -> Result<Report, Box<dyn Error>> {
    let mut report = Report::new().of_protocol(protocol.name());
    let bar = indicatif::ProgressBar::new(methods.len() as u64);
    for (nth, method) in methods.iter().enumerate() {
        bar.set_message(method.name().to_owned());
        if nth == 0 && (args.predictions.is_some() || args.ratings.is_some()) {
            predict(args, (protocol, method.as_ref()), &mut report, data)?;
        } else {
            protocol.run_with(method.as_ref(), &mut report, &mut NoPredictions)?;
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(report)
}

/// Runs the protocol on one method and writes what it predicts.
fn predict(
    args: &Args,
    (protocol, method): (&dyn Protocol, &dyn Method),
    report: &mut Report,
    data: &Dataset,
) -> Result<(), Box<dyn Error>> {
    let (mut scores, mut ratings) = (Vec::new(), Vec::new());
    let mut sink = PredictionCsv::new(data).with_scores(&mut scores)?.with_ratings(&mut ratings)?;
    protocol.run_with(method, report, &mut sink as &mut dyn PredictionSink)?;
    sink.finish()?;
    for (path, bytes) in [(&args.predictions, &scores), (&args.ratings, &ratings)] {
        if let Some(path) = path {
            write_whole(path, |mut file| Ok(std::io::Write::write_all(&mut file, bytes)?))?;
            println!("predictions of {} written to {}", method.name(), path.display());
        }
    }
    Ok(())
}

/// Writes a file whole or not at all.
fn write_whole(
    path: &Path,
    write: impl FnOnce(BufWriter<File>) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    let part = path.with_extension("part");
    write(BufWriter::new(File::create(&part).map_err(|error| named(&part, &error))?))?;
    fs::rename(&part, path).map_err(|error| named(path, &error).into())
}

fn show(args: &Args, report: &Report, names: &[String]) {
    if let Some(first) = names.first() {
        table::print(report, &report.rows(), first);
    } else {
        println!("{report}");
    }
    if args.part == Part::Valid {
        println!(
            "These are the validation users: settings are chosen on them, and what is said of them proves nothing.\n"
        );
    }
}

/// How the baselines do on the validation users.
fn on_validation_users(
    split: &ProtocolSplit,
    data: &Dataset,
    baselines: &[Box<dyn Method + '_>],
) -> Result<Report, Box<dyn Error>> {
    let mut report = Report::new();
    if split.users().valid.is_empty() {
        return Ok(report);
    }
    let protocol = split.protocol(data, &ProtocolOptions::default().on(Part::Valid))?;
    for method in baselines {
        protocol.run(method.as_ref(), &mut report)?;
    }
    Ok(report)
}
