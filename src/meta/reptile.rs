//! Reptile.

use burn::Tensor;
use burn::optim::{GradientsAccumulator, GradientsParams};
use serde::{Deserialize, Serialize};

use crate::meta::arithmetic::way;
use crate::meta::config::LearnerError;
use crate::meta::inner::{FastWeights, InnerLoop, InnerLoopConfig, Moves};
use crate::meta::learner::{MetaGradient, MetaLearner, ServingLearner, Stateless};
use crate::model::{AdaptableModel, MetaBatch, PreferenceModel, Supervision};

/// Settings of [`Reptile`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReptileConfig {
    /// How a task adapts. Only what moves is ever meta-learned, so by default everything does.
    pub inner: InnerLoopConfig,
}

impl Default for ReptileConfig {
    fn default() -> Self {
        Self { inner: InnerLoopConfig { moves: Moves::All, ..InnerLoopConfig::default() } }
    }
}

impl ReptileConfig {
    /// Checks the settings and makes the learner.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn init(&self) -> Result<Reptile, LearnerError> {
        Ok(Reptile { inner: self.inner.init()? })
    }
}

/// Reptile (Nichol, Achiam and Schulman, 2018, "On First-Order Meta-Learning Algorithms"): the initialisation moves towards the fast weights, its
/// pseudo-gradient being `theta - phi`.
///
/// Reptile has no query set: in training `phi` comes from steps on the support and the query in turn, in serving from steps on the support.
/// A meta-gradient costs `2 * inner_steps` gradients a task, and one more for the loss it reports.
#[derive(Clone, Debug)]
pub struct Reptile {
    inner: InnerLoop,
}

impl Reptile {
    /// The inner loop.
    #[must_use]
    pub fn inner(&self) -> &InnerLoop {
        &self.inner
    }
}

impl<M: AdaptableModel> MetaLearner<M> for Reptile {
    type State = Stateless;
    type Adapted = FastWeights<M>;

    fn init_state(&self, _: &M) -> Stateless {
        Stateless::default()
    }

    fn supervision(&self) -> Supervision {
        Supervision::WholeContext
    }

    fn needs_autodiff(&self) -> bool {
        true
    }

    fn adapt(&self, model: &M, _: &Stateless, support: &M::Batch) -> FastWeights<M> {
        self.inner.adapt(model, support)
    }

    fn query_loss(&self, _: &M, _: &Stateless, adapted: &FastWeights<M>, query: &M::Batch) -> Tensor<1> {
        adapted.losses(query)
    }

    fn meta_gradient(&self, model: &M, _: &Stateless, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let moving = self.inner.moving(model);
        let (mut sum, mut losses) = (GradientsAccumulator::new(), Vec::new());
        for task in 0..batch.tasks() {
            let one = batch.narrow(task, 1);
            let phi = self.inner.descend(model, &[&one.support, &one.query]);
            sum.accumulate(model, way(model, &phi, moving.as_ref()));
            losses.push(phi.valid().loss(&one.query));
        }
        MetaGradient { model: sum.grads(), state: GradientsParams::new(), query_loss: Tensor::cat(losses, 0) }
    }
}

impl<M: PreferenceModel> ServingLearner<M> for Reptile {
    fn task(&self, adapted: &FastWeights<M>, task: usize) -> FastWeights<M> {
        adapted.task(task)
    }

    fn rank(&self, _: &M, _: &M::Catalogue, adapted: &FastWeights<M>) -> Tensor<2> {
        adapted.rank()
    }

    fn rate(&self, _: &M, _: &M::Catalogue, adapted: &FastWeights<M>) -> Option<Tensor<2>> {
        adapted.rate()
    }
}
