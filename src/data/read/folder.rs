//! The files of a folder, by the names they may have.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::columns::{Description, read_items, read_users};
use super::event_reader::EventReader;
use super::row::Row;
use super::row_errors::{FileReport, OnRowError, ReadReport};
use super::table::{Format, Table};
use crate::data::builder::DatasetBuilder;
use crate::data::error::DataError;

/// A folder that is being read, and the account of it.
pub(super) struct Folder {
    path: PathBuf,
    /// The names of its files, sorted.
    names: Vec<String>,
    rule: OnRowError,
    report: ReadReport,
}

impl Folder {
    pub fn open(path: &Path, rule: OnRowError) -> Result<Self, DataError> {
        let failed = |source| DataError::Io { path: path.to_owned(), source };
        let mut names = Vec::new();
        for entry in std::fs::read_dir(path).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(Self { path: path.to_owned(), names, rule, report: ReadReport::default() })
    }

    /// What became of the rows.
    pub fn into_report(self) -> ReadReport {
        self.report
    }

    /// Whether there is a file of this name, or of it with `.gz` behind it.
    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|file| plain(file) == name)
    }

    /// The names that end so, without `.gz`.
    pub fn ending_in(&self, end: &str) -> Vec<String> {
        self.names.iter().map(|file| plain(file)).filter(|name| name.ends_with(end)).map(str::to_owned).collect()
    }

    /// The error that says that there are several files of which there must be one.
    pub fn ambiguous(&self, expected: &'static str, found: Vec<String>) -> DataError {
        DataError::AmbiguousLayout { path: self.path.clone(), expected, found }
    }

    /// The file of this name, packed or not. Where it ends in `.csv` a file that ends in `.parquet` is as good.
    pub fn find(&self, name: &str) -> Result<Option<PathBuf>, DataError> {
        let columns = name.strip_suffix(".csv").map(|stem| format!("{stem}.parquet"));
        let is_it = |file: &&String| plain(file) == name || Some(*file) == columns.as_ref();
        let found: Vec<&String> = self.names.iter().filter(is_it).collect();
        match found[..] {
            [] => Ok(None),
            [one] => Ok(Some(self.path.join(one))),
            _ => Err(self.ambiguous("of these files", found.into_iter().cloned().collect())),
        }
    }

    /// Opens the file of this name; `None` if there is none.
    pub fn table(&self, name: &str, format: Format) -> Result<Option<Table<File>>, DataError> {
        self.find(name)?.map(|path| Table::open(&path, format)).transpose()
    }

    /// Adds the items of a table.
    pub fn items(
        &mut self,
        table: Table<File>,
        id: usize,
        builder: &mut DatasetBuilder,
        describe: impl for<'a> Fn(&Row<'a>) -> Description<'a>,
    ) -> Result<(), DataError> {
        let report = read_items(table, id, self.rule, builder, describe)?;
        self.keep(report);
        Ok(())
    }

    /// Adds the users of a table.
    pub fn users(&mut self, table: Table<File>, id: usize, builder: &mut DatasetBuilder) -> Result<(), DataError> {
        let report = read_users(table, id, self.rule, builder)?;
        self.keep(report);
        Ok(())
    }

    /// Adds the events of a table.
    pub fn events(
        &mut self,
        table: Table<File>,
        reader: &EventReader,
        builder: &mut DatasetBuilder,
    ) -> Result<(), DataError> {
        let report = reader.clone().on_row_error(self.rule).add_table(table, builder)?;
        self.keep(report);
        Ok(())
    }

    /// Adds the events of the file of this name, which must be there.
    pub fn event_file(
        &mut self,
        name: &str,
        reader: &EventReader,
        builder: &mut DatasetBuilder,
    ) -> Result<(), DataError> {
        let path = self.find(name)?.unwrap_or_else(|| self.path.join(name));
        let report = reader.clone().on_row_error(self.rule).read_into(path, builder)?;
        self.keep(report);
        Ok(())
    }

    fn keep(&mut self, report: FileReport) {
        self.report.files.push(report);
    }
}

fn plain(file: &str) -> &str {
    file.strip_suffix(".gz").unwrap_or(file)
}
