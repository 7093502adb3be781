//! Whole folders: which layout it is, told by the files that are there.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

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
/// Files of items and users may be missing. A byte order mark and CRLF are tolerated; `u.*` and `*.dat` may be Latin-1, all else
/// is UTF-8. Columns that are not named here are passed over, but kept for users. RecBole's title gets its `release_year` appended
/// as in `"Heat (1995)"` unless it ends in it; the categories are the words of `class`, `genre`, `genres` or `categories`. In the
/// project's own layout `episodes.csv` (`user,item[,value][,action],timestamp,role,split`) becomes [`Dataset::pinned_split`].
///
/// Rows are read one at a time; memory is that of the [`Dataset`] being built (see [`DatasetBuilder`](crate::data::DatasetBuilder)).
///
/// # Errors
/// [`DataError::UnknownLayout`] if none of the files is there, [`DataError::AmbiguousLayout`] if there are several `*.inter`; else the
/// first thing that is wrong in a file: a column that is not there, a bad number, an id that stands twice, no rows at all.
///
/// ```no_run
/// let data = metarec::data::read_dir("ml-100k")?;
/// println!("{} events of {} users", data.events().len(), data.users().len());
/// # Ok::<(), metarec::data::DataError>(())
/// ```
pub fn read_dir(path: impl AsRef<Path>) -> Result<Dataset, DataError> {
    let path = path.as_ref();
    let files = list(path)?;
    let has = |name: &str| files.iter().any(|file| file.file_name() == Some(OsStr::new(name)));
    if has("interactions.csv") {
        return neutral::read(path);
    }
    if has("u.data") {
        return movielens::read_100k(path);
    }
    if has("ratings.dat") {
        return movielens::read_dat(path);
    }
    if has("ratings.csv") {
        return movielens::read_csv(path);
    }
    let inter: Vec<&PathBuf> = files.iter().filter(|file| file.extension() == Some(OsStr::new("inter"))).collect();
    match inter[..] {
        [] => Err(DataError::UnknownLayout { path: path.to_owned(), looked_for: LOOKED_FOR }),
        [one] => recbole::read(one),
        _ => Err(DataError::AmbiguousLayout {
            path: path.to_owned(),
            found: inter.into_iter().map(|file| name_of(file)).collect(),
        }),
    }
}

fn name_of(file: &Path) -> String {
    file.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// The files of a folder, sorted.
fn list(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    let failed = |source| DataError::Io { path: path.to_owned(), source };
    let entries = std::fs::read_dir(path).map_err(failed)?;
    let mut files =
        entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>().map_err(failed)?;
    files.sort_unstable();
    Ok(files)
}
