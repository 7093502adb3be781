//! The traits of learners.

use burn::Tensor;
use burn::module::{Module, ModuleDisplay};
use burn::optim::GradientsParams;

use crate::meta::config::LearnerError;
use crate::model::{AdaptableModel, MetaBatch, PreferenceModel, RatingBelief, Supervision, SupportUse};

/// The gradient of an outer step, as *sums* over its tasks: the shards of a meta-batch add up to the whole.
///
/// Gradients are on the plain device, under the ids of the parameters that they belong to.
pub struct MetaGradient {
    /// For the model's parameters: the initialisation.
    pub model: GradientsParams,
    /// For whatever else is learned.
    pub state: GradientsParams,
    /// Loss of each task after adaptation, `[tasks]`, on the plain device. Of a learner without a query set of its own (Reptile), after steps on the query too.
    pub query_loss: Tensor<1>,
}

/// State of a learner that learns nothing besides the initialisation.
#[derive(Module, Debug, Default)]
pub struct Stateless {}

/// Adapts a model to tasks, and estimates how its initialisation should move so that adaptation works better.
///
/// # Contract
///
/// The tests in `metarec::meta::contract` (feature `testing`) hold every learner to it:
/// `adapt` leaves the model bit-identical; a task without support gets the prior; padding and the other tasks of a batch do not matter; the order of tasks
/// does not matter to 1e-5; gradients are sums, so shards add up.
///
/// # Panics
///
/// Shapes are the caller's duty: batches come from the same model. `adapt` panics on a plain device if [`MetaLearner::needs_autodiff`], and
/// `meta_gradient` always does.
pub trait MetaLearner<M: AdaptableModel>: Send + Sync + 'static {
    /// What is learned besides the initialisation: rates, a prior. [`Stateless`] where nothing is.
    type State: Module + ModuleDisplay + Sync + 'static;
    /// Some tasks' adaptation.
    type Adapted: Clone + Send + Sync + 'static;

    /// The state that training starts from, on the model's device.
    fn init_state(&self, model: &M) -> Self::State;

    /// Checks what only the model can tell: training does so before it starts.
    ///
    /// # Errors
    /// The setting that does not fit the model.
    fn check(&self, model: &M) -> Result<(), LearnerError> {
        let _ = model;
        Ok(())
    }

    /// Whether the state is learned rates of inner steps, which are numbers near 1 that have far to go: training then steps it by
    /// `TrainingConfig::inner_rate_rate`.
    fn learns_inner_rates(&self) -> bool {
        false
    }

    /// What support sets are for: to be read, or to take steps on.
    fn support_use(&self) -> SupportUse;

    /// From how much of the support query sets are to be predicted in training.
    fn supervision(&self) -> Supervision;

    /// Whether [`adapt`](Self::adapt) takes gradients, and so needs a model on an autodiff device.
    fn needs_autodiff(&self) -> bool;

    /// Adapts to each task's support set.
    fn adapt(&self, model: &M, state: &Self::State, support: &M::Batch) -> Self::Adapted;

    /// Loss of each adapted task on its query set, `[tasks]`.
    fn query_loss(&self, model: &M, state: &Self::State, adapted: &Self::Adapted, query: &M::Batch) -> Tensor<1>;

    /// The gradient of the outer loss, summed over the tasks of the batch.
    fn meta_gradient(&self, model: &M, state: &Self::State, batch: &MetaBatch<M::Batch>) -> MetaGradient;
}

/// A learner whose adapted tasks are users to be served.
pub trait ServingLearner<M: PreferenceModel>: MetaLearner<M> {
    /// One task's part of an adaptation, so that users who were adapted together can be kept apart.
    ///
    /// # Panics
    /// If there is no such task.
    #[must_use]
    fn task(&self, adapted: &Self::Adapted, task: usize) -> Self::Adapted;

    /// Ranking score of every item for each task, `[tasks, items]`.
    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &Self::Adapted) -> Tensor<2>;

    /// Whether the state matters to [`rate`](Self::rate) alone, so that training keeps the best one with the model's
    /// [`rating_group`](PreferenceModel::rating_group) and not with the rest.
    fn state_only_rates(&self) -> bool {
        false
    }

    /// Predicted value of every item for each task, `[tasks, items]`; `None` where the model does not rate.
    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &Self::Adapted) -> Option<Tensor<2>>;

    /// What is believed of each task's values, and how surely: [`rate`](Self::rate) with variances. `None`, as here, for a learner that knows none;
    /// it serves without intervals.
    fn beliefs(
        &self,
        model: &M,
        state: &Self::State,
        catalogue: &M::Catalogue,
        adapted: &Self::Adapted,
    ) -> Option<Vec<RatingBelief>> {
        let _ = (model, state, catalogue, adapted);
        None
    }
}
