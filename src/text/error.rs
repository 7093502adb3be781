//! What can be wrong with a pretrained model, its folder or its cache.

use std::path::{Path, PathBuf};

/// A pretrained model can't be read or asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// The file system said no.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
    /// A file of the model's folder is not what it should be.
    #[error("{}: {found}: expected {expected}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// The field and its value, or what was found.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// Weights are missing, or of another shape than the configuration says.
    #[error("{}: weight {name}: {found}: expected {expected}", path.display())]
    Weight {
        /// Which file.
        path: PathBuf,
        /// Which tensor, by its name in the file.
        name: String,
        /// Its shape, or that there is none.
        found: String,
        /// The shape that the configuration says.
        expected: String,
    },
    /// A text can't be cut into tokens.
    #[error("text {index} can't be cut into tokens: {why}")]
    Tokens {
        /// Which text, counted from 0.
        index: usize,
        /// What the tokenizer said.
        why: String,
    },
    /// A text is longer than a model reads.
    #[error("{tokens} tokens: expected at most the {most} that the model reads")]
    TooLong {
        /// Of the text and what is to follow it.
        tokens: usize,
        /// What the model reads.
        most: usize,
    },
    /// What was asked for can't be.
    #[error("{found}: expected {expected}")]
    Option {
        /// The option and its value.
        found: String,
        /// Its bounds.
        expected: String,
    },
    /// A server gave no answer, or one that can't be used.
    #[error("{address}: {why} (attempts: {attempts})")]
    Remote {
        /// Where the request went.
        address: String,
        /// How often it was sent.
        attempts: u32,
        /// What the last attempt came to: the server's words, cut short and without the key.
        why: String,
    },
    /// A request might cost more than is left of a budget, and was not sent.
    #[error("a request of at most {most} tokens: expected at most the {left} that are left of the budget")]
    Budget {
        /// What it can cost at most.
        most: u64,
        /// What is left.
        left: u64,
    },
    /// An encoder gave something else than a finite vector of its width for each text.
    #[error("the encoder gave {found}: expected {expected}")]
    Vectors {
        /// What it gave.
        found: String,
        /// What it should have given.
        expected: String,
    },
}

impl TextError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::Io { path, source }
    }

    #[cfg(feature = "lm")]
    pub(crate) fn option(found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Option { found: found.into(), expected: expected.into() }
    }

    #[cfg(any(feature = "text", feature = "lm"))]
    pub(crate) fn file(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::File { path: path.to_owned(), found: found.into(), expected: expected.into() }
    }
}
