//! What splits bytes into rows and cells.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use csv::{ByteRecord, Terminator};

use super::table::Separator;
use crate::data::error::DataError;

const BUFFER: usize = 1 << 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// What splits bytes into rows and cells. Rows end in a line feed; a carriage return before it is left at the end of the row.
#[derive(Debug)]
pub(super) enum Source<R> {
    /// Cells may be quoted, and hold line breaks then.
    Csv(Box<csv::Reader<R>>),
    /// A row is a line.
    Lines(Lines<R>),
}

/// A row is a line, cut at each separator.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    separator: Vec<u8>,
    buffer: Vec<u8>,
    line: u64,
}

impl<R: Read> Source<R> {
    pub fn new(reader: R, separator: Separator) -> Self {
        let lines = |reader, separator: &[u8]| {
            let reader = BufReader::with_capacity(BUFFER, reader);
            Self::Lines(Lines { reader, separator: separator.to_vec(), buffer: Vec::new(), line: 0 })
        };
        match separator {
            Separator::DoubleColon => lines(reader, b"::"),
            Separator::Bare(byte) => lines(reader, &[byte]),
            Separator::Quoted(byte) => {
                let mut builder = csv::ReaderBuilder::new();
                // With the parser's own CRLF handling a row begins before the line feed of the one above, and counts as that line.
                builder.delimiter(byte).terminator(Terminator::Any(b'\n'));
                builder.has_headers(false).flexible(true).buffer_capacity(BUFFER);
                Self::Csv(Box::new(builder.from_reader(reader)))
            }
        }
    }

    /// Reads the next row and says on which line it begins, from 1; `None` at the end.
    pub fn read(&mut self, cells: &mut ByteRecord, file: &Path) -> Result<Option<u64>, DataError> {
        match self {
            Self::Csv(reader) => read_csv(reader, cells).map_err(|error| csv_error(file, error)),
            Self::Lines(lines) => lines.read(cells).map_err(|source| DataError::Io { path: file.to_owned(), source }),
        }
    }
}

/// The parser passes over blank lines before it begins a row, and counts them as the row's. So the line is told from the end of the
/// row. (Off by one only for a last row without a line feed after blank lines.)
fn read_csv<R: Read>(reader: &mut csv::Reader<R>, cells: &mut ByteRecord) -> Result<Option<u64>, csv::Error> {
    let from = reader.position().line();
    if !reader.read_byte_record(cells)? {
        return Ok(None);
    }
    let inside = cells.as_slice().iter().filter(|&&byte| byte == b'\n').count() as u64;
    Ok(Some((reader.position().line().saturating_sub(inside + 1)).max(from)))
}

impl<R: Read> Lines<R> {
    fn read(&mut self, cells: &mut ByteRecord) -> std::io::Result<Option<u64>> {
        cells.clear();
        self.buffer.clear();
        if self.reader.read_until(b'\n', &mut self.buffer)? == 0 {
            return Ok(None);
        }
        self.line += 1;
        let text = self.buffer.strip_suffix(b"\n").unwrap_or(&self.buffer);
        let mut rest = if self.line == 1 { text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text) } else { text };
        let width = self.separator.len();
        while let Some(at) = rest.windows(width).position(|bytes| bytes == self.separator) {
            cells.push_field(&rest[..at]);
            rest = &rest[at + width..];
        }
        cells.push_field(rest);
        Ok(Some(self.line))
    }
}

fn csv_error(file: &Path, error: csv::Error) -> DataError {
    let path = file.to_owned();
    if !error.is_io_error() {
        return DataError::Csv { path, source: error };
    }
    match error.into_kind() {
        csv::ErrorKind::Io(source) => DataError::Io { path, source },
        kind => DataError::Io { path, source: std::io::Error::other(format!("{kind:?}")) },
    }
}
