//! The contract that every learner keeps, as checks for tests.
//!
//! A crate with a learner (or a model) of its own turns on the feature `testing` for its tests, describes [`TASKS`] tasks in a [`Fixture`], and calls
//! [`check`]: one line a learner; and [`check_serving`] where it serves users. What a learner says of its meta-gradient depends on how it estimates it, so that
//! is a check of its own: [`gradient_is_exact`], [`gradient_is_first_order`] or [`gradient_is_the_way_to_the_fast_weights`].
//!
//! Every function panics with a message that names what does not hold.

mod adapting;
mod bits;
mod gradients;
mod saved;
mod serving;

use burn::Tensor;
use burn::module::Module;
use burn::optim::GradientsParams;

pub use crate::meta::differences::{Worst, jiggled, worst_error};
use crate::meta::{MetaGradient, MetaLearner, combine, norm};
use crate::model::{AdaptableModel, MetaBatch};
pub use adapting::{
    adapting_leaves_the_model_as_it_was, adapting_without_a_graph_gives_the_same, gradients_are_plain_and_finite,
    padding_does_not_leak, shards_add_up, the_order_of_tasks_does_not_matter, without_support_a_task_gets_the_prior,
};
pub use gradients::{
    gradient_is_exact, gradient_is_first_order, gradient_is_the_way_to_the_fast_weights, head_is_consistent,
};
pub use saved::what_was_saved_goes_on_as_before;
pub use serving::check_serving;

/// How many tasks a fixture has.
pub const TASKS: usize = 32;

/// How far sums in another order may be apart, relative to their size.
const ROUNDING: f64 = 1e-5;

/// Makes the batch of some tasks, named by their numbers from 0: in that order, and padded to the longest *of them*. On the plain device, without noise.
pub type BatchOf<'a, M> = Box<dyn Fn(&[usize]) -> MetaBatch<<M as AdaptableModel>::Batch> + 'a>;

/// A model, a learner and [`TASKS`] tasks to hold them to the contract with.
pub struct Fixture<'a, M: AdaptableModel, L: MetaLearner<M>> {
    model: M,
    state: L::State,
    learner: L,
    without_support: Vec<usize>,
    batch: BatchOf<'a, M>,
}

impl<'a, M: AdaptableModel, L: MetaLearner<M>> Fixture<'a, M, L> {
    /// A fixture of `model`, on an autodiff device, and `learner`.
    ///
    /// `batch` makes batches of the tasks `0..TASKS`, whose sets should differ in length; `without_support` names those with an empty support set.
    ///
    /// # Panics
    /// If there is no task without support, or all are: then the contract would not be tested.
    pub fn new(
        model: M,
        learner: L,
        without_support: Vec<usize>,
        batch: impl Fn(&[usize]) -> MetaBatch<M::Batch> + 'a,
    ) -> Self {
        assert!((1..TASKS).contains(&without_support.len()), "some tasks must have support, and some none");
        assert!(
            model.devices().iter().all(burn::tensor::Device::is_autodiff),
            "the model must be on an autodiff device"
        );
        let state = learner.init_state(&model);
        Self { model, state, learner, without_support, batch: Box::new(batch) }
    }

    /// The same with another state of the learner.
    #[must_use]
    pub fn with_state(mut self, state: L::State) -> Self {
        self.state = state;
        self
    }

    /// The model.
    #[must_use]
    pub fn model(&self) -> &M {
        &self.model
    }

    /// The learner's state.
    #[must_use]
    pub fn state(&self) -> &L::State {
        &self.state
    }

    fn all(&self) -> MetaBatch<M::Batch> {
        (self.batch)(&(0..TASKS).collect::<Vec<_>>())
    }

    /// The meta-gradient of all tasks.
    #[cfg(test)]
    pub(crate) fn meta_gradient(&self) -> MetaGradient {
        self.gradient(&self.all())
    }

    fn gradient(&self, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        self.learner.meta_gradient(&self.model, &self.state, batch)
    }

    /// Loss of each task after adaptation, as it is served.
    fn adapted_losses(&self, batch: &MetaBatch<M::Batch>) -> Vec<f64> {
        let adapted = self.learner.adapt(&self.model, &self.state, &batch.support);
        host(self.learner.query_loss(&self.model, &self.state, &adapted, &batch.query))
    }
}

fn host(losses: Tensor<1>) -> Vec<f64> {
    losses.into_data().iter::<f32>().map(f64::from).collect()
}

/// Holds a learner to everything that does not depend on how it estimates its gradient.
///
/// # Panics
/// If something does not hold.
pub fn check<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    gradients_are_plain_and_finite(fixture);
    adapting_leaves_the_model_as_it_was(fixture);
    without_support_a_task_gets_the_prior(fixture);
    padding_does_not_leak(fixture);
    the_order_of_tasks_does_not_matter(fixture);
    shards_add_up(fixture);
    what_was_saved_goes_on_as_before(fixture);
    if !fixture.learner.needs_autodiff() {
        adapting_without_a_graph_gives_the_same(fixture);
    }
}

/// How far two gradients are apart, relative to the norm of the second.
fn distance<M: Module>(module: &M, a: &GradientsParams, b: &GradientsParams) -> f64 {
    norm(module, &combine(module, (a, 1.0), (b, -1.0))) / norm(module, b).max(f64::MIN_POSITIVE)
}

fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= ROUNDING * (1.0 + expected.abs()), "{what}: {found} and {expected}");
}
