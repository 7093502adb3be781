//! From which prefixes of a context training predicts.

use crate::model::noise::NoiseSource;

/// For each context of a batch, by its number of events: `count` of its prefixes, by theirs, and how much each counts, 1 together.
///
/// The whole context is always among them, the empty prefix if it `knows` a profile, and the others are drawn at random. A context that has no more prefixes than
/// `count` has all of them, and the rest count nothing.
pub(super) fn chosen_prefixes(
    lengths: &[usize],
    count: usize,
    knows: bool,
    noise: &mut NoiseSource,
) -> Vec<(Vec<usize>, Vec<f32>)> {
    let of = |&length: &usize| {
        let prefixes = length + 1;
        if prefixes <= count {
            let places = (0..prefixes).chain(std::iter::repeat_n(length, count - prefixes)).collect();
            let weights = (0..count).map(|at| if at < prefixes { 1.0 / prefixes as f32 } else { 0.0 }).collect();
            return (places, weights);
        }
        // The empty prefix beside the whole one only where there is room for both.
        let empty = usize::from(knows && count > 1);
        let between = noise.some_of(length - empty, count - 1 - empty).into_iter().map(|at| at + empty);
        let places = std::iter::repeat_n(0, empty).chain(between).chain([length]).collect();
        (places, vec![1.0 / count as f32; count])
    };
    lengths.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_context_counts_once_and_its_whole_is_among_what_predicts(
            lengths in prop::collection::vec(0_usize..30, 1..8), count in 1_usize..12, knows: bool, seed: u64,
        ) {
            let chosen = chosen_prefixes(&lengths, count, knows, &mut NoiseSource::new(Some(seed)));
            prop_assert_eq!(chosen.len(), lengths.len());
            for ((places, weights), &length) in chosen.iter().zip(&lengths) {
                prop_assert_eq!((places.len(), weights.len()), (count, count));
                prop_assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-5);
                let mut counted: Vec<usize> = places.iter().zip(weights).filter(|&(_, &w)| w > 0.0).map(|(&at, _)| at).collect();
                let all = counted.len();
                counted.dedup();
                prop_assert_eq!(counted.len(), all, "a prefix twice");
                prop_assert!(counted.is_sorted());
                prop_assert_eq!(counted.last(), Some(&length));
                prop_assert_eq!(all, count.min(length + 1));
                prop_assert!(!(knows && count > 1) || counted[0] == 0);
            }
        }
    }

    #[test]
    fn prefixes_between_are_alike_likely() {
        let mut drawn = [0; 10];
        for seed in 0..3000 {
            let chosen = chosen_prefixes(&[9, 2], 4, false, &mut NoiseSource::new(Some(seed)));
            chosen[0].0.iter().for_each(|&at| drawn[at] += 1);
            assert_eq!(chosen[1].0[..3], [0, 1, 2]);
        }
        assert_eq!(drawn[9], 3000);
        assert!(drawn[..9].iter().all(|times| (900..1100).contains(times)), "{drawn:?}");
    }
}
