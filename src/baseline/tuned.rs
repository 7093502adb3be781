//! Settings chosen on the validation users, for each number of shots.

use std::sync::Arc;

use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::data::{Dataset, UserSplit};
use crate::evaluate::metric::Direction;
use crate::evaluate::{EvaluateError, Method, Part, Report, Support, UserCold};

/// A method in the setting that did best on the validation users, chosen for each number of shots.
///
/// At another number of shots the setting of the next smaller one serves; below the smallest, the smallest one's.
/// Settings that were chosen for several numbers of shots are held once.
#[derive(Clone, Debug)]
pub struct Tuned<M> {
    name: String,
    /// For each number of shots, ascending; never empty.
    chosen: Vec<(usize, Arc<M>)>,
}

impl<M> Tuned<M> {
    /// What serves at each number of shots it was tuned for, ascending.
    pub fn chosen(&self) -> impl Iterator<Item = (usize, &M)> {
        self.chosen.iter().map(|(shots, method)| (*shots, &**method))
    }

    /// What serves at this number of shots.
    #[must_use]
    pub fn at(&self, shots: usize) -> &M {
        let up_to = self.chosen.partition_point(|&(tuned, _)| tuned <= shots);
        &self.chosen[up_to.saturating_sub(1)].1
    }
}

impl<M: Method> Tuned<M> {
    /// One setting for every number of shots.
    pub(super) fn of_one(method: M) -> Self {
        Self { name: method.name().to_owned(), chosen: vec![(0, Arc::new(method))] }
    }
}

impl<M: Method + Send> Tuned<M> {
    /// Asks for each support set the method of its number of shots, over threads.
    fn rows(
        &self,
        supports: &[Support<'_>],
        ask: impl Fn(&M, &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> + Sync,
    ) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let row = |support: &Support<'_>| {
            let rows = ask(self.at(support.events.len()), std::slice::from_ref(support))?;
            Ok(rows.and_then(|mut rows| rows.pop()))
        };
        supports.par_iter().map(row).collect()
    }
}

impl<M: Method + Send> Method for Tuned<M> {
    fn name(&self) -> &str {
        &self.name
    }

    fn config(&self) -> String {
        let settings = self.chosen.iter().map(|(shots, method)| format!("k={shots} {}", method.config()));
        settings.collect::<Vec<_>>().join(", ")
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.rows(supports, |method, supports| method.scores(supports))
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.rows(supports, |method, supports| method.ratings(supports))
    }
}

/// Chooses settings on the validation users of a split by one metric, for each number of shots by itself.
///
/// ```
/// use metarec::baseline::{Knn, KnnConfig, Tuner};
/// use metarec::data::synthetic::MarketConfig;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let data = MarketConfig::default().with_users(150).generate()?.into_dataset();
/// let split = data.split()?;
/// let tuner = Tuner::new(&data, &split, &[1, 5], "ndcg@10")?;
/// let knn = |shrink| Knn::fit(&data, &split, &KnnConfig::default().with_shrink(shrink));
/// let tuned = tuner.choose([2.0, 50.0].map(knn), || knn(20.0))?;
/// assert_eq!(tuned.chosen().map(|(shots, _)| shots).collect::<Vec<_>>(), [1, 5]);
/// # Ok(())
/// # }
/// ```
pub struct Tuner<'a> {
    /// At the numbers of shots that the validation users' pools hold.
    protocol: UserCold<'a>,
    /// Ascending, each once.
    untuned: Vec<usize>,
    metric: String,
}

impl<'a> Tuner<'a> {
    /// For each of `shots` by `metric`, which goes by its name in reports: `ndcg@10`, `rmse`, ...
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`] if the split has users or items that the data set has not.
    pub fn new(
        data: &'a Dataset,
        split: &'a UserSplit,
        shots: &[usize],
        metric: impl Into<String>,
    ) -> Result<Self, BaselineError> {
        let mut shots = shots.to_vec();
        shots.sort_unstable();
        shots.dedup();
        let pool = split.valid.iter().map(|user| user.pool.len()).min();
        let (tuned, untuned): (Vec<usize>, Vec<usize>) =
            shots.into_iter().partition(|&shots| pool.is_some_and(|pool| shots <= pool));
        let protocol = UserCold::new(data, split)?.on(Part::Valid).with_shots(tuned);
        Ok(Self { protocol, untuned, metric: metric.into() })
    }

    /// The candidate that is best at each number of shots, the first of equals. Where there are no validation users, or
    /// their pools hold fewer events, it is `untuned`, which is made only then.
    ///
    /// Candidates are made and measured one after the other, so that no more of them are held at once than numbers of
    /// shots, and one. A candidate without a finite mean at some number of shots (nobody to measure it on) is worse
    /// there than any other.
    ///
    /// # Errors
    /// Those of the candidates and of the evaluation; [`BaselineError::NotMeasured`] if the metric is unknown or the
    /// method does not answer it; [`BaselineError::NoCandidates`] if there are none.
    pub fn choose<M: Method>(
        &self,
        candidates: impl IntoIterator<Item = Result<M, BaselineError>>,
        untuned: impl FnOnce() -> Result<M, BaselineError>,
    ) -> Result<Tuned<M>, BaselineError> {
        let mut chosen = self.best(candidates)?;
        if !self.untuned.is_empty() || chosen.is_empty() {
            let method = Arc::new(untuned()?);
            let shots = if self.untuned.is_empty() { &[0][..] } else { &self.untuned };
            chosen.extend(shots.iter().map(|&shots| (shots, Arc::clone(&method))));
        }
        chosen.sort_by_key(|&(shots, _)| shots);
        let name = chosen.first().map(|(_, method)| method.name().to_owned()).unwrap_or_default();
        Ok(Tuned { name, chosen })
    }

    fn best<M: Method>(
        &self,
        candidates: impl IntoIterator<Item = Result<M, BaselineError>>,
    ) -> Result<Vec<(usize, Arc<M>)>, BaselineError> {
        let shots = self.protocol.shots();
        let mut best: Vec<Option<(f64, Arc<M>)>> = vec![None; shots.len()];
        if shots.is_empty() {
            return Ok(Vec::new());
        }
        for candidate in candidates {
            let candidate = Arc::new(candidate?);
            let values = self.values(&*candidate)?;
            for (best, value) in best.iter_mut().zip(values) {
                if best.as_ref().is_none_or(|(most, _)| value > *most) {
                    *best = Some((value, Arc::clone(&candidate)));
                }
            }
        }
        let chosen = shots.iter().zip(best).filter_map(|(&shots, best)| Some((shots, best?.1)));
        let chosen: Vec<_> = chosen.collect();
        if chosen.is_empty() { Err(BaselineError::NoCandidates) } else { Ok(chosen) }
    }

    /// What the metric is on average at each number of shots, with a sign that makes more better.
    fn values(&self, method: &dyn Method) -> Result<Vec<f64>, BaselineError> {
        let mut report = Report::new();
        self.protocol.run(method, &mut report)?;
        let value = |&shots: &usize| {
            let measured = report.find(method.name(), shots, &self.metric).ok_or_else(|| {
                BaselineError::NotMeasured { method: method.name().to_owned(), metric: self.metric.clone(), shots }
            })?;
            let sign = match measured.direction() {
                Direction::HigherIsBetter => 1.0,
                Direction::LowerIsBetter => -1.0,
            };
            Ok(measured.mean().map_or(f64::NEG_INFINITY, |mean| sign * mean))
        };
        self.protocol.shots().iter().map(value).collect()
    }
}
