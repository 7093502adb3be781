//! Bootstrap intervals and paired differences over users.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::evaluate::metric::Direction;

/// How means are resampled: users are drawn with replacement (Efron, 1979), the interval is that of the percentiles.
///
/// The same seed draws the same users for every metric over the same number of users, so results do not depend on the
/// order of calls.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Bootstrap {
    /// How many resamples.
    pub samples: usize,
    /// The share of resampled means inside the interval, between 0 and 1.
    pub level: f64,
    /// Seed of the draws.
    pub seed: u64,
}

impl Default for Bootstrap {
    /// 1,000 samples, 95 %.
    fn default() -> Self {
        Self { samples: 1_000, level: 0.95, seed: 0 }
    }
}

/// A mean over users with its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Mean over users.
    pub mean: f64,
    /// Lower end.
    pub lo: f64,
    /// Upper end.
    pub hi: f64,
}

/// How much one method differs from another over the same users.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PairedDifference {
    /// Mean over users of the first method's value less the second's.
    pub mean: f64,
    /// Lower end of its interval.
    pub lo: f64,
    /// Upper end of its interval.
    pub hi: f64,
    /// How many users both methods have a value of.
    pub users: usize,
    /// Which way the metric is read.
    pub direction: Direction,
}

impl PairedDifference {
    /// Whether the whole interval says that the first method is better.
    #[must_use]
    pub fn significantly_better(&self) -> bool {
        match self.direction {
            Direction::HigherIsBetter => self.lo > 0.0,
            Direction::LowerIsBetter => self.hi < 0.0,
        }
    }

    /// By how much the first method is better: mean, lower and upper end, each positive where it is, whichever way the metric is read.
    ///
    /// ```
    /// use metarec::evaluate::Bootstrap;
    /// use metarec::evaluate::metric::Direction;
    ///
    /// let errors = Bootstrap::default().difference(&[0.5, 0.7], &[0.75, 0.95], Direction::LowerIsBetter);
    /// let [mean, lo, hi] = errors.expect("both have users").gain();
    /// assert!((mean - 0.25).abs() < 1e-12 && lo <= mean && mean <= hi);
    /// ```
    #[must_use]
    pub fn gain(&self) -> [f64; 3] {
        match self.direction {
            Direction::HigherIsBetter => [self.mean, self.lo, self.hi],
            Direction::LowerIsBetter => [-self.mean, -self.hi, -self.lo],
        }
    }

    /// Whether the whole interval says that the first method is worse.
    #[must_use]
    pub fn significantly_worse(&self) -> bool {
        match self.direction {
            Direction::HigherIsBetter => self.hi < 0.0,
            Direction::LowerIsBetter => self.lo > 0.0,
        }
    }
}

impl Bootstrap {
    /// The mean of one value a user, with its interval; `None` where there are no values.
    ///
    /// Costs `samples * values`.
    ///
    /// ```
    /// use metarec::evaluate::Bootstrap;
    ///
    /// let interval = Bootstrap::default().mean(&[0.0, 0.5, 1.0, 0.5]).expect("there are values");
    /// assert_eq!(interval.mean, 0.5);
    /// assert!(0.0 <= interval.lo && interval.lo < 0.5 && 0.5 < interval.hi && interval.hi <= 1.0);
    /// ```
    #[must_use]
    pub fn mean(&self, values: &[f64]) -> Option<Interval> {
        let users = u32::try_from(values.len()).ok().filter(|&users| users > 0)?;
        let count = f64::from(users);
        let mean = values.iter().sum::<f64>() / count;
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut draw = |_| (0..users).map(|_| values[rng.random_range(0..users) as usize]).sum::<f64>() / count;
        let mut means: Vec<f64> = (0..self.samples).map(&mut draw).collect();
        means.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        let end = |share| quantile(&means, share).unwrap_or(mean);
        Some(Interval { mean, lo: end(tail), hi: end(1.0 - tail) })
    }

