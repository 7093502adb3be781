//! What a decoder makes of a text, as a vector.

use burn::Tensor;

use super::cache::KeyValues;
use super::local::{BATCH_TOKENS, DecoderModel, host};
use crate::text::batches::of_like_length;
use crate::text::cache::checked;
use crate::text::lm::LanguageModel;
use crate::text::{TextEncoder, TextError, TextVectors};

/// Which of the states of a text's tokens stand for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatePooling {
    /// The mean over all.
    Mean,
    /// That of the last, which has read all others.
    Last,
}

/// Hidden states of a decoder as vectors of texts: a [`TextEncoder`].
#[derive(Clone, Debug)]
pub struct StateEncoder {
    model: DecoderModel,
    layer: usize,
    pooling: StatePooling,
}

impl StateEncoder {
    /// The states after `layer` layers: 0 for the vectors of the tokens themselves, as many as the model has for its last.
    ///
    /// # Errors
    /// If the model has fewer layers.
    pub fn new(model: DecoderModel, layer: usize, pooling: StatePooling) -> Result<Self, TextError> {
        let layers = model.decoder.layers();
        if layer > layers {
            return Err(TextError::Option { found: format!("layer {layer}"), expected: format!("0 to {layers}") });
        }
        Ok(Self { model, layer, pooling })
    }

    /// Of a batch of texts of these lengths, one vector each.
    fn pooled(&self, states: Tensor<3>, lengths: &[usize]) -> Vec<Vec<f32>> {
        let d = self.width();
        let one = |(row, &length): (usize, &usize)| {
            let states = states.clone().narrow(0, row, 1);
            let pooled = match self.pooling {
                StatePooling::Mean => states.narrow(1, 0, length).mean_dim(1),
                StatePooling::Last => states.narrow(1, length - 1, 1),
            };
            host(pooled.reshape([d]))
        };
        lengths.iter().enumerate().map(one).collect()
    }
}

impl TextEncoder for StateEncoder {
    fn width(&self) -> usize {
        self.model.decoder.width()
    }

    fn fingerprint(&self) -> String {
        format!("{} states {} {:?}", self.model.fingerprint(), self.layer, self.pooling)
    }

    /// A text without a token has the vector zero. What is longer than the model reads is cut off.
    fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
        let encode = |(index, text): (usize, &&str)| self.model.tokens_of(index, text);
        let tokens: Vec<Vec<u32>> = texts.iter().enumerate().map(encode).collect::<Result<_, _>>()?;
        let width = self.width();
        let mut values = vec![0.0; texts.len() * width];
        for batch in of_like_length(&tokens, BATCH_TOKENS) {
            let longest = tokens[batch[0]].len();
            let batch: Vec<usize> = batch.into_iter().filter(|&at| !tokens[at].is_empty()).collect();
            if batch.is_empty() {
                continue;
            }
            let padded = |&at: &usize| tokens[at].iter().copied().chain(std::iter::repeat(0)).take(longest).collect();
            let padded: Vec<Vec<u32>> = batch.iter().map(padded).collect();
            let states = self.model.decoder.states(&padded, &mut KeyValues::default(), self.layer);
            let lengths: Vec<usize> = batch.iter().map(|&at| tokens[at].len()).collect();
            for (&at, vector) in batch.iter().zip(self.pooled(states, &lengths)) {
                values[at * width..(at + 1) * width].copy_from_slice(&vector);
            }
        }
        checked(TextVectors { width, values }, width, texts.len())
    }
}
