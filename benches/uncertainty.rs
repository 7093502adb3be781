//! How sure a recommender is of ratings, and how rightly.
//!
//! ```text
//! cargo bench --bench uncertainty -- FOLDER [--model FOLDER] [--out FILE] [--record FILE] [--table FILE] [--part valid|test] [--seed NUMBER]
//! ```
//!
//! Trains with the defaults on the training users of the folder (or loads `--model`, and saves what it trained there if nothing is there yet), and prints coverage and
//! width of 90 % intervals, scores and errors on the test users at 0, 1, 5 and 20 shots, beside intervals of the global standard deviation around the item's mean.
//! `--record` writes what the example `results` makes a page of, `--out` writes them as JSON lines; `--table` writes
//! `method,shots,nominal,central,interval,events`, the numbers of a calibration plot.

#[path = "../examples/results/record.rs"]
mod record;
mod trained;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use metarec::baseline::NaiveIntervals;
use metarec::evaluate::{CalibrationRow, Method, Report, Served, Uncertainty};

use record::{Line, Plot, Point, metric_tables};
use trained::Failure;

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
    let mut table: Option<PathBuf> = None;
    let options = trained::options(&mut |name, parser| {
        let own = name == "table";
        if own {
            table = Some(parser.value()?.into());
        }
        Ok(own)
    })?;
    let Some(trained) = options.recommender()? else { return Ok(()) };
    let (data, split, rec) = (&trained.data, &trained.split, &trained.rec);
    let protocol = Uncertainty::new(data, split)?.on(options.part);
    let mut report = Report::new().of_protocol("user-cold");
    let (served, naive) = (Served::new(rec, data)?, NaiveIntervals::fit(data, split)?);
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
    if let Some(path) = &options.out {
        report.write_json_lines(BufWriter::new(File::create(path)?))?;
    }
    table.as_ref().map_or(Ok(()), |path| write_table(path, &tables))?;
    let about = ("Uncertainty", "predicted intervals of ratings", "bench --bench uncertainty");
    options.record(&trained, about, |record| {
        record.notes.push(
            "Coverage should be .90: more is not better, whatever the star says. MAE is of medians, RMSE of means. \
             Where ratings are levels (stars), an interval is the shortest run of whole levels that holds the share: \
             the interval score, which is made for ends that may lie anywhere, charges it more than the naive ends."
                .to_owned(),
        );
        let mut metrics: Vec<String> = Vec::new();
        report.rows().into_iter().map(|row| row.metric).for_each(|metric| {
            if !metrics.contains(&metric) {
                metrics.push(metric);
            }
        });
        record.tables.extend(metric_tables(&report, metrics.iter().map(String::as_str)));
        record.plots = calibration_plots(&tables);
    })
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
