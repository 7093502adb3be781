//! Settings of MeLU.

use serde::{Deserialize, Serialize};

use crate::baseline::error::{BaselineError, count, positive};

/// Settings of [`MeLu`](crate::baseline::MeLu).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MeLuConfig {
    /// Length of the vectors of texts and categories; 1 to 1024.
    pub embedding: usize,
    /// Width of both decision layers; 1 to 1024.
    pub hidden: usize,
    /// Local updates of a training user; 1 to 100.
    pub inner_steps: usize,
    /// Their length; more than 0, at most 100.
    pub inner_lr: f64,
    /// Local updates of a new user; 0 to 100.
    pub serving_steps: usize,
    /// Passes over the training users; 1 to 10000.
    pub epochs: usize,
    /// Users in a global update; 1 to 10000.
    pub batch: usize,
    /// Adam's rate in global updates; finite and more than 0.
    pub outer_lr: f64,
    /// Where weights start, and what is drawn.
    pub seed: u64,
}

impl Default for MeLuConfig {
    /// Vectors of 32, layers of 64, one local update of 0.05 in training and serving, 20 epochs, 32 users in a global update, a
    /// rate of 0.001, seed 0.
    fn default() -> Self {
        Self {
            embedding: 32,
            hidden: 64,
            inner_steps: 1,
            inner_lr: 0.05,
            serving_steps: 1,
            epochs: 20,
            batch: 32,
            outer_lr: 0.001,
            seed: 0,
        }
    }
}

impl MeLuConfig {
    /// The same with vectors of another length.
    #[must_use]
    pub fn with_embedding(mut self, embedding: usize) -> Self {
        self.embedding = embedding;
        self
    }

    /// The same with decision layers of another width.
    #[must_use]
    pub fn with_hidden(mut self, hidden: usize) -> Self {
        self.hidden = hidden;
        self
    }

    /// The same with other local updates of training users: how many, and how long.
    #[must_use]
    pub fn with_inner(mut self, steps: usize, lr: f64) -> Self {
        self.inner_steps = steps;
        self.inner_lr = lr;
        self
    }

    /// The same with another number of local updates of a new user.
    #[must_use]
    pub fn with_serving_steps(mut self, steps: usize) -> Self {
        self.serving_steps = steps;
        self
    }

    /// The same with another number of passes.
    #[must_use]
    pub fn with_epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// The same with another number of users in a global update.
    #[must_use]
    pub fn with_batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// The same with another rate of global updates.
    #[must_use]
    pub fn with_outer_lr(mut self, rate: f64) -> Self {
        self.outer_lr = rate;
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
        count("embedding", self.embedding, 1024, "1 to 1024")?;
        count("hidden", self.hidden, 1024, "1 to 1024")?;
        count("inner_steps", self.inner_steps, 100, "1 to 100")?;
        if !(self.inner_lr > 0.0 && self.inner_lr <= 100.0) {
            return Err(BaselineError::setting("inner_lr", self.inner_lr, "more than 0, at most 100"));
        }
        if self.serving_steps > 100 {
            return Err(BaselineError::setting("serving_steps", self.serving_steps, "0 to 100"));
        }
        count("epochs", self.epochs, 10_000, "1 to 10000")?;
        count("batch", self.batch, 10_000, "1 to 10000")?;
        positive("outer_lr", self.outer_lr)
    }
}
