//! Why episodes cannot be drawn.

/// Why episodes cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// A setting is out of its bounds.
    #[error("{field} is {value}: expected {expected}")]
    Setting {
        /// Which setting.
        field: &'static str,
        /// What it is.
        value: String,
        /// Its bounds.
        expected: &'static str,
    },
    /// No user has enough events.
    #[error("none of {users} users has enough events: expected at least one with {least} or more")]
    NoUsers {
        /// How many users there are.
        users: usize,
        /// How many events a user must have.
        least: usize,
    },
    /// Whatever a sampler outside this crate reports.
    #[error("an episode could not be drawn")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl SamplerError {
    /// Wraps the error of a sampler outside this crate, or a text.
    pub fn other(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Other(error.into())
    }
}
