//! What a model starts from: vectors and factors that closed forms find.
#![cfg(feature = "train")]

use metarec::data::{Action, IndexedEvent, ItemIndex, LikeRule, TaskHistory, UserIndex};
use metarec::model::initial::{RatingFit, fit_ratings, item_vectors};

fn rating(item: u32, value: f32) -> IndexedEvent {
    let at = Some(i64::from(item) * 1000);
    IndexedEvent { item: ItemIndex(item), action: Action::Rating, value: Some(value), timestamp: at }
}

/// Users in `groups` groups, each of which likes the items of its own group.
fn grouped(users: usize, items: usize, groups: usize) -> Vec<TaskHistory> {
    let events = |user: usize| {
        (0..items).filter(move |item| item % groups == user % groups).map(|item| rating(item as u32, 5.0))
    };
    (0..users).map(|user| TaskHistory { user: UserIndex(user as u32), events: events(user).collect() }).collect()
}

#[test]
fn item_vectors_span_the_space_of_a_matrix_of_low_rank() {
    // Three groups: the matrix has rank 3, and its row space is spanned by the indicators of the groups.
    let (items, d, groups) = (18, 3, 3);
    let vectors = item_vectors(&grouped(20, items, groups), items, d, &LikeRule::default(), 2.0, 4);
    let row = |item: usize| &vectors[item * d..(item + 1) * d];
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    for item in 0..items {
        for other in 0..items {
            let cosine = dot(row(item), row(other)) / (dot(row(item), row(item)) * dot(row(other), row(other))).sqrt();
            let expected = if item % groups == other % groups { 1.0 } else { 0.0 };
            // Singular values of groups of one size are equal, and then any basis of their space is as good: 0.02 is left of it.
            assert!((cosine - expected).abs() < 0.02, "items {item} and {other}: {cosine}");
        }
    }
    let deviation = (vectors.iter().map(|v| f64::from(v * v)).sum::<f64>() / vectors.len() as f64).sqrt();
    assert!((deviation - 0.05).abs() < 1e-4, "{deviation}");
}

#[test]
fn more_vectors_than_the_matrix_has_rank_or_no_likes_at_all_are_finite() {
    for tasks in [grouped(6, 12, 2), Vec::new()] {
        let vectors = item_vectors(&tasks, 12, 8, &LikeRule::default(), 2.0, 4);
        assert_eq!(vectors.len(), 12 * 8);
        assert!(vectors.iter().all(|value| value.is_finite()));
    }
}

#[test]
fn planted_factors_are_found_better_than_by_offsets() {
    // value = 3 + a_u + b_i + u . q, of rank 2; each user rates two thirds of the items.
    let (users, items) = (120, 30);
    let wave = |at: usize, k: f64| ((at as f64 + 1.0) * k).sin();
    let truth = |user: usize, item: usize| {
        3.0 + 0.3 * wave(user, 0.7)
            + 0.4 * wave(item, 1.1)
            + wave(user, 2.3) * wave(item, 1.7)
            + wave(user, 3.1) * wave(item, 0.9)
    };
    let seen = |user: usize, item: usize| !(user * 7 + item * 5).is_multiple_of(3);
    let tasks: Vec<TaskHistory> = (0..users)
        .map(|user| {
            let rated = (0..items).filter(|&item| seen(user, item));
            let events = rated.map(|item| rating(item as u32, truth(user, item) as f32)).collect();
            TaskHistory { user: UserIndex(user as u32), events }
        })
        .collect();
    let mean = 3.0;
    // Each user's weights are fitted to what they rated, and scored on what they did not.
    let error = |factors: usize, ridge: f64| {
        let mut fit = RatingFit::with_factors(factors);
        fit.ridge = ridge;
        let start = fit_ratings(&tasks, items, mean, &fit, 3);
        let base = |item: usize| mean + f64::from(start.offsets[item]);
        let mut squares = Vec::new();
        for (user, task) in tasks.iter().enumerate() {
            let rated = task.events.iter().map(|event| (event.item.position(), f64::from(event.value.unwrap_or(0.0))));
            let rows: Vec<(Vec<f64>, f64)> =
                rated.map(|(item, value)| (features(&start.factors, item, factors), value - base(item))).collect();
            let weight = least_squares(&rows, factors + 1, 0.5);
            for item in (0..items).filter(|&item| !seen(user, item)) {
                let own = features(&start.factors, item, factors);
                let predicted = base(item) + own.iter().zip(&weight).map(|(q, w)| q * w).sum::<f64>();
                squares.push((predicted - truth(user, item)).powi(2));
            }
        }
        (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
    };
    let (offsets, planted) = (error(1, 1e6), error(2, 0.5));
    println!("RMSE of unseen values: offsets {offsets:.3}, factors {planted:.3}");
    assert!(planted < 0.3 * offsets, "offsets {offsets}, factors {planted}");
}

fn features(factors: &[f32], item: usize, width: usize) -> Vec<f64> {
    std::iter::once(1.0).chain(factors[item * width..(item + 1) * width].iter().map(|&q| f64::from(q))).collect()
}

/// Ridge regression by gradient descent, which shares nothing with the crate's solver.
fn least_squares(rows: &[(Vec<f64>, f64)], d: usize, ridge: f64) -> Vec<f64> {
    let mut weight = vec![0.0; d];
    let length: f64 = rows.iter().map(|(x, _)| x.iter().map(|x| x * x).sum::<f64>()).sum::<f64>() + ridge;
    for _ in 0..2000 {
        let mut slope: Vec<f64> = weight.iter().map(|w| ridge * w).collect();
        for (x, y) in rows {
            let error = x.iter().zip(&weight).map(|(x, w)| x * w).sum::<f64>() - y;
            slope.iter_mut().zip(x).for_each(|(slope, x)| *slope += error * x);
        }
        weight.iter_mut().zip(&slope).for_each(|(w, slope)| *w -= slope / length);
    }
    weight
}
