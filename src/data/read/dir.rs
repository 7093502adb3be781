//! Whole folders: which layout it is, told by the files that are there.

use std::path::Path;

use super::folder::Folder;
use super::row_errors::{OnRowError, ReadReport};
use super::{movielens, neutral, recbole};
use crate::data::dataset::Dataset;
use crate::data::error::DataError;

/// The files by which a layout is known, in the order in which they are looked for.
const LOOKED_FOR: &[&str] = &["interactions.csv", "u.data", "ratings.dat", "ratings.csv", "*.inter"];

/// Reads a folder whose layout is known by its files, looked for in this order:
///
/// | file | layout | items | users |
/// |---|---|---|---|
/// | `interactions.csv` | this project's own: `user,item[,action][,value],timestamp` | `items.csv`: `item[,title][,text][,categories]`, categories as `a\|b` | `users.csv`: `user` and any columns |
/// | `u.data` | MovieLens 100K | `u.item` | `u.user` |
/// | `ratings.dat` | MovieLens 1M and 10M, `::` between cells | `movies.dat` | `users.dat` |
/// | `ratings.csv` | MovieLens since 2015 | `movies.csv` | |
/// | `*.inter` | RecBole's atomic files, header `name:type` | `*.item` | `*.user` |
///
/// Each file may be packed with gzip, under its own name or with `.gz` behind it; those of the project's own layout may be Parquet
/// and end in `.parquet` (with the feature `parquet`; its types are told at [`EventReader`](crate::data::EventReader)). What a file
/// is, is told by its first bytes and not by its name.
///
/// Files of items and users may be missing. A byte order mark and CRLF are tolerated; `u.*` and `*.dat` may be Latin-1, all else
/// is UTF-8. Columns that are not named here are passed over, but kept for users. RecBole's title gets its `release_year` appended
/// as in `"Heat (1995)"` unless it ends in it; the categories are the words of `class`, `genre`, `genres` or `categories`. In the
/// project's own layout `episodes.csv` (`user,item[,value][,action],timestamp,role,split`) becomes [`Dataset::pinned_split`].
///
/// Rows are read one at a time; memory is that of the [`Dataset`] being built (see [`DatasetBuilder`](crate::data::DatasetBuilder)),
/// and at most 16 MiB for one row.
///
/// # Errors
/// [`DataError::UnknownLayout`] if none of the files is there, [`DataError::AmbiguousLayout`] if there are several of one kind; else
/// the first thing that is wrong in a file: a column that is not there, a bad number, an id that stands twice, no rows at all. A
/// [`DirReader`] passes over bad rows.
///
/// ```no_run
/// let data = metarec::data::read_dir("ml-100k")?;
/// println!("{} events of {} users", data.events().len(), data.users().len());
/// # Ok::<(), metarec::data::DataError>(())
/// ```
pub fn read_dir(path: impl AsRef<Path>) -> Result<Dataset, DataError> {
    DirReader::new().read(path).map(|(data, _)| data)
}

/// Reads folders as [`read_dir`] does, and may pass over rows that are malformed.
///
/// ```no_run
/// use metarec::data::{DirReader, OnRowError};
///
/// let (data, report) = DirReader::new().on_row_error(OnRowError::Skip { at_most: 100 }).read("shop")?;
/// println!("{} events, {} rows skipped:\n{report}", data.events().len(), report.skipped());
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct DirReader {
    rule: OnRowError,
}

impl DirReader {
    /// A reader that ends at the first malformed row.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What happens to malformed rows. The rows of `episodes.csv` are never skipped: a protocol with holes is another protocol.
    #[must_use]
    pub fn on_row_error(mut self, rule: OnRowError) -> Self {
        self.rule = rule;
        self
    }

    /// Reads a folder, and says what became of the rows of each file.
    ///
    /// # Errors
    /// As [`read_dir`]; [`DataError::RowErrors`] if a file has more malformed rows than may be skipped, or no good one.
    pub fn read(&self, path: impl AsRef<Path>) -> Result<(Dataset, ReadReport), DataError> {
        let mut folder = Folder::open(path.as_ref(), self.rule)?;
        let data = if folder.has("interactions.csv") || folder.has("interactions.parquet") {
            neutral::read(&mut folder)
        } else if folder.has("u.data") {
            movielens::read_100k(&mut folder)
        } else if folder.has("ratings.dat") {
            movielens::read_dat(&mut folder)
        } else if folder.has("ratings.csv") {
            movielens::read_csv(&mut folder)
        } else {
            let inter = folder.ending_in(".inter");
            match &inter[..] {
                [] => Err(DataError::UnknownLayout { path: path.as_ref().to_owned(), looked_for: LOOKED_FOR }),
                [one] => recbole::read(&mut folder, one),
                _ => Err(folder.ambiguous("*.inter file", inter)),
            }
        };
        Ok((data?, folder.into_report()))
    }
}
