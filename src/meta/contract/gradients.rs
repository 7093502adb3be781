//! What a learner says of its meta-gradient, and a model of its head's gradient.

use burn::Tensor;
use burn::module::Module;
use burn::optim::{GradientsAccumulator, GradientsParams};
use burn::tensor::{Device, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use super::bits::bits;
use super::{Fixture, ROUNDING, TASKS, assert_near, distance, host};
use crate::meta::arithmetic::selected;
use crate::meta::differences::worst_error;
use crate::meta::{MetaLearner, combine, learned, members, values};
use crate::model::{AdaptableModel, HeadModel, MetaBatch, TaskBatch};

/// How far a gradient may be from differences of a loss in single precision, relative to its size.
const DIFFERENCE: f64 = 1e-3;

/// How many tasks are differentiated by differences, which takes many losses.
const DIFFERENTIATED: usize = 6;

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
