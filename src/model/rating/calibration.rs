//! What a learner's variances are worth, by users whom training did not see.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::rating::belief::RatingBelief;
use crate::model::rating::distribution::{RatingDistribution, Shape};
use crate::model::rating::scale::RatingScale;

/// A fit looks at no more outcomes than these.
const MOST_OUTCOMES: usize = 20_000;
/// Rounds in which each number is fitted with the others fixed.
const ROUNDS: usize = 4;
/// Steps of coverage that are calibrated.
const STEPS: usize = 20;
/// How far the logarithms of the two factors are expected to lie from 0, and that of `doubt` from its start.
const EXPECTED: [f64; 3] = [0.5, 0.5, 1.0];
/// A user's outcomes say much the same: all of them together count as this many.
const OUTCOMES_OF_A_USER: f64 = 3.0;
/// How many outcomes it takes to believe as much in the shares that they need as in the shares themselves.
const OUTCOMES_OF_A_SHARE: f64 = 20.0;

/// What a learner's variances are worth, and over which values ratings are distributed.
///
/// The variance of a rating is `(noise * n + spread * s) * (doubt + surprise / noise) / (doubt + seen)`, from the noise `n`, spread `s`, `seen` and `surprise` of a
/// [`RatingBelief`]. The last factor is a user's own: the mean of the inverse gamma posterior of how noisy they are, after `doubt` ratings' worth of
/// everybody. (The predictive distribution is then a Student's t, which is taken for normal; its degrees of freedom grow with `doubt + seen`.)
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct RatingCalibration {
    /// The values that ratings take.
    pub scale: RatingScale,
    /// What the noise is multiplied by.
    pub noise: f32,
    /// What the spread is multiplied by.
    pub spread: f32,
    /// How many of a user's ratings say as much of their noise as what is known of everybody.
    pub doubt: f32,
    /// At even steps of coverage from 0 to 1, the probability that an interval must be asked for to hold so much of what comes: itself where this is empty.
    #[serde(default)]
    pub needed: Vec<f32>,
}

/// A rating that came about, and what was believed of it before.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RatingOutcome {
    /// Whose rating it is: any number, one for each user.
    pub user: u32,
    /// What was expected.
    pub mean: f64,
    /// Variance that more ratings of the user would take away.
    pub spread: f64,
    /// Variance that stays.
    pub noise: f64,
    /// How many ratings of the user had been seen.
    pub seen: usize,
    /// How these came out.
    pub surprise: f64,
    /// The rating.
    pub value: f32,
}

impl RatingOutcome {
    fn is_finite(&self) -> bool {
        let numbers = [self.mean, self.spread, self.noise, self.surprise, f64::from(self.value)];
        numbers.iter().all(|number| number.is_finite())
    }
}

impl RatingCalibration {
    /// Variances taken at their word.
    #[must_use]
    pub fn new(scale: RatingScale) -> Self {
        Self { scale, noise: 1.0, spread: 1.0, doubt: 20.0, needed: Vec::new() }
    }

