//! Metrics of predicted ratings.

/// Mean of a function of (predicted, actual), `None` where there are no pairs.
fn mean(predicted: &[f32], actual: &[f32], of: impl Fn(f64, f64) -> f64) -> Option<f64> {
    assert_eq!(predicted.len(), actual.len(), "one prediction for each actual value");
    let pairs = predicted.iter().zip(actual);
    let sum: f64 = pairs.map(|(&predicted, &actual)| of(f64::from(predicted), f64::from(actual))).sum();
    (!actual.is_empty()).then(|| sum / actual.len() as f64)
}

/// Root of the mean squared error, in the unit of the values; `None` where there are none.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use metarec::evaluate::metric::rmse;
///
/// assert_eq!(rmse(&[3.0, 1.0], &[3.0, 5.0]), Some(8f64.sqrt()));
/// assert_eq!(rmse(&[], &[]), None);
/// ```
#[must_use]
pub fn rmse(predicted: &[f32], actual: &[f32]) -> Option<f64> {
    mean(predicted, actual, |p, a| (p - a).powi(2)).map(f64::sqrt)
}

/// Mean absolute error, in the unit of the values; `None` where there are none.
///
/// # Panics
/// If the lengths differ.
#[must_use]
pub fn mae(predicted: &[f32], actual: &[f32]) -> Option<f64> {
    mean(predicted, actual, |p, a| (p - a).abs())
}

/// Share of the values of which the prediction says rightly whether they reach `threshold`; `None` where there are
/// none.
///
/// # Panics
/// If the lengths differ.
///
/// ```
/// use metarec::evaluate::metric::accuracy;
///
/// assert_eq!(accuracy(&[4.2, 3.9, 2.0, 4.0], &[5.0, 4.0, 1.0, 3.0], 4.0), Some(0.5));
/// ```
#[must_use]
pub fn accuracy(predicted: &[f32], actual: &[f32], threshold: f32) -> Option<f64> {
    let threshold = f64::from(threshold);
    mean(predicted, actual, |p, a| f64::from((p >= threshold) == (a >= threshold)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn errors_have_the_values_computed_by_hand() {
        let (predicted, actual) = ([1.0, 2.0, 3.0, 4.5], [1.0, 4.0, 2.0, 4.0]);
        assert_eq!(rmse(&predicted, &actual), Some((5.25f64 / 4.0).sqrt()));
        assert_eq!(mae(&predicted, &actual), Some(3.5 / 4.0));
        assert_eq!(accuracy(&predicted, &actual, 4.0), Some(0.75));
    }

    #[test]
    fn no_pairs_have_no_value() {
        assert_eq!((rmse(&[], &[]), mae(&[], &[]), accuracy(&[], &[], 4.0)), (None, None, None));
    }

    #[test]
    #[should_panic(expected = "one prediction for each actual value")]
    fn lengths_that_differ_are_refused() {
        let _ = rmse(&[1.0], &[]);
    }

    proptest! {
        #[test]
        fn the_root_mean_square_is_at_least_the_mean_of_absolutes(
            pairs in prop::collection::vec((-9f32..9.0, -9f32..9.0), 1..50),
        ) {
            let (predicted, actual): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let (rmse, mae) = (rmse(&predicted, &actual).unwrap(), mae(&predicted, &actual).unwrap());
            prop_assert!(rmse >= mae - 1e-12 && mae >= 0.0);
        }

        #[test]
        fn a_perfect_prediction_has_no_error(
            values in prop::collection::vec(-9f32..9.0, 1..50),
            threshold in -9f32..9.0,
        ) {
            prop_assert_eq!(rmse(&values, &values), Some(0.0));
            prop_assert_eq!(mae(&values, &values), Some(0.0));
            prop_assert_eq!(accuracy(&values, &values, threshold), Some(1.0));
        }
    }
}
