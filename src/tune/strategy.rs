//! Which trials there are, and how much each may cost.

use serde::{Deserialize, Serialize};

use super::error::TuneError;
use super::space::{Chosen, SearchSpace};

/// Which trials a search makes. A *budget* is a number that the objective understands, such as epochs of training.
///
/// In files: `{"grid": {"budget": 30}}`, `{"random": {"trials": 40, "budget": 30}}`,
/// `{"halving": {"trials": 27, "min_budget": 3, "max_budget": 27}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Strategy {
    /// Every combination of choices. Their number is the product of those of all settings.
    Grid {
        /// Budget of each trial.
        budget: usize,
    },
    /// Choices at random, independent of each other. With as many trials a grid tries fewer values of each setting, most of them of settings
    /// that do not matter (Bergstra and Bengio, *Random Search for Hyper-Parameter Optimization*, JMLR 13, 2012).
    Random {
        /// How many trials; 1 or more.
        trials: usize,
        /// Budget of each.
        budget: usize,
    },
    /// Choices at random, most of which get little.
    Halving(Halving),
}

impl Strategy {
    /// The rungs: of the grid and of random search one. `trials` of the grid are as many as `space` has combinations.
    ///
    /// # Errors
    /// [`TuneError::Strategy`] if a number is out of its bounds; as [`SearchSpace::grid`] for the grid.
    pub fn rungs(&self, space: &SearchSpace) -> Result<Vec<Rung>, TuneError> {
        let (trials, budget) = match self {
            Self::Halving(halving) => return halving.rungs(),
            Self::Grid { budget } => (space.grid()?.len(), *budget),
            Self::Random { trials, budget } => (*trials, *budget),
        };
        at_least_one("trials", trials)?;
        at_least_one("budget", budget)?;
        Ok(vec![Rung { trials, budget }])
    }

    /// What each of the first rung's trials chooses, in the order of their numbers.
    pub(super) fn chosen(&self, space: &SearchSpace, seed: u64) -> Result<Vec<Chosen>, TuneError> {
        match self {
            Self::Grid { .. } => space.grid(),
            Self::Random { trials, .. } | Self::Halving(Halving { trials, .. }) => {
                (0..*trials).map(|trial| space.draw(seed, trial)).collect()
            }
        }
    }
}

/// Successive halving: all trials get a small budget, the best of them a larger one, and so on, until few get the largest (Jamieson and
/// Talwalkar, *Non-stochastic Best Arm Identification and Hyperparameter Optimization*, AISTATS 2016).
///
/// With `eta` 3 a third of the trials goes on to three times the budget, so that each rung costs about as much as the first. It finds good
/// settings for less than random search where those that are good in the end are not bad in the beginning: the least budget should be long
/// enough to tell, which a learning rate that warms up over a share of the epochs may not be.
///
/// ```
/// use metarec::tune::Halving;
///
/// let halving = Halving::new(27, 1, 27);
/// let rungs: Vec<(usize, usize)> = halving.rungs()?.iter().map(|rung| (rung.trials, rung.budget)).collect();
/// assert_eq!(rungs, [(27, 1), (9, 3), (3, 9), (1, 27)]);
/// assert_eq!(halving.total()?, 4 * 27);
/// # Ok::<(), metarec::tune::TuneError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Halving {
    /// Trials of the first rung; 1 or more.
    pub trials: usize,
    /// What each of them gets; 1 or more.
    pub min_budget: usize,
    /// What the trials of the last rung get; `min_budget` or more.
    pub max_budget: usize,
    /// From one rung to the next there are so many times fewer trials with so many times the budget; 2 or more, by default 3.
    #[serde(default = "default_eta")]
    pub eta: usize,
}

fn default_eta() -> usize {
    3
}

/// Trials that get the same budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Rung {
    /// How many.
    pub trials: usize,
    /// What each gets.
    pub budget: usize,
}

impl Halving {
    /// So many trials, from one budget to another, with `eta` 3.
    #[must_use]
    pub fn new(trials: usize, min_budget: usize, max_budget: usize) -> Self {
        Self { trials, min_budget, max_budget, eta: default_eta() }
    }

    /// The same with another `eta`.
    #[must_use]
    pub fn with_eta(mut self, eta: usize) -> Self {
        self.eta = eta;
        self
    }

