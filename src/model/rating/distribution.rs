//! What a user may give an item.

use std::sync::Arc;

use crate::model::rating::normal;
use crate::model::rating::scale::RatingScale;

/// No forecast gives a value that came about less than this: the log score stays finite.
const LEAST: f64 = 1e-9;

/// What a user may give an item, and how likely: a normal distribution, rounded to the nearest level where ratings take few values, what lies beyond the ends counting
/// to them.
///
/// ```
/// use metarec::model::{RatingDistribution, RatingScale};
///
/// let stars = RatingScale::Levels(vec![1.0, 2.0, 3.0, 4.0, 5.0]);
/// let rating = RatingDistribution::new(3.7, 1.0, stars);
/// assert_eq!((rating.mean(), rating.median()), (3.7, 4.0));
/// assert_eq!(rating.interval(0.9), (3.0, 5.0));
/// assert!((rating.share_at_most(3.0) - 0.42).abs() < 0.01, "three stars or fewer");
/// ```
#[derive(Clone, Debug)]
pub struct RatingDistribution {
    location: f64,
    deviation: f64,
    shape: Arc<Shape>,
}

/// What the distributions of one model have in common.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    scale: RatingScale,
    /// At even steps of coverage from 0 to 1, the probability that an interval needs to hold so much: itself where this is empty.
    needed: Vec<f32>,
}

impl Shape {
    /// # Panics
    /// If the scale is of levels and has none.
    pub(super) fn new(scale: RatingScale, needed: Vec<f32>) -> Self {
        assert!(!matches!(&scale, RatingScale::Levels(levels) if levels.is_empty()), "a scale of levels has some");
        Self { scale, needed }
    }

    fn needed(&self, coverage: f64) -> f64 {
        let coverage = coverage.clamp(0.0, 1.0);
        let Some(last) = self.needed.len().checked_sub(1) else { return coverage };
        let at = coverage * last as f64;
        let below = (at.floor() as usize).min(last);
        let (low, high) = (f64::from(self.needed[below]), f64::from(self.needed[(below + 1).min(last)]));
        low + (high - low) * (at - below as f64)
    }
}

impl RatingDistribution {
    /// The distribution around `mean` with this variance, over the values of a scale. The variance is at least 1e-12, and may be infinite.
    ///
    /// # Panics
    /// If mean or variance is NaN: nobody can be sure of what is no number. If the scale is of levels and has none.
    pub fn new(mean: f64, variance: f64, scale: RatingScale) -> Self {
        Self::shaped(mean, variance, Arc::new(Shape::new(scale, Vec::new())))
    }

    pub(super) fn shaped(mean: f64, variance: f64, shape: Arc<Shape>) -> Self {
        assert!(!mean.is_nan() && !variance.is_nan(), "mean {mean} and variance {variance}: expected numbers");
        Self { location: mean, deviation: variance.max(1e-12).sqrt(), shape }
    }

    /// What is expected, in the range of the scale: the prediction with the least squared error.
    #[must_use]
    pub fn mean(&self) -> f32 {
        let (low, high) = self.shape.scale.range();
        (self.location as f32).max(low).min(high)
    }

    /// The variance before rounding.
    #[must_use]
    pub fn variance(&self) -> f64 {
        self.deviation * self.deviation
    }

    /// The values that are possible.
    #[must_use]
    pub fn scale(&self) -> &RatingScale {
        &self.shape.scale
    }

    /// The value that half of the distribution does not exceed: the prediction with the least absolute error. One of the levels, where the scale has some.
    #[must_use]
    pub fn median(&self) -> f32 {
        match &self.shape.scale {
            RatingScale::Levels(levels) => levels[self.middle(levels)],
            RatingScale::Range(..) => self.mean(),
        }
    }

