//! What splits text into rows and cells.

use std::io::{self, BufRead, BufReader, Read};

use csv::ByteRecord;
use memchr::{memchr, memchr_iter, memmem};

use super::unpack::Unpacked;

const BUFFER: usize = 1 << 16;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// Rows that are longer than this are errors: what bounds the memory of a reader.
pub(super) const LONGEST_ROW: usize = 1 << 24;

/// What stands between two cells, and whether a cell can be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    /// A single byte; cells may be quoted, and hold separators and line breaks then.
    Quoted(u8),
    /// A single byte; a quote is text like any other.
    Bare(u8),
    /// `::`, as in `MovieLens`' files of the years between.
    DoubleColon,
    /// None: the file is one of columns, and text is refused.
    #[cfg(feature = "parquet")]
    Columns,
}

/// What came of reading a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// A whole row.
    Row,
    /// A row whose last cell has an opening quote and no closing one.
    OpenQuote,
    /// A row without an end within the bound.
    Long,
    /// There are no more rows.
    End,
}

/// Splits text into rows and cells. Rows end in a line feed or CRLF.
#[derive(Debug)]
pub(super) struct Text<R> {
    reader: BufReader<Unpacked<R>>,
    separator: Separator,
    longest: usize,
    /// The current row as it stands in the file.
    row: Vec<u8>,
    /// The length of its first line.
    first_line: usize,
    /// Bytes that were read and given back, from `back_at` on: they come before those of the reader.
    back: Vec<u8>,
    back_at: usize,
    /// The line on which the current row begins, and the last one that was read of it.
    begins: u64,
    ends: u64,
    /// Up to this line rows are single lines, as they were found not to be what their quotes say.
    broken_until: u64,
}

impl<R: Read> Text<R> {
    pub fn new(reader: Unpacked<R>, separator: Separator) -> Self {
        Self {
            reader: BufReader::with_capacity(BUFFER, reader),
            separator,
            longest: LONGEST_ROW,
            row: Vec::new(),
            first_line: 0,
            back: Vec::new(),
            back_at: 0,
            begins: 0,
            ends: 0,
            broken_until: 0,
        }
    }

    /// The line on which the row that was read last begins, from 1.
    pub fn line(&self) -> u64 {
        self.begins
    }

    /// Whether this error of reading says that packed bytes are wrong.
    pub fn is_damage(&self, error: &io::Error) -> bool {
        self.reader.get_ref().is_damage(error)
    }

    /// Reads the next row. One that is open or long is read no further than needed, and its cells mean nothing.
    pub fn read(&mut self, cells: &mut ByteRecord) -> io::Result<Outcome> {
        cells.clear();
        self.row.clear();
        self.begins = self.ends + 1;
        if self.add_line()? == 0 {
            return Ok(Outcome::End);
        }
        self.first_line = self.row.len();
        if self.row.len() > self.longest {
            self.discard_line()?;
            return Ok(Outcome::Long);
        }
        let text = if self.begins == 1 { strip_mark(&self.row) } else { &self.row };
        let (text, _) = cut_end(text);
        match self.separator {
            Separator::Quoted(byte) if memchr(b'"', text).is_some() => self.read_quoted(byte, cells),
            Separator::Quoted(byte) | Separator::Bare(byte) => {
                split(text, memchr_iter(byte, text), 1, cells);
                Ok(Outcome::Row)
            }
            #[cfg(feature = "parquet")]
            Separator::Columns => {
                cells.push_field(text);
                Ok(Outcome::Row)
            }
            Separator::DoubleColon => {
                split(text, memmem::find_iter(text, b"::"), 2, cells);
                Ok(Outcome::Row)
            }
        }
    }

    /// Goes on with a row that has a quote on its first line, and takes as many more lines as the quotes ask for.
    fn read_quoted(&mut self, separator: u8, cells: &mut ByteRecord) -> io::Result<Outcome> {
        let mut parser = Quotes::new(separator);
        let mut from = self.row.len() - if self.begins == 1 { strip_mark(&self.row).len() } else { self.row.len() };
        loop {
            let (text, end) = cut_end(&self.row[from..]);
            if !parser.line(text, end, cells) {
                return Ok(Outcome::Row);
            }
            from = self.row.len();
            if self.begins <= self.broken_until || self.add_line()? == 0 {
                return Ok(Outcome::OpenQuote);
            }
            if self.row.len() > self.longest {
                return Ok(Outcome::Long);
            }
        }
    }

