//! How sure a recommender is of ratings, and how rightly.
//!
//! ```text
//! cargo bench --bench uncertainty -- FOLDER [--model FOLDER] [--out FILE] [--record FILE] [--table FILE] [--part valid|test] [--seed NUMBER]
//! ```
//!
//! Trains with the defaults on the training users of the folder (or loads `--model`, and saves what it trained there if nothing is there yet), and prints coverage and
//! width of 90 % intervals, scores and errors on the test users at 0, 1, 5 and 20 shots, beside intervals of the global standard deviation around the item's mean.
//! `--record` writes what the example `results` makes a page of, `--out` writes them as JSON lines; `--table` writes `method,shots,nominal,central,interval,events`, the numbers of a calibration plot.

#[path = "../examples/results/record.rs"]
mod record;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;
use std::time::Instant;

use lexopt::prelude::*;
use metarec::baseline::NaiveIntervals;
use metarec::data::{Dataset, UserSplit, read_dir};
use metarec::evaluate::{CalibrationRow, Method, Part, Report, Served, Uncertainty};
use metarec::recommend::device_from_env;
use metarec::{Config, Recommender};

use record::{Line, Plot, Point, Record, metric_table};

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Args {
    folder: Option<PathBuf>,
    model: Option<PathBuf>,
    out: Option<PathBuf>,
    record: Option<PathBuf>,
    table: Option<PathBuf>,
    part: Part,
    seed: u64,
}

fn args() -> Result<Args, Failure> {
    let mut args = Args { seed: 1, ..Args::default() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) if args.folder.is_none() => args.folder = Some(value.into()),
            Long("model") => args.model = Some(parser.value()?.into()),
            Long("record") => args.record = Some(parser.value()?.into()),
            Long("out") => args.out = Some(parser.value()?.into()),
            Long("table") => args.table = Some(parser.value()?.into()),
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("part") => match parser.value()?.string()?.as_str() {
                "valid" => args.part = Part::Valid,
                "test" => args.part = Part::Test,
                other => return Err(format!("--part is {other:?}: expected valid or test").into()),
            },
            // Cargo says so to every benchmark.
            Long("bench") => {}
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(args)
}

fn recommender(args: &Args, data: &Dataset, split: &UserSplit) -> Result<Recommender, Failure> {
    let device = device_from_env()?;
    if let Some(path) = args.model.as_ref().filter(|path| path.exists()) {
        return Ok(Recommender::load(path, &device)?);
    }
    let config = Config::default().with_seed(args.seed);
    let rec = Recommender::trainer(data).config(&config).split(split.without_test()).train(&device)?;
    args.model.as_ref().map_or(Ok(()), |path| rec.save(path))?;
    Ok(rec)
}

fn write_table(path: &PathBuf, tables: &[(&str, Vec<CalibrationRow>)]) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "method,shots,nominal,central,interval,events")?;
    for (method, rows) in tables {
        for row in rows {
            let CalibrationRow { shots, nominal, central, interval, events, .. } = row;
            writeln!(out, "{method},{shots},{nominal},{central:.5},{interval:.5},{events}")?;
        }
    }
    Ok(out.flush()?)
}

fn main() -> Result<(), Failure> {
    let began = Instant::now();
    let args = args()?;
    // `cargo test --benches` runs this too, without a folder.
    let Some(folder) = &args.folder else { return Ok(()) };
    let data = read_dir(folder)?;
    let split = data.split()?;
    let rec = recommender(&args, &data, &split)?;
    let protocol = Uncertainty::new(&data, &split)?.on(args.part);
    let mut report = Report::new().of_protocol("user-cold");
    let (served, naive) = (Served::new(&rec, &data)?, NaiveIntervals::fit(&data, &split)?);
    let mut tables = Vec::new();
    for method in [&served as &dyn Method, &naive] {
        tables.push((method.name(), protocol.run(method, &mut report)?));
    }
    println!("{:?}\n\n{report}", rec.facts().rating);
    println!("calibration: share of events held by central intervals, in brackets by intervals of whole levels");
    for (name, rows) in &tables {
        for shots in rows.chunk_by(|a, b| a.shots == b.shots) {
            let line: Vec<String> =
                shots.iter().map(|row| format!("{:.3} ({:.3})", row.central, row.interval)).collect();
            println!("  {name:<8} k={:<2} {}", shots[0].shots, line.join("  "));
        }
    }
    if let Some(path) = &args.out {
        report.write_json_lines(BufWriter::new(File::create(path)?))?;
    }
    args.table.as_ref().map_or(Ok(()), |path| write_table(path, &tables))?;
    let Some(path) = &args.record else { return Ok(()) };
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let title = format!("{name}, predicted intervals of ratings, {:?} users", args.part).to_lowercase();
    let mut record = Record::new("Uncertainty", &title, (&name, &data), "bench --bench uncertainty");
    record.seeds = vec![args.seed];
    record.notes.push(
        "Coverage should be .90: more is not better, whatever the star says. MAE is of medians, RMSE of means."
            .to_owned(),
    );
    let mut metrics: Vec<String> = Vec::new();
    report.rows().into_iter().map(|row| row.metric).for_each(|metric| {
        if !metrics.contains(&metric) {
            metrics.push(metric);
        }
    });
    record.tables.extend(metrics.iter().filter_map(|metric| metric_table(&report, metric)));
    record.plots = calibration_plots(&tables);
    record.write(path, began)
}

/// Of each number of shots how many events central intervals held, against how many they should have.
fn calibration_plots(tables: &[(&str, Vec<CalibrationRow>)]) -> Vec<Plot> {
    let rows = || tables.iter().flat_map(|(_, rows)| rows);
    let mut shots: Vec<_> = rows().map(|row| row.shots).collect();
    shots.dedup();
    shots.sort_unstable();
    shots.dedup();
    let point = |nominal: f64, held: f64| Point { x: format!("{nominal:.2}"), y: held, lo: held, hi: held };
    let plot = |&k: &usize| {
        let line = |(name, rows): &(&str, Vec<CalibrationRow>)| Line {
            name: (*name).to_owned(),
            points: rows.iter().filter(|row| row.shots == k).map(|row| point(row.nominal, row.central)).collect(),
        };
        let mut lines: Vec<Line> = tables.iter().map(line).collect();
        let wanted = tables.first().map_or(&[][..], |(_, rows)| rows).iter().filter(|row| row.shots == k);
        let wanted = wanted.map(|row| point(row.nominal, row.nominal)).collect();
        lines.push(Line { name: "as it should be".to_owned(), points: wanted });
        Plot { caption: format!("k = {k}"), x: "promised".to_owned(), y: "held".to_owned(), lines }
    };
    shots.iter().map(plot).collect()
}