    /// The mean difference `first - second` of values of the same users in the same order, with its interval; `None`
    /// where there are no users.
    ///
    /// # Panics
    /// If the lengths differ.
    ///
    /// ```
    /// use metarec::evaluate::{Bootstrap, metric::Direction};
    ///
    /// let (ours, theirs) = ([0.3, 0.9, 0.5], [0.2, 0.7, 0.4]);
    /// let paired = Bootstrap::default().difference(&ours, &theirs, Direction::HigherIsBetter).expect("has users");
    /// assert!(paired.significantly_better(), "better for each user, so in every resample");
    /// ```
    #[must_use]
    pub fn difference(&self, first: &[f64], second: &[f64], direction: Direction) -> Option<PairedDifference> {
        assert_eq!(first.len(), second.len(), "two values for each user");
        let differences: Vec<f64> = first.iter().zip(second).map(|(first, second)| first - second).collect();
        let Interval { mean, lo, hi } = self.mean(&differences)?;
        Some(PairedDifference { mean, lo, hi, users: differences.len(), direction })
    }

    /// The mean of `first` less that of `second`, which are of different users, with its interval: each is resampled by itself. `None`
    /// where one of them has no values.
    ///
    /// Costs `samples * values`.
    ///
    /// ```
    /// use metarec::evaluate::Bootstrap;
    ///
    /// let gap = Bootstrap::default().between(&[0.5, 0.9, 0.7], &[0.2, 0.4]).expect("there are values");
    /// assert!((gap.mean - 0.4).abs() < 1e-12 && 0.0 < gap.lo && gap.hi <= 0.7 + 1e-12);
    /// ```
    #[must_use]
    pub fn between(&self, first: &[f64], second: &[f64]) -> Option<Interval> {
        let counts = [first, second].map(|values| u32::try_from(values.len()).unwrap_or(0));
        if counts.contains(&0) {
            return None;
        }
        let mean = mean_of(first) - mean_of(second);
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut drawn = |values: &[f64], count: u32| {
            (0..count).map(|_| values[rng.random_range(0..count) as usize]).sum::<f64>() / f64::from(count)
        };
        let mut differences: Vec<f64> =
            (0..self.samples).map(|_| drawn(first, counts[0]) - drawn(second, counts[1])).collect();
        differences.sort_unstable_by(f64::total_cmp);
        let tail = (1.0 - self.level) / 2.0;
        let end = |share| quantile(&differences, share).unwrap_or(mean);
        Some(Interval { mean, lo: end(tail), hi: end(1.0 - tail) })
    }

    /// How often the largest mean less the smallest is as large as it is among these groups where values are dealt to groups of their sizes
    /// by chance: the p value of a permutation test (Fisher, 1935), with the groups as they are counting as one of `samples + 1` deals.
    ///
    /// No group may be empty. Costs `samples * values`.
    ///
    /// ```
    /// use metarec::evaluate::Bootstrap;
    ///
    /// let (low, high) = ([0.1, 0.2, 0.1, 0.2, 0.1], [0.9, 0.8, 0.9, 0.8, 0.9]);
    /// assert!(Bootstrap::default().chance_of_gap(&[&low, &high]) < 0.05);
    /// assert_eq!(Bootstrap::default().chance_of_gap(&[&low, &low]), 1.0);
    /// ```
    #[must_use]
    pub fn chance_of_gap(&self, groups: &[&[f64]]) -> f64 {
        // As large but for rounding.
        let least = gap(groups.iter().copied()) - 1e-12;
        let mut all = groups.concat();
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut as_large = 1;
        for _ in 0..self.samples {
            for end in (1..all.len() as u64).rev() {
                all.swap(end as usize, rng.random_range(0..=end) as usize);
            }
            let mut rest = &all[..];
            let dealt = groups.iter().map(|group| {
                let (hand, left) = rest.split_at(group.len());
                rest = left;
                hand
            });
            as_large += usize::from(gap(dealt) >= least);
        }
        as_large as f64 / (self.samples + 1) as f64
    }
}

fn mean_of(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The largest mean less the smallest.
fn gap<'a>(groups: impl Iterator<Item = &'a [f64]>) -> f64 {
    let (low, high) = groups
        .map(mean_of)
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), mean| (low.min(mean), high.max(mean)));
    high - low
}