    /// Says that the row that was read last is bad. If it has several lines, reading goes on with its second: more likely a quote
    /// is wrong than that they belong together.
    pub fn reject(&mut self) {
        if self.first_line < self.row.len() {
            let mut back = self.row.split_off(self.first_line);
            back.extend_from_slice(&self.back[self.back_at..]);
            (self.back, self.back_at) = (back, 0);
            self.broken_until = self.broken_until.max(self.ends);
            self.ends = self.begins;
        }
    }

    /// Adds the next line, with its end, to the row; no more than one byte over the bound. Gives its length.
    fn add_line(&mut self) -> io::Result<usize> {
        let before = self.row.len();
        let back = &self.back[self.back_at..];
        let taken = memchr(b'\n', back).map_or(back.len(), |at| at + 1);
        self.row.extend_from_slice(&back[..taken]);
        self.back_at += taken;
        if self.back_at == self.back.len() {
            (self.back, self.back_at) = (Vec::new(), 0);
        }
        if !self.row[before..].ends_with(b"\n") {
            let room = (self.longest + 1).saturating_sub(self.row.len()) as u64;
            (&mut self.reader).take(room).read_until(b'\n', &mut self.row)?;
        }
        let length = self.row.len() - before;
        self.ends += u64::from(length > 0);
        Ok(length)
    }

    /// Passes over the rest of a line that is too long.
    fn discard_line(&mut self) -> io::Result<()> {
        while !self.row.ends_with(b"\n") {
            self.row.clear();
            if (&mut self.reader).take(BUFFER as u64).read_until(b'\n', &mut self.row)? == 0 {
                break;
            }
        }
        self.row.clear();
        self.first_line = 0;
        Ok(())
    }
}

fn strip_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(BYTE_ORDER_MARK).unwrap_or(text)
}

