//! The record of a run, for the page of results.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use metarec::data::Dataset;
use metarec::evaluate::metric::Direction;
use metarec::evaluate::{Part, Report, Shots};

use crate::args::Args;
use crate::compare::{COMPARED, Comparison, shots};
use crate::methods::Methods;
use crate::record::{Line, Plot, Point, Record, Table};

/// What a run found.
pub struct Findings<'a> {
    pub report: &'a Report,
    pub comparisons: &'a [Comparison],
    pub fallen: &'a [(String, String)],
    /// Of each of ours the numbers of training seeds, and what they spread over.
    pub spreads: &'a [(String, usize, Vec<(&'static str, Shots, [f64; 3])>)],
}

/// Writes the record of a run.
pub fn write(
    args: &Args,
    (data, methods): (&Dataset, &Methods<'_>),
    found: &Findings<'_>,
    training: &[f64],
    path: &Path,
    began: Instant,
) -> Result<(), Box<dyn Error>> {
    let name = args.data.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    let part = if args.part == Part::Valid { ", validation users" } else { "" };
    let title = format!("{name}, {}{part}", args.protocol);
    let mut record = Record::new("Protocols", &title, (&name, data), "run --release --example evaluate");
    record.seeds = (args.seed..args.seed + args.seeds).collect();
    if !training.is_empty() {
        let seconds: Vec<String> = training.iter().map(|seconds| format!("{seconds:.0} s")).collect();
        record.notes.push(format!("Training took {}.", seconds.join(", ")));
    }
    record.tables.extend(COMPARED.iter().filter_map(|&metric| metric_table(found.report, metric)));
    record.tables.push(comparison_table(found.comparisons));
    let fallen = found.fallen.iter().map(|(name, rungs)| vec![name.clone(), rungs.clone()]).collect();
    record.tables.push(Table {
        caption: "Rungs significantly below an earlier one".to_owned(),
        columns: vec!["method".to_owned(), "rungs".to_owned()],
        rows: fallen,
    });
    let spreads = found.spreads.iter().filter(|(_, _, spread)| !spread.is_empty());
    record.tables.extend(spreads.map(|(name, seeds, spread)| spread_table(name, *seeds, spread)));
    record.plots = plots(found, methods);
    record.write(path, began)
}

fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// A row for each method, a column for each number of shots.
fn metric_table(report: &Report, (metric, direction): (&str, Direction)) -> Option<Table> {
    let shots: Vec<Shots> = shots(report).into_iter().filter(|&k| has(report, metric, k)).collect();
    let rows = report.rows();
    let mut lines = Vec::new();
    for method in report.methods() {
        let of_k = |&k: &Shots| rows.iter().find(|row| row.method == method && row.metric == metric && row.k == k);
        if shots.iter().all(|k| of_k(k).is_none()) {
            continue;
        }
        let cell = |k: &Shots| {
            let Some(row) = of_k(k) else { return String::new() };
            let better = |other: f64| match direction {
                Direction::HigherIsBetter => other > row.mean,
                Direction::LowerIsBetter => other < row.mean,
            };
            let beaten = rows.iter().any(|other| other.metric == metric && other.k == *k && better(other.mean));
            format!("{:.4}{} [{:.3}, {:.3}]", row.mean, if beaten { "" } else { "\\*" }, row.lo, row.hi)
        };
        lines.push([method.to_owned()].into_iter().chain(shots.iter().map(cell)).collect());
    }
    let users = rows.iter().find(|row| row.metric == metric)?.users;
    let names = shots.iter().map(|k| format!("k = {k}"));
    Some(Table {
        caption: format!("{metric}, {users} users"),
        columns: ["method".to_owned()].into_iter().chain(names).collect(),
        rows: lines,
    })
}

fn has(report: &Report, metric: &str, k: Shots) -> bool {
    report.rows().iter().any(|row| row.metric == metric && row.k == k)
}

fn comparison_table(comparisons: &[Comparison]) -> Table {
    let row = |one: &Comparison| {
        let [mean, lo, hi] = one.difference;
        vec![
            one.metric.to_owned(),
            one.k.to_string(),
            format!("{} {:.4}", one.ours.0, one.ours.1),
            format!("{} {:.4}", one.baseline.0, one.baseline.1),
            format!("{mean:+.4} [{lo:+.4}, {hi:+.4}]"),
            format!("{:+.1} %", one.percent()),
        ]
    };
    Table {
        caption: "Against the baseline that is best on the validation users, paired over users; positive where ours is better"
            .to_owned(),
        columns: columns(["metric", "k", "ours", "baseline", "difference", "its lower end in % of the baseline"]),
        rows: comparisons.iter().map(row).collect(),
    }
}

fn spread_table(name: &str, seeds: usize, spread: &[(&'static str, Shots, [f64; 3])]) -> Table {
    let row = |(metric, k, [mean, least, most]): &(&str, Shots, [f64; 3])| {
        vec![(*metric).to_owned(), k.to_string(), format!("{mean:.4}"), format!("{least:.4} to {most:.4}")]
    };
    Table {
        caption: format!("{name} over {seeds} training seeds"),
        columns: columns(["metric", "k", "mean", "least to greatest"]),
        rows: spread.iter().map(row).collect(),
    }
}

/// The ladders of the first of ours, of popularity and chance, and of the baselines that are best at some number of shots.
fn plots(found: &Findings<'_>, methods: &Methods<'_>) -> Vec<Plot> {
    let rows = found.report.rows();
    let wanted = |metric: &str, name: &str| {
        methods.ours().first().is_some_and(|first| first == name)
            || ["random", "constant", "popularity", "item_mean"].contains(&name)
            || found.comparisons.iter().any(|one| one.metric == metric && one.baseline.0 == name)
    };
    let plot = |(metric, caption): (&str, &str)| {
        let line = |name: &str| {
            let own = rows.iter().filter(|row| row.method == name && row.metric == metric);
            let point = |row: &metarec::evaluate::ReportRow| Point {
                x: row.k.to_string(),
                y: row.mean,
                lo: row.lo,
                hi: row.hi,
            };
            Line { name: name.to_owned(), points: own.map(point).collect() }
        };
        let names = found.report.methods().filter(|name| wanted(metric, name));
        let lines: Vec<Line> = names.map(line).filter(|line| !line.points.is_empty()).collect();
        Plot { caption: caption.to_owned(), x: "events of the user (k)".to_owned(), y: metric.to_owned(), lines }
    };
    let all = [("ndcg@10", "nDCG@10, more is better"), ("rmse", "RMSE of ratings, less is better")].map(plot);
    all.into_iter().filter(|plot| !plot.lines.is_empty()).collect()
}
