//! Which token comes next.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::text::TextError;

/// How tokens are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Sampling {
    /// 0 takes the most probable token; less than 1 sharpens probabilities, more flattens them.
    pub temperature: f64,
    /// Only the most probable tokens are drawn, so many of them; 0 for all.
    pub top_k: usize,
    /// Only the most probable tokens are drawn that together are as probable as this; 1 for all.
    pub top_p: f64,
    /// Seed of what is drawn: the same seed draws the same.
    pub seed: u64,
}

impl Default for Sampling {
    /// The most probable token.
    fn default() -> Self {
        Self { temperature: 0.0, top_k: 0, top_p: 1.0, seed: 0 }
    }
}

impl Sampling {
    /// An error if something is out of its bounds.
    pub(super) fn check(&self) -> Result<(), TextError> {
        if !(self.temperature.is_finite() && self.temperature >= 0.0) {
            return Err(TextError::option(format!("temperature {}", self.temperature), "0 or more"));
        }
        match self.top_p > 0.0 && self.top_p <= 1.0 {
            true => Ok(()),
            false => Err(TextError::option(format!("top_p {}", self.top_p), "more than 0, at most 1")),
        }
    }
}

/// Draws token after token.
pub(super) struct Sampler {
    sampling: Sampling,
    rng: ChaCha8Rng,
}

impl Sampler {
    pub(super) fn new(sampling: Sampling) -> Self {
        Self { sampling, rng: ChaCha8Rng::seed_from_u64(sampling.seed) }
    }

    /// One of some tokens with their logits; of equally probable ones the first. `None` where there is none.
    pub(super) fn draw(&mut self, tokens: &[(u32, f32)]) -> Option<u32> {
        let most = tokens.iter().copied().reduce(|best, other| if other.1 > best.1 { other } else { best })?;
        if self.sampling.temperature == 0.0 {
            return Some(most.0);
        }
        let weight = |logit: f32| (f64::from(logit - most.1) / self.sampling.temperature).exp();
        let mut weighed: Vec<(u32, f64)> = tokens.iter().map(|&(token, logit)| (token, weight(logit))).collect();
        weighed.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        if self.sampling.top_k > 0 {
            weighed.truncate(self.sampling.top_k);
        }
        let whole: f64 = weighed.iter().map(|(_, weight)| weight).sum();
        let mut sum = 0.0;
        let kept = weighed.iter().position(|(_, weight)| {
            sum += weight;
            sum >= self.sampling.top_p * whole
        });
        weighed.truncate(kept.map_or(weighed.len(), |last| last + 1));
        let mut left = self.rng.random::<f64>() * weighed.iter().map(|(_, weight)| weight).sum::<f64>();
        let drawn = weighed.iter().find(|(_, weight)| {
            left -= weight;
            left < 0.0
        });
        drawn.or(weighed.last()).map(|(token, _)| *token)
    }
}

/// The logs of probabilities, from logits.
pub(super) fn log_softmax(logits: &[f32]) -> impl Fn(u32) -> f64 + '_ {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let sum: f64 = logits.iter().map(|logit| f64::from(logit - most).exp()).sum();
    let log_sum = f64::from(most) + sum.ln();
    move |token| f64::from(logits[token as usize]) - log_sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKENS: [(u32, f32); 4] = [(7, 1.0), (8, 3.0), (9, 2.0), (3, 3.0)];

    /// How often each of the tokens is drawn of 4,000.
    fn drawn(sampling: Sampling) -> [f64; 4] {
        let mut sampler = Sampler::new(sampling);
        let mut counts = [0.0; 4];
        for _ in 0..4_000 {
            let token = sampler.draw(&TOKENS).unwrap();
            counts[TOKENS.iter().position(|(known, _)| *known == token).unwrap()] += 1.0 / 4_000.0;
        }
        counts
    }

    #[test]
    fn the_most_probable_token_is_taken_where_nothing_is_drawn() {
        assert_eq!(Sampler::new(Sampling::default()).draw(&TOKENS), Some(8));
        assert_eq!(Sampler::new(Sampling::default()).draw(&[]), None);
    }

    #[test]
    fn tokens_are_drawn_as_often_as_they_are_probable() {
        let whole: f64 = TOKENS.iter().map(|(_, logit)| f64::from(*logit).exp()).sum();
        let warm = drawn(Sampling { temperature: 1.0, ..Sampling::default() });
        for ((_, logit), share) in TOKENS.iter().zip(warm) {
            assert!((share - f64::from(*logit).exp() / whole).abs() < 0.03, "{share}");
        }
        assert_eq!(drawn(Sampling { temperature: 1.0, top_k: 2, ..Sampling::default() })[0], 0.0);
        let likely = drawn(Sampling { temperature: 1.0, top_p: 0.5, ..Sampling::default() });
        assert_eq!((likely[0], likely[2]), (0.0, 0.0), "two tokens are more than half of it");
        assert!(drawn(Sampling { temperature: 0.3, ..Sampling::default() })[2] < warm[2] / 2.0);
    }

    #[test]
    fn the_same_seed_draws_the_same() {
        let sampling = Sampling { temperature: 1.0, seed: 4, ..Sampling::default() };
        let draw = |sampling| {
            let mut sampler = Sampler::new(sampling);
            (0..20).map(|_| sampler.draw(&TOKENS)).collect::<Vec<_>>()
        };
        assert_eq!(draw(sampling), draw(sampling));
        assert_ne!(draw(sampling), draw(Sampling { seed: 5, ..sampling }));
    }

    #[test]
    fn probabilities_sum_to_one() {
        let logits = [100.0, 98.0, -3.0];
        let log = log_softmax(&logits);
        assert!(((0..3).map(|token| log(token).exp()).sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((log(0) - log(1) - 2.0).abs() < 1e-12);
    }
}
