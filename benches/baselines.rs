//! Baselines on a folder of one's own: their figures, how long they took, and how far they are from the Python oracle's.
//!
//! ```text
//! cargo bench --bench baselines -- FOLDER [--only NAME,...] [--out FILE] [--oracle FILE] [--within DIFFERENCE] [--seed NUMBER]
//! ```
//!
//! `FOLDER` is in any layout that `read_dir` knows. `--out` writes every figure as JSON lines. `--oracle` takes the JSON
//! lines that `baselines.py FOLDER --out FILE` writes, prints each difference above 0.0005, and fails if a mean differs by
//! more than 0.002 (`--within`). The oracle's `random` row depends on its generator and is not compared; those of `pmf_foldin` and
//! `ials` depend on where they start (`tests/fixtures/strong/golden.py` starts the oracle where `--seed 1` does).

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Instant;

use lexopt::prelude::*;
use metarec::baseline::{NAMES, Named, Tuner};
use metarec::data::read_dir;
use metarec::evaluate::{Report, UserCold};
use serde::Deserialize;

type Failure = Box<dyn std::error::Error>;

struct Args {
    folder: PathBuf,
    only: Vec<String>,
    out: Option<PathBuf>,
    oracle: Option<PathBuf>,
    within: f64,
    seed: u64,
}

fn args() -> Result<Args, Failure> {
    let (mut folder, mut only, mut out, mut oracle, mut within, mut seed) = (None, Vec::new(), None, None, 0.002, 1);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) if folder.is_none() => folder = Some(PathBuf::from(value)),
            Long("only") => only.extend(parser.value()?.string()?.split(',').map(str::to_owned)),
            Long("out") => out = Some(parser.value()?.into()),
            Long("oracle") => oracle = Some(parser.value()?.into()),
            Long("within") => within = parser.value()?.parse()?,
            Long("seed") => seed = parser.value()?.parse()?,
            // Cargo says so to every benchmark.
            Long("bench") => {}
            _ => return Err(argument.unexpected().into()),
        }
    }
    if only.is_empty() {
        only.extend(NAMES.map(str::to_owned));
    }
    let folder = folder.ok_or("expected the folder of a data set")?;
    Ok(Args { folder, only, out, oracle, within, seed })
}

/// One line of the oracle's.
#[derive(Deserialize)]
struct Line {
    method: String,
    k: usize,
    metric: String,
    mean: f64,
}

/// Prints what differs; the largest difference of each method.
fn compare(report: &Report, lines: &str) -> Result<BTreeMap<String, f64>, Failure> {
    let mut largest = BTreeMap::new();
    for line in lines.lines() {
        let line: Line = serde_json::from_str(line)?;
        if line.method == "random" || !report.methods().any(|method| method == line.method) {
            continue;
        }
        let metric = if line.metric == "mrr" { "mrr@100" } else { &line.metric };
        let mean = report.mean(&line.method, line.k, metric).ok_or(format!("no {metric} of {}", line.method))?;
        let difference = (mean - line.mean).abs();
        if difference > 0.0005 {
            println!("  {:<14} {metric:<10} k={:<2} {mean:.5} for {:.5}", line.method, line.k, line.mean);
        }
        let most: &mut f64 = largest.entry(line.method).or_default();
        *most = most.max(difference);
    }
    Ok(largest)
}

fn main() -> Result<(), Failure> {
    // `cargo test --benches` runs this too, without a folder.
    if std::env::args().len() < 2 {
        return Ok(());
    }
    let args = args()?;
    let data = read_dir(&args.folder)?;
    let split = data.split()?;
    let protocol = UserCold::new(&data, &split)?;
    let tuner = Tuner::new(&data, &split, protocol.shots())?;
    let mut named = Named::new(&tuner, args.seed);
    let mut report = Report::new();
    for name in &args.only {
        let start = Instant::now();
        let method = named.fit(name)?;
        let fitted = start.elapsed().as_secs_f64();
        protocol.run(method.as_ref(), &mut report)?;
        let tested = start.elapsed().as_secs_f64() - fitted;
        println!("{name:<16} {fitted:>7.1} s to fit and tune, {tested:>5.1} s to test  {}", method.config());
    }
    if let Some(path) = &args.out {
        report.write_json_lines(BufWriter::new(File::create(path)?))?;
    }
    let Some(path) = &args.oracle else {
        println!("{report}");
        return Ok(());
    };
    let largest = compare(&report, &std::fs::read_to_string(path)?)?;
    largest.iter().for_each(|(method, most)| println!("{method:<16} differs by {most:.5} at most"));
    let beyond: Vec<&str> = largest.iter().filter(|(_, most)| **most > args.within).map(|(name, _)| &**name).collect();
    if beyond.is_empty() { Ok(()) } else { Err(format!("beyond {}: {}", args.within, beyond.join(", ")).into()) }
}
