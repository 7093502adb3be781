//! Which held-out users, and how many of their events a method sees.

use std::fmt;

use crate::data::{HeldOutUser, UserSplit};

/// Which held-out users an evaluation is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Part {
    /// Meta-validation users: settings are chosen on these.
    Valid,
    /// Meta-test users: reported, and used for nothing else.
    #[default]
    Test,
}

impl Part {
    /// The users of this part.
    pub(super) fn of(self, split: &UserSplit) -> &[HeldOutUser] {
        match self {
            Self::Valid => &split.valid,
            Self::Test => &split.test,
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::Test => "test",
        })
    }
}

/// The smallest pool of a test user (of a valid user where there is no test user): the most shots that everybody has. 0
/// where nobody is held out.
#[must_use]
pub fn pool_size(split: &UserSplit) -> usize {
    let part = if split.test.is_empty() { Part::Valid } else { Part::Test };
    smallest_pool(part, split)
}

/// The smallest pool of a validation user (of a test user where there is nobody to choose on): what is fitted for histories of some length goes by it. 0 where
/// nobody is held out.
#[must_use]
pub fn fitted_pool_size(split: &UserSplit) -> usize {
    let part = if split.valid.is_empty() { Part::Test } else { Part::Valid };
    smallest_pool(part, split)
}

fn smallest_pool(part: Part, split: &UserSplit) -> usize {
    part.of(split).iter().map(|user| user.pool.len()).min().unwrap_or(0)
}

/// 0, 1, 5 and 20 shots as far as the pool goes, 10 where it ends before 20, and all of it where it goes further.
pub(super) fn default_shots(pool: usize) -> Vec<usize> {
    let further = (pool > 20).then_some(pool);
    let steps = [0, 1, 5, 10, 20].into_iter().filter(|&shots| shots <= pool && (shots != 10 || pool < 20));
    steps.chain(further).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, IndexedEvent, ItemIndex, UserIndex};

    #[test]
    fn shots_go_as_far_as_the_pool() {
        assert_eq!(default_shots(50), [0, 1, 5, 20, 50]);
        assert_eq!(default_shots(20), [0, 1, 5, 20]);
        assert_eq!(default_shots(19), [0, 1, 5, 10]);
        assert_eq!(default_shots(3), [0, 1]);
        assert_eq!(default_shots(0), [0]);
    }

    #[test]
    fn nobody_held_out_has_no_pool() {
        assert_eq!((pool_size(&UserSplit::default()), fitted_pool_size(&UserSplit::default())), (0, 0));
    }

    #[test]
    fn what_is_fitted_goes_by_validation_users_and_what_is_scored_by_test_users() {
        let event = IndexedEvent { item: ItemIndex(0), action: Action::Click, value: None, timestamp: None };
        let held_out = |pool| HeldOutUser { user: UserIndex(0), pool: vec![event; pool], query: vec![event] };
        let both = UserSplit { valid: vec![held_out(7), held_out(5)], test: vec![held_out(3)], ..UserSplit::default() };
        assert_eq!((pool_size(&both), fitted_pool_size(&both)), (3, 5));
        let test = UserSplit { valid: Vec::new(), ..both.clone() };
        assert_eq!((pool_size(&test), fitted_pool_size(&test)), (3, 3));
        let valid = UserSplit { test: Vec::new(), ..both };
        assert_eq!((pool_size(&valid), fitted_pool_size(&valid)), (5, 5));
    }
}
