//! The events of a table, row by row.

use std::io::Read;

use super::row::Row;
use super::row_errors::{FileReport, OnRowError, Tally};
use super::table::Table;
use crate::data::error::DataError;
use crate::data::event::{Action, Event};

/// One event that still stands in the reader's buffer.
pub(super) struct BorrowedEvent<'a> {
    pub user: &'a str,
    pub item: &'a str,
    pub action: Action,
    pub value: Option<f32>,
    pub timestamp: Option<i64>,
}

/// Where in a row an event's fields stand.
#[derive(Debug)]
pub(super) struct EventColumns {
    pub user: usize,
    pub item: usize,
    pub value: Option<usize>,
    pub action: Option<usize>,
    pub timestamp: Option<usize>,
    pub default_action: Option<Action>,
}

impl EventColumns {
    /// The event of a row.
    pub fn event<'a>(&self, row: &Row<'a>) -> Result<BorrowedEvent<'a>, DataError> {
        let value = row.value(self.value)?;
        let action = row.action(self.action)?.or(self.default_action);
        Ok(BorrowedEvent {
            value,
            action: action.unwrap_or(if value.is_some() { Action::Rating } else { Action::Click }),
            timestamp: row.time(self.timestamp)?,
            user: row.id(self.user)?,
            item: row.id(self.item)?,
        })
    }
}

/// The events of one file, as user and event, read while iterated over.
///
/// With [`OnRowError::Fail`] an error in a row is given out, and then the iterator goes on with the next row, so that a host may do
/// with it what it likes. With [`OnRowError::Skip`] bad rows are passed over and counted in [`EventRows::report`]: where none is good there
/// are no items and no error, so look at the report. After an error of the file, or one bad row too many, the iterator ends.
#[derive(Debug)]
pub struct EventRows<R> {
    table: Table<R>,
    columns: EventColumns,
    tally: Tally,
}

impl<R: Read> EventRows<R> {
    pub(super) fn new(table: Table<R>, columns: EventColumns, rule: OnRowError) -> Self {
        Self { tally: Tally::new(table.file(), rule), table, columns }
    }

    /// What became of the rows so far.
    #[must_use]
    pub fn report(&self) -> &FileReport {
        self.tally.report()
    }

    fn next_owned(&mut self) -> Result<Option<(String, Event)>, DataError> {
        let Some(row) = self.table.next_row()? else { return Ok(None) };
        let BorrowedEvent { user, item, action, value, timestamp } = self.columns.event(&row)?;
        Ok(Some((user.to_owned(), Event { item: item.to_owned(), action, value, timestamp })))
    }
}

impl<R: Read> Iterator for EventRows<R> {
    type Item = Result<(String, Event), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            match self.next_owned() {
                Ok(Some(row)) => {
                    self.tally.good();
                    return Some(Ok(row));
                }
                Ok(None) => return None,
                Err(error) => {
                    self.table.reject(&error);
                    if let Err(error) = self.tally.bad(error) {
                        if matches!(error, DataError::RowErrors { .. }) {
                            self.table.stop();
                        }
                        return Some(Err(error));
                    }
                }
            }
        }
    }
}
