//! What a model is measured against: methods without personalisation, and strong linear ones.
//!
//! | name | method | ranks | predicts ratings |
//! |---|---|---|---|
//! | `random` | [`Random`] | by independent uniform scores | independent, uniform in the range of the training values |
//! | `constant` | [`Constant`] | all alike, so in the order of ties | the mean of the training values |
//! | `popularity` | [`Popularity`] | by number of likes | |
//! | `category_popularity` | [`CategoryPopularity`] | by number of likes, of its categories where an item is unknown | |
//! | `popularity_cond` | [`ConditionalPopularity`] | by likes after a user's first events | |
//! | `item_mean` | [`ItemMean`] | | the item's mean, shrunk to the overall one |
//! | `bias` | [`Offsets`] | | mean, item offset and the user's offset from the support set |
//! | `pmf_foldin` | [`GaussianFactors`] | | offsets, and factors of which the user's are inferred in closed form |
//! | `knn` | [`Knn`] | by similarity to the user's items | |
//! | `ease`, `ease_pos`, `ease_w` | [`Ease`] | by a linear function of all events, of likes, of both weighted | |
//! | `ials` | [`ImplicitAls`] | by factors fitted to likes and their absence | |
//! | `lightfm-logistic`, `lightfm-bpr`, `lightfm-warp` | [`LightFm`] | by factors of columns, categories and ids, by three losses | |
//! | `sasrec` | [`SasRec`] | by a causal Transformer that predicts the next like | |
//! | `melu` | [`MeLu`] | by predicted ratings | a network of columns and categories, its layers the user's own |
//! | `...+pop` | [`Blended`] | by `knn`, a form of `ease` or `ials` with popularity | |
//!
//! [`standard`] fits the cheap ones, [`by_name`] and [`Named`] any of them. Their settings are chosen on the validation
//! users for each number of shots ([`Tuned`]); where there are none, a default that each documents serves.
//!
//! Each is a recommender of its own as well: `fit` takes explicit settings, and [`Ranker`] takes a host's events and gives
//! the best items. A host without held-out users fits on a [`UserSplit`] whose `train` holds everybody ([`everyone`]).

mod alternating;
mod blended;
mod category_popularity;
mod co_occurrence;
mod conditional_popularity;
mod constant;
mod ease;
mod error;
mod gaussian_factors;
mod implicit_als;
mod interactions;
mod item_mean;
mod item_to_item;
mod knn;
mod light_fm;
mod melu;
mod naive_intervals;
mod named;
mod offsets;
mod personal_frequency;
mod popularity;
mod prior;
mod random;
mod ranker;
mod sas_rec;
mod spd;
#[cfg(test)]
mod tests;
mod tuned;

pub use blended::Blended;
pub use category_popularity::CategoryPopularity;
pub use conditional_popularity::ConditionalPopularity;
pub use constant::Constant;
pub use ease::{Ease, EaseConfig, EaseInput};
pub use error::BaselineError;
pub use gaussian_factors::{GaussianFactors, GaussianFactorsConfig};
pub use implicit_als::{ImplicitAls, ImplicitAlsConfig};
pub use item_mean::ItemMean;
pub use knn::{Knn, KnnConfig};
pub use light_fm::{LightFm, LightFmConfig, LightFmLoss};
pub use melu::{MeLu, MeLuConfig};
pub use naive_intervals::NaiveIntervals;
pub use named::{NAMES, Named, by_name};
pub use offsets::{OffsetRidge, Offsets};
pub use personal_frequency::PersonalFrequency;
pub use popularity::Popularity;
pub use random::Random;
pub use ranker::Ranker;
pub use sas_rec::{SasRec, SasRecConfig};
pub use tuned::{Tuned, Tuner};

use crate::data::{Dataset, TaskHistory, TrainValues, UserIndex, UserSplit};
use crate::evaluate::Method;

