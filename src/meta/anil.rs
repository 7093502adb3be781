//! ANIL.

use burn::Tensor;
use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use crate::meta::config::LearnerError;
use crate::meta::inner::{FastHeads, HeadLoop, InnerLoopConfig, LearnedRates, Rates};
use crate::meta::learner::{MetaGradient, MetaLearner, ServingLearner};
use crate::model::{HeadModel, MetaBatch, ServesHeads, Supervision, SupportUse};

/// Settings of [`Anil`].
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct AnilConfig {
    /// How a task's head adapts.
    pub inner: InnerLoopConfig,
    /// Whether the lengths of its steps are learned.
    pub rates: Option<LearnedRates>,
}

impl AnilConfig {
    /// The same with other steps.
    #[must_use]
    pub fn with_inner(self, inner: InnerLoopConfig) -> Self {
        Self { inner, ..self }
    }

    /// The same with rates learned, or fixed.
    #[must_use]
    pub fn with_rates(self, rates: Option<LearnedRates>) -> Self {
        Self { rates, ..self }
    }

    /// Checks the settings and makes the learner.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn init(&self) -> Result<Anil, LearnerError> {
        self.inner.check()?;
        Ok(Anil { inner: HeadLoop::new(self.inner.clone(), self.rates) })
    }
}

/// ANIL (Raghu, Raghu, Bengio and Vinyals, 2020, "Rapid Learning or Feature Reuse? Towards Understanding the Effectiveness of MAML"): gradient steps
/// of the head alone, and for everything the exact derivative of the query loss through them.
///
/// The steps are tensor operations over all tasks of a batch at once ([`HeadModel`]). The body runs once for the support and once for the query; a step
/// costs what the head costs, and adapting takes no autodiff.
#[derive(Clone, Debug)]
pub struct Anil {
    inner: HeadLoop,
}

impl<M: HeadModel> MetaLearner<M> for Anil {
    type State = Rates;
    type Adapted = FastHeads<M::Batch>;

    fn init_state(&self, model: &M) -> Rates {
        self.inner.init_rates(model)
    }

    fn learns_inner_rates(&self) -> bool {
        self.inner.learns_rates()
    }

    fn support_use(&self) -> SupportUse {
        SupportUse::Descended
    }

    fn supervision(&self) -> Supervision {
        Supervision::WholeContext
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn adapt(&self, model: &M, rates: &Rates, support: &M::Batch) -> FastHeads<M::Batch> {
        FastHeads::new(support.clone(), self.inner.descend(model, rates, support))
    }

    fn query_loss(&self, model: &M, _: &Rates, adapted: &FastHeads<M::Batch>, query: &M::Batch) -> Tensor<1> {
        model.head_loss(&model.examples(query), adapted.heads())
    }

    fn meta_gradient(&self, model: &M, rates: &Rates, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let heads = self.inner.descend(model, rates, &batch.support);
        let loss = model.head_loss(&model.examples(&batch.query), heads);
        let mut grads = loss.clone().sum().backward();
        MetaGradient {
            model: GradientsParams::from_module(&mut grads, model),
            state: GradientsParams::from_module(&mut grads, rates),
            query_loss: loss.inner(),
        }
    }
}

impl<M: ServesHeads> ServingLearner<M> for Anil {
    fn task(&self, adapted: &FastHeads<M::Batch>, task: usize) -> FastHeads<M::Batch> {
        adapted.task(task)
    }

    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Tensor<2> {
        adapted.rank(model, catalogue)
    }

    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Option<Tensor<2>> {
        model.rate_with_heads(catalogue, adapted.heads())
    }
}
