//! What a model knows of the data it was built for.

use serde::{Deserialize, Serialize};

use crate::data::{Catalogue, IndexedEvent, LikeRule, ProfileSchema, TaskHistory, UserTable};
use crate::model::transformer::config::ModelError;

/// Facts of the training data that a model is built around.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PreferenceSchema {
    /// For each item of the catalogue whether training has an event of it.
    pub known: Vec<bool>,
    /// How many tasks there are to train on.
    pub tasks: usize,
    /// Which events are likes.
    pub likes: LikeRule,
    /// Least and greatest rating seen in training; `None` where there is none.
    pub value_range: Option<(f32, f32)>,
    /// Mean of the ratings, 0 where there are none.
    pub value_mean: f32,
    /// Standard deviation of the ratings, 1 where they do not vary.
    pub value_deviation: f32,
    /// Mean number of likes of a training user: the scale of the ranking loss.
    pub likes_per_task: f32,
    /// What is read of users besides their events; nothing where the data has no columns of users.
    #[serde(default)]
    pub profile: ProfileSchema,
}

impl PreferenceSchema {
    /// The facts of some tasks' events.
    #[must_use]
    pub fn from_tasks(catalogue: &Catalogue, tasks: &[TaskHistory], likes: &LikeRule) -> Self {
        let events = || tasks.iter().flat_map(|task| &task.events);
        let mut known = vec![false; catalogue.len()];
        for event in events() {
            known[event.item.position()] = true;
        }
        let values: Vec<f32> = events().filter_map(IndexedEvent::rating).collect();
        let low = values.iter().copied().fold(f32::INFINITY, f32::min);
        let high = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let count = values.len().max(1) as f64;
        let mean = values.iter().map(|&value| f64::from(value)).sum::<f64>() / count;
        let variance = values.iter().map(|&value| (f64::from(value) - mean).powi(2)).sum::<f64>() / count;
        let total: f64 = events().map(|event| f64::from(likes.weight(event))).sum();
        Self {
            known,
            tasks: tasks.len(),
            likes: likes.clone(),
            value_range: (!values.is_empty()).then_some((low, high)),
            value_mean: mean as f32,
            value_deviation: if variance > 1e-12 { variance.sqrt() as f32 } else { 1.0 },
            likes_per_task: ((total / tasks.len().max(1) as f64) as f32).max(1.0),
            profile: ProfileSchema::default(),
        }
    }

    /// The same facts, with what the training users' columns hold.
    #[must_use]
    pub fn with_profiles(mut self, users: &UserTable, tasks: &[TaskHistory]) -> Self {
        self.profile = ProfileSchema::fit(users, tasks.iter().map(|task| task.user));
        self
    }

    /// Whether there are values that vary, so that predicting them means something.
    #[must_use]
    pub fn rated(&self) -> bool {
        self.value_range.is_some_and(|(low, high)| low < high)
    }

    /// The rating of an event in standard deviations from the mean; `None` where there is none.
    #[must_use]
    pub fn standardised(&self, event: &IndexedEvent) -> Option<f32> {
        event.rating().map(|value| (value - self.value_mean) / self.value_deviation)
    }

    /// Checks that the schema belongs to the catalogue.
    ///
    /// # Errors
    /// If it has another number of items.
    pub fn check(&self, catalogue: &Catalogue) -> Result<(), ModelError> {
        let (found, expected) = (self.known.len(), catalogue.len());
        if found == expected { Ok(()) } else { Err(ModelError::Items { what: "the schema", found, expected }) }
    }
}
