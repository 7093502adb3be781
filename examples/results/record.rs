//! What a program found out and how, in a file that the example `results` makes a page of. Programs of other folders take this file in by its path.

use std::error::Error;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use metarec::data::Dataset;
use metarec::evaluate::metric::Direction;
use metarec::evaluate::{Report, ReportRow, Shots};
use serde::{Deserialize, Serialize};

/// What one run of a program found.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Record {
    /// What it is about; records of one heading stand together.
    pub heading: String,
    pub title: String,
    /// The command line, of paths only the last part.
    pub command: String,
    pub data: Data,
    /// Training seeds.
    pub seeds: Vec<u64>,
    /// From the start of the program to its end.
    pub seconds: f64,
    /// Processor cores that it could use.
    pub cores: usize,
    pub version: String,
    /// What is to be known of it, in Markdown.
    pub notes: Vec<String>,
    pub tables: Vec<Table>,
    pub plots: Vec<Plot>,
}

/// Which data it was found on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Data {
    pub name: String,
    pub events: usize,
    pub users: usize,
    pub items: usize,
    /// Of the last event, in seconds since 1970: which version it is.
    pub last_event: Option<i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    pub caption: String,
    pub columns: Vec<String>,
    pub rows: Vec<Vec<String>>,
}

/// Lines of one metric.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plot {
    pub caption: String,
    pub x: String,
    pub y: String,
    pub lines: Vec<Line>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Line {
    pub name: String,
    /// Where on the axis, by name where the places are equally far apart; the value; its interval.
    pub points: Vec<Point>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    pub x: String,
    pub y: f64,
    pub lo: f64,
    pub hi: f64,
}

#[allow(dead_code, reason = "every program that takes this file in uses some of it")]
impl Record {
    /// A record of this program on these data, to be filled.
    pub fn new(heading: &str, title: &str, (name, data): (&str, &Dataset), program: &str) -> Self {
        Self {
            heading: heading.to_owned(),
            title: title.to_owned(),
            command: command(program),
            data: Data {
                name: name.to_owned(),
                events: data.events().len(),
                users: data.users().len(),
                items: data.catalogue().len(),
                last_event: data.events().iter().filter_map(|event| event.timestamp).max(),
            },
            seeds: Vec::new(),
            seconds: 0.0,
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            notes: Vec::new(),
            tables: Vec::new(),
            plots: Vec::new(),
        }
    }

    /// Writes it, whole or not at all.
    pub fn write(mut self, path: &Path, began: Instant) -> Result<(), Box<dyn Error>> {
        self.seconds = began.elapsed().as_secs_f64();
        let said = |error: &dyn Error| format!("cannot write {}: {error}", path.display());
        let part = part_of(path);
        let mut file = File::create(&part).map_err(|error| said(&error))?;
        serde_json::to_writer_pretty(&mut file, &self)?;
        file.write_all(b"\n").map_err(|error| said(&error))?;
        std::fs::rename(&part, path).map_err(|error| said(&error).into())
    }
}

/// Where a file is written before it is whole.
#[allow(dead_code, reason = "the example `results` takes this file in to read it")]
pub fn part_of(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".part");
    name.into()
}

/// How this program was called, without what says where on a machine its files are.
fn command(program: &str) -> String {
    let args = std::env::args_os().skip(1).filter(|arg| arg != "--bench");
    let last = |path: &str| Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy().into_owned());
    let short = |arg: std::ffi::OsString| {
        let arg = arg.to_string_lossy().into_owned();
        match arg.split_once('=') {
            Some((name, path)) if name.starts_with("--") => format!("{name}={}", last(path)),
            _ if arg.starts_with('-') => arg,
            _ => last(&arg),
        }
    };
    let quoted = |arg: String| if arg.contains(char::is_whitespace) { format!("'{arg}'") } else { arg };
    let args: Vec<String> = args.map(short).map(quoted).collect();
    format!("cargo {program} -- {}", args.join(" "))
}

/// The names of columns.
#[allow(dead_code, reason = "not all programs that take this file in have tables of their own")]
pub fn columns<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    names.into_iter().map(str::to_owned).collect()
}

/// Of each metric that a method has, a table with a row for each method and a column for each number of shots.
#[allow(dead_code, reason = "the example `results` takes this file in to read it")]
pub fn metric_tables<'m>(report: &Report, metrics: impl IntoIterator<Item = &'m str>) -> Vec<Table> {
    let rows = report.rows();
    metrics.into_iter().filter_map(|metric| metric_table((report, &rows), metric)).collect()
}

#[allow(dead_code, reason = "as above")]
fn metric_table((report, rows): (&Report, &[ReportRow]), metric: &str) -> Option<Table> {
    let rows: Vec<_> = rows.iter().filter(|row| row.metric == metric).collect();
    let first = rows.first()?;
    let direction = report.find(&first.method, first.k, metric)?.direction();
    let shots: Vec<Shots> = report.shots().into_iter().filter(|&k| rows.iter().any(|row| row.k == k)).collect();
    let cell = |method: &str, k: Shots| {
        let Some(row) = rows.iter().find(|row| row.method == method && row.k == k) else { return String::new() };
        let better = |other: f64| match direction {
            Direction::HigherIsBetter => other > row.mean,
            Direction::LowerIsBetter => other < row.mean,
        };
        let beaten = rows.iter().any(|other| other.k == k && better(other.mean));
        format!("{:.4}{} [{:.3}, {:.3}]", row.mean, if beaten { "" } else { "\\*" }, row.lo, row.hi)
    };
    let of_method = |method: &str| -> Vec<String> {
        [method.to_owned()].into_iter().chain(shots.iter().map(|&k| cell(method, k))).collect()
    };
    let methods = report.methods().filter(|method| rows.iter().any(|row| row.method == *method));
    Some(Table {
        caption: format!("{metric}, {} users", first.users),
        columns: ["method".to_owned()].into_iter().chain(shots.iter().map(|k| format!("k = {k}"))).collect(),
        rows: methods.map(of_method).collect(),
    })
}

/// A line over the numbers of shots for each of these methods that has the metric.
#[allow(dead_code, reason = "benchmarks that take this file in draw other lines")]
pub fn ladder<'a>(rows: &[ReportRow], methods: impl Iterator<Item = &'a str>, (metric, caption): (&str, &str)) -> Plot {
    let line = |name: &str| {
        let own = rows.iter().filter(|row| row.method == name && row.metric == metric);
        let points = own.map(|row| Point { x: row.k.to_string(), y: row.mean, lo: row.lo, hi: row.hi });
        Line { name: name.to_owned(), points: points.collect() }
    };
    let lines: Vec<Line> = methods.map(line).filter(|line| !line.points.is_empty()).collect();
    Plot { caption: caption.to_owned(), x: "events of the user (k)".to_owned(), y: metric.to_owned(), lines }
}

/// What is drawn of a report.
#[allow(dead_code, reason = "as above")]
pub const DRAWN: [(&str, &str); 2] =
    [("ndcg@10", "nDCG@10, more is better"), ("rmse", "RMSE of ratings, less is better")];
