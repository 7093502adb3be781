//! What users are served.

use burn::Tensor;
use burn::module::Module;

use super::{Fixture, ROUNDING, TASKS, assert_near};
use crate::meta::ServingLearner;
use crate::model::PreferenceModel;

/// Holds a learner that serves users to what is asked of serving: users adapted together, kept apart and adapted alone have the same scores of every item; one
/// without events is ranked and rated for by the model as it is; and events change something.
///
/// # Panics
/// If something does not hold.
pub fn check_serving<M: PreferenceModel, L: ServingLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let (learner, plain) = (&fixture.learner, fixture.model.valid());
    let (model, state) = match learner.needs_autodiff() {
        true => (fixture.model.clone(), fixture.state.clone()),
        false => (plain.clone(), fixture.state.valid()),
    };
    let (all, catalogue) = (fixture.all().support, plain.catalogue());
    let served = |adapted: &L::Adapted| {
        let rated = learner.rate(&plain, &catalogue, adapted).map(rows);
        (rows(learner.rank(&plain, &catalogue, adapted)), rated)
    };
    let together = learner.adapt(&model, &state, &all);
    let (ranked, rated) = served(&together);
    assert_eq!(ranked.len(), TASKS, "one row of scores a task");
    for task in 0..TASKS {
        let alone = learner.adapt(&model, &state, &(fixture.batch)(&[task]).support);
        for (how, adapted) in [("kept apart", learner.task(&together, task)), ("adapted alone", alone)] {
            let (rank, rate) = served(&adapted);
            assert_eq!(rank.len(), 1, "one row of scores for task {task}, {how}");
            assert_rows_near(&rank[0], &ranked[task], &format!("ranking score of task {task}, {how}"));
            assert_eq!(rate.is_some(), rated.is_some(), "whether task {task} is rated for, {how}");
            for (rate, rated) in rate.iter().zip(&rated) {
                assert_rows_near(&rate[0], &rated[task], &format!("predicted value for task {task}, {how}"));
            }
        }
    }
    let read = rows(plain.rank(&catalogue, plain.state(&all)));
    let prior = plain.rate(&catalogue).map(|values| rows(values.unsqueeze::<2>()));
    for &task in &fixture.without_support {
        assert_rows_near(&ranked[task], &read[task], &format!("ranking score of task {task} without support"));
        for (rated, prior) in rated.iter().zip(&prior) {
            assert_rows_near(&rated[task], &prior[0], &format!("predicted value for task {task} without support"));
        }
    }
    let unread = fixture.without_support[0];
    let differ = |scores: &Vec<Vec<f64>>| scores.iter().any(|row| far(row, &scores[unread]) > 10.0 * ROUNDING);
    assert!(
        differ(&ranked) || rated.as_ref().is_some_and(differ),
        "support changes nothing for anybody: every user gets the scores of a user without events"
    );
}

fn rows(scores: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, width] = scores.dims();
    let all: Vec<f64> = scores.into_data().iter::<f32>().map(f64::from).collect();
    all.chunks(width.max(1)).map(<[f64]>::to_vec).collect()
}

/// The largest difference of two rows, relative to the size of what is compared.
fn far(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max)
}

fn assert_rows_near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "numbers: {what}");
    for (item, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        assert_near(found, expected, &format!("{what}, item {item}"));
    }
}
