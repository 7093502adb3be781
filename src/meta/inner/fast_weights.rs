//! Tasks with a model of their own.

use std::sync::{Arc, OnceLock};

use burn::Tensor;

use crate::model::{AdaptableModel, PreferenceModel, TaskBatch};

/// Tasks adapted by gradient steps: a model for each, on the plain device, and what it reads.
#[derive(Clone, Debug)]
pub struct FastWeights<M: AdaptableModel> {
    /// One model a task.
    models: Vec<M>,
    /// The support sets, which a model with a context reads again when it is served.
    support: M::Batch,
    /// What each model read of its support set, `[tasks, state]`, once somebody has asked.
    state: Arc<OnceLock<Tensor<2>>>,
}

impl<M: AdaptableModel> FastWeights<M> {
    /// Tasks with these models and support sets.
    pub fn new(models: Vec<M>, support: M::Batch) -> Self {
        Self { models, support, state: Arc::default() }
    }

    /// The model of each task.
    #[must_use]
    pub fn models(&self) -> &[M] {
        &self.models
    }

    /// One value a task, `[tasks]`, each by its own model.
    pub(crate) fn losses(&self, query: &M::Batch) -> Tensor<1> {
        let each = self.models.iter().enumerate();
        Tensor::cat(each.map(|(task, model)| model.loss(&query.narrow(task, 1))).collect(), 0)
    }
}

impl<M: PreferenceModel> FastWeights<M> {
    pub(crate) fn task(&self, task: usize) -> Self {
        Self::new(vec![self.models[task].clone()], self.support.narrow(task, 1))
    }

    /// Scores by each task's own model, whose catalogue is computed anew.
    pub(crate) fn rank(&self) -> Tensor<2> {
        let states = self.state.get_or_init(|| {
            let each = self.models.iter().enumerate();
            Tensor::cat(each.map(|(task, model)| model.state(&self.support.narrow(task, 1))).collect(), 0)
        });
        let each = self.models.iter().enumerate();
        let rows = each.map(|(task, model)| model.rank(&model.catalogue(), states.clone().narrow(0, task, 1)));
        Tensor::cat(rows.collect(), 0)
    }

    pub(crate) fn rate(&self) -> Option<Tensor<2>> {
        let rows: Option<Vec<_>> =
            self.models.iter().map(|model| model.rate(&model.catalogue()).map(|row| row.unsqueeze::<2>())).collect();
        rows.filter(|rows| !rows.is_empty()).map(|rows| Tensor::cat(rows, 0))
    }
}
