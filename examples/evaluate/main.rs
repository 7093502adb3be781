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
mod score;
mod stop;
#[path = "../quickstart/table.rs"]
mod table;
mod views;
mod work;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use metarec::baseline::{Named, Tuner};
use metarec::data::{Dataset, SplitRule, UserSplit, read_dir};
use metarec::evaluate::{Part, ProtocolOptions, ProtocolRules, ProtocolSplit, Report};

use account::Findings;
use args::Args;
use methods::Methods;
use output::Output;
use score::Questions;
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
    introduce(args, &data, split.users());

    // Training and tuning are the same for either order of support.
    rules.shuffled = args.random_support.then_some(args.seed);
    let shuffled = args.protocol.split(&data, &rules)?;
    let questions = questions(args, &data, (&split, &shuffled))?;
    let shots = questions.asked.shots();
    let work = Work::new(args, &config, (&data, &split))?;
    let views = views::asked(args, &data)?;
    let models = methods::train(args, &work, (&data, &views, &split), &shots, &config, &stop)?;
    let tuner = Tuner::of_protocol(&data, &split, &shots)?;
    let baselines = Named::new(&tuner, args.seed);
    let mut methods = Methods::new(args, &models, &data, baselines);
    let scored = questions.run(&data, &mut methods, (&work, &output, &stop))?;
    show(args, &scored.report);
    let findings = Findings::of(&scored);
    findings.print();
    output.write_report(&scored.report)?;
    if let Some(path) = &args.record {
        account::write(args, &data, &findings, &work.seconds(args), path, began)?;
    }
    Ok(work.finished()?)
}

fn introduce(args: &Args, data: &Dataset, split: &UserSplit) {
    println!("{}: {} events of {} users", args.data.display(), data.events().len(), data.users().len());
    let [training, choosing, scored] = [split.train.len(), split.valid.len(), split.test.len()];
    println!(
        "  {training} users to train on, {choosing} to choose on, {scored} to score; protocol {}\n",
        args.protocol
    );
}

/// What methods are asked of the users of one split, and of the same with other support sets where that was asked for.
fn questions<'a>(
    args: &Args,
    data: &'a Dataset,
    (split, shuffled): (&'a ProtocolSplit, &'a ProtocolSplit),
) -> Result<Questions<'a>, Box<dyn Error>> {
    let options = ProtocolOptions::default().on(args.part);
    let asked = shuffled.protocol(data, &options)?;
    let first = args.random_support.then(|| split.protocol(data, &options)).transpose()?;
    let on_valid = ProtocolOptions::default().on(Part::Valid);
    let valid = (!split.users().valid.is_empty()).then(|| shuffled.protocol(data, &on_valid)).transpose()?;
    Ok(Questions { asked, first, valid })
}

fn show(args: &Args, report: &Report) {
    match methods::ours(report).first() {
        Some(first) => table::print(report, &report.rows(), first),
        None => println!("{report}"),
    }
    if args.part == Part::Valid {
        println!(
            "These are the validation users: settings are chosen on them, and what is said of them proves nothing.\n"
        );
    }
}
