//! Folds of users, and methods cross-validated over them.

use std::collections::BTreeSet;

use metarec::baseline::{Offsets, Popularity, Random, Tuner};
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, Event, FoldRule, UserFolds, UserIndex, UserSplit, from_events};
use metarec::evaluate::{CrossValidation, EvaluateError, Method, Report, UserCold, cross_validate};
use proptest::prelude::*;

/// `(user, item)`, each at most once.
fn dataset(raw: &BTreeSet<(u16, u16)>, reversed: bool) -> Dataset {
    let event = |(user, item): &(u16, u16)| (format!("u{user}"), Event::click(format!("i{item}")).at(i64::from(*item)));
    let mut events: Vec<(String, Event)> = raw.iter().map(event).collect();
    if reversed {
        events.reverse();
    }
    from_events(events).unwrap()
}

fn raw() -> impl Strategy<Value = BTreeSet<(u16, u16)>> {
    proptest::collection::btree_set((0u16..40, 0u16..12), 60..300)
}

fn rule() -> impl Strategy<Value = FoldRule> {
    (2usize..6, any::<u64>(), 0u8..100, 0usize..3).prop_map(|(folds, seed, percent, support)| {
        let rule = FoldRule::default().with_folds(folds).with_seed(seed).with_valid_percent(percent);
        rule.with_support(support).with_min_events(support + 2)
    })
}

fn users(split: &UserSplit) -> [BTreeSet<UserIndex>; 3] {
    let held_out = |users: &[metarec::data::HeldOutUser]| users.iter().map(|user| user.user).collect();
    [split.train.iter().map(|task| task.user).collect(), held_out(&split.valid), held_out(&split.test)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn everybody_with_enough_events_is_in_one_fold_and_tested_there_or_nowhere(raw in raw(), rule in rule()) {
        let data = dataset(&raw, false);
        let Ok(folds) = UserFolds::new(&data, &rule) else { return Ok(()) };
        let mut sizes = vec![0; folds.len()];
        for user in (0..data.users().len() as u32).map(UserIndex) {
            let fold = folds.fold_of(user);
            prop_assert_eq!(fold.is_some(), data.history(user).len() >= rule.min_events);
            fold.into_iter().for_each(|fold| sizes[fold] += 1);
        }
        prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        let mut tested = BTreeSet::new();
        for fold in 0..folds.len() {
            let Ok(split) = folds.split(&data, fold) else { continue };
            for user in &split.test {
                prop_assert_eq!(folds.fold_of(user.user), Some(fold));
                prop_assert!(tested.insert(user.user), "tested once");
            }
        }
    }

    #[test]
    fn the_parts_of_a_split_share_nobody_and_held_out_events_are_on_known_items(raw in raw(), rule in rule()) {
        let data = dataset(&raw, false);
        let Ok(folds) = UserFolds::new(&data, &rule) else { return Ok(()) };
        for fold in 0..folds.len() {
            let Ok(split) = folds.split(&data, fold) else { continue };
            let [train, valid, test] = users(&split);
            prop_assert!(train.is_disjoint(&valid) && train.is_disjoint(&test) && valid.is_disjoint(&test));
            let known = split.candidates();
            for user in split.valid.iter().chain(&split.test) {
                prop_assert!(user.pool.len() == rule.support && user.query.len() >= 2);
                prop_assert!(user.pool.iter().chain(&user.query).all(|event| known.contains(&event.item)));
                prop_assert!(!user.query.iter().any(|event| user.pool.contains(event)));
            }
        }
    }

    #[test]
    fn folds_do_not_depend_on_the_order_of_the_input(raw in raw(), rule in rule()) {
        let (data, other) = (dataset(&raw, false), dataset(&raw, true));
        let (Ok(one), Ok(two)) = (UserFolds::new(&data, &rule), UserFolds::new(&other, &rule)) else { return Ok(()) };
        for (user, id) in (0..).map(UserIndex).zip(data.users().ids()) {
            prop_assert_eq!(one.fold_of(user), two.fold_of(other.users().find(id).unwrap()));
        }
    }
}

fn market() -> Dataset {
    MarketConfig::default().with_users(120).generate().unwrap().into_dataset()
}

fn made<'a>(method: impl Method + 'a) -> Result<Box<dyn Method + 'a>, EvaluateError> {
    Ok(Box::new(method))
}

