//! Any model with any learner, behind one object.

use std::any::Any;
use std::sync::Arc;

use burn::Tensor;
use burn::module::Module;
use burn::tensor::Device;

use crate::data::IndexedEvent;
use crate::meta::ServingLearner;
use crate::model::{PreferenceModel, RatingBelief, Supervision, TaskEvents};
use crate::persist::{PersistError, module_bytes, numbered};

/// One user's adaptation, of a type that only the engine knows.
pub(super) type State = Arc<dyn Any + Send + Sync>;

/// What a recommender asks of a model and its learner.
pub(super) trait Engine: Send + Sync {
    /// Adapts to each user's events, in time order, and to the codes of their profile, in one batch.
    fn adapt(&self, users: &[(&[IndexedEvent], &[u32])]) -> Vec<State>;

    /// Ranking scores of all items; `None` if the state is another engine's.
    fn rank(&self, state: &State) -> Option<Vec<f32>>;

    /// Predicted values of all items; `None` if the model does not rate or the state is another engine's.
    fn rate(&self, state: &State) -> Option<Vec<f32>>;

    /// What is believed of the values of all items; `None` if the model does not rate, the learner knows no variances or the state is another engine's.
    fn belief(&self, state: &State) -> Option<RatingBelief>;

    /// Weights of the model and of the learner.
    fn weights(&self) -> Result<(Vec<u8>, Vec<u8>), PersistError>;
}

/// The number of the learner's first parameter: more than a model has.
const FIRST_OF_STATE: u64 = 1 << 32;

/// A model and a learner that serve.
pub(super) struct LearnedEngine<M: PreferenceModel, L: ServingLearner<M>> {
    model: M,
    state: L::State,
    learner: L,
    catalogue: M::Catalogue,
    plain: Device,
}

impl<M: PreferenceModel, L: ServingLearner<M>> LearnedEngine<M, L> {
    /// Moves model and state to `device`: with a graph if the learner takes gradients, else without.
    pub(super) fn new(model: M, state: L::State, learner: L, device: &Device) -> Self {
        let plain = device.clone().inner();
        let (mut model, mut state) = (model.valid().fork(&plain), state.valid().fork(&plain));
        let catalogue = model.catalogue();
        if learner.needs_autodiff() {
            (model, state) = (model.train(), state.train());
        }
        Self { model, state, learner, catalogue, plain }
    }
}

fn row(scores: Tensor<2>) -> Vec<f32> {
    scores.into_data().iter::<f32>().collect()
}

impl<M: PreferenceModel, L: ServingLearner<M>> Engine for LearnedEngine<M, L> {
    fn adapt(&self, users: &[(&[IndexedEvent], &[u32])]) -> Vec<State> {
        if users.is_empty() {
            return Vec::new();
        }
        let support = |&(events, profile)| self.learner.support_use().of(events).known_as(profile);
        let supports: Vec<TaskEvents<'_>> = users.iter().map(support).collect();
        let batch = self.model.batch(&supports, Supervision::WholeContext, &self.plain);
        let adapted = if self.learner.needs_autodiff() {
            // A graph of its own, so that threads do not wait for each other's backward passes.
            let device = self.plain.clone().autodiff();
            let (model, state) = (self.model.clone().fork(&device), self.state.clone().fork(&device));
            self.learner.adapt(&model, &state, &batch)
        } else {
            self.learner.adapt(&self.model, &self.state, &batch)
        };
        (0..users.len()).map(|task| Arc::new(self.learner.task(&adapted, task)) as State).collect()
    }

    fn rank(&self, state: &State) -> Option<Vec<f32>> {
        let adapted = state.downcast_ref::<L::Adapted>()?;
        Some(row(self.learner.rank(&self.model, &self.catalogue, adapted)))
    }

    fn rate(&self, state: &State) -> Option<Vec<f32>> {
        let adapted = state.downcast_ref::<L::Adapted>()?;
        self.learner.rate(&self.model, &self.catalogue, adapted).map(row)
    }

    fn belief(&self, state: &State) -> Option<RatingBelief> {
        let adapted = state.downcast_ref::<L::Adapted>()?;
        self.learner.beliefs(&self.model, &self.state, &self.catalogue, adapted)?.pop()
    }

    fn weights(&self) -> Result<(Vec<u8>, Vec<u8>), PersistError> {
        let (model, state) = (numbered(self.model.valid(), 1), numbered(self.state.valid(), FIRST_OF_STATE));
        Ok((module_bytes("model.bin", &model)?, module_bytes("state.bin", &state)?))
    }
}