    /// The calibration under which the outcomes are likeliest, drawn a little towards [`new`](Self::new): where users are few, chance would move the two factors
    /// far. The coverage of intervals is then that of the outcomes. Without any it is `new`. Outcomes with a number that is not finite are passed over.
    ///
    /// Costs some hundred evaluations of the likelihood of at most 20,000 outcomes, evenly taken: a second.
    ///
    /// # Panics
    /// If there are outcomes, and the scale is of levels and has none.
    #[must_use]
    pub fn fit(scale: RatingScale, outcomes: &[RatingOutcome]) -> Self {
        let start = Self::new(scale);
        let outcomes: Vec<&RatingOutcome> = outcomes.iter().filter(|outcome| outcome.is_finite()).collect();
        let mut users: Vec<u32> = outcomes.iter().map(|outcome| outcome.user).collect();
        users.sort_unstable();
        users.dedup();
        if users.is_empty() {
            return start;
        }
        let every = outcomes.len().div_ceil(MOST_OUTCOMES);
        let some: Vec<&RatingOutcome> = outcomes.iter().copied().step_by(every).collect();
        let weight = 1.0 / (OUTCOMES_OF_A_USER * users.len() as f64);
        let shape = Arc::new(Shape::new(start.scale.clone(), Vec::new()));
        let cost = |logs: &[f64; 3]| {
            let tried = start.scaled(logs);
            let far: f64 = logs.iter().zip(EXPECTED).map(|(log, expected)| (log / expected).powi(2) / 2.0).sum();
            let score = |outcome: &&RatingOutcome| {
                RatingDistribution::shaped(outcome.mean, tried.variance(outcome), shape.clone())
                    .log_score(outcome.value)
            };
            some.iter().map(score).sum::<f64>() / some.len() as f64 + weight * far
        };
        let mut logs = [0.0; 3];
        for _ in 0..ROUNDS {
            for place in 0..3 {
                let along = |value: f64| {
                    let mut moved = logs;
                    moved[place] = value;
                    cost(&moved)
                };
                logs[place] = least((logs[place] - 1.5, logs[place] + 1.5), along);
            }
        }
        let found = start.scaled(&logs);
        let needed = |outcome: &&RatingOutcome| {
            RatingDistribution::shaped(outcome.mean, found.variance(outcome), shape.clone()).needed(outcome.value)
        };
        let needed = some.iter().map(needed).collect();
        let outcomes = OUTCOMES_OF_A_USER * users.len() as f64;
        Self { needed: steps(needed, outcomes / (outcomes + OUTCOMES_OF_A_SHARE)), ..found }
    }

    /// How every item's value is distributed, `[items]`.
    ///
    /// # Panics
    /// If a mean or a variance of the belief is NaN ([`RatingBelief::is_finite`]), or the scale is of levels and has none.
    #[must_use]
    pub fn distributions(&self, belief: &RatingBelief) -> Vec<RatingDistribution> {
        self.distributions_of(belief, 0..belief.means().len())
    }

    /// How the values of these items are distributed, in their order; costs `d^2` for each.
    ///
    /// # Panics
    /// As [`distributions`](Self::distributions), and if there is no such item.
    #[must_use]
    pub fn distributions_of(
        &self,
        belief: &RatingBelief,
        items: impl IntoIterator<Item = usize>,
    ) -> Vec<RatingDistribution> {
        let shape = Arc::new(Shape::new(self.scale.clone(), self.needed.clone()));
        let own = self.own_factor(belief.seen(), belief.surprise());
        let distribution = |item: usize| {
            let spread = belief.spread(item);
            let variance = (f64::from(self.noise) * belief.noise() + f64::from(self.spread) * spread) * own;
            RatingDistribution::shaped(f64::from(belief.means()[item]), variance, shape.clone())
        };
        items.into_iter().map(distribution).collect()
    }

    /// Whether the numbers make sense: what was read from outside may not.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let factors = [self.noise, self.spread, self.doubt];
        let needed = self.needed.iter().all(|share| (0.0..=1.0).contains(share));
        needed && self.scale.is_sound() && factors.iter().all(|factor| factor.is_finite() && *factor > 0.0)
    }

    fn scaled(&self, logs: &[f64; 3]) -> Self {
        let [noise, spread, doubt] = [self.noise, self.spread, self.doubt];
        let scaled = |value: f32, log: f64| (f64::from(value) * log.exp()) as f32;
        Self {
            scale: self.scale.clone(),
            noise: scaled(noise, logs[0]),
            spread: scaled(spread, logs[1]),
            doubt: scaled(doubt, logs[2]),
            needed: self.needed.clone(),
        }
    }

    fn variance(&self, outcome: &RatingOutcome) -> f64 {
        let own = self.own_factor(outcome.seen, outcome.surprise);
        (f64::from(self.noise) * outcome.noise + f64::from(self.spread) * outcome.spread) * own
    }

    /// How much noisier a user is than others.
    fn own_factor(&self, seen: usize, surprise: f64) -> f64 {
        (f64::from(self.doubt) + surprise / f64::from(self.noise)) / (f64::from(self.doubt) + seen as f64)
    }
}

