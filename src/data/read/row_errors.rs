//! What happens to rows that are malformed, and the account of it.

use std::fmt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::error::DataError;

/// How many bad rows of a file are kept word for word; all are counted.
const KEPT: usize = 5;

/// What a reader does with a row that is malformed.
///
/// ```
/// use metarec::data::{EventReader, OnRowError};
///
/// let file = "user,item,stars\nann,4711,5\nann,4712,five\n";
/// let reader = EventReader::csv().value_column("stars").on_row_error(OnRowError::Skip { at_most: 10 });
/// let mut rows = reader.read_from("shop.csv", file.as_bytes())?;
/// assert_eq!(rows.by_ref().count(), 1);
/// assert_eq!(
///     rows.report().to_string(),
///     "shop.csv: 1 rows read, 1 skipped\n  1 of column \"stars\": expected a finite number\n  \
///      line 3, column \"stars\": \"five\": expected a finite number"
/// );
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum OnRowError {
    /// Reading ends with the error.
    #[default]
    Fail,
    /// The row is left out, counted and named in the [`FileReport`]. Where a quote that was opened may be closed much later or not at all
    /// (it never is, the number of cells is wrong, or the bad cell goes over several lines), only the first line is left out, and reading goes on with the next one.
    Skip {
        /// With more bad rows than this in one file, reading ends with [`DataError::RowErrors`].
        at_most: u64,
    },
}

/// Where a row stands in its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Place {
    /// The line on which it begins, from 1: files of text.
    Line(u64),
    /// Its number, from 1: files of columns.
    Row(u64),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(number) => write!(f, "line {number}"),
            Self::Row(number) => write!(f, "row {number}"),
        }
    }
}

/// What is wrong with one row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowError {
    /// Where the row stands.
    pub place: Place,
    /// Which column; `None` if it is the row as a whole.
    pub column: Option<String>,
    /// What stands there, cut after 80 characters.
    pub value: String,
    /// What should.
    pub expected: String,
}

impl RowError {
    /// `None` if the error is none of a single row.
    fn of(error: &DataError) -> Option<Self> {
        let whole = |place: &Place, value: String, expected: String| {
            Some(Self { place: *place, column: None, value, expected })
        };
        match error {
            DataError::Cell { place, column, value, expected, .. } => Some(Self {
                place: *place,
                column: Some(column.clone()),
                value: value.clone(),
                expected: expected.to_string(),
            }),
            DataError::Width { place, found, expected, .. } => {
                whole(place, format!("{found} cells"), format!("{expected} cells"))
            }
            DataError::Row { place, found, expected, .. } => whole(place, (*found).to_owned(), (*expected).to_owned()),
            _ => None,
        }
    }
}

impl fmt::Display for RowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, column, value, expected } = self;
        match column {
            Some(column) => write!(f, "{place}, column {column:?}: {value:?}: expected {expected}"),
            None => write!(f, "{place}: {value}: expected {expected}"),
        }
    }
}

/// How many rows of a file were skipped for one reason.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RowErrorCount {
    /// Which column; `None` if it is the rows as a whole.
    pub column: Option<String>,
    /// What should have been there.
    pub expected: String,
    /// How many rows.
    pub rows: u64,
}

/// What became of the rows of one file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FileReport {
    /// Which file.
    pub file: PathBuf,
    /// How many rows were read.
    pub rows: u64,
    /// How many were left out.
    pub skipped: u64,
    /// Those left out, by reason.
    pub reasons: Vec<RowErrorCount>,
    /// The first few of those left out.
    pub first: Vec<RowError>,
}

impl fmt::Display for FileReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} rows read, {} skipped", self.file.display(), self.rows, self.skipped)?;
        for RowErrorCount { column, expected, rows } in &self.reasons {
            match column {
                Some(column) => write!(f, "\n  {rows} of column {column:?}: expected {expected}")?,
                None => write!(f, "\n  {rows} as a whole: expected {expected}")?,
            }
        }
        self.first.iter().try_for_each(|error| write!(f, "\n  {error}"))
    }
}

/// What became of the rows of all files of a data set.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ReadReport {
    /// In the order in which they were read.
    pub files: Vec<FileReport>,
}

impl ReadReport {
    /// How many rows were left out of all files.
    #[must_use]
    pub fn skipped(&self) -> u64 {
        self.files.iter().map(|file| file.skipped).sum()
    }
}

