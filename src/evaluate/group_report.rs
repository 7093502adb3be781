//! What was measured, by group of users: how well each group is served, and how far apart groups are.

use std::fmt;

use rayon::prelude::*;
use serde::Serialize;

use crate::data::Shots;
use crate::data::UserGroups;
use crate::evaluate::error::EvaluateError;
use crate::evaluate::interval::Bootstrap;
use crate::evaluate::report::{Measured, Report, rounded};
use crate::evaluate::table::write_aligned;

/// Groups of fewer users have a row of their own, but no part in a gap.
const LEAST_USERS: usize = 5;

/// One group's mean; as JSON, numbers are rounded to five decimals.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GroupRow {
    /// What users are grouped by.
    pub grouping: String,
    /// Name of the method.
    pub method: String,
    /// What the method saw of each user.
    pub k: Shots,
    /// Name of the metric.
    pub metric: String,
    /// Name of the group.
    pub group: String,
    /// Mean over its users.
    #[serde(serialize_with = "rounded")]
    pub mean: f64,
    /// Lower end of its interval.
    #[serde(serialize_with = "rounded")]
    pub lo: f64,
    /// Upper end of its interval.
    #[serde(serialize_with = "rounded")]
    pub hi: f64,
    /// How many of its users have a value.
    pub users: usize,
}

/// How far the means of groups are apart; as JSON, numbers are rounded to five decimals.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct GapRow {
    /// What users are grouped by.
    pub grouping: String,
    /// Name of the method.
    pub method: String,
    /// What the method saw of each user.
    pub k: Shots,
    /// Name of the metric.
    pub metric: String,
    /// The group with the largest mean.
    pub largest: String,
    /// The group with the smallest mean.
    pub smallest: String,
    /// The largest mean less the smallest.
    #[serde(serialize_with = "rounded")]
    pub gap: f64,
    /// Lower end of the interval of the difference of these two groups.
    #[serde(serialize_with = "rounded")]
    pub lo: f64,
    /// Upper end of that interval.
    #[serde(serialize_with = "rounded")]
    pub hi: f64,
    /// How often so large a gap comes about where groups are drawn by chance: 1 of so many draws at least.
    #[serde(serialize_with = "rounded")]
    pub p: f64,
}

/// A [`Report`]'s metrics of single users by group of users.
///
/// - Each group's mean has the bootstrap interval that it would have in the report, over its own users.
/// - The *gap* is the largest mean of a group less the smallest, of groups with at least 5 users. Its interval is that of the difference of
///   these two groups, each resampled by itself; where there are more than two groups it is of the two that happened to be farthest apart,
///   and too sure of itself. `p` takes that into account: it is the share of random regroupings of the users, groups keeping their sizes,
///   whose own gap is as large (a permutation test; the regrouping as it is counts as one).
/// - Users in no group are left out, and so are values that are of all users together.
///
/// `Display` prints one table for each metric and number of shots: methods by groups, mean with interval, then the gap. Rows cost the
/// bootstrap's `samples * users` for each method, metric and number of shots, three times over, spread over threads.
///
/// ```
/// use metarec::data::{DatasetBuilder, UserGroups, UserIndex};
/// use metarec::evaluate::{GroupReport, Measured, Report, metric::Direction};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mut builder = DatasetBuilder::new();
/// for user in 0..20 {
///     builder.describe_user(&user.to_string(), [("gender", if user % 2 == 0 { "F" } else { "M" })])?;
/// }
/// let data = builder.build();
/// let values = (0..20).map(|user| (UserIndex(user), f64::from(user % 2))).collect();
/// let mut report = Report::new();
/// report.add("ours", "", vec![Measured::per_user("hr@10", 5, Direction::HigherIsBetter, values)])?;
///
/// let by_gender = GroupReport::new("gender", &report, &UserGroups::by_columns(data.users(), &["gender"])?);
/// let gap = &by_gender.gaps()[0];
/// assert_eq!((gap.largest.as_str(), gap.gap), ("gender=M", 1.0));
/// assert!(gap.p < 0.01);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct GroupReport {
    groups: Vec<String>,
    level: f64,
    rows: Vec<GroupRow>,
    gaps: Vec<GapRow>,
}

/// The values of one method, metric and number of shots, by group.
struct Grouped<'a> {
    method: &'a str,
    measured: &'a Measured,
    values: Vec<Vec<f64>>,
}

impl GroupReport {
    /// Of everything in a report that has a value for each user. `grouping` is what users are grouped by, for the reader.
    #[must_use]
    pub fn new(grouping: &str, report: &Report, groups: &UserGroups) -> Self {
        let measured =
            report.methods.iter().flat_map(|results| results.measured.iter().map(|one| (&results.name, one)));
        let grouped: Vec<Grouped<'_>> = measured
            .filter(|(_, measured)| !measured.values().is_empty())
            .map(|(method, measured)| Grouped { method, measured, values: by_group(measured, groups) })
            .collect();
        let bootstrap = report.bootstrap;
        let of = |one: &Grouped<'_>| (one.rows(grouping, groups, &bootstrap), one.gap(grouping, groups, &bootstrap));
        let (rows, gaps): (Vec<_>, Vec<_>) = grouped.par_iter().map(of).unzip();
        Self {
            groups: groups.names().to_vec(),
            level: bootstrap.level,
            rows: rows.into_iter().flatten().collect(),
            gaps: gaps.into_iter().flatten().collect(),
        }
    }

