//! What can be wrong with a folder.

use std::path::PathBuf;

/// A folder can't be written or read. What is on disk is never half-written: an error in writing leaves what was there before.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PersistError {
    /// The file system said no.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// The folder has no manifest, or one of another kind: metarec did not write it.
    #[error("{path}: not a metarec {expected} folder: {why}", path = path.display())]
    Foreign {
        /// Which folder.
        path: PathBuf,
        /// What kind was expected.
        expected: &'static str,
        /// What was found instead.
        why: String,
    },
    /// The folder was written by a version of the format that this crate does not read.
    #[error("{path}: format version {found}: this crate reads version {expected}", path = path.display())]
    Version {
        /// Which folder.
        path: PathBuf,
        /// The version found.
        found: u32,
        /// The version read.
        expected: u32,
    },
    /// A part is missing.
    #[error("{path}: part {part:?} is missing", path = path.display())]
    Missing {
        /// Which folder.
        path: PathBuf,
        /// Which part.
        part: String,
    },
    /// A part is shorter or longer than it was when written.
    #[error("{path}: {found} bytes: expected {expected}; the file was cut or overwritten", path = path.display())]
    Length {
        /// Which file.
        path: PathBuf,
        /// Its length.
        found: u64,
        /// Its length when written.
        expected: u64,
    },
    /// A part has other bytes than it had when written.
    #[error("{path}: checksum {found}: expected {expected}; the file was changed", path = path.display())]
    Checksum {
        /// Which file.
        path: PathBuf,
        /// SHA-256 of its bytes.
        found: String,
        /// SHA-256 when written.
        expected: String,
    },
    /// A part's bytes are whole but do not say what they should.
    #[error("part {part:?}: {source}")]
    Malformed {
        /// Which part.
        part: String,
        /// What its reader said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
