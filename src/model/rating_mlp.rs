//! A rating regression: a plain multilayer perceptron over item vectors that stay as they are.

use burn::Tensor;
use burn::module::{Module, Param, ParamGroup};
use burn::nn::Linear;
use burn::tensor::activation::silu;
use burn::tensor::{Device, Int, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::data::{IndexedEvent, ItemVectors};
use crate::model::initial::{RatingStart, normal};
use crate::model::task::{Supervision, Targets, TaskBatch, TaskEvents};
use crate::model::traits::{
    AdaptableModel, HeadModel, LinearExamples, LinearHeadModel, PreferenceModel, RatesLinearly, ServesHeads,
};
use crate::model::transformer::ModelError;

/// Settings of a [`RatingMlp`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct RatingMlpConfig {
    /// Widths of the hidden layers, at least one; each 1 to 4096.
    pub hidden: Vec<usize>,
}

impl Default for RatingMlpConfig {
    fn default() -> Self {
        Self { hidden: vec![64, 64] }
    }
}

impl RatingMlpConfig {
    /// Checks the settings.
    ///
    /// # Errors
    /// If there is no hidden layer, or one is out of its bounds.
    pub fn check(&self) -> Result<(), ModelError> {
        let fits = !self.hidden.is_empty() && self.hidden.iter().all(|width| (1..=4096).contains(width));
        let value = format!("{:?}", self.hidden);
        let expected = "at least one width, each 1 to 4096";
        if fits { Ok(()) } else { Err(ModelError::Setting { field: "hidden", value, expected }) }
    }
}

/// Predicts ratings from item vectors by a multilayer perceptron, as meta-learned recommenders in the literature do (MeLU: Lee, Im, Jang, Cho and Chung, 2019,
/// whose item embeddings are here given and frozen). Its activations are smooth (SiLU), as second-order learners want them.
///
/// It reads no context: what it knows of a user is in the weights that a learner has moved. Its head is the last layer. Items are ranked by their predicted ratings,
/// for each user's own only with learners that move weights.
///
/// ```
/// use metarec::burn::tensor::Device;
/// use metarec::data::ItemVectors;
/// use metarec::model::{PreferenceModel, RatingMlp, RatingMlpConfig};
///
/// let vectors = ItemVectors { width: 2, values: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6] };
/// let model = RatingMlp::new(&RatingMlpConfig::default(), &vectors, (3.5, 1.1), 1, &Device::default())?;
/// assert_eq!(model.rate(&model.catalogue()).unwrap().dims(), [3]);
/// # Ok::<(), metarec::model::ModelError>(())
/// ```
#[derive(Module, Debug)]
pub struct RatingMlp {
    /// `[items, width]`; given, not learned.
    vectors: Param<Tensor<2>>,
    hidden: Vec<Linear>,
    /// The last layer, its bias first, `[1 + hidden]`.
    head: Param<Tensor<1>>,
    /// Mean and deviation of the ratings, `[2]`; given, not learned.
    scale: Param<Tensor<1>>,
}

/// Rated events of some tasks: items, values and a mask, each `[tasks, events]`.
#[derive(Clone, Debug)]
pub struct RatingBatch {
    seen: Rated,
    wanted: Rated,
}

#[derive(Clone, Debug)]
struct Rated {
    items: Tensor<2, Int>,
    values: Tensor<2>,
    mask: Tensor<2>,
}

impl Rated {
    fn new(tasks: &[&[IndexedEvent]], device: &Device) -> Self {
        let rated: Vec<Vec<(i32, f32)>> = tasks
            .iter()
            .map(|events| events.iter().filter_map(|event| Some((event.item.0 as i32, event.rating()?))).collect())
            .collect();
        let longest = rated.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let (mut items, mut values, mut mask) = (Vec::new(), Vec::new(), Vec::new());
        for task in &rated {
            let padding = longest - task.len();
            items.extend(task.iter().map(|(item, _)| *item).chain(std::iter::repeat_n(0, padding)));
            values.extend(task.iter().map(|(_, value)| *value).chain(std::iter::repeat_n(0.0, padding)));
            mask.extend(std::iter::repeat_n(1.0, task.len()).chain(std::iter::repeat_n(0.0, padding)));
        }
        let shape = [tasks.len(), longest];
        let flat = |numbers: Vec<f32>| Tensor::<2>::from_data(TensorData::new(numbers, shape), device);
        Self { items: Tensor::from_data(TensorData::new(items, shape), device), values: flat(values), mask: flat(mask) }
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        let flat = |tensor: &Tensor<2>| tensor.clone().narrow(0, start, tasks);
        let items = self.items.clone().narrow(0, start, tasks);
        Self { items, values: flat(&self.values), mask: flat(&self.mask) }
    }

