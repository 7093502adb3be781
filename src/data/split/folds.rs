//! Folds of users: everybody is held out once.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};

use super::cold::by_id;
use super::digest::first_arrivals;
use super::{HeldOutUser, TaskHistory, UserSplit};
use crate::data::dataset::Dataset;
use crate::data::error::DataError;
use crate::data::event::IndexedEvent;
use crate::data::ids::UserIndex;

/// How [`UserFolds`] deals users out.
///
/// ```
/// use metarec::data::FoldRule;
///
/// let rule: FoldRule = serde_json::from_str(r#"{ "folds": 10, "seed": 7 }"#)?;
/// assert_eq!(rule, FoldRule::default().with_folds(10).with_seed(7));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FoldRule {
    /// How many folds; 2 or more.
    pub folds: usize,
    /// Other seeds deal other folds.
    pub seed: u64,
    /// How many of a hundred users of the other folds are for validation; 0 to 99.
    pub valid_percent: u8,
    /// How many events the pool of a held-out user has.
    pub support: usize,
    /// How many events a user must have to be held out; more than `support`.
    pub min_events: usize,
}

impl Default for FoldRule {
    /// Five folds, a tenth of the other four for validation; 20 events in the pool, at least 30 in all.
    fn default() -> Self {
        Self { folds: 5, seed: 0, valid_percent: 10, support: 20, min_events: 30 }
    }
}

impl FoldRule {
    /// The same rule with another number of folds.
    #[must_use]
    pub fn with_folds(mut self, folds: usize) -> Self {
        self.folds = folds;
        self
    }

    /// The same rule with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same rule with another share of validation users.
    #[must_use]
    pub fn with_valid_percent(mut self, percent: u8) -> Self {
        self.valid_percent = percent;
        self
    }

    /// The same rule with another size of the pool.
    #[must_use]
    pub fn with_support(mut self, support: usize) -> Self {
        self.support = support;
        self
    }

    /// The same rule with another least number of events.
    #[must_use]
    pub fn with_min_events(mut self, min_events: usize) -> Self {
        self.min_events = min_events;
        self
    }

    fn check(&self, users: usize) -> Result<(), DataError> {
        let bad = |field, value: usize, expected| Err(DataError::Setting { field, value: value.to_string(), expected });
        if self.folds < 2 {
            return bad("folds", self.folds, "2 or more");
        }
        if self.valid_percent > 99 {
            return bad("valid_percent", usize::from(self.valid_percent), "0 to 99");
        }
        if self.min_events <= self.support {
            return bad("min_events", self.min_events, "more than support");
        }
        if self.folds > users {
            return bad("folds", self.folds, "at most the number of users with min_events");
        }
        Ok(())
    }
}

/// Users dealt into folds, each of which is the test once while the others are trained on and validated on.
///
/// - Users with at least `min_events` events, of several of one item one, are in the order of the MD5 of `"fold|seed|id"` dealt to the
///   folds in turn: sizes differ by one at most, and every program in any language deals the same. All others are trained on in every
///   split.
/// - The validation users of a split are the first `valid_percent` of a hundred, rounded up, of the users of the other folds: those of
///   the next fold first, then of the one after, each in the order in which they were dealt.
/// - Within a split histories are divided as by [`UserSplit::by_digest`]: of several events of one user and item the first that arrived
///   is kept, events of held-out users on items that none of the split's training users has are dropped, as is the user who is left
///   with fewer than `min_events`; the first `support` events are the pool, the later ones the query.
///
/// So everybody with enough events is in one fold, and scored once or, where too many of their items are nobody else's, not at all.
///
/// ```
/// use metarec::data::{FoldRule, UserFolds};
///
/// let data = metarec::data::synthetic::MarketConfig::default().with_users(100).generate()?.into_dataset();
/// let folds = UserFolds::new(&data, &FoldRule::default())?;
/// let tested: usize = (0..folds.len()).map(|fold| folds.split(&data, fold).map(|split| split.test.len())).sum::<Result<_, _>>()?;
/// assert!(tested <= 100);
/// # Ok::<(), metarec::data::DataError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserFolds {
    rule: FoldRule,
    /// For each user.
    fold_of: Vec<Option<usize>>,
    /// The users of each fold, in the order in which they were dealt.
    folds: Vec<Vec<UserIndex>>,
}

impl UserFolds {
    /// Deals out the users of `data`. Costs a digest for each user.
    ///
    /// # Errors
    /// [`DataError::Setting`] if the rule is out of its bounds, or there are fewer users with enough events than folds.
    pub fn new(data: &Dataset, rule: &FoldRule) -> Result<Self, DataError> {
        let enough = |user: &UserIndex| first_arrivals(data, *user).len() >= rule.min_events;
        let mut users: Vec<UserIndex> = by_id(data).into_iter().filter(enough).collect();
        rule.check(users.len())?;
        users.sort_by_cached_key(|user| digest(rule.seed, data.users().id(*user)));
        let (mut fold_of, mut folds) = (vec![None; data.users().len()], vec![Vec::new(); rule.folds]);
        for (place, user) in users.into_iter().enumerate() {
            let fold = place % rule.folds;
            fold_of[user.position()] = Some(fold);
            folds[fold].push(user);
        }
        Ok(Self { rule: rule.clone(), fold_of, folds })
    }

