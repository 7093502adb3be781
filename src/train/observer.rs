//! Progress, for whoever wants to show it.

use crate::train::validation::ValidationScore;

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Progress {
    /// Steps done.
    pub step: usize,
    /// Steps of the whole run, if it does not stop early.
    pub steps: usize,
    /// Mean query loss of the last step; NaN before the first.
    pub loss: f64,
    /// Global norm of the last gradient, before clipping; NaN before the first.
    pub gradient_norm: f64,
}

/// Is told how training goes. The library itself prints nothing.
pub trait Observer {
    /// After every outer step.
    fn step(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// After every look at the meta-validation users; `kept` says whether the model would be returned if training stopped now.
    fn validated(&mut self, progress: &Progress, score: &ValidationScore, kept: bool) {
        let _ = (progress, score, kept);
    }
}

/// Tells nobody.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {}
