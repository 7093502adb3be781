//! Tokens that may be spent.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::text::TextError;

/// Counts tokens, and never lets more be spent than there are.
#[derive(Debug)]
pub(super) struct Budget {
    all: Option<u64>,
    spent: AtomicU64,
}

impl Budget {
    pub(super) fn new(all: Option<u64>) -> Self {
        Self { all, spent: AtomicU64::new(0) }
    }

    pub(super) fn spent(&self) -> u64 {
        self.spent.load(Ordering::Relaxed)
    }

    /// Takes the most that a request may cost. What is not settled stays spent.
    pub(super) fn take(&self, most: u64) -> Result<(), TextError> {
        let all = self.all.unwrap_or(u64::MAX);
        let take = |spent: u64| spent.checked_add(most).filter(|&sum| sum <= all);
        let taken = self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        taken.map(|_| ()).map_err(|spent| TextError::Budget { most, left: all.saturating_sub(spent) })
    }

    /// Gives back what a request did not cost; if it cost more, that is spent too.
    pub(super) fn settle(&self, most: u64, cost: u64) {
        let settle = |spent: u64| Some(spent.saturating_sub(most).saturating_add(cost));
        _ = self.spent.fetch_update(Ordering::Relaxed, Ordering::Relaxed, settle);
    }
}
