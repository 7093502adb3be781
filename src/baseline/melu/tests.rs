use super::*;
use crate::baseline::everyone;
use crate::baseline::tests::{all_train, on_threads, rated, ratings, scores};
use crate::data::{Action, DatasetBuilder, Event, UserIndex};

/// Forty users: those with an even number give 5 to items of "a" and 1 to those of "b", the odd ones the other way round. Who is
/// which, a column says. Item 16 is of "a" and item 17 of "b", and nobody has met them; of item 18 nothing is known.
fn tastes() -> (Dataset, UserSplit) {
    let mut events = DatasetBuilder::new();
    for item in 0..18 {
        events.catalogue_mut().describe(&item.to_string(), "", "", [["a", "b"][item % 2]]);
    }
    events.catalogue_mut().insert("18");
    for user in 0..40_usize {
        let name = user.to_string();
        events.describe_user(&name, [("taste", ["a", "b"][user % 2])]).unwrap();
        for item in (0..16).map(|nth| (nth * 5 + user * 3) % 16) {
            let value = if (item + user).is_multiple_of(2) { 5.0 } else { 1.0 };
            events.push(&name, &Event::rating(item.to_string(), value)).unwrap();
        }
    }
    let data = events.build();
    let split = everyone(&data);
    (data, split)
}

fn config() -> MeLuConfig {
    MeLuConfig::default().with_embedding(6).with_hidden(12).with_batch(10).with_outer_lr(0.01).with_epochs(30)
}

fn rate(melu: &MeLu, user: u32, events: &[(u32, f32)]) -> Vec<f32> {
    let events = rated(events);
    melu.ratings(&[Support { user: UserIndex(user), events: &events }]).unwrap().unwrap().remove(0)
}

#[test]
fn newcomers_are_told_by_their_columns_and_ratings_of_theirs_tell_the_same_of_who_says_nothing() {
    let (data, split) = tastes();
    let melu = MeLu::fit(&data, &split, &config().with_inner(3, 0.1).with_serving_steps(3)).unwrap();
    for (taste, own, other) in [(0, 16, 17), (1, 17, 16)] {
        let by_column = rate(&melu, taste, &[]);
        assert!(by_column[own] > 4.0 && by_column[other] < 2.0, "{taste}: {by_column:?}");
        let seen = [(taste, 5.0), (taste + 2, 5.0), (taste + 4, 5.0), (1 - taste, 1.0), (3 - taste, 1.0)];
        let by_ratings = rate(&melu, u32::MAX, &seen);
        let gap = |row: &[f32]| row[own] - row[other];
        assert!(gap(&by_ratings) > gap(&rate(&melu, u32::MAX, &[])) + 0.2, "{taste}: {by_ratings:?}");
        assert_eq!(by_ratings[own], by_ratings[taste as usize], "items of the same categories are rated alike");
        assert!(by_ratings[18].is_finite());
    }
}

#[test]
fn without_local_updates_ratings_say_nothing() {
    let (data, split) = tastes();
    let melu = MeLu::fit(&data, &split, &config().with_epochs(1).with_serving_steps(0)).unwrap();
    let none = rate(&melu, 0, &[]);
    assert_eq!(none, rate(&melu, 0, &[(0, 1.0), (3, 5.0)]));
    let updated = melu.with_serving_steps(2).unwrap();
    assert_eq!(none, rate(&updated, 0, &[]), "nothing to update by");
    assert_ne!(none, rate(&updated, 0, &[(0, 1.0), (3, 5.0)]));
}

#[test]
fn items_are_ranked_by_their_predicted_ratings() {
    let (data, split) = tastes();
    let melu = MeLu::fit(&data, &split, &config().with_epochs(1)).unwrap();
    let events = rated(&[(0, 5.0)]);
    assert_eq!(scores(&melu, &events), ratings(&melu, &events));
}

#[test]
fn the_same_seed_gives_the_same_ratings_on_any_number_of_threads_and_for_whoever_else_is_asked() {
    let (data, split) = tastes();
    let fit = |threads, seed| {
        let config = config().with_epochs(2).with_seed(seed);
        on_threads(threads, || MeLu::fit(&data, &split, &config).unwrap())
    };
    let (one, four, other) = (fit(1, 1), fit(4, 1), fit(1, 2));
    let events = rated(&[(0, 5.0), (1, 2.0)]);
    assert_eq!(ratings(&one, &events), ratings(&four, &events));
    assert_ne!(ratings(&one, &events), ratings(&other, &events));
    let supports = [&events[..], &[], &events[..1]].map(|events| Support { user: UserIndex(0), events });
    let together = one.ratings(&supports).unwrap().unwrap();
    assert_eq!((&together[0], &together[2]), (&ratings(&one, &events), &ratings(&one, &events[..1])));
}

#[test]
fn where_there_is_nothing_to_predict_nothing_is_predicted() {
    let mut events = DatasetBuilder::new();
    for user in ["a", "b"] {
        events.push(user, &Event::new("x", Action::Purchase)).unwrap();
    }
    let data = events.build();
    let melu = MeLu::fit(&data, &everyone(&data), &config()).unwrap();
    let support = [Support { user: UserIndex(0), events: &[] }];
    assert_eq!((melu.ratings(&support).unwrap(), melu.scores(&support).unwrap()), (None, None));
}

#[test]
fn users_who_rate_too_little_to_train_on_leave_finite_ratings() {
    let (data, split) = all_train(4, &[(0, 0, 5.0), (0, 1, 1.0), (1, 2, 3.0)]);
    let melu = MeLu::fit(&data, &split, &config()).unwrap();
    assert!(ratings(&melu, &rated(&[(0, 5.0)])).iter().all(|rating| rating.is_finite()));
}

#[test]
fn a_rate_that_is_far_too_great_is_an_error() {
    let (data, split) = tastes();
    let error = MeLu::fit(&data, &split, &config().with_outer_lr(1e30)).unwrap_err();
    assert!(error.to_string().starts_with("the loss of melu is no longer finite in epoch "), "{error}");
}

#[test]
fn settings_out_of_bounds_are_named() {
    let base = MeLuConfig::default;
    for (config, expected) in [
        (base().with_embedding(0), "baseline setting `embedding` is 0: expected 1 to 1024"),
        (base().with_hidden(1025), "baseline setting `hidden` is 1025: expected 1 to 1024"),
        (base().with_inner(0, 0.1), "baseline setting `inner_steps` is 0: expected 1 to 100"),
        (base().with_inner(1, 101.0), "baseline setting `inner_lr` is 101: expected more than 0, at most 100"),
        (base().with_serving_steps(101), "baseline setting `serving_steps` is 101: expected 0 to 100"),
        (base().with_epochs(0), "baseline setting `epochs` is 0: expected 1 to 10000"),
        (base().with_batch(0), "baseline setting `batch` is 0: expected 1 to 10000"),
        (base().with_outer_lr(0.0), "baseline setting `outer_lr` is 0: expected a finite number, more than 0"),
    ] {
        assert_eq!(config.check().unwrap_err().to_string(), expected);
    }
    assert!(serde_json::from_str::<MeLuConfig>(r#"{"steps": 3}"#).is_err());
}
