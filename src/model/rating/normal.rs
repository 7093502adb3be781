//! The standard normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI, PI};

/// Beyond this many deviations a tail is 1e-18 of the whole.
const FAR: f64 = 8.75;

/// The density at `z`.
pub(super) fn density(z: f64) -> f64 {
    0.5 * FRAC_2_SQRT_PI * FRAC_1_SQRT_2 * (-0.5 * z * z).exp()
}

/// The share below `z`, to about 1e-15, by the series `1/2 + density(z) (z + z^3/3 + z^5/15 + ...)` (Marsaglia, 2004, "Evaluating the Normal Distribution").
pub(super) fn share_below(z: f64) -> f64 {
    if z.is_nan() {
        return z;
    }
    if z.abs() > FAR {
        return if z < 0.0 { 0.0 } else { 1.0 };
    }
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term.abs() > f64::EPSILON * 1e-3 * sum.abs() {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    (0.5 + density(z) * sum).clamp(0.0, 1.0)
}

/// Below which the share `share` of the distribution lies, to 1e-9 and within 8.75 deviations.
pub(super) fn quantile(share: f64) -> f64 {
    let (mut low, mut high) = (-FAR, FAR);
    while high - low > 1e-10 {
        let middle = 0.5 * (low + high);
        if share_below(middle) < share { low = middle } else { high = middle }
    }
    0.5 * (low + high)
}

/// The mean of `|x - x'|` over independent draws, over 2: what the score of a normal forecast is less by.
pub(super) fn half_gap() -> f64 {
    1.0 / PI.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `scipy.stats.norm.cdf`.
    #[test]
    fn shares_are_those_of_scipy() {
        for (z, expected) in [
            (0.0, 0.5),
            (1.0, 0.841_344_746_068_542_9),
            (-1.644_853_626_951_472_7, 0.05),
            (2.5, 0.993_790_334_674_223_8),
            (-4.0, 3.167_124_183_311_986e-5),
        ] {
            assert!((share_below(z) - expected).abs() < 1e-14, "{z}: {}", share_below(z));
        }
        assert_eq!((share_below(-40.0), share_below(f64::INFINITY)), (0.0, 1.0));
    }

    #[test]
    fn quantiles_undo_shares() {
        for z in [-3.0, -0.2, 0.0, 1.7] {
            assert!((quantile(share_below(z)) - z).abs() < 1e-8);
        }
    }
}
