//! What can go wrong in a search.

use std::error::Error;
use std::path::PathBuf;

/// Why a search gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TuneError {
    /// What may be chosen for a setting is nothing that can be chosen from.
    #[error("choices for {pointer:?} are {found}: expected {expected}")]
    Choices {
        /// The setting.
        pointer: String,
        /// What its choices are.
        found: String,
        /// What they should be.
        expected: &'static str,
    },
    /// A number of the strategy is out of its bounds.
    #[error("{field} is {value}: expected {expected}")]
    Strategy {
        /// Which one.
        field: &'static str,
        /// What it is.
        value: usize,
        /// What it should be.
        expected: &'static str,
    },
    /// The settings have none at this place.
    #[error("the settings have nothing at {0:?}: expected a JSON pointer to one, such as \"/training/epochs\"")]
    UnknownSetting(String),
    /// The settings are nothing that can be written as JSON.
    #[error("the settings cannot be written as JSON")]
    Base(#[source] serde_json::Error),
    /// What was chosen is not what the settings take.
    #[error("trial {trial} chose what the settings do not take: {chosen}")]
    Settings {
        /// Number of the trial.
        trial: usize,
        /// What was chosen, as JSON.
        chosen: String,
        /// Why it is not taken.
        source: serde_json::Error,
    },
    /// The objective failed.
    #[error("trial {trial} failed")]
    Trial {
        /// Number of the trial.
        trial: usize,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The log cannot be opened, read or written.
    #[error("{}: the log cannot be read or written", path.display())]
    Log {
        /// Which file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A line of the log is no trial.
    #[error("{}, line {line}: expected a trial", path.display())]
    LogLine {
        /// Which file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The log has a trial of this number with another seed, other choices or other settings around them.
    #[error("{}: trial {trial} is of another search: expected {expected}, found {found}", path.display())]
    OtherSearch {
        /// Which file.
        path: PathBuf,
        /// Number of the trial.
        trial: usize,
        /// What this search would have written, up to the score.
        expected: String,
        /// What stands there.
        found: String,
    },
}
