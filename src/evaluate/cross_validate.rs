//! Cross-validation over users.

use std::error::Error;

use crate::data::{Dataset, FoldRule, Shots, UserFolds, UserSplit};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::method::Method;
use crate::evaluate::protocol::UserCold;
use crate::evaluate::report::{Measured, MethodResults, Report};

/// How one metric at one number of shots differs from fold to fold.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct FoldSpread {
    /// Name of the metric.
    pub metric: String,
    /// Number of shots.
    pub k: Shots,
    /// The mean over the users of each fold in which it was measured, in the order of the folds.
    pub folds: Vec<f64>,
    /// The mean of these. It differs a little from that of the report, which is over users.
    pub mean: f64,
    /// Their standard deviation (over `folds - 1`); 0 of one fold.
    pub deviation: f64,
}

impl FoldSpread {
    fn new(metric: &str, k: Shots, folds: Vec<f64>) -> Self {
        let count = folds.len() as f64;
        let mean = folds.iter().sum::<f64>() / count;
        let squares: f64 = folds.iter().map(|value| (value - mean).powi(2)).sum();
        let deviation = if folds.len() > 1 { (squares / (count - 1.0)).sqrt() } else { 0.0 };
        Self { metric: metric.to_owned(), k, folds, mean, deviation }
    }
}

/// What [`cross_validate`] found of one method.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CrossValidated {
    /// Every user's values, each from the fold in which they were tested.
    pub report: Report,
    /// How the folds differ, in the order of the report.
    pub spread: Vec<FoldSpread>,
}

impl CrossValidated {
    /// The spread of a metric at `k` shots; `None` where it was not measured.
    #[must_use]
    pub fn find(&self, k: impl Into<Shots>, metric: &str) -> Option<&FoldSpread> {
        let k = k.into();
        self.spread.iter().find(|spread| spread.k == k && spread.metric == metric)
    }
}

