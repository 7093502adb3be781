//! Does adaptation by gradient steps help? The same model under every learner, on users, groups and genres that training lacked.
//!
//! `cargo run --release --example learners -- --data FOLDER`, and `-- --help` for what it can be told. The folder is of any layout that the library reads;
//! group-shift needs the user columns `age` and `gender`, genre-shift needs categories.

mod args;
mod looks;
mod mlp;
mod protocol;
mod table;
mod transformer;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use metarec::baseline;
use metarec::data::read_dir;
use metarec::evaluate::{Part, Report, Served, UserCold};
use metarec::recommend::device_from_env;

use args::Args;
use protocol::Protocol;

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
    let protocol = Protocol::new(args, &data)?;
    println!("{protocol}");
    let device = device_from_env()?;
    let candidates = match args.part {
        Part::Valid => &protocol.valid_candidates,
        _ => &protocol.candidates,
    };
    let cold = UserCold::new(&data, &protocol.split)?
        .on(args.part)
        .with_shots(protocol.shots.clone())
        .with_candidates(candidates.clone());
    let mut report = Report::new();
    for method in baseline::standard(&data, &protocol.split, &protocol.shots, args.config.seed)? {
        cold.run(&*method, &mut report)?;
    }
    for (label, learner) in &args.learners {
        let began = Instant::now();
        let recommender = match args.mlp {
            true => mlp::train((label.as_str(), learner), args, &data, &protocol, &device)?,
            false => transformer::train((label.as_str(), learner), args, &data, &protocol, &device)?,
        };
        let trained = began.elapsed().as_secs_f64();
        cold.run(&Served::new(&recommender, &data)?.named(label.as_str()), &mut report)?;
        let evaluated = began.elapsed().as_secs_f64() - trained;
        eprintln!("{label}: trained in {trained:.0} s, evaluated in {evaluated:.0} s");
    }
    let first = args.learners.first().map_or("", |(label, _)| label);
    table::print(&report, &protocol, args.against.as_deref().unwrap_or(first));
    Ok(())
}
