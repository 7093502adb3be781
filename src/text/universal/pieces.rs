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
/// Bytes of a piece at most.
const LONGEST_PIECE: usize = 1024;
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
        if let Some(long) =
            model.pieces.iter().find(|piece| piece.piece.as_ref().is_some_and(|text| text.len() > LONGEST_PIECE))
        {
            let length = long.piece.as_ref().map_or(0, String::len);
            return Err(wrong(format!("a piece of {length} bytes"), "at most 1024"));
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
    if let Some(map) = &map {
        check_map(map).map_err(|found| wrong(found.to_owned()))?;
    }
    let map = map.map(|map| Precompiled::from(&map).map_err(|error| wrong(error.to_string()))).transpose()?;
    let spaces =
        Replace::new(ReplacePattern::Regex(" {2,}".to_owned()), " ").map_err(|error| wrong(error.to_string()))?;
    let first = map.map(NormalizerWrapper::Precompiled);
    let rest = [NormalizerWrapper::Replace(spaces), NormalizerWrapper::StripNormalizer(Strip::new(true, true))];
    Ok(Sequence::new(first.into_iter().chain(rest).collect()))
}

/// Whether the trie of a compiled normalizer stays within its bounds for any text, which its reader does not check: numbers of 32 bits, one for each place, and behind them the texts that replace others.
fn check_map(map: &[u8]) -> Result<(), &'static str> {
    let (size, rest) = map.split_first_chunk::<4>().ok_or("a normalizer without a size")?;
    let size = u32::from_le_bytes(*size) as usize;
    if size == 0 || !size.is_multiple_of(4) || size > rest.len() {
        return Err("a normalizer of another size than it says");
    }
    let (trie, replacements) = rest.split_at(size);
    let replacements = str::from_utf8(replacements).map_err(|_| "a normalizer with replacements that are no text")?;
    let units: Vec<usize> = trie.as_chunks().0.iter().map(|unit| u32::from_le_bytes(*unit) as usize).collect();
    let offset = |unit: usize| (unit >> 10) << ((unit & (1 << 9)) >> 6);
    let mut seen = vec![false; units.len()];
    let mut open = vec![offset(units[0])];
    while let Some(node) = open.pop() {
        // A byte leads anywhere in the block of 256 places around the node.
        if node | 0xff >= units.len() {
            return Err("a normalizer that leads out of its trie");
        }
        if std::mem::replace(&mut seen[node], true) {
            continue;
        }
        for byte in 1..=255 {
            let unit = units[node ^ byte];
            if unit & ((1 << 31) | 0xff) != byte {
                continue;
            }
            let next = node ^ byte ^ offset(unit);
            if unit & (1 << 8) != 0 {
                let replacement = units.get(next).map(|leaf| leaf & ((1 << 31) - 1));
                if !replacement.is_some_and(|at| replacements.is_char_boundary(at)) {
                    return Err("a normalizer that leads out of its replacements");
                }
            }
            open.push(next);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokenizers::{NormalizedString, Normalizer as _};

    use super::*;

    fn map(units: &[u32], replacements: &[u8]) -> Vec<u8> {
        let bytes = units.iter().flat_map(|unit| unit.to_le_bytes());
        (4 * units.len() as u32).to_le_bytes().into_iter().chain(bytes).chain(replacements.iter().copied()).collect()
    }

    #[test]
    fn a_map_that_leads_out_of_bounds_is_refused() {
        let mut units = vec![0_u32; 512];
        units[0] = 256 << 10;
        assert_eq!(check_map(&map(&units, b"x\0")), Ok(()));
        // "a" is a leaf whose replacement begins at 0, then behind the end.
        units[256 ^ 97] = 97 | 1 << 8 | 97 << 10;
        units[256] = 0;
        assert_eq!(check_map(&map(&units, b"x\0")), Ok(()));
        units[256] = 7;
        assert!(check_map(&map(&units, b"x\0")).is_err());
        for wrong in [vec![], vec![0; 4], map(&[0], b""), map(&[9 << 10], b""), 0xffff_fffc_u32.to_le_bytes().to_vec()]
        {
            assert!(check_map(&wrong).is_err(), "{wrong:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        /// What is accepted can be asked anything.
        #[test]
        fn an_accepted_map_normalizes_any_text(
            leads in prop::collection::vec((0_usize..768, 1_u32..256, 0_u32..3, any::<bool>()), 0..40), text: String,
        ) {
            let mut units = vec![0_u32; 768];
            units[0] = 256 << 10;
            for (at, byte, block, leaf) in leads {
                units[at ^ byte as usize & 0xff] = byte | u32::from(leaf) << 8 | (block * 256) << 10;
            }
            let map = map(&units, "é\0x\0".as_bytes());
            if check_map(&map).is_ok() {
                let normalizer = Precompiled::from(&map).unwrap();
                normalizer.normalize(&mut NormalizedString::from(text)).unwrap();
            }
        }
    }
}