    /// The same with the tables and rows of these metrics only, such as `ndcg@10`.
    #[must_use]
    pub fn only(mut self, metrics: &[&str]) -> Self {
        self.rows.retain(|row| metrics.contains(&row.metric.as_str()));
        self.gaps.retain(|row| metrics.contains(&row.metric.as_str()));
        self
    }

    /// Each group's mean: methods, metrics and numbers of shots in the order of the report, groups in the order of their numbers. A group
    /// of whom nobody has a value has no row.
    #[must_use]
    pub fn rows(&self) -> &[GroupRow] {
        &self.rows
    }

    /// The gap of each method, metric and number of shots; none where fewer than two groups are large enough.
    #[must_use]
    pub fn gaps(&self) -> &[GapRow] {
        &self.gaps
    }

    /// Writes rows and gaps as JSON, one object a line: first all [`GroupReport::rows`], then all [`GroupReport::gaps`].
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_json_lines(&self, mut writer: impl std::io::Write) -> Result<(), EvaluateError> {
        for row in &self.rows {
            serde_json::to_writer(&mut writer, row)?;
            writer.write_all(b"\n")?;
        }
        for gap in &self.gaps {
            serde_json::to_writer(&mut writer, gap)?;
            writer.write_all(b"\n")?;
        }
        Ok(writer.flush()?)
    }
}

fn by_group(measured: &Measured, groups: &UserGroups) -> Vec<Vec<f64>> {
    let mut values = vec![Vec::new(); groups.len()];
    for &(user, value) in measured.values() {
        if let Some(group) = groups.group(user) {
            values[group as usize].push(value);
        }
    }
    values
}

impl Grouped<'_> {
    fn rows(&self, grouping: &str, groups: &UserGroups, bootstrap: &Bootstrap) -> Vec<GroupRow> {
        let row = |(group, values): (&String, &Vec<f64>)| {
            let interval = bootstrap.mean(values)?;
            Some(GroupRow {
                grouping: grouping.to_owned(),
                method: self.method.to_owned(),
                k: self.measured.shots,
                metric: self.measured.metric.clone(),
                group: group.clone(),
                mean: interval.mean,
                lo: interval.lo,
                hi: interval.hi,
                users: values.len(),
            })
        };
        groups.names().iter().zip(&self.values).filter_map(row).collect()
    }

    fn gap(&self, grouping: &str, groups: &UserGroups, bootstrap: &Bootstrap) -> Option<GapRow> {
        let named = groups.names().iter().zip(&self.values).filter(|(_, values)| values.len() >= LEAST_USERS);
        let mut large: Vec<(&String, &[f64])> = named.map(|(name, values)| (name, &values[..])).collect();
        if large.len() < 2 {
            return None;
        }
        let all: Vec<&[f64]> = large.iter().map(|(_, values)| *values).collect();
        let p = bootstrap.chance_of_gap(&all);
        // Of equal means the group that came first is the largest.
        large.sort_by(|a, b| mean(b.1).total_cmp(&mean(a.1)));
        let (largest, smallest) = (large.first()?, large.last()?);
        let interval = bootstrap.between(largest.1, smallest.1)?;
        Some(GapRow {
            grouping: grouping.to_owned(),
            method: self.method.to_owned(),
            k: self.measured.shots,
            metric: self.measured.metric.clone(),
            largest: largest.0.clone(),
            smallest: smallest.0.clone(),
            gap: interval.mean,
            lo: interval.lo,
            hi: interval.hi,
            p,
        })
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl fmt::Display for GroupReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tables: Vec<(&str, Shots)> = Vec::new();
        for row in &self.rows {
            if !tables.contains(&(&row.metric, row.k)) {
                tables.push((&row.metric, row.k));
            }
        }
        for (metric, k) in tables {
            let grouping = self.rows.first().map_or("", |row| &row.grouping);
            writeln!(f, "{metric} by {grouping}, k={k}")?;
            write_aligned(f, &self.table(metric, k))?;
            writeln!(f)?;
        }
        let level = self.level * 100.0;
        writeln!(f, "[{level:.0} % bootstrap interval over users]; p of a gap as large among random groups")
    }
}

