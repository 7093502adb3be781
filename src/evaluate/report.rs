//! Every user's value for each method, number of shots and metric, and what follows from them.

use std::collections::HashMap;
use std::io::Write;

use rayon::prelude::*;
use serde::{Deserialize, Serialize, Serializer};

use crate::data::Shots;
use crate::data::UserIndex;
use crate::evaluate::error::EvaluateError;
use crate::evaluate::interval::{Bootstrap, Interval, PairedDifference};
use crate::evaluate::metric::Direction;

/// What one metric measured of one method at one number of shots.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    pub(super) metric: String,
    pub(super) shots: Shots,
    pub(super) direction: Direction,
    values: Values,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Values {
    PerUser(Vec<(UserIndex, f64)>),
    Whole { value: f64, users: usize },
}

impl Measured {
    /// One value for each user; users that the metric says nothing of are left out.
    pub fn per_user(
        metric: impl Into<String>,
        shots: impl Into<Shots>,
        direction: Direction,
        values: Vec<(UserIndex, f64)>,
    ) -> Self {
        Self { metric: metric.into(), shots: shots.into(), direction, values: Values::PerUser(values) }
    }

    /// One value for all users together, which has no interval: both its ends are the value.
    pub fn whole(
        metric: impl Into<String>,
        shots: impl Into<Shots>,
        direction: Direction,
        value: f64,
        users: usize,
    ) -> Self {
        Self { metric: metric.into(), shots: shots.into(), direction, values: Values::Whole { value, users } }
    }

    /// Which way it is read.
    #[must_use]
    pub fn direction(&self) -> Direction {
        self.direction
    }

    /// Each user's value; none where there is one value for all.
    #[must_use]
    pub fn values(&self) -> &[(UserIndex, f64)] {
        match &self.values {
            Values::PerUser(values) => values,
            Values::Whole { .. } => &[],
        }
    }

    /// How many users it is of.
    #[must_use]
    pub fn users(&self) -> usize {
        match &self.values {
            Values::PerUser(values) => values.len(),
            Values::Whole { users, .. } => *users,
        }
    }

    /// Mean over users, or the value that is of all of them; `None` where there are none.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        match &self.values {
            Values::PerUser(values) if values.is_empty() => None,
            Values::PerUser(values) => Some(values.iter().map(|(_, value)| value).sum::<f64>() / values.len() as f64),
            Values::Whole { value, users } => (*users > 0).then_some(*value),
        }
    }

    /// The same of the users of both; of values that are of all users the mean, weighted by them.
    pub(super) fn joined(mut self, other: Self) -> Self {
        self.values = match (self.values, other.values) {
            (Values::PerUser(mut values), Values::PerUser(more)) => {
                values.extend(more);
                Values::PerUser(values)
            }
            (Values::Whole { value, users }, Values::Whole { value: other, users: more }) => {
                let sum = value * users as f64 + other * more as f64;
                Values::Whole { value: sum / (users + more).max(1) as f64, users: users + more }
            }
            (values, _) => values,
        };
        self
    }

    fn interval(&self, bootstrap: &Bootstrap) -> Option<Interval> {
        match &self.values {
            Values::PerUser(values) => bootstrap.mean(&values.iter().map(|&(_, value)| value).collect::<Vec<_>>()),
            Values::Whole { value, users } => (*users > 0).then_some(Interval { mean: *value, lo: *value, hi: *value }),
        }
    }
}

/// One row of the results; as JSON, numbers are rounded to five decimals.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReportRow {
    /// Name of the method.
    pub method: String,
    /// What the method saw of each user; in JSON a number where it is that of the first events, else text.
    pub k: Shots,
    /// Name of the metric.
    pub metric: String,
    /// Mean over users.
    #[serde(serialize_with = "rounded")]
    pub mean: f64,
    /// Lower end of its interval.
    #[serde(serialize_with = "rounded")]
    pub lo: f64,
    /// Upper end of its interval.
    #[serde(serialize_with = "rounded")]
    pub hi: f64,
    /// How many users it is of.
    pub users: usize,
    /// The method's settings.
    pub config: String,
    /// The protocol, where the report says which it is of; in JSON left out where it does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
}

pub(super) fn rounded<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((value * 1e5).round() / 1e5)
}

