//! A language model in this process.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::Tensor;
use burn::tensor::Device;

use super::cache::KeyValues;
use super::choices::Choices;
use super::config;
use super::decoder::Decoder;
use super::frame;
use super::gguf::Gguf;
use super::prompt::{Part, Prompt};
use super::sampling::{Sampler, Sampling, log_softmax};
use super::tokens::Vocabulary;
use super::{Finish, Generated, Generation, LanguageModel, no_texts};
use crate::text::TextError;
use crate::text::batches::of_like_length;
use crate::text::files::digest;

/// Tokens of all texts together that are read at once.
pub(super) const BATCH_TOKENS: usize = 512;

/// A decoder of the Llama family or GPT-2 with its tokens. Cheap to clone.
///
/// Weights are 32-bit floats in memory, whatever the file has: 4 bytes for each parameter.
///
/// ```no_run
/// use metarec::text::{DecoderModel, Generation, LanguageModel, Prompt, Sampling};
///
/// let device = metarec::recommend::device_from_env()?;
/// let model = DecoderModel::read("SmolLM2-135M-Instruct.Q4_1.gguf", &device)?;
/// let prompt = Prompt::from("A film that is like Alien is");
/// println!("{}", model.generate(&prompt, &Generation::default().with_tokens(16))?.text);
/// let titles = ["Aliens", "Toy Story"];
/// println!("{}", titles[model.choose(&prompt, &titles, &Sampling::default())?]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DecoderModel {
    pub(super) decoder: Arc<dyn Decoder>,
    vocabulary: Vocabulary,
    fingerprint: String,
}

impl DecoderModel {
    /// Reads a GGUF file, or a Hugging Face folder as it is: `config.json`, `tokenizer.json`, and `model.safetensors` or the files that its index names.
    ///
    /// # Errors
    /// If a file is missing, of another kind or does not fit the others. The error names file and field or weight, what was found and what was expected.
    pub fn read(path: impl AsRef<Path>, device: &Device) -> Result<Self, TextError> {
        let (path, device) = (path.as_ref(), device.clone().inner());
        let kind = fs::metadata(path).map_err(TextError::io(path))?;
        let (decoder, vocabulary, fingerprint) = match kind.is_dir() {
            true => {
                let vocabulary = Vocabulary::read(path)?;
                (config::of_folder(path, &device)?, vocabulary, digest(&files(path)?, "")?)
            }
            false => {
                let file = Gguf::open(path)?;
                (config::of_gguf(&file, &device)?, Vocabulary::of(&file)?, digest(&[path.to_owned()], "")?)
            }
        };
        if vocabulary.last() as usize >= decoder.vocabulary() {
            return Err(TextError::file(
                path,
                format!("token {}", vocabulary.last()),
                format!("less than the {} tokens that the model has vectors of", decoder.vocabulary()),
            ));
        }
        Ok(Self { decoder: decoder.into(), vocabulary, fingerprint })
    }

    /// The tokens of a prompt, as the model reads them.
    ///
    /// # Errors
    /// If a text can't be cut into tokens, there is no control token of a name or for messages, or the prompt is longer than the model reads.
    pub fn tokens(&self, prompt: &Prompt) -> Result<Vec<u32>, TextError> {
        let mut tokens = self.vocabulary.begin().to_vec();
        for (index, part) in frame::parts(prompt, &self.vocabulary)?.iter().enumerate() {
            match part {
                Part::Text(text) => tokens.extend(self.vocabulary.encode(index, text)?),
                Part::Control(name) => {
                    let why = || format!("{name:?} is no control token of this model");
                    tokens.push(self.vocabulary.control(name).ok_or_else(|| TextError::Tokens { index, why: why() })?);
                }
            }
        }
        // A model goes on from something.
        if tokens.is_empty() {
            return Err(TextError::Tokens { index: 0, why: "the prompt is empty".to_owned() });
        }
        self.fits(tokens.len())?;
        Ok(tokens)
    }

    fn fits(&self, tokens: usize) -> Result<(), TextError> {
        let most = self.decoder.positions();
        if tokens > most { Err(TextError::TooLong { tokens, most }) } else { Ok(()) }
    }

    /// Reads tokens after those in `read`, and gives the logits of what follows.
    fn next(&self, tokens: &[u32], read: &mut KeyValues) -> Vec<f32> {
        let states = self.decoder.states(&[tokens.to_vec()], read, self.decoder.layers());
        let [_, count, d] = states.dims();
        host(self.decoder.logits(states.narrow(1, count - 1, 1).reshape([1, d])))
    }

    /// The logits of what follows a prompt, one for each token, and the tokens of the prompt.
    ///
    /// # Errors
    /// As [`tokens`](Self::tokens).
    pub fn logits(&self, prompt: &Prompt) -> Result<Vec<f32>, TextError> {
        Ok(self.next(&self.tokens(prompt)?, &mut KeyValues::default()))
    }

    /// Tokens of texts that follow a prompt.
    fn following(&self, prompt: &Prompt, texts: &[&str]) -> Result<Vec<Vec<u32>>, TextError> {
        let space = if prompt.wants_space() { " " } else { "" };
        let encode = |(index, text): (usize, &&str)| match self.vocabulary.encode(index, &format!("{space}{text}")) {
            Ok(tokens) if text.is_empty() || tokens.is_empty() => {
                Err(TextError::Tokens { index, why: "it is empty".to_owned() })
            }
            other => other,
        };
        texts.iter().enumerate().map(encode).collect()
    }

