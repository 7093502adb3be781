//! A file of rows and named columns, read one row at a time.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, StringRecord};

use super::row::Row;
use super::row_errors::{FileReport, OnRowError, Place, Tally};
use super::source::Source;
use super::text::Separator;
use crate::data::error::DataError;

/// Where the names of the columns come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Header {
    /// From the first row.
    FirstRow,
    /// From the first row, of which each cell is `name:type`.
    Typed,
    /// The file has none; these are its columns.
    Fixed(&'static [&'static str]),
}

/// How bytes become text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// UTF-8, and anything else is an error.
    Utf8,
    /// UTF-8, or Latin-1 where a cell is not UTF-8.
    Utf8OrLatin1,
}

/// How a file is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Format {
    pub separator: Separator,
    pub header: Header,
    pub encoding: Encoding,
}

impl Format {
    /// Commas, quotes, a first row of names.
    pub const CSV: Self =
        Self { separator: Separator::Quoted(b','), header: Header::FirstRow, encoding: Encoding::Utf8 };
}

/// A file of rows and named columns, read one row at a time.
#[derive(Debug)]
pub(super) struct Table<R> {
    file: PathBuf,
    columns: Vec<String>,
    source: Source<R>,
    cells: StringRecord,
    place: Place,
    encoding: Encoding,
    broken: bool,
}

impl Table<File> {
    /// Opens a file and reads the names of its columns.
    pub fn open(path: &Path, format: Format) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Io { path: path.to_owned(), source })?;
        Self::with_source(path.to_owned(), Source::of_file(path, file, format.separator)?, format)
    }
}

impl<R: Read> Table<R> {
    /// Reads the names of the columns; `file` is what errors call the source.
    pub fn new(file: PathBuf, reader: R, format: Format) -> Result<Self, DataError> {
        let source = Source::of_reader(&file, reader, format.separator)?;
        Self::with_source(file, source, format)
    }

    fn with_source(file: PathBuf, source: Source<R>, format: Format) -> Result<Self, DataError> {
        let mut table = Self {
            file,
            columns: Vec::new(),
            source,
            cells: StringRecord::new(),
            place: Place::Line(1),
            encoding: format.encoding,
            broken: false,
        };
        table.columns = match (table.source.columns(), format.header) {
            (Some(names), _) => names,
            (None, Header::Fixed(names)) => names.iter().map(|&name| name.to_owned()).collect(),
            (None, header) => table.read_header(header)?,
        };
        table.check_header()?;
        Ok(table)
    }

    fn read_header(&mut self, header: Header) -> Result<Vec<String>, DataError> {
        if !self.fill()? {
            return Err(DataError::Empty { file: self.file.clone() });
        }
        let name = |cell: &str| match header {
            Header::Typed => cell.split(':').next().unwrap_or("").trim().to_owned(),
            _ => cell.trim().to_owned(),
        };
        Ok(self.cells.iter().map(name).collect())
    }

    fn check_header(&self) -> Result<(), DataError> {
        for (place, name) in self.columns.iter().enumerate() {
            if self.columns[..place].contains(name) {
                return Err(self.row().error(place, "a column name that is not there twice"));
            }
        }
        Ok(())
    }

