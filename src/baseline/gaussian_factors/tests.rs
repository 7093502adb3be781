//! The factors against formulas written out another way.

use faer::Mat;
use faer::linalg::solvers::{PartialPivLu, Solve};

use super::*;
use crate::baseline::Tuner;
use crate::baseline::alternating::dot;
use crate::baseline::offsets::OffsetRidge;
use crate::baseline::tests::{all_train, on_threads, rated, ratings, two_tastes};
use crate::data::{DatasetBuilder, Event};

fn config() -> GaussianFactorsConfig {
    GaussianFactorsConfig::default().with_factors(3).with_ridge(0.5).with_noise(1.5)
}

/// The posterior mean as `mean + C Q^T (Q C Q^T + noise I)^-1 (residuals - Q mean)`, `C` being the inverse of what is held:
/// a dense system with one unknown for each rating.
fn dense(fitted: &Fitted, support: &[(u32, f32)], noise: f64) -> Vec<f64> {
    let d = fitted.prior.len();
    let item = |item: u32| &fitted.items[item as usize * d..(item as usize + 1) * d];
    let identity = Mat::<f64>::identity(d, d);
    let full = Mat::from_fn(d, d, |row, column| fitted.precision[(row.max(column), row.min(column))]);
    let covariance = PartialPivLu::new(full.as_ref()).solve(&identity);
    let known = Mat::from_fn(support.len(), d, |row, column| item(support[row].0)[column]);
    let noise = noise * fitted.variance;
    let between = &known * &covariance * known.transpose()
        + Mat::<f64>::identity(support.len(), support.len()) * faer::Scale(noise);
    let surprise = Mat::from_fn(support.len(), 1, |row, _| {
        let (of, value) = support[row];
        f64::from(value) - fitted.mean - fitted.offsets[of as usize] - dot(item(of), &fitted.prior)
    });
    let pulled = &covariance * known.transpose() * PartialPivLu::new(between.as_ref()).solve(&surprise);
    let user: Vec<f64> = (0..d).map(|factor| fitted.prior[factor] + pulled[(factor, 0)]).collect();
    (0..fitted.offsets.len()).map(|of| fitted.mean + fitted.offsets[of] + dot(item(of as u32), &user)).collect()
}

#[test]
fn a_new_user_is_the_posterior_mean_of_the_direct_formula() {
    let (data, split) = two_tastes(20, 9);
    let factors = GaussianFactors::fit(&data, &split, &config()).unwrap();
    let fitted = factors.fitted.as_ref().unwrap();
    for support in
        [&[(2, 5.0)][..], &[(0, 1.0), (3, 4.5), (7, 2.0)], &[(1, 5.0), (2, 5.0), (4, 1.0), (5, 1.0), (8, 3.0)]]
    {
        let expected = dense(fitted, support, 1.5);
        for (rating, expected) in ratings(&factors, &rated(support)).into_iter().zip(expected) {
            assert!((f64::from(rating) - expected).abs() < 1e-5, "{rating} for {expected}");
        }
    }
}

#[test]
fn the_prior_is_the_mean_and_covariance_of_the_training_users() {
    let rows = [1.0, 4.0, 2.0, 0.0, 6.0, 5.0];
    let covariance = fit::covariance(&rows, &[3.0, 3.0]);
    let (a, b) = ([-2.0, -1.0, 3.0], [1.0, -3.0, 2.0]);
    let product = |a: [f64; 3], b: [f64; 3]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>() / 2.0;
    assert!((covariance[(0, 0)] - product(a, a) - 1e-3).abs() < 1e-12);
    assert!((covariance[(1, 1)] - product(b, b) - 1e-3).abs() < 1e-12);
    assert!((covariance[(1, 0)] - product(a, b)).abs() < 1e-12);
}

#[test]
fn after_many_rounds_the_gradient_for_the_items_is_0() {
    let (data, split) = two_tastes(20, 9);
    let offsets = Offsets::fit(&data, &split, config().offsets).unwrap();
    let residuals = Residuals::new(&data, &split, &offsets).unwrap();
    let mut users = vec![0.0; 20 * 3];
    let fitted = residuals.fit(&config().with_rounds(1000)).unwrap();
    residuals.update_users(&mut users, &fitted.items, &config()).unwrap();
    for item in 0..9 {
        let vector = &fitted.items[item * 3..(item + 1) * 3];
        assert_eq!(vector[0], 1.0, "the user's offset is not scaled");
        for factor in 1..3 {
            let slope = |&(user, residual): &(u32, f32)| {
                let user = &users[user as usize * 3..(user as usize + 1) * 3];
                (dot(user, vector) - f64::from(residual)) * user[factor]
            };
            let gradient = residuals.by_item.row(item).iter().map(slope).sum::<f64>() + 0.5 * vector[factor];
            assert!(gradient.abs() < 1e-6, "{item} {factor}: {gradient}");
        }
    }
}

#[test]
fn without_ratings_everyone_is_the_mean_user_and_unknown_items_have_no_factors() {
    let (data, split) = all_train(4, &[(0, 0, 5.0), (0, 1, 2.0), (1, 0, 4.0), (1, 2, 1.0), (2, 1, 3.0)]);
    let factors = GaussianFactors::fit(&data, &split, &config()).unwrap();
    let fitted = factors.fitted.as_ref().unwrap();
    let ratings = ratings(&factors, &[]);
    assert_eq!(ratings[3], (fitted.mean + fitted.prior[0]) as f32, "nobody rated item 3");
    assert!(ratings.iter().all(|rating| rating.is_finite()));
}

#[test]
fn values_that_do_not_differ_are_not_predicted() {
    let mut events = DatasetBuilder::new();
    events.push("a", &Event::click("x")).unwrap();
    let data = events.build();
    let split = crate::baseline::everyone(&data);
    let support = [Support { user: crate::data::UserIndex(0), events: &[] }];
    let fitted = GaussianFactors::fit(&data, &split, &config()).unwrap();
    assert!(fitted.ratings(&support).unwrap().is_none());
    let tuned = GaussianFactors::tuned(&Tuner::new(&data, &split, &[0, 1]).unwrap(), 0).unwrap();
    assert!(tuned.ratings(&support).unwrap().is_none());
}

#[test]
fn the_same_seed_predicts_the_same_on_any_number_of_threads() {
    let (data, split) = two_tastes(40, 30);
    let fit = |threads, seed| {
        on_threads(threads, || {
            let factors = GaussianFactors::fit(&data, &split, &config().with_seed(seed)).unwrap();
            ratings(&factors, &rated(&[(1, 5.0), (2, 1.0)]))
        })
    };
    assert_eq!(fit(1, 1), fit(4, 1));
    assert_ne!(fit(1, 1), fit(1, 2));
}

#[test]
fn settings_out_of_bounds_are_named() {
    for (config, expected) in [
        (config().with_factors(1), "baseline setting `factors` is 1: expected 2 to 1000"),
        (config().with_noise(0.0), "baseline setting `noise` is 0: expected a finite number, more than 0"),
        (
            config().with_offsets(OffsetRidge::default().with_item(-1.0)),
            "baseline setting `item` is -1: expected a finite number, more than 0",
        ),
    ] {
        assert_eq!(config.check().unwrap_err().to_string(), expected);
    }
}
