//! A model that has nothing to do with users and items: regression on points.

use burn::Tensor;
use burn::module::{Module, Param, ParamGroup, ParamId};
use burn::optim::GradientsParams;
use burn::tensor::{Device, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::meta::MetaLearner;
use crate::meta::contract::{Fixture, TASKS};
use crate::model::{AdaptableModel, HeadModel, MetaBatch, TaskBatch};

pub(super) const INPUTS: usize = 3;
pub(super) const HIDDEN: usize = 6;

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
        Self::with([draw(INPUTS * HIDDEN), draw(HIDDEN), draw(HIDDEN)], device)
    }

    /// The regression with these numbers as body, bias and head.
    pub(super) fn with([body, bias, head]: [Vec<f32>; 3], device: &Device) -> Self {
        Self {
            body: Param::from_data(TensorData::new(body, [INPUTS, HIDDEN]), device),
            bias: Param::from_data(TensorData::new(bias, [HIDDEN]), device),
            head: Param::from_data(TensorData::new(head, [HIDDEN, 1]), device),
        }
    }

    /// Gradients of these numbers, by the names of the parameters.
    pub(super) fn gradients(&self, of: impl Fn(&str) -> Option<Vec<f64>>) -> GradientsParams {
        let mut gradients = GradientsParams::new();
        let data = |name: &str, shape: &[usize]| {
            of(name)
                .map(|values| TensorData::new(values.into_iter().map(|value| value as f32).collect(), shape.to_vec()))
        };
        let device = Device::default();
        let mut put = |id: ParamId, tensor: Option<Tensor<2>>| tensor.map(|tensor| gradients.register(id, tensor));
        put(self.body.id, data("body", &[INPUTS, HIDDEN]).map(|data| Tensor::from_data(data, &device)));
        put(self.head.id, data("head", &[HIDDEN, 1]).map(|data| Tensor::from_data(data, &device)));
        if let Some(data) = data("bias", &[HIDDEN]) {
            gradients.register(self.bias.id, Tensor::<1>::from_data(data, &device));
        }
        gradients
    }
}

impl Regression {
    fn hidden(&self, batch: &Points) -> Tensor<3> {
        let [tasks, shots, _] = batch.x.dims();
        let flat = batch.x.clone().reshape([tasks * shots, INPUTS]);
        (flat.matmul(self.body.val()) + self.bias.val().unsqueeze::<2>()).tanh().reshape([tasks, shots, HIDDEN])
    }
}

impl Points {
    /// As many points for each of some tasks, all of them real.
    pub(super) fn dense(x: Vec<f32>, y: Vec<f32>, [tasks, shots]: [usize; 2]) -> Self {
        let device = Device::default();
        let tensor = |values, width| Tensor::from_data(TensorData::new(values, [tasks, shots, width]), &device);
        Self { x: tensor(x, INPUTS), y: tensor(y, 1), mask: Tensor::ones([tasks, shots, 1], &device) }
    }

    /// The mean over each task's points, `[tasks]`.
    fn mean(&self, errors: Tensor<3>) -> Tensor<1> {
        let count = self.mask.clone().sum_dim(1).clamp_min(1.0);
        let [tasks, _, _] = errors.dims();
        ((errors * self.mask.clone()).sum_dim(1) / count).reshape([tasks])
    }
}

impl AdaptableModel for Regression {
    type Batch = Points;

    fn loss(&self, batch: &Points) -> Tensor<1> {
        let [tasks, shots, _] = batch.x.dims();
        let hidden = self.hidden(batch).reshape([tasks * shots, HIDDEN]);
        let errors = hidden.matmul(self.head.val()).reshape([tasks, shots, 1]) - batch.y.clone();
        batch.mean(errors.square())
    }

    fn head(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.head.id])
    }
}

impl HeadModel for Regression {
    /// What the hidden layer makes of the points, `[tasks, shots, HIDDEN]`, and the points.
    type Examples = (Tensor<3>, Points);

    fn examples(&self, batch: &Points) -> (Tensor<3>, Points) {
        (self.hidden(batch), batch.clone())
    }

    fn head_start(&self) -> Tensor<1> {
        self.head.val().reshape([HIDDEN])
    }

    fn head_parts(&self) -> Vec<usize> {
        vec![HIDDEN]
    }

    fn head_loss(&self, (hidden, points): &(Tensor<3>, Points), heads: Tensor<2>) -> Tensor<1> {
        let errors = hidden.clone().matmul(heads.unsqueeze_dim::<3>(2)) - points.y.clone();
        points.mean(errors.square())
    }

    fn head_gradient(&self, (hidden, points): &(Tensor<3>, Points), heads: Tensor<2>) -> Tensor<2> {
        let [tasks, width] = heads.dims();
        let errors = hidden.clone().matmul(heads.unsqueeze_dim::<3>(2)) - points.y.clone();
        let count = points.mask.clone().sum_dim(1).clamp_min(1.0);
        let errors = errors * points.mask.clone() * 2.0 / count;
        errors.swap_dims(1, 2).matmul(hidden.clone()).reshape([tasks, width])
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

/// The regression with support sets and query sets.
pub(super) fn model_and_meta_batch() -> (Regression, MetaBatch<Points>) {
    let tasks: Vec<usize> = (0..9).collect();
    let batch = MetaBatch { support: points(&tasks, shots, 0), query: points(&tasks, |task| 2 + task % 3, 1) };
    (Regression::new(&Device::default().autodiff()), batch)
}