/// Quantiles at 0, 0.05 ... 1, the first of them 0 and the last 1, as far as they are `believed`, 0 to 1; for the rest the shares themselves.
///
/// Each is the one that holds so much of what comes if that is exchangeable with the values, as split conformal prediction takes it: of `n` in order the one
/// with the number `(n + 1) share`, rounded up.
fn steps(mut values: Vec<f64>, believed: f64) -> Vec<f32> {
    values.sort_unstable_by(f64::total_cmp);
    let at = |step: usize| match ((values.len() + 1) * step).div_ceil(STEPS) {
        0 => 0.0,
        number => values.get(number - 1).copied().unwrap_or(1.0),
    };
    (0..=STEPS).map(|step| (believed * at(step) + (1.0 - believed) * step as f64 / STEPS as f64) as f32).collect()
}

/// Where a function with one valley is least, to a hundredth, by the golden section.
fn least((mut low, mut high): (f64, f64), of: impl Fn(f64) -> f64) -> f64 {
    const GOLDEN: f64 = 0.618_033_988_749_894_8;
    let inside = |low: f64, high: f64| (high - GOLDEN * (high - low), low + GOLDEN * (high - low));
    let (mut first, mut second) = inside(low, high);
    let (mut at_first, mut at_second) = (of(first), of(second));
    while high - low > 0.01 {
        if at_first < at_second {
            (high, second, at_second) = (second, first, at_first);
            first = inside(low, high).0;
            at_first = of(first);
        } else {
            (low, first, at_first) = (first, second, at_second);
            second = inside(low, high).1;
            at_second = of(second);
        }
    }
    0.5 * (low + high)
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use rand_distr::{Distribution, StandardNormal};

    use super::*;

    fn stars() -> RatingScale {
        RatingScale::Levels(vec![1.0, 2.0, 3.0, 4.0, 5.0])
    }

    /// Ratings of users whose noise differs, with beliefs whose variances are wrong by these factors.
    fn outcomes(noise: f64, spread: f64, own: f64) -> Vec<RatingOutcome> {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mut normal = || -> f64 { StandardNormal.sample(&mut rng) };
        let mut outcomes = Vec::new();
        for user in 0..1500_u32 {
            let factor = (own * normal()).exp();
            let seen = [0, 20][user as usize % 2];
            let surprise = (0..seen).map(|_| noise * factor * normal().powi(2)).sum();
            for _ in 0..8 {
                let mean = 3.0 + 0.5 * normal();
                let said = 0.1 + 0.4 * normal().powi(2);
                let deviation = ((noise * 0.5 + spread * said) * factor).sqrt();
                let value = (mean + deviation * normal()).round().clamp(1.0, 5.0) as f32;
                outcomes.push(RatingOutcome { user, mean, spread: said, noise: 0.5, seen, surprise, value });
            }
        }
        outcomes
    }

    #[test]
    fn factors_that_were_wrong_are_found() {
        for (noise, spread) in [(1.0, 1.0), (1.6, 0.7), (0.7, 1.5)] {
            let found = RatingCalibration::fit(stars(), &outcomes(noise, spread, 0.0));
            assert!((f64::from(found.noise) / noise).ln().abs() < 0.12, "{found:?} for {noise} and {spread}");
            assert!((f64::from(found.spread) / spread).ln().abs() < 0.15, "{found:?} for {noise} and {spread}");
        }
    }

    #[test]
    fn the_more_users_differ_the_less_is_taken_for_everybodys() {
        let alike = RatingCalibration::fit(stars(), &outcomes(1.0, 1.0, 0.0)).doubt;
        let different = RatingCalibration::fit(stars(), &outcomes(1.0, 1.0, 0.8)).doubt;
        assert!(alike > 3.0 * different, "{alike} and {different}");
    }

    #[test]
    fn intervals_hold_what_they_say_of_ratings_that_are_not_normal() {
        // Many more single stars than a normal distribution has.
        let mut skewed = outcomes(1.0, 1.0, 0.0);
        skewed.iter_mut().step_by(7).for_each(|outcome| outcome.value = 1.0);
        let (fitted_on, new) = skewed.split_at(6_000);
        let calibration = RatingCalibration::fit(stars(), fitted_on);
        let shape = Arc::new(Shape::new(stars(), calibration.needed.clone()));
        let held = |coverage: f64| {
            let inside = new.iter().filter(|outcome| {
                let variance = calibration.variance(outcome);
                let (low, high) = RatingDistribution::shaped(outcome.mean, variance, shape.clone()).interval(coverage);
                (low..=high).contains(&outcome.value)
            });
            inside.count() as f64 / new.len() as f64
        };
        for coverage in [0.7, 0.8, 0.9, 0.95] {
            assert!((held(coverage) - coverage).abs() < 0.02, "{} for {coverage}", held(coverage));
        }
        assert_eq!(held(1.0), 1.0);
    }

    #[test]
    fn without_outcomes_variances_are_taken_at_their_word() {
        assert_eq!(RatingCalibration::fit(stars(), &[]), RatingCalibration::new(stars()));
    }

    #[test]
    fn outcomes_that_are_no_numbers_are_passed_over() {
        let mut some = outcomes(1.0, 1.0, 0.0);
        some.truncate(400);
        let expected = RatingCalibration::fit(stars(), &some);
        let torn = RatingOutcome { user: 9_999, spread: f64::NAN, ..some[0] };
        some.extend([torn, RatingOutcome { spread: 1.0, surprise: f64::INFINITY, ..torn }]);
        assert_eq!(RatingCalibration::fit(stars(), &some), expected);
    }

    #[test]
    fn of_few_users_shares_are_nearly_taken_at_their_word() {
        let far = |users: usize| {
            let some: Vec<RatingOutcome> = outcomes(1.0, 1.0, 0.0).into_iter().take(8 * users).collect();
            let needed = RatingCalibration::fit(stars(), &some).needed;
            (0..).zip(needed).map(|(step, share)| (share - step as f32 / STEPS as f32).abs()).fold(0.0, f32::max)
        };
        assert!(far(1) < 0.14, "{}", far(1));
        assert!(steps(vec![0.5], 0.0).iter().enumerate().all(|(step, &share)| share == step as f32 / STEPS as f32));
    }

    #[test]
    fn quantiles_hold_their_share_of_one_more_value() {
        // Of 19 values, each share of 1/20 has one of its own; of 9, every second has.
        let values = |n: usize| (1..=n).map(|value| value as f64 / 100.0).collect::<Vec<_>>();
        let found = steps(values(19), 1.0);
        assert!((1..20).all(|step| found[step] == step as f32 / 100.0), "{found:?}");
        assert_eq!((found[0], found[20]), (0.0, 1.0));
        assert_eq!(steps(values(9), 1.0)[1..6], [0.01, 0.01, 0.02, 0.02, 0.03]);
        // One more draw is held by the share at least, whatever the number of values.
        for n in [1, 4, 10, 33] {
            let mut rng = ChaCha8Rng::seed_from_u64(n as u64);
            let mut draws = |n: usize| (0..n).map(|_| rng.random::<f64>()).collect::<Vec<f64>>();
            let mut held = [0; STEPS + 1];
            for _ in 0..4000 {
                let (found, new) = (steps(draws(n), 1.0), draws(1)[0] as f32);
                held.iter_mut().zip(found).for_each(|(held, share)| *held += u32::from(new <= share));
            }
            for (step, held) in held.into_iter().enumerate() {
                let (held, said) = (f64::from(held) / 4000.0, step as f64 / STEPS as f64);
                assert!(held > said - 0.025, "{held} for {said} of {n}");
            }
        }
    }

    #[test]
    fn a_users_own_ratings_widen_and_narrow() {
        let calibration = RatingCalibration::new(stars());
        let belief = |seen, surprise| {
            let belief = RatingBelief::new(vec![3.0], vec![1.0].into(), vec![0.25], 0.5).after(seen, surprise);
            calibration.distributions(&belief)[0].variance()
        };
        assert!((belief(0, 0.0) - 0.75).abs() < 1e-12);
        assert!((belief(20, 20.0) - 0.75).abs() < 1e-12);
        assert!((belief(20, 60.0) - 1.5).abs() < 1e-12);
        assert!(belief(20, 5.0) < 0.5);
    }

    #[test]
    fn the_bottom_of_a_valley_is_found() {
        assert!((least((-2.0, 2.0), |x| (x - 0.7).powi(2)) - 0.7).abs() < 0.01);
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let edge: f64 = rng.random_range(3.0..4.0);
        assert!((least((-1.0, 2.0), |x| (x - edge).abs()) - 2.0).abs() < 0.01);
    }
}