/// Collects what was measured of several methods.
///
/// `Display` prints one table for each metric: methods by numbers of shots, mean with interval, the best of each column
/// marked. With serde it is written with every user's value, to be read back as it was. Rows and tables resample when asked for; that costs the bootstrap's
/// `samples * users` for each row, over threads.
///
/// ```
/// use metarec::data::UserIndex;
/// use metarec::evaluate::{Measured, Report, metric::Direction};
///
/// # fn main() -> Result<(), metarec::evaluate::EvaluateError> {
/// let mut report = Report::new();
/// for (name, values) in [("ours", [0.5, 0.9]), ("theirs", [0.4, 0.7])] {
///     let values = (0..).map(UserIndex).zip(values).collect();
///     report.add(name, "", vec![Measured::per_user("ndcg@10", 5, Direction::HigherIsBetter, values)])?;
/// }
/// assert_eq!(report.mean("ours", 5, "ndcg@10"), Some(0.7));
/// let paired = report.paired("ours", "theirs", "ndcg@10", 5).expect("both were measured");
/// assert!(paired.significantly_better());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub(super) bootstrap: Bootstrap,
    pub(super) protocol: Option<String>,
    pub(super) methods: Vec<MethodResults>,
}

/// What was measured of one method.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct MethodResults {
    pub(super) name: String,
    pub(super) config: String,
    pub(super) measured: Vec<Measured>,
}

impl Report {
    /// Nothing yet, with the default bootstrap.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Nothing yet, with another bootstrap.
    #[must_use]
    pub fn with_bootstrap(bootstrap: Bootstrap) -> Self {
        Self { bootstrap, ..Self::default() }
    }

    /// The same saying which protocol it is of: in its rows, and above its tables. A report is of one protocol.
    ///
    /// ```
    /// use metarec::evaluate::Report;
    ///
    /// assert_eq!(Report::new().of_protocol("item-cold").protocol(), Some("item-cold"));
    /// ```
    #[must_use]
    pub fn of_protocol(mut self, name: impl Into<String>) -> Self {
        self.protocol = Some(name.into());
        self
    }

    /// The protocol that it is of, where it says so.
    #[must_use]
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Adds what was measured of a method.
    ///
    /// # Errors
    /// [`EvaluateError::MethodTwice`] if a method of this name is there.
    pub fn add(
        &mut self,
        method: impl Into<String>,
        config: impl Into<String>,
        measured: Vec<Measured>,
    ) -> Result<(), EvaluateError> {
        let name = method.into();
        if self.methods.iter().any(|method| method.name == name) {
            return Err(EvaluateError::MethodTwice(name));
        }
        self.methods.push(MethodResults { name, config: config.into(), measured });
        Ok(())
    }

