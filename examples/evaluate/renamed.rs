//! The same method twice in one report.

use metarec::evaluate::{EvaluateError, Method, Support};
use metarec::model::RatingDistribution;

/// A method under another name.
pub struct Renamed<'a> {
    pub name: String,
    pub method: &'a dyn Method,
}

impl Method for Renamed<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn config(&self) -> String {
        self.method.config()
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.method.scores(supports)
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        self.method.ratings(supports)
    }

    fn distributions(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<RatingDistribution>>>, EvaluateError> {
        self.method.distributions(supports)
    }
}
