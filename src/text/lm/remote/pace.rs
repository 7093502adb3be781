//! When a request may be sent, and when again.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Spaces requests of all threads evenly.
#[derive(Debug)]
pub(super) struct Pace {
    between: Duration,
    next: Mutex<Option<Instant>>,
}

impl Pace {
    pub(super) fn new(requests_per_minute: Option<f64>) -> Self {
        let between = requests_per_minute.map_or(Duration::ZERO, |rate| Duration::from_secs_f64(60.0 / rate));
        Self { between, next: Mutex::new(None) }
    }

    /// Waits for this thread's turn.
    pub(super) fn wait(&self) {
        if self.between.is_zero() {
            return;
        }
        let now = Instant::now();
        let turn = {
            let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
            let turn = next.map_or(now, |next| next.max(now));
            *next = Some(turn + self.between);
            turn
        };
        thread::sleep(turn.saturating_duration_since(now));
    }
}

/// A random wait before a request is sent for the `attempt`-th time again: any time up to an end that doubles, so that clients that failed together do not come again
/// together ("full jitter").
pub(super) fn backoff(base: Duration, longest: Duration, attempt: u32) -> Duration {
    let end = base.saturating_mul(2_u32.saturating_pow(attempt.saturating_sub(1))).min(longest);
    // A hasher's keys are random, and that is all that is needed.
    let mut rng = ChaCha8Rng::seed_from_u64(RandomState::new().build_hasher().finish());
    end.mul_f64(rng.random::<f64>())
}
