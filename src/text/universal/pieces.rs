//! A SentencePiece model as a tokenizer.

use std::fs;
use std::path::Path;

use prost::Message;
use tokenizers::Tokenizer;
use tokenizers::models::unigram::Unigram;
use tokenizers::normalizers::precompiled::Precompiled;
use tokenizers::normalizers::replace::{Replace, ReplacePattern};
use tokenizers::normalizers::{NormalizerWrapper, Sequence, Strip};
use tokenizers::pre_tokenizers::metaspace::{Metaspace, PrependScheme};

use crate::text::TextError;

/// The parts of SentencePiece's `ModelProto` that are needed.
#[derive(Message)]
struct Model {
    #[prost(message, repeated, tag = "1")]
    pieces: Vec<Piece>,
    #[prost(message, optional, tag = "2")]
    trainer: Option<Trainer>,
    #[prost(message, optional, tag = "3")]
    normalizer: Option<Normalizer>,
}

#[derive(Message)]
struct Piece {
    #[prost(string, optional, tag = "1")]
    piece: Option<String>,
    #[prost(float, optional, tag = "2")]
    score: Option<f32>,
    /// 1 is a piece of texts, 4 one that is never cut; all others stand in no text.
    #[prost(int32, optional, tag = "3")]
    kind: Option<i32>,
}

#[derive(Message)]
struct Trainer {
    /// 1 is unigram.
    #[prost(int32, optional, tag = "3")]
    model_type: Option<i32>,
}

#[derive(Message)]
struct Normalizer {
    #[prost(bytes = "vec", optional, tag = "2")]
    precompiled_charsmap: Option<Vec<u8>>,
}

/// Places of what stands for the unknown, before and after a text.
const UNKNOWN: u32 = 0;
const BEGIN: u32 = 1;
const END: u32 = 2;
/// A text is cut to as many bytes for each token that is read of it.
const BYTES_PER_TOKEN: usize = 64;

/// The pieces that texts are cut into.
#[derive(Clone, Debug)]
pub(super) struct Pieces {
    tokenizer: Tokenizer,
    count: usize,
}

impl Pieces {
    pub(super) fn read(path: &Path) -> Result<Self, TextError> {
        let bytes = fs::read(path).map_err(TextError::io(path))?;
        let wrong = |found: String, expected: &str| TextError::file(path, found, expected);
        let model = Model::decode(&*bytes).map_err(|error| wrong(error.to_string(), "a SentencePiece model"))?;
        let kind = model.trainer.and_then(|trainer| trainer.model_type).unwrap_or(1);
        if kind != 1 {
            return Err(wrong(format!("model_type {kind}"), "1: unigram"));
        }
        let count = model.pieces.len();
        if count <= END as usize {
            return Err(wrong(format!("{count} pieces"), "more than those for the unknown, begin and end"));
        }
        let piece = |(index, piece): (usize, Piece)| match (piece.kind.unwrap_or(1), piece.piece) {
            (1 | 4, Some(text)) => (text, f64::from(piece.score.unwrap_or(0.0))),
            // The name of a control piece in a text is text: it gets a name that no text has, as spaces are replaced.
            _ => (format!("  {index}"), 0.0),
        };
        let vocabulary = model.pieces.into_iter().enumerate().map(piece).collect();
        let unigram = Unigram::from(vocabulary, Some(UNKNOWN as usize), false)
            .map_err(|error| wrong(error.to_string(), "pieces that texts can be cut into"))?;
        let mut tokenizer = Tokenizer::new(unigram);
        let normalized = tokenizer.with_normalizer(Some(normalizer(path, model.normalizer)?)).map(|_| ());
        normalized.map_err(|error| wrong(error.to_string(), "a normalizer that fits the pieces"))?;
        tokenizer.with_pre_tokenizer(Some(Metaspace::new('▁', PrependScheme::Always, true)));
        Ok(Self { tokenizer, count })
    }

    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// The tokens of each text with begin and end, `most` at most.
    pub(super) fn encode(&self, texts: &[&str], most: usize) -> Result<Vec<Vec<u32>>, TextError> {
        let one = |(index, text): (usize, &&str)| {
            let text = &text[..text.floor_char_boundary(most * BYTES_PER_TOKEN)];
            let encoded = self.tokenizer.encode_fast(text, false);
            let encoded = encoded.map_err(|error| TextError::Tokens { index, why: error.to_string() })?;
            let tokens = match encoded.get_ids() {
                [] => &[UNKNOWN],
                tokens => &tokens[..tokens.len().min(most - 2)],
            };
            Ok([&[BEGIN], tokens, &[END]].concat())
        };
        texts.iter().enumerate().map(one).collect()
    }
}

/// What is done to texts before they are cut: characters that mean the same become the same, white space one space.
fn normalizer(path: &Path, said: Option<Normalizer>) -> Result<Sequence, TextError> {
    let wrong = |found: String| TextError::file(path, found, "a normalizer that SentencePiece has compiled");
    let map = said.and_then(|said| said.precompiled_charsmap).filter(|map| !map.is_empty());
    let map = map.map(|map| Precompiled::from(&map).map_err(|error| wrong(error.to_string()))).transpose()?;
    let spaces =
        Replace::new(ReplacePattern::Regex(" {2,}".to_owned()), " ").map_err(|error| wrong(error.to_string()))?;
    let first = map.map(NormalizerWrapper::Precompiled);
    let rest = [NormalizerWrapper::Replace(spaces), NormalizerWrapper::StripNormalizer(Strip::new(true, true))];
    Ok(Sequence::new(first.into_iter().chain(rest).collect()))
}
