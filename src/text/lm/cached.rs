//! Answers on disk, so that a question is asked once.

use std::fs;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Generated, Generation, LanguageModel, Prompt, Sampling};
use crate::text::TextError;

/// A language model that remembers: the answers of another one, kept in a file each, by the digest of the question.
///
/// Each model has its own folder in the given one, named by its [fingerprint](LanguageModel::fingerprint). A file that is damaged is as none. A question is prompt, options
/// and texts: drawn texts are remembered too, by their seed.
///
/// The files hold answers and no questions, and nobody deletes them but the host. An answer that can't be written is given all the same. Two threads that ask the same at once both
/// ask the model.
#[derive(Debug)]
pub struct CachedModel<M> {
    model: M,
    folder: PathBuf,
}

/// What a file holds.
#[derive(Serialize, Deserialize)]
struct Kept {
    /// The answer as JSON.
    answer: String,
    /// Its digest, so that damage is noticed.
    digest: String,
}

impl<M: LanguageModel> CachedModel<M> {
    /// Keeps the answers of `model` in this folder, which is made when something is first written.
    #[must_use]
    pub fn new(model: M, folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into().join(digest(model.fingerprint().as_bytes()));
        Self { model, folder }
    }

    /// The model that is asked.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.model
    }

    fn path(&self, question: &impl Serialize) -> Result<PathBuf, TextError> {
        let question = serde_json::to_vec(question)
            .map_err(|error| TextError::option(format!("a question that is no JSON ({error})"), "finite numbers"))?;
        Ok(self.folder.join(format!("{}.json", digest(&question))))
    }

    /// What was answered to a question before, or what `ask` answers now.
    fn remembered<T: Serialize + DeserializeOwned>(
        &self,
        question: &impl Serialize,
        ask: impl FnOnce() -> Result<T, TextError>,
    ) -> Result<T, TextError> {
        let path = self.path(question)?;
        if let Some(answer) = read(&path)? {
            return Ok(answer);
        }
        let answer = ask()?;
        // What was paid for is given, whether or not it can be kept.
        let _ = write(&path, &answer);
        Ok(answer)
    }
}

/// Texts whose likelihoods are asked for together.
const AT_A_TIME: usize = 16;

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, TextError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(TextError::io(path)(error)),
    };
    let kept = serde_json::from_slice::<Kept>(&bytes).ok().filter(|kept| kept.digest == digest(kept.answer.as_bytes()));
    Ok(kept.and_then(|kept| serde_json::from_str(&kept.answer).ok()))
}

/// Writes a file beside and puts it in the place, so that nobody reads half of it.
fn write(path: &Path, answer: &impl Serialize) -> Result<(), TextError> {
    static WRITTEN: AtomicU64 = AtomicU64::new(0);
    let Ok(answer) = serde_json::to_string(answer) else { return Ok(()) };
    let Ok(bytes) = serde_json::to_vec(&Kept { digest: digest(answer.as_bytes()), answer }) else { return Ok(()) };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(TextError::io(folder))?;
    }
    let nobody_elses = RandomState::new().build_hasher().finish();
    let fresh = path.with_extension(format!("{nobody_elses:016x}-{}.part", WRITTEN.fetch_add(1, Ordering::Relaxed)));
    fs::write(&fresh, bytes).map_err(TextError::io(&fresh))?;
    fs::rename(&fresh, path).map_err(TextError::io(path))
}

impl<M: LanguageModel> LanguageModel for CachedModel<M> {
    fn fingerprint(&self) -> String {
        self.model.fingerprint()
    }

    fn generate(&self, prompt: &Prompt, generation: &Generation) -> Result<Generated, TextError> {
        self.remembered(&("generate", prompt, generation), || self.model.generate(prompt, generation))
    }

    fn choose(&self, prompt: &Prompt, texts: &[&str], sampling: &Sampling) -> Result<usize, TextError> {
        self.remembered(&("choose", prompt, texts, sampling), || self.model.choose(prompt, texts, sampling))
    }

    /// Each text is remembered by itself; the model is asked for those that are not, and for a few at a time, so that a failure does not lose what was paid for.
    fn log_likelihoods(&self, prompt: &Prompt, texts: &[&str]) -> Result<Vec<f64>, TextError> {
        let paths: Vec<PathBuf> =
            texts.iter().map(|text| self.path(&("log_likelihoods", prompt, text))).collect::<Result<_, _>>()?;
        let mut values: Vec<Option<f64>> = paths.iter().map(|path| read(path)).collect::<Result<_, _>>()?;
        let asked: Vec<usize> = (0..texts.len()).filter(|&at| values[at].is_none()).collect();
        if texts.is_empty() {
            return self.model.log_likelihoods(prompt, texts);
        }
        for asked in asked.chunks(AT_A_TIME) {
            let missing: Vec<&str> = asked.iter().map(|&at| texts[at]).collect();
            for (&at, value) in asked.iter().zip(self.model.log_likelihoods(prompt, &missing)?) {
                // JSON has no infinite numbers: such an answer is given and not kept.
                let _ = if value.is_finite() { write(&paths[at], &value) } else { Ok(()) };
                values[at] = Some(value);
            }
        }
        Ok(values.into_iter().flatten().collect())
    }
}
