//! Reports as text: one table for each metric.

use std::fmt;

use crate::data::Shots;
use crate::evaluate::metric::Direction;
use crate::evaluate::report::{Report, ReportRow};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        if let Some(protocol) = &self.protocol {
            writeln!(f, "{protocol}\n")?;
        }
        for (metric, direction) in self.metrics() {
            let rows: Vec<&ReportRow> = rows.iter().filter(|row| row.metric == metric).collect();
            if !rows.is_empty() {
                write_table(f, metric, direction, &rows)?;
                writeln!(f)?;
            }
        }
        let level = self.bootstrap.level * 100.0;
        writeln!(f, "* best mean of the column; [{level:.0} % bootstrap interval over users]")
    }
}

impl Report {
    /// Metrics in the order in which they first appear.
    fn metrics(&self) -> Vec<(&str, Direction)> {
        let mut metrics: Vec<(&str, Direction)> = Vec::new();
        for measured in self.methods.iter().flat_map(|method| &method.measured) {
            if !metrics.iter().any(|(metric, _)| *metric == measured.metric) {
                metrics.push((&measured.metric, measured.direction));
            }
        }
        metrics
    }
}

/// Distinct values in the order in which they first appear.
fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut seen = Vec::new();
    for value in values {
        if !seen.contains(&value) {
            seen.push(value);
        }
    }
    seen
}

fn write_table(f: &mut fmt::Formatter<'_>, metric: &str, direction: Direction, rows: &[&ReportRow]) -> fmt::Result {
    let methods = distinct(rows.iter().map(|row| row.method.as_str()));
    let shots = distinct(rows.iter().map(|row| row.k));
    let best: Vec<f64> = shots.iter().map(|&k| best_of(rows, k, direction)).collect();
    let mut lines = vec![vec![String::new()]];
    lines[0].extend(shots.iter().map(|k| format!("k={k}")));
    for method in methods {
        let mut line = vec![method.to_owned()];
        for (&k, &best) in shots.iter().zip(&best) {
            let row = rows.iter().find(|row| row.method == method && row.k == k);
            line.push(row.map_or_else(|| "-".to_owned(), |row| cell(row, best)));
        }
        lines.push(line);
    }
    let users = rows.iter().map(|row| row.users).max().unwrap_or(0);
    let reading = if direction == Direction::LowerIsBetter { ", less is better" } else { "" };
    writeln!(f, "{metric} ({users} users{reading})")?;
    write_aligned(f, &lines)
}

fn best_of(rows: &[&ReportRow], k: Shots, direction: Direction) -> f64 {
    let means = rows.iter().filter(|row| row.k == k).map(|row| row.mean);
    match direction {
        Direction::HigherIsBetter => means.fold(f64::NEG_INFINITY, f64::max),
        Direction::LowerIsBetter => means.fold(f64::INFINITY, f64::min),
    }
}

fn cell(row: &ReportRow, best: f64) -> String {
    let mark = if (row.mean - best).abs() < 1e-9 { '*' } else { ' ' };
    if row.lo == row.hi {
        format!("{:.4}{mark}", row.mean)
    } else {
        format!("{:.4}{mark} [{:.4}, {:.4}]", row.mean, row.lo, row.hi)
    }
}

/// Cells in columns, two spaces apart; every line has as many.
pub(super) fn write_aligned(f: &mut fmt::Formatter<'_>, lines: &[Vec<String>]) -> fmt::Result {
    let columns = lines.first().map_or(0, Vec::len);
    let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for line in lines {
        let padded: Vec<String> = line.iter().zip(&widths).map(|(text, &width)| format!("{text:<width$}")).collect();
        writeln!(f, "  {}", padded.join("  ").trim_end())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::data::UserIndex;
    use crate::evaluate::metric::Direction;
    use crate::evaluate::report::{Measured, Report};

    #[test]
    fn a_report_prints_aligned_tables_that_mark_the_best() {
        let one = |metric: &str, shots: usize, direction, value| {
            Measured::per_user(metric, shots, direction, vec![(UserIndex(0), value), (UserIndex(1), value)])
        };
        let (up, down) = (Direction::HigherIsBetter, Direction::LowerIsBetter);
        let mut report = Report::new();
        report.add("random", "", vec![one("ndcg@10", 0, up, 0.1), one("ndcg@10", 5, up, 0.2)]).unwrap();
        report.add("ours", "", vec![one("ndcg@10", 0, up, 0.3), one("rmse", 0, down, 0.9)]).unwrap();
        report.add("item mean", "", vec![one("rmse", 0, down, 1.0)]).unwrap();
        let expected = "\
ndcg@10 (2 users)
          k=0      k=5
  random  0.1000   0.2000*
  ours    0.3000*  -

rmse (2 users, less is better)
             k=0
  ours       0.9000*
  item mean  1.0000

* best mean of the column; [95 % bootstrap interval over users]
";
        assert_eq!(report.to_string(), expected);
    }

    #[test]
    fn intervals_stand_beside_their_means() {
        let values = (0..100).map(|user| (UserIndex(user), f64::from(user % 2))).collect();
        let mut report = Report::new();
        report.add("coin", "", vec![Measured::per_user("hr@10", 0, Direction::HigherIsBetter, values)]).unwrap();
        let text = report.to_string();
        assert!(text.contains("  coin  0.5000* [0.4"), "{text}");
    }
}
