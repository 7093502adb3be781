//! The network of MeLU: embeddings that all users share, and decision layers that each user has of their own.

use burn::Tensor;
use burn::module::{Module, Param, ParamGroup};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Int, TensorData};

use crate::baseline::melu::MeLuConfig;
use crate::data::Draws;
use crate::model::{AdaptableModel, HeadModel, TaskBatch};

/// Predicts ratings, in units of their deviation from their mean.
#[derive(Module, Debug)]
pub(super) struct Network {
    /// `[categories + 1, embedding]`; the last is of items without any.
    categories: Param<Tensor<2>>,
    /// `[codes, embedding]`: of each column all known texts, then one for those that are not known.
    columns: Param<Tensor<2>>,
    /// Weights and biases of the first, the second and the last decision layer, `[d_head]`. The rows of the first layer are those of the item, then
    /// of each column.
    decision: Param<Tensor<1>>,
    /// The share of each category in each kind of item, `[kinds, categories + 1]`; given, not learned.
    shares: Param<Tensor<2>>,
    embedding: usize,
    hidden: usize,
    /// How many columns there are.
    width: usize,
}

/// How large the tables of a network are.
#[derive(Clone, Debug)]
pub(super) struct Tables {
    /// The share of each category in each kind of item, `[kinds, categories]`, the last category being "none".
    pub(super) shares: Vec<f32>,
    pub(super) categories: usize,
    pub(super) codes: usize,
    pub(super) columns: usize,
}

/// Ratings of some users.
#[derive(Clone, Debug)]
pub(super) struct Ratings {
    /// Kinds of the items, `[users, events]`.
    pub(super) kinds: Tensor<2, Int>,
    /// In units of the deviation from the mean, `[users, events]`.
    pub(super) values: Tensor<2>,
    /// 1 where there is a rating, else 0, `[users, events]`.
    pub(super) mask: Tensor<2>,
    /// One code for each column, `[users, columns]`; `None` where no column is read.
    pub(super) codes: Option<Tensor<2, Int>>,
}

impl TaskBatch for Ratings {
    fn tasks(&self) -> usize {
        self.kinds.dims()[0]
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        Self {
            kinds: self.kinds.clone().narrow(0, start, tasks),
            values: self.values.clone().narrow(0, start, tasks),
            mask: self.mask.clone().narrow(0, start, tasks),
            codes: self.codes.clone().map(|codes| codes.narrow(0, start, tasks)),
        }
    }

    fn to_device(self, device: &Device) -> Self {
        Self {
            kinds: self.kinds.to_device(device),
            values: self.values.to_device(device),
            mask: self.mask.to_device(device),
            codes: self.codes.map(|codes| codes.to_device(device)),
        }
    }
}

/// What the decision layers see of some users' ratings.
pub(super) struct Examples {
    /// `[users, events, embedding]`.
    items: Tensor<3>,
    /// The vectors of their columns in a row, `[users, 1, columns * embedding]`; `None` where no column is read.
    users: Option<Tensor<3>>,
    values: Tensor<2>,
    mask: Tensor<2>,
}

/// The decision layers of some users.
struct Layers {
    /// `[users, embedding, hidden]`.
    of_item: Tensor<3>,
    /// `[users, columns * embedding, hidden]`.
    of_user: Option<Tensor<3>>,
    /// `[users, 1, hidden]`.
    first_bias: Tensor<3>,
    /// `[users, hidden, hidden]`.
    second: Tensor<3>,
    second_bias: Tensor<3>,
    /// `[users, hidden, 1]`.
    last: Tensor<3>,
    /// `[users, 1, 1]`.
    last_bias: Tensor<3>,
}

/// What the layers make of items, before and after they are rectified.
struct Pass {
    first: Tensor<3>,
    second: Tensor<3>,
    /// `[users, items]`.
    predicted: Tensor<2>,
}

impl Network {
    pub(super) fn new(tables: &Tables, config: &MeLuConfig, device: &Device) -> Self {
        let (e, h) = (config.embedding, config.hidden);
        let mut draws = Draws::new(*b"melu   0", config.seed, 0);
        let mut normal = |count: usize, deviation: f64| -> Vec<f32> {
            (0..count).map(|_| (deviation * draws.normal()) as f32).collect()
        };
        let matrix = |values: Vec<f32>, columns: usize| {
            let rows = values.len() / columns;
            Param::<Tensor<2>>::from_data(TensorData::new(values, [rows, columns]), device)
        };
        let categories = matrix(normal(tables.categories * e, 0.3), e);
        let columns = matrix(normal(tables.codes.max(1) * e, 0.3), e);
        let inputs = (1 + tables.columns) * e;
        let mut decision = Vec::new();
        for (from, to) in [(inputs, h), (h, h), (h, 1)] {
            decision.extend(normal(from * to, (2.0 / from as f64).sqrt()));
            decision.extend(std::iter::repeat_n(0.0_f32, to));
        }
        let d_head = decision.len();
        Self {
            categories,
            columns,
            decision: Param::from_data(TensorData::new(decision, [d_head]), device),
            shares: matrix(tables.shares.clone(), tables.categories).set_require_grad(false),
            embedding: e,
            hidden: h,
            width: tables.columns,
        }
    }

