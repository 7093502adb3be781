//! What a generated market looks like.

use serde::{Deserialize, Serialize};

use super::generate;
use super::market::Market;
use super::names::GENRES;
use crate::data::error::DataError;

/// What the events of a generated market say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Feedback {
    /// Explicit: ratings of 1 to 5 stars.
    #[default]
    Ratings,
    /// Implicit: a purchase where the rating would be 4 or 5, a click where it would be 3, else browsing; no values.
    Actions,
}

/// What a generated market looks like.
///
/// ```
/// use metarec::data::synthetic::MarketConfig;
/// use metarec::data::UserIndex;
///
/// let market = MarketConfig::default().with_seed(7).generate()?;
/// let best = market.best_items(UserIndex(0), 3);
/// assert!(market.preference(UserIndex(0), best[0]) >= market.preference(UserIndex(0), best[2]));
/// assert_eq!(market.dataset().users().len(), 300);
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MarketConfig {
    /// How many users there are, 1 or more; their ids are `u0`, `u1`, ...
    pub users: usize,
    /// How many items there are, 2 or more; their ids are `i0`, `i1`, ...
    pub items: usize,
    /// Events of a user on average. Each has between 3/4 and 5/4 of it, which must not be more than there are items.
    pub events: usize,
    /// How many genres there are, 1 to 16. An item has one or two.
    pub genres: usize,
    /// How many hidden factors there are besides, 0 to 64.
    pub factors: usize,
    /// What the events say.
    pub feedback: Feedback,
    /// How far tastes differ: the spread in stars of what users think of one item, 0 to 10.
    pub taste: f64,
    /// How far items differ for everyone: the spread of quality in stars, 0 to 10.
    pub quality: f64,
    /// The spread in stars of a rating around what the user thinks, 0 to 10.
    pub noise: f64,
    /// Which market of this kind.
    pub seed: u64,
}

impl Default for MarketConfig {
    /// 300 users, 120 items, 40 events each, 8 genres, 4 factors, ratings; spreads of 1.2 for taste, 0.3 for quality, 0.4 for noise.
    fn default() -> Self {
        Self {
            users: 300,
            items: 120,
            events: 40,
            genres: 8,
            factors: 4,
            feedback: Feedback::Ratings,
            taste: 1.2,
            quality: 0.3,
            noise: 0.4,
            seed: 0,
        }
    }
}

impl MarketConfig {
    /// The same with another number of users.
    #[must_use]
    pub fn with_users(mut self, users: usize) -> Self {
        self.users = users;
        self
    }

    /// The same with another number of items.
    #[must_use]
    pub fn with_items(mut self, items: usize) -> Self {
        self.items = items;
        self
    }

    /// The same with another average number of events.
    #[must_use]
    pub fn with_events(mut self, events: usize) -> Self {
        self.events = events;
        self
    }

    /// The same with another number of genres.
    #[must_use]
    pub fn with_genres(mut self, genres: usize) -> Self {
        self.genres = genres;
        self
    }

    /// The same with another number of hidden factors.
    #[must_use]
    pub fn with_factors(mut self, factors: usize) -> Self {
        self.factors = factors;
        self
    }

    /// The same with other feedback.
    #[must_use]
    pub fn with_feedback(mut self, feedback: Feedback) -> Self {
        self.feedback = feedback;
        self
    }

    /// The same with another spread of taste.
    #[must_use]
    pub fn with_taste(mut self, taste: f64) -> Self {
        self.taste = taste;
        self
    }

    /// The same with another spread of quality.
    #[must_use]
    pub fn with_quality(mut self, quality: f64) -> Self {
        self.quality = quality;
        self
    }

    /// The same with another spread of noise.
    #[must_use]
    pub fn with_noise(mut self, noise: f64) -> Self {
        self.noise = noise;
        self
    }

    /// The same with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Generates the market. Costs `users * items * events` additions: some milliseconds for the default.
    ///
    /// # Errors
    /// [`DataError::Setting`] if a field is out of the bounds that its documentation states.
    pub fn generate(&self) -> Result<Market, DataError> {
        self.check()?;
        generate::market(self)
    }

    fn check(&self) -> Result<(), DataError> {
        let most = self.events.saturating_mul(5).div_ceil(4);
        let spread = 0.0..=10.0;
        for (holds, field, value, expected) in [
            (self.users >= 1, "users", self.users as f64, "1 or more"),
            (self.items >= 2, "items", self.items as f64, "2 or more"),
            (self.events >= 1 && most <= self.items, "events", self.events as f64, "1 to 4/5 of items"),
            ((1..=GENRES.len()).contains(&self.genres), "genres", self.genres as f64, "1 to 16"),
            (self.factors <= 64, "factors", self.factors as f64, "0 to 64"),
            (spread.contains(&self.taste), "taste", self.taste, "0 to 10"),
            (spread.contains(&self.quality), "quality", self.quality, "0 to 10"),
            (spread.contains(&self.noise), "noise", self.noise, "0 to 10"),
        ] {
            if !holds {
                return Err(DataError::Setting { field, value: value.to_string(), expected });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_bounds_are_named() {
        let base = MarketConfig::default;
        for (config, expected) in [
            (base().with_users(0), "users is 0: expected 1 or more"),
            (base().with_items(1), "items is 1: expected 2 or more"),
            (base().with_events(97), "events is 97: expected 1 to 4/5 of items"),
            (base().with_genres(17), "genres is 17: expected 1 to 16"),
            (base().with_factors(65), "factors is 65: expected 0 to 64"),
            (base().with_taste(-1.0), "taste is -1: expected 0 to 10"),
            (base().with_quality(11.0), "quality is 11: expected 0 to 10"),
            (base().with_noise(f64::NAN), "noise is NaN: expected 0 to 10"),
        ] {
            assert_eq!(config.generate().unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_smallest_market_can_be_generated() {
        let config = MarketConfig::default().with_users(1).with_items(2).with_events(1).with_genres(1).with_factors(0);
        assert!(!config.generate().unwrap().dataset().events().is_empty());
    }
}
