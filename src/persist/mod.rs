//! What is kept on disk: a folder of named parts, written whole or not at all, and checked part by part when it is read.

mod bundle;
mod error;
mod folder;
mod records;
#[cfg(test)]
mod tests;

pub use bundle::{Bundle, ModelFacts};
pub use error::PersistError;
pub use folder::{FORMAT_VERSION, Manifest, Parts, parts_fingerprint, read_parts, write_parts};
pub use records::{module_bytes, module_from_bytes, numbered};