/// The quantile of ascending values, between two of them in proportion.
fn quantile(ascending: &[f64], share: f64) -> Option<f64> {
    let last = ascending.len().checked_sub(1)?;
    let at = share.clamp(0.0, 1.0) * last as f64;
    let below = at.floor() as usize;
    let above = (below + 1).min(last);
    Some(ascending[below] + (ascending[above] - ascending[below]) * (at - below as f64))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn quantiles_lie_between_values_in_proportion() {
        let values = [1.0, 2.0, 4.0, 8.0];
        assert_eq!(quantile(&values, 0.0), Some(1.0));
        assert_eq!(quantile(&values, 0.5), Some(3.0));
        assert_eq!(quantile(&values, 1.0), Some(8.0));
        assert_eq!(quantile(&[], 0.5), None);
    }

    #[test]
    fn an_interval_is_as_wide_as_the_normal_one_where_there_are_many_users() {
        let values: Vec<f64> = (0..1_000).map(|i| f64::from(i % 2)).collect();
        let interval = Bootstrap::default().mean(&values).unwrap();
        let half = 1.96 * 0.5 / 1_000f64.sqrt();
        assert_eq!(interval.mean, 0.5);
        assert!((interval.hi - 0.5 - half).abs() < 0.004 && (0.5 - interval.lo - half).abs() < 0.004, "{interval:?}");
    }

    #[test]
    fn equal_seeds_give_equal_intervals_and_others_do_not() {
        let values: Vec<f64> = (0..40).map(f64::from).collect();
        let of = |seed| Bootstrap { seed, ..Bootstrap::default() }.mean(&values);
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }

    #[test]
    fn a_difference_is_read_by_the_direction_of_its_metric() {
        let (low, high) = ([0.9, 1.0, 1.1, 0.8], [1.0, 1.2, 1.3, 0.9]);
        let error = Bootstrap::default().difference(&low, &high, Direction::LowerIsBetter).unwrap();
        assert!(error.significantly_better() && !error.significantly_worse());
        let gain = Bootstrap::default().difference(&low, &high, Direction::HigherIsBetter).unwrap();
        assert!(gain.significantly_worse() && !gain.significantly_better());
    }

    #[test]
    fn a_method_does_not_differ_from_itself() {
        let same = Bootstrap::default().difference(&[0.1, 0.7], &[0.1, 0.7], Direction::HigherIsBetter).unwrap();
        assert!(!same.significantly_better() && !same.significantly_worse());
        assert_eq!((same.mean, same.lo, same.hi, same.users), (0.0, 0.0, 0.0, 2));
    }

    #[test]
    fn the_difference_of_two_groups_is_as_wide_as_the_normal_one() {
        let (first, second): (Vec<f64>, Vec<f64>) = (0..800).map(|i| (f64::from(i % 2), f64::from(i % 4 / 3))).unzip();
        let found = Bootstrap::default().between(&first, &second[..400]).unwrap();
        let half = 1.96 * (0.25 / 800.0 + 0.1875 / 400.0f64).sqrt();
        assert_eq!(found.mean, 0.25);
        assert!((found.hi - 0.25 - half).abs() < 0.008 && (0.25 - found.lo - half).abs() < 0.008, "{found:?} {half}");
        assert_eq!(Bootstrap::default().between(&first, &[]), None);
    }

    #[test]
    fn chance_makes_as_large_a_gap_as_often_as_deals_can_be_counted() {
        // Of the 10 ways to deal five values to groups of two and three, two have a gap of 2 or more: the two largest together (3 - 1), the
        // two smallest (8 / 3 - 0.5).
        let p = Bootstrap { samples: 20_000, ..Bootstrap::default() }.chance_of_gap(&[&[0.0, 1.0, 2.0], &[3.0, 3.0]]);
        assert!((p - 0.2).abs() < 0.012, "{p}");
    }

    #[test]
    fn no_users_have_no_interval() {
        assert_eq!(Bootstrap::default().mean(&[]), None);
        assert_eq!(Bootstrap::default().difference(&[], &[], Direction::LowerIsBetter), None);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn the_interval_lies_within_the_values(values in prop::collection::vec(0.0f64..1.0, 1..60)) {
            let Interval { mean, lo, hi } = Bootstrap { samples: 100, ..Bootstrap::default() }.mean(&values).unwrap();
            let (low, high) = values.iter().fold((1.0f64, 0.0f64), |(low, high), &v| (low.min(v), high.max(v)));
            prop_assert!(low - 1e-9 <= lo && lo <= hi && hi <= high + 1e-9);
            prop_assert!(low - 1e-9 <= mean && mean <= high + 1e-9);
        }
    }
}
