//! The contract that every learner keeps, as checks for tests.
//!
//! A crate with a learner (or a model) of its own turns on the feature `testing` for its tests, describes [`TASKS`] tasks in a [`Fixture`], and calls
//! [`check`]: one line a learner; and [`check_serving`] where it serves users. What a learner says of its meta-gradient depends on how it estimates it, so that is a check of its own:
//! [`gradient_is_exact`], [`gradient_is_first_order`] or [`gradient_is_the_way_to_the_fast_weights`].
//!
//! Every function panics with a message that names what does not hold.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::store::ModuleRecord;
use burn::tensor::{Device, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::meta::arithmetic::selected;
pub use crate::meta::differences::{Worst, jiggled, worst_error};
use crate::meta::{MetaGradient, MetaLearner, ServingLearner, axpy, combine, learned, members, norm, values};
use crate::model::{AdaptableModel, HeadModel, MetaBatch, PreferenceModel, SupportUse, TaskBatch};

/// How many tasks a fixture has.
pub const TASKS: usize = 32;

/// How far sums in another order may be apart, relative to their size.
const ROUNDING: f64 = 1e-5;

/// How far a gradient may be from differences of a loss in single precision, relative to its size.
const DIFFERENCE: f64 = 1e-3;

/// How many tasks are differentiated by differences, which takes many losses.
const DIFFERENTIATED: usize = 6;

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

/// Gradients belong to parameters of the model and of the state, have no graph, and are finite, as is the loss of every task.
///
/// # Panics
/// If they are not.
pub fn gradients_are_plain_and_finite<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let MetaGradient { model, state, query_loss } = fixture.gradient(&fixture.all());
    for (what, gradient, found) in
        [("model", &model, inspect(&fixture.model, &model)), ("state", &state, inspect(&fixture.state, &state))]
    {
        assert_eq!(found.owned, gradient.len(), "gradients of the {what} that belong to its parameters");
        assert!(found.plain, "a gradient of the {what} is still on the autodiff device");
        assert!(found.finite, "a gradient of the {what} is not finite");
    }
    assert!(norm(&fixture.model, &model) > 0.0, "the gradient of the model is zero");
    assert!(!query_loss.is_autodiff(), "the query loss is still on the autodiff device");
    assert_eq!(query_loss.dims(), [TASKS], "one query loss a task");
    assert!(host(query_loss).iter().all(|loss| loss.is_finite()), "a query loss is not finite");
}

/// `adapt` and `meta_gradient` leave the model and the state bit-identical, and trainable as they were.
///
/// # Panics
/// If they do not.
pub fn adapting_leaves_the_model_as_it_was<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let before = (bits(&fixture.model), bits(&fixture.state));
    let batch = fixture.all();
    let _ = fixture.adapted_losses(&batch);
    assert!(before == (bits(&fixture.model), bits(&fixture.state)), "adapting changed the model or the state");
    let _ = fixture.gradient(&batch);
    assert!(before == (bits(&fixture.model), bits(&fixture.state)), "the meta-gradient changed the model or the state");
}

/// A task without support is served by the model as it is.
///
/// # Panics
/// If its loss is another one.
pub fn without_support_a_task_gets_the_prior<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let (adapted, prior) = (fixture.adapted_losses(&all), host(fixture.model.loss(&all.query).inner()));
    for &task in &fixture.without_support {
        assert_near(
            adapted[task],
            prior[task],
            &format!("loss of task {task} without support, and of the model as it is"),
        );
    }
    if fixture.learner.support_use() == SupportUse::Read {
        // The model as it is may have read the support as well.
        return;
    }
    let moved = (0..TASKS).any(|task| (adapted[task] - prior[task]).abs() > ROUNDING * prior[task].abs());
    assert!(moved, "support changes nothing for any task: the fixture cannot tell the prior from an adapted task");
}

/// A task alone has the loss that it has padded to the longest of many.
///
/// # Panics
/// If it has another.
pub fn padding_does_not_leak<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let (served, trained) = (fixture.adapted_losses(&all), host(fixture.gradient(&all).query_loss));
    for task in 0..TASKS {
        let alone = (fixture.batch)(&[task]);
        assert_near(
            fixture.adapted_losses(&alone)[0],
            served[task],
            &format!("served loss of task {task}, alone and padded"),
        );
        let loss = host(fixture.gradient(&alone).query_loss)[0];
        assert_near(loss, trained[task], &format!("training loss of task {task}, alone and padded"));
    }
}

