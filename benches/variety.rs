//! Whom a recommender serves how well, what its lists are like, and what variety costs.
//!
//! ```text
//! cargo bench --bench variety -- FOLDER [--model FOLDER] [--out FILE] [--record FILE] [--table FILE] [--part valid|test] [--seed NUMBER] [--shots NUMBER]
//! ```
//!
//! Trains with the defaults on the training users of the folder (or loads `--model`, and saves what it trained there if nothing is there
//! yet). Prints, of the model, popularity and random scores on the test users at 5 shots: nDCG@10, recall@20 and the share of the long tail
//! by gender, age and activity as far as the data know them, with gaps; how well liked items of the head, the middle and the long tail are
//! found; what lists are like; and the curve of the re-ranked model over lambda and floors for the long tail, with the difference of
//! nDCG@10 from the model as it is, paired over users. `--out` writes groups and gaps as JSON lines; `--table` writes the curve,
//! `lambda,floor` and a column for each metric; `--record` writes what the example `results` makes a page of.

#[path = "../examples/results/record.rs"]
mod record;
mod trained;

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use metarec::baseline::{Popularity, Random};
use metarec::data::{Band, Dataset, HeldOutUser, UserGroups};
use metarec::evaluate::{GapRow, GroupReport, Method, Part, Report, Served, Variety};
use metarec::recommend::Reranker;

use record::{Line, Plot, Point as Place, Table, columns, metric_tables};
use trained::Failure;

const LAMBDAS: [f64; 7] = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9];
const FLOORS: [f64; 4] = [0.0, 0.1, 0.2, 0.3];
const AGES: [f64; 3] = [25.0, 35.0, 45.0];
/// What groups are compared by.
const GROUPED: [&str; 3] = ["ndcg@10", "recall@20", "tail@10"];
const METRICS: [&str; 7] = ["ndcg@10", "recall@20", "novelty@10", "ild@10", "tail@10", "coverage@10", "gini@10"];

/// What users are grouped by, and how.
fn groupings(data: &Dataset, users: &[HeldOutUser]) -> Result<Vec<(&'static str, UserGroups)>, Failure> {
    let knows = |column: &str| data.users().columns().iter().any(|known| known == column);
    let mut groupings = Vec::new();
    if knows("gender") {
        groupings.push(("gender", UserGroups::by_columns(data.users(), &["gender"])?));
    }
    if knows("age") {
        groupings.push(("age", UserGroups::by_bands(data.users(), "age", &AGES)?));
    }
    groupings.push(("activity", UserGroups::by_activity(data, users.iter().map(|user| user.user))));
    Ok(groupings)
}

fn print_bands(report: &Report, protocol: &Variety<'_>, shots: usize) {
    let sizes = Band::ALL.map(|band| format!("{} {}", band.name(), protocol.bands().items(band).count()));
    println!("liked items by popularity (items: {}), and head less tail over users with both", sizes.join(", "));
    let rows = report.rows();
    for metric in ["ndcg@10", "recall@20"] {
        for method in report.methods() {
            let row = |band: Band| {
                let name = format!("{metric}/{}", band.name());
                let row = rows.iter().find(|row| row.method == method && row.metric == name);
                row.map_or_else(String::new, |row| {
                    format!("{} {:.4} [{:.4}, {:.4}] ({})", band.name(), row.mean, row.lo, row.hi, row.users)
                })
            };
            let (head, tail) = (format!("{metric}/head"), format!("{metric}/tail"));
            let gap = report.paired_metrics(method, &head, &tail, shots);
            let gap = gap.map_or_else(String::new, |gap| {
                format!("head - tail {:+.4} [{:+.4}, {:+.4}] ({})", gap.mean, gap.lo, gap.hi, gap.users)
            });
            println!("  {metric:<9} {method:<10} {}  {gap}", Band::ALL.map(row).join("  "));
        }
    }
    println!();
}

/// One point of the curve: its settings, its name in the report.
type Point = (f64, f64, String);

fn print_curve(report: &Report, curve: &[Point], shots: usize) {
    println!("{:<7} {:<6} {}  ndcg@10 against no re-ranking", "lambda", "floor", METRICS.join("  "));
    for (lambda, floor, name) in curve {
        let cell = |metric: &&str| {
            let value = report.mean(name, shots, metric).unwrap_or(f64::NAN);
            format!("{value:<width$.4}", width = metric.len())
        };
        let cells: Vec<String> = METRICS.iter().map(cell).collect();
        let paired = report.paired(name, &curve[0].2, "ndcg@10", shots);
        let paired = paired
            .map_or_else(String::new, |paired| format!("{:+.4} [{:+.4}, {:+.4}]", paired.mean, paired.lo, paired.hi));
        println!("{lambda:<7} {floor:<6} {}  {paired}", cells.join("  "));
    }
}

fn write_table(path: &PathBuf, report: &Report, curve: &[Point], shots: usize) -> Result<(), Failure> {
    let mut out = BufWriter::new(File::create(path)?);
    writeln!(out, "lambda,floor,{}", METRICS.join(","))?;
    for (lambda, floor, name) in curve {
        let cells = METRICS
            .iter()
            .map(|metric| report.mean(name, shots, metric).map_or_else(String::new, |v| format!("{v:.5}")));
        writeln!(out, "{lambda},{floor},{}", cells.collect::<Vec<_>>().join(","))?;
    }
    Ok(out.flush()?)
}

