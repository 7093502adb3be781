//! Texts as tokens.

use std::path::Path;

use tokenizers::{Tokenizer, TruncationParams};

use super::config::BertConfig;
use crate::text::TextError;

/// A text is cut to as many bytes for each token that can be read of it: what lies behind would be cut off anyway, after work in proportion to its length.
const BYTES_PER_TOKEN: usize = 64;

/// The tokenizer of a folder, checked against the model beside it.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    tokenizer: Tokenizer,
    most: usize,
}

impl Tokens {
    pub(super) fn read(folder: &Path, config: &BertConfig, most: usize) -> Result<Self, TextError> {
        let path = folder.join("tokenizer.json");
        std::fs::File::open(&path).map_err(TextError::io(&path))?;
        let mut tokenizer = Tokenizer::from_file(&path)
            .map_err(|error| TextError::file(&path, error.to_string(), "a tokenizer of the Hugging Face format"))?;
        let last = tokenizer.get_vocab(true).into_values().max().unwrap_or(0);
        if last as usize >= config.vocab_size {
            return Err(TextError::file(
                &path,
                format!("token {last}"),
                format!("less than the {} of config.json's vocab_size", config.vocab_size),
            ));
        }
        let pad = tokenizer.id_to_token(config.pad_token_id);
        if !pad.as_deref().is_some_and(|token| tokenizer.get_added_vocabulary().is_special_token(token)) {
            let found = format!(
                "token {} is {}",
                config.pad_token_id,
                pad.map_or("not there".to_owned(), |token| format!("{token:?}"))
            );
            return Err(TextError::file(
                &path,
                found,
                "the special token that fills up a batch, by config.json's pad_token_id",
            ));
        }
        tokenizer.with_padding(None);
        // The names of special tokens in a text are characters like others: a title cannot end the text.
        tokenizer.set_encode_special_tokens(true);
        let truncation = TruncationParams { max_length: most, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(truncation)).map_err(|error| {
            TextError::file(&path, error.to_string(), format!("a tokenizer that can cut texts to {most} tokens"))
        })?;
        Ok(Self { tokenizer, most })
    }

    /// The tokens of each text, with those that begin and end it.
    pub(super) fn encode(&self, texts: &[&str]) -> Result<Vec<Vec<u32>>, TextError> {
        let one = |(index, text): (usize, &&str)| match self.tokenizer.encode_fast(self.cut(text), true) {
            Ok(encoding) if encoding.is_empty() => {
                Err(TextError::Tokens { index, why: "it made no tokens of it".to_owned() })
            }
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(error) => Err(TextError::Tokens { index, why: error.to_string() }),
        };
        texts.iter().enumerate().map(one).collect()
    }

    fn cut<'a>(&self, text: &'a str) -> &'a str {
        &text[..text.floor_char_boundary(self.most * BYTES_PER_TOKEN)]
    }
}
