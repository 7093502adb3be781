//! What was tried, as a file of one JSON object a line.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::TuneError;
use super::space::Chosen;

/// One trial that was run to its end: one line of a log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct TrialRecord {
    /// Its number, from 0: trials of one number have the same settings, at several budgets where halving let them go on.
    pub trial: usize,
    /// What was chosen.
    pub settings: Chosen,
    /// What it got.
    pub budget: usize,
    /// What the objective said; `None` where that was no finite number, which is worse than any.
    pub score: Option<f64>,
    /// How long it took.
    pub seconds: f64,
    /// Seed of the search.
    pub seed: u64,
    /// The first digits of a digest of the settings around what was chosen: trials with other ones are of another search.
    pub base: String,
}

impl TrialRecord {
    /// What tells whose trial it is: all but its outcome.
    fn question(&self) -> (usize, &Chosen, usize, u64, &str) {
        (self.trial, &self.settings, self.budget, self.seed, &self.base)
    }

    /// The line that is written.
    fn line(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }

    /// As it would be read from a log: text has its own way with the last bit of a number, and a search that is resumed must not differ
    /// from one that was not.
    pub(super) fn as_written(&self) -> Result<Self, serde_json::Error> {
        serde_json::from_str(&self.line()?)
    }
}

/// The file, and what stood in it.
pub(super) struct Log {
    file: Option<(PathBuf, File)>,
    known: Vec<TrialRecord>,
}

impl Log {
    /// Reads what is there, and cuts off a last line without an end, which a process that was killed leaves.
    pub(super) fn open(path: Option<&Path>) -> Result<Self, TuneError> {
        let Some(path) = path else { return Ok(Self { file: None, known: Vec::new() }) };
        let failed = |source| TuneError::Log { path: path.to_owned(), source };
        let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
        let mut file = open.map_err(failed)?;
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        let mut known = Vec::new();
        for (line, row) in (1..).zip(text[..whole].lines()) {
            let wrong = |source| TuneError::LogLine { path: path.to_owned(), line, source };
            known.push(serde_json::from_str(row).map_err(wrong)?);
        }
        Ok(Self { file: Some((path.to_owned(), file)), known })
    }

    /// The trial that was asked the same, if there is one. `asked` is as written, its outcome of no matter.
    pub(super) fn find(&self, asked: &TrialRecord) -> Result<Option<&TrialRecord>, TuneError> {
        let same = |known: &&TrialRecord| known.trial == asked.trial && known.budget == asked.budget;
        let Some(known) = self.known.iter().find(same) else { return Ok(None) };
        if known.question() == asked.question() {
            return Ok(Some(known));
        }
        let text = |record: &TrialRecord| {
            let TrialRecord { seed, base, settings, .. } = record;
            serde_json::json!({ "seed": seed, "base": base, "settings": settings }).to_string()
        };
        let path = self.file.as_ref().map(|(path, _)| path.clone()).unwrap_or_default();
        Err(TuneError::OtherSearch { path, trial: asked.trial, expected: text(asked), found: text(known) })
    }

    /// Writes one line, at once.
    pub(super) fn append(&mut self, record: &TrialRecord) -> Result<(), TuneError> {
        let Some((path, file)) = &mut self.file else { return Ok(()) };
        let line = record.line().map_err(std::io::Error::from);
        let written = line.and_then(|line| file.write_all(format!("{line}\n").as_bytes())).and_then(|()| file.flush());
        written.map_err(|source| TuneError::Log { path: path.clone(), source })
    }
}
