//! Means, and differences from one of the methods over the same users.

use std::iter::once;

use metarec::evaluate::Report;

use crate::protocol::Protocol;

/// Prints ranking and rating quality of all methods of the report; `*` marks a difference whose 95 % interval leaves zero out.
pub fn print(report: &Report, protocol: &Protocol, against: &str) {
    for metric in ["ndcg@10", "rmse"] {
        println!("\n{metric}, {}; in brackets the paired difference from {against}", protocol.name);
        let mut rows = vec![once(String::new()).chain(protocol.shots.iter().map(|k| format!("k = {k}"))).collect()];
        for method in report.methods() {
            let cells = protocol.shots.iter().map(|&k| cell(report, method, against, metric, k));
            rows.push(once(method.to_owned()).chain(cells).collect());
        }
        print_aligned(&rows);
    }
}

/// Each column as wide as its widest cell.
fn print_aligned(rows: &[Vec<String>]) {
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(String::len).max().unwrap_or(0);
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        println!("  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
}

fn cell(report: &Report, method: &str, against: &str, metric: &str, k: usize) -> String {
    let Some(mean) = report.mean(method, k, metric) else { return "-".to_owned() };
    let difference = report.paired(method, against, metric, k).filter(|_| method != against);
    match difference {
        Some(difference) => {
            let significant = difference.significantly_better() || difference.significantly_worse();
            let (mark, by) = (if significant { "*" } else { " " }, difference.mean);
            format!("{mean:.4} ({by:+.4}{mark} {:+.4} to {:+.4})", difference.lo, difference.hi)
        }
        None => format!("{mean:.4}"),
    }
}
