//! The project's own layout: `interactions.csv`, `items.csv`, `users.csv`, `episodes.csv`.

use super::columns::{Description, parts};
use super::episodes::read_episodes;
use super::event_reader::EventReader;
use super::folder::Folder;
use super::table::Format;
use crate::data::builder::DatasetBuilder;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;

pub(super) fn read(folder: &mut Folder) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::new();
    if let Some(table) = folder.table("items.csv", Format::CSV)? {
        let id = table.column("item")?;
        let (title, text, categories) = (table.find("title"), table.find("text"), table.find("categories"));
        folder.items(table, id, &mut builder, |row| Description {
            title: row.optional(title).to_owned(),
            text: row.optional(text),
            categories: parts(row.optional(categories), '|'),
        })?;
    }
    if let Some(table) = folder.table("users.csv", Format::CSV)? {
        let id = table.column("user")?;
        folder.users(table, id, &mut builder)?;
    }
    if let Some(table) = folder.table("interactions.csv", Format::CSV)? {
        let mut reader = EventReader::csv().timestamp_column("timestamp");
        if table.find("value").is_some() {
            reader = reader.value_column("value");
        }
        if table.find("action").is_some() {
            reader = reader.action_column("action");
        }
        folder.events(table, &reader, &mut builder)?;
    }
    let mut data = builder.build();
    if let Some(table) = folder.table("episodes.csv", Format::CSV)? {
        let split = read_episodes(table, &data)?;
        data.set_pinned_split(Some(split));
    }
    Ok(data)
}
