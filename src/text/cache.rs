//! Vectors on disk, so that a catalogue is encoded once.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::text::{TextEncoder, TextError, TextVectors};

/// What a file of vectors begins with; the width follows.
const MAGIC: &[u8; 8] = b"mrvecs1\n";
type Key = [u8; 32];

/// An encoder that remembers: the vectors of another one, kept in a file by the digest of the text.
///
/// Files grow at their end, a checksum behind each vector: what a crash cut off, or anything else damaged, is encoded again. Each encoder has its own file in the
/// folder, named by its [fingerprint](TextEncoder::fingerprint), so that another model's vectors are never taken. All vectors lie in memory while texts are looked
/// up: 1.5 KB a text at width 384.
#[derive(Clone, Debug)]
pub struct CachedEncoder<E> {
    encoder: E,
    folder: PathBuf,
}

impl<E: TextEncoder> CachedEncoder<E> {
    /// Keeps the vectors of `encoder` in this folder, which is made when something is first written.
    #[must_use]
    pub fn new(encoder: E, folder: impl Into<PathBuf>) -> Self {
        Self { encoder, folder: folder.into() }
    }
}

impl<E: TextEncoder> TextEncoder for CachedEncoder<E> {
    fn width(&self) -> usize {
        self.encoder.width()
    }

    fn fingerprint(&self) -> String {
        self.encoder.fingerprint()
    }

    /// Asks the encoder only for texts that are not there yet, each once; these are added.
    ///
    /// # Errors
    /// If the folder can't be read or written, or the encoder fails; what was there before stays.
    fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
        let width = self.width();
        let path = self.folder.join(format!("{}.vectors", hex(&Sha256::digest(self.fingerprint()).into())));
        let mut known = read(&path, width)?;
        let keys: Vec<Key> = texts.iter().map(|text| Sha256::digest(text).into()).collect();
        let mut asked = HashSet::new();
        let (mut new_keys, mut new_texts) = (Vec::new(), Vec::new());
        for (key, text) in keys.iter().zip(texts) {
            if !known.contains_key(key) && asked.insert(*key) {
                new_keys.push(*key);
                new_texts.push(*text);
            }
        }
        if !new_texts.is_empty() {
            let vectors = checked(self.encoder.encode(&new_texts)?, width, new_texts.len())?;
            let rows: Vec<_> = new_keys.into_iter().zip(vectors.rows().map(<[f32]>::to_vec)).collect();
            append(&path, width, &rows)?;
            known.extend(rows);
        }
        let values = keys.iter().flat_map(|key| known.get(key).into_iter().flatten().copied()).collect();
        Ok(TextVectors { width, values })
    }
}

/// What an encoder gave, if that is a finite vector of its width for each text.
pub(crate) fn checked(vectors: TextVectors, width: usize, texts: usize) -> Result<TextVectors, TextError> {
    let expected = || format!("{texts} finite vectors of width {width}");
    if vectors.width != width || vectors.values.len() != texts * width {
        let found = format!("{} numbers in vectors of width {}", vectors.values.len(), vectors.width);
        return Err(TextError::Vectors { found, expected: expected() });
    }
    match vectors.values.iter().position(|value| !value.is_finite()) {
        Some(at) => {
            let found = format!("{} in the vector of text {}", vectors.values[at], at / width.max(1));
            Err(TextError::Vectors { found, expected: expected() })
        }
        None => Ok(vectors),
    }
}

fn hex(bytes: &Key) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn header(width: usize) -> Vec<u8> {
    [&MAGIC[..], &(width as u64).to_le_bytes()].concat()
}

/// Key, numbers and a checksum of both.
fn record(key: &Key, vector: &[f32]) -> Vec<u8> {
    let mut bytes = key.to_vec();
    vector.iter().for_each(|value| bytes.extend(value.to_le_bytes()));
    let check: Key = Sha256::digest(&bytes).into();
    bytes.extend(&check[..8]);
    bytes
}

/// All whole records of a file; none where there is no file, or one of another width.
fn read(path: &Path, width: usize) -> Result<HashMap<Key, Vec<f32>>, TextError> {
    let mut known = HashMap::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(known),
        Err(error) => return Err(TextError::io(path)(error)),
    };
    let mut file = BufReader::new(file);
    let mut head = vec![0; header(width).len()];
    if fill(&mut file, &mut head).map_err(TextError::io(path))? && head == header(width) {
        let mut bytes = vec![0; 32 + 4 * width + 8];
        while fill(&mut file, &mut bytes).map_err(TextError::io(path))? {
            let (body, check) = bytes.split_at(32 + 4 * width);
            if Sha256::digest(body)[..8] == *check {
                let mut key = [0; 32];
                key.copy_from_slice(&body[..32]);
                let number = |bytes: &[u8]| f32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
                known.insert(key, body[32..].chunks_exact(4).map(number).collect());
            }
        }
    }
    Ok(known)
}

