//! The inner loop of gradient learners: a few steps of gradient descent on a task.

use std::collections::HashSet;

use burn::Tensor;
use burn::module::ParamId;
use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use crate::meta::arithmetic::{axpy, members};
use crate::meta::config::LearnerError;
use crate::model::{AdaptableModel, PreferenceModel, TaskBatch};

/// Which parameters a task may move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Moves {
    /// The head, as the model defines it.
    Head,
    /// Everything.
    All,
}

/// Settings of the inner loop.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct InnerLoopConfig {
    /// Gradient steps; 0 to 1000.
    pub inner_steps: usize,
    /// Length of each; more than 0, at most 100.
    pub inner_lr: f64,
    /// Which parameters move.
    pub moves: Moves,
}

impl Default for InnerLoopConfig {
    fn default() -> Self {
        Self { inner_steps: 3, inner_lr: 0.05, moves: Moves::Head }
    }
}

impl InnerLoopConfig {
    /// Checks the settings and makes the loop.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn init(&self) -> Result<InnerLoop, LearnerError> {
        let bound = |field, value: String, expected| LearnerError { field, value, expected };
        if self.inner_steps > 1000 {
            return Err(bound("inner_steps", self.inner_steps.to_string(), "0 to 1000"));
        }
        if !(self.inner_lr > 0.0 && self.inner_lr <= 100.0) {
            return Err(bound("inner_lr", self.inner_lr.to_string(), "more than 0, at most 100"));
        }
        Ok(InnerLoop { config: self.clone() })
    }
}

/// Plain gradient descent on a task's own loss.
#[derive(Clone, Debug)]
pub struct InnerLoop {
    config: InnerLoopConfig,
}

/// Tasks adapted by gradient steps: a model for each, on the plain device, and what it reads.
#[derive(Clone, Debug)]
pub struct FastWeights<M: AdaptableModel> {
    /// One model a task.
    pub models: Vec<M>,
    /// The support sets, which a model with a context reads again when it is served.
    pub support: M::Batch,
}

impl InnerLoop {
    /// The settings.
    #[must_use]
    pub fn config(&self) -> &InnerLoopConfig {
        &self.config
    }

    /// The parameters of `model` that move.
    pub(crate) fn moving<M: AdaptableModel>(&self, model: &M) -> Option<HashSet<ParamId>> {
        match self.config.moves {
            Moves::All => None,
            Moves::Head => Some(members(model, &model.head())),
        }
    }

    /// The gradient of one batch's summed loss in the parameters that move.
    fn gradient<M: AdaptableModel>(model: &M, batch: &M::Batch, moving: Option<&HashSet<ParamId>>) -> GradientsParams {
        let mut grads = model.loss(batch).sum().backward();
        match moving {
            None => GradientsParams::from_module(&mut grads, model),
            Some(ids) => {
                let ids: Vec<ParamId> = ids.iter().copied().collect();
                GradientsParams::from_params(&mut grads, model, &ids)
            }
        }
    }

    /// The fast weights of one task after `inner_steps` steps on each of `batches` in turn: new leaves under the ids of `model`, which stays as it is.
    ///
    /// # Panics
    /// If `model` is not on an autodiff device.
    pub fn descend<M: AdaptableModel>(&self, model: &M, batches: &[&M::Batch]) -> M {
        let moving = self.moving(model);
        let mut fast = model.clone();
        for _ in 0..self.config.inner_steps {
            for batch in batches {
                let gradient = Self::gradient(&fast, batch, moving.as_ref());
                fast = axpy(fast, &gradient, -self.config.inner_lr);
            }
        }
        fast
    }

    /// Adapts to each task of a batch.
    pub(crate) fn adapt<M: AdaptableModel>(&self, model: &M, support: &M::Batch) -> FastWeights<M> {
        let tasks = 0..support.tasks();
        let models = tasks.map(|task| self.descend(model, &[&support.narrow(task, 1)]).valid()).collect();
        FastWeights { models, support: support.clone() }
    }
}

impl<M: AdaptableModel> FastWeights<M> {
    /// One value a task, `[tasks]`, each by its own model.
    pub(crate) fn losses(&self, query: &M::Batch) -> Tensor<1> {
        let each = self.models.iter().enumerate();
        Tensor::cat(each.map(|(task, model)| model.loss(&query.narrow(task, 1))).collect(), 0)
    }
}

impl<M: PreferenceModel> FastWeights<M> {
    pub(crate) fn task(&self, task: usize) -> Self {
        Self { models: vec![self.models[task].clone()], support: self.support.narrow(task, 1) }
    }

    pub(crate) fn rank(&self) -> Tensor<2> {
        let each = self.models.iter().enumerate();
        let rows = each.map(|(task, model)| model.rank(&model.catalogue(), model.state(&self.support.narrow(task, 1))));
        Tensor::cat(rows.collect(), 0)
    }

    pub(crate) fn rate(&self) -> Option<Tensor<2>> {
        let rows: Option<Vec<_>> =
            self.models.iter().map(|model| model.rate(&model.catalogue()).map(|row| row.unsqueeze::<2>())).collect();
        rows.filter(|rows| !rows.is_empty()).map(|rows| Tensor::cat(rows, 0))
    }
}
