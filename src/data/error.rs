//! What can be wrong with events, files and settings.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

use crate::data::read::{Place, RowError};

/// Why data could not be read, indexed or split.
///
/// Whatever is wrong with one row of a file is a [`DataError::Cell`], [`DataError::Width`] or [`DataError::Row`], which say where it
/// stands and what was expected there; [`OnRowError`](crate::data::OnRowError) says what happens then. Errors of the operating
/// system and of other parsers are kept as sources.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be opened or read.
    #[error("{}: cannot be read: {source}", path.display())]
    Io {
        /// Which one.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A file that begins as gzip does is cut off or damaged.
    #[error("{}: cannot be unpacked: {source}: expected a whole gzip file", path.display())]
    Gzip {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// A file that begins as Parquet does is cut off, damaged or written in a way that is not supported; or a file that should be
    /// Parquet is not.
    #[error("{}: {source}: expected a whole Parquet file", path.display())]
    Parquet {
        /// Which file.
        path: PathBuf,
        /// What is wrong with it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file is in a format for which this build has no reader.
    #[error("{}: expected a build with the feature {feature:?}, which reads such files", path.display())]
    MissingFeature {
        /// Which file.
        path: PathBuf,
        /// The feature that reads it.
        feature: &'static str,
    },
    /// A folder holds none of the files by which a layout is known.
    #[error("{}: no known layout: expected one of the files {}", path.display(), looked_for.join(", "))]
    UnknownLayout {
        /// The folder.
        path: PathBuf,
        /// The names that were looked for, in this order.
        looked_for: &'static [&'static str],
    },
    /// A folder holds several files of which there must be one.
    #[error("{}: expected one {expected}, found {}", path.display(), found.join(", "))]
    AmbiguousLayout {
        /// The folder.
        path: PathBuf,
        /// What there must be one of.
        expected: &'static str,
        /// The names of all that were found, sorted.
        found: Vec<String>,
    },
    /// A file has no column of the name that was asked for.
    #[error("{}, line 1: no column {column:?}: expected it among {}", file.display(), found.join(", "))]
    UnknownColumn {
        /// Which file.
        file: PathBuf,
        /// The name that was looked for.
        column: String,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// A row has more or fewer cells than the file has columns.
    #[error("{}, {place}: {found} cells, expected {expected}", file.display())]
    Width {
        /// Which file.
        file: PathBuf,
        /// Where in it.
        place: Place,
        /// How many cells the row has.
        found: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A cell does not hold what its column is for.
    #[error("{}, {place}, column {column:?}: {value:?}: expected {expected}", file.display())]
    Cell {
        /// Which file.
        file: PathBuf,
        /// Where in it.
        place: Place,
        /// The name of the column.
        column: String,
        /// What stands there, cut after 80 characters.
        value: String,
        /// What should.
        expected: Cow<'static, str>,
    },
    /// A row has no end where it should.
    #[error("{}, {place}: {found}: expected {expected}", file.display())]
    Row {
        /// Which file.
        file: PathBuf,
        /// Where in it the row begins.
        place: Place,
        /// What is wrong with it.
        found: &'static str,
        /// What should be there.
        expected: &'static str,
    },
    /// More rows are bad than may be skipped, or none is good.
    #[error("{}: {skipped} bad rows: expected {expected}; the first: {first}", file.display())]
    RowErrors {
        /// Which file.
        file: PathBuf,
        /// How many bad rows there are so far.
        skipped: u64,
        /// How many there may be.
        expected: String,
        /// What is wrong with the first of them.
        first: Box<RowError>,
    },
    /// A file has no rows.
    #[error("{}: empty: expected at least one row", file.display())]
    Empty {
        /// Which file.
        file: PathBuf,
    },
    /// An event that was handed in is malformed.
    #[error("event {number}, {field}: {value:?}: expected {expected}")]
    Event {
        /// Which event, counted from 1 in the order of arrival.
        number: u64,
        /// Which of its fields.
        field: &'static str,
        /// What it holds.
        value: String,
        /// What it should hold.
        expected: &'static str,
    },
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
    /// The data have a pinned split, which what is asked for would make wrong.
    #[error("a split is pinned to the data: expected none, or a rule that drops it")]
    PinnedSplit,
    /// What was said of a user is not what the profile's columns hold.
    #[error("profile column {column:?} is {value:?}: expected {expected}")]
    Profile {
        /// Which column.
        column: String,
        /// What was said.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// No event has a time, where times are asked for.
    #[error("no event has a time: expected at least one")]
    NoTimes,
    /// A split would leave nobody to train on.
    #[error("no user to train on: expected at least one with events among the {users} users")]
    NoTrainingUsers {
        /// How many users the data has.
        users: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_error_names_file_line_column_value_and_expectation() {
        let error = DataError::Cell {
            file: "ratings.csv".into(),
            place: Place::Line(7),
            column: "rating".into(),
            value: "five".into(),
            expected: "a finite number".into(),
        };
        assert_eq!(error.to_string(), r#"ratings.csv, line 7, column "rating": "five": expected a finite number"#);
    }

    #[test]
    fn the_source_of_an_io_error_is_kept() {
        let error = DataError::Io { path: "x".into(), source: io::Error::other("disk on fire") };
        let source = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("disk on fire"));
    }

    #[test]
    fn errors_can_cross_threads() {
        fn check<T: Send + Sync + 'static>() {}
        check::<DataError>();
    }
}
