use metarec::data::TaskHistory;
use metarec::sampler::{Episode, EpisodeId, SamplerError, TaskId, TaskSampler};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Returning users: a few events in a row from anywhere in a history, and what came right after them.
pub struct NextEvents {
    histories: Vec<TaskHistory>,
    shots: usize,
    ahead: usize,
}

impl NextEvents {
    /// `shots` events are shown, the `ahead` events after them asked for. Users with fewer events than that are left out.
    pub fn new(mut histories: Vec<TaskHistory>, shots: usize, ahead: usize) -> Result<Self, SamplerError> {
        if ahead == 0 {
            return Err(SamplerError::other("ahead is 0: expected 1 or more"));
        }
        histories.retain(|history| history.events.len() >= shots.saturating_add(ahead));
        if histories.is_empty() {
            return Err(SamplerError::other(format!("nobody has {shots} and {ahead} events")));
        }
        Ok(Self { histories, shots, ahead })
    }

    /// The length of an epoch in episodes: as many as there are users.
    pub fn tasks(&self) -> usize {
        self.histories.len()
    }
}

impl TaskSampler for NextEvents {
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
        // All that is random comes from the id: one stream of numbers for each episode of each run.
        let mut random = ChaCha8Rng::seed_from_u64(id.seed);
        random.set_stream(id.index);
        let TaskHistory { user, events } = &self.histories[random.random_range(0..self.histories.len())];
        let start = random.random_range(0..=events.len() - self.shots - self.ahead);
        let (middle, end) = (start + self.shots, start + self.shots + self.ahead);
        Ok(Episode {
            task: TaskId::User(*user),
            support: events[start..middle].to_vec(),
            query: events[middle..end].to_vec(),
            // The user is known to have met these too: they shall not count as not liked.
            passed_over: [&events[..start], &events[end..]].concat(),
        })
    }
}
