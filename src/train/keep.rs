//! Which look at the meta-validation users is kept.

use serde::{Deserialize, Serialize};

/// What a look is held against: how good the best look so far was for each meta-validation user, and how many looks have passed since.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct BestLook {
    of_users: Option<Vec<f64>>,
    looks_since: usize,
}

impl BestLook {
    /// Looks since the best.
    pub(crate) fn looks_since(&self) -> usize {
        self.looks_since
    }

    /// Whether there was a look.
    pub(crate) fn is_some(&self) -> bool {
        self.of_users.is_some()
    }

    /// Takes the next look, with a number for each user of which more is better, and says whether it is to be kept: unless the best so far is ahead by at least
    /// `margin` standard errors of the mean difference over users.
    ///
    /// Looks differ by chance, the more so the fewer users there are, and the best of many is partly the luckiest; the rate falls to the end, so the last one is
    /// the better bet where users can't tell. Of nobody each look is kept, and none counted. One with a number that is not finite is not kept. The
    /// one-standard-error rule of Breiman, Friedman, Olshen and Stone (1984), section 3.4.3, the other way round.
    pub(crate) fn keeps(&mut self, users: &[f64], margin: f64) -> bool {
        if users.is_empty() {
            self.of_users.get_or_insert_default();
            return true;
        }
        if !users.iter().all(|value| value.is_finite()) {
            self.looks_since += 1;
            return false;
        }
        let ahead = self.of_users.as_ref().map(|best| differences(best, users));
        match ahead {
            Some((mean, _)) if mean >= 0.0 => self.looks_since += 1,
            _ => *self = Self { of_users: Some(users.to_vec()), looks_since: 0 },
        }
        ahead.is_none_or(|(mean, error)| mean < 0.0 || mean < margin * error)
    }
}

/// Mean of the differences between two numbers of each user, and its standard error: infinite of a single user, unless there is no difference.
fn differences(a: &[f64], b: &[f64]) -> (f64, f64) {
    let n = a.len().min(b.len()) as f64;
    let each = || a.iter().zip(b).map(|(a, b)| a - b);
    let mean = each().sum::<f64>() / n.max(1.0);
    let squares: f64 = each().map(|difference| (difference - mean).powi(2)).sum();
    match each().all(|difference| difference == 0.0) {
        true => (0.0, 0.0),
        false if n < 2.0 => (mean, f64::INFINITY),
        false => (mean, (squares / (n - 1.0) / n).sqrt()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(looks: &[&[f64]], margin: f64) -> Vec<bool> {
        let mut best = BestLook::default();
        looks.iter().map(|users| best.keeps(users, margin)).collect()
    }

    #[test]
    fn without_a_margin_the_best_is_kept() {
        assert_eq!(kept(&[&[0.1, 0.3], &[0.2, 0.3], &[0.3, 0.1], &[0.2, 0.3]], 0.0), [true, true, false, false]);
    }

    #[test]
    fn with_one_a_later_look_is_kept_unless_users_agree_that_it_is_worse() {
        // Ahead by 0.05 with a standard error of 0.15, by 0.1 with one of 0, and by nothing at all.
        let best: &[f64] = &[0.4, 0.4];
        assert_eq!(kept(&[best, &[0.2, 0.5], &[0.3, 0.3], best], 1.0), [true, true, false, false]);
        // Of the reference, not of the last one kept: what is lost little by little is lost.
        assert_eq!(kept(&[&[0.4, 0.5], &[0.41, 0.47], &[0.41, 0.44], &[0.39, 0.4]], 1.0), [true, true, true, false]);
    }

    #[test]
    fn a_single_user_can_not_tell_and_nobody_neither() {
        assert_eq!(kept(&[&[0.4], &[0.2], &[0.2]], 1.0), [true, true, true]);
        let mut best = BestLook::default();
        assert_eq!([best.keeps(&[], 1.0), best.keeps(&[], 1.0)], [true, true]);
        assert_eq!((best.is_some(), best.looks_since()), (true, 0), "patience is for those who could tell");
    }

    #[test]
    fn what_is_not_finite_is_not_kept_and_nothing_is_held_against_it() {
        let looks: &[&[f64]] = &[&[0.4, 0.4], &[f64::NAN, 0.9], &[f64::NEG_INFINITY, 0.9], &[0.3, 0.3], &[0.5, 0.5]];
        assert_eq!(kept(looks, 0.0), [true, false, false, false, true]);
    }

    #[test]
    fn looks_are_counted_from_the_best() {
        let mut best = BestLook::default();
        for (users, since) in [([0.1, 0.2], 0), ([0.1, 0.1], 1), ([0.1, 0.2], 2), ([0.3, 0.1], 0)] {
            best.keeps(&users, 1.0);
            assert_eq!(best.looks_since(), since);
        }
        let written = serde_json::to_string(&best).unwrap();
        assert_eq!(serde_json::from_str::<BestLook>(&written).unwrap(), best);
    }
}
