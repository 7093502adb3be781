//! How training goes, on the standard error.

use std::time::Instant;

use metarec::train::{Observer, Progress, ValidationScore};

/// Prints what each look at the validation users says.
pub struct Looks {
    label: String,
    began: Instant,
}

impl Looks {
    pub fn of(label: &str) -> Self {
        Self { label: label.to_owned(), began: Instant::now() }
    }
}

impl Observer for Looks {
    fn validated(&mut self, progress: &Progress, score: &ValidationScore, best: bool) {
        let rating = score.rating().map_or_else(String::new, |rmse| format!(", rmse {rmse:.4}"));
        let best = if best { ", the best so far" } else { "" };
        let seconds = self.began.elapsed().as_secs_f64();
        eprintln!(
            "{}: step {} of {}, {seconds:.0} s: validation ndcg@10 {:.4}{rating}{best}",
            self.label,
            progress.step,
            progress.steps,
            score.ranking()
        );
    }
}
