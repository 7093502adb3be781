//! Adaptation by reading alone.

use burn::Tensor;
use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use crate::meta::learner::{MetaGradient, MetaLearner, ServingLearner, Stateless};
use crate::model::{MetaBatch, PreferenceModel, Supervision, SupportUse};

/// Settings of [`InContext`]: there are none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct InContextConfig {}

impl InContextConfig {
    /// The learner.
    #[must_use]
    pub fn init(&self) -> InContext {
        InContext {}
    }
}

/// No inner step at all: the model reads the support set in its context, and has been trained to (as SNAIL: Mishra, Rohaninejad, Chen and Abbeel, 2018,
/// "A Simple Neural Attentive Meta-Learner").
///
/// Adaptation costs one forward pass and takes no autodiff. What the model does not read in context, the ratings of a
/// [`PreferenceTransformer`](crate::model::PreferenceTransformer) among it, is the same for every user: [`ClosedForm`](crate::meta::ClosedForm)
/// adapts those too.
#[derive(Clone, Debug, Default)]
pub struct InContext {}

impl<M: PreferenceModel> MetaLearner<M> for InContext {
    type State = Stateless;
    /// What the model read, `[tasks, state]`.
    type Adapted = Tensor<2>;

    fn init_state(&self, _: &M) -> Stateless {
        Stateless::default()
    }

    fn support_use(&self) -> SupportUse {
        SupportUse::Read
    }

    fn supervision(&self) -> Supervision {
        Supervision::EveryPrefix
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn adapt(&self, model: &M, _: &Stateless, support: &M::Batch) -> Tensor<2> {
        model.state(support)
    }

    fn query_loss(&self, model: &M, _: &Stateless, _: &Tensor<2>, query: &M::Batch) -> Tensor<1> {
        model.loss(query)
    }

    fn meta_gradient(&self, model: &M, _: &Stateless, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let loss = model.loss(&batch.query);
        let mut grads = loss.clone().sum().backward();
        MetaGradient {
            model: GradientsParams::from_module(&mut grads, model),
            state: GradientsParams::new(),
            query_loss: loss.inner(),
        }
    }
}

impl<M: PreferenceModel> ServingLearner<M> for InContext {
    fn task(&self, adapted: &Tensor<2>, task: usize) -> Tensor<2> {
        adapted.clone().narrow(0, task, 1)
    }

    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &Tensor<2>) -> Tensor<2> {
        model.rank(catalogue, adapted.clone())
    }

    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &Tensor<2>) -> Option<Tensor<2>> {
        let [tasks, _] = adapted.dims();
        let row = model.rate(catalogue)?;
        let [items] = row.dims();
        Some(row.reshape([1, items]).expand([tasks, items]))
    }
}
