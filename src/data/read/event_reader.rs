//! Events from one file with columns by name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::row::Row;
use super::table::{Encoding, Format, Header, Separator, Table};
use crate::data::builder::DatasetBuilder;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::{Action, Event};

/// Reads events from a file whose columns have names, one row at a time.
///
/// Users and items are read from the columns `user` and `item` unless told otherwise; values, actions and times only from columns
/// that were named. Cells of values, actions and times may be empty. A row without an action is a rating where it has a value and
/// a click where it has none, unless [`EventReader::default_action`] says otherwise.
///
/// Memory does not grow with the file.
///
/// ```
/// use metarec::data::{Action, EventReader};
///
/// let file = "visitor;sku;what;when\nann;4711;purchase;1700000000\n";
/// let reader = EventReader::csv()
///     .delimiter(b';')
///     .user_column("visitor")
///     .item_column("sku")
///     .action_column("what")
///     .timestamp_column("when");
/// for row in reader.read_from("shop.csv", file.as_bytes())? {
///     let (user, event) = row?;
///     assert_eq!((user.as_str(), event.item.as_str(), event.action), ("ann", "4711", Action::Purchase));
/// }
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventReader {
    format: Format,
    user: String,
    item: String,
    value: Option<String>,
    action: Option<String>,
    timestamp: Option<String>,
    default_action: Option<Action>,
}

impl EventReader {
    /// Commas between cells, which may be quoted; UTF-8; names of the columns in the first row.
    #[must_use]
    pub fn csv() -> Self {
        Self::with_format(Format::CSV)
    }

    /// Tabs between cells, in which a quote is text like any other; UTF-8; names of the columns in the first row.
    #[must_use]
    pub fn tsv() -> Self {
        let separator = Separator::Bare(b'\t');
        Self::with_format(Format { separator, header: Header::FirstRow, encoding: Encoding::Utf8 })
    }

    pub(super) fn with_format(format: Format) -> Self {
        let (user, item) = ("user".to_owned(), "item".to_owned());
        Self { format, user, item, value: None, action: None, timestamp: None, default_action: None }
    }

    /// Another byte between cells.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.format.separator = match self.format.separator {
            Separator::Bare(_) => Separator::Bare(delimiter),
            Separator::Quoted(_) | Separator::DoubleColon => Separator::Quoted(delimiter),
        };
        self
    }

    /// The column of user ids.
    #[must_use]
    pub fn user_column(mut self, name: impl Into<String>) -> Self {
        self.user = name.into();
        self
    }

    /// The column of item ids.
    #[must_use]
    pub fn item_column(mut self, name: impl Into<String>) -> Self {
        self.item = name.into();
        self
    }

    /// The column of values: finite numbers.
    #[must_use]
    pub fn value_column(mut self, name: impl Into<String>) -> Self {
        self.value = Some(name.into());
        self
    }

    /// The column of actions: their [names](Action::name) in any case.
    #[must_use]
    pub fn action_column(mut self, name: impl Into<String>) -> Self {
        self.action = Some(name.into());
        self
    }

    /// The column of times: seconds since the epoch, 0 or more; a fraction is dropped.
    #[must_use]
    pub fn timestamp_column(mut self, name: impl Into<String>) -> Self {
        self.timestamp = Some(name.into());
        self
    }

    /// The action of rows that do not name one.
    #[must_use]
    pub fn default_action(mut self, action: Action) -> Self {
        self.default_action = Some(action);
        self
    }

    /// Opens a file.
    ///
    /// # Errors
    /// If it cannot be opened, has no first row, or lacks a column that was named.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<EventRows<File>, DataError> {
        self.rows(Table::open(path.as_ref(), self.format)?)
    }

    /// Reads from any source of bytes; `name` is what errors call it. No need to buffer it.
    ///
    /// # Errors
    /// As [`EventReader::read`].
    pub fn read_from<R: Read>(&self, name: impl Into<PathBuf>, reader: R) -> Result<EventRows<R>, DataError> {
        self.rows(Table::new(name.into(), reader, self.format)?)
    }

    /// Adds all events of a file to a data set in the making, and says how many there were.
    ///
    /// # Errors
    /// As [`EventReader::read`], or at the first bad row, or if there is no row. The rows before it stay added.
    pub fn read_into(&self, path: impl AsRef<Path>, builder: &mut DatasetBuilder) -> Result<usize, DataError> {
        let mut rows = self.read(path)?;
        let before = builder.len();
        while let Some(event) = rows.next_event()? {
            builder.push_checked(event.user, event.item, event.action, event.value, event.timestamp);
        }
        match builder.len() - before {
            0 => Err(DataError::Empty { file: rows.table.file().to_owned() }),
            count => Ok(count),
        }
    }

    /// A data set from the events of one file.
    ///
    /// # Errors
    /// As [`EventReader::read_into`].
    pub fn read_dataset(&self, path: impl AsRef<Path>) -> Result<Dataset, DataError> {
        let mut builder = DatasetBuilder::new();
        self.read_into(path, &mut builder)?;
        Ok(builder.build())
    }

    fn rows<R: Read>(&self, table: Table<R>) -> Result<EventRows<R>, DataError> {
        let place = |name: &Option<String>| name.as_ref().map(|name| table.column(name)).transpose();
        Ok(EventRows {
            user: table.column(&self.user)?,
            item: table.column(&self.item)?,
            value: place(&self.value)?,
            action: place(&self.action)?,
            timestamp: place(&self.timestamp)?,
            default_action: self.default_action,
            table,
        })
    }
}