    /// The least and the greatest value of an interval that is to hold this share of what comes.
    ///
    /// Of levels it is the run around the median, grown by the likelier neighbour, whose probability is nearest to what is asked for: a single interval holds a
    /// little more or less, many together about as much as they say. Never less than the median. Of a continuous scale it is the central
    /// interval, cut at the ends of the scale. What is asked for is `coverage`, or, of a model's calibrated distributions, the probability at which intervals held so many of the
    /// validation users' ratings (split conformal prediction: Romano, Sesia and Candès, 2020, "Classification with Valid and Adaptive Coverage").
    #[must_use]
    pub fn interval(&self, coverage: f64) -> (f32, f32) {
        let probability = self.shape.needed(coverage);
        match &self.shape.scale {
            RatingScale::Levels(levels) => {
                let (first, last) = self.grow(levels, |_, _, needed| needed >= probability);
                (levels[first], levels[last])
            }
            RatingScale::Range(low, high) => {
                let reach = self.deviation * normal::quantile(0.5 + probability / 2.0);
                let end = |value: f64| (value as f32).max(*low).min(*high);
                (end(self.location - reach), end(self.location + reach))
            }
        }
    }

    /// The probability that must be asked for more than for an interval to hold the value; 0 for the median.
    pub(super) fn needed(&self, value: f32) -> f64 {
        match &self.shape.scale {
            RatingScale::Levels(levels) => {
                let place = nearest(levels, value);
                let mut found = 0.0;
                self.grow(levels, |first, last, needed| {
                    let held = (first..=last).contains(&place);
                    if !held {
                        found = needed;
                    }
                    held
                });
                found
            }
            RatingScale::Range(..) => (2.0 * self.share_below(f64::from(value)) - 1.0).abs(),
        }
    }

    /// Grows a run of levels from the median by the likelier neighbour, until `enough(first, last, needed)`: `needed` is the probability to which a run with the next level is as
    /// near as one without.
    fn grow(&self, levels: &[f32], mut enough: impl FnMut(usize, usize, f64) -> bool) -> (usize, usize) {
        let middle = self.middle(levels);
        let (mut first, mut last, mut held) = (middle, middle, self.probability_of(levels, middle));
        loop {
            let below = first.checked_sub(1).map(|place| self.probability_of(levels, place));
            let above = (last + 1 < levels.len()).then(|| self.probability_of(levels, last + 1));
            let Some(more) = below.into_iter().chain(above).reduce(f64::max) else { return (first, last) };
            if enough(first, last, held + more / 2.0) {
                return (first, last);
            }
            if below.is_some_and(|below| above.is_none_or(|above| below > above)) {
                first -= 1
            } else {
                last += 1
            }
            held += more;
        }
    }

    /// How likely the value is at most this.
    #[must_use]
    pub fn share_at_most(&self, value: f32) -> f64 {
        match &self.shape.scale {
            RatingScale::Levels(levels) => match levels.partition_point(|level| *level <= value) {
                0 => 0.0,
                past => self.below_cut(levels, past),
            },
            RatingScale::Range(low, _) if value < *low => 0.0,
            RatingScale::Range(_, high) if value >= *high => 1.0,
            RatingScale::Range(..) => self.share_below(f64::from(value)),
        }
    }

    /// The shares of the distribution below a value and up to it: equal on a continuous scale. A value is as if drawn from between them
    /// (the probability integral transform of discrete data: Czado, Gneiting and Held, 2009).
    #[must_use]
    pub fn shares_around(&self, value: f32) -> (f64, f64) {
        match &self.shape.scale {
            RatingScale::Levels(levels) => {
                let place = nearest(levels, value);
                (self.below_cut(levels, place), self.below_cut(levels, place + 1))
            }
            RatingScale::Range(..) => {
                let share = self.share_below(f64::from(value));
                (share, share)
            }
        }
    }

    /// Minus the logarithm of how likely the value was: of its level, or of the density at it. Less is better.
    #[must_use]
    pub fn log_score(&self, value: f32) -> f64 {
        let likely = match &self.shape.scale {
            RatingScale::Levels(levels) => self.probability_of(levels, nearest(levels, value)),
            RatingScale::Range(..) => {
                normal::density((f64::from(value) - self.location) / self.deviation) / self.deviation
            }
        };
        -likely.max(LEAST).ln()
    }

