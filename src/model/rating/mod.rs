//! How surely ratings are predicted.
//!
//! A learner that keeps a posterior gives a [`RatingBelief`] about one user. A [`RatingCalibration`], which is fitted to users that training did not see, turns
//! it into a [`RatingDistribution`] of each item over the values of a [`RatingScale`].

mod belief;
mod calibration;
mod distribution;
mod normal;
mod scale;

pub use belief::RatingBelief;
pub use calibration::{RatingCalibration, RatingOutcome};
pub use distribution::RatingDistribution;
pub use scale::RatingScale;