fn main() -> Result<(), Failure> {
    let (mut table, mut shots): (Option<PathBuf>, usize) = (None, 5);
    let options = trained::options(&mut |name, parser| {
        match name {
            "table" => table = Some(parser.value()?.into()),
            "shots" => shots = parser.value()?.to_string_lossy().parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let Some(trained) = options.recommender()? else { return Ok(()) };
    let (data, split, rec) = (&trained.data, &trained.split, &trained.rec);
    let protocol = Variety::new(data, split)?.on(options.part).with_shots([shots]);
    let served = Served::new(rec, data)?;
    let (popularity, random) = (Popularity::fit(data, split), Random::new(data, options.seed));
    let mut report = Report::new();
    for method in [&served as &dyn Method, &popularity, &random] {
        protocol.run(method, &[], &mut report)?;
    }
    let users = if options.part == Part::Test { &split.test } else { &split.valid };
    let mut out = options.out.as_ref().map(|path| File::create(path).map(BufWriter::new)).transpose()?;
    let mut tables = Vec::new();
    for (name, groups) in groupings(data, users)? {
        let by_group = GroupReport::new(name, &report, &groups).only(&GROUPED);
        println!("{by_group}");
        tables.extend(group_tables(&by_group));
        out.as_mut().map_or(Ok(()), |out| by_group.write_json_lines(out))?;
    }
    print_bands(&report, &protocol, shots);
    for method in ["metarec", "popularity", "random"] {
        let values =
            METRICS.map(|metric| format!("{metric} {:.4}", report.mean(method, shots, metric).unwrap_or(f64::NAN)));
        println!("{method:<10} {}", values.join("  "));
    }
    println!("\ndistance by {}", protocol.distance().name());
    let banded = ["ndcg@10/head", "ndcg@10/middle", "ndcg@10/tail"];
    tables.extend(metric_tables(&report, banded.into_iter().chain(METRICS)));

    let (mut curve, mut rerankers) = (Vec::new(), Vec::new());
    for (floor, lambda) in FLOORS.into_iter().flat_map(|floor| LAMBDAS.map(|lambda| (floor, lambda))) {
        let reranker = Reranker::new(protocol.distance().clone()).with_lambda(lambda)?;
        let reranker = reranker.with_floor("tail", protocol.bands().items(Band::Tail), floor)?;
        curve.push((lambda, floor, format!("metarec, {reranker}")));
        rerankers.push(reranker);
    }
    let mut report = Report::new();
    protocol.run(&served, &rerankers, &mut report)?;
    print_curve(&report, &curve, shots);
    table.as_ref().map_or(Ok(()), |path| write_table(path, &report, &curve, shots))?;
    let about = ("Fairness and variety", "fairness and variety", "bench --bench variety");
    options.record(&trained, about, |record| {
        record.tables = tables;
        record.tables.push(curve_table(&report, &curve, shots));
        record.plots = ["ndcg@10", "ild@10"].map(|metric| curve_plot(&report, &curve, shots, metric)).into();
    })
}

/// A row for each setting of the re-ranker.
fn curve_table(report: &Report, curve: &[Point], shots: usize) -> Table {
    let row = |(lambda, floor, name): &Point| {
        let cell = |metric: &&str| report.mean(name, shots, metric).map_or_else(String::new, |v| format!("{v:.4}"));
        let paired = report.paired(name, &curve[0].2, "ndcg@10", shots);
        let paired = paired
            .map_or_else(String::new, |paired| format!("{:+.4} [{:+.4}, {:+.4}]", paired.mean, paired.lo, paired.hi));
        [lambda.to_string(), floor.to_string()].into_iter().chain(METRICS.iter().map(cell)).chain([paired]).collect()
    };
    Table {
        caption: "Re-ranked, with floors for the long tail".to_owned(),
        columns: columns(["lambda", "floor"].into_iter().chain(METRICS).chain(["nDCG@10 against no re-ranking"])),
        rows: curve.iter().map(row).collect(),
    }
}

/// A metric against lambda, a line for each floor.
fn curve_plot(report: &Report, curve: &[Point], shots: usize, metric: &str) -> Plot {
    let rows = report.rows();
    let line = |floor: f64| {
        let of_floor = curve.iter().filter(|(_, own, _)| (own - floor).abs() < 1e-9);
        let point = |(lambda, _, name): &Point| {
            let row = rows.iter().find(|row| row.method == *name && row.metric == metric)?;
            Some(Place { x: lambda.to_string(), y: row.mean, lo: row.lo, hi: row.hi })
        };
        Line { name: format!("floor {floor}"), points: of_floor.filter_map(point).collect() }
    };
    Plot {
        caption: format!("{metric} after {shots} events"),
        x: "lambda".to_owned(),
        y: metric.to_owned(),
        lines: FLOORS.map(line).into(),
    }
}

/// The groups' means and gaps of one metric, a row for each method.
fn group_tables(groups: &GroupReport) -> Vec<Table> {
    let table = |metric: &&str| {
        let row = |gap: &GapRow| {
            let own = groups.rows().iter().filter(|row| row.method == gap.method && row.metric == gap.metric);
            let means: Vec<String> = own
                .map(|row| format!("{} ({}) {:.3} [{:.3}, {:.3}]", row.group, row.users, row.mean, row.lo, row.hi))
                .collect();
            let width = format!("{:.3} [{:+.3}, {:+.3}]", gap.gap, gap.lo, gap.hi);
            vec![gap.method.clone(), means.join("; "), width, format!("{:.3}", gap.p)]
        };
        let gaps = groups.gaps().iter().filter(|gap| gap.metric == *metric);
        let rows: Vec<Vec<String>> = gaps.map(row).collect();
        let grouping = &groups.gaps().first()?.grouping;
        (!rows.is_empty()).then(|| Table {
            caption: format!("{metric} by {grouping} (users)"),
            columns: columns(["method", "groups", "gap", "p"]),
            rows,
        })
    };
    GROUPED.iter().filter_map(table).collect()
}