    /// The log of the probability of each of some texts of tokens, after what was read.
    fn likelihoods(&self, read: &KeyValues, first: &[f32], texts: &[&Vec<u32>]) -> Vec<f64> {
        let longest = texts.iter().map(|tokens| tokens.len()).max().unwrap_or(0);
        // The last token of a text is predicted, and not read.
        let padded: Vec<Vec<u32>> = texts
            .iter()
            .map(|tokens| {
                let read = tokens[..tokens.len() - 1].iter().copied();
                read.chain(std::iter::repeat(0)).take(longest - 1).collect()
            })
            .collect();
        let start = log_softmax(first);
        let mut sums: Vec<f64> = texts.iter().map(|tokens| start(tokens[0])).collect();
        if longest < 2 {
            return sums;
        }
        let states = self.decoder.states(&padded, &mut read.repeated(texts.len()), self.decoder.layers());
        let [_, _, d] = states.dims();
        for (row, (tokens, sum)) in texts.iter().zip(&mut sums).enumerate().filter(|(_, (tokens, _))| tokens.len() > 1)
        {
            let count = tokens.len() - 1;
            let logits =
                host(self.decoder.logits(states.clone().narrow(0, row, 1).narrow(1, 0, count).reshape([count, d])));
            for (logits, &token) in logits.chunks_exact(self.decoder.vocabulary()).zip(&tokens[1..]) {
                *sum += log_softmax(logits)(token);
            }
        }
        sums
    }

    /// The tokens of a text that is read alone, cut to what the model reads.
    pub(super) fn tokens_of(&self, index: usize, text: &str) -> Result<Vec<u32>, TextError> {
        let mut tokens = self.vocabulary.begin().to_vec();
        tokens.extend(self.vocabulary.encode(index, text)?);
        tokens.truncate(self.decoder.positions());
        Ok(tokens)
    }
}

impl std::fmt::Debug for DecoderModel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DecoderModel").field("fingerprint", &self.fingerprint).finish_non_exhaustive()
    }
}

impl LanguageModel for DecoderModel {
    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    fn generate(&self, prompt: &Prompt, generation: &Generation) -> Result<Generated, TextError> {
        generation.sampling.check()?;
        let mut tokens = self.tokens(prompt)?;
        let read = tokens.len();
        let mut sampler = Sampler::new(generation.sampling);
        let mut cache = KeyValues::default();
        let mut written: Vec<u32> = Vec::new();
        let finished = |text: String, finish, written: &[u32]| Generated { text, finish, read, written: written.len() };
        while written.len() < generation.tokens {
            let logits = self.next(&tokens, &mut cache);
            let all: Vec<(u32, f32)> = (0..).zip(logits).collect();
            let Some(token) = sampler.draw(&all) else { break };
            if self.vocabulary.ends().contains(&token) {
                return Ok(finished(self.vocabulary.decode(&written)?, Finish::End, &written));
            }
            written.push(token);
            let text = self.vocabulary.decode(&written)?;
            if let Some(at) = generation.stop.iter().filter_map(|stop| text.find(stop.as_str())).min() {
                return Ok(finished(text[..at].to_owned(), Finish::Stop, &written));
            }
            if cache.len() + 1 > self.decoder.positions() {
                break;
            }
            tokens = vec![token];
        }
        Ok(finished(self.vocabulary.decode(&written)?, Finish::Length, &written))
    }

    fn choose(&self, prompt: &Prompt, texts: &[&str], sampling: &Sampling) -> Result<usize, TextError> {
        sampling.check()?;
        let tokens = self.tokens(prompt)?;
        let following = self.following(prompt, texts)?;
        self.fits(tokens.len() + following.iter().map(Vec::len).max().unwrap_or(0))?;
        let choices = Choices::new(&following);
        let mut sampler = Sampler::new(*sampling);
        let mut cache = KeyValues::default();
        let (mut unread, mut place) = (tokens, 0);
        loop {
            let whole = choices.whole(place);
            if let Some((index, false)) = whole {
                return Ok(index);
            }
            let next: Vec<u32> = choices.next(place).collect();
            let token = match next[..] {
                // Where there is one way the model is not asked.
                [only] if whole.is_none() => only,
                _ => {
                    let logits = self.next(&std::mem::take(&mut unread), &mut cache);
                    let ends = self.vocabulary.ends().iter().filter(|_| whole.is_some());
                    let open: Vec<(u32, f32)> =
                        next.iter().chain(ends).map(|&token| (token, logits[token as usize])).collect();
                    sampler.draw(&open).ok_or_else(no_texts)?
                }
            };
            match (choices.step(place, token), whole) {
                (Some(next), _) => place = next,
                (None, Some((index, _))) => return Ok(index),
                (None, None) => return Err(no_texts()),
            }
            unread.push(token);
        }
    }

    fn log_likelihoods(&self, prompt: &Prompt, texts: &[&str]) -> Result<Vec<f64>, TextError> {
        let tokens = self.tokens(prompt)?;
        let following = self.following(prompt, texts)?;
        self.fits(tokens.len() + following.iter().map(Vec::len).max().unwrap_or(0))?;
        let mut read = KeyValues::default();
        let first = self.next(&tokens, &mut read);
        let mut values = vec![0.0; texts.len()];
        for batch in of_like_length(&following, BATCH_TOKENS) {
            let of: Vec<&Vec<u32>> = batch.iter().map(|&at| &following[at]).collect();
            for (at, value) in batch.into_iter().zip(self.likelihoods(&read, &first, &of)) {
                values[at] = value;
            }
        }
        Ok(values)
    }
}

pub(super) fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// What a folder's words depend on.
fn files(folder: &Path) -> Result<Vec<PathBuf>, TextError> {
    let mut files = vec![folder.join("config.json"), folder.join("tokenizer.json")];
    for entry in fs::read_dir(folder).map_err(TextError::io(folder))? {
        let path = entry.map_err(TextError::io(folder))?.path();
        if path.extension().is_some_and(|extension| extension == "safetensors") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
