use proptest::prelude::*;

use super::*;
use crate::baseline::everyone;
use crate::baseline::tests::{all_train, on_threads, rated, scores, two_tastes};
use crate::data::{DatasetBuilder, Event, IndexedEvent, UserIndex};

fn config(loss: LightFmLoss) -> LightFmConfig {
    LightFmConfig::default().with_loss(loss).with_factors(6).with_fold_in_epochs(30)
}

/// Forty users of whom the even ones like items with an even number and say so in a column, the odd ones the odd. Items 20 to
/// 23 are known by their categories alone, 24 not even by that.
fn two_markets() -> (Dataset, UserSplit) {
    let mut events = DatasetBuilder::new();
    for item in 0..24 {
        events.catalogue_mut().describe(&item.to_string(), "", "", [["even", "odd"][item % 2]]);
    }
    events.catalogue_mut().insert("24");
    for user in 0..40_usize {
        let name = user.to_string();
        events.describe_user(&name, [("taste", ["even", "odd"][user % 2])]).unwrap();
        for nth in 0..6 {
            let item = (2 * (user * 7 + nth * 3 + nth * nth) + user) % 20;
            events.push(&name, &Event::rating(item.to_string(), 5.0)).unwrap();
        }
        events.push(&name, &Event::rating(((user + 1) % 20).to_string(), 1.0)).unwrap();
    }
    let data = events.build();
    let split = everyone(&data);
    (data, split)
}

fn mean(scores: &[f32], items: impl Iterator<Item = usize>) -> f32 {
    let of = items.map(|item| scores[item]).collect::<Vec<f32>>();
    of.iter().sum::<f32>() / of.len() as f32
}

/// The scores of a user of whom the columns say what they say of this one.
fn scores_of(lightfm: &LightFm, user: u32, events: &[IndexedEvent]) -> Vec<f32> {
    lightfm.scores(&[Support { user: UserIndex(user), events }]).unwrap().unwrap().remove(0)
}

#[test]
fn every_loss_learns_the_two_tastes_that_the_data_holds() {
    let (data, split) = two_tastes(60, 24);
    for loss in LightFmLoss::ALL {
        let lightfm = LightFm::fit(&data, &split, &config(loss).with_epochs(40)).unwrap();
        for taste in [0, 1] {
            let liked = [(taste, 5.0), (taste + 6, 5.0), (taste + 12, 4.0)];
            let scores = scores(&lightfm, &rated(&liked));
            let unseen = |parity: u32| {
                let items = (0..24).filter(move |item| item % 2 == parity && !liked.iter().any(|(one, _)| one == item));
                items.map(|item| item as usize)
            };
            let (own, other) = (mean(&scores, unseen(taste)), mean(&scores, unseen(1 - taste)));
            assert!(own > other + 0.2, "{loss:?} taste {taste}: {own} {other}");
        }
    }
}

#[test]
fn cold_items_are_ranked_by_their_categories() {
    let (data, split) = two_markets();
    for loss in LightFmLoss::ALL {
        let lightfm = LightFm::fit(&data, &split, &config(loss).with_epochs(30)).unwrap();
        for taste in [0, 1] {
            let liked = rated(&[(taste, 5.0), (taste + 4, 5.0), (taste + 8, 5.0)]);
            let scores = scores_of(&lightfm, u32::MAX, &liked);
            let (own, other) = (20 + taste as usize, 21 - taste as usize);
            assert!(scores[own] > scores[other], "{loss:?} taste {taste}: {:?}", &scores[20..]);
            assert_eq!(scores[20..22], scores[22..24], "nothing tells them apart");
            let met = mean(&scores, (0..20).filter(|item| item % 2 == taste as usize));
            assert!(met > scores[24], "{loss:?}: an item of which nothing is known is not preferred");
        }
    }
}

#[test]
fn newcomers_without_events_are_ranked_for_by_their_columns() {
    let (data, split) = two_markets();
    for loss in LightFmLoss::ALL {
        let lightfm = LightFm::fit(&data, &split, &config(loss).with_epochs(30)).unwrap();
        let (even, odd, nobody) =
            (scores_of(&lightfm, 0, &[]), scores_of(&lightfm, 1, &[]), scores_of(&lightfm, u32::MAX, &[]));
        let gap = |scores: &[f32]| {
            mean(scores, (0..20).filter(|item| item % 2 == 0)) - mean(scores, (0..20).filter(|item| item % 2 == 1))
        };
        assert!(gap(&even) > 0.2 && gap(&odd) < -0.2, "{loss:?}: {} {}", gap(&even), gap(&odd));
        for (item, score) in nobody.into_iter().enumerate() {
            let between = (even[item] + odd[item]) / 2.0;
            assert!((score - between).abs() < 1e-4, "{loss:?} {item}: half of the users say either");
        }
    }
}

#[test]
fn events_that_are_no_likes_say_nothing_of_a_newcomer_and_neither_do_likes_at_no_passes() {
    let (data, split) = two_tastes(30, 16);
    let lightfm = LightFm::fit(&data, &split, &config(LightFmLoss::Warp)).unwrap();
    let (none, disliked) = (scores(&lightfm, &[]), scores(&lightfm, &rated(&[(0, 1.0), (3, 2.0)])));
    assert_eq!(none, disliked);
    assert_ne!(none, scores(&lightfm, &rated(&[(0, 5.0)])));
    let still = LightFm::fit(&data, &split, &config(LightFmLoss::Warp).with_fold_in_epochs(0)).unwrap();
    assert_eq!(scores(&still, &rated(&[(0, 5.0)])), none);
}

