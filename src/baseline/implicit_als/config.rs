//! Settings of implicit factors.

use serde::{Deserialize, Serialize};

use crate::baseline::error::{BaselineError, count, positive};

/// Settings of [`ImplicitAls`](crate::baseline::ImplicitAls).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ImplicitAlsConfig {
    /// Length of the vectors of users and items; 1 to 1000.
    pub factors: usize,
    /// How strongly vectors are drawn to 0; finite and more than 0.
    pub ridge: f64,
    /// How much more a like counts than an item without one: `1 + alpha` against 1; finite and more than 0.
    pub alpha: f64,
    /// Alternations between users and items; 1 to 1000.
    pub rounds: usize,
    /// Where the items' vectors start.
    pub seed: u64,
}

impl Default for ImplicitAlsConfig {
    /// 32 factors, a ridge of 30, alpha 1, 10 rounds, seed 0.
    fn default() -> Self {
        Self { factors: 32, ridge: 30.0, alpha: 1.0, rounds: 10, seed: 0 }
    }
}

impl ImplicitAlsConfig {
    /// The same with another number of factors.
    #[must_use]
    pub fn with_factors(mut self, factors: usize) -> Self {
        self.factors = factors;
        self
    }

    /// The same with another ridge.
    #[must_use]
    pub fn with_ridge(mut self, ridge: f64) -> Self {
        self.ridge = ridge;
        self
    }

    /// The same with another weight of likes.
    #[must_use]
    pub fn with_alpha(mut self, alpha: f64) -> Self {
        self.alpha = alpha;
        self
    }

    /// The same with another number of rounds.
    #[must_use]
    pub fn with_rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Checks every setting. Fitting does so itself.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), BaselineError> {
        count("factors", self.factors, 1000, "1 to 1000")?;
        positive("ridge", self.ridge)?;
        positive("alpha", self.alpha)?;
        count("rounds", self.rounds, 1000, "1 to 1000")
    }

    /// What is tried: a wide grid where training users times items are few, else five settings.
    pub(super) fn grid(&self, cells: usize) -> Vec<Self> {
        let setting = |(factors, ridge, alpha)| self.clone().with_factors(factors).with_ridge(ridge).with_alpha(alpha);
        if cells >= FEW_CELLS {
            let few = [(32, 10.0, 1.0), (64, 30.0, 1.0), (64, 100.0, 1.0), (64, 60.0, 4.0), (64, 200.0, 4.0)];
            return few.map(setting).to_vec();
        }
        let pairs = [16, 64].into_iter().flat_map(|factors| [3.0, 10.0, 30.0, 100.0].map(|ridge| (factors, ridge)));
        pairs.flat_map(|(factors, ridge)| [0.3, 1.0, 4.0].map(|alpha| setting((factors, ridge, alpha)))).collect()
    }
}

/// Up to so many training users times items all settings of the wide grid are tried.
const FEW_CELLS: usize = 4_000_000;
