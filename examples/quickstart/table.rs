//! Results as text that fits a terminal of 100 columns.

use metarec::evaluate::{PairedDifference, Report, ReportRow, Shots};

/// A metric's name in reports, how a reader knows it, and whether less of it is better.
type Column = (&'static str, &'static str, bool);

const RANKING: &[Column] = &[
    ("ndcg@10", "nDCG@10", false),
    ("recall@20", "recall@20", false),
    ("precision@10", "precision@10", false),
    ("f1@10", "F1@10", false),
];
const RATING: &[Column] = &[("rmse", "RMSE", true), ("mae", "MAE", true), ("accuracy", "accuracy", false)];
const COMPARED: &[Column] = &[RANKING[0], RANKING[1], RATING[0]];

/// Prints a table of ranking metrics, one of rating metrics, and who is better than whom.
pub fn print(report: &Report, rows: &[ReportRow], ours: &str) {
    println!("Mean over users it has never seen [95 % interval]; k: events that a method sees; *: best at its k\n");
    println!("Ranking the whole catalogue");
    print_metrics(rows, RANKING);
    println!("Predicting ratings (of RMSE and MAE less is better)");
    print_metrics(rows, RATING);
    print_comparison(report, rows, ours);
}

fn print_metrics(rows: &[ReportRow], columns: &[Column]) {
    let titles: String = columns.iter().map(|(_, title, _)| format!("  {title:<17}")).collect();
    println!("  k  {:<15}{}", "method", titles.trim_end());
    for k in distinct(rows.iter().map(|row| row.k)) {
        let mut first = true;
        for method in distinct(rows.iter().map(|row| row.method.as_str())) {
            let cells: Vec<String> = columns.iter().map(|column| cell(rows, method, k, column)).collect();
            if cells.iter().all(|cell| cell == NOTHING) {
                continue;
            }
            let shots = if first { k.to_string() } else { String::new() };
            let line: String = cells.iter().map(|cell| format!("  {cell:<17}")).collect();
            println!("{shots:>3}  {method:<15}{}", line.trim_end());
            first = false;
        }
    }
    println!();
}

const NOTHING: &str = "-";

fn cell(rows: &[ReportRow], method: &str, k: Shots, &(metric, _, less): &Column) -> String {
    let of = |row: &&ReportRow| row.metric == metric && row.k == k;
    let Some(row) = rows.iter().filter(of).find(|row| row.method == method) else { return NOTHING.to_owned() };
    let better = |other: &ReportRow| if less { other.mean < row.mean } else { other.mean > row.mean };
    let mark = if rows.iter().filter(of).any(better) { ' ' } else { '*' };
    format!("{}{mark} [{} {}]", short(row.mean), short(row.lo), short(row.hi))
}

/// Three decimals, without a zero before the point.
fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    text.strip_prefix('0').map_or_else(|| text.clone(), str::to_owned)
}

/// One sign for each number of shots, for each metric and each other method.
fn print_comparison(report: &Report, rows: &[ReportRow], ours: &str) {
    let shots = distinct(rows.iter().map(|row| row.k));
    println!("{ours} against the others, paired by user: + better, - worse, = neither at 95 %");
    let titles: String =
        COMPARED.iter().map(|(_, title, _)| format!("  {title:<10}{}", signs(&shots, |k| k.to_string()))).collect();
    println!("  k = {:<14}{titles}", "");
    for other in report.methods().filter(|&other| other != ours) {
        let cells = COMPARED.iter().map(|(metric, _, _)| {
            format!("  {:<10}{}", "", signs(&shots, |k| sign(report.paired(ours, other, metric, k)).to_owned()))
        });
        println!("     {other:<15}{}", cells.collect::<String>().trim_end());
    }
    println!();
}

/// A narrow column for each number of shots.
fn signs(shots: &[Shots], of: impl Fn(Shots) -> String) -> String {
    shots.iter().map(|&k| format!("{:>3}", of(k))).collect()
}

fn sign(difference: Option<PairedDifference>) -> &'static str {
    match difference {
        None => " ",
        Some(difference) if difference.significantly_better() => "+",
        Some(difference) if difference.significantly_worse() => "-",
        Some(_) => "=",
    }
}

/// Distinct values in the order in which they first appear.
pub fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}
