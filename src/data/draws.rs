//! Random draws that are the same on every platform and with every version of the crates below.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A stream of random draws, told by what it is for and two numbers.
///
/// Only the `ChaCha8` stream and exact arithmetic (`+ - * / sqrt`) are used, so that equal seeds mean equal draws everywhere;
/// `rand`'s own distributions may change from version to version, and `ln` and `cos` differ between platforms.
#[derive(Clone, Debug)]
pub(crate) struct Draws(ChaCha8Rng);

impl Draws {
    /// The stream of `(purpose, seed, index)`: streams that differ in one of them are independent.
    pub fn new(purpose: [u8; 8], seed: u64, index: u64) -> Self {
        let mut key = [0; 32];
        key[16..24].copy_from_slice(&purpose);
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&index.to_le_bytes());
        Self(ChaCha8Rng::from_seed(key))
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in `0..bound`; 0 if `bound` is 0. The bias is below `bound / 2^64`.
    pub fn below(&mut self, bound: usize) -> usize {
        let wide = u128::from(self.0.next_u64()) * bound as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// Uniform in `0.0..1.0`, a multiple of `2^-53`.
    pub fn unit(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Mean 0, variance 1, nearly normal: the sum of twelve uniform draws (within -6 and 6).
    pub fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// A place drawn in proportion to the weights, which are not negative; the last with a weight if rounding runs over the end,
    /// `None` if all are 0.
    pub fn weighted(&mut self, weights: &[f64]) -> Option<usize> {
        let total: f64 = weights.iter().sum();
        let mut rest = self.unit() * total;
        for (place, &weight) in weights.iter().enumerate() {
            if rest < weight {
                return Some(place);
            }
            rest -= weight;
        }
        weights.iter().rposition(|&weight| weight > 0.0)
    }

    /// `count` different places of `0..of` in ascending order, every set equally likely. `count` is at most `of`.
    ///
    /// Costs `of` draws.
    pub fn subset(&mut self, count: usize, of: usize) -> Vec<usize> {
        let mut wanted = count;
        let mut chosen = Vec::with_capacity(count);
        for place in 0..of {
            if self.below(of - place) < wanted {
                chosen.push(place);
                wanted -= 1;
            }
        }
        chosen
    }

    /// Puts a slice in random order.
    pub fn shuffle<T>(&mut self, slice: &mut [T]) {
        for end in (1..slice.len()).rev() {
            slice.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_stream_is_pinned() {
        let mut draws = Draws::new(*b"the test", 1, 2);
        let first: Vec<usize> = (0..6).map(|_| draws.below(1000)).collect();
        assert_eq!(first, [520, 978, 864, 100, 640, 835]);
    }

    #[test]
    fn nearly_normal_draws_have_mean_0_and_variance_1() {
        let mut draws = Draws::new(*b"the test", 3, 0);
        let sample: Vec<f64> = (0..20_000).map(|_| draws.normal()).collect();
        let mean = sample.iter().sum::<f64>() / 20_000.0;
        let variance = sample.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.03 && (variance - 1.0).abs() < 0.04, "{mean} {variance}");
    }

    #[test]
    fn weights_are_followed_and_zeros_never_drawn() {
        let mut draws = Draws::new(*b"the test", 4, 0);
        let mut counts = [0; 4];
        for _ in 0..8000 {
            counts[draws.weighted(&[1.0, 0.0, 3.0, 0.0]).unwrap()] += 1;
        }
        assert_eq!((counts[1], counts[3]), (0, 0));
        assert!((counts[0] - 2000i32).abs() < 150, "{counts:?}");
        assert_eq!(draws.weighted(&[0.0, 0.0]), None);
        assert_eq!(draws.weighted(&[]), None);
    }

    #[test]
    fn every_subset_is_equally_likely() {
        let mut draws = Draws::new(*b"the test", 5, 0);
        let mut counts = std::collections::HashMap::new();
        for _ in 0..6000 {
            *counts.entry(draws.subset(2, 4)).or_insert(0i32) += 1;
        }
        assert_eq!(counts.len(), 6);
        assert!(counts.values().all(|count| (count - 1000).abs() < 130), "{counts:?}");
    }

    proptest! {
        #[test]
        fn a_subset_has_its_size_and_ascends(seed: u64, of in 0usize..40, part in 0usize..40) {
            let count = part.min(of);
            let subset = Draws::new(*b"the test", seed, 0).subset(count, of);
            prop_assert_eq!(subset.len(), count);
            prop_assert!(subset.is_sorted_by(|a, b| a < b) && subset.iter().all(|&place| place < of));
        }

        #[test]
        fn a_shuffle_keeps_every_element(seed: u64, count in 0usize..40) {
            let mut places: Vec<usize> = (0..count).collect();
            Draws::new(*b"the test", seed, 0).shuffle(&mut places);
            places.sort_unstable();
            prop_assert!(places.into_iter().eq(0..count));
        }
    }
}
