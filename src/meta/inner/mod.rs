//! The inner loop of gradient learners: a few steps on a task's own loss.

mod fast_weights;
mod heads;
mod optimizer;
mod rates;
mod walk;

use std::collections::HashSet;

use burn::module::{Module, ParamGroup};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

pub use fast_weights::FastWeights;
pub use heads::FastHeads;
pub(crate) use heads::HeadLoop;
pub use optimizer::InnerOptimizer;
pub(crate) use rates::Layout;
pub use rates::{LearnedRates, RateScope, RateSteps, Rates};
pub(crate) use walk::{Carried, Path, Walk};

use crate::meta::arithmetic::{graft, learned, members};
use crate::meta::config::LearnerError;
use crate::model::{AdaptableModel, TaskBatch};

/// Which parameters a task may move.
///
/// Parameters that training leaves alone ([`AdaptableModel::fixed`]) move only as part of the head: each task then starts from their value, and they are not
/// meta-learned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Moves {
    /// The head, as the model defines it.
    Head,
    /// The head and everything that is trained.
    All,
    /// Those trained parameters whose path in the model, `blocks.0.up.weight`, matches this regular expression.
    Matching(String),
}

/// Settings of the steps.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct InnerLoopConfig {
    /// Gradient steps; 0 to 1000.
    pub inner_steps: usize,
    /// Length of each; more than 0, at most 100.
    pub inner_lr: f64,
    /// What they go along.
    pub optimizer: InnerOptimizer,
}

impl Default for InnerLoopConfig {
    fn default() -> Self {
        Self { inner_steps: 3, inner_lr: 0.05, optimizer: InnerOptimizer::Sgd {} }
    }
}

impl InnerLoopConfig {
    /// Plain gradient steps.
    #[must_use]
    pub fn new(inner_steps: usize, inner_lr: f64) -> Self {
        Self { inner_steps, inner_lr, optimizer: InnerOptimizer::Sgd {} }
    }

    /// The same steps along something else.
    #[must_use]
    pub fn with_optimizer(self, optimizer: InnerOptimizer) -> Self {
        Self { optimizer, ..self }
    }

    /// Checks the settings.
    ///
    /// # Errors
    /// The first that is out of its bounds, by name.
    pub fn check(&self) -> Result<(), LearnerError> {
        let bound = |field, value: String, expected| Err(LearnerError { field, value, expected });
        if self.inner_steps > 1000 {
            return bound("inner_steps", self.inner_steps.to_string(), "0 to 1000");
        }
        if !(self.inner_lr > 0.0 && self.inner_lr <= 100.0) {
            return bound("inner_lr", self.inner_lr.to_string(), "more than 0, at most 100");
        }
        self.optimizer.check()
    }
}

/// Steps of some of a model's parameters on a task's own loss.
#[derive(Clone, Debug)]
pub struct InnerLoop {
    config: InnerLoopConfig,
    moves: Moves,
    rates: Option<LearnedRates>,
}

impl InnerLoop {
    /// Checks the settings and makes the loop; without `rates` they are `inner_lr` everywhere and always.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn new(config: &InnerLoopConfig, moves: &Moves, rates: Option<LearnedRates>) -> Result<Self, LearnerError> {
        config.check()?;
        if let Moves::Matching(pattern) = moves
            && ParamGroup::from_regex(pattern).is_err()
        {
            let (field, expected) = ("moves.matching", "a regular expression");
            return Err(LearnerError { field, value: format!("{pattern:?}"), expected });
        }
        Ok(Self { config: config.clone(), moves: moves.clone(), rates })
    }

    /// The settings of the steps.
    #[must_use]
    pub fn config(&self) -> &InnerLoopConfig {
        &self.config
    }

    /// Which parameters move.
    #[must_use]
    pub fn moves(&self) -> &Moves {
        &self.moves
    }

    /// Checks that something of the model moves.
    pub(crate) fn check<M: AdaptableModel>(&self, model: &M) -> Result<(), LearnerError> {
        match &self.moves {
            Moves::Matching(pattern) if self.layout(model).ids().is_empty() => {
                let (field, expected) = ("moves.matching", "the path of some parameter that is trained");
                Err(LearnerError { field, value: format!("{pattern:?}"), expected })
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn learns_rates(&self) -> bool {
        self.rates.is_some()
    }

    /// The rates that training starts from.
    pub fn init_rates<M: AdaptableModel>(&self, model: &M) -> Rates {
        let device = model.devices().into_iter().next().unwrap_or_default();
        Rates::new(self.rates, self.config.inner_steps, &self.layout(model), &device)
    }

    /// What moves of a model.
    pub(crate) fn layout<M: AdaptableModel>(&self, model: &M) -> Layout {
        let moving = match &self.moves {
            Moves::Head => members(model, &model.head()),
            Moves::All => &learned(model) | &members(model, &model.head()),
            Moves::Matching(pattern) => match ParamGroup::from_regex(pattern) {
                Ok(group) => &members(model, &group) & &learned(model),
                Err(_) => HashSet::new(),
            },
        };
        Layout::of_module(model, |id| moving.contains(&id))
    }

    /// The fast weights of one task after `inner_steps` steps on each of `batches` in turn: new leaves under the ids of `model`, which stays as it is. With several
    /// batches, rates of each step go by the gradients that were taken, and the last one holds for what comes after.
    ///
    /// Gradients are taken of what moves alone: where that is a small head, the body takes part in the forward pass only.
    ///
    /// # Panics
    /// If `model` is not on an autodiff device.
    pub fn descend<M: AdaptableModel>(&self, model: &M, rates: &Rates, batches: &[&M::Batch]) -> M {
        let mut walk = Walk::new(self, model, rates);
        let mut fast = walk.start_alone(model);
        for _ in 0..self.config.inner_steps {
            for batch in batches {
                let gradient = walk.gradient(&fast, batch);
                fast = walk.step(fast, &gradient);
            }
        }
        // What did not move is on the graph again, for whoever takes the gradient of a query.
        graft(walk.start(model), &fast, &ParamGroup::from_ids(walk.moving()))
    }

    /// Adapts to each task of a batch.
    pub(crate) fn adapt<M: AdaptableModel>(&self, model: &M, rates: &Rates, support: &M::Batch) -> FastWeights<M> {
        let tasks = 0..support.tasks();
        let models = tasks.map(|task| self.descend(model, rates, &[&support.narrow(task, 1)]).valid()).collect();
        FastWeights::new(models, support.clone())
    }
}

/// The plain device of a module.
pub(crate) fn plain_device<M: Module>(module: &M) -> Device {
    module.devices().into_iter().next().unwrap_or_default().inner()
}
