//! Rows of a Parquet file, as cells of text.
//!
//! Read with the column readers of the crate `parquet`, without Arrow: a batch of rows at a time, each column into one buffer.

mod values;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use ::parquet::column::reader::{ColumnReader, ColumnReaderImpl};
use ::parquet::data_type::DataType;
use ::parquet::errors::ParquetError;
use ::parquet::file::reader::{ChunkReader, FileReader, SerializedFileReader};
use csv::ByteRecord;

use self::values::Kind;
use super::row_errors::Place;
use crate::data::error::DataError;

/// Rows that are unpacked at once.
const BATCH: usize = 1024;

/// Stands between the values of a list.
const LIST: u8 = b'|';

/// The rows of a Parquet file.
pub(in crate::data::read) struct Columns {
    path: PathBuf,
    file: Box<dyn FileReader>,
    leaves: Vec<Leaf>,
    /// The next group of rows.
    group: usize,
    /// Rows of the current group that are not in the batch yet.
    left: usize,
    /// Rows in the batch, and how many of them were given out.
    filled: usize,
    given: usize,
    /// Rows given out.
    row: u64,
}

/// One column.
struct Leaf {
    name: String,
    /// `None` if it is of a type that cannot be read.
    kind: Option<Kind>,
    wanted: bool,
    reader: Option<ColumnReader>,
    levels: Levels,
    cells: Cells,
}

/// How deep values lie: below these a place is null, or a list goes on.
#[derive(Default)]
struct Levels {
    most_defined: i16,
    defined: Vec<i16>,
    repeated: Vec<i16>,
}

/// The texts of one column in a batch, end to end.
#[derive(Default)]
struct Cells {
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Cells {
    fn cell(&self, row: usize) -> &[u8] {
        let from = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.text[from..self.ends[row]]
    }
}

impl fmt::Debug for Columns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Columns").field("path", &self.path).field("row", &self.row).finish_non_exhaustive()
    }
}

impl Columns {
    /// Reads the table of contents.
    pub fn new(path: &Path, bytes: impl ChunkReader + 'static) -> Result<Self, DataError> {
        let file = guarded(|| SerializedFileReader::new(bytes)).map_err(|source| broken(path, source))?;
        let schema = file.metadata().file_metadata().schema_descr();
        let mut leaves_of = vec![0; schema.num_columns()];
        (0..schema.num_columns()).for_each(|leaf| leaves_of[schema.get_column_root_idx(leaf)] += 1);
        let alone = |leaf: usize| leaves_of[schema.get_column_root_idx(leaf)] == 1;
        let leaves = schema.columns().iter().enumerate().map(|(leaf, column)| Leaf {
            name: if alone(leaf) { schema.get_column_root(leaf).name().to_owned() } else { column.path().string() },
            kind: Kind::of(column),
            wanted: true,
            reader: None,
            levels: Levels { most_defined: column.max_def_level(), ..Levels::default() },
            cells: Cells::default(),
        });
        let (path, leaves) = (path.to_owned(), leaves.collect());
        Ok(Self { path, file: Box::new(file), leaves, group: 0, left: 0, filled: 0, given: 0, row: 0 })
    }

    /// The names of the columns: of those in groups with several, their paths with points between.
    pub fn names(&self) -> Vec<String> {
        self.leaves.iter().map(|leaf| leaf.name.clone()).collect()
    }

    /// Leaves all other columns unread: their cells are empty.
    pub fn want(&mut self, columns: &[usize]) {
        for (place, leaf) in self.leaves.iter_mut().enumerate() {
            leaf.wanted = columns.contains(&place);
        }
    }

    /// Reads the next row and says where it stands; `None` at the end.
    pub fn read(&mut self, cells: &mut ByteRecord) -> Result<Option<Place>, DataError> {
        cells.clear();
        while self.given == self.filled {
            if !self.fill()? {
                return Ok(None);
            }
        }
        for leaf in &self.leaves {
            cells.push_field(if leaf.wanted { leaf.cells.cell(self.given) } else { b"" });
        }
        self.given += 1;
        self.row += 1;
        Ok(Some(Place::Row(self.row)))
    }