#[test]
fn going_on_for_more_epochs_is_the_same_as_having_started_with_them() {
    let (data, split) = two_tastes(30, 16);
    for loss in LightFmLoss::ALL {
        let examples = Examples::new(&data, &split).unwrap();
        let config = config(loss).with_epochs(5);
        let (mut on, mut over) = (Training::new(&examples, &config), Training::new(&examples, &config));
        on.run_to(2).unwrap();
        let early = on.fitted();
        on.run_to(5).unwrap();
        over.run_to(5).unwrap();
        assert_eq!(on.fitted(), over.fitted());
        assert_ne!(on.fitted(), early);
        assert_eq!(on.fitted(), *LightFm::fit(&data, &split, &config).unwrap().fitted);
    }
}

#[test]
fn a_ridge_makes_vectors_shorter() {
    let (data, split) = two_tastes(30, 16);
    let length = |ridge| {
        let lightfm = LightFm::fit(&data, &split, &config(LightFmLoss::Bpr).with_ridge(ridge)).unwrap();
        lightfm.fitted.items.iter().map(|value| value * value).sum::<f32>()
    };
    assert!(length(0.1) < 0.7 * length(0.0), "{} {}", length(0.1), length(0.0));
}

#[test]
fn a_split_of_another_data_set_is_an_error() {
    let (_, split) = all_train(4, &[(0, 3, 5.0)]);
    let (data, _) = all_train(2, &[(0, 1, 5.0)]);
    assert!(LightFm::fit(&data, &split, &LightFmConfig::default()).is_err());
}

#[test]
fn settings_out_of_bounds_are_named() {
    let base = LightFmConfig::default;
    for (config, expected) in [
        (base().with_factors(0), "baseline setting `factors` is 0: expected 1 to 1000"),
        (base().with_epochs(0), "baseline setting `epochs` is 0: expected 1 to 1000"),
        (
            base().with_learning_rate(0.0),
            "baseline setting `learning_rate` is 0: expected a finite number, more than 0",
        ),
        (base().with_ridge(f32::NAN), "baseline setting `ridge` is NaN: expected a finite number, 0 or more"),
        (base().with_draws(0), "baseline setting `draws` is 0: expected 1 to 1000"),
        (base().with_fold_in_epochs(1001), "baseline setting `fold_in_epochs` is 1001: expected 0 to 1000"),
    ] {
        assert_eq!(config.check().unwrap_err().to_string(), expected);
        assert!(LightFm::fit(&two_tastes(2, 4).0, &two_tastes(2, 4).1, &config).is_err());
    }
    assert!(serde_json::from_str::<LightFmConfig>(r#"{"factor": 3}"#).is_err());
    assert_eq!(
        serde_json::from_str::<LightFmConfig>(r#"{"loss": "bpr"}"#).unwrap(),
        base().with_loss(LightFmLoss::Bpr)
    );
}

fn losses() -> impl Strategy<Value = LightFmLoss> {
    prop::sample::select(LightFmLoss::ALL.to_vec())
}

#[test]
fn a_rate_that_is_far_too_great_is_an_error_that_names_it() {
    let (data, split) = two_tastes(20, 12);
    for loss in LightFmLoss::ALL {
        let error = LightFm::fit(&data, &split, &config(loss).with_learning_rate(1e30)).unwrap_err();
        let text = format!("the table of vectors of {} is no longer finite in epoch 1", loss.method_name());
        assert!(matches!(error, BaselineError::Diverged { learning_rate: 1e30, .. }), "{error}");
        assert!(error.to_string().starts_with(&text), "{error}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn equal_seeds_give_equal_and_finite_scores_whoever_else_is_asked_for(
        loss in losses(),
        seed: u64,
        ratings in prop::collection::vec((0u32..6, 0u32..9, 1u8..6), 0..60),
        support in prop::collection::vec((0u32..10, 1u8..6), 0..6),
    ) {
        let ratings: Vec<_> = ratings.into_iter().map(|(user, item, value)| (user, item, f32::from(value))).collect();
        let (data, split) = all_train(10, &ratings);
        let config = config(loss).with_seed(seed).with_epochs(3);
        let (one, two) = (LightFm::fit(&data, &split, &config).unwrap(), LightFm::fit(&data, &split, &config).unwrap());
        prop_assert_eq!(&one.fitted, &two.fitted);
        let support = rated(&support.into_iter().map(|(item, value)| (item, f32::from(value))).collect::<Vec<_>>());
        let alone = scores(&one, &support);
        prop_assert!(alone.iter().all(|score| score.is_finite()));
        let supports = [&support[..], &[], &support[..support.len() / 2]]
            .map(|events| Support { user: UserIndex(0), events });
        let together = on_threads(3, || one.scores(&supports).unwrap().unwrap());
        prop_assert_eq!(&together[0], &alone);
        prop_assert_eq!(&together[2], &scores(&one, supports[2].events));
    }

    #[test]
    fn other_seeds_give_other_vectors(loss in losses(), seed in 1u64..u64::MAX) {
        let (data, split) = two_tastes(8, 6);
        let fit = |seed| LightFm::fit(&data, &split, &config(loss).with_epochs(1).with_seed(seed)).unwrap();
        prop_assert_ne!(&fit(0).fitted.items, &fit(seed).fitted.items);
    }
}