    fn on(self, device: &Device) -> Self {
        let Self { items, values, mask } = self;
        Self { items: items.to_device(device), values: values.to_device(device), mask: mask.to_device(device) }
    }
}

impl TaskBatch for RatingBatch {
    fn tasks(&self) -> usize {
        self.wanted.items.dims()[0]
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        Self { seen: self.seen.narrow(start, tasks), wanted: self.wanted.narrow(start, tasks) }
    }

    fn to_device(self, device: &Device) -> Self {
        Self { seen: self.seen.on(device), wanted: self.wanted.on(device) }
    }
}

impl RatingMlp {
    /// A model of the items that have these vectors, in the order of the catalogue, whose ratings have this mean and standard deviation; its weights are drawn from
    /// `seed`, its head is zero. Losses are in units of the variance.
    ///
    /// # Errors
    /// If a setting is out of its bounds, the vectors have no width or a number that is not finite, or the deviation is not more than 0.
    pub fn new(
        config: &RatingMlpConfig,
        vectors: &ItemVectors,
        (mean, deviation): (f32, f32),
        seed: u64,
        device: &Device,
    ) -> Result<Self, ModelError> {
        config.check()?;
        let width = vectors.width;
        if width == 0 || !vectors.values.len().is_multiple_of(width) {
            let (found, expected) = (vectors.values.len(), width);
            return Err(ModelError::Items { what: "the table of item vectors", found, expected });
        }
        let wrong = |field, value: f32, expected| ModelError::Setting { field, value: value.to_string(), expected };
        if let Some(&value) = vectors.values.iter().find(|value| !value.is_finite()) {
            return Err(wrong("vectors", value, "finite numbers"));
        }
        if !mean.is_finite() {
            return Err(wrong("mean", mean, "a finite number"));
        }
        if !(deviation > 0.0 && deviation.is_finite()) {
            return Err(wrong("deviation", deviation, "a finite number, more than 0"));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut from = width;
        let mut layer = |to: usize| {
            let weights = normal(from * to, (2.0 / from as f64).sqrt(), &mut rng);
            let weight = Param::from_data(TensorData::new(weights, [from, to]), device);
            from = to;
            Linear { weight, bias: Some(Param::from_data(TensorData::new(vec![0.0_f32; to], [to]), device)) }
        };
        let hidden: Vec<Linear> = config.hidden.iter().map(|&to| layer(to)).collect();
        let items = vectors.values.len() / width;
        let table = Param::from_data(TensorData::new(vectors.values.clone(), [items, width]), device);
        let head = Param::from_data(TensorData::new(vec![0.0_f32; from + 1], [from + 1]), device);
        let scale = Param::from_data(TensorData::new(vec![mean, deviation], [2]), device).set_require_grad(false);
        Ok(Self { vectors: table.set_require_grad(false), hidden, head, scale })
    }

    /// Vectors for such a model from what a [`RatingStart`] found: factors, then the offset, each column with mean 0 and deviation 1.
    #[must_use]
    pub fn vectors_from(start: &RatingStart) -> ItemVectors {
        let items = start.offsets.len();
        let factors = start.factors.len() / items.max(1);
        let width = factors + 1;
        let mut values = vec![0.0_f32; items * width];
        for column in 0..width {
            let of = |item: usize| {
                if column < factors { start.factors[item * factors + column] } else { start.offsets[item] }
            };
            let count = items.max(1) as f64;
            let mean = (0..items).map(|item| f64::from(of(item))).sum::<f64>() / count;
            let variance = (0..items).map(|item| (f64::from(of(item)) - mean).powi(2)).sum::<f64>() / count;
            let scale = if variance > 1e-12 { 1.0 / variance.sqrt() } else { 0.0 };
            for item in 0..items {
                values[item * width + column] = ((f64::from(of(item)) - mean) * scale) as f32;
            }
        }
        ItemVectors { width, values }
    }

    /// What the last layer sees of some items, `[rows, 1 + hidden]`.
    fn features(&self, vectors: Tensor<2>) -> Tensor<2> {
        let x = self.hidden.iter().fold(vectors, |x, layer| silu(layer.forward(x)));
        let [rows, _] = x.dims();
        Tensor::cat(vec![Tensor::ones([rows, 1], &x.device()), x], 1)
    }

    /// The mean (0) or the deviation (1), `[1, 1]`.
    fn scale(&self, which: usize) -> Tensor<2> {
        self.scale.val().narrow(0, which, 1).reshape([1, 1])
    }

    fn linear(&self, rated: &Rated) -> LinearExamples {
        let [tasks, events] = rated.items.dims();
        let vectors = self.vectors.val().select(0, rated.items.clone().reshape([tasks * events]));
        let features = self.features(vectors);
        let width = features.dims()[1];
        LinearExamples {
            features: features.reshape([tasks, events, width]),
            targets: (rated.values.clone() - self.scale(0)) / self.scale(1),
            mask: rated.mask.clone(),
        }
    }
}

impl AdaptableModel for RatingMlp {
    type Batch = RatingBatch;