    /// The vectors of all kinds of items, `[kinds, embedding]`: the mean of their categories'.
    fn kinds(&self) -> Tensor<2> {
        self.shares.val().matmul(self.categories.val())
    }

    /// The vectors of users' columns in a row, `[users, 1, columns * embedding]`.
    fn users(&self, codes: &Option<Tensor<2, Int>>) -> Option<Tensor<3>> {
        let codes = codes.clone()?;
        let [users, columns] = codes.dims();
        let vectors = self.columns.val().select(0, codes.reshape([users * columns]));
        Some(vectors.reshape([users, 1, columns * self.embedding]))
    }

    /// The layers that are written in a row, `[users, d_head]`.
    fn layers(&self, heads: Tensor<2>) -> Layers {
        let [users, _] = heads.dims();
        let (e, h, c) = (self.embedding, self.hidden, self.width);
        let mut next = 0;
        let mut part = |rows: usize, columns: usize| {
            let part = heads.clone().narrow(1, next, rows * columns).reshape([users, rows, columns]);
            next += rows * columns;
            part
        };
        Layers {
            of_item: part(e, h),
            of_user: (c > 0).then(|| part(c * e, h)),
            first_bias: part(1, h),
            second: part(h, h),
            second_bias: part(1, h),
            last: part(h, 1),
            last_bias: part(1, 1),
        }
    }

    /// Predicted ratings of all kinds of items for users with these decision layers, `[users, kinds]`, in units of the deviation.
    pub(super) fn predict(&self, batch: &Ratings, heads: Tensor<2>) -> Tensor<2> {
        let kinds = self.kinds();
        let [count, e] = kinds.dims();
        let items = kinds.reshape([1, count, e]).expand([batch.tasks(), count, e]);
        self.layers(heads).pass(&items, &self.users(&batch.codes)).predicted
    }
}

impl Layers {
    fn pass(&self, items: &Tensor<3>, users: &Option<Tensor<3>>) -> Pass {
        let [count, events, _] = items.dims();
        let mut first = items.clone().matmul(self.of_item.clone()) + self.first_bias.clone();
        if let (Some(users), Some(of_user)) = (users, &self.of_user) {
            first = first + users.clone().matmul(of_user.clone());
        }
        let second = relu(first.clone()).matmul(self.second.clone()) + self.second_bias.clone();
        let predicted = relu(second.clone()).matmul(self.last.clone()) + self.last_bias.clone();
        Pass { first, second, predicted: predicted.reshape([count, events]) }
    }
}

/// 1 where a number is more than 0, else 0: the slope of what rectifies it.
fn slope(x: &Tensor<3>) -> Tensor<3> {
    x.clone().greater_elem(0.0).float()
}

impl Examples {
    /// The number of ratings of each user, 1 or more, `[users, 1]`.
    fn counts(&self) -> Tensor<2> {
        self.mask.clone().sum_dim(1).clamp_min(1.0)
    }
}

impl AdaptableModel for Network {
    type Batch = Ratings;

    /// The mean squared error of each user.
    fn loss(&self, batch: &Ratings) -> Tensor<1> {
        let [width] = self.decision.val().dims();
        let heads = self.decision.val().reshape([1, width]).expand([batch.tasks(), width]);
        self.head_loss(&self.examples(batch), heads)
    }

    fn head(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.decision.id])
    }

    fn fixed(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.shares.id])
    }
}

impl HeadModel for Network {
    type Examples = Examples;

    fn examples(&self, batch: &Ratings) -> Examples {
        let [users, events] = batch.kinds.dims();
        let items = self.kinds().select(0, batch.kinds.clone().reshape([users * events]));
        Examples {
            items: items.reshape([users, events, self.embedding]),
            users: self.users(&batch.codes),
            values: batch.values.clone(),
            mask: batch.mask.clone(),
        }
    }

    fn head_start(&self) -> Tensor<1> {
        self.decision.val()
    }

    fn head_parts(&self) -> Vec<usize> {
        let (e, h) = (self.embedding, self.hidden);
        vec![(1 + self.width) * e * h + h, h * h + h, h + 1]
    }

    fn head_loss(&self, examples: &Examples, heads: Tensor<2>) -> Tensor<1> {
        let pass = self.layers(heads).pass(&examples.items, &examples.users);
        let errors = (pass.predicted - examples.values.clone()).square() * examples.mask.clone();
        (errors.sum_dim(1) / examples.counts()).squeeze_dim(1)
    }

