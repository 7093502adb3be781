//! Settings of LightFM.

use serde::{Deserialize, Serialize};

use crate::baseline::error::{BaselineError, count, positive};
use crate::baseline::light_fm::loss::LightFmLoss;

/// Settings of [`LightFm`](crate::baseline::LightFm).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LightFmConfig {
    /// What is minimised.
    pub loss: LightFmLoss,
    /// Length of the vectors of features; 1 to 1000.
    pub factors: usize,
    /// Passes over the training users' likes; 1 to 1000.
    pub epochs: usize,
    /// Adagrad's rate; finite and more than 0.
    pub learning_rate: f32,
    /// How strongly vectors are drawn to 0 at each step; finite, 0 or more.
    pub ridge: f32,
    /// How many items are drawn at most until one serves against a like; 1 to 1000.
    pub draws: usize,
    /// Passes over a new user's likes; 0 to 1000, at 0 the user's likes are not looked at.
    pub fold_in_epochs: usize,
    /// Where vectors start, and what is drawn.
    pub seed: u64,
}

impl Default for LightFmConfig {
    /// WARP, 32 factors, 10 epochs, a rate of 0.05, a ridge of 0.001, 10 draws, 10 passes over a new user's likes, seed 0.
    fn default() -> Self {
        Self {
            loss: LightFmLoss::Warp,
            factors: 32,
            epochs: 10,
            learning_rate: 0.05,
            ridge: 0.001,
            draws: 10,
            fold_in_epochs: 10,
            seed: 0,
        }
    }
}

impl LightFmConfig {
    /// The same with another loss.
    #[must_use]
    pub fn with_loss(mut self, loss: LightFmLoss) -> Self {
        self.loss = loss;
        self
    }

    /// The same with another number of factors.
    #[must_use]
    pub fn with_factors(mut self, factors: usize) -> Self {
        self.factors = factors;
        self
    }

    /// The same with another number of passes.
    #[must_use]
    pub fn with_epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// The same with another rate.
    #[must_use]
    pub fn with_learning_rate(mut self, rate: f32) -> Self {
        self.learning_rate = rate;
        self
    }

    /// The same with another ridge.
    #[must_use]
    pub fn with_ridge(mut self, ridge: f32) -> Self {
        self.ridge = ridge;
        self
    }

    /// The same with another number of draws.
    #[must_use]
    pub fn with_draws(mut self, draws: usize) -> Self {
        self.draws = draws;
        self
    }

    /// The same with another number of passes over a new user's likes.
    #[must_use]
    pub fn with_fold_in_epochs(mut self, epochs: usize) -> Self {
        self.fold_in_epochs = epochs;
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
        count("epochs", self.epochs, 1000, "1 to 1000")?;
        positive("learning_rate", f64::from(self.learning_rate))?;
        if !(self.ridge >= 0.0 && self.ridge.is_finite()) {
            return Err(BaselineError::setting("ridge", self.ridge, "a finite number, 0 or more"));
        }
        count("draws", self.draws, 1000, "1 to 1000")?;
        if self.fold_in_epochs > 1000 {
            return Err(BaselineError::setting("fold_in_epochs", self.fold_in_epochs, "0 to 1000"));
        }
        Ok(())
    }
}