    fn loss(&self, batch: &RatingBatch) -> Tensor<1> {
        let [width] = self.head.val().dims();
        let heads = self.head.val().reshape([1, 1, width]).expand([batch.tasks(), 1, width]);
        self.linear(&batch.wanted).squared_error(heads).squeeze_dim(1)
    }

    fn head(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.head.id])
    }

    fn fixed(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.vectors.id, self.scale.id])
    }
}

impl PreferenceModel for RatingMlp {
    /// What the last layer sees of all items, `[items, 1 + hidden]`.
    type Catalogue = Tensor<2>;

    fn batch(&self, tasks: &[TaskEvents<'_>], _: Supervision, device: &Device) -> RatingBatch {
        let seen: Vec<&[IndexedEvent]> = tasks.iter().map(|task| task.context).collect();
        let wanted: Vec<&[IndexedEvent]> = tasks
            .iter()
            .map(|task| match task.targets {
                Targets::Nothing => &[],
                Targets::Others => task.context,
                Targets::Later(events) => events,
            })
            .collect();
        RatingBatch { seen: Rated::new(&seen, device), wanted: Rated::new(&wanted, device) }
    }

    fn catalogue(&self) -> Tensor<2> {
        self.features(self.vectors.val())
    }

    /// There is none: zeros, `[tasks, 1]`.
    fn state(&self, batch: &RatingBatch) -> Tensor<2> {
        Tensor::zeros([batch.tasks(), 1], &batch.wanted.values.device())
    }

    fn rank(&self, catalogue: &Tensor<2>, state: Tensor<2>) -> Tensor<2> {
        let [tasks, _] = state.dims();
        let [width] = self.head.val().dims();
        self.rate_with(catalogue, self.head.val().reshape([1, width]).expand([tasks, width]))
    }

    fn rate(&self, catalogue: &Tensor<2>) -> Option<Tensor<1>> {
        let [items, _] = catalogue.dims();
        Some(self.rate_with(catalogue, self.head.val().unsqueeze::<2>()).reshape([items]))
    }
}

impl HeadModel for RatingMlp {
    type Examples = LinearExamples;

    fn examples(&self, batch: &RatingBatch) -> LinearExamples {
        self.linear(&batch.wanted)
    }

    fn head_start(&self) -> Tensor<1> {
        self.head.val()
    }

    fn head_parts(&self) -> Vec<usize> {
        vec![self.head.val().dims()[0]]
    }

    fn head_loss(&self, examples: &LinearExamples, heads: Tensor<2>) -> Tensor<1> {
        examples.clone().squared_error(heads.unsqueeze_dim::<3>(1)).squeeze_dim(1)
    }

    fn head_gradient(&self, examples: &LinearExamples, heads: Tensor<2>) -> Tensor<2> {
        examples.squared_error_gradient(heads)
    }
}

impl ServesHeads for RatingMlp {
    fn rank_with_heads(&self, catalogue: &Tensor<2>, _: Tensor<2>, heads: Tensor<2>) -> Tensor<2> {
        self.rate_with(catalogue, heads)
    }

    fn rate_with_heads(&self, catalogue: &Tensor<2>, heads: Tensor<2>) -> Option<Tensor<2>> {
        Some(self.rate_with(catalogue, heads))
    }
}

impl LinearHeadModel for RatingMlp {
    fn context_examples(&self, batch: &RatingBatch) -> LinearExamples {
        self.linear(&batch.seen)
    }

    fn target_examples(&self, batch: &RatingBatch) -> LinearExamples {
        self.linear(&batch.wanted)
    }

    fn head_weight(&self) -> Tensor<1> {
        self.head.val()
    }

    /// Weights that are independent of each other and explain half of the variance, the other half being noise: ratings are in units of their deviation.
    fn head_prior(&self) -> (Vec<f64>, f64) {
        let [width] = self.head.val().dims();
        let each = 0.5 / width as f64;
        ((0..width * width).map(|at| if at % (width + 1) == 0 { each } else { 0.0 }).collect(), 0.5)
    }

    fn loss_without_head(&self, batch: &RatingBatch) -> Tensor<1> {
        Tensor::zeros([batch.tasks()], &self.head.val().device())
    }

    fn head_loss_weight(&self) -> f64 {
        1.0
    }
}

impl RatesLinearly for RatingMlp {
    fn rate_with(&self, catalogue: &Tensor<2>, heads: Tensor<2>) -> Tensor<2> {
        heads.matmul(catalogue.clone().transpose()) * self.scale(1) + self.scale(0)
    }
}
