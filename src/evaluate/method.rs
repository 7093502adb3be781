//! What can be evaluated.

use std::sync::Arc;

use crate::data::{IndexedEvent, UserIndex};
use crate::evaluate::error::EvaluateError;
use crate::model::RatingDistribution;

/// What a method sees of one user.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Support<'a> {
    /// Who it is: a method may look up what is known of them besides events, in the columns of
    /// [`Dataset::users`](crate::data::Dataset::users) ([`UserTable::row`](crate::data::UserTable::row)), which is all there is at 0 shots.
    /// It must not look up their history.
    pub user: UserIndex,
    /// What it may see of their events, in time order: the first ones of a new user, none at 0 shots; the training history of a
    /// known one, or what the protocol says.
    pub events: &'a [IndexedEvent],
}

/// Something that serves users from their events, whether training has seen them or not: a recommender or a baseline.
///
/// A method that does not rank leaves [`Method::scores`] as it is, one that does not predict ratings
/// [`Method::ratings`]; what it returns must not depend on which support sets come together in one call.
///
/// ```
/// use metarec::evaluate::{EvaluateError, Method, Support};
///
/// /// Ranks by the number in the catalogue.
/// struct FirstComeFirst { items: usize }
///
/// impl Method for FirstComeFirst {
///     fn name(&self) -> &str {
///         "first come first"
///     }
///
///     fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
///         let scores: Vec<f32> = (0..self.items).map(|item| -(item as f32)).collect();
///         Ok(Some(vec![scores; supports.len()]))
///     }
/// }
/// ```
pub trait Method: Sync {
    /// The name in reports, one for each method of a report.
    fn name(&self) -> &str;

    /// The settings, for the reader of a report; empty where there are none.
    fn config(&self) -> String {
        String::new()
    }

    /// Scores of all items of the catalogue for each support set, `[supports, items]`, more being better; `None` if the
    /// method does not rank. Numbers that are not finite are ranked last. Items of the support set may be scored: the
    /// evaluator takes them out.
    ///
    /// # Errors
    /// If the method fails: [`EvaluateError::method`] wraps its own error.
    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let _ = supports;
        Ok(None)
    }

    /// Predicted ratings of all items of the catalogue for each support set, `[supports, items]`, in the scale of the
    /// data; `None` if the method predicts none. They are clipped to the range of the training values by the evaluator.
    ///
    /// # Errors
    /// If the method fails: [`EvaluateError::method`] wraps its own error.
    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let _ = supports;
        Ok(None)
    }

    /// How the ratings of all items of the catalogue are distributed, for each support set, `[supports, items]`; `None` if the method does not know. Their means
    /// are its [`ratings`](Method::ratings), which are not asked for then: squared errors are those of means, absolute errors those of medians.
    ///
    /// # Errors
    /// If the method fails: [`EvaluateError::method`] wraps its own error.
    fn distributions(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
        let _ = supports;
        Ok(None)
    }
}

/// A method that several hold: fitted once, it stands in a report by itself and inside another.
impl<M: Method + Send + ?Sized> Method for Arc<M> {
    fn name(&self) -> &str {
        (**self).name()
    }

    fn config(&self) -> String {
        (**self).config()
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        (**self).scores(supports)
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        (**self).ratings(supports)
    }

    fn distributions(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
        (**self).distributions(supports)
    }
}
