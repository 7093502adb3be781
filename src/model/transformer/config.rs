//! Settings of the Transformer, checked once.

use serde::{Deserialize, Serialize};

/// Why a model can't be built.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// A setting is out of its bounds.
    #[error("model setting `{field}` is {value}: expected {expected}")]
    Setting {
        /// Which setting.
        field: &'static str,
        /// What it was.
        value: String,
        /// What it should be.
        expected: &'static str,
    },
    /// The schema or the initial values are of another catalogue or of a model of another width.
    #[error("{what} has {found} numbers: expected {expected}, as the catalogue and the model's widths have it")]
    Items {
        /// What does not fit.
        what: &'static str,
        /// How many numbers it has.
        found: usize,
        /// How many it should have.
        expected: usize,
    },
}

/// Over which items the training loss normalises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CandidateLoss {
    /// All of them: exact; time and memory grow with the catalogue.
    Full,
    /// A sample of this size, shared by the tasks of a shard, with log-Q correction (Bengio and Senécal 2008; Yi et al. 2019).
    Sampled(usize),
    /// `Full` up to 20,000 items, else `Sampled(8192)`.
    Auto,
}

/// Settings of a [`PreferenceTransformer`](crate::model::PreferenceTransformer).
///
/// ```
/// use metarec::model::PreferenceTransformerConfig;
///
/// let mut config = PreferenceTransformerConfig::default();
/// config.heads = 7;
/// let error = config.check().unwrap_err();
/// assert!(error.to_string().contains("heads"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct PreferenceTransformerConfig {
    /// Width of tokens, item vectors and user vectors; 2 to 4096, a multiple of `heads`.
    pub d_model: usize,
    /// Number of attention blocks; 0 to 64.
    pub layers: usize,
    /// Attention heads of each block; at least 1.
    pub heads: usize,
    /// Width of each block's feed-forward layer; 1 to 65536.
    pub d_feed_forward: usize,
    /// Probability that an activation is dropped in training, 0 to 0.9; `None` for what the number of training tasks asks for: 0.4 below 2,000, else 0.2.
    pub dropout: Option<f64>,
    /// Probability that an item is shown as if training had never met it (no vectors of its own, the popularity of an unknown item), so that features
    /// learn to stand alone; 0 to 0.9. Worth raising where new items are to be recommended; it costs a little on the known ones.
    pub id_dropout: f64,
    /// Whether the columns of users are read where the data has some: what is known of a newcomer then counts from the first list on.
    pub profiles: bool,
    /// Probability that training shows a user as if nothing were known of them besides their events, so that those of whom nothing is known are served as
    /// well; 0 to 0.9.
    pub profile_dropout: f64,
    /// How a training user's likes count together: as many as there are to the power of 1 less this; 0 to 1. At 0 each like counts the same and the
    /// busiest users are listened to most; at 1 each user.
    pub like_discount: f64,
    /// The same for the popularity that scores start from.
    pub popularity_discount: f64,
    /// How much of what a user's events and profile add to popularity is believed when they are ranked for, 0 to 2; `None` for the share that ranks best for
    /// the validation users, or 0.8 where there are none.
    pub trust: Option<f64>,
    /// From how many prefixes of a context training predicts in one step, 1 to 4096: the whole context, none of it where more is known of the user, and
    /// others drawn at random. Fewer cost less time and count the whole for more.
    pub prefixes: usize,
    /// How many of the most recent events are read; 1 to 4096.
    pub max_context: usize,
    /// Width of the item factors that ratings are predicted from; 1 to 512.
    pub rating_factors: usize,
    /// How much the mean squared error of ratings counts beside the ranking loss; at least 0. The two share no parameters.
    pub rating_weight: f64,
    /// Over which items the ranking loss normalises.
    pub candidates: CandidateLoss,
}

impl Default for PreferenceTransformerConfig {
    fn default() -> Self {
        Self {
            d_model: 64,
            layers: 2,
            heads: 2,
            d_feed_forward: 128,
            dropout: None,
            id_dropout: 0.0,
            profiles: true,
            profile_dropout: 0.25,
            like_discount: 0.5,
            popularity_discount: 0.0,
            trust: None,
            prefixes: 8,
            max_context: 50,
            rating_factors: 16,
            rating_weight: 1.0,
            candidates: CandidateLoss::Auto,
        }
    }
}

impl PreferenceTransformerConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first that is out of bounds, by name.
    pub fn check(&self) -> Result<(), ModelError> {
        let count = |field, value: usize, low: usize, high: usize, expected| {
            if (low..=high).contains(&value) {
                Ok(())
            } else {
                Err(ModelError::Setting { field, value: value.to_string(), expected })
            }
        };
        let real = |field, value: f64, high: f64, expected| {
            if (0.0..=high).contains(&value) {
                Ok(())
            } else {
                Err(ModelError::Setting { field, value: value.to_string(), expected })
            }
        };
        count("d_model", self.d_model, 2, 4096, "2 to 4096")?;
        count("layers", self.layers, 0, 64, "0 to 64")?;
        count("heads", self.heads, 1, self.d_model, "1 to d_model")?;
        count(
            "heads",
            self.heads,
            1,
            if self.d_model.is_multiple_of(self.heads) { self.heads } else { 0 },
            "a divisor of d_model",
        )?;
        count("d_feed_forward", self.d_feed_forward, 1, 65_536, "1 to 65536")?;
        count("prefixes", self.prefixes, 1, 4096, "1 to 4096")?;
        count("max_context", self.max_context, 1, 4096, "1 to 4096")?;
        count("rating_factors", self.rating_factors, 1, 512, "1 to 512")?;
        real("dropout", self.dropout.unwrap_or(0.0), 0.9, "0 to 0.9")?;
        real("id_dropout", self.id_dropout, 0.9, "0 to 0.9")?;
        real("profile_dropout", self.profile_dropout, 0.9, "0 to 0.9")?;
        real("trust", self.trust.unwrap_or(0.0), 2.0, "0 to 2")?;
        real("like_discount", self.like_discount, 1.0, "0 to 1")?;
        real("popularity_discount", self.popularity_discount, 1.0, "0 to 1")?;
        real("rating_weight", self.rating_weight, f64::MAX, "a finite number, at least 0")?;
        if let CandidateLoss::Sampled(size) = self.candidates {
            count("candidates.sampled", size, 1, 1 << 20, "1 to 1048576")?;
        }
        Ok(())
    }

    /// The probability of dropout for this many training tasks.
    #[must_use]
    pub fn dropout_for(&self, tasks: usize) -> f64 {
        self.dropout.unwrap_or(if tasks < 2000 { 0.4 } else { 0.2 })
    }

    /// How many items the loss samples for a catalogue of `items`; `None` where it normalises over all.
    #[must_use]
    pub fn sample_size(&self, items: usize) -> Option<usize> {
        match self.candidates {
            CandidateLoss::Full => None,
            CandidateLoss::Sampled(size) => Some(size),
            CandidateLoss::Auto => (items > 20_000).then_some(8192),
        }
    }
}
