//! Baselines without personalisation, or nearly so: the floor under every model.
//!
//! | name | ranks | predicts ratings |
//! |---|---|---|
//! | [`Random`] | by independent uniform scores | independent, uniform in the range of the training values |
//! | [`Constant`] | all alike, so in the order of ties | the mean of the training values |
//! | [`Popularity`] | by number of likes | |
//! | [`ConditionalPopularity`] | by likes after a user's first events | |
//! | [`ItemMean`] | | the item's mean, shrunk to the overall one |
//! | [`Offsets`] | | mean, item offset and the user's offset from the support set |

mod conditional_popularity;
mod constant;
mod item_mean;
mod offsets;
mod personal_frequency;
mod popularity;
mod random;

pub use conditional_popularity::ConditionalPopularity;
pub use constant::Constant;
pub use item_mean::ItemMean;
pub use offsets::{OffsetRidge, Offsets};
pub use personal_frequency::PersonalFrequency;
pub use popularity::Popularity;
pub use random::Random;

use crate::data::TrainValues;
use crate::data::{Dataset, UserSplit};
use crate::evaluate::EvaluateError;
use crate::evaluate::Method;

/// All baselines, fitted on the training users; those that only predict ratings are left out where the training values
/// do not differ.
///
/// `shots` are the numbers of shots at which [`Offsets`] is tuned, `seed` is that of [`Random`].
///
/// # Errors
/// Those of [`Offsets::fit`].
pub fn standard(
    data: &Dataset,
    split: &UserSplit,
    shots: &[usize],
    seed: u64,
) -> Result<Vec<Box<dyn Method>>, EvaluateError> {
    let mut methods: Vec<Box<dyn Method>> = vec![
        Box::new(Random::new(data, seed).with_ratings(split)),
        Box::new(Constant::fit(data, split)),
        Box::new(Popularity::fit(data, split)),
        Box::new(ConditionalPopularity::fit(data, split)),
    ];
    if TrainValues::of(split).is_some() {
        methods.push(Box::new(ItemMean::fit(data, split)));
        methods.push(Box::new(Offsets::fit(data, split, shots)?));
    }
    Ok(methods)
}

/// One row of scores for everyone.
fn same_for_all(scores: &[f32], supports: usize) -> Vec<Vec<f32>> {
    vec![scores.to_vec(); supports]
}

/// The nearest numbers of 32 bits.
fn narrowed(values: Vec<f64>) -> Vec<f32> {
    values.into_iter().map(|value| value as f32).collect()
}