/// Cross-validates a method: [`CrossValidation`] with its defaults, into a report of its own.
///
/// ```
/// use metarec::baseline::{BaselineError, Offsets, Tuner};
/// use metarec::data::FoldRule;
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{Method, cross_validate};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let found = cross_validate(&data, &FoldRule::default().with_folds(3), |data, split| {
///     let tuner = Tuner::new(data, split, &[0, 1, 5, 20])?;
///     Ok::<Box<dyn Method>, BaselineError>(Box::new(Offsets::tuned(&tuner)?))
/// })?;
/// let rmse = found.find(5, "rmse").expect("it predicts ratings");
/// assert_eq!(rmse.folds.len(), 3);
/// println!("{}\nRMSE at 5 shots: {:.3} ± {:.3} over folds", found.report, rmse.mean, rmse.deviation);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`CrossValidation::new`] and [`CrossValidation::run`].
pub fn cross_validate<M, E>(data: &Dataset, rule: &FoldRule, make: M) -> Result<CrossValidated, EvaluateError>
where
    M: for<'s> Fn(&'s Dataset, &'s UserSplit) -> Result<Box<dyn Method + 's>, E>,
    E: Into<Box<dyn Error + Send + Sync>>,
{
    let mut report = Report::new();
    let spread = CrossValidation::new(data, rule)?.run(make, &mut report)?;
    Ok(CrossValidated { report, spread })
}

/// Cross-validation over users: the user-cold protocol, with every user as a test user once.
///
/// For each fold of [`UserFolds`] a method is made from the split whose test users are those of the fold, and run by [`UserCold`] on
/// them. Each user's values come from the one fold in which they were tested, so the report has one value for each user: its intervals and
/// paired differences are over *all* users, which makes small data go further than one split does. They say nothing of how much a method
/// depends on whom it was trained on: the methods of two folds share most of their training users. For that look at the spread over folds.
///
/// A method that is tuned is tuned anew in each fold, on the validation users of the split: never on those it is tested on.
///
/// Costs `folds` times making the method, and scoring each user once.
///
/// ```
/// use metarec::data::FoldRule;
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::evaluate::{CrossValidation, Method, Report, Served};
/// use metarec::{Config, Recommender, baseline::Popularity};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let device = metarec::recommend::device_from_env()?;
/// # let mut config = Config::default();
/// # config.training.epochs = 1;
/// let data = MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let folds = CrossValidation::new(&data, &FoldRule::default().with_folds(2))?.with_shots([0, 5]);
/// let mut report = Report::new();
/// folds.run(|data, split| Ok::<Box<dyn Method>, String>(Box::new(Popularity::fit(data, split))), &mut report)?;
/// folds.run(
///     |data, split| -> Result<Box<dyn Method>, Box<dyn std::error::Error + Send + Sync>> {
///         let rec = Recommender::trainer(data).config(&config).split(split.without_test()).train(&device)?;
///         Ok(Box::new(Served::shared(rec, data)?))
///     },
///     &mut report,
/// )?;
/// assert!(report.paired("metarec", "popularity", "ndcg@10", 5).is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct CrossValidation<'a> {
    data: &'a Dataset,
    folds: UserFolds,
    shots: Option<Vec<usize>>,
}

impl<'a> CrossValidation<'a> {
    /// Deals the users out.
    ///
    /// # Errors
    /// [`EvaluateError::Data`] if the rule is out of its bounds, or there are fewer users with enough events than folds.
    pub fn new(data: &'a Dataset, rule: &FoldRule) -> Result<Self, EvaluateError> {
        Ok(Self { data, folds: UserFolds::new(data, rule)?, shots: None })
    }

    /// The same at other numbers of shots than those of [`UserCold`].
    #[must_use]
    pub fn with_shots(mut self, shots: impl Into<Vec<usize>>) -> Self {
        self.shots = Some(shots.into());
        self
    }

    /// Who is in which fold.
    #[must_use]
    pub fn folds(&self) -> &UserFolds {
        &self.folds
    }

    /// Makes a method for each fold with `make`, runs it on the users of the fold, and adds all users' values to `report` as those of
    /// one method: under its name, with its settings, which are told fold by fold where they differ. Of what is one value for all users of a
    /// fold (`coverage@10`), the report has the mean over folds, weighted by their users.
    ///
    /// Several methods that run on one `CrossValidation` meet the same folds, and can be paired.
    ///
    /// # Errors
    /// [`EvaluateError::Fold`] if `make` fails; [`EvaluateError::Data`] if a fold leaves nobody to train on; [`EvaluateError::FoldNames`]
    /// if the methods have different names; and as [`UserCold::run`]. The report is unchanged then.
    pub fn run<M, E>(&self, make: M, report: &mut Report) -> Result<Vec<FoldSpread>, EvaluateError>
    where
        M: for<'s> Fn(&'s Dataset, &'s UserSplit) -> Result<Box<dyn Method + 's>, E>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut folds = Vec::with_capacity(self.folds.len());
        for fold in 0..self.folds.len() {
            let split = self.folds.split(self.data, fold)?;
            let method =
                make(self.data, &split).map_err(|source| EvaluateError::Fold { fold, source: source.into() })?;
            let mut protocol = UserCold::new(self.data, &split)?;
            if let Some(shots) = &self.shots {
                protocol = protocol.with_shots(shots.clone());
            }
            let mut of_fold = Report::new();
            protocol.run(&*method, &mut of_fold)?;
            folds.extend(of_fold.methods);
        }
        let spread = spread(&folds);
        let MethodResults { name, config, measured } = merged(folds)?;
        report.add(name, config, measured)?;
        Ok(spread)
    }
}

/// Metrics and shots in the order in which they first appear.
fn keys(folds: &[MethodResults]) -> Vec<(String, Shots)> {
    let mut keys: Vec<(String, Shots)> = Vec::new();
    for measured in folds.iter().flat_map(|fold| &fold.measured) {
        if !keys.iter().any(|(metric, shots)| *metric == measured.metric && *shots == measured.shots) {
            keys.push((measured.metric.clone(), measured.shots));
        }
    }
    keys
}

