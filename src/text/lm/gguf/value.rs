//! What a file says before its weights begin.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::text::TextError;

/// One thing that is said of a model.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::text::lm) enum Value {
    Whole(i64),
    Real(f64),
    Truth(bool),
    Text(String),
    List(Vec<Value>),
}

impl Value {
    pub(in crate::text::lm) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(in crate::text::lm) fn list(&self) -> Option<&[Value]> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }
}

/// Codes of kinds of values.
const TEXT: u32 = 8;
const LIST: u32 = 9;

/// A file that is read from its beginning.
pub(super) struct Header {
    path: PathBuf,
    file: BufReader<File>,
    position: u64,
    length: u64,
}

impl Header {
    pub(super) fn new(path: &Path, file: BufReader<File>, length: u64) -> Self {
        Self { path: path.to_owned(), file, position: 0, length }
    }

    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn into_file(self) -> BufReader<File> {
        self.file
    }

    pub(super) fn wrong(&self, found: impl Into<String>, expected: &str) -> TextError {
        TextError::file(&self.path, found, expected)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), TextError> {
        match self.file.read_exact(bytes) {
            Ok(()) => {
                self.position += bytes.len() as u64;
                Ok(())
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                Err(self.wrong(format!("it ends at byte {}", self.length), "a whole header"))
            }
            Err(error) => Err(TextError::io(&self.path)(error)),
        }
    }

    pub(super) fn bytes<const N: usize>(&mut self) -> Result<[u8; N], TextError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, TextError> {
        Ok(u32::from_le_bytes(self.bytes()?))
    }

    pub(super) fn u64(&mut self) -> Result<u64, TextError> {
        Ok(u64::from_le_bytes(self.bytes()?))
    }

    /// A number of things of which each takes at least a byte of the rest of the file.
    pub(super) fn count(&mut self, what: &str) -> Result<usize, TextError> {
        let (count, left) = (self.u64()?, self.length.saturating_sub(self.position));
        if count > left {
            return Err(self.wrong(format!("{count} {what} with {left} bytes left"), "what the file has room for"));
        }
        Ok(count as usize)
    }

    pub(super) fn text(&mut self) -> Result<String, TextError> {
        let mut bytes = vec![0; self.count("bytes of a text")?];
        let at = self.position;
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.wrong(format!("the text at byte {at} is no UTF-8"), "UTF-8"))
    }

    /// A value of the kind with this code.
    pub(super) fn value(&mut self, kind: u32, key: &str) -> Result<Value, TextError> {
        if kind != LIST {
            return self.single(kind, key);
        }
        let kind = self.u32()?;
        let count = self.count("values of a list")?;
        (0..count).map(|_| self.single(kind, key)).collect::<Result<_, _>>().map(Value::List)
    }

    fn single(&mut self, kind: u32, key: &str) -> Result<Value, TextError> {
        Ok(match kind {
            0 => Value::Whole(u8::from_le_bytes(self.bytes()?).into()),
            1 => Value::Whole(i8::from_le_bytes(self.bytes()?).into()),
            2 => Value::Whole(u16::from_le_bytes(self.bytes()?).into()),
            3 => Value::Whole(i16::from_le_bytes(self.bytes()?).into()),
            4 => Value::Whole(self.u32()?.into()),
            5 => Value::Whole(i32::from_le_bytes(self.bytes()?).into()),
            6 => Value::Real(f32::from_le_bytes(self.bytes()?).into()),
            7 => Value::Truth(self.bytes::<1>()? != [0]),
            TEXT => Value::Text(self.text()?),
            10 => {
                let value = self.u64()?;
                let whole = i64::try_from(value);
                Value::Whole(whole.map_err(|_| self.wrong(format!("{key} {value}"), "at most 2^63 - 1"))?)
            }
            11 => Value::Whole(i64::from_le_bytes(self.bytes()?)),
            12 => Value::Real(f64::from_le_bytes(self.bytes()?)),
            _ => {
                return Err(
                    self.wrong(format!("{key} is of kind {kind}"), "a kind from 0 to 12, lists not within lists")
                );
            }
        })
    }
}