    /// The continuous ranked probability score of the value (Gneiting and Raftery, 2007, "Strictly Proper Scoring Rules, Prediction, and Estimation"), in the unit of
    /// the values: the absolute error of a forecast that is sure. Less is better.
    #[must_use]
    pub fn crps(&self, value: f32) -> f64 {
        let levels = match &self.shape.scale {
            RatingScale::Levels(levels) => levels,
            RatingScale::Range(..) => {
                let z = (f64::from(value) - self.location) / self.deviation;
                let score = z * (2.0 * normal::share_below(z) - 1.0) + 2.0 * normal::density(z) - normal::half_gap();
                return self.deviation * score;
            }
        };
        let gaps = (1..).zip(levels.windows(2));
        let of_gap = |(past, gap): (usize, &[f32])| {
            let came = if value <= gap[0] { 1.0 } else { 0.0 };
            (self.below_cut(levels, past) - came).powi(2) * f64::from(gap[1] - gap[0])
        };
        gaps.map(of_gap).sum()
    }

    /// The share of the normal distribution below a number.
    fn share_below(&self, value: f64) -> f64 {
        normal::share_below((value - self.location) / self.deviation)
    }

    /// The share of the first so many levels.
    fn below_cut(&self, levels: &[f32], count: usize) -> f64 {
        match (count.checked_sub(1).and_then(|last| levels.get(last)), levels.get(count)) {
            (None, _) => 0.0,
            (_, None) => 1.0,
            (Some(last), Some(next)) => self.share_below(0.5 * (f64::from(*last) + f64::from(*next))),
        }
    }

    fn probability_of(&self, levels: &[f32], place: usize) -> f64 {
        self.below_cut(levels, place + 1) - self.below_cut(levels, place)
    }

    /// Place of the level with half of the distribution up to it: the one nearest to the mean.
    fn middle(&self, levels: &[f32]) -> usize {
        nearest(levels, self.location as f32)
    }
}

/// Place of the level nearest to a value, of two equally near the smaller.
fn nearest(levels: &[f32], value: f32) -> usize {
    levels.windows(2).take_while(|pair| value > 0.5 * (pair[0] + pair[1])).count()
}

#[cfg(test)]
mod tests {
    use approx::assert_abs_diff_eq;
    use proptest::prelude::*;

    use super::*;

    const STARS: [f32; 5] = [1.0, 2.0, 3.0, 4.0, 5.0];

    fn stars(mean: f64, variance: f64) -> RatingDistribution {
        RatingDistribution::new(mean, variance, RatingScale::Levels(STARS.to_vec()))
    }

    /// `numpy.diff(scipy.stats.norm.cdf([-inf, 1.5, 2.5, 3.5, 4.5, inf], 3.7, 1.0))`.
    #[test]
    fn probabilities_and_scores_are_those_worked_out_outside() {
        let expected = [0.013_903_45, 0.101_166_22, 0.305_670_54, 0.367_404_36, 0.211_855_40];
        let rating = stars(3.7, 1.0);
        for (star, expected) in STARS.iter().zip(expected) {
            assert_abs_diff_eq!(rating.log_score(*star), -f64::ln(expected), epsilon = 1e-5);
        }
        let shares = [0.013_903_45, 0.115_069_67, 0.420_740_29, 0.788_144_60];
        let came_4: f64 = shares[..3].iter().map(|share| share * share).sum::<f64>() + (1.0 - shares[3]).powi(2);
        assert_abs_diff_eq!(rating.crps(4.0), came_4, epsilon = 1e-7);
        assert_abs_diff_eq!(rating.share_at_most(3.9), shares[2], epsilon = 1e-7);
        let around = rating.shares_around(2.0);
        assert_abs_diff_eq!(around.0, shares[0], epsilon = 1e-7);
        assert_abs_diff_eq!(around.1, shares[1], epsilon = 1e-7);
    }

    /// The closed form of Gneiting and Raftery with `scipy.stats.norm`, and its log density.
    #[test]
    fn scores_on_a_continuous_scale_are_those_of_a_normal_distribution() {
        let rating = RatingDistribution::new(0.0, 1.0, RatingScale::Range(-9.0, 9.0));
        assert_abs_diff_eq!(rating.crps(0.5), 0.331_403_53, epsilon = 1e-7);
        assert_abs_diff_eq!(rating.log_score(0.5), 1.043_938_533, epsilon = 1e-8);
        let (low, high) = rating.interval(0.9);
        assert_abs_diff_eq!(low, -1.644_853_6, epsilon = 1e-5);
        assert_abs_diff_eq!(high, 1.644_853_6, epsilon = 1e-5);
        assert_eq!(RatingDistribution::new(8.9, 1.0, RatingScale::Range(-9.0, 9.0)).interval(0.9).1, 9.0);
    }

