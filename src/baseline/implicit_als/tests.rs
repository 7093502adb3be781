//! The factors as the minimum that they are said to be.

use super::*;
use crate::baseline::tests::{all_train, on_threads, rated, scores, two_tastes};
use crate::data::{Action, DatasetBuilder, Event};

fn config() -> ImplicitAlsConfig {
    ImplicitAlsConfig::default().with_factors(3).with_ridge(0.7).with_alpha(2.0)
}

/// The training users' vectors, each the minimum given the items'.
fn users(als: &ImplicitAls) -> Vec<Vec<f64>> {
    (0..als.interactions.by_user.rows()).map(|user| als.fold_in(als.interactions.by_user.row(user)).unwrap()).collect()
}

/// `(c, c * (prediction - p))` of a pair: the slope of its term over twice the other side's vector.
fn slope(als: &ImplicitAls, likes: &[(u32, f32)], item: usize, user: &[f64]) -> f64 {
    let like = likes.iter().find(|(other, _)| *other as usize == item).map(|(_, weight)| f64::from(*weight));
    let confidence = 1.0 + als.config.alpha * like.unwrap_or(0.0);
    let d = als.config.factors;
    confidence * (dot(&als.items[item * d..(item + 1) * d], user) - if like.is_some() { 1.0 } else { 0.0 })
}

#[test]
fn the_gradient_for_a_new_user_is_0_at_the_vector_it_is_given() {
    let (data, split) = two_tastes(12, 9);
    let als = ImplicitAls::fit(&data, &split, &config()).unwrap();
    let likes = als.interactions.weigh(&rated(&[(0, 5.0), (3, 4.0), (5, 1.0)]), |event| als.rule.weight(event));
    assert_eq!(likes.len(), 2);
    let user = als.fold_in(&likes).unwrap();
    for factor in 0..3 {
        let slopes =
            (0..als.interactions.len()).map(|item| slope(&als, &likes, item, &user) * als.items[item * 3 + factor]);
        let gradient = slopes.sum::<f64>() + 0.7 * user[factor];
        assert!(gradient.abs() < 1e-10, "{gradient}");
    }
}

#[test]
fn after_many_rounds_the_gradient_for_the_items_is_0_as_well() {
    let (data, split) = two_tastes(12, 9);
    let als = ImplicitAls::fit(&data, &split, &config().with_rounds(1000)).unwrap();
    let users = users(&als);
    for item in 0..als.interactions.len() {
        for factor in 0..3 {
            let of_user = |(row, user): (usize, &Vec<f64>)| {
                slope(&als, als.interactions.by_user.row(row), item, user) * user[factor]
            };
            let gradient = users.iter().enumerate().map(of_user).sum::<f64>() + 0.7 * als.items[item * 3 + factor];
            assert!(gradient.abs() < 1e-6, "{item} {factor}: {gradient}");
        }
    }
    let size: f64 = als.items.iter().map(|value| value.abs()).sum();
    assert!(size > 1.0, "not a minimum because all is 0: {size}");
}

#[test]
fn a_round_never_raises_the_loss() {
    let (data, split) = two_tastes(12, 9);
    let loss = |rounds| {
        let als = ImplicitAls::fit(&data, &split, &config().with_rounds(rounds)).unwrap();
        let users = users(&als);
        let mut loss = 0.7 * (dot(&als.items, &als.items) + users.iter().map(|user| dot(user, user)).sum::<f64>());
        for (row, user) in users.iter().enumerate() {
            let likes = als.interactions.by_user.row(row);
            for item in 0..als.interactions.len() {
                let liked = likes.iter().any(|(other, _)| *other as usize == item);
                let confidence = if liked { 1.0 + als.config.alpha } else { 1.0 };
                loss += slope(&als, likes, item, user).powi(2) / confidence;
            }
        }
        loss
    };
    let losses: Vec<f64> = [1, 2, 3, 5, 10, 50].map(loss).to_vec();
    assert!(losses.is_sorted_by(|a, b| a >= b), "{losses:?}");
}

#[test]
fn users_without_likes_have_the_mean_of_the_training_users() {
    let (data, split) = two_tastes(12, 9);
    let als = ImplicitAls::fit(&data, &split, &config()).unwrap();
    let expected: Vec<f32> = als.items.chunks(3).map(|item| dot(item, &als.mean) as f32).collect();
    assert_eq!(scores(&als, &[]), expected);
    assert_eq!(scores(&als, &rated(&[(1, 1.0)])), expected, "only a disliked item");
}

#[test]
fn an_item_that_nobody_liked_scores_0() {
    let (data, split) = all_train(4, &[(0, 0, 5.0), (0, 1, 5.0), (1, 0, 5.0), (1, 2, 1.0)]);
    let als = ImplicitAls::fit(&data, &split, &config()).unwrap();
    let scores = scores(&als, &rated(&[(0, 5.0)]));
    assert_eq!(scores[2..], [0.0, 0.0]);
    assert!(scores[1] > 0.0, "{scores:?}");
}

#[test]
fn weaker_actions_count_for_less() {
    let mut events = DatasetBuilder::new();
    for user in ["a", "b", "c"] {
        events.push(user, &Event::purchase("bought")).unwrap();
        events.push(user, &Event::new("browsed", Action::Browse)).unwrap();
    }
    let data = events.build();
    let als = ImplicitAls::fit(&data, &crate::baseline::everyone(&data), &config()).unwrap();
    let scores = scores(&als, &[]);
    assert!(scores[0] > scores[1] && scores[1] > 0.0, "{scores:?}");
}

#[test]
fn the_same_seed_gives_the_same_factors_on_any_number_of_threads() {
    let (data, split) = two_tastes(40, 30);
    let fit =
        |threads, seed| on_threads(threads, || ImplicitAls::fit(&data, &split, &config().with_seed(seed)).unwrap());
    let (one, four) = (fit(1, 1), fit(4, 1));
    assert_eq!((&one.items, &one.mean), (&four.items, &four.mean));
    assert_ne!(one.items, fit(1, 2).items);
}

#[test]
fn settings_out_of_bounds_are_named() {
    for (config, expected) in [
        (config().with_factors(0), "baseline setting `factors` is 0: expected 1 to 1000"),
        (config().with_ridge(0.0), "baseline setting `ridge` is 0: expected a finite number, more than 0"),
        (config().with_alpha(f64::NAN), "baseline setting `alpha` is NaN: expected a finite number, more than 0"),
        (config().with_rounds(0), "baseline setting `rounds` is 0: expected 1 to 1000"),
    ] {
        assert_eq!(config.check().unwrap_err().to_string(), expected);
    }
    assert!(serde_json::from_str::<ImplicitAlsConfig>(r#"{"factor": 3}"#).is_err());
}
