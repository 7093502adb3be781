//! The project's own layout: `interactions.csv`, `items.csv`, `users.csv`, `episodes.csv`.

use std::path::Path;

use super::columns::{Description, parts, read_items, read_users};
use super::episodes::read_episodes;
use super::event_reader::EventReader;
use super::table::{Format, Table};
use crate::data::builder::DatasetBuilder;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;

pub(super) fn read(dir: &Path) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::new();
    if let Some(table) = Table::open_if_there(&dir.join("items.csv"), Format::CSV)? {
        let id = table.column("item")?;
        let (title, text, categories) = (table.find("title"), table.find("text"), table.find("categories"));
        read_items(table, id, &mut builder, |row| Description {
            title: row.optional(title).to_owned(),
            text: row.optional(text),
            categories: parts(row.optional(categories), '|'),
        })?;
    }
    if let Some(table) = Table::open_if_there(&dir.join("users.csv"), Format::CSV)? {
        let id = table.column("user")?;
        read_users(table, id, &mut builder)?;
    }
    let path = dir.join("interactions.csv");
    let columns = Table::open(&path, Format::CSV)?;
    let mut reader = EventReader::csv().timestamp_column("timestamp");
    if columns.find("value").is_some() {
        reader = reader.value_column("value");
    }
    if columns.find("action").is_some() {
        reader = reader.action_column("action");
    }
    reader.read_into(path, &mut builder)?;
    let mut data = builder.build();
    if let Some(table) = Table::open_if_there(&dir.join("episodes.csv"), Format::CSV)? {
        let split = read_episodes(table, &data)?;
        data.set_pinned_split(Some(split));
    }
    Ok(data)
}
