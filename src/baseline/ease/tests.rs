//! The weights against ridge regressions solved another way.

use proptest::prelude::*;

use super::*;
use crate::baseline::interactions::Sparse;
use crate::baseline::tests::{all_train, rated, scores, two_tastes};
use crate::data::synthetic::MarketConfig;
use crate::evaluate::{Report, UserCold};

fn config(ridge: f64) -> EaseConfig {
    EaseConfig::default().with_ridge(ridge)
}

/// The weights, `[items, items]`, whatever their form.
fn square(rows: &ItemRows, items: usize) -> Vec<f64> {
    let row = |item| {
        let mut row = vec![0.0; items];
        rows.add(item, 1.0, &mut row);
        row
    };
    (0..items).flat_map(row).collect()
}

#[test]
fn three_items_have_the_weights_of_three_regressions_solved_by_hand() {
    // Likes of four users: {0, 1}, {0, 1, 2}, {0, 2}, {0}. So the Gram matrix is 4 2 2 / 2 2 1 / 2 1 2.
    let likes = [(0, 0), (0, 1), (1, 0), (1, 1), (1, 2), (2, 0), (2, 2), (3, 0)];
    let disliked = [(3, 1, 1.0), (0, 2, 2.0)];
    let ratings: Vec<_> = likes.map(|(user, item)| (user, item, 5.0)).into_iter().chain(disliked).collect();
    let (data, split) = all_train(3, &ratings);
    let ease = Ease::fit(&data, &split, &config(0.5)).unwrap();
    let gram = [[4.0, 2.0, 2.0], [2.0, 2.0, 1.0], [2.0, 1.0, 2.0]];
    let weights = square(&ease.weights, 3);
    for item in 0..3 {
        // The regression of an item on the two others, by Cramer's rule.
        let (a, b) = ((item + 1) % 3, (item + 2) % 3);
        let determinant = (gram[a][a] + 0.5) * (gram[b][b] + 0.5) - gram[a][b] * gram[a][b];
        let of_a = (gram[a][item] * (gram[b][b] + 0.5) - gram[a][b] * gram[b][item]) / determinant;
        let of_b = (gram[b][item] * (gram[a][a] + 0.5) - gram[a][b] * gram[a][item]) / determinant;
        assert!((weights[a * 3 + item] - of_a).abs() < 1e-6 && (weights[b * 3 + item] - of_b).abs() < 1e-6);
        assert_eq!(weights[item * 3 + item], 0.0);
    }
}

#[test]
fn the_three_forms_count_events_that_are_no_likes_differently() {
    let (data, split) = two_tastes(20, 8);
    let support = [rated(&[(0, 1.0)]), rated(&[(0, 5.0)])];
    let with = |input| {
        let ease = Ease::fit(&data, &split, &config(2.0).with_input(input)).unwrap();
        (ease.name().to_owned(), support.each_ref().map(|events| scores(&ease, events)))
    };
    let (all, liked, weighted) = (with(EaseInput::All), with(EaseInput::Liked), with(EaseInput::Weighted(0.4)));
    assert_eq!([&all.0, &liked.0, &weighted.0], ["ease", "ease_pos", "ease_w"]);
    assert_eq!(all.1[0], all.1[1], "an event is an event");
    assert!(liked.1[0].iter().all(|score| (0.0..=1e-6).contains(score)), "popularity alone: {:?}", liked.1[0]);
    for (disliked, liked) in weighted.1[0].iter().zip(&weighted.1[1]) {
        assert!((disliked - 0.4 * liked).abs() < 2e-6, "{disliked} {liked}");
    }
}

#[test]
fn the_sparse_form_on_all_items_is_the_dense_one_wherever_pairs_are_taken_from() {
    let (data, split) = two_tastes(30, 24);
    for input in [EaseInput::Liked, EaseInput::All, EaseInput::Weighted(0.4)] {
        let config = config(3.0).with_input(input).with_neighbours(24);
        let dense = Ease::fit(&data, &split, &config).unwrap();
        let expected = square(&dense.weights, 24);
        for hubs in [0, 5, 24, 1000] {
            let sparse: Sparse = sparse::weights_with(&dense.base.interactions, &config, hubs).unwrap();
            let found = square(&ItemRows::Sparse(sparse), 24);
            let most = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
            assert!(most < 1e-5, "{input:?} {hubs} hubs: {most}");
        }
    }
}

