//! `RecBole`'s atomic files: tabs, and a header of `name:type`.

use super::columns::Description;
use super::event_reader::EventReader;
use super::folder::Folder;
use super::table::{Encoding, Format, Header};
use super::text::Separator;
use crate::data::builder::DatasetBuilder;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;

const ATOMIC: Format = Format { separator: Separator::Bare(b'\t'), header: Header::Typed, encoding: Encoding::Utf8 };
const TITLES: &[&str] = &["movie_title", "title", "item_name", "name"];
const CATEGORIES: &[&str] = &["class", "genre", "genres", "categories"];

/// Reads `name.inter` and what lies beside it.
pub(super) fn read(folder: &mut Folder, inter: &str) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::new();
    let stem = inter.strip_suffix(".inter").unwrap_or(inter);
    if let Some(table) = folder.table(&format!("{stem}.item"), ATOMIC)? {
        let id = table.column("item_id")?;
        let first = |names: &[&str]| names.iter().find_map(|name| table.find(name));
        let (title, year, categories) = (first(TITLES), table.find("release_year"), first(CATEGORIES));
        folder.items(table, id, &mut builder, |row| Description {
            title: with_year(row.optional(title), row.optional(year)),
            text: "",
            categories: row.optional(categories).split_whitespace().collect(),
        })?;
    }
    if let Some(table) = folder.table(&format!("{stem}.user"), ATOMIC)? {
        let id = table.column("user_id")?;
        folder.users(table, id, &mut builder)?;
    }
    if let Some(table) = folder.table(inter, ATOMIC)? {
        let mut reader = EventReader::with_format(ATOMIC).user_column("user_id").item_column("item_id");
        if table.find("rating").is_some() {
            reader = reader.value_column("rating");
        }
        if table.find("timestamp").is_some() {
            reader = reader.timestamp_column("timestamp");
        }
        folder.events(table, &reader, &mut builder)?;
    }
    Ok(builder.build())
}

/// `"Heat"` and `"1995"` or `"1995.0"` make `"Heat (1995)"`, unless the title ends so already.
fn with_year(title: &str, year: &str) -> String {
    let year = year.strip_suffix(".0").unwrap_or(year);
    let suffix = format!(" ({year})");
    if title.is_empty() || year.is_empty() || title.ends_with(&suffix) {
        title.to_owned()
    } else {
        title.to_owned() + &suffix
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_year_is_appended_once() {
        assert_eq!(with_year("Heat", "1995"), "Heat (1995)");
        assert_eq!(with_year("Heat", "1995.0"), "Heat (1995)");
        assert_eq!(with_year("Heat (1995)", "1995"), "Heat (1995)");
        assert_eq!(with_year("Heat", ""), "Heat");
        assert_eq!(with_year("", "1995"), "");
    }
}