    /// The rungs: of `n` trials with budget `b` the best `n / eta`, rounded down but at least one, get `b * eta`, but at most `max_budget`,
    /// where it ends. A trial that is left alone gets `max_budget` at once.
    ///
    /// # Errors
    /// [`TuneError::Strategy`] if a number is out of its bounds.
    pub fn rungs(&self) -> Result<Vec<Rung>, TuneError> {
        at_least_one("trials", self.trials)?;
        at_least_one("min_budget", self.min_budget)?;
        if self.max_budget < self.min_budget {
            let expected = "at least min_budget";
            return Err(TuneError::Strategy { field: "max_budget", value: self.max_budget, expected });
        }
        if self.eta < 2 {
            return Err(TuneError::Strategy { field: "eta", value: self.eta, expected: "2 or more" });
        }
        let mut rung = Rung { trials: self.trials, budget: self.min_budget };
        let mut rungs = vec![rung];
        while rung.budget < self.max_budget {
            let trials = (rung.trials / self.eta).max(1);
            let next = rung.budget.saturating_mul(self.eta).min(self.max_budget);
            rung = Rung { trials, budget: if trials == 1 { self.max_budget } else { next } };
            rungs.push(rung);
        }
        Ok(rungs)
    }

    /// What all trials of all rungs get together: a trial that goes on begins again, so each of its budgets counts in full.
    ///
    /// # Errors
    /// As [`Halving::rungs`].
    pub fn total(&self) -> Result<usize, TuneError> {
        Ok(self.rungs()?.iter().map(|rung| rung.trials * rung.budget).sum())
    }
}

fn at_least_one(field: &'static str, value: usize) -> Result<(), TuneError> {
    if value > 0 { Ok(()) } else { Err(TuneError::Strategy { field, value, expected: "1 or more" }) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

    use super::*;

    fn of(halving: &Halving) -> Vec<(usize, usize)> {
        halving.rungs().unwrap().iter().map(|rung| (rung.trials, rung.budget)).collect()
    }

    #[test]
    fn rungs_end_at_the_largest_budget() {
        assert_eq!(of(&Halving::new(20, 2, 20)), [(20, 2), (6, 6), (2, 18), (1, 20)]);
        assert_eq!(of(&Halving::new(8, 1, 100).with_eta(2)), [(8, 1), (4, 2), (2, 4), (1, 100)]);
        assert_eq!(of(&Halving::new(5, 7, 7)), [(5, 7)]);
        assert_eq!(of(&Halving::new(1, 1, 9)), [(1, 1), (1, 9)]);
    }

    #[test]
    fn numbers_out_of_bounds_are_named() {
        for (halving, expected) in [
            (Halving::new(0, 1, 1), "trials is 0: expected 1 or more"),
            (Halving::new(1, 0, 1), "min_budget is 0: expected 1 or more"),
            (Halving::new(1, 2, 1), "max_budget is 1: expected at least min_budget"),
            (Halving::new(1, 1, 1).with_eta(1), "eta is 1: expected 2 or more"),
        ] {
            assert_eq!(halving.rungs().unwrap_err().to_string(), expected);
        }
        let random = Strategy::Random { trials: 3, budget: 0 };
        assert_eq!(random.rungs(&SearchSpace::new()).unwrap_err().to_string(), "budget is 0: expected 1 or more");
    }

    #[test]
    fn files_name_the_strategy() {
        let read = |text| serde_json::from_str::<Strategy>(text);
        assert_eq!(read(r#"{"random":{"trials":4,"budget":2}}"#).unwrap(), Strategy::Random { trials: 4, budget: 2 });
        let halving = read(r#"{"halving":{"trials":9,"min_budget":1,"max_budget":9}}"#).unwrap();
        assert_eq!(halving, Strategy::Halving(Halving::new(9, 1, 9)));
        assert!(read(r#"{"halving":{"trials":9,"min_budget":1,"max_budget":9,"et":2}}"#).is_err());
    }

    proptest! {
        #[test]
        fn each_rung_has_fewer_trials_with_more_and_costs_no_more_than_the_first_or_one_trial(
            trials in 1usize..200, low in 1usize..50, more in 0usize..500, eta in 2usize..6,
        ) {
            let halving = Halving::new(trials, low, low + more).with_eta(eta);
            let rungs = halving.rungs().unwrap();
            prop_assert_eq!(rungs[0], Rung { trials, budget: low });
            prop_assert_eq!(rungs.last().unwrap().budget, low + more);
            prop_assert!(rungs.windows(2).all(|pair| pair[0].budget < pair[1].budget && pair[0].trials >= pair[1].trials));
            let first = trials * low;
            prop_assert!(rungs.iter().all(|rung| rung.trials * rung.budget <= first.max(low + more)));
            let total: usize = rungs.iter().map(|rung| rung.trials * rung.budget).sum();
            prop_assert_eq!(total, halving.total().unwrap());
        }
    }
}
