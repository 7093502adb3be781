//! A sampler: newcomers who were asked to pick some favourites.

use metarec::data::{IndexedEvent, LikeRule, TaskHistory};
use metarec::sampler::{Episode, EpisodeId, SamplerError, TaskId, TaskSampler};
use rand::seq::index::sample;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Draws users as they look after "pick a few that you like": the support set is some of a user's likes, from anywhere in the history, and nothing that
/// they did not like; the query set is everything else.
///
/// Each user comes once in an epoch, in the order in which they were given.
pub struct Favourites {
    users: Vec<User>,
    most: usize,
}

/// A history and the places of its likes.
struct User {
    history: TaskHistory,
    likes: Vec<usize>,
}

impl Favourites {
    /// `1..=most` likes are shown. A user needs two likes, one to show and one to ask for; those who have fewer are left out.
    ///
    /// # Errors
    /// If `most` is 0, or nobody has two likes.
    pub fn new(histories: Vec<TaskHistory>, likes: &LikeRule, most: usize) -> Result<Self, SamplerError> {
        if most == 0 {
            return Err(SamplerError::Setting { field: "most".into(), value: most.to_string(), expected: "1 or more" });
        }
        let user = |history: TaskHistory| {
            let places = (0..history.events.len()).filter(|&place| likes.is_like(&history.events[place])).collect();
            User { history, likes: places }
        };
        let users: Vec<User> = histories.into_iter().map(user).filter(|user| user.likes.len() >= 2).collect();
        if users.is_empty() {
            return Err(SamplerError::other("nobody has two likes"));
        }
        Ok(Self { users, most })
    }

    /// The length of an epoch in episodes: as many as there are users.
    #[must_use]
    pub fn tasks(&self) -> usize {
        self.users.len()
    }
}

impl TaskSampler for Favourites {
    fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
        let turn = id.index % self.users.len() as u64;
        let User { history, likes } = &self.users[usize::try_from(turn).map_err(SamplerError::other)?];
        let mut random = ChaCha8Rng::seed_from_u64(id.seed);
        random.set_stream(id.index);
        let shots = random.random_range(1..=self.most.min(likes.len() - 1));
        let mut shown = vec![false; history.events.len()];
        sample(&mut random, likes.len(), shots).into_iter().for_each(|like| shown[likes[like]] = true);
        let part = |wanted: bool| -> Vec<IndexedEvent> {
            let events = history.events.iter().zip(&shown);
            events.filter(|(_, shown)| **shown == wanted).map(|(event, _)| *event).collect()
        };
        Ok(Episode {
            task: TaskId::User(history.user),
            support: part(true),
            query: part(false),
            passed_over: Vec::new(),
        })
    }
}