/// The tasks in another order have the same losses and the same gradient.
///
/// # Panics
/// If they differ by more than rounding.
pub fn the_order_of_tasks_does_not_matter<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    // 13 and 32 have no common divisor.
    let order: Vec<usize> = (0..TASKS).map(|place| (place * 13 + 5) % TASKS).collect();
    let (straight, shuffled) = (fixture.all(), (fixture.batch)(&order));
    let (a, b) = (fixture.gradient(&straight), fixture.gradient(&shuffled));
    let (losses, served) = (host(a.query_loss.clone()), fixture.adapted_losses(&straight));
    let (losses_b, served_b) = (host(b.query_loss.clone()), fixture.adapted_losses(&shuffled));
    for (place, &task) in order.iter().enumerate() {
        assert_near(losses_b[place], losses[task], &format!("training loss of task {task} in another order"));
        assert_near(served_b[place], served[task], &format!("served loss of task {task} in another order"));
    }
    assert_gradients_near(fixture, &a, &b, "the tasks in another order");
}

/// The gradients of 1 and of 31 tasks add up to the gradient of 32, cut from one batch as well as padded on their own.
///
/// # Panics
/// If they differ by more than rounding.
pub fn shards_add_up<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let whole = fixture.gradient(&all);
    let rest: Vec<usize> = (1..TASKS).collect();
    for (what, first, rest) in [
        ("shards cut from the batch", all.narrow(0, 1), all.narrow(1, TASKS - 1)),
        ("shards padded on their own", (fixture.batch)(&[0]), (fixture.batch)(&rest)),
    ] {
        let (first, rest) = (fixture.gradient(&first), fixture.gradient(&rest));
        let sum = MetaGradient {
            model: combine(&fixture.model, (&first.model, 1.0), (&rest.model, 1.0)),
            state: combine(&fixture.state, (&first.state, 1.0), (&rest.state, 1.0)),
            query_loss: Tensor::cat(vec![first.query_loss, rest.query_loss], 0),
        };
        assert_gradients_near(fixture, &sum, &whole, what);
    }
}

/// A model and a state that have taken a step, written out and read into fresh ones, are the same to the bit, and so are their next losses and gradient.
///
/// # Panics
/// If something was lost on the way: what is no parameter is not saved.
pub fn what_was_saved_goes_on_as_before<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let MetaGradient { model: gradient, state: of_state, .. } = fixture.gradient(&all);
    let model = axpy(fixture.model.clone(), &gradient, -0.01 / norm(&fixture.model, &gradient).max(1.0));
    let state = axpy(fixture.state.clone(), &of_state, -0.01 / norm(&fixture.state, &of_state).max(1.0));
    let read_model = read_back(fixture.model.clone(), &model);
    let read_state = read_back(fixture.learner.init_state(&fixture.model), &state);
    let next = |model: &M, state: &L::State| {
        let MetaGradient { model: gradient, state: of_state, query_loss } =
            fixture.learner.meta_gradient(model, state, &all);
        let losses: Vec<u32> = query_loss.into_data().iter::<f32>().map(f32::to_bits).collect();
        (losses, gradient_bits(model, &gradient), gradient_bits(state, &of_state))
    };
    for (what, written, read) in
        [("model", bits(&model), bits(&read_model)), ("state", bits(&state), bits(&read_state))]
    {
        let numbers = |bits: Bits| bits.into_iter().map(|(_, _, bits)| bits).collect::<Vec<_>>();
        assert!(numbers(written) == numbers(read), "the {what} is not read as it was written");
    }
    assert!(next(&model, &state) == next(&read_model, &read_state), "the step after reading is another one");
}

/// `fresh` with what `module` writes.
fn read_back<M: Module>(fresh: M, module: &M) -> M {
    let bytes = module.clone().into_record().into_bytes().expect("parameters can be written");
    let record = ModuleRecord::from_bytes(bytes).expect("what was written can be read");
    fresh.try_load_record(record).expect("parameters fit a fresh module")
}

