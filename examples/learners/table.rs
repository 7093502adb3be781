//! Means, and differences from one of the methods over the same users.

use metarec::evaluate::Report;

use crate::protocol::Protocol;

/// Prints ranking and rating quality of all methods of the report; `*` marks a difference whose 95 % interval leaves zero out.
pub fn print(report: &Report, protocol: &Protocol, against: &str) {
    for metric in ["ndcg@10", "rmse"] {
        println!("\n{metric}, {}; in brackets the paired difference from {against}", protocol.name);
        let heads: Vec<String> = protocol.shots.iter().map(|k| format!("{:<34}", format!("k = {k}"))).collect();
        println!("  {:<24}{}", "", heads.concat());
        for method in report.methods() {
            let cells: Vec<String> = protocol.shots.iter().map(|&k| cell(report, method, against, metric, k)).collect();
            println!("  {method:<24}{}", cells.concat());
        }
    }
}

fn cell(report: &Report, method: &str, against: &str, metric: &str, k: usize) -> String {
    let Some(mean) = report.mean(method, k, metric) else { return format!("{:<34}", "-") };
    let difference = report.paired(method, against, metric, k).filter(|_| method != against);
    let text = match difference {
        Some(difference) => {
            let significant = difference.significantly_better() || difference.significantly_worse();
            let (mark, by) = (if significant { "*" } else { "" }, difference.mean);
            format!("{mean:.4} ({by:+.4}{mark}, {:+.4} to {:+.4})", difference.lo, difference.hi)
        }
        None => format!("{mean:.4}"),
    };
    format!("{text:<34}")
}