    /// Reads a batch, of the next group if this one is at its end; `false` at the end.
    fn fill(&mut self) -> Result<bool, DataError> {
        if self.left == 0 {
            if self.group == self.file.num_row_groups() {
                return Ok(false);
            }
            self.open_group()?;
        }
        let rows = self.left.min(BATCH);
        for leaf in self.leaves.iter_mut().filter(|leaf| leaf.wanted) {
            guarded(|| leaf.fill(rows)).map_err(|source| broken(&self.path, source))?;
        }
        self.left -= rows;
        (self.filled, self.given) = (rows, 0);
        Ok(true)
    }

    fn open_group(&mut self) -> Result<(), DataError> {
        let failed = |source| broken(&self.path, source);
        let group = guarded(|| self.file.get_row_group(self.group)).map_err(failed)?;
        let rows = group.metadata().num_rows();
        let negative = || failed(ParquetError::General(format!("{rows} rows in a group: expected 0 or more")));
        self.left = usize::try_from(rows).map_err(|_| negative())?;
        for (place, leaf) in self.leaves.iter_mut().enumerate().filter(|(_, leaf)| leaf.wanted) {
            let chunk = group.metadata().columns().get(place);
            let in_file = chunk.is_some_and(|chunk| {
                let from = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
                from >= 0 && chunk.compressed_size() >= 0
            });
            if !in_file {
                return Err(failed(ParquetError::General(format!("column {:?} is not in the file", leaf.name))));
            }
            leaf.reader = Some(guarded(|| group.get_column_reader(place)).map_err(failed)?);
        }
        self.group += 1;
        Ok(())
    }
}

/// The crate panics on some files that are damaged: for a caller these are errors like others. (Where panics abort, they abort.)
fn guarded<T>(read: impl FnOnce() -> Result<T, ParquetError>) -> Result<T, ParquetError> {
    let panicked = |_| Err(ParquetError::General("its parts do not fit together".to_owned()));
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(panicked)
}

fn broken(path: &Path, source: ParquetError) -> DataError {
    DataError::Parquet { path: path.to_owned(), source: Box::new(source) }
}

impl Leaf {
    /// Reads the cells of as many rows.
    fn fill(&mut self, rows: usize) -> Result<(), ParquetError> {
        let Self { name, kind, reader, levels, cells, .. } = self;
        let unreadable = || ParquetError::General(format!("column {name:?} has a type that cannot be read"));
        let kind = kind.ok_or_else(unreadable)?;
        let read = match reader {
            None => 0,
            Some(ColumnReader::BoolColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.bool(*v, out))?
            }
            Some(ColumnReader::Int32ColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.i32(*v, out))?
            }
            Some(ColumnReader::Int64ColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.i64(*v, out))?
            }
            Some(ColumnReader::Int96ColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.i64(v.to_seconds(), out))?
            }
            Some(ColumnReader::FloatColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.number(*v, out))?
            }
            Some(ColumnReader::DoubleColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.number(*v, out))?
            }
            Some(ColumnReader::ByteArrayColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.bytes(v.data(), out))?
            }
            Some(ColumnReader::FixedLenByteArrayColumnReader(reader)) => {
                levels.read(reader, rows, cells, |v, out| kind.bytes(v.data(), out))?
            }
        };
        if read == rows && cells.ends.len() == rows {
            return Ok(());
        }
        Err(ParquetError::General(format!("column {name:?} ends early")))
    }
}

impl Levels {
    /// Reads the values of as many rows into cells, and says how many rows there were.
    fn read<T: DataType>(
        &mut self,
        reader: &mut ColumnReaderImpl<T>,
        rows: usize,
        cells: &mut Cells,
        write: impl Fn(&T::T, &mut Vec<u8>),
    ) -> Result<usize, ParquetError> {
        let Self { most_defined, defined, repeated } = self;
        defined.clear();
        repeated.clear();
        cells.text.clear();
        cells.ends.clear();
        let mut values: Vec<T::T> = Vec::new();
        let (read, _, levels) = reader.read_records(rows, Some(defined), Some(repeated), &mut values)?;
        let mut values = values.iter();
        let mut in_list = 0;
        for level in 0..levels {
            if repeated.get(level).is_none_or(|&repeated| repeated == 0) {
                if level > 0 {
                    cells.ends.push(cells.text.len());
                }
                in_list = 0;
            }
            if defined.get(level).is_some_and(|defined| defined < most_defined) {
                continue;
            }
            let Some(value) = values.next() else { break };
            if in_list > 0 {
                cells.text.push(LIST);
            }
            in_list += 1;
            write(value, &mut cells.text);
        }
        if levels > 0 {
            cells.ends.push(cells.text.len());
        }
        Ok(read)
    }
}
