//! Trains on a data set, chooses on its validation users, and scores its test users beside the baselines, under any protocol.
//!
//! `cargo run --release --example evaluate -- --data FOLDER`, and `-- --help` for what it can be told.

mod account;
mod args;
mod bar;
mod compare;
mod methods;
mod output;
#[path = "../quickstart/progress.rs"]
mod progress;
#[path = "../results/record.rs"]
mod record;
mod renamed;
mod stop;
#[path = "../quickstart/table.rs"]
mod table;
mod work;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use metarec::data::{Dataset, SplitRule, read_dir};
use metarec::evaluate::{Part, Protocol, ProtocolOptions, ProtocolRules, ProtocolSplit, Report};

use account::Findings;
use args::Args;
use methods::{ANONYMOUS, Methods, OURS};
use output::Output;
use renamed::Renamed;
use stop::Stop;
use work::Work;

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
    let began = Instant::now();
    let stop = Stop::on_ctrl_c()?;
    let output = Output::new(args)?;
    let config = methods::config(args)?;
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

    // Training and tuning are the same for either order of support.
    rules.shuffled = args.random_support.then_some(args.seed);
    let asked = args.protocol.split(&data, &rules)?;
    let protocol = asked.protocol(&data, &ProtocolOptions::default().on(args.part))?;
    let work = Work::new(args, &config, &data)?;
    let models = methods::train(args, &work, (&data, split.users()), &config, &stop)?;
    let methods = Methods::new(args, &models, (&data, split.users()), &stop)?;
    let mut report = score(protocol.as_ref(), &methods, &data, &output, &stop)?;
    if args.random_support {
        let first = split.protocol(&data, &ProtocolOptions::default().on(args.part))?;
        for method in methods.all().iter().filter(|method| methods.is_ours(method.name())) {
            stop.check()?;
            let name = compare::on_first_events(method.name());
            first.run(&Renamed { name, method: method.as_ref() }, &mut report)?;
        }
    }
    show(args, &report, methods.ours());
    let valid = on_validation_users(&asked, &data, &methods, &stop)?;
    let ours = methods.ours();
    let comparisons = compare::with_the_best(&report, &valid, ours);
    compare::print("Against the baseline that is best on the validation users at each k", &comparisons);
    let orders = compare::with_first_events(&report, ours);
    if !orders.is_empty() {
        compare::print("Random events of a user against the first ones", &orders);
    }
    let fallen = compare::fallen_rungs(&report, ours);
    compare::print_ladder(&fallen);
    let spreads = [OURS, ANONYMOUS].map(|name| {
        let seeds: Vec<String> = ours.iter().filter(|own| own.split('/').next() == Some(name)).cloned().collect();
        (name.to_owned(), seeds.len(), compare::spread(&report, &seeds))
    });
    spreads.iter().for_each(|(name, seeds, spread)| compare::print_spread(name, *seeds, spread));
    output.write_report(&report)?;
    if let Some(path) = &args.record {
        let found = Findings {
            report: &report,
            comparisons: &comparisons,
            orders: &orders,
            fallen: &fallen,
            spreads: &spreads,
        };
        account::write(args, (&data, &methods), &found, &work.seconds(args), path, began)?;
    }
    Ok(work.finished()?)
}

/// Runs the protocol on every method; what the first predicts is written where that was asked for.
fn score(
    protocol: &dyn Protocol,
    methods: &Methods<'_>,
    data: &Dataset,
    output: &Output,
    stop: &Stop,
) -> Result<Report, Box<dyn Error>> {
    let mut report = Report::new().of_protocol(protocol.name());
    let steps = bar::over("scoring", methods.all().len());
    for (nth, method) in methods.all().iter().enumerate() {
        stop.check()?;
        steps.set_message(method.name().to_owned());
        if nth == 0 {
            output.run(protocol, method.as_ref(), &mut report, data)?;
        } else {
            protocol.run(method.as_ref(), &mut report)?;
        }
        steps.inc(1);
    }
    steps.finish_and_clear();
    Ok(report)
}

fn show(args: &Args, report: &Report, ours: &[String]) {
    match ours.first() {
        Some(first) => table::print(report, &report.rows(), first),
        None => println!("{report}"),
    }
    if args.part == Part::Valid {
        println!(
            "These are the validation users: settings are chosen on them, and what is said of them proves nothing.\n"
        );
    }
}

/// How the baselines do on the validation users; nothing where there are none.
fn on_validation_users(
    split: &ProtocolSplit,
    data: &Dataset,
    methods: &Methods<'_>,
    stop: &Stop,
) -> Result<Report, Box<dyn Error>> {
    let mut report = Report::new();
    if split.users().valid.is_empty() {
        return Ok(report);
    }
    let protocol = split.protocol(data, &ProtocolOptions::default().on(Part::Valid))?;
    for method in methods.all().iter().filter(|method| !methods.is_ours(method.name())) {
        stop.check()?;
        protocol.run(method.as_ref(), &mut report)?;
    }
    Ok(report)
}