impl fmt::Display for ReadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, file) in self.files.iter().enumerate() {
            write!(f, "{}{file}", if place == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

/// Keeps the account of one file while it is read.
#[derive(Debug)]
pub(super) struct Tally {
    rule: OnRowError,
    report: FileReport,
}

impl Tally {
    pub fn new(file: &Path, rule: OnRowError) -> Self {
        Self { rule, report: FileReport { file: file.to_owned(), ..FileReport::default() } }
    }

    /// Counts a good row.
    pub fn good(&mut self) {
        self.report.rows += 1;
    }

    /// Counts a bad row if it may be skipped, else gives the error to end with.
    pub fn bad(&mut self, error: DataError) -> Result<(), DataError> {
        let OnRowError::Skip { at_most } = self.rule else { return Err(error) };
        let Some(row) = RowError::of(&error) else { return Err(error) };
        let report = &mut self.report;
        report.skipped += 1;
        let reason = report.reasons.iter_mut().find(|of| of.column == row.column && of.expected == row.expected);
        match reason {
            Some(reason) => reason.rows += 1,
            None => {
                let (column, expected) = (row.column.clone(), row.expected.clone());
                report.reasons.push(RowErrorCount { column, expected, rows: 1 });
            }
        }
        if report.first.len() < KEPT {
            report.first.push(row);
        }
        if self.report.skipped > at_most { Err(self.too_many(format!("at most {at_most}"), error)) } else { Ok(()) }
    }

    /// `error` where no row was kept, which cannot be.
    fn too_many(&self, expected: String, error: DataError) -> DataError {
        let FileReport { file, skipped, first, .. } = &self.report;
        match first.first() {
            Some(row) => {
                DataError::RowErrors { file: file.clone(), skipped: *skipped, expected, first: Box::new(row.clone()) }
            }
            None => error,
        }
    }

    /// The account so far.
    pub fn report(&self) -> &FileReport {
        &self.report
    }

    /// The account of a whole file, in which there must be a good row.
    pub fn finish(self) -> Result<FileReport, DataError> {
        if self.report.rows > 0 {
            return Ok(self.report);
        }
        let empty = DataError::Empty { file: self.report.file.clone() };
        Err(self.too_many("at least one that is good".to_owned(), empty))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bad(line: u64, column: &str) -> DataError {
        DataError::Cell {
            file: "f.csv".into(),
            place: Place::Line(line),
            column: column.to_owned(),
            value: "x".to_owned(),
            expected: "a number".into(),
        }
    }

    #[test]
    fn all_bad_rows_are_counted_by_reason_and_the_first_are_kept() {
        let mut tally = Tally::new("f.csv".as_ref(), OnRowError::Skip { at_most: 10 });
        tally.good();
        (2..9).for_each(|line| tally.bad(bad(line, if line % 2 == 0 { "a" } else { "b" })).unwrap());
        let width = DataError::Width { file: "f.csv".into(), place: Place::Line(9), found: 1, expected: 2 };
        tally.bad(width).unwrap();
        let report = tally.finish().unwrap();
        let reasons: Vec<(Option<&str>, u64)> =
            report.reasons.iter().map(|reason| (reason.column.as_deref(), reason.rows)).collect();
        assert_eq!(reasons, [(Some("a"), 4), (Some("b"), 3), (None, 1)]);
        assert_eq!((report.rows, report.skipped, report.first.len()), (1, 8, KEPT));
        assert!(report.to_string().contains("\n  1 as a whole: expected 2 cells"), "{report}");
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<FileReport>(&text).unwrap(), report);
    }

    #[test]
    fn one_bad_row_more_than_may_be_skipped_is_an_error_that_names_the_first() {
        let mut tally = Tally::new("f.csv".as_ref(), OnRowError::Skip { at_most: 1 });
        tally.bad(bad(2, "a")).unwrap();
        let error = tally.bad(bad(3, "b")).unwrap_err().to_string();
        let expected =
            "f.csv: 2 bad rows: expected at most 1; the first: line 2, column \"a\": \"x\": expected a number";
        assert_eq!(error, expected);
    }

    #[test]
    fn a_file_of_bad_rows_alone_is_an_error() {
        let mut tally = Tally::new("f.csv".as_ref(), OnRowError::Skip { at_most: 9 });
        tally.bad(bad(2, "a")).unwrap();
        assert!(matches!(tally.finish(), Err(DataError::RowErrors { skipped: 1, .. })));
        assert!(matches!(Tally::new("f".as_ref(), OnRowError::Fail).finish(), Err(DataError::Empty { .. })));
    }

    #[test]
    fn what_is_no_error_of_a_row_is_never_skipped() {
        let mut tally = Tally::new("f.csv".as_ref(), OnRowError::Skip { at_most: 9 });
        let gone = DataError::Io { path: "f.csv".into(), source: std::io::Error::other("gone") };
        assert!(matches!(tally.bad(gone), Err(DataError::Io { .. })));
        assert_eq!(tally.report().skipped, 0);
    }
}