    /// How many folds there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.folds.len()
    }

    /// Whether there are none: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.folds.is_empty()
    }

    /// The fold in which a user is tested; `None` for who has too few events.
    ///
    /// # Panics
    /// If there is no such user.
    #[must_use]
    pub fn fold_of(&self, user: UserIndex) -> Option<usize> {
        self.fold_of[user.position()]
    }

    /// The split whose test users are those of `fold`. `data` is what the folds were made of. Costs a copy of the events.
    ///
    /// # Errors
    /// [`DataError::NoTrainingUsers`] if no user is left to train on.
    ///
    /// # Panics
    /// If there is no such fold, or the data have other users.
    pub fn split(&self, data: &Dataset, fold: usize) -> Result<UserSplit, DataError> {
        let valid = self.valid(fold);
        let mut trains = vec![true; data.users().len()];
        self.folds[fold].iter().chain(&valid).for_each(|user| trains[user.position()] = false);
        let mut split = UserSplit::default();
        let mut held_out = Vec::new();
        for user in by_id(data) {
            let events = first_arrivals(data, user);
            if !trains[user.position()] {
                held_out.push((user, events));
            } else if !events.is_empty() {
                split.train.push(TaskHistory { user, events });
            }
        }
        if split.train.is_empty() {
            return Err(DataError::NoTrainingUsers { users: data.users().len() });
        }
        let known = split.candidates();
        for (user, mut events) in held_out {
            events.retain(|event: &IndexedEvent| known.binary_search(&event.item).is_ok());
            if events.len() >= self.rule.min_events {
                let query = events.split_off(self.rule.support);
                let users = if self.fold_of(user) == Some(fold) { &mut split.test } else { &mut split.valid };
                users.push(HeldOutUser { user, pool: events, query });
            }
        }
        Ok(split)
    }

    fn valid(&self, fold: usize) -> Vec<UserIndex> {
        let others: Vec<UserIndex> =
            (1..self.len()).flat_map(|step| self.folds[(fold + step) % self.len()].iter().copied()).collect();
        let count = (others.len() * usize::from(self.rule.valid_percent)).div_ceil(100);
        others[..count].to_vec()
    }
}

fn digest(seed: u64, user: &str) -> [u8; 16] {
    let mut hash = Md5::new();
    hash.update(format!("fold|{seed}|{user}").as_bytes());
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Event, from_events};

    fn everyone_has(users: usize, items: usize) -> Dataset {
        let events = (0..users).flat_map(|user| (0..items).map(move |item| (user, item)));
        from_events(events.map(|(user, item)| (user.to_string(), Event::click(item.to_string())))).unwrap()
    }

    #[test]
    fn users_are_dealt_in_the_order_of_their_digests() {
        // python3 -c "import hashlib; print(sorted(map(str, range(6)), key=lambda u: hashlib.md5(f'fold|3|{u}'.encode()).digest()))"
        let dealt = ["0", "1", "5", "2", "3", "4"];
        let data = everyone_has(6, 3);
        let rule = FoldRule::default().with_folds(2).with_seed(3).with_support(1).with_min_events(2);
        let folds = UserFolds::new(&data, &rule).unwrap();
        for (place, id) in dealt.into_iter().enumerate() {
            assert_eq!(folds.fold_of(data.users().find(id).unwrap()), Some(place % 2), "{id}");
        }
    }

    #[test]
    fn validation_users_are_the_next_ones_that_were_dealt() {
        let data = everyone_has(9, 3);
        let rule = FoldRule::default().with_folds(3).with_support(1).with_min_events(2).with_valid_percent(60);
        let folds = UserFolds::new(&data, &rule).unwrap();
        // 60 of a hundred of six: 3.6, so four.
        assert_eq!(folds.valid(2), [&folds.folds[0][..], &folds.folds[1][..1]].concat());
        let split = folds.split(&data, 2).unwrap();
        assert_eq!((split.train.len(), split.valid.len(), split.test.len()), (2, 4, 3));
    }

    #[test]
    fn rules_that_cannot_be_followed_are_errors() {
        let data = everyone_has(4, 3);
        let rule = FoldRule::default().with_folds(4).with_support(1).with_min_events(2);
        assert!(UserFolds::new(&data, &rule).is_ok());
        let error = |rule: FoldRule| UserFolds::new(&data, &rule).unwrap_err().to_string();
        assert_eq!(error(rule.clone().with_folds(1)), "folds is 1: expected 2 or more");
        assert_eq!(
            error(rule.clone().with_folds(5)),
            "folds is 5: expected at most the number of users with min_events"
        );
        assert_eq!(error(rule.clone().with_min_events(1)), "min_events is 1: expected more than support");
        assert_eq!(error(rule.with_valid_percent(100)), "valid_percent is 100: expected 0 to 99");
    }
}