/// A line without its end, and the end.
fn cut_end(line: &[u8]) -> (&[u8], &[u8]) {
    let text = line.strip_suffix(b"\n").unwrap_or(line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    line.split_at(text.len())
}

/// Cuts a line at each separator.
fn split(text: &[u8], separators: impl Iterator<Item = usize>, width: usize, cells: &mut ByteRecord) {
    let mut from = 0;
    for at in separators {
        cells.push_field(&text[from..at]);
        from = at + width;
    }
    cells.push_field(&text[from..]);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// At the beginning of a cell.
    Begin,
    /// In a cell without quotes, or behind its closing quote.
    Bare,
    /// Between quotes.
    Quoted,
    /// Behind a quote between quotes: the closing one, or the first of two that stand for one.
    Quote,
}

/// Splits a row in which there are quotes, line by line.
struct Quotes {
    separator: u8,
    state: State,
    cell: Vec<u8>,
}

impl Quotes {
    fn new(separator: u8) -> Self {
        Self { separator, state: State::Begin, cell: Vec::new() }
    }

    /// Takes one line and its end; says whether the row goes on behind it.
    fn line(&mut self, text: &[u8], end: &[u8], cells: &mut ByteRecord) -> bool {
        for &byte in text {
            self.state = match self.state {
                State::Begin if byte == b'"' => State::Quoted,
                State::Quoted if byte == b'"' => State::Quote,
                State::Quoted => self.keep(byte, State::Quoted),
                State::Quote if byte == b'"' => self.keep(byte, State::Quoted),
                State::Begin | State::Bare | State::Quote if byte == self.separator => {
                    cells.push_field(&self.cell);
                    self.cell.clear();
                    State::Begin
                }
                State::Begin | State::Bare | State::Quote => self.keep(byte, State::Bare),
            };
        }
        let goes_on = self.state == State::Quoted;
        if goes_on {
            self.cell.extend_from_slice(end);
        } else {
            cells.push_field(&self.cell);
        }
        goes_on
    }

    fn keep(&mut self, byte: u8, state: State) -> State {
        self.cell.push(byte);
        state
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(bytes: &[u8], longest: usize) -> Text<&[u8]> {
        Text { longest, ..Text::new(Unpacked::new(Vec::new(), bytes), Separator::Quoted(b',')) }
    }

    /// Every row with its line; bad rows are rejected.
    fn rows(bytes: &[u8], longest: usize) -> Vec<(u64, Outcome, Vec<Vec<u8>>)> {
        let (mut text, mut cells, mut rows) = (text(bytes, longest), ByteRecord::new(), Vec::new());
        loop {
            let read = text.read(&mut cells).unwrap();
            if read == Outcome::End {
                return rows;
            }
            let whole = read == Outcome::Row;
            let cells = if whole { cells.iter().map(<[u8]>::to_vec).collect() } else { Vec::new() };
            rows.push((text.line(), read, cells));
            if !whole {
                text.reject();
            }
        }
    }

    fn kinds(bytes: &[u8], longest: usize) -> Vec<(u64, Outcome)> {
        rows(bytes, longest).into_iter().map(|(line, read, _)| (line, read)).collect()
    }

    #[test]
    fn a_quote_that_is_not_closed_costs_its_line_and_not_the_rest_of_the_file() {
        use Outcome::{OpenQuote, Row};
        assert_eq!(kinds(b"a,\"b\nc,d\ne,f\n", 1000), [(1, OpenQuote), (2, Row), (3, Row)]);
        assert_eq!(kinds(b"a,\"b", 1000), [(1, OpenQuote)]);
    }

    #[test]
    fn rows_have_a_longest_length() {
        use Outcome::{Long, OpenQuote, Row};
        assert_eq!(kinds(b"a,bcdefghijk\nc,d\n", 8), [(1, Long), (2, Row)]);
        assert_eq!(kinds(b"a,\"b\nc,d\ne,f\n", 8), [(1, Long), (2, Row), (3, Row)]);
        assert_eq!(kinds(b"a,bcdef\n", 8), [(1, Row)]);
        assert_eq!(kinds(b"a,bcdefghijk", 8), [(1, Long)]);
        let reopening = b"b\"c,\"d\n".repeat(4);
        assert_eq!(kinds(&reopening, 8), [(1, Long), (2, OpenQuote), (3, Long), (4, OpenQuote)]);
    }

    #[test]
    fn lines_that_reopen_a_quote_for_ever_are_each_read_twice_at_most() {
        let bytes = b"b\"c,\"d\n".repeat(100_000);
        assert!(kinds(&bytes, LONGEST_ROW).into_iter().all(|(_, read)| read == Outcome::OpenQuote));
    }

    #[test]
    fn a_line_break_between_quotes_is_kept_as_it_is() {
        let cells = |bytes| rows(bytes, 100).into_iter().map(|(_, _, cells)| cells).collect::<Vec<_>>();
        assert_eq!(cells(b"\"a\r\nb\",c\r\n"), [[b"a\r\nb".to_vec(), b"c".to_vec()]]);
        assert_eq!(cells(b"a,\"b\r\"\r\n"), [[b"a".to_vec(), b"b\r".to_vec()]]);
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_csv_crate(bytes in proptest::collection::vec(proptest::sample::select(&b"\",a\n\xc3"[..]), 0..60)) {
            let mut oracle = csv::ReaderBuilder::new();
            oracle.has_headers(false).flexible(true).terminator(csv::Terminator::Any(b'\n'));
            let mut oracle = oracle.from_reader(&bytes[..]).into_byte_records();
            let (mut text, mut cells) = (text(&bytes, 1000), ByteRecord::new());
            while text.read(&mut cells).unwrap() == Outcome::Row {
                if cells.len() == 1 && cells[0].is_empty() && text.row.len() <= 1 {
                    continue; // The csv crate passes over blank lines; here the table does.
                }
                prop_assert_eq!(&oracle.next().unwrap().unwrap(), &cells);
            }
        }

        #[test]
        fn any_bytes_end_and_lines_ascend(bytes in proptest::collection::vec(proptest::sample::select(&b"\",a\n\r"[..]), 0..80), longest in 1usize..30) {
            let lines: Vec<u64> = rows(&bytes, longest).into_iter().map(|(line, ..)| line).collect();
            prop_assert!(lines.is_sorted_by(|a, b| a < b));
        }
    }
}
