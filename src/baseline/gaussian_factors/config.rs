//! Settings of Gaussian factors.

use serde::{Deserialize, Serialize};

use crate::baseline::error::{BaselineError, count, positive};
use crate::baseline::offsets::OffsetRidge;

/// Settings of [`GaussianFactors`](crate::baseline::GaussianFactors).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct GaussianFactorsConfig {
    /// Length of a user's vector, its first number being the user's offset; 2 to 1000.
    pub factors: usize,
    /// How strongly vectors are drawn to 0; finite and more than 0.
    pub ridge: f64,
    /// What the variance of the training residuals is multiplied by for a new user, whose ratings were not fitted; finite
    /// and more than 0.
    pub noise: f64,
    /// Alternations between users and items; 1 to 1000.
    pub rounds: usize,
    /// The ridges of the item offsets that are taken off first.
    pub offsets: OffsetRidge,
    /// Where the items' vectors start.
    pub seed: u64,
}

impl Default for GaussianFactorsConfig {
    /// 16 factors, a ridge of 16, noise times 2, 12 rounds, seed 0.
    fn default() -> Self {
        Self { factors: 16, ridge: 16.0, noise: 2.0, rounds: 12, offsets: OffsetRidge::default(), seed: 0 }
    }
}

impl GaussianFactorsConfig {
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

    /// The same with another factor of the noise.
    #[must_use]
    pub fn with_noise(mut self, noise: f64) -> Self {
        self.noise = noise;
        self
    }

    /// The same with another number of rounds.
    #[must_use]
    pub fn with_rounds(mut self, rounds: usize) -> Self {
        self.rounds = rounds;
        self
    }

    /// The same with other ridges of the offsets.
    #[must_use]
    pub fn with_offsets(mut self, offsets: OffsetRidge) -> Self {
        self.offsets = offsets;
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
        if !(2..=1000).contains(&self.factors) {
            return Err(BaselineError::setting("factors", self.factors, "2 to 1000"));
        }
        positive("ridge", self.ridge)?;
        positive("noise", self.noise)?;
        count("rounds", self.rounds, 1000, "1 to 1000")?;
        self.offsets.check()
    }
}
