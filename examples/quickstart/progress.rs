//! Training as a bar.

use indicatif::{ProgressBar, ProgressStyle};
use metarec::train::{Observer, Progress, ValidationScore};

const TEMPLATE: &str = "  training [{bar:40}] step {pos} of {len}, {elapsed}{msg}";

/// Shows how training goes; nothing where the output is no terminal.
pub struct Bar(ProgressBar);

impl Bar {
    pub fn new() -> Self {
        let bar = ProgressBar::new(0);
        // A template that does not parse leaves the bar in indicatif's own style.
        if let Ok(style) = ProgressStyle::with_template(TEMPLATE) {
            bar.set_style(style.progress_chars("=> "));
        }
        Self(bar)
    }
}

impl Observer for Bar {
    fn step(&mut self, progress: &Progress) {
        self.0.set_length(progress.steps as u64);
        self.0.set_position(progress.step as u64);
    }

    fn validated(&mut self, _: &Progress, score: &ValidationScore, best: bool) {
        if best {
            self.0.set_message(format!(", nDCG@10 of validation users {:.4}", score.ranking()));
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