/// Reads exactly as many bytes, or says that the file ended before.
fn fill(file: &mut impl Read, bytes: &mut [u8]) -> std::io::Result<bool> {
    match file.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Adds records at the end, after cutting off what is no whole record; a file of another kind is begun anew.
fn append(path: &Path, width: usize, rows: &[(Key, Vec<f32>)]) -> Result<(), TextError> {
    let io = || TextError::io(path);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(TextError::io(folder))?;
    }
    let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(io())?;
    file.lock().map_err(io())?;
    let mut head = vec![0; header(width).len()];
    let sound = fill(&mut file, &mut head).map_err(io())? && head == header(width);
    let mut bytes = Vec::new();
    if sound {
        let (length, one) = (file.metadata().map_err(io())?.len() - head.len() as u64, 32 + 4 * width as u64 + 8);
        if length % one != 0 {
            file.set_len(head.len() as u64 + length / one * one).map_err(io())?;
        }
    } else {
        file.set_len(0).map_err(io())?;
        bytes = header(width);
    }
    rows.iter().for_each(|(key, vector)| bytes.extend(record(key, vector)));
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(io())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use proptest::prelude::*;

    use super::*;

    /// Length and first byte of a text; counts how many texts it was asked for.
    #[derive(Default)]
    struct Counting {
        asked: AtomicUsize,
        name: &'static str,
        broken: bool,
    }

    impl TextEncoder for Counting {
        fn width(&self) -> usize {
            2
        }

        fn fingerprint(&self) -> String {
            self.name.to_owned()
        }

        fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
            self.asked.fetch_add(texts.len(), Ordering::Relaxed);
            let broken = if self.broken { f32::NAN } else { 0.0 };
            let row = |text: &&str| [text.len() as f32, f32::from(text.bytes().next().unwrap_or(0)) + broken];
            Ok(TextVectors { width: 2, values: texts.iter().flat_map(row).collect() })
        }
    }

    fn files(folder: &Path) -> Vec<PathBuf> {
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect()
    }

    fn asked(encoder: &Counting) -> usize {
        encoder.asked.load(Ordering::Relaxed)
    }

    #[test]
    fn a_text_is_encoded_once_and_in_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        let encoder = Counting::default();
        let cached = CachedEncoder::new(&encoder, &new);
        assert_eq!(cached.encode(&["b", "aaa", "b", ""]).unwrap().values, [1.0, 98.0, 3.0, 97.0, 1.0, 98.0, 0.0, 0.0]);
        assert_eq!(asked(&encoder), 3, "what stands there twice is asked once");
        assert_eq!(cached.encode(&["aaa", "cc", "b"]).unwrap().values, [3.0, 97.0, 2.0, 99.0, 1.0, 98.0]);
        assert_eq!(asked(&encoder), 4);
        // Another encoder has vectors of its own.
        let other = Counting { name: "other", ..Counting::default() };
        CachedEncoder::new(&other, &new).encode(&["b"]).unwrap();
        assert_eq!(asked(&other), 1);
        assert_eq!(files(&new).len(), 2);
    }

    #[test]
    fn vectors_that_are_no_numbers_are_refused_and_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        let broken = CachedEncoder::new(Counting { broken: true, ..Counting::default() }, folder.path());
        let error = broken.encode(&["a", "b"]).unwrap_err().to_string();
        assert_eq!(error, "the encoder gave NaN in the vector of text 0: expected 2 finite vectors of width 2");
        assert!(files(folder.path()).is_empty());
    }

    #[test]
    fn no_texts_are_no_vectors_and_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(CachedEncoder::new(Counting::default(), folder.path()).encode(&[]).unwrap().values.is_empty());
        assert!(files(folder.path()).is_empty());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// Whatever happens to the file, the vectors are right, and afterwards they are there again.
        #[test]
        fn damage_costs_time_and_nothing_else(cut in 0_usize..200, flips in proptest::collection::vec((0_usize..200, 1_u8..=255), 0..4)) {
            let folder = tempfile::tempdir().unwrap();
            let encoder = Counting::default();
            let cached = CachedEncoder::new(&encoder, folder.path());
            let texts = ["one", "two", "three", "four"];
            let whole = cached.encode(&texts).unwrap();
            let path = files(folder.path()).remove(0);
            let mut bytes = fs::read(&path).unwrap();
            bytes.truncate(cut);
            for (at, flip) in flips {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= flip;
                }
            }
            fs::write(&path, bytes).unwrap();
            prop_assert_eq!(&cached.encode(&texts).unwrap(), &whole);
            let before = asked(&encoder);
            prop_assert_eq!(&cached.encode(&texts).unwrap(), &whole);
            prop_assert_eq!(asked(&encoder), before);
        }
    }
}
