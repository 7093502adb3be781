//! First-order MAML.

use burn::Tensor;
use burn::optim::{GradientsAccumulator, GradientsParams};
use serde::{Deserialize, Serialize};

use crate::meta::config::LearnerError;
use crate::meta::inner::{FastWeights, InnerLoop, InnerLoopConfig};
use crate::meta::learner::{MetaGradient, MetaLearner, ServingLearner, Stateless};
use crate::model::{AdaptableModel, MetaBatch, PreferenceModel, Supervision};

/// Settings of [`Fomaml`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FomamlConfig {
    /// How a task adapts.
    pub inner: InnerLoopConfig,
}

impl FomamlConfig {
    /// Checks the settings and makes the learner.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn init(&self) -> Result<Fomaml, LearnerError> {
        Ok(Fomaml { inner: self.inner.init()? })
    }
}

/// First-order MAML (Finn, Abbeel and Levine, 2017, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", section 5.2): gradient steps on
/// the support, and for the initialisation the query gradient taken at the fast weights, as if they did not depend on it.
///
/// A meta-gradient costs `inner_steps + 1` gradients a task; adaptation `inner_steps`, on an autodiff device.
#[derive(Clone, Debug)]
pub struct Fomaml {
    inner: InnerLoop,
}

impl Fomaml {
    /// The inner loop.
    #[must_use]
    pub fn inner(&self) -> &InnerLoop {
        &self.inner
    }
}

impl<M: AdaptableModel> MetaLearner<M> for Fomaml {
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
        let (mut sum, mut losses) = (GradientsAccumulator::new(), Vec::new());
        for task in 0..batch.tasks() {
            let one = batch.narrow(task, 1);
            let fast = self.inner.descend(model, &[&one.support]);
            let loss = fast.loss(&one.query);
            sum.accumulate(model, GradientsParams::from_grads(loss.clone().sum().backward(), &fast));
            losses.push(loss.inner());
        }
        MetaGradient { model: sum.grads(), state: GradientsParams::new(), query_loss: Tensor::cat(losses, 0) }
    }
}

impl<M: PreferenceModel> ServingLearner<M> for Fomaml {
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