    #[test]
    fn the_run_whose_probability_is_nearest_is_taken() {
        // 2 to 5 hold 0.986 and 3 to 5 hold 0.885: 0.9 is nearer to the latter, 0.95 to the former.
        assert_eq!(stars(3.7, 1.0).interval(0.92), (3.0, 5.0));
        assert_eq!(stars(3.7, 1.0).interval(0.95), (2.0, 5.0));
        assert_eq!(stars(3.7, 1.0).interval(0.0), (4.0, 4.0));
        assert_eq!(stars(9.0, 0.01).interval(1.0), (5.0, 5.0));
    }

    #[test]
    fn on_average_an_interval_holds_about_what_it_says() {
        // Means and variances spread evenly over the inside of a scale that is long enough for its ends not to matter.
        let levels = RatingScale::Levels((0..20).map(|level| level as f32).collect());
        for coverage in [0.8, 0.9, 0.95] {
            let held = |step: u32| {
                let (mean, variance) = (9.0 + f64::from(step % 40) / 40.0, 0.5 + f64::from(step / 40) * 0.025);
                let rating = RatingDistribution::new(mean, variance, levels.clone());
                let (low, high) = rating.interval(coverage);
                rating.shares_around(high).1 - rating.shares_around(low).0
            };
            let held = (0..2400).map(held).sum::<f64>() / 2400.0;
            assert!((held - coverage).abs() < 0.03, "{held} for {coverage}");
        }
    }

    #[test]
    #[should_panic(expected = "variance NaN: expected numbers")]
    fn what_is_no_number_is_not_taken_for_certainty() {
        stars(3.0, f64::NAN);
    }

    #[test]
    #[should_panic(expected = "mean NaN")]
    fn a_mean_that_is_no_number_is_not_taken_for_the_least_value() {
        stars(f64::NAN, 1.0);
    }

    #[test]
    #[should_panic(expected = "a scale of levels has some")]
    fn a_scale_without_levels_is_refused_at_once() {
        RatingDistribution::new(3.0, 1.0, RatingScale::Levels(Vec::new()));
    }

    #[test]
    fn of_an_infinite_variance_nothing_is_known() {
        assert_eq!(stars(3.2, f64::INFINITY).interval(0.9), (1.0, 5.0));
        let rating = RatingDistribution::new(0.5, f64::INFINITY, RatingScale::Range(-9.0, 9.0));
        assert_eq!((rating.interval(0.9), rating.mean()), ((-9.0, 9.0), 0.5));
    }

    proptest! {
        #[test]
        fn probabilities_sum_to_one_and_the_median_has_the_least_absolute_error(
            mean in -1.0f64..7.0,
            variance in 0.01f64..9.0,
        ) {
            let rating = stars(mean, variance);
            let likely: Vec<f64> = STARS.iter().map(|star| { let (a, b) = rating.shares_around(*star); b - a }).collect();
            prop_assert!((likely.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            let error = |guess: f32| -> f64 {
                STARS.iter().zip(&likely).map(|(star, p)| p * f64::from((star - guess).abs())).sum()
            };
            let best = error(rating.median());
            for guess in [1.0, 1.7, 2.0, 2.5, 3.0, 3.3, 4.0, 4.4, 5.0] {
                prop_assert!(best <= error(guess) + 1e-6, "{guess}");
            }
        }

        #[test]
        fn a_wider_interval_holds_the_narrower_and_the_median(mean in 0.0f64..6.0, variance in 0.05f64..4.0) {
            let rating = stars(mean, variance);
            let mut inside = (rating.median(), rating.median());
            for coverage in [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.99] {
                let (low, high) = rating.interval(coverage);
                prop_assert!(low <= inside.0 && inside.1 <= high);
                inside = (low, high);
            }
        }
    }
}
