//! The loop over trials.

use std::cmp::Ordering;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::error::TuneError;
use super::log::{Log, TrialRecord};
use super::space::{Chosen, SearchSpace, settings};
use super::strategy::Strategy;
use crate::evaluate::metric::Direction;
use crate::train::CancelToken;

/// What an objective is asked to score.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Trial<'a, S> {
    /// Its number, from 0; the same at every budget.
    pub number: usize,
    /// The settings, with what was chosen and with the budget where [`Search::with_budget_at`] says.
    pub settings: &'a S,
    /// What was chosen.
    pub chosen: &'a Chosen,
    /// How much it may cost.
    pub budget: usize,
    /// Seed of the search, the same for all trials: what is random in them is best random in the same way.
    pub seed: u64,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Found<S> {
    /// The settings of the best trial; `None` where no trial has a score.
    pub settings: Option<S>,
    /// The best trial of those with the largest budget that was reached, the first of equals.
    pub best: Option<TrialRecord>,
    /// All trials, in the order in which they were asked for.
    pub trials: Vec<TrialRecord>,
    /// How many of them were in the log.
    pub reused: usize,
    /// Whether the search came to its end: `false` if it was cancelled.
    pub finished: bool,
}

/// A search over settings of type `S`.
///
/// Costs what the trials do. They run one after the other, and may use all threads.
///
/// See the [module](crate::tune) for an example.
#[derive(Clone, Debug)]
pub struct Search<S> {
    base: S,
    space: SearchSpace,
    seed: u64,
    direction: Direction,
    budget_at: Option<String>,
    log: Option<PathBuf>,
    cancel: CancelToken,
}

impl<S: Serialize + DeserializeOwned> Search<S> {
    /// A search in `space`, all else being as in `base`. More is better, and the seed is 0.
    pub fn new(base: S, space: SearchSpace) -> Self {
        let direction = Direction::HigherIsBetter;
        Self { base, space, seed: 0, direction, budget_at: None, log: None, cancel: CancelToken::new() }
    }

    /// The same with another seed: other choices at random.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same reading scores in this direction: less is better of errors.
    #[must_use]
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// The same writing each trial's budget into its settings, at this JSON pointer: `/training/epochs` of a [`Config`](crate::Config).
    #[must_use]
    pub fn with_budget_at(mut self, pointer: impl Into<String>) -> Self {
        self.budget_at = Some(pointer.into());
        self
    }

    /// The same writing each trial to this file as soon as it ends, and not running again what is found there.
    ///
    /// One JSON object a line, as [`TrialRecord`] has it. A last line without an end, which a process that was killed leaves, is cut off. Trials that
    /// this search does not ask for are passed over, so a search can be made longer, or be refined by another strategy with the same seed.
    #[must_use]
    pub fn with_log(mut self, path: impl Into<PathBuf>) -> Self {
        self.log = Some(path.into());
        self
    }

    /// The same ending before the next trial once the token is used. An objective that trains can be given the same token: its error then ends the
    /// search in the same way, and its trial is as if it had not begun.
    #[must_use]
    pub fn with_cancel(mut self, token: CancelToken) -> Self {
        self.cancel = token;
        self
    }

    /// Asks `objective` for the score of each trial.
    ///
    /// A score that is not finite is worse than any other: that is how an objective says that training went wrong with these settings. An error
    /// of the objective ends the search; what was tried is in the log.
    ///
    /// # Errors
    /// [`TuneError::Choices`] and [`TuneError::Strategy`] if there is nothing to search; [`TuneError::UnknownSetting`] and
    /// [`TuneError::Settings`] if what is chosen is none of the settings; [`TuneError::Trial`] with what the objective fails with; those of the
    /// log, [`TuneError::OtherSearch`] among them.
    pub fn run<E>(
        &self,
        strategy: &Strategy,
        mut objective: impl FnMut(&Trial<'_, S>) -> Result<f64, E>,
    ) -> Result<Found<S>, TuneError>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let rungs = strategy.rungs(&self.space)?;
        let chosen = strategy.chosen(&self.space, self.seed)?;
        let mut run = Run {
            search: self,
            base: self.base()?,
            log: Log::open(self.log.as_deref())?,
            trials: Vec::new(),
            reused: 0,
        };
        let mut going: Vec<usize> = (0..chosen.len()).collect();
        for rung in rungs {
            going.truncate(rung.trials);
            let from = run.trials.len();
            for &trial in &going {
                if self.cancel.is_cancelled() || !run.trial(trial, &chosen[trial], rung.budget, &mut objective)? {
                    return run.found(false);
                }
            }
            let mut scored: Vec<&TrialRecord> = run.trials[from..].iter().collect();
            scored.sort_by(|a, b| self.compare(a, b));
            going = scored.into_iter().map(|record| record.trial).collect();
        }
        run.found(true)
    }

