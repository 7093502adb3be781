//! A model that has nothing to do with users and items: regression on points.

use burn::Tensor;
use burn::module::{Module, Param, ParamGroup};
use burn::tensor::{Device, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::meta::MetaLearner;
use crate::meta::contract::{Fixture, TASKS};
use crate::model::{AdaptableModel, MetaBatch, TaskBatch};

const INPUTS: usize = 3;
const HIDDEN: usize = 6;

/// Inputs `[tasks, shots, 3]`, outputs and mask `[tasks, shots, 1]`.
#[derive(Clone, Debug)]
pub(super) struct Points {
    x: Tensor<3>,
    y: Tensor<3>,
    mask: Tensor<3>,
}

impl TaskBatch for Points {
    fn tasks(&self) -> usize {
        self.x.dims()[0]
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        let cut = |tensor: &Tensor<3>| tensor.clone().narrow(0, start, tasks);
        Self { x: cut(&self.x), y: cut(&self.y), mask: cut(&self.mask) }
    }

    fn to_device(self, device: &Device) -> Self {
        Self { x: self.x.to_device(device), y: self.y.to_device(device), mask: self.mask.to_device(device) }
    }
}

/// `y = tanh(x a + b) w`.
#[derive(Module, Debug)]
pub(super) struct Regression {
    body: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    head: Param<Tensor<2>>,
}

impl Regression {
    pub(super) fn new(device: &Device) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(4);
        let mut draw = |count: usize| (0..count).map(|_| rng.random_range(-1.0..1.0f32)).collect::<Vec<_>>();
        Self {
            body: Param::from_data(TensorData::new(draw(INPUTS * HIDDEN), [INPUTS, HIDDEN]), device),
            bias: Param::from_data(TensorData::new(draw(HIDDEN), [HIDDEN]), device),
            head: Param::from_data(TensorData::new(draw(HIDDEN), [HIDDEN, 1]), device),
        }
    }
}

impl AdaptableModel for Regression {
    type Batch = Points;

    fn loss(&self, batch: &Points) -> Tensor<1> {
        let [tasks, shots, _] = batch.x.dims();
        let flat = batch.x.clone().reshape([tasks * shots, INPUTS]);
        let hidden = (flat.matmul(self.body.val()) + self.bias.val().unsqueeze::<2>()).tanh();
        let errors = hidden.matmul(self.head.val()).reshape([tasks, shots, 1]) - batch.y.clone();
        let count = batch.mask.clone().sum_dim(1).clamp_min(1.0);
        ((errors.square() * batch.mask.clone()).sum_dim(1) / count).reshape([tasks])
    }

    fn head(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.head.id])
    }
}

/// How many points the support set of a task has.
fn shots(task: usize) -> usize {
    if task.is_multiple_of(7) { 0 } else { 1 + task % 6 }
}

/// Some tasks' points, padded with numbers that would be seen in the loss if the mask did not hide them.
fn points(tasks: &[usize], count: impl Fn(usize) -> usize, stream: u64) -> Points {
    let longest = tasks.iter().map(|&task| count(task)).max().unwrap_or(0).max(1);
    let (mut x, mut y, mut mask) = (Vec::new(), Vec::new(), Vec::new());
    for &task in tasks {
        let mut rng = ChaCha8Rng::seed_from_u64(task as u64);
        rng.set_stream(stream);
        let slope: f32 = rng.random_range(-2.0..2.0);
        for place in 0..longest {
            let inside = place < count(task);
            let point: Vec<f32> = (0..INPUTS).map(|_| rng.random_range(-1.0..1.0)).collect();
            y.push(if inside { slope * point[0] } else { 77.0 });
            x.extend(point);
            mask.push(if inside { 1.0 } else { 0.0 });
        }
    }
    let device = Device::default();
    let tensor =
        |values: Vec<f32>, width| Tensor::from_data(TensorData::new(values, [tasks.len(), longest, width]), &device);
    Points { x: tensor(x, INPUTS), y: tensor(y, 1), mask: tensor(mask, 1) }
}

/// The regression and a learner.
pub(super) fn fixture<L: MetaLearner<Regression>>(learner: L) -> Fixture<'static, Regression, L> {
    let empty = (0..TASKS).filter(|&task| shots(task) == 0).collect();
    Fixture::new(Regression::new(&Device::default().autodiff()), learner, empty, |tasks| MetaBatch {
        support: points(tasks, shots, 0),
        query: points(tasks, |task| 2 + task % 3, 1),
    })
}
