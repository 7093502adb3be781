//! Decoders: a prompt in, words out.
//!
//! A [`LanguageModel`] goes on from a prompt, in any words or in those of a given set, and says how probable given words are. [`DecoderModel`] is one in this
//! process: of the Llama family or GPT-2, from a Hugging Face folder or a GGUF file. [`RemoteModel`] asks a server. [`CachedModel`] remembers what either said.

mod cache;
mod cached;
mod choices;
mod config;
mod decoder;
mod frame;
mod gguf;
mod gpt2;
mod llama;
mod local;
mod prompt;
mod remote;
mod sampling;
mod slot;
mod source;
mod states;
mod tokens;

pub use cached::CachedModel;
pub use local::DecoderModel;
pub use prompt::Prompt;
pub use remote::{RemoteModel, RemoteOptions};
pub use sampling::Sampling;
pub use slot::SlotWriter;
pub use states::{StateEncoder, StatePooling};

use serde::{Deserialize, Serialize};

use crate::text::TextError;

/// How a text is to go on.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Generation {
    /// Tokens at most.
    pub tokens: usize,
    /// How each is drawn.
    pub sampling: Sampling,
    /// Texts at which generation ends; they are not part of what is generated.
    pub stop: Vec<String>,
}

impl Default for Generation {
    /// 64 tokens at most, each the most probable.
    fn default() -> Self {
        Self { tokens: 64, sampling: Sampling::default(), stop: Vec::new() }
    }
}

impl Generation {
    /// The same with so many tokens at most.
    #[must_use]
    pub fn with_tokens(self, tokens: usize) -> Self {
        Self { tokens, ..self }
    }

    /// The same with tokens drawn in another way.
    #[must_use]
    pub fn with_sampling(self, sampling: Sampling) -> Self {
        Self { sampling, ..self }
    }

    /// The same, which also ends at this text.
    ///
    /// # Panics
    /// If the text is empty.
    #[must_use]
    pub fn with_stop(mut self, stop: impl Into<String>) -> Self {
        let stop = stop.into();
        assert!(!stop.is_empty(), "generation can't end at an empty text");
        self.stop.push(stop);
        self
    }
}

/// Why generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Finish {
    /// The model ended the text.
    End,
    /// It came to a text at which it was to end.
    Stop,
    /// There are as many tokens as were asked for, or as the model can read.
    Length,
}

/// What a model made of a prompt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Generated {
    /// Its words.
    pub text: String,
    /// Why they end.
    pub finish: Finish,
    /// How many tokens were read, those of the prompt; 0 where a server doesn't say.
    pub read: usize,
    /// How many were generated; 0 where a server doesn't say.
    pub written: usize,
}

/// A model that goes on from a prompt.
///
/// Object safe: `Box<dyn LanguageModel>` is one in this process or a remote one.
pub trait LanguageModel: Send + Sync {
    /// What its words depend on besides prompt and options: a digest, or name and address.
    fn fingerprint(&self) -> String;

    /// Goes on from a prompt.
    ///
    /// # Errors
    /// If the prompt is longer than the model reads, an option is out of its bounds, or the model can't be asked.
    fn generate(&self, prompt: &Prompt, generation: &Generation) -> Result<Generated, TextError>;

    /// Goes on from a prompt with one of some texts, token by token, and gives its index: whatever the model would rather say, it says nothing else.
    ///
    /// A space is put before the text where the prompt does not end in white space.
    ///
    /// # Errors
    /// As [`generate`](Self::generate), and if there are no texts, or an empty one.
    fn choose(&self, prompt: &Prompt, texts: &[&str], sampling: &Sampling) -> Result<usize, TextError>;

    /// The log of the probability that the prompt goes on with each of some texts, up to its end and whatever follows; with white space as in [`choose`](Self::choose).
    ///
    /// # Errors
    /// As [`generate`](Self::generate).
    fn log_likelihoods(&self, prompt: &Prompt, texts: &[&str]) -> Result<Vec<f64>, TextError>;
}

macro_rules! forwarded {
    ($type:ty) => {
        impl<M: LanguageModel + ?Sized> LanguageModel for $type {
            fn fingerprint(&self) -> String {
                (**self).fingerprint()
            }

            fn generate(&self, prompt: &Prompt, generation: &Generation) -> Result<Generated, TextError> {
                (**self).generate(prompt, generation)
            }

            fn choose(&self, prompt: &Prompt, texts: &[&str], sampling: &Sampling) -> Result<usize, TextError> {
                (**self).choose(prompt, texts, sampling)
            }

            fn log_likelihoods(&self, prompt: &Prompt, texts: &[&str]) -> Result<Vec<f64>, TextError> {
                (**self).log_likelihoods(prompt, texts)
            }
        }
    };
}

forwarded!(&M);
forwarded!(Box<M>);

fn no_texts() -> TextError {
    TextError::option("no texts to choose from", "at least one")
}