    fn head_gradient(&self, examples: &Examples, heads: Tensor<2>) -> Tensor<2> {
        let layers = self.layers(heads);
        let Pass { first, second, predicted } = layers.pass(&examples.items, &examples.users);
        let [users, _] = predicted.dims();
        let errors = (predicted - examples.values.clone()) * examples.mask.clone() * 2.0 / examples.counts();
        let of_last = errors.unsqueeze_dim::<3>(2);
        let of_second = of_last.clone().matmul(layers.last.clone().transpose()) * slope(&second);
        let of_first = of_second.clone().matmul(layers.second.clone().transpose()) * slope(&first);
        let over_items = |gradient: &Tensor<3>| gradient.clone().sum_dim(1);
        let mut parts = vec![examples.items.clone().transpose().matmul(of_first.clone())];
        if let Some(users) = &examples.users {
            parts.push(users.clone().transpose().matmul(over_items(&of_first)));
        }
        parts.push(over_items(&of_first));
        parts.push(relu(first).transpose().matmul(of_second.clone()));
        parts.push(over_items(&of_second));
        parts.push(relu(second).transpose().matmul(of_last.clone()));
        parts.push(over_items(&of_last));
        let flat = |part: Tensor<3>| {
            let [_, rows, columns] = part.dims();
            part.reshape([users, rows * columns])
        };
        Tensor::cat(parts.into_iter().map(flat).collect(), 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONFIG: (usize, usize) = (3, 4);

    fn network(columns: usize, device: &Device) -> Network {
        let shares = vec![1.0, 0.0, 0.0, 0.5, 0.5, 0.0, 0.0, 0.0, 1.0];
        let tables = Tables { shares, categories: 3, codes: 3 * columns, columns };
        let config = MeLuConfig::default().with_embedding(CONFIG.0).with_hidden(CONFIG.1).with_seed(4);
        Network::new(&tables, &config, device)
    }

    fn batch(columns: usize, device: &Device) -> Ratings {
        let float = |values: Vec<f32>| Tensor::<2>::from_data(TensorData::new(values, [2, 3]), device);
        let codes = (columns > 0).then(|| {
            let codes: Vec<i32> = (0..2 * columns as i32).map(|at| 3 * (at % columns as i32) + at % 3).collect();
            Tensor::from_data(TensorData::new(codes, [2, columns]), device)
        });
        Ratings {
            kinds: Tensor::from_data(TensorData::new(vec![0, 1, 2, 1, 0, 0], [2, 3]), device),
            values: float(vec![0.5, -1.0, 2.0, 1.5, 0.0, 0.0]),
            mask: float(vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0]),
            codes,
        }
    }

    fn host<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
        tensor.into_data().try_into_vec::<f32>().unwrap()
    }

    #[test]
    fn the_gradient_of_decision_layers_is_the_numerical_one() {
        let device = Device::default();
        for columns in [0, 2] {
            let (network, batch) = (network(columns, &device), batch(columns, &device));
            let examples = network.examples(&batch);
            // Where biases are 0 a layer may stand on the edge of what rectifies it.
            let mut draws = Draws::new(*b"the test", columns as u64, 0);
            let start: Vec<f32> =
                host(network.head_start()).into_iter().map(|value| value + 0.3 * draws.normal() as f32).collect();
            let width = start.len();
            assert_eq!(network.head_parts().iter().sum::<usize>(), width);
            let heads = |heads: &[f32]| {
                let both = [heads, heads].concat();
                Tensor::<2>::from_data(TensorData::new(both, [2, width]), &device)
            };
            let gradient = host(network.head_gradient(&examples, heads(&start)));
            let loss = |at: usize, by: f32| {
                let mut moved = start.clone();
                moved[at] += by;
                host(network.head_loss(&examples, heads(&moved)))
            };
            let step = 2e-3;
            for at in 0..width {
                let (above, below) = (loss(at, step), loss(at, -step));
                for user in 0..2 {
                    let numeric = (above[user] - below[user]) / (2.0 * step);
                    let found = gradient[user * width + at];
                    assert!(
                        (found - numeric).abs() < 5e-3,
                        "{columns} columns, {at} of user {user}: {found} {numeric}"
                    );
                }
            }
            assert!(gradient.iter().filter(|value| value.abs() > 0.01).count() > width / 3);
        }
    }

    #[test]
    fn what_is_predicted_of_kinds_is_what_the_loss_sees_of_items() {
        let device = Device::default();
        let (network, batch) = (network(2, &device), batch(2, &device));
        let [width] = network.head_start().dims();
        let predicted = host(network.predict(&batch, network.head_start().reshape([1, width]).expand([2, width])));
        let losses = host(network.loss(&batch));
        // Kinds 0, 1, 2 rated 0.5, -1, 2 by the first user, kind 1 rated 1.5 by the second.
        let first: f32 = [0.5, -1.0, 2.0].iter().zip(&predicted).map(|(value, found)| (value - found).powi(2)).sum();
        assert!((losses[0] - first / 3.0).abs() < 1e-5, "{losses:?} {predicted:?}");
        assert!((losses[1] - (1.5 - predicted[4]).powi(2)).abs() < 1e-5, "{losses:?} {predicted:?}");
    }
}