    fn base(&self) -> Result<Value, TuneError> {
        serde_json::to_value(&self.base).map_err(TuneError::Base)
    }

    /// Better first, then by number.
    fn compare(&self, a: &TrialRecord, b: &TrialRecord) -> Ordering {
        let by_score = match (a.score, b.score) {
            (Some(a), Some(b)) if self.direction == Direction::LowerIsBetter => a.total_cmp(&b),
            (Some(a), Some(b)) => b.total_cmp(&a),
            (a, b) => b.is_some().cmp(&a.is_some()),
        };
        by_score.then(a.trial.cmp(&b.trial))
    }

    /// The settings of a trial.
    fn settings(&self, base: &Value, trial: usize, chosen: &Chosen, budget: usize) -> Result<S, TuneError> {
        let budget = Value::from(budget);
        let at = self.budget_at.iter().map(|pointer| (pointer, &budget));
        settings(base.clone(), chosen.iter().chain(at), trial)
    }
}

/// A search that is under way.
struct Run<'a, S> {
    search: &'a Search<S>,
    base: Value,
    log: Log,
    trials: Vec<TrialRecord>,
    reused: usize,
}

impl<S: Serialize + DeserializeOwned> Run<'_, S> {
    /// Runs a trial, or takes it from the log; `false` if it was cancelled.
    fn trial<E: Into<Box<dyn Error + Send + Sync>>>(
        &mut self,
        number: usize,
        chosen: &Chosen,
        budget: usize,
        objective: &mut impl FnMut(&Trial<'_, S>) -> Result<f64, E>,
    ) -> Result<bool, TuneError> {
        let asked = self.asked(number, chosen, budget)?;
        let settings = self.search.settings(&self.base, number, &asked.settings, budget)?;
        if let Some(known) = self.log.find(&asked)? {
            self.trials.push(known.clone());
            self.reused += 1;
            return Ok(true);
        }
        let began = Instant::now();
        let trial = Trial { number, settings: &settings, chosen: &asked.settings, budget, seed: self.search.seed };
        let score = match objective(&trial) {
            Ok(score) => Some(score).filter(|score| score.is_finite()),
            Err(_) if self.search.cancel.is_cancelled() => return Ok(false),
            Err(source) => return Err(TuneError::Trial { trial: number, source: source.into() }),
        };
        let seconds = (began.elapsed().as_secs_f64() * 1e3).round() / 1e3;
        let record = TrialRecord { score, seconds, ..asked }.as_written().map_err(TuneError::Base)?;
        self.log.append(&record)?;
        self.trials.push(record);
        Ok(true)
    }

    /// What is asked, without an outcome.
    fn asked(&self, trial: usize, chosen: &Chosen, budget: usize) -> Result<TrialRecord, TuneError> {
        let around = format!("{} {:?}", self.base, self.search.budget_at);
        let digest = Sha256::digest(around.as_bytes());
        let base = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        let (settings, seed) = (chosen.clone(), self.search.seed);
        let asked = TrialRecord { trial, settings, budget, score: None, seconds: 0.0, seed, base };
        asked.as_written().map_err(TuneError::Base)
    }

    fn found(self, finished: bool) -> Result<Found<S>, TuneError> {
        let largest = self.trials.iter().map(|record| record.budget).max();
        let compared = self.trials.iter().filter(|record| Some(record.budget) == largest && record.score.is_some());
        let best = compared.min_by(|a, b| self.search.compare(a, b)).cloned();
        let of = |best: &TrialRecord| self.search.settings(&self.base, best.trial, &best.settings, best.budget);
        let settings = best.as_ref().map(of).transpose()?;
        Ok(Found { settings, best, trials: self.trials, reused: self.reused, finished })
    }
}
