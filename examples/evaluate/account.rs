//! The record of a run, for the page of results.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use metarec::data::Dataset;
use metarec::evaluate::{Part, Report, Shots};

use crate::args::Args;
use crate::compare::{self, COMPARED, Comparison, Spread};
use crate::methods::{ANONYMOUS, OURS, ours};
use crate::record::{DRAWN, Plot, Record, Table, columns, ladder, metric_tables};
use crate::views;
use crate::work::Scored;

/// What a run found.
pub struct Findings<'a> {
    report: &'a Report,
    comparisons: Vec<Comparison>,
    /// Random events beside first ones, where that was asked for.
    orders: Vec<Comparison>,
    /// Models that are told different things of items.
    told: Vec<Comparison>,
    fallen: Vec<(String, String)>,
    /// Of each of ours the numbers of training seeds, and what they spread over.
    spreads: Vec<(String, usize, Spread)>,
}

impl<'a> Findings<'a> {
    /// Compares ours with the others, and with themselves.
    pub fn of(scored: &'a Scored) -> Self {
        let (report, ours) = (&scored.report, ours(&scored.report));
        let spread = |name: &str| {
            let seeds: Vec<String> = ours.iter().filter(|own| own.split('/').next() == Some(name)).cloned().collect();
            (name.to_owned(), seeds.len(), compare::spread(report, &seeds))
        };
        Self {
            report,
            comparisons: compare::with_the_best(report, &scored.valid, &ours),
            orders: compare::with_first_events(report, &ours),
            told: compare::by_what_is_told(report),
            fallen: compare::fallen_rungs(report, &ours),
            spreads: [OURS, ANONYMOUS].into_iter().chain(views::NAMES).map(spread).collect(),
        }
    }

    /// Prints it.
    pub fn print(&self) {
        for (about, comparisons) in
            [(AGAINST_THE_BEST, &self.comparisons), (AGAINST_FIRST_EVENTS, &self.orders), (BY_WHAT_IS_TOLD, &self.told)]
        {
            if !comparisons.is_empty() {
                compare::print(about, comparisons);
            }
        }
        if !self.fallen.is_empty() {
            compare::print_ladder(&self.fallen);
        }
        self.spreads.iter().for_each(|(name, seeds, spread)| compare::print_spread(name, *seeds, spread));
    }
}

const MEDIANS: &str = "MAE is of medians where a method predicts distributions (metarec, melu), and of the values that the others predict, which are means: \
                       of these MAE is greater for that reason alone.";
const NAMES: &str = "`metarec/1` is the model of the second training seed, `metarec-anonymous` is told nothing of users but their events, `metarec-mean` is the \
                     mean of all seeds' models.";
const AGAINST_THE_BEST: &str =
    "Against the baseline, of those asked for, that is best on the validation users at its k";
const AGAINST_FIRST_EVENTS: &str = "Random events of a user against the first ones";
const BY_WHAT_IS_TOLD: &str = "One model against another that is told something else of items";
const TOLD: &str = "`ids` is the model told nothing of items, `categories` their categories, `titles` their titles as vectors of words, `text` titles, texts and the names of \
                    categories as vectors of words, `both` these and the categories.";

/// Writes the record of a run.
pub fn write(
    args: &Args,
    data: &Dataset,
    found: &Findings<'_>,
    training: &[f64],
    path: &Path,
    began: Instant,
) -> Result<(), Box<dyn Error>> {
    let name = args.data.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    let mut record = Record::new("Protocols", &title(args, &name), (&name, data), "run --release --example evaluate");
    if !training.is_empty() {
        record.seeds = args.all_seeds().collect();
        let seconds: Vec<String> = training.iter().map(|seconds| format!("{seconds:.0} s")).collect();
        record.notes.push(format!("Training took {}.", seconds.join(", ")));
    }
    record.tables.extend(metric_tables(found.report, COMPARED.map(|(metric, _)| metric)));
    record.tables.push(comparison_table(AGAINST_THE_BEST, "baseline", &found.comparisons));
    if !found.orders.is_empty() {
        record.tables.push(comparison_table(AGAINST_FIRST_EVENTS, "first events", &found.orders));
    }
    if !found.told.is_empty() {
        record.tables.push(comparison_table(BY_WHAT_IS_TOLD, "the other", &found.told));
        record.notes.push(TOLD.to_owned());
    }
    let fallen = found.fallen.iter().map(|(name, rungs)| vec![name.clone(), rungs.clone()]).collect();
    record.tables.push(Table {
        caption: "Rungs significantly below an earlier one".to_owned(),
        columns: vec!["method".to_owned(), "rungs".to_owned()],
        rows: fallen,
    });
    let spreads = found.spreads.iter().filter(|(_, _, spread)| !spread.is_empty());
    record.tables.extend(spreads.map(|(name, seeds, spread)| spread_table(name, *seeds, spread)));
    if record.tables.iter().any(|table| table.caption.starts_with("mae,")) {
        record.notes.push(MEDIANS.to_owned());
    }
    record.notes.push(NAMES.to_owned());
    record.plots = plots(found);
    record.write(path, began)
}

fn title(args: &Args, name: &str) -> String {
    let support = if args.random_support { ", random support" } else { "" };
    let pool = args.pool.map_or_else(String::new, |pool| format!(", pool of {pool}"));
    let part = if args.part == Part::Valid { ", validation users" } else { "" };
    let words = if args.text.is_some() { ", with words of items" } else { "" };
    format!("{name}, {}{support}{pool}{words}{part}", args.protocol)
}

fn comparison_table(about: &str, other: &str, comparisons: &[Comparison]) -> Table {
    let row = |one: &Comparison| {
        let [mean, lo, hi] = one.difference;
        vec![
            one.metric.to_owned(),
            one.k.to_string(),
            format!("{} {:.4}", one.ours.0, one.ours.1),
            format!("{} {:.4}", one.baseline.0, one.baseline.1),
            format!("{mean:+.4} [{lo:+.4}, {hi:+.4}]"),
            one.percent(),
        ]
    };
    Table {
        caption: format!("{about}, paired over users; positive where ours is better"),
        columns: columns(["metric", "k", "ours", other, "difference", "its lower end in %"]),
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
fn plots(found: &Findings<'_>) -> Vec<Plot> {
    let (rows, ours) = (found.report.rows(), ours(found.report));
    let wanted = |metric: &str, name: &str| {
        ours.first().is_some_and(|first| first == name)
            || ["random", "constant", "popularity", "item_mean"].contains(&name)
            || found.comparisons.iter().any(|one| one.metric == metric && one.baseline.0 == name)
    };
    let plot = |drawn: (&str, &str)| ladder(&rows, found.report.methods().filter(|name| wanted(drawn.0, name)), drawn);
    DRAWN.map(plot).into_iter().filter(|plot| !plot.lines.is_empty()).collect()
}
