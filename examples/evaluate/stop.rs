//! Ctrl-C.

use std::error::Error;

use metarec::train::CancelToken;

/// What is said when the program was stopped.
const STOPPED: &str = "stopped, and nothing is lost: the same command with --resume goes on";

/// What is said when it is asked to stop, and when it is asked again.
const HEARD: &str =
    "stopping: training stops after its step, a baseline that is being fitted is finished first; again to end at once";
const ENDED: &str = "ended: the same command with --resume goes on from what was finished before";

/// Whether Ctrl-C was pressed. The second time ends the program at once.
pub struct Stop(CancelToken);

impl Stop {
    /// Listens from now on.
    pub fn on_ctrl_c() -> Result<Self, Box<dyn Error>> {
        let token = CancelToken::new();
        let asked = token.clone();
        ctrlc::set_handler(move || {
            if asked.is_cancelled() {
                eprintln!("\n{ENDED}");
                std::process::exit(130);
            }
            asked.cancel();
            eprintln!("\n{HEARD}");
        })?;
        Ok(Self(token))
    }

    /// What training looks at.
    pub fn token(&self) -> &CancelToken {
        &self.0
    }

    /// An error if it was pressed.
    pub fn check(&self) -> Result<(), Box<dyn Error>> {
        if self.0.is_cancelled() { Err(STOPPED.into()) } else { Ok(()) }
    }
}
