//! A random order of tasks that needs no memory.

use super::episode::EpisodeId;
use crate::data::Draws;

const ROUNDS: usize = 8;

/// Which of `tasks` tasks has its turn: each once an epoch of `tasks` episodes, every epoch in another order. `tasks` is 1 or more.
pub(super) fn turn(tasks: usize, id: EpisodeId) -> usize {
    let tasks = tasks as u64;
    let turn = Permutation::new(tasks, id.seed, id.index / tasks).at(id.index % tasks);
    usize::try_from(turn).unwrap_or(0)
}

/// A pseudo-random permutation of `0..len`, told by `(seed, epoch)`.
///
/// A Feistel network over the next power of four, walked until it lands inside `0..len` (Black and Rogaway, "Ciphers with arbitrary
/// finite domains", 2002). Costs fewer than four walks of eight rounds on average, whatever `len` is.
#[derive(Clone, Copy, Debug)]
struct Permutation {
    len: u64,
    half_bits: u32,
    keys: [u64; ROUNDS],
}

impl Permutation {
    fn new(len: u64, seed: u64, epoch: u64) -> Self {
        let mut draws = Draws::new(*b"permute\0", seed, epoch);
        let bits = u64::BITS - len.saturating_sub(1).leading_zeros();
        Self { len, half_bits: bits.div_ceil(2).max(1), keys: std::array::from_fn(|_| draws.bits()) }
    }

    /// Where `place` goes. `place` is below `len`.
    fn at(&self, place: u64) -> u64 {
        let mut value = self.walk(place);
        while value >= self.len {
            value = self.walk(value);
        }
        value
    }

    fn walk(&self, value: u64) -> u64 {
        let mask = (1_u64 << self.half_bits) - 1;
        let (mut left, mut right) = (value >> self.half_bits, value & mask);
        for key in self.keys {
            (left, right) = (right, left ^ (mix(right ^ key) & mask));
        }
        (left << self.half_bits) | right
    }
}

/// The finaliser of `SplitMix64`: every bit of the result depends on every bit of the argument.
fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_element_is_equally_likely_at_every_place() {
        for len in [2_u32, 3, 5, 17] {
            let epochs = 2000 * len;
            for place in [0, len - 1] {
                let mut counts = vec![0_i32; len as usize];
                for epoch in 0..epochs {
                    counts[Permutation::new(len.into(), 9, epoch.into()).at(place.into()) as usize] += 1;
                }
                assert!(counts.iter().all(|count| (count - 2000).abs() < 220), "{len} {place} {counts:?}");
            }
        }
    }

    #[test]
    fn neighbours_do_not_stay_neighbours() {
        let order = Permutation::new(1000, 1, 0);
        let together = (0..999).filter(|&place| order.at(place).abs_diff(order.at(place + 1)) == 1).count();
        assert!(together < 12, "{together}");
    }

    proptest! {
        #[test]
        fn all_of_them_are_there_once(len in 1_u64..600, seed: u64, epoch: u64) {
            let order = Permutation::new(len, seed, epoch);
            let mut seen: Vec<u64> = (0..len).map(|place| order.at(place)).collect();
            seen.sort_unstable();
            prop_assert!(seen.into_iter().eq(0..len));
        }

        #[test]
        fn long_ones_stay_in_range(len in 1_u64..u64::from(u32::MAX), seed: u64, part in 0.0..1.0) {
            let place = ((len as f64 * part) as u64).min(len - 1);
            prop_assert!(Permutation::new(len, seed, 0).at(place) < len);
        }
    }
}