    /// Adds what was measured of the methods of another report of the same protocol.
    ///
    /// # Errors
    /// [`EvaluateError::MethodTwice`] if a method of the same name is in both; nothing is added then.
    ///
    /// ```
    /// use metarec::data::UserIndex;
    /// use metarec::evaluate::{Measured, Report, metric::Direction};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let measured = || vec![Measured::per_user("mae", 5, Direction::LowerIsBetter, vec![(UserIndex(0), 0.9)])];
    /// let (mut all, mut other) = (Report::new(), Report::new());
    /// all.add("ours", "", measured())?;
    /// other.add("theirs", "", measured())?;
    /// all.extend(serde_json::from_str(&serde_json::to_string(&other)?)?)?;
    /// assert_eq!(all.methods().collect::<Vec<_>>(), ["ours", "theirs"]);
    /// assert!(all.extend(other).is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn extend(&mut self, other: Self) -> Result<(), EvaluateError> {
        let twice = |one: &&MethodResults| self.methods.iter().any(|method| method.name == one.name);
        if let Some(twice) = other.methods.iter().find(twice) {
            return Err(EvaluateError::MethodTwice(twice.name.clone()));
        }
        self.methods.extend(other.methods);
        Ok(())
    }

    /// Names of the methods, in the order in which they were added.
    pub fn methods(&self) -> impl Iterator<Item = &str> {
        self.methods.iter().map(|method| method.name.as_str())
    }

    /// How much of each user methods saw: each value once, in the order in which it was first added.
    ///
    /// ```
    /// use metarec::data::UserIndex;
    /// use metarec::evaluate::{Measured, Report, Shots, metric::Direction};
    ///
    /// # fn main() -> Result<(), metarec::evaluate::EvaluateError> {
    /// let at = |shots: usize| Measured::per_user("rmse", shots, Direction::LowerIsBetter, vec![(UserIndex(0), 0.9)]);
    /// let mut report = Report::new();
    /// report.add("ours", "", vec![at(5), at(0), at(5)])?;
    /// assert_eq!(report.shots(), [5, 0].map(Shots::First));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn shots(&self) -> Vec<Shots> {
        let mut seen = Vec::new();
        for measured in self.methods.iter().flat_map(|method| &method.measured) {
            if !seen.contains(&measured.shots) {
                seen.push(measured.shots);
            }
        }
        seen
    }

    /// What `metric` measured of `method` at `k` shots.
    #[must_use]
    pub fn find(&self, method: &str, k: impl Into<Shots>, metric: &str) -> Option<&Measured> {
        let k = k.into();
        let method = self.methods.iter().find(|results| results.name == method)?;
        method.measured.iter().find(|measured| measured.shots == k && measured.metric == metric)
    }

    /// The mean of `metric` of `method` at `k` shots; `None` where it was not measured.
    #[must_use]
    pub fn mean(&self, method: &str, k: impl Into<Shots>, metric: &str) -> Option<f64> {
        self.find(method, k, metric)?.mean()
    }

    /// How much `first` differs from `second` in `metric` at `k` shots, over the users who have a value of both; `None`
    /// where one of them was not measured for each user or they have no user in common.
    #[must_use]
    pub fn paired(&self, first: &str, second: &str, metric: &str, k: impl Into<Shots>) -> Option<PairedDifference> {
        let k = k.into();
        self.difference(self.find(first, k, metric)?, self.find(second, k, metric)?)
    }

    /// How much `method` at `later` shots differs from itself at `earlier` ones, over the users who have a value at both; `None` as for [`Report::paired`].
    #[must_use]
    pub fn paired_rungs(
        &self,
        method: &str,
        metric: &str,
        later: impl Into<Shots>,
        earlier: impl Into<Shots>,
    ) -> Option<PairedDifference> {
        self.difference(self.find(method, later, metric)?, self.find(method, earlier, metric)?)
    }

    /// How much `first` differs from `second`, two metrics of one method at `k` shots, over the users who have a value of both: what it
    /// finds of the head and of the tail, say. `None` as for [`Report::paired`].
    #[must_use]
    pub fn paired_metrics(
        &self,
        method: &str,
        first: &str,
        second: &str,
        k: impl Into<Shots>,
    ) -> Option<PairedDifference> {
        let k = k.into();
        self.difference(self.find(method, k, first)?, self.find(method, k, second)?)
    }

    fn difference(&self, first: &Measured, second: &Measured) -> Option<PairedDifference> {
        let others: HashMap<UserIndex, f64> = second.values().iter().copied().collect();
        let both = first.values().iter().filter_map(|(user, value)| Some((*value, *others.get(user)?)));
        let (ours, theirs): (Vec<f64>, Vec<f64>) = both.unzip();
        self.bootstrap.difference(&ours, &theirs, first.direction)
    }

    /// All results: methods in the order in which they were added, each with its metrics and numbers of shots in the
    /// order in which they ran. What has no users has no row.
    #[must_use]
    pub fn rows(&self) -> Vec<ReportRow> {
        let all: Vec<(&MethodResults, &Measured)> = self
            .methods
            .iter()
            .flat_map(|method| method.measured.iter().map(move |measured| (method, measured)))
            .collect();
        let row = |&(method, measured): &(&MethodResults, &Measured)| {
            let Interval { mean, lo, hi } = measured.interval(&self.bootstrap)?;
            Some(ReportRow {
                method: method.name.clone(),
                k: measured.shots,
                metric: measured.metric.clone(),
                mean,
                lo,
                hi,
                users: measured.users(),
                config: method.config.clone(),
                protocol: self.protocol.clone(),
            })
        };
        all.par_iter().filter_map(row).collect()
    }

    /// Writes [`Report::rows`] as JSON, one object a line.
    ///
    /// # Errors
    /// If writing fails.
    pub fn write_json_lines(&self, mut writer: impl Write) -> Result<(), EvaluateError> {
        for row in self.rows() {
            serde_json::to_writer(&mut writer, &row)?;
            writer.write_all(b"\n")?;
        }
        Ok(writer.flush()?)
    }
}

#[cfg(test)]
mod tests;
