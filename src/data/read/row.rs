//! One row of a file, and what its cells must hold.

use std::borrow::Cow;
use std::path::Path;

use csv::StringRecord;

use super::row_errors::Place;
use crate::data::error::DataError;
use crate::data::event::Action;

/// One row of a [`Table`](super::table::Table), with as many cells as there are columns.
#[derive(Clone, Copy)]
pub(super) struct Row<'a> {
    pub file: &'a Path,
    pub columns: &'a [String],
    pub cells: &'a StringRecord,
    pub place: Place,
}

impl<'a> Row<'a> {
    /// The text at a column; empty past the last one.
    pub fn cell(&self, column: usize) -> &'a str {
        self.cells.get(column).unwrap_or("")
    }

    /// The text at a column that may be missing from the file; empty then.
    pub fn optional(&self, column: Option<usize>) -> &'a str {
        column.map_or("", |column| self.cell(column))
    }

    /// The id at a column.
    pub fn id(&self, column: usize) -> Result<&'a str, DataError> {
        match self.cell(column) {
            "" => Err(self.error(column, "an id, not empty")),
            id if id.contains('\n') => Err(self.error(column, "an id on one line")),
            id => Ok(id),
        }
    }

    /// The number at a column, `None` where the cell is empty.
    pub fn value(&self, column: Option<usize>) -> Result<Option<f32>, DataError> {
        self.parse(column, number, "a finite number")
    }

    /// The time at a column, `None` where the cell is empty.
    pub fn time(&self, column: Option<usize>) -> Result<Option<i64>, DataError> {
        self.parse(column, seconds, "seconds since the epoch, 0 or more")
    }

    /// The action at a column, `None` where the cell is empty.
    pub fn action(&self, column: Option<usize>) -> Result<Option<Action>, DataError> {
        let expected = "one of browse, click, save, purchase, play, like, dislike, rating";
        self.parse(column, |text| text.parse().ok(), expected)
    }

    fn parse<T>(
        &self,
        column: Option<usize>,
        parse: impl FnOnce(&str) -> Option<T>,
        expected: &'static str,
    ) -> Result<Option<T>, DataError> {
        let Some(column) = column else { return Ok(None) };
        match self.cell(column).trim() {
            "" => Ok(None),
            text => parse(text).map(Some).ok_or_else(|| self.error(column, expected)),
        }
    }

    /// The error that says that a cell of this row is not as expected.
    pub fn error(&self, column: usize, expected: impl Into<Cow<'static, str>>) -> DataError {
        let name = self.columns.get(column).cloned().unwrap_or_else(|| format!("number {}", column + 1));
        DataError::Cell {
            file: self.file.to_owned(),
            place: self.place,
            column: name,
            value: self.cell(column).chars().take(80).collect(),
            expected: expected.into(),
        }
    }
}

/// A finite number that an `f32` can hold.
fn number(text: &str) -> Option<f32> {
    text.parse().ok().filter(|value: &f32| value.is_finite())
}

/// Whole seconds, 0 or more. Some files write them with a fraction (`881250949.0`), which is dropped.
fn seconds(text: &str) -> Option<i64> {
    /// 2^63: the least float that no `i64` can hold.
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    if let Ok(whole) = text.parse::<i64>() {
        return (whole >= 0).then_some(whole);
    }
    let time: f64 = text.parse().ok()?;
    (0.0..LIMIT).contains(&time).then_some(time as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite() {
        assert_eq!(number("4.5"), Some(4.5));
        assert_eq!(number("-1e3"), Some(-1000.0));
        for bad in ["NaN", "inf", "-infinity", "1e39", "4,5", "five", "0x1", "1_0"] {
            assert_eq!(number(bad), None, "{bad}");
        }
    }

    #[test]
    fn seconds_are_whole_and_not_negative() {
        assert_eq!(seconds("881250949"), Some(881_250_949));
        assert_eq!(seconds("881250949.0"), Some(881_250_949));
        assert_eq!(seconds("8.5e8"), Some(850_000_000));
        assert_eq!(seconds("9223372036854775807"), Some(i64::MAX));
        for bad in ["-1", "-0.5", "NaN", "inf", "9223372036854775808", "1e300", "now", "2024-01-01"] {
            assert_eq!(seconds(bad), None, "{bad}");
        }
    }
}