/// The cheap baselines, fitted on the training users; those that only predict ratings are left out where the training
/// values do not differ.
///
/// `shots` are the numbers of shots at which [`Offsets`] is tuned ([`Tuner::new`]), `seed` is that of [`Random`].
///
/// # Errors
/// Those of [`Offsets::tuned`].
pub fn standard(
    data: &Dataset,
    split: &UserSplit,
    shots: &[usize],
    seed: u64,
) -> Result<Vec<Box<dyn Method>>, BaselineError> {
    let mut names = vec!["random", "constant", "popularity", "popularity_cond"];
    if TrainValues::of(split).is_some() {
        names.extend(["item_mean", "bias"]);
    }
    let tuner = Tuner::new(data, split, shots)?;
    let mut named = Named::new(&tuner, seed);
    names.into_iter().map(|name| named.fit(name)).collect()
}

/// A split whose training users are all users with events, and in which nobody is held out: what a host fits on that
/// serves and does not measure. Costs a copy of the events.
#[must_use]
pub fn everyone(data: &Dataset) -> UserSplit {
    let users = (0..data.users().len() as u32).map(UserIndex);
    let task = |user| TaskHistory { user, events: data.history(user).to_vec() };
    let train = users.map(task).filter(|task| !task.events.is_empty()).collect();
    UserSplit { train, ..UserSplit::default() }
}

/// One row of scores for everyone.
fn same_for_all(scores: &[f32], supports: usize) -> Vec<Vec<f32>> {
    vec![scores.to_vec(); supports]
}

/// The nearest numbers of 32 bits.
fn narrowed(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|value| value as f32).collect()
}

/// Scores as numbers of 32 bits that are in the same order: those that would become equal and were not are set apart by
/// the least that 32 bits can tell. Scores that are not numbers stay so.
///
/// Costs a sort.
fn narrowed_in_order(scores: &[f64]) -> Vec<f32> {
    let mut order: Vec<usize> = (0..scores.len()).filter(|&item| !scores[item].is_nan()).collect();
    order.sort_unstable_by(|&a, &b| scores[b].total_cmp(&scores[a]));
    let mut narrow = vec![f32::NAN; scores.len()];
    let mut before = (f64::INFINITY, f32::INFINITY);
    for item in order {
        let (score, (above, narrow_above)) = (scores[item], before);
        let nearest = score as f32;
        narrow[item] =
            if score < above && nearest >= narrow_above { narrow_above.next_down() } else { nearest.min(narrow_above) };
        before = (score, narrow[item]);
    }
    narrow
}

#[cfg(test)]
mod narrowing {
    use proptest::prelude::*;

    use super::narrowed_in_order;

    #[test]
    fn what_32_bits_cannot_tell_apart_stays_in_order() {
        let scores = [1.0, 1.0 + 1e-12, 1.0, 1.0 - 1e-12, 0.5, f64::NAN, 1.0 - 2e-12];
        let narrow = narrowed_in_order(&scores);
        assert!(narrow[1] > narrow[0] && narrow[0] == narrow[2] && narrow[2] > narrow[3] && narrow[3] > narrow[6]);
        assert!(narrow[5].is_nan() && narrow[4] == 0.5);
        assert!((narrow[6] - 1.0).abs() < 1e-6);
    }

    proptest! {
        #[test]
        fn the_order_is_kept_and_the_numbers_are_near(
            scores in prop::collection::vec((-3i8..3, 0u8..4).prop_map(|(a, b)| f64::from(a) + f64::from(b) * 1e-10), 0..40),
        ) {
            let narrow = narrowed_in_order(&scores);
            for (i, a) in scores.iter().enumerate() {
                prop_assert!((f64::from(narrow[i]) - a).abs() < 1e-5);
                for (j, b) in scores.iter().enumerate() {
                    prop_assert_eq!(a.total_cmp(b), narrow[i].total_cmp(&narrow[j]));
                }
            }
        }
    }
}
