//! What can be wrong with events, files and settings.

use std::borrow::Cow;
use std::io;
use std::path::PathBuf;

/// Why data could not be read, indexed or split.
///
/// Whatever is wrong with one row of a file is a [`DataError::Cell`] or [`DataError::Width`], which say where it stands and what
/// was expected there. Errors of the operating system and of the CSV parser are kept as sources.
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
    /// A file is not made of separated values.
    #[error("{}: cannot be read as separated values", path.display())]
    Csv {
        /// Which file.
        path: PathBuf,
        /// What the parser says.
        source: csv::Error,
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
    #[error("{}: expected one *.inter file, found {}", path.display(), found.join(", "))]
    AmbiguousLayout {
        /// The folder.
        path: PathBuf,
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
    #[error("{}, line {line}: {found} cells, expected {expected}", file.display())]
    Width {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// How many cells the row has.
        found: usize,
        /// How many columns there are.
        expected: usize,
    },
    /// A cell does not hold what its column is for.
    #[error("{}, line {line}, column {column:?}: {value:?}: expected {expected}", file.display())]
    Cell {
        /// Which file.
        file: PathBuf,
        /// Which line, from 1.
        line: u64,
        /// The name of the column.
        column: String,
        /// What stands there, cut after 80 characters.
        value: String,
        /// What should.
        expected: Cow<'static, str>,
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
            line: 7,
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
