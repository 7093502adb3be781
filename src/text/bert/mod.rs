//! Encoders of BERT's family, from the folders in which they are published.

mod config;
mod module;
mod tokens;
mod weights;

use std::path::Path;

use burn::Tensor;
use burn::tensor::Device;
use rayon::prelude::*;

pub use config::{BertConfig, Pooling};
pub use module::{BertModule, TokenBatch};

use crate::text::batches::{in_order, of_like_length};
use crate::text::cache::checked;
use crate::text::files::digest;
use crate::text::{TextEncoder, TextError, TextVectors};
use config::{Output, read_output};
use tokens::Tokens;

/// Tokens of a batch at most, with those that fill it up.
const BATCH_TOKENS: usize = 1024;

/// A frozen encoder: texts to tokens, through the [module](BertModule), pooled and normalised as the folder says.
///
/// ```no_run
/// use metarec::text::{BertEncoder, TextEncoder};
///
/// let device = metarec::recommend::device_from_env()?;
/// let encoder = BertEncoder::read("all-MiniLM-L6-v2", &device)?;
/// let vectors = encoder.encode(&["Alien (1979)", "Aliens (1986)"])?;
/// assert_eq!(vectors.values.len(), 2 * encoder.width());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct BertEncoder {
    module: BertModule,
    tokens: Tokens,
    output: Output,
    width: usize,
    pad: u32,
    fingerprint: String,
    device: Device,
}

impl BertEncoder {
    /// Reads a Hugging Face folder as it is: `config.json`, `tokenizer.json`, `model.safetensors`, and where there are `modules.json` and what it names for pooling,
    /// normalisation and the greatest length. A folder without these gives the mean over all tokens as it is.
    ///
    /// # Errors
    /// If a file is missing, of another kind, or does not fit the others. The error names file and field or weight, what was found and what was expected.
    pub fn read(folder: impl AsRef<Path>, device: &Device) -> Result<Self, TextError> {
        let folder = folder.as_ref();
        let config = BertConfig::read(folder)?;
        let output = read_output(folder, &config)?;
        let tokens = Tokens::read(folder, &config, output.max_tokens)?;
        let device = device.clone().inner();
        let module = weights::read(folder, &config, &device)?;
        let files = ["config.json", "tokenizer.json", "model.safetensors"].map(|name| folder.join(name));
        let fingerprint = digest(&files, &format!("{output:?}"))?;
        Ok(Self { module, tokens, output, width: config.hidden_size, pad: config.pad_token_id, fingerprint, device })
    }

    /// The module, for a model that has it as a part and trains it on.
    #[must_use]
    pub fn into_module(self) -> BertModule {
        self.module
    }

    /// The tokens of some texts, ready for [`BertModule::forward`].
    ///
    /// # Errors
    /// If the tokenizer can't cut a text.
    pub fn batch(&self, texts: &[&str]) -> Result<TokenBatch, TextError> {
        let tokens = self.tokens.encode(texts)?;
        Ok(TokenBatch::new(&tokens.iter().map(Vec::as_slice).collect::<Vec<_>>(), self.pad))
    }

    /// One vector for each text of a batch, `[texts, width]`.
    fn pooled(&self, batch: &TokenBatch) -> Tensor<2> {
        let states = self.module.forward(batch);
        let [texts, width, d] = states.dims();
        let vectors = match self.output.pooling {
            Pooling::Cls => states.narrow(1, 0, 1).reshape([texts, d]),
            Pooling::Mean => {
                let mask = batch.mask(&self.device);
                let lengths = mask.clone().sum_dim(1);
                (states * mask.reshape([texts, width, 1])).sum_dim(1).reshape([texts, d]) / lengths
            }
        };
        if !self.output.normalize {
            return vectors;
        }
        let lengths = vectors.clone().powi_scalar(2).sum_dim(1).sqrt().clamp_min(1e-12);
        vectors / lengths
    }
}

impl TextEncoder for BertEncoder {
    fn width(&self) -> usize {
        self.width
    }

    fn fingerprint(&self) -> String {
        self.fingerprint.clone()
    }

    /// Texts are encoded in batches of like length, on the threads of the current rayon pool. What is longer than the model reads is cut off.
    fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
        let tokens = self.tokens.encode(texts)?;
        let batches = of_like_length(&tokens, BATCH_TOKENS);
        let encode = |now: &Vec<usize>| -> Vec<f32> {
            let batch = TokenBatch::new(&now.iter().map(|&at| &*tokens[at]).collect::<Vec<_>>(), self.pad);
            self.pooled(&batch).into_data().iter::<f32>().collect()
        };
        let encoded: Vec<Vec<f32>> = batches.par_iter().map(encode).collect();
        checked(in_order(texts.len(), self.width, &batches, &encoded), self.width, texts.len())
    }
}
