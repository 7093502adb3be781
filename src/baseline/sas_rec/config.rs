//! Settings of SASRec.

use serde::{Deserialize, Serialize};

use crate::baseline::error::{BaselineError, count, positive};

/// Settings of [`SasRec`](crate::baseline::SasRec).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct SasRecConfig {
    /// Length of the vectors of items and states; 1 to 1024.
    pub d_model: usize,
    /// Blocks of attention and feed-forward layer; 1 to 16.
    pub layers: usize,
    /// How many of the most recent likes are read; 1 to 1000.
    pub max_length: usize,
    /// Probability that a number of the input, of attention or of what a block adds is left out in training; 0 to 0.9.
    pub dropout: f64,
    /// Passes over the training users, of each of whom one window of likes is read in a pass; 1 to 10000.
    pub epochs: usize,
    /// Users in a step; 1 to 10000.
    pub batch: usize,
    /// Adam's rate; finite and more than 0.
    pub learning_rate: f64,
    /// Where weights start, and what is drawn.
    pub seed: u64,
}

impl Default for SasRecConfig {
    /// Vectors of 50, 2 layers, 50 likes, dropout 0.2, 20 epochs, 64 users in a step, a rate of 0.001, seed 0.
    fn default() -> Self {
        Self {
            d_model: 50,
            layers: 2,
            max_length: 50,
            dropout: 0.2,
            epochs: 20,
            batch: 64,
            learning_rate: 0.001,
            seed: 0,
        }
    }
}

impl SasRecConfig {
    /// The same with vectors of another length.
    #[must_use]
    pub fn with_d_model(mut self, d_model: usize) -> Self {
        self.d_model = d_model;
        self
    }

    /// The same with another number of layers.
    #[must_use]
    pub fn with_layers(mut self, layers: usize) -> Self {
        self.layers = layers;
        self
    }

    /// The same reading another number of likes.
    #[must_use]
    pub fn with_max_length(mut self, max_length: usize) -> Self {
        self.max_length = max_length;
        self
    }

    /// The same with another dropout.
    #[must_use]
    pub fn with_dropout(mut self, dropout: f64) -> Self {
        self.dropout = dropout;
        self
    }

    /// The same with another number of passes.
    #[must_use]
    pub fn with_epochs(mut self, epochs: usize) -> Self {
        self.epochs = epochs;
        self
    }

    /// The same with another number of users in a step.
    #[must_use]
    pub fn with_batch(mut self, batch: usize) -> Self {
        self.batch = batch;
        self
    }

    /// The same with another rate.
    #[must_use]
    pub fn with_learning_rate(mut self, rate: f64) -> Self {
        self.learning_rate = rate;
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
        count("d_model", self.d_model, 1024, "1 to 1024")?;
        count("layers", self.layers, 16, "1 to 16")?;
        count("max_length", self.max_length, 1000, "1 to 1000")?;
        if !(0.0..=0.9).contains(&self.dropout) {
            return Err(BaselineError::setting("dropout", self.dropout, "0 to 0.9"));
        }
        count("epochs", self.epochs, 10_000, "1 to 10000")?;
        count("batch", self.batch, 10_000, "1 to 10000")?;
        positive("learning_rate", self.learning_rate)
    }
}