/// Holds a learner that serves users to what is asked of serving: users adapted together, kept apart and adapted alone have the same scores of every item; one
/// without events is ranked and rated for by the model as it is; and events change something.
///
/// # Panics
/// If something does not hold.
pub fn check_serving<M: PreferenceModel, L: ServingLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let (learner, plain) = (&fixture.learner, fixture.model.valid());
    let (model, state) = match learner.needs_autodiff() {
        true => (fixture.model.clone(), fixture.state.clone()),
        false => (plain.clone(), fixture.state.valid()),
    };
    let (all, catalogue) = (fixture.all().support, plain.catalogue());
    let served = |adapted: &L::Adapted| {
        let rated = learner.rate(&plain, &catalogue, adapted).map(rows);
        (rows(learner.rank(&plain, &catalogue, adapted)), rated)
    };
    let together = learner.adapt(&model, &state, &all);
    let (ranked, rated) = served(&together);
    assert_eq!(ranked.len(), TASKS, "one row of scores a task");
    for task in 0..TASKS {
        let alone = learner.adapt(&model, &state, &(fixture.batch)(&[task]).support);
        for (how, adapted) in [("kept apart", learner.task(&together, task)), ("adapted alone", alone)] {
            let (rank, rate) = served(&adapted);
            assert_eq!(rank.len(), 1, "one row of scores for task {task}, {how}");
            assert_rows_near(&rank[0], &ranked[task], &format!("ranking score of task {task}, {how}"));
            assert_eq!(rate.is_some(), rated.is_some(), "whether task {task} is rated for, {how}");
            for (rate, rated) in rate.iter().zip(&rated) {
                assert_rows_near(&rate[0], &rated[task], &format!("predicted value for task {task}, {how}"));
            }
        }
    }
    let read = rows(plain.rank(&catalogue, plain.state(&all)));
    let prior = plain.rate(&catalogue).map(|values| rows(values.unsqueeze::<2>()));
    for &task in &fixture.without_support {
        assert_rows_near(&ranked[task], &read[task], &format!("ranking score of task {task} without support"));
        for (rated, prior) in rated.iter().zip(&prior) {
            assert_rows_near(&rated[task], &prior[0], &format!("predicted value for task {task} without support"));
        }
    }
    let unread = fixture.without_support[0];
    let differ = |scores: &Vec<Vec<f64>>| scores.iter().any(|row| far(row, &scores[unread]) > 10.0 * ROUNDING);
    assert!(
        differ(&ranked) || rated.as_ref().is_some_and(differ),
        "support changes nothing for anybody: every user gets the scores of a user without events"
    );
}

fn rows(scores: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, width] = scores.dims();
    let all: Vec<f64> = scores.into_data().iter::<f32>().map(f64::from).collect();
    all.chunks(width.max(1)).map(<[f64]>::to_vec).collect()
}

/// The largest difference of two rows, relative to the size of what is compared.
fn far(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b).abs() / (1.0 + b.abs())).fold(0.0, f64::max)
}

fn assert_rows_near(found: &[f64], expected: &[f64], what: &str) {
    assert_eq!(found.len(), expected.len(), "numbers: {what}");
    for (item, (&found, &expected)) in found.iter().zip(expected).enumerate() {
        assert_near(found, expected, &format!("{what}, item {item}"));
    }
}

/// A learner that needs no autodiff serves the same from the plain device.
///
/// # Panics
/// If a loss differs by more than rounding.
pub fn adapting_without_a_graph_gives_the_same<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let batch = fixture.all();
    let (model, state) = (fixture.model.valid(), fixture.state.valid());
    let adapted = fixture.learner.adapt(&model, &state, &batch.support);
    let plain = host(fixture.learner.query_loss(&model, &state, &adapted, &batch.query));
    for (task, (plain, tracked)) in plain.into_iter().zip(fixture.adapted_losses(&batch)).enumerate() {
        assert_near(plain, tracked, &format!("loss of task {task} without and with a graph"));
    }
}

