//! What gives rows of cells: text, packed or not, or a file of columns. Which it is, is told by the first bytes.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use csv::ByteRecord;

#[cfg(feature = "parquet")]
use super::parquet::Columns;
use super::row_errors::Place;
use super::text::{LONGEST_ROW, Outcome, Separator, Text};
use super::unpack::{Unpacked, head};
use crate::data::error::DataError;

/// What gives rows of cells.
#[derive(Debug)]
pub(super) enum Source<R> {
    /// A row is a line, or several with quotes around the line breaks.
    Text(Box<Text<R>>),
    /// A row is one value of each column.
    #[cfg(feature = "parquet")]
    Columns(Box<Columns>),
}

/// Whether a file is Parquet: the four letters, and then no text.
fn is_parquet(head: &[u8]) -> bool {
    matches!(head, [b'P', b'A', b'R', b'1', next, ..] if *next < b' ' && !b"\t\n\r".contains(next))
}

impl Source<File> {
    /// Rows of an open file.
    pub fn of_file(path: &Path, mut file: File, separator: Separator) -> Result<Self, DataError> {
        let head = head(&mut file).map_err(|source| DataError::Io { path: path.to_owned(), source })?;
        if is_parquet(&head) {
            #[cfg(feature = "parquet")]
            return Ok(Self::Columns(Box::new(Columns::new(path, file)?)));
            #[cfg(not(feature = "parquet"))]
            return Err(DataError::MissingFeature { path: path.to_owned(), feature: "parquet" });
        }
        Self::of_text(path, head, file, separator)
    }
}

impl<R: Read> Source<R> {
    /// Rows of any bytes; those of a file of columns are read to their end now, as its table of contents stands there.
    pub fn of_reader(path: &Path, mut reader: R, separator: Separator) -> Result<Self, DataError> {
        let failed = |source| DataError::Io { path: path.to_owned(), source };
        let head = head(&mut reader).map_err(failed)?;
        if is_parquet(&head) {
            #[cfg(feature = "parquet")]
            {
                let mut all = head;
                reader.read_to_end(&mut all).map_err(failed)?;
                return Ok(Self::Columns(Box::new(Columns::new(path, bytes::Bytes::from(all))?)));
            }
            #[cfg(not(feature = "parquet"))]
            return Err(DataError::MissingFeature { path: path.to_owned(), feature: "parquet" });
        }
        Self::of_text(path, head, reader, separator)
    }

    #[cfg_attr(not(feature = "parquet"), allow(clippy::unnecessary_wraps))]
    fn of_text(path: &Path, head: Vec<u8>, rest: R, separator: Separator) -> Result<Self, DataError> {
        #[cfg(feature = "parquet")]
        if separator == Separator::Columns {
            let source = "it does not begin as one".into();
            return Err(DataError::Parquet { path: path.to_owned(), source });
        }
        #[cfg(not(feature = "parquet"))]
        let _ = path;
        Ok(Self::Text(Box::new(Text::new(Unpacked::new(head, rest), separator))))
    }

    /// The names of the columns, where they do not stand in the first row.
    pub fn columns(&self) -> Option<Vec<String>> {
        match self {
            Self::Text(_) => None,
            #[cfg(feature = "parquet")]
            Self::Columns(columns) => Some(columns.names()),
        }
    }

    /// Reads the next row and says where it stands; `None` at the end. After [`DataError::Row`] reading goes on behind the first
    /// line of the bad row.
    pub fn read(&mut self, cells: &mut ByteRecord, file: &Path) -> Result<Option<Place>, DataError> {
        match self {
            Self::Text(text) => read_text(text, cells, file),
            #[cfg(feature = "parquet")]
            Self::Columns(columns) => columns.read(cells),
        }
    }

    /// Says that only these columns will be looked at.
    #[cfg_attr(not(feature = "parquet"), allow(unused_variables))]
    pub fn want(&mut self, wanted: &[usize]) {
        match self {
            Self::Text(_) => {}
            #[cfg(feature = "parquet")]
            Self::Columns(columns) => columns.want(wanted),
        }
    }

    /// Says that the last row is bad: if it has several lines, reading goes on with its second.
    pub fn reject(&mut self) {
        match self {
            Self::Text(text) => text.reject(),
            #[cfg(feature = "parquet")]
            Self::Columns(_) => {}
        }
    }
}

fn read_text<R: Read>(text: &mut Text<R>, cells: &mut ByteRecord, file: &Path) -> Result<Option<Place>, DataError> {
    let outcome = text.read(cells).map_err(|source| failed(text, file, source))?;
    let (place, file) = (Place::Line(text.line()), file.to_owned());
    match outcome {
        Outcome::Row => Ok(Some(place)),
        Outcome::End => Ok(None),
        Outcome::OpenQuote => {
            text.reject();
            let found = "a quote that is opened and not closed";
            Err(DataError::Row { file, place, found, expected: "a closing quote" })
        }
        Outcome::Long => {
            const { assert!(LONGEST_ROW == 16 << 20) };
            text.reject();
            let found = "more than 16 MiB without the end of the row";
            Err(DataError::Row { file, place, found, expected: "rows of 16 MiB at most, and every quote closed" })
        }
    }
}

fn failed<R: Read>(text: &Text<R>, file: &Path, source: io::Error) -> DataError {
    let path = file.to_owned();
    if text.is_damage(&source) { DataError::Gzip { path, source } } else { DataError::Io { path, source } }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parquet_is_known_by_its_first_bytes_and_a_text_is_none_that_begins_with_the_same_letters() {
        assert!(is_parquet(b"PAR1\x15") && is_parquet(b"PAR1\0"));
        for text in [&b"PAR1"[..], b"PAR1,", b"PAR1\n", b"PAR1\t", b"PAR10", b"PAR", b"", b"user,"] {
            assert!(!is_parquet(text));
        }
    }
}
