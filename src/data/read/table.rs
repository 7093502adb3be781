//! A file of rows and named columns, read one row at a time.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use csv::{ByteRecord, StringRecord};

use super::row::Row;
use super::source::Source;
use crate::data::error::DataError;

/// What stands between two cells, and whether a cell can be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// A single byte; cells may be quoted.
    Quoted(u8),
    /// A single byte; a quote is text like any other.
    Bare(u8),
    /// `::`, as in `MovieLens`' files of the years between.
    DoubleColon,
}

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
    bytes: ByteRecord,
    cells: StringRecord,
    line: u64,
    encoding: Encoding,
    broken: bool,
}

impl Table<File> {
    /// Opens a file and reads the names of its columns.
    pub fn open(path: &Path, format: Format) -> Result<Self, DataError> {
        let file = File::open(path).map_err(|source| DataError::Io { path: path.to_owned(), source })?;
        Self::new(path.to_owned(), file, format)
    }

    /// As [`Table::open`]; `None` if there is no such file.
    pub fn open_if_there(path: &Path, format: Format) -> Result<Option<Self>, DataError> {
        match Self::open(path, format) {
            Err(DataError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }
}

impl<R: Read> Table<R> {
    /// Reads the names of the columns; `file` is what errors call the source.
    pub fn new(file: PathBuf, reader: R, format: Format) -> Result<Self, DataError> {
        let mut table = Self {
            file,
            columns: Vec::new(),
            source: Source::new(reader, format.separator),
            bytes: ByteRecord::new(),
            cells: StringRecord::new(),
            line: 0,
            encoding: format.encoding,
            broken: false,
        };
        if let Header::Fixed(names) = format.header {
            table.columns = names.iter().map(|&name| name.to_owned()).collect();
            return Ok(table);
        }
        if !table.fill()? {
            return Err(DataError::Empty { file: table.file });
        }
        let name = |cell: &str| match format.header {
            Header::Typed => cell.split(':').next().unwrap_or("").trim().to_owned(),
            _ => cell.trim().to_owned(),
        };
        table.columns = table.cells.iter().map(name).collect();
        table.check_header()?;
        Ok(table)
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
                line: self.line,
                found: self.cells.len(),
                expected: self.columns.len(),
            });
        }
        Ok(Some(self.row()))
    }

    fn row(&self) -> Row<'_> {
        Row { file: &self.file, columns: &self.columns, cells: &self.cells, line: self.line }
    }

    /// Reads the next row that is not a blank line into `cells`; `false` at the end.
    fn fill(&mut self) -> Result<bool, DataError> {
        loop {
            let line = self.source.read(&mut self.bytes, &self.file).inspect_err(|_| self.broken = true)?;
            let Some(line) = line else { return Ok(false) };
            self.line = line;
            self.decode()?;
            if self.cells.len() != 1 || !self.cells[0].is_empty() {
                return Ok(true);
            }
        }
    }

    fn decode(&mut self) -> Result<(), DataError> {
        self.cells.clear();
        for (place, bytes) in self.bytes.iter().enumerate() {
            let bytes = if place + 1 == self.bytes.len() { bytes.strip_suffix(b"\r").unwrap_or(bytes) } else { bytes };
            match (std::str::from_utf8(bytes), self.encoding) {
                (Ok(text), _) => self.cells.push_field(text),
                (Err(_), Encoding::Utf8OrLatin1) => {
                    self.cells.push_field(&bytes.iter().map(|&byte| char::from(byte)).collect::<String>());
                }
                (Err(_), Encoding::Utf8) => {
                    self.cells.push_field(&String::from_utf8_lossy(bytes));
                    return Err(self.row().error(place, "text in UTF-8"));
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
            rows.push((row.line, row.cells.iter().map(str::to_owned).collect()));
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
        assert!(matches!(rows(b"1\n", COLONS), Err(DataError::Width { found: 1, line: 1, .. })));
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
