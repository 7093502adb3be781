//! Steps as a bar.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over as many steps, whose message names the step; nothing where the output is no terminal.
pub fn over(what: &str, steps: usize) -> ProgressBar {
    let bar = ProgressBar::new(steps as u64);
    // A template that does not parse leaves the bar in indicatif's own style.
    if let Ok(style) = ProgressStyle::with_template(&format!("  {what} [{{bar:40}}] {{pos}} of {{len}}, {{msg}}")) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}