#[test]
fn each_user_has_the_values_of_the_fold_in_which_they_were_tested() {
    let data = market();
    let rule = FoldRule::default().with_folds(3);
    let found = cross_validate(&data, &rule, |data, split| made(Popularity::fit(data, split))).unwrap();
    let folds = UserFolds::new(&data, &rule).unwrap();
    let all = found.report.find("popularity", 5, "ndcg@10").unwrap().values();
    let spread = found.find(5, "ndcg@10").unwrap();
    assert_eq!(all.iter().map(|(user, _)| *user).collect::<BTreeSet<_>>().len(), all.len(), "each once");
    for fold in 0..3 {
        let split = folds.split(&data, fold).unwrap();
        let mut report = Report::new();
        UserCold::new(&data, &split).unwrap().run(&Popularity::fit(&data, &split), &mut report).unwrap();
        let alone = report.find("popularity", 5, "ndcg@10").unwrap();
        assert!(alone.values().iter().all(|value| all.contains(value)));
        assert_eq!(spread.folds[fold], alone.mean().unwrap());
    }
    let row = found.report.rows().into_iter().find(|row| row.k == 5 && row.metric == "ndcg@10").unwrap();
    assert!(row.users == all.len() && row.lo < row.mean && row.mean < row.hi);
    assert!(spread.deviation > 0.0 && (spread.mean - row.mean).abs() < 0.01);
}

#[test]
fn methods_over_the_same_folds_are_paired_over_all_users() {
    let data = market();
    let folds = CrossValidation::new(&data, &FoldRule::default().with_folds(4)).unwrap().with_shots([1, 5]);
    let mut report = Report::new();
    folds.run(|data, split| made(Popularity::fit(data, split)), &mut report).unwrap();
    folds.run(|data, _| made(Random::new(data, 1)), &mut report).unwrap();
    let spread = folds
        .run(
            |data, split| {
                made(
                    Tuner::new(data, split, &[1, 5])
                        .and_then(|tuner| Offsets::tuned(&tuner))
                        .map_err(|error| EvaluateError::method("bias", error))?,
                )
            },
            &mut report,
        )
        .unwrap();
    assert!(spread.iter().all(|spread| ["rmse", "mae", "mae_of_mean", "accuracy"].contains(&spread.metric.as_str())));
    let paired = report.paired("popularity", "random", "auc", 5).unwrap();
    let dealt = (0..data.users().len() as u32).filter(|user| folds.folds().fold_of(UserIndex(*user)).is_some()).count();
    assert!(paired.users > dealt / 2 && paired.users <= dealt && paired.significantly_better());
    let error = folds.run(|data, split| made(Popularity::fit(data, split)), &mut report).unwrap_err();
    assert!(matches!(error, EvaluateError::MethodTwice(name) if name == "popularity"));
}

#[test]
fn what_is_made_sees_no_test_user_of_its_fold() {
    let data = market();
    let folds = UserFolds::new(&data, &FoldRule::default()).unwrap();
    for fold in 0..folds.len() {
        let split = folds.split(&data, fold).unwrap().without_test();
        let [train, valid, test] = users(&split);
        assert!(test.is_empty() && !valid.is_empty());
        assert!(train.iter().chain(&valid).all(|user| folds.fold_of(*user) != Some(fold)));
    }
}

#[test]
fn a_fold_without_a_method_is_an_error_that_keeps_its_source() {
    let data = market();
    let error =
        cross_validate(&data, &FoldRule::default(), |_, _| Err::<Box<dyn Method>, _>("out of memory")).unwrap_err();
    assert!(
        matches!(&error, EvaluateError::Fold { fold: 0, source } if source.to_string() == "out of memory"),
        "{error}"
    );
    let error =
        cross_validate(&data, &FoldRule::default().with_folds(1), |_, _| Err::<Box<dyn Method>, _>("never made"));
    assert!(matches!(error, Err(EvaluateError::Data(_))));
}