/// The meta-gradient is the gradient of the sum of its own query losses, in the model and in the state: for learners that differentiate through
/// adaptation. Returns the greatest relative error against differences in every single parameter tensor and in all together (see
/// [`worst_error`]).
///
/// # Panics
/// If it is more than 1e-3 away.
pub fn gradient_is_exact<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) -> f64 {
    let batch = (fixture.batch)(&(0..DIFFERENTIATED).collect::<Vec<_>>());
    let gradient = fixture.gradient(&batch);
    let sum = |model: &M, state: &L::State| {
        host(fixture.learner.meta_gradient(model, state, &batch).query_loss).into_iter().sum::<f64>()
    };
    let of_model = worst_error(&fixture.model, &gradient.model, |model| sum(model, &fixture.state));
    let of_state = worst_error(&fixture.state, &gradient.state, |state| sum(&fixture.model, state));
    for (what, worst) in [("model", &of_model), ("state", &of_state)] {
        assert!(worst.error <= DIFFERENCE, "the meta-gradient of the {what} against differences of the loss: {worst}");
    }
    of_model.error.max(of_state.error)
}

/// The gradient that a model writes for its heads is the derivative of the loss that it says they have, and at its own head that is its loss. Returns the greatest
/// relative error of the gradient, element by element and relative to the longest gradient of a task.
///
/// # Panics
/// If the loss of heads at their start is not the loss of the model, or the gradient is more than 1e-4 away from what autodiff says.
pub fn head_is_consistent<M: HeadModel>(model: &M, batch: &M::Batch) -> f64 {
    let (examples, start) = (model.examples(batch), model.head_start());
    let ([width], tasks) = (start.dims(), batch.tasks());
    assert_eq!(model.head_parts().iter().sum::<usize>(), width, "numbers of the head's parts together");
    let group = members(model, &model.head());
    let numbers: usize = bits(model).iter().filter(|(id, ..)| group.contains(id)).map(|(.., bits)| bits.len()).sum();
    assert_eq!(numbers, width, "numbers of the parameters in the head's group");
    let started = start.inner().reshape([1, width]).expand([tasks, width]);
    let own = host(model.loss(batch).inner());
    for (task, loss) in
        host(model.head_loss(&examples, Tensor::from_inner(started.clone())).inner()).into_iter().enumerate()
    {
        assert_near(loss, own[task], &format!("loss of task {task} by its head, and of the model as it is"));
    }
    let moved = started + draw(tasks, width, &batch_device(model));
    let heads = Tensor::<2>::from_inner(moved).require_grad();
    let grads = model.head_loss(&examples, heads.clone()).sum().backward();
    let expected = heads.grad(&grads).unwrap_or_else(|| heads.clone().inner().zeros_like());
    let found = model.head_gradient(&examples, heads).inner();
    let longest = expected.clone().square().sum_dim(1).sqrt().max().into_scalar::<f32>();
    let error = f64::from((found - expected).abs().max().into_scalar::<f32>() / longest.max(f32::MIN_POSITIVE));
    assert!(
        error <= 1e-4,
        "the head's gradient is {error:.1e} of its length away from the derivative of the head's loss"
    );
    error
}

/// Normal numbers of deviation 0.3.
fn draw(rows: usize, width: usize, device: &Device) -> Tensor<2> {
    let mut rng = ChaCha8Rng::seed_from_u64(6);
    let normal = |_| 0.3 * <StandardNormal as Distribution<f32>>::sample(&StandardNormal, &mut rng);
    Tensor::from_data(TensorData::new((0..rows * width).map(normal).collect::<Vec<f32>>(), [rows, width]), device)
}

fn batch_device<M: Module>(model: &M) -> Device {
    model.devices().into_iter().next().unwrap_or_default().inner()
}

