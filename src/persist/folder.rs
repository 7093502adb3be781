//! A folder of named parts with a manifest.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::persist::error::PersistError;

/// The version of the format that this crate writes and reads.
pub const FORMAT_VERSION: u32 = 1;
const MANIFEST: &str = "manifest.json";

/// The parts of a folder, by file name.
pub type Parts = BTreeMap<String, Vec<u8>>;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct PartEntry {
    bytes: u64,
    sha256: String,
}

/// What a manifest says of its folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    format: String,
    version: u32,
    written_by: String,
    fingerprint: String,
    parts: BTreeMap<String, PartEntry>,
}

impl Manifest {
    /// SHA-256 over the names and checksums of all parts: equal fingerprints mean equal folders.
    #[must_use]
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> PersistError + '_ {
    |source| PersistError::Io { path: path.to_owned(), source }
}

fn entries_of(parts: &Parts) -> BTreeMap<String, PartEntry> {
    let entry = |bytes: &[u8]| PartEntry { bytes: bytes.len() as u64, sha256: sha256(bytes) };
    parts.iter().map(|(name, bytes)| (name.clone(), entry(bytes))).collect()
}

/// The fingerprint that a folder of these parts has.
#[must_use]
pub fn parts_fingerprint(parts: &Parts) -> String {
    fingerprint(&entries_of(parts))
}

fn manifest_of(kind: &str, parts: &Parts) -> Manifest {
    let entries = entries_of(parts);
    Manifest {
        format: format!("metarec-{kind}"),
        version: FORMAT_VERSION,
        written_by: format!("metarec {}", env!("CARGO_PKG_VERSION")),
        fingerprint: fingerprint(&entries),
        parts: entries,
    }
}

fn fingerprint(entries: &BTreeMap<String, PartEntry>) -> String {
    let mut hash = Sha256::new();
    for (name, entry) in entries {
        hash.update(name.as_bytes());
        hash.update([0]);
        hash.update(entry.sha256.as_bytes());
    }
    hex(&hash.finalize())
}

/// Whether a part may have this name: a file right in the folder.
fn is_plain(name: &str) -> bool {
    Path::new(name).file_name() == Some(OsStr::new(name))
}

/// Writes parts as a folder of this kind: first beside it, then put in its place by renaming, so that nobody sees half of a folder.
///
/// A folder of the same kind that is there already is replaced (for the moment between two renamings there is none); anything else that is there is
/// left alone.
///
/// # Errors
/// If the file system refuses, `path` is something other than a metarec folder of this kind, or a part's name is no plain file name.
pub fn write_parts(path: &Path, kind: &'static str, parts: &Parts) -> Result<Manifest, PersistError> {
    if let Some(name) = parts.keys().find(|name| !is_plain(name) || *name == MANIFEST) {
        let source = format!("expected the name of a file in the folder, other than {MANIFEST}").into();
        return Err(PersistError::Malformed { part: name.clone(), source });
    }
    if path.exists() && fs::read_dir(path).map_err(io(path))?.next().is_some() {
        manifest_at(path, kind)?;
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(parent).map_err(io(parent))?;
    let manifest = manifest_of(kind, parts);
    let fresh = beside(path, "new");
    let written = write_all(&fresh, &manifest, parts).and_then(|()| put_in_place(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_dir_all(&fresh);
    }
    written.map(|()| manifest)
}

/// A name beside `path` that no other writer uses.
fn beside(path: &Path, what: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{what}-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

fn write_all(folder: &Path, manifest: &Manifest, parts: &Parts) -> Result<(), PersistError> {
    fs::create_dir_all(folder).map_err(io(folder))?;
    let json = serde_json::to_vec_pretty(manifest)
        .map_err(|source| PersistError::Malformed { part: MANIFEST.to_owned(), source: Box::new(source) })?;
    let manifest = (MANIFEST, json.as_slice());
    for (name, bytes) in parts.iter().map(|(name, bytes)| (name.as_str(), bytes.as_slice())).chain([manifest]) {
        let path = folder.join(name);
        let mut file = fs::File::create(&path).map_err(io(&path))?;
        file.write_all(bytes).and_then(|()| file.sync_all()).map_err(io(&path))?;
    }
    Ok(())
}

fn put_in_place(fresh: &Path, path: &Path) -> Result<(), PersistError> {
    if !path.exists() {
        return fs::rename(fresh, path).map_err(io(path));
    }
    let old = beside(path, "old");
    fs::rename(path, &old).map_err(io(path))?;
    if let Err(source) = fs::rename(fresh, path) {
        if fs::rename(&old, path).is_err() && path.exists() {
            // Another writer was faster, and its folder is as good as ours.
            let _ = fs::remove_dir_all(&old);
        }
        return Err(PersistError::Io { path: path.to_owned(), source });
    }
    // The new folder is in its place; what is left of the old one is only litter.
    let _ = fs::remove_dir_all(&old);
    Ok(())
}

fn manifest_at(path: &Path, kind: &'static str) -> Result<Manifest, PersistError> {
    let foreign = |why: String| PersistError::Foreign { path: path.to_owned(), expected: kind, why };
    let file = path.join(MANIFEST);
    if path.is_dir() && !file.exists() {
        return Err(foreign(format!("it has no {MANIFEST}")));
    }
    let bytes = fs::read(&file).map_err(io(&file))?;
    let value: serde_json::Value =
        serde_json::from_slice(&bytes).map_err(|error| foreign(format!("{MANIFEST} is no JSON: {error}")))?;
    let format = value.get("format").and_then(|format| format.as_str()).unwrap_or_default();
    if format != format!("metarec-{kind}") {
        return Err(foreign(format!("{MANIFEST} says format {format:?}")));
    }
    let version = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0);
    if version != u64::from(FORMAT_VERSION) {
        let found = u32::try_from(version).unwrap_or(u32::MAX);
        return Err(PersistError::Version { path: path.to_owned(), found, expected: FORMAT_VERSION });
    }
    serde_json::from_value(value).map_err(|error| foreign(format!("{MANIFEST}: {error}")))
}

/// Reads a folder of this kind and checks every part against the manifest.
///
/// # Errors
/// Each kind of damage has its own variant of [`PersistError`].
pub fn read_parts(path: &Path, kind: &'static str) -> Result<(Manifest, Parts), PersistError> {
    let manifest = manifest_at(path, kind)?;
    let mut parts = Parts::new();
    for (name, entry) in &manifest.parts {
        let file = path.join(name);
        if !is_plain(name) || !file.is_file() {
            return Err(PersistError::Missing { path: path.to_owned(), part: name.clone() });
        }
        let bytes = fs::read(&file).map_err(io(&file))?;
        if bytes.len() as u64 != entry.bytes {
            return Err(PersistError::Length { path: file, found: bytes.len() as u64, expected: entry.bytes });
        }
        let found = sha256(&bytes);
        if found != entry.sha256 {
            return Err(PersistError::Checksum { path: file, found, expected: entry.sha256.clone() });
        }
        parts.insert(name.clone(), bytes);
    }
    let found = fingerprint(&manifest.parts);
    if found != manifest.fingerprint {
        let file = path.join(MANIFEST);
        return Err(PersistError::Checksum { path: file, found, expected: manifest.fingerprint });
    }
    Ok((manifest, parts))
}