#[test]
fn few_users_have_the_weights_of_many() {
    let (data, split) = two_tastes(9, 24);
    for input in [EaseInput::Liked, EaseInput::Weighted(0.4)] {
        let ease = Ease::fit(&data, &split, &config(3.0).with_input(input)).unwrap();
        let interactions = &ease.base.interactions;
        assert_eq!(Form::of(interactions, &ease.config), Form::FewUsers);
        let expected = super::weights(&ridged_inverse(&gram(interactions), 3.0).unwrap());
        for (weight, expected) in square(&ease.weights, interactions.len()).iter().zip(expected) {
            assert!((weight - f64::from(expected)).abs() < 1e-6, "{weight} for {expected}");
        }
    }
}

/// What is lost on a market of 200 items when each is a function of 40: measured, and held to it.
#[test]
fn the_sparse_form_on_a_part_of_the_items_is_near_the_dense_one() {
    let market = MarketConfig::default().with_users(400).with_items(200).with_events(60).with_seed(3);
    let data = market.generate().unwrap().into_dataset();
    let split = data.split().unwrap();
    let protocol = UserCold::new(&data, &split).unwrap();
    let fit = |config: EaseConfig| {
        let ease = Ease::fit(&data, &split, &config).unwrap();
        let mut report = Report::new();
        protocol.run(&ease, &mut report).unwrap();
        (square(&ease.weights, ease.base.interactions.len()), report.mean("ease_pos", 20, "ndcg@10").unwrap())
    };
    let dense = fit(config(200.0));
    let mut errors = Vec::new();
    for neighbours in [10, 40, 160] {
        let sparse = fit(config(200.0).with_dense_up_to(0).with_neighbours(neighbours));
        let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|value| value * value).sum::<f64>().sqrt();
        let left = norm(&mut sparse.0.iter().zip(&dense.0).map(|(a, b)| a - b)) / norm(&mut dense.0.iter().copied());
        errors.push((left, (sparse.1 - dense.1).abs()));
    }
    assert!(errors.is_sorted_by(|a, b| a.0 > b.0), "more neighbours are nearer: {errors:?}");
    // Found: 0.82, 0.48 and 0.27 of the weights' norm; 0.058, 0.005 and 0.007 of nDCG@10.
    assert!(errors[1].0 < 0.55 && errors[1].1 < 0.02, "{errors:?}");
    assert!(errors[2].0 < 0.3 && errors[2].1 < 0.02, "{errors:?}");
}

#[test]
fn settings_out_of_bounds_are_named() {
    for (config, expected) in [
        (config(0.0), "baseline setting `ridge` is 0: expected a finite number, more than 0"),
        (config(1.0).with_input(EaseInput::Weighted(-0.1)), "baseline setting `input` is -0.1: expected 0 to 1"),
        (config(1.0).with_neighbours(2001), "baseline setting `neighbours` is 2001: expected 1 to 2000"),
    ] {
        assert_eq!(config.check().unwrap_err().to_string(), expected);
    }
    let config: EaseConfig = serde_json::from_str(r#"{"input": {"weighted": 0.3}}"#).unwrap();
    assert_eq!(config, EaseConfig::default().with_input(EaseInput::Weighted(0.3)));
}

proptest! {
    /// Of every column the normal equations over the other items.
    #[test]
    fn every_column_solves_its_regression(
        likes in prop::collection::btree_set((0u32..9, 0u32..6), 1..40),
        ridge in 0.1f64..50.0,
    ) {
        let ratings: Vec<(u32, u32, f32)> = likes.iter().map(|&(user, item)| (user, item, 5.0)).collect();
        let (data, split) = all_train(6, &ratings);
        let ease = Ease::fit(&data, &split, &config(ridge)).unwrap();
        let interactions = &ease.base.interactions;
        let n = interactions.len();
        let (gram, weights) = (gram(interactions), square(&ease.weights, n));
        for column in 0..n {
            prop_assert_eq!(weights[column * n + column], 0.0);
            for row in (0..n).filter(|&row| row != column) {
                let left: f64 = (0..n).map(|other| f64::from(gram[row * n + other]) * weights[other * n + column]).sum();
                let left = left + ridge * weights[row * n + column];
                prop_assert!((left - f64::from(gram[row * n + column])).abs() < 1e-4, "{row} {column}: {left}");
            }
        }
    }
}
