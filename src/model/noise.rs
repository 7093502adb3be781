//! Dropout whose masks come from the crate's own seeded generator.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use rand::seq::index::sample;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws dropout masks.
///
/// Burn's own dropout draws from one generator for the whole process, so runs on several threads are not repeatable, and draws slowly. This one is
/// seeded for each shard of each step, and costs one random byte an element.
#[derive(Debug)]
pub struct NoiseSource {
    generator: Option<ChaCha8Rng>,
}

impl NoiseSource {
    /// Masks that are a function of `seed`; none at all for `None`.
    #[must_use]
    pub fn new(seed: Option<u64>) -> Self {
        Self { generator: seed.map(ChaCha8Rng::seed_from_u64) }
    }

    /// 0 with probability `rate`, rounded to 1/256, else 1; all 1 without a seed.
    pub fn kept<const D: usize>(&mut self, shape: [usize; D], rate: f64, device: &Device) -> Tensor<D> {
        // Dropout scales what it keeps; here what is kept must stay as it is.
        self.dropout(Tensor::ones(shape, device), rate).clamp_max(1.0)
    }

    /// `count` of the numbers `0..from`, ascending, all alike likely; all of them without a seed.
    pub fn some_of(&mut self, from: usize, count: usize) -> Vec<usize> {
        match self.generator.as_mut().filter(|_| count < from) {
            Some(generator) => {
                let mut chosen = sample(generator, from, count).into_vec();
                chosen.sort_unstable();
                chosen
            }
            None => (0..from).collect(),
        }
    }

    /// Zeroes elements with probability `rate`, rounded to 1/256, and scales the rest so that the expectation stays.
    pub fn dropout<const D: usize>(&mut self, x: Tensor<D>, rate: f64) -> Tensor<D> {
        let threshold = (rate * 256.0).round() as u16;
        let Some(generator) = self.generator.as_mut().filter(|_| threshold > 0) else { return x };
        let shape = x.shape();
        let mut bytes = vec![0u8; shape.num_elements()];
        generator.fill_bytes(&mut bytes);
        let kept = 256.0 / f32::from(256 - threshold.min(255));
        let mask: Vec<f32> = bytes.iter().map(|&byte| if u16::from(byte) < threshold { 0.0 } else { kept }).collect();
        let mask = Tensor::<D>::from_data(TensorData::new(mask, shape), &x.device());
        x * mask
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropout_keeps_the_expectation_and_repeats_for_a_seed() {
        let device = Device::default();
        let ones = Tensor::<2>::ones([100, 100], &device);
        let draw = |seed| NoiseSource::new(Some(seed)).dropout(ones.clone(), 0.25).into_data();
        let mean = Tensor::<2>::from_data(draw(3), &device).mean().into_scalar::<f32>();
        assert!((mean - 1.0).abs() < 0.03, "{mean}");
        assert_eq!(draw(3), draw(3));
        assert_ne!(draw(3), draw(4));
    }

    #[test]
    fn some_of_are_as_many_as_asked_for_and_each_as_likely() {
        let mut drawn = [0; 5];
        for seed in 0..2000 {
            let chosen = NoiseSource::new(Some(seed)).some_of(5, 2);
            assert!(matches!(chosen[..], [a, b] if a < b && b < 5));
            chosen.into_iter().for_each(|at| drawn[at] += 1);
        }
        assert!(drawn.iter().all(|&times| (700..900).contains(&times)), "{drawn:?}");
        assert_eq!(NoiseSource::new(Some(1)).some_of(3, 9), [0, 1, 2]);
    }

    #[test]
    fn without_a_seed_nothing_is_dropped() {
        assert_eq!(NoiseSource::new(None).some_of(3, 1), [0, 1, 2]);
        let ones = Tensor::<1>::ones([64], &Device::default());
        let out = NoiseSource::new(None).dropout(ones.clone(), 0.5);
        assert_eq!(out.into_data(), ones.into_data());
    }
}
