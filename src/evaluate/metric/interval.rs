//! Metrics of predicted intervals.

/// Whether an interval holds a value, its ends among it.
#[must_use]
pub fn holds((low, high): (f32, f32), value: f32) -> bool {
    (low..=high).contains(&value)
}

/// The interval score of Winkler (1972): the width, and `2 / (1 - coverage)` for each unit that the value lies outside. Less is better, and least for the
/// interval that is asked for.
///
/// ```
/// use metarec::evaluate::metric::interval_score;
///
/// assert_eq!(interval_score((2.0, 4.0), 3.0, 0.9), 2.0);
/// assert!((interval_score((2.0, 4.0), 5.0, 0.9) - 22.0).abs() < 1e-9);
/// ```
#[must_use]
pub fn interval_score((low, high): (f32, f32), value: f32, coverage: f64) -> f64 {
    let outside = f64::from((low - value).max(value - high).max(0.0));
    f64::from(high - low) + 2.0 / (1.0 - coverage) * outside
}

/// Which part of the shares of a distribution between `below` and `up_to`, those of one value, lies in its central `coverage`: 1 or 0 where they are equal, as on a continuous
/// scale. Its mean over values is the coverage of central intervals, also where a value is a large part of the distribution (Czado, Gneiting and Held, 2009).
///
/// ```
/// use metarec::evaluate::metric::central_part;
///
/// assert_eq!(central_part((0.1, 0.5), 0.5), 0.625, "0.25 to 0.5 of 0.1 to 0.5");
/// assert_eq!(central_part((0.8, 0.8), 0.5), 0.0);
/// ```
#[must_use]
pub fn central_part((below, up_to): (f64, f64), coverage: f64) -> f64 {
    let (low, high) = (0.5 - coverage / 2.0, 0.5 + coverage / 2.0);
    if up_to - below < 1e-12 {
        return if (low..=high).contains(&below) { 1.0 } else { 0.0 };
    }
    ((up_to.min(high) - below.max(low)) / (up_to - below)).clamp(0.0, 1.0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ends_are_held() {
        assert!(holds((2.0, 4.0), 2.0) && holds((2.0, 4.0), 4.0) && !holds((2.0, 4.0), 4.5));
    }

    proptest! {
        #[test]
        fn the_values_of_a_distribution_fill_its_central_part(
            weights in prop::collection::vec(0.01f64..1.0, 2..12),
            coverage in 0.05f64..0.95,
        ) {
            let total: f64 = weights.iter().sum();
            let (mut below, mut held) = (0.0, 0.0);
            for weight in weights {
                let share = weight / total;
                held += share * central_part((below, below + share), coverage);
                below += share;
            }
            prop_assert!((held - coverage).abs() < 1e-9);
        }

        #[test]
        fn an_interval_that_misses_scores_worse_the_further(value in 4.0f32..9.0, coverage in 0.1f64..0.9) {
            let score = |value| interval_score((2.0, 4.0), value, coverage);
            prop_assert!(score(value) < score(value + 0.5) && score(3.0) <= score(value));
        }
    }
}
