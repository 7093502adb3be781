//! Items and users from a table: what all layouts share.

use std::io::Read;

use super::row::Row;
use super::row_errors::{FileReport, OnRowError};
use super::table::Table;
use crate::data::builder::DatasetBuilder;
use crate::data::error::DataError;

const FIRST: &str = "an id that does not stand on an earlier line";

/// Adds all rows of a table of items. `describe` says title, text and categories of a row.
pub(super) fn read_items<R: Read>(
    table: Table<R>,
    id: usize,
    rule: OnRowError,
    builder: &mut DatasetBuilder,
    describe: impl for<'a> Fn(&Row<'a>) -> Description<'a>,
) -> Result<FileReport, DataError> {
    table.for_each(rule, |row| {
        let item = row.id(id)?;
        if builder.catalogue_mut().find(item).is_some() {
            return Err(row.error(id, FIRST));
        }
        let Description { title, text, categories } = describe(row);
        builder.catalogue_mut().describe(item, &title, text, categories);
        Ok(())
    })
}

/// What a row says of its item.
#[derive(Default)]
pub(super) struct Description<'a> {
    pub title: String,
    pub text: &'a str,
    pub categories: Vec<&'a str>,
}

/// The categories in a cell: its parts without those that are empty.
pub(super) fn parts(cell: &str, separator: char) -> Vec<&str> {
    cell.split(separator).map(str::trim).filter(|part| !part.is_empty()).collect()
}

/// Adds all rows of a table of users: every column but the id is kept under its name.
pub(super) fn read_users<R: Read>(
    table: Table<R>,
    id: usize,
    rule: OnRowError,
    builder: &mut DatasetBuilder,
) -> Result<FileReport, DataError> {
    let names = table.columns().to_vec();
    table.for_each(rule, |row| {
        let user = row.id(id)?;
        if builder.users().find(user).is_some() {
            return Err(row.error(id, FIRST));
        }
        let cells = (0..names.len()).filter(|&place| place != id).map(|place| (names[place].as_str(), row.cell(place)));
        builder.describe_user(user, cells).map(drop)
    })
}
