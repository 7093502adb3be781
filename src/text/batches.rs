//! Which texts are read together.

#[cfg(feature = "text")]
use crate::text::TextVectors;

/// Places of texts of like length, so that a batch, filled up to its longest text, has at most `most` tokens; one text at least. The longest come first.
pub(super) fn of_like_length(texts: &[Vec<u32>], most: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..texts.len()).collect();
    order.sort_by_key(|&at| std::cmp::Reverse(texts[at].len()));
    let mut batches = Vec::new();
    let mut rest = &order[..];
    while let Some(&longest) = rest.first() {
        let (now, later) = rest.split_at((most / texts[longest].len().max(1)).clamp(1, rest.len()));
        batches.push(now.to_vec());
        rest = later;
    }
    batches
}

/// The vectors of batches, in the order of the texts.
#[cfg(feature = "text")]
pub(super) fn in_order(texts: usize, width: usize, batches: &[Vec<usize>], encoded: &[Vec<f32>]) -> TextVectors {
    let mut values = vec![0.0; texts * width];
    for (batch, vectors) in batches.iter().zip(encoded) {
        for (&at, vector) in batch.iter().zip(vectors.chunks_exact(width)) {
            values[at * width..(at + 1) * width].copy_from_slice(vector);
        }
    }
    TextVectors { width, values }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_text_is_in_one_batch_and_batches_are_small(lengths in prop::collection::vec(0_usize..40, 0..30), most in 1_usize..100) {
            let texts: Vec<Vec<u32>> = lengths.iter().map(|&length| vec![0; length]).collect();
            let batches = of_like_length(&texts, most);
            let mut all: Vec<usize> = batches.concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..texts.len()).collect::<Vec<_>>());
            for batch in batches {
                let longest = batch.iter().map(|&at| lengths[at]).max().unwrap();
                prop_assert!(batch.len() == 1 || batch.len() * longest <= most);
            }
        }
    }
}
