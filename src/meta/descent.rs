//! Learners that move parameters by gradient steps: one inner loop, and any estimate of the gradient for what it starts from.

use std::fmt::Debug;

use burn::Tensor;
use burn::optim::GradientsAccumulator;

use crate::meta::arithmetic::{learned, selected};
use crate::meta::config::LearnerError;
use crate::meta::inner::{FastWeights, InnerLoop, Rates};
use crate::meta::learner::{MetaGradient, MetaLearner, ServingLearner};
use crate::model::{AdaptableModel, MetaBatch, PreferenceModel, Supervision, SupportUse};

/// How the meta-gradient of one task is estimated.
///
/// The named learners of this crate are [`Descent`] with one estimator each; one of another crate comes by implementing this.
pub trait Estimator: Clone + Debug + Send + Sync + 'static {
    /// The estimate for a batch of one task, on the plain device. What it holds for parameters that training leaves alone is dropped.
    fn estimate<M: AdaptableModel>(
        &self,
        inner: &InnerLoop,
        model: &M,
        rates: &Rates,
        one: &MetaBatch<M::Batch>,
    ) -> MetaGradient;
}

/// A learner whose tasks take gradient steps on their support sets, each with a copy of the model.
///
/// Adapting costs `inner_steps` gradients a task, one task after the other, and the memory of what moves for each; it needs an autodiff device. Of what
/// does not move, tasks share one copy.
#[derive(Clone, Debug)]
pub struct Descent<E> {
    inner: InnerLoop,
    estimator: E,
}

impl<E> Descent<E> {
    /// A learner with this inner loop and this estimator.
    pub fn new(inner: InnerLoop, estimator: E) -> Self {
        Self { inner, estimator }
    }

    /// The inner loop.
    #[must_use]
    pub fn inner(&self) -> &InnerLoop {
        &self.inner
    }

    /// How the meta-gradient is estimated.
    #[must_use]
    pub fn estimator(&self) -> &E {
        &self.estimator
    }
}

impl<M: AdaptableModel, E: Estimator> MetaLearner<M> for Descent<E> {
    type State = Rates;
    type Adapted = FastWeights<M>;

    fn init_state(&self, model: &M) -> Rates {
        self.inner.init_rates(model)
    }

    fn check(&self, model: &M) -> Result<(), LearnerError> {
        self.inner.check(model)
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
        true
    }

    fn adapt(&self, model: &M, rates: &Rates, support: &M::Batch) -> FastWeights<M> {
        self.inner.adapt(model, rates, support)
    }

    fn query_loss(&self, _: &M, _: &Rates, adapted: &FastWeights<M>, query: &M::Batch) -> Tensor<1> {
        adapted.losses(query)
    }

    fn meta_gradient(&self, model: &M, rates: &Rates, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let (mut sum, mut of_rates, mut losses) =
            (GradientsAccumulator::new(), GradientsAccumulator::new(), Vec::new());
        for task in 0..batch.tasks() {
            let one = self.estimator.estimate(&self.inner, model, rates, &batch.narrow(task, 1));
            sum.accumulate(model, one.model);
            of_rates.accumulate(rates, one.state);
            losses.push(one.query_loss);
        }
        let trained = learned(model);
        let gradient = selected(model, &sum.grads(), |id| trained.contains(&id));
        MetaGradient { model: gradient, state: of_rates.grads(), query_loss: Tensor::cat(losses, 0) }
    }
}

impl<M: PreferenceModel, E: Estimator> ServingLearner<M> for Descent<E> {
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
