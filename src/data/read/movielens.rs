//! The three layouts of `MovieLens`.

use super::columns::{Description, parts};
use super::event_reader::EventReader;
use super::folder::Folder;
use super::row::Row;
use super::table::{Encoding, Format, Header};
use super::text::Separator;
use crate::data::builder::DatasetBuilder;
use crate::data::dataset::Dataset;
use crate::data::error::DataError;

const RATINGS: &[&str] = &["user", "item", "value", "timestamp"];
const MOVIES: &[&str] = &["item", "title", "categories"];
const USERS_100K: &[&str] = &["user", "age", "gender", "occupation", "zip_code"];
const USERS_DAT: &[&str] = &["user", "gender", "age", "occupation", "zip_code"];
/// Five columns, and one flag for each genre.
const ITEMS_100K: &[&str] = &[
    "item",
    "title",
    "release_date",
    "video_release_date",
    "imdb_url",
    "unknown",
    "Action",
    "Adventure",
    "Animation",
    "Children's",
    "Comedy",
    "Crime",
    "Documentary",
    "Drama",
    "Fantasy",
    "Film-Noir",
    "Horror",
    "Musical",
    "Mystery",
    "Romance",
    "Sci-Fi",
    "Thriller",
    "War",
    "Western",
];
const FIRST_GENRE: usize = 5;

fn without_header(separator: Separator, columns: &'static [&'static str]) -> Format {
    Format { separator, header: Header::Fixed(columns), encoding: Encoding::Utf8OrLatin1 }
}

fn ratings(reader: EventReader) -> EventReader {
    reader.value_column("value").timestamp_column("timestamp")
}

/// `u.data`, `u.item`, `u.user`.
pub(super) fn read_100k(folder: &mut Folder) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::new();
    let bars = Separator::Bare(b'|');
    if let Some(table) = folder.table("u.item", without_header(bars, ITEMS_100K))? {
        folder.items(table, 0, &mut builder, |row| {
            let genres = (FIRST_GENRE..ITEMS_100K.len()).filter(|&genre| row.cell(genre).trim() == "1");
            let categories = genres.map(|genre| ITEMS_100K[genre]).collect();
            Description { title: row.cell(1).to_owned(), text: "", categories }
        })?;
    }
    if let Some(table) = folder.table("u.user", without_header(bars, USERS_100K))? {
        folder.users(table, 0, &mut builder)?;
    }
    let format = without_header(Separator::Bare(b'\t'), RATINGS);
    folder.event_file("u.data", &ratings(EventReader::with_format(format)), &mut builder)?;
    Ok(builder.build())
}

/// `ratings.dat`, `movies.dat`, `users.dat`.
pub(super) fn read_dat(folder: &mut Folder) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::new();
    let colons = Separator::DoubleColon;
    if let Some(table) = folder.table("movies.dat", without_header(colons, MOVIES))? {
        folder.items(table, 0, &mut builder, |row| movie(row, 1, 2))?;
    }
    if let Some(table) = folder.table("users.dat", without_header(colons, USERS_DAT))? {
        folder.users(table, 0, &mut builder)?;
    }
    let format = without_header(colons, RATINGS);
    folder.event_file("ratings.dat", &ratings(EventReader::with_format(format)), &mut builder)?;
    Ok(builder.build())
}

/// `ratings.csv`, `movies.csv`.
pub(super) fn read_csv(folder: &mut Folder) -> Result<Dataset, DataError> {
    let mut builder = DatasetBuilder::new();
    if let Some(table) = folder.table("movies.csv", Format::CSV)? {
        let (id, title, genres) = (table.column("movieId")?, table.column("title")?, table.column("genres")?);
        folder.items(table, id, &mut builder, |row| movie(row, title, genres))?;
    }
    let reader = EventReader::csv().user_column("userId").item_column("movieId");
    let reader = reader.value_column("rating").timestamp_column("timestamp");
    folder.event_file("ratings.csv", &reader, &mut builder)?;
    Ok(builder.build())
}

fn movie<'a>(row: &Row<'a>, title: usize, genres: usize) -> Description<'a> {
    let categories = match row.cell(genres) {
        "(no genres listed)" => Vec::new(),
        genres => parts(genres, '|'),
    };
    Description { title: row.cell(title).to_owned(), text: "", categories }
}
