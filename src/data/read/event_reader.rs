//! Events from one file with columns by name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::event_rows::{EventColumns, EventRows};
use super::row_errors::{FileReport, OnRowError, ReadReport};
use super::table::{Encoding, Format, Header, Table};
use super::text::Separator;
use crate::data::builder::DatasetBuilder;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::Action;

/// Reads events from a file whose columns have names, one row at a time.
///
/// Users and items are read from the columns `user` and `item` unless told otherwise; values, actions and times only from columns
/// that were named. Cells of values, actions and times may be empty. A row without an action is a rating where it has a value and
/// a click where it has none, unless [`EventReader::default_action`] says otherwise.
///
/// A file that is packed with gzip is read as it is, of several members too. So is one of Parquet with the feature `parquet`: what a
/// file is, is told by its first bytes and not by its name. Its columns may hold text, whole numbers, floating ones, decimals,
/// booleans, dates and timestamps (which are read as seconds since the epoch); a list is read as its values with `|` between them, a
/// null as an empty cell.
///
/// Memory does not grow with the file: 16 MiB for the longest row, and for Parquet 1,024 rows and one page of each column (but
/// the whole file where it does not come from a file, as its table of contents stands at the end).
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
    on_row_error: OnRowError,
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

    /// A Parquet file. ([`EventReader::csv`] reads one as well; this one refuses all else.)
    #[cfg(feature = "parquet")]
    #[cfg_attr(docsrs, doc(cfg(feature = "parquet")))]
    #[must_use]
    pub fn parquet() -> Self {
        Self::with_format(Format { separator: Separator::Columns, header: Header::FirstRow, encoding: Encoding::Utf8 })
    }

    pub(super) fn with_format(format: Format) -> Self {
        let (user, item) = ("user".to_owned(), "item".to_owned());
        Self {
            format,
            user,
            item,
            value: None,
            action: None,
            timestamp: None,
            default_action: None,
            on_row_error: OnRowError::Fail,
        }
    }

    /// Another byte between cells.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.format.separator = match self.format.separator {
            Separator::Bare(_) => Separator::Bare(delimiter),
            Separator::Quoted(_) | Separator::DoubleColon => Separator::Quoted(delimiter),
            #[cfg(feature = "parquet")]
            Separator::Columns => Separator::Columns,
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

    /// What happens to rows that are malformed.
    #[must_use]
    pub fn on_row_error(mut self, rule: OnRowError) -> Self {
        self.on_row_error = rule;
        self
    }

    /// Opens a file. On some damaged Parquet files the crate that reads them panics: that is caught and an error like others, but the host's panic hook
    /// is called first, and a build with `panic = "abort"` ends.
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

    /// Adds all events of a file to a data set in the making, and says what became of its rows.
    ///
    /// # Errors
    /// As [`EventReader::read`], or if there is no row; at the first bad row, or with [`OnRowError::Skip`] if there are too many of
    /// them or no good one. The rows before stay added.
    pub fn read_into(&self, path: impl AsRef<Path>, builder: &mut DatasetBuilder) -> Result<FileReport, DataError> {
        self.add_table(Table::open(path.as_ref(), self.format)?, builder)
    }

    /// A data set from the events of one file, and what became of its rows.
    ///
    /// # Errors
    /// As [`EventReader::read_into`].
    pub fn read_dataset(&self, path: impl AsRef<Path>) -> Result<(Dataset, ReadReport), DataError> {
        let mut builder = DatasetBuilder::new();
        let report = self.read_into(path, &mut builder)?;
        Ok((builder.build(), ReadReport { files: vec![report] }))
    }

    /// Adds all events of a table.
    pub(super) fn add_table<R: Read>(
        &self,
        mut table: Table<R>,
        builder: &mut DatasetBuilder,
    ) -> Result<FileReport, DataError> {
        let columns = self.columns(&mut table)?;
        table.for_each(self.on_row_error, |row| {
            let event = columns.event(row)?;
            builder.push_checked(event.user, event.item, event.action, event.value, event.timestamp);
            Ok(())
        })
    }

    fn rows<R: Read>(&self, mut table: Table<R>) -> Result<EventRows<R>, DataError> {
        let columns = self.columns(&mut table)?;
        Ok(EventRows::new(table, columns, self.on_row_error))
    }

    fn columns<R: Read>(&self, table: &mut Table<R>) -> Result<EventColumns, DataError> {
        let place = |name: &Option<String>| name.as_ref().map(|name| table.column(name)).transpose();
        let columns = EventColumns {
            user: table.column(&self.user)?,
            item: table.column(&self.item)?,
            value: place(&self.value)?,
            action: place(&self.action)?,
            timestamp: place(&self.timestamp)?,
            default_action: self.default_action,
        };
        let EventColumns { user, item, value, action, timestamp, .. } = columns;
        let wanted: Vec<usize> = [Some(user), Some(item), value, action, timestamp].into_iter().flatten().collect();
        table.want(&wanted);
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::event::Event;

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
    fn an_optional_column_that_was_named_wrongly_is_an_error_and_not_passed_over() {
        for reader in [
            EventReader::csv().value_column("valeu"),
            EventReader::csv().action_column("Action"),
            EventReader::csv().timestamp_column("time"),
        ] {
            let text = "user,item,value,action,timestamp\nu,i,1,click,1\n";
            let error = reader.read_from("e.csv", text.as_bytes()).unwrap_err();
            assert!(matches!(error, DataError::UnknownColumn { .. }), "{error}");
        }
    }

    #[test]
    fn bad_rows_are_skipped_up_to_a_number_and_counted() {
        let text = "user,item,value,action,timestamp\nu,i,x,,1\nu,i,1,,1\nu,i,y,,1\nu,i,2,,2\n";
        let skip = |at_most| reader().on_row_error(OnRowError::Skip { at_most });
        let mut rows = skip(2).read_from("e.csv", text.as_bytes()).unwrap();
        assert!(rows.by_ref().all(|row| row.is_ok()));
        assert_eq!((rows.report().rows, rows.report().skipped, rows.report().reasons.len()), (2, 2, 1));
        let rows: Vec<_> = skip(1).read_from("e.csv", text.as_bytes()).unwrap().collect();
        assert!(matches!(rows[1], Err(DataError::RowErrors { skipped: 2, .. })) && rows.len() == 2);
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_one_row_however_many_lines_it_takes_in() {
        let text = "user,item,value,action,timestamp\nu,\"i,1,,1\nu,i,1,,1\nu,j\",2,,2\nu,i,2,,2\n";
        let skip = reader().on_row_error(OnRowError::Skip { at_most: 9 });
        let mut rows = skip.read_from("e.csv", text.as_bytes()).unwrap();
        let values: Vec<f32> = rows.by_ref().map(|row| row.unwrap().1.value.unwrap()).collect();
        assert_eq!(values, [1.0, 2.0, 2.0]);
        assert_eq!(rows.report().to_string().lines().count(), 3);
        assert_eq!(rows.report().skipped, 1);
        let text = text.replace("j\"", "j");
        let error = reader().read_from("e.csv", text.as_bytes()).unwrap().next().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "e.csv, line 2: a quote that is opened and not closed: expected a closing quote");
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