fn of_key<'m>(folds: &'m [MethodResults], metric: &str, shots: Shots) -> impl Iterator<Item = &'m Measured> {
    let all = folds.iter().flat_map(|fold| &fold.measured);
    all.filter(move |measured| measured.metric == metric && measured.shots == shots)
}

fn spread(folds: &[MethodResults]) -> Vec<FoldSpread> {
    let of = |(metric, shots): (String, Shots)| {
        let means: Vec<f64> = of_key(folds, &metric, shots).filter_map(Measured::mean).collect();
        (!means.is_empty()).then(|| FoldSpread::new(&metric, shots, means))
    };
    keys(folds).into_iter().filter_map(of).collect()
}

/// All folds as one method.
fn merged(folds: Vec<MethodResults>) -> Result<MethodResults, EvaluateError> {
    let measured = keys(&folds)
        .into_iter()
        .filter_map(|(metric, shots)| of_key(&folds, &metric, shots).cloned().reduce(Measured::joined));
    let measured = measured.collect();
    let mut names = folds.iter().map(|fold| fold.name.as_str());
    let name = names.next().unwrap_or_default().to_owned();
    if let Some(other) = names.find(|other| *other != name) {
        return Err(EvaluateError::FoldNames { first: name, other: other.to_owned() });
    }
    let config = match folds.first() {
        Some(first) if folds.iter().all(|fold| fold.config == first.config) => first.config.clone(),
        _ => (1..).zip(&folds).map(|(nth, fold)| format!("fold {nth}: {}", fold.config)).collect::<Vec<_>>().join("; "),
    };
    Ok(MethodResults { name, config, measured })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::UserIndex;
    use crate::evaluate::metric::Direction;

    fn fold(name: &str, config: &str, users: &[(u32, f64)]) -> MethodResults {
        let values: Vec<(UserIndex, f64)> = users.iter().map(|&(user, value)| (UserIndex(user), value)).collect();
        let count = values.len();
        let measured = vec![
            Measured::per_user("mae", 5, Direction::LowerIsBetter, values),
            Measured::whole("coverage@10", 5, Direction::HigherIsBetter, 0.25 * count as f64, count),
        ];
        MethodResults { name: name.to_owned(), config: config.to_owned(), measured }
    }

    #[test]
    fn users_of_all_folds_are_one_and_folds_have_a_spread() {
        let folds = vec![fold("a", "d=8", &[(3, 1.0), (0, 3.0)]), fold("a", "d=8", &[(1, 5.0)])];
        let found = spread(&folds);
        assert_eq!((found[0].folds.as_slice(), found[0].mean), (&[2.0, 5.0][..], 3.5));
        assert!((found[0].deviation - 4.5_f64.sqrt()).abs() < 1e-12);
        let all = merged(folds).unwrap();
        assert_eq!((all.config.as_str(), all.measured[0].values().len()), ("d=8", 3));
        assert_eq!(all.measured[0].mean(), Some(3.0));
        assert_eq!((all.measured[1].mean(), all.measured[1].users()), (Some((0.5 * 2.0 + 0.25) / 3.0), 3));
    }

    #[test]
    fn settings_that_differ_are_told_fold_by_fold() {
        let all = merged(vec![fold("a", "d=8", &[(0, 1.0)]), fold("a", "d=16", &[(1, 1.0)])]).unwrap();
        assert_eq!(all.config, "fold 1: d=8; fold 2: d=16");
    }

    #[test]
    fn methods_of_two_names_are_refused() {
        let error = merged(vec![fold("a", "", &[(0, 1.0)]), fold("b", "", &[(1, 1.0)])]).unwrap_err();
        assert_eq!(error.to_string(), "the method is \"a\" in one fold and \"b\" in another: expected one name");
    }

    #[test]
    fn one_fold_has_no_deviation() {
        assert_eq!(FoldSpread::new("mae", Shots::All, vec![2.0]).deviation, 0.0);
    }
}