    /// What errors call the file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The place of a column, if the file has it.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column == name)
    }

    /// The place of a column that the file must have.
    pub fn column(&self, name: &str) -> Result<usize, DataError> {
        self.find(name).ok_or_else(|| DataError::UnknownColumn {
            file: self.file.clone(),
            column: name.to_owned(),
            found: self.columns.clone(),
        })
    }

    /// The next row; `None` at the end. After an error in a row, reading goes on with the one after it; after an error of the
    /// file, there are no more rows.
    pub fn next_row(&mut self) -> Result<Option<Row<'_>>, DataError> {
        if self.broken || !self.fill()? {
            return Ok(None);
        }
        if self.cells.len() != self.columns.len() {
            return Err(DataError::Width {
                file: self.file.clone(),
                place: self.place,
                found: self.cells.len(),
                expected: self.columns.len(),
            });
        }
        Ok(Some(self.row()))
    }

    /// Says that only these columns will be looked at; the cells of others may be empty then.
    pub fn want(&mut self, columns: &[usize]) {
        self.source.want(columns);
    }

    /// Says what is wrong with the last row. If it has several lines, reading goes on with the second where a wrong quote may have joined them: the number of cells
    /// is wrong, or the bad cell is one that has the lines. Otherwise the lines are text, and none of them is a row.
    pub fn reject(&mut self, error: &DataError) {
        let joined = match error {
            DataError::Width { .. } => true,
            DataError::Cell { column, .. } => {
                let at = self.columns.iter().position(|name| name == column);
                at.and_then(|at| self.cells.get(at)).is_some_and(|cell| cell.contains('\n'))
            }
            // The source itself gives lines back where it finds no end.
            _ => false,
        };
        if joined {
            self.source.reject();
        }
    }

    /// Ends the rows here.
    pub fn stop(&mut self) {
        self.broken = true;
    }

    /// Gives all rows to `take`, and says how many there were.
    pub fn for_each(
        mut self,
        rule: OnRowError,
        mut take: impl FnMut(&Row<'_>) -> Result<(), DataError>,
    ) -> Result<FileReport, DataError> {
        let mut tally = Tally::new(&self.file, rule);
        loop {
            let taken = match self.next_row() {
                Ok(None) => return tally.finish(),
                Ok(Some(row)) => take(&row),
                Err(error) => Err(error),
            };
            match taken {
                Ok(()) => tally.good(),
                Err(error) => {
                    self.reject(&error);
                    tally.bad(error)?;
                }
            }
        }
    }

    fn row(&self) -> Row<'_> {
        Row { file: &self.file, columns: &self.columns, cells: &self.cells, place: self.place }
    }

    /// Reads the next row that is not a blank line into `cells`; `false` at the end.
    fn fill(&mut self) -> Result<bool, DataError> {
        loop {
            let mut bytes = std::mem::take(&mut self.cells).into_byte_record();
            let place = self.source.read(&mut bytes, &self.file);
            let place = place.inspect_err(|error| self.broken = !matches!(error, DataError::Row { .. }))?;
            let Some(place) = place else { return Ok(false) };
            self.place = place;
            self.decode(bytes)?;
            let blank = self.cells.len() == 1 && self.cells[0].is_empty() && matches!(place, Place::Line(_));
            if !blank {
                return Ok(true);
            }
        }
    }

    fn decode(&mut self, bytes: ByteRecord) -> Result<(), DataError> {
        let bytes = match StringRecord::from_byte_record(bytes) {
            Ok(cells) => {
                self.cells = cells;
                return Ok(());
            }
            Err(error) => error.into_byte_record(),
        };
        for (column, bytes) in bytes.iter().enumerate() {
            match (std::str::from_utf8(bytes), self.encoding) {
                (Ok(text), _) => self.cells.push_field(text),
                (Err(_), Encoding::Utf8OrLatin1) => {
                    self.cells.push_field(&bytes.iter().map(|&byte| char::from(byte)).collect::<String>());
                }
                (Err(_), Encoding::Utf8) => {
                    self.cells.push_field(&String::from_utf8_lossy(bytes));
                    return Err(self.row().error(column, "text in UTF-8"));
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const COLONS: Format = Format {
        separator: Separator::DoubleColon,
        header: Header::Fixed(&["a", "b"]),
        encoding: Encoding::Utf8OrLatin1,
    };
    const TABS: Format = Format { separator: Separator::Bare(b'\t'), header: Header::Typed, encoding: Encoding::Utf8 };

    fn rows(bytes: &[u8], format: Format) -> Result<Vec<(u64, Vec<String>)>, DataError> {
        let mut table = Table::new("file".into(), bytes, format)?;
        let mut rows = Vec::new();
        while let Some(row) = table.next_row()? {
            let Place::Line(line) = row.place else { panic!("text has lines") };
            rows.push((line, row.cells.iter().map(str::to_owned).collect()));
        }
        Ok(rows)
    }

    fn cells(bytes: &[u8], format: Format) -> Vec<Vec<String>> {
        rows(bytes, format).unwrap().into_iter().map(|(_, cells)| cells).collect()
    }

    #[test]
    fn a_byte_order_mark_and_crlf_are_no_part_of_the_cells() {
        assert_eq!(cells(b"\xef\xbb\xbfa,b\r\n1,2\r\n", Format::CSV), [["1", "2"]]);
        assert_eq!(cells(b"\xef\xbb\xbfa:token\tb:float\r\n1\t2\r\n", TABS), [["1", "2"]]);
        assert_eq!(cells(b"\xef\xbb\xbf1::2\r\n3::4", COLONS), [["1", "2"], ["3", "4"]]);
        let table = Table::new("file".into(), &b"\xef\xbb\xbfa:token\tb:float\r\n"[..], TABS).unwrap();
        assert_eq!(table.columns(), ["a", "b"]);
    }

    #[test]
    fn quotes_hold_separators_together_in_csv_and_are_text_between_tabs() {
        assert_eq!(cells(b"a,b\n\"x, y\",\"say \"\"hi\"\"\"\n", Format::CSV), [["x, y", "say \"hi\""]]);
        assert_eq!(cells(b"a\tb\n\"x\ty\"\n", TABS), [["\"x", "y\""]]);
    }

    #[test]
    fn lines_are_counted_over_blank_lines_and_line_breaks_in_quotes() {
        let lines =
            |bytes: &[u8], format| rows(bytes, format).unwrap().into_iter().map(|(line, _)| line).collect::<Vec<_>>();
        assert_eq!(lines(b"a,b\n1,2\n\"x\ny\",2\n3,4\n", Format::CSV), [2, 3, 5]);
        assert_eq!(lines(b"1::2\n\n\r\n3::4\n", COLONS), [1, 4]);
        assert_eq!(lines(b"a\tb\r\n1\t2\r\n\r\n3\t4", TABS), [2, 4]);
        assert_eq!(lines(b"a,b\n1,2\n\n\n3,4\n", Format::CSV), [2, 5]);
        assert_eq!(lines(b"a,b\r\n1,2\r\n\r\n3,4", Format::CSV), [2, 4]);
        assert_eq!(lines(b"a,b\r\n\"x\r\ny\",\"2\"\r\n3,4\r\n", Format::CSV), [2, 4]);
    }

    #[test]
    fn latin_1_is_read_where_it_may_be_and_refused_elsewhere() {
        assert_eq!(cells(b"V\xe9ro::V\xc3\xa9ro\n", COLONS), [["Véro", "Véro"]]);
        let error = rows(b"a,b\n1,2\nx,V\xe9ro\n", Format::CSV).unwrap_err();
        assert_eq!(error.to_string(), "file, line 3, column \"b\": \"V\u{fffd}ro\": expected text in UTF-8");
    }

    #[test]
    fn a_row_with_too_few_or_too_many_cells_is_an_error() {
        let error = rows(b"a,b\n1,2\n1,2,3\n", Format::CSV).unwrap_err();
        assert_eq!(error.to_string(), "file, line 3: 3 cells, expected 2");
        assert!(matches!(rows(b"1\n", COLONS), Err(DataError::Width { found: 1, place: Place::Line(1), .. })));
    }

    #[test]
    fn a_column_that_stands_twice_is_an_error() {
        let error = rows(b"a:token\ta:float\n", TABS).unwrap_err();
        assert_eq!(
            error.to_string(),
            "file, line 1, column \"a\": \"a:float\": expected a column name that is not there twice"
        );
    }

    #[test]
    fn a_file_without_a_header_is_an_error() {
        assert!(matches!(rows(b"", Format::CSV), Err(DataError::Empty { .. })));
    }

    fn bytes() -> impl Strategy<Value = Vec<u8>> {
        let byte = prop_oneof![any::<u8>(), proptest::sample::select(&b":\n\r\t,\""[..])];
        proptest::collection::vec(byte, 0..200)
    }

    proptest! {
        #[test]
        fn any_bytes_are_rows_or_an_error(bytes in bytes()) {
            for format in [Format::CSV, TABS, COLONS] {
                let _ = rows(&bytes, format);
            }
        }
    }
}