/// One event that still stands in the reader's buffer.
pub(super) struct BorrowedEvent<'a> {
    pub user: &'a str,
    pub item: &'a str,
    pub action: Action,
    pub value: Option<f32>,
    pub timestamp: Option<i64>,
}

/// The events of one file, as user and event, read while iterated over.
///
/// After an error in a row the iterator goes on with the next row, so that a host may skip what is bad; after an error of the
/// operating system it ends.
#[derive(Debug)]
pub struct EventRows<R> {
    table: Table<R>,
    user: usize,
    item: usize,
    value: Option<usize>,
    action: Option<usize>,
    timestamp: Option<usize>,
    default_action: Option<Action>,
}

impl<R: Read> EventRows<R> {
    /// The next event, without copying its ids.
    pub(super) fn next_event(&mut self) -> Result<Option<BorrowedEvent<'_>>, DataError> {
        let (user, item, value, action, timestamp) = (self.user, self.item, self.value, self.action, self.timestamp);
        let default = self.default_action;
        let read = |row: Row<'_>| -> Result<_, DataError> {
            Ok((row.value(value)?, row.action(action)?, row.time(timestamp)?))
        };
        let Some(row) = self.table.next_row()? else { return Ok(None) };
        let (value, action, timestamp) = read(row)?;
        let implied = if value.is_some() { Action::Rating } else { Action::Click };
        let action = action.or(default).unwrap_or(implied);
        Ok(Some(BorrowedEvent { user: row.id(user)?, item: row.id(item)?, action, value, timestamp }))
    }
}

impl<R: Read> Iterator for EventRows<R> {
    type Item = Result<(String, Event), DataError>;

    fn next(&mut self) -> Option<Self::Item> {
        let owned = |row: BorrowedEvent<'_>| {
            let event =
                Event { item: row.item.to_owned(), action: row.action, value: row.value, timestamp: row.timestamp };
            (row.user.to_owned(), event)
        };
        self.next_event().map(|row| row.map(owned)).transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader() -> EventReader {
        EventReader::csv().value_column("value").action_column("action").timestamp_column("timestamp")
    }

    fn read(text: &str) -> Vec<Result<(String, Event), String>> {
        let rows = reader().read_from("e.csv", text.as_bytes()).unwrap();
        rows.map(|row| row.map_err(|error| error.to_string())).collect()
    }

    #[test]
    fn columns_are_found_by_name_whatever_their_order() {
        let rows = read("timestamp,x,action,value,item,user\n5,?,play,0.5,i,u\n");
        assert_eq!(rows, [Ok(("u".to_owned(), Event::new("i", Action::Play).with_value(0.5).at(5)))]);
    }

    #[test]
    fn empty_cells_are_unknown_and_the_action_follows_the_value() {
        let rows = read("user,item,action,value,timestamp\nu,i,,4,\nu,i,,,7\n");
        assert_eq!(
            rows,
            [Ok(("u".to_owned(), Event::rating("i", 4.0))), Ok(("u".to_owned(), Event::click("i").at(7)))]
        );
        let reader = EventReader::csv().default_action(Action::Purchase);
        let first = reader.read_from("e.csv", "user,item\nu,i\n".as_bytes()).unwrap().next().unwrap().unwrap();
        assert_eq!(first.1, Event::purchase("i"));
    }

    #[test]
    fn each_bad_cell_is_named_with_its_place_and_reading_goes_on() {
        let head = "user,item,action,value,timestamp\n";
        for (row, expected) in [
            (",i,,1,1", r#"e.csv, line 2, column "user": "": expected an id, not empty"#),
            ("u,,,1,1", r#"e.csv, line 2, column "item": "": expected an id, not empty"#),
            ("u,i,,five,1", r#"e.csv, line 2, column "value": "five": expected a finite number"#),
            ("u,i,,NaN,1", r#"e.csv, line 2, column "value": "NaN": expected a finite number"#),
            ("u,i,,1,-3", r#"e.csv, line 2, column "timestamp": "-3": expected seconds since the epoch, 0 or more"#),
            (
                "u,i,eat,1,1",
                r#"e.csv, line 2, column "action": "eat": expected one of browse, click, save, purchase, play, like, dislike, rating"#,
            ),
            ("u,i,,1", "e.csv, line 2: 4 cells, expected 5"),
        ] {
            let rows = read(&format!("{head}{row}\nu,i,,1,1\n"));
            assert_eq!(rows[0].as_ref().unwrap_err(), expected);
            assert!(rows[1].is_ok() && rows.len() == 2);
        }
    }

    #[test]
    fn a_column_that_is_not_there_is_an_error_that_lists_those_that_are() {
        let error = reader().read_from("e.csv", "user,item,rating\n".as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), r#"e.csv, line 1: no column "value": expected it among user, item, rating"#);
    }

    #[test]
    fn after_an_error_of_the_source_there_are_no_more_rows() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                Err(std::io::Error::other("gone"))
            }
        }
        let source = "user,item\nu,i\n".as_bytes().chain(Failing);
        let rows: Vec<_> = EventReader::tsv().delimiter(b',').read_from("e", source).unwrap().take(5).collect();
        assert!(rows[0].is_ok());
        assert!(matches!(&rows[1], Err(DataError::Io { source, .. }) if source.to_string() == "gone"));
        assert_eq!(rows.len(), 2);
    }
}
