//! Why episodes cannot be drawn.

use std::borrow::Cow;

/// Why episodes cannot be drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SamplerError {
    /// A setting is out of its bounds.
    #[error("{field} is {value}: expected {expected}")]
    Setting {
        /// Which setting; with its place, where it is one of a list.
        field: Cow<'static, str>,
        /// What it is.
        value: String,
        /// Its bounds.
        expected: &'static str,
    },
    /// No task has enough events.
    #[error("none of {tasks} tasks has enough events: expected at least one with {least} or more")]
    NoTasks {
        /// How many tasks there are.
        tasks: usize,
        /// How many events a task must have.
        least: usize,
    },
    /// No group has members for both sets.
    #[error(
        "none of {groups} groups can be drawn: expected at least one with a member of {least} or more events and another with events"
    )]
    NoGroups {
        /// How many groups there are.
        groups: usize,
        /// How many events a member must have to be asked about.
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

    /// A setting that is out of its bounds.
    pub(super) fn setting(field: impl Into<Cow<'static, str>>, value: impl ToString, expected: &'static str) -> Self {
        Self::Setting { field: field.into(), value: value.to_string(), expected }
    }
}