/// The meta-gradient is the sum of the query gradients at the fast weights: first-order MAML.
///
/// `fast` gives the fast weights of a batch of one task under the ids of the model, computed without the learner.
///
/// # Panics
/// If it is not.
pub fn gradient_is_first_order<M, L>(fixture: &Fixture<'_, M, L>, fast: impl Fn(&M, &MetaBatch<M::Batch>) -> M)
where
    M: AdaptableModel,
    L: MetaLearner<M>,
{
    let estimate = |one: &MetaBatch<M::Batch>| {
        let fast = fast(&fixture.model, one);
        GradientsParams::from_grads(fast.loss(&one.query).sum().backward(), &fast)
    };
    assert_model_gradient_is_sum_of(fixture, estimate, "the query gradient at the fast weights");
}

/// The meta-gradient is the sum of theta - phi: Reptile.
///
/// `fast` gives the fast weights phi of a batch of one task under the ids of the model, computed without the learner.
///
/// # Panics
/// If it is not.
pub fn gradient_is_the_way_to_the_fast_weights<M, L>(
    fixture: &Fixture<'_, M, L>,
    fast: impl Fn(&M, &MetaBatch<M::Batch>) -> M,
) where
    M: AdaptableModel,
    L: MetaLearner<M>,
{
    let theta = values(&fixture.model);
    let estimate =
        |one: &MetaBatch<M::Batch>| combine(&fixture.model, (&theta, 1.0), (&values(&fast(&fixture.model, one)), -1.0));
    assert_model_gradient_is_sum_of(fixture, estimate, "theta - phi");
}

fn assert_model_gradient_is_sum_of<M: AdaptableModel, L: MetaLearner<M>>(
    fixture: &Fixture<'_, M, L>,
    estimate: impl Fn(&MetaBatch<M::Batch>) -> GradientsParams,
    what: &str,
) {
    let all = fixture.all();
    let mut expected = GradientsAccumulator::new();
    for task in 0..TASKS {
        expected.accumulate(&fixture.model, estimate(&all.narrow(task, 1)));
    }
    let trained = learned(&fixture.model);
    let expected = selected(&fixture.model, &expected.grads(), |id| trained.contains(&id));
    let far = distance(&fixture.model, &fixture.gradient(&all).model, &expected);
    assert!(far <= ROUNDING, "the meta-gradient is {far:.1e} of its norm away from {what}");
}

/// How far two gradients are apart, relative to the norm of the second.
fn distance<M: Module>(module: &M, a: &GradientsParams, b: &GradientsParams) -> f64 {
    norm(module, &combine(module, (a, 1.0), (b, -1.0))) / norm(module, b).max(f64::MIN_POSITIVE)
}

fn assert_gradients_near<M: AdaptableModel, L: MetaLearner<M>>(
    fixture: &Fixture<'_, M, L>,
    a: &MetaGradient,
    b: &MetaGradient,
    what: &str,
) {
    let (model, state) = (distance(&fixture.model, &a.model, &b.model), distance(&fixture.state, &a.state, &b.state));
    assert!(model <= ROUNDING, "{what}: the gradient of the model is {model:.1e} of its norm away");
    assert!(state <= ROUNDING, "{what}: the gradient of the state is {state:.1e} of its norm away");
}

fn assert_near(found: f64, expected: f64, what: &str) {
    assert!((found - expected).abs() <= ROUNDING * (1.0 + expected.abs()), "{what}: {found} and {expected}");
}

/// The bits of every parameter, and whether it is trainable.
type Bits = Vec<(ParamId, bool, Vec<u32>)>;

#[derive(Default)]
struct Read(Bits);

impl ModuleVisitor for Read {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let bits = param.val().into_data().iter::<f32>().map(f32::to_bits).collect();
        self.0.push((param.id, param.val().is_require_grad(), bits));
    }
}

fn bits<M: Module>(module: &M) -> Bits {
    let mut read = Read::default();
    module.visit(&mut read);
    read.0
}

struct GradientBits<'a> {
    gradient: &'a GradientsParams,
    bits: Vec<Vec<u32>>,
}

impl ModuleVisitor for GradientBits<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradient.get::<D>(param.id);
        self.bits.push(
            gradient.map_or_else(Vec::new, |gradient| gradient.into_data().iter::<f32>().map(f32::to_bits).collect()),
        );
    }
}

/// The bits of the gradient of every parameter, in the order of the module; none where there is no gradient.
fn gradient_bits<M: Module>(module: &M, gradient: &GradientsParams) -> Vec<Vec<u32>> {
    let mut visitor = GradientBits { gradient, bits: Vec::new() };
    module.visit(&mut visitor);
    visitor.bits
}

struct Inspect<'a> {
    gradient: &'a GradientsParams,
    owned: usize,
    plain: bool,
    finite: bool,
}

impl ModuleVisitor for Inspect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradient.get::<D>(param.id) else { return };
        self.owned += 1;
        self.plain &= !gradient.is_autodiff();
        self.finite &= gradient.into_data().iter::<f32>().all(f32::is_finite);
    }
}

fn inspect<'a, M: Module>(module: &M, gradient: &'a GradientsParams) -> Inspect<'a> {
    let mut inspect = Inspect { gradient, owned: 0, plain: true, finite: true };
    module.visit(&mut inspect);
    inspect
}
