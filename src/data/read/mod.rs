//! Reading events, items and users from files.

mod columns;
mod dir;
mod episodes;
mod event_reader;
mod movielens;
mod neutral;
mod recbole;
mod row;
mod source;
mod table;

pub use dir::read_dir;
pub use event_reader::{EventReader, EventRows};
