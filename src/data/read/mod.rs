//! Reading events, items and users from files.

mod columns;
mod dir;
mod episodes;
mod event_reader;
mod event_rows;
mod folder;
mod movielens;
mod neutral;
#[cfg(feature = "parquet")]
mod parquet;
mod recbole;
mod row;
mod row_errors;
mod source;
mod table;
mod text;
mod unpack;

pub use dir::{DirReader, read_dir};
pub use event_reader::EventReader;
pub use event_rows::EventRows;
pub use row_errors::{FileReport, OnRowError, Place, ReadReport, RowError, RowErrorCount};
