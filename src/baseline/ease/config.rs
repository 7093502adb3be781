//! Settings of EASE.

use serde::{Deserialize, Serialize};

use crate::baseline::error::{BaselineError, count, positive, share};
use crate::baseline::knn::check_dense;

/// Which events are the ones of the binary matrix that [`Ease`](crate::baseline::Ease) is fitted to, and of its input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EaseInput {
    /// All events alike.
    All,
    /// Likes, as much as they weigh.
    #[default]
    Liked,
    /// All events, likes as 1 and what is no like as this share of it; 0 to 1.
    Weighted(f32),
}

impl EaseInput {
    /// How much an event counts that is no like.
    pub(super) fn not_liked(self) -> f32 {
        match self {
            Self::All => 1.0,
            Self::Liked => 0.0,
            Self::Weighted(share) => share,
        }
    }

    /// The name of the method.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "ease",
            Self::Liked => "ease_pos",
            Self::Weighted(_) => "ease_w",
        }
    }
}

/// Settings of [`Ease`](crate::baseline::Ease).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct EaseConfig {
    /// The ridge: how strongly weights are drawn to 0; finite and more than 0, in the unit of training users.
    pub ridge: f64,
    /// What the matrix is made of.
    pub input: EaseInput,
    /// How many items the score of each is a function of in the sparse form; 1 to 2000.
    pub neighbours: usize,
    /// With more items than this the form is sparse; at most 50000.
    pub dense_up_to: usize,
}

impl Default for EaseConfig {
    /// A ridge of 5000, likes only, 200 neighbours above 10000 items.
    fn default() -> Self {
        Self { ridge: 5000.0, input: EaseInput::default(), neighbours: 200, dense_up_to: 10_000 }
    }
}

impl EaseConfig {
    /// The same with another ridge.
    #[must_use]
    pub fn with_ridge(mut self, ridge: f64) -> Self {
        self.ridge = ridge;
        self
    }

    /// The same made of other events.
    #[must_use]
    pub fn with_input(mut self, input: EaseInput) -> Self {
        self.input = input;
        self
    }

    /// The same with another number of neighbours in the sparse form.
    #[must_use]
    pub fn with_neighbours(mut self, neighbours: usize) -> Self {
        self.neighbours = neighbours;
        self
    }

    /// The same with another number of items up to which the form is dense.
    #[must_use]
    pub fn with_dense_up_to(mut self, items: usize) -> Self {
        self.dense_up_to = items;
        self
    }

    /// Checks every setting. Fitting does so itself.
    ///
    /// # Errors
    /// [`BaselineError::Setting`] with the first that is out of its bounds.
    pub fn check(&self) -> Result<(), BaselineError> {
        positive("ridge", self.ridge)?;
        share("input", self.input.not_liked())?;
        count("neighbours", self.neighbours, 2000, "1 to 2000")?;
        check_dense(self.dense_up_to)
    }
}