impl GroupReport {
    fn table(&self, metric: &str, k: Shots) -> Vec<Vec<String>> {
        let rows: Vec<&GroupRow> = self.rows.iter().filter(|row| row.metric == metric && row.k == k).collect();
        let users =
            |group: &String| rows.iter().filter(|row| row.group == *group).map(|row| row.users).max().unwrap_or(0);
        let mut lines = vec![vec![String::new()]];
        lines[0].extend(self.groups.iter().map(|group| format!("{group} ({})", users(group))));
        lines[0].push("gap".to_owned());
        for methods in rows.chunk_by(|a, b| a.method == b.method) {
            let method = &methods[0].method;
            let mut line = vec![method.clone()];
            for group in &self.groups {
                let row = methods.iter().find(|row| row.group == *group);
                line.push(
                    row.map_or_else(|| "-".to_owned(), |row| format!("{:.4} [{:.4}, {:.4}]", row.mean, row.lo, row.hi)),
                );
            }
            let gap = self.gaps.iter().find(|gap| gap.method == *method && gap.metric == metric && gap.k == k);
            line.push(gap.map_or_else(
                || "-".to_owned(),
                |gap| format!("{:.4} [{:.4}, {:.4}], p {:.3}", gap.gap, gap.lo, gap.hi, gap.p),
            ));
            lines.push(line);
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, DatasetBuilder, UserIndex};
    use crate::evaluate::metric::Direction;

    /// Users `0..sizes.sum()`, the first of group a, and so on.
    fn grouped(sizes: &[usize]) -> (Dataset, UserGroups) {
        let mut builder = DatasetBuilder::new();
        let of = sizes.iter().zip(["a", "b", "c"]).flat_map(|(size, name)| std::iter::repeat_n(name, *size));
        for (user, group) in of.enumerate() {
            builder.describe_user(&user.to_string(), [("group", group)]).unwrap();
        }
        let data = builder.build();
        let groups = UserGroups::by_columns(data.users(), &["group"]).unwrap();
        (data, groups)
    }

    fn report(values: &[f64]) -> Report {
        let values = (0..).map(UserIndex).zip(values.iter().copied()).collect();
        let mut report = Report::new();
        let measured = Measured::per_user("ndcg@10", 5, Direction::HigherIsBetter, values);
        let whole = Measured::whole("coverage@10", 5, Direction::HigherIsBetter, 0.5, 3);
        report.add("ours", "", vec![measured, whole]).unwrap();
        report
    }

    #[test]
    fn means_and_gaps_are_those_counted_by_hand() {
        let (_, groups) = grouped(&[5, 6, 2]);
        // Means 0.4, 0.25 and 1; the last group is too small for a gap. The fourteenth user is in no group.
        let values = [0.0, 0.2, 0.4, 0.6, 0.8, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 1.0, 1.0, 9.0];
        let found = GroupReport::new("taste", &report(&values), &groups);
        let rows: Vec<_> = found.rows().iter().map(|row| (row.group.as_str(), row.mean, row.users)).collect();
        assert_eq!(rows, [("group=a", 0.4, 5), ("group=b", 0.25, 6), ("group=c", 1.0, 2)]);
        let alone = Bootstrap::default().mean(&values[..5]).unwrap();
        assert_eq!((found.rows()[0].lo, found.rows()[0].hi), (alone.lo, alone.hi));
        let [gap] = found.gaps() else { panic!("one gap: {:?}", found.gaps()) };
        assert_eq!((gap.largest.as_str(), gap.smallest.as_str()), ("group=a", "group=b"));
        assert!((gap.gap - 0.15).abs() < 1e-12 && gap.lo < 0.0 && gap.hi > 0.15, "{gap:?}");
        assert!(gap.p > 0.1, "{gap:?}");
    }

    #[test]
    fn groups_that_do_not_differ_have_no_gap_and_far_ones_have_a_sure_one() {
        let (_, groups) = grouped(&[8, 8]);
        let equal = GroupReport::new("taste", &report(&[0.5; 16]), &groups);
        assert_eq!((equal.gaps()[0].gap, equal.gaps()[0].p), (0.0, 1.0));
        let far: Vec<f64> = (0..16).map(|user| f64::from(user / 8) + 0.01 * f64::from(user)).collect();
        let gap = GroupReport::new("taste", &report(&far), &groups).gaps()[0].clone();
        assert!(gap.lo > 0.9 && gap.p < 0.005, "{gap:?}");
        let (_, few) = grouped(&[4, 12]);
        assert!(GroupReport::new("taste", &report(&far), &few).gaps().is_empty());
    }

    #[test]
    fn tables_and_lines_say_all_there_is() {
        let (_, groups) = grouped(&[5, 5]);
        let values = [1.0, 1.0, 1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5];
        let found = GroupReport::new("taste", &report(&values), &groups);
        let p = found.gaps()[0].p;
        let expected = format!(
            "\
ndcg@10 by taste, k=5
        group=a (5)              group=b (5)              gap
  ours  1.0000 [1.0000, 1.0000]  0.5000 [0.5000, 0.5000]  0.5000 [0.5000, 0.5000], p {p:.3}

[95 % bootstrap interval over users]; p of a gap as large among random groups
"
        );
        assert_eq!(found.to_string(), expected);
        let mut text = Vec::new();
        found.write_json_lines(&mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        assert_eq!(text.lines().count(), 3);
        assert!(text.starts_with(
            r#"{"grouping":"taste","method":"ours","k":5,"metric":"ndcg@10","group":"group=a","mean":1.0,"#
        ));
        assert!(found.only(&["rmse"]).rows().is_empty());
    }
}
