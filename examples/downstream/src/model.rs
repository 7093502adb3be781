//! A model: a user is the mean of what they did.

use std::sync::Arc;

use burn::Tensor;
use burn::module::{Module, Param, ParamGroup};
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Device, TensorData};
use metarec::data::{TaskHistory, popularity};
use metarec::model::initial::{item_vectors, log_popularity};
use metarec::model::{
    AdaptableModel, HeadModel, PreferenceModel, PreferenceSchema, ServesHeads, Supervision, TaskEvents,
};
use serde::{Deserialize, Serialize};

use crate::batch::TasteBatch;

/// Settings of [`MeanTaste`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MeanTasteConfig {
    /// Numbers in an item's vector.
    pub width: usize,
    /// How many events of a user are read.
    pub max_context: usize,
}

/// A user is the mean of the vectors of what they liked, through one matrix, and of what they did not like, through another, in no order; an item's score is
/// the inner product with its vector, plus its popularity. The head is a vector that is added to the user.
#[derive(Module, Debug)]
pub struct MeanTaste {
    /// `[items, width]`.
    items: Param<Tensor<2>>,
    /// `[items]`.
    popularity: Param<Tensor<1>>,
    /// `[width, width]`.
    liked: Param<Tensor<2>>,
    /// `[width, width]`.
    other: Param<Tensor<2>>,
    /// `[width]`.
    head: Param<Tensor<1>>,
    #[module(skip)]
    facts: Arc<(MeanTasteConfig, PreferenceSchema)>,
}

/// What scoring needs of the items.
#[derive(Clone, Debug)]
pub struct TasteCatalogue {
    /// `[width, items]`.
    vectors: Tensor<2>,
    /// `[1, items]`.
    popularity: Tensor<2>,
}

/// What the loss of a head needs of a batch: users before the head is added, `[tasks, rows, width]`, and what is predicted.
#[derive(Clone, Debug)]
pub struct TasteExamples {
    users: Tensor<3>,
    targets: Tensor<3>,
    excluded: Tensor<3>,
}

impl MeanTaste {
    /// A model that knows nothing: to be trained, or to be filled with weights that were saved.
    #[must_use]
    pub fn new(config: &MeanTasteConfig, schema: &PreferenceSchema, device: &Device) -> Self {
        let (items, width) = (schema.known.len(), config.width);
        let square = |diagonal: f32| {
            let values = (0..width * width).map(|at| if at % (width + 1) == 0 { diagonal } else { 0.0 }).collect();
            Param::from_data(TensorData::new(values, [width, width]), device)
        };
        Self {
            items: Param::from_data(TensorData::new(vec![0.0_f32; items * width], [items, width]), device),
            popularity: Param::from_data(TensorData::new(vec![0.0_f32; items], [items]), device),
            liked: square(1.0),
            other: square(-1.0),
            head: Param::from_data(TensorData::new(vec![0.0_f32; width], [width]), device),
            facts: Arc::new((config.clone(), schema.clone())),
        }
    }

    /// The same with item vectors and popularity fitted to training users.
    #[must_use]
    pub fn fitted_to(mut self, tasks: &[TaskHistory], seed: u64) -> Self {
        let (config, schema) = &*self.facts;
        let (items, device) = (schema.known.len(), self.head.val().device());
        let vectors = item_vectors(tasks, items, config.width, &schema.likes, 5.0, seed);
        let (popularity, _) = log_popularity(&popularity(tasks, items, &schema.likes));
        self.items = Param::from_data(TensorData::new(vectors, [items, config.width]), &device);
        self.popularity = Param::from_data(TensorData::new(popularity, [items]), &device);
        self
    }

    /// Users before the head is added, `[tasks, rows, width]`.
    fn users(&self, batch: &TasteBatch) -> Tensor<3> {
        let ([tasks, shots], [_, width]) = (batch.items.dims(), self.items.dims());
        let flat = batch.items.clone().reshape([tasks * shots]);
        let vectors = self.items.val().select(0, flat).reshape([tasks, shots, width]);
        let mean = |weights: &Tensor<3>, map: &Param<Tensor<2>>| {
            weights.clone().matmul(vectors.clone()).matmul(map.val().unsqueeze::<3>())
        };
        mean(&batch.liked, &self.liked) + mean(&batch.other, &self.other)
    }

    /// Scores of all items in every prediction, `[tasks, rows, items]`.
    fn scores(&self, examples: &TasteExamples, heads: Tensor<2>) -> Tensor<3> {
        let [items, _] = self.items.dims();
        let users = examples.users.clone() + heads.unsqueeze_dim::<3>(1);
        let popularity = self.popularity.val().reshape([1, 1, items]);
        users.matmul(self.items.val().transpose().unsqueeze::<3>()) + popularity + examples.excluded.clone()
    }

    /// So that a user's loss is about the loss of one like.
    fn scale(&self) -> f64 {
        1.0 / f64::from(self.facts.1.likes_per_task)
    }

    fn own_heads(&self, tasks: usize) -> Tensor<2> {
        let [width] = self.head.dims();
        self.head.val().reshape([1, width]).expand([tasks, width])
    }
}

impl AdaptableModel for MeanTaste {
    type Batch = TasteBatch;

    fn loss(&self, batch: &TasteBatch) -> Tensor<1> {
        let [tasks, _] = batch.items.dims();
        self.head_loss(&self.examples(batch), self.own_heads(tasks))
    }

    fn head(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.head.id])
    }
}

impl HeadModel for MeanTaste {
    type Examples = TasteExamples;

    fn examples(&self, batch: &TasteBatch) -> TasteExamples {
        let (targets, excluded) = (batch.targets.clone(), batch.excluded.clone());
        TasteExamples { users: self.users(batch), targets, excluded }
    }

    fn head_start(&self) -> Tensor<1> {
        self.head.val()
    }

    fn head_parts(&self) -> Vec<usize> {
        self.head.dims().to_vec()
    }

    /// Minus the log-likelihood of the targets among the candidates.
    fn head_loss(&self, examples: &TasteExamples, heads: Tensor<2>) -> Tensor<1> {
        let [tasks, _] = heads.dims();
        let likely = log_softmax(self.scores(examples, heads), 2) * examples.targets.clone();
        likely.sum_dim(2).sum_dim(1).reshape([tasks]) * -self.scale()
    }

    /// In a head it is the expected item vectors less those of the targets.
    fn head_gradient(&self, examples: &TasteExamples, heads: Tensor<2>) -> Tensor<2> {
        let ([tasks, _], [items, _]) = (heads.dims(), self.items.dims());
        let count = examples.targets.clone().sum_dim(2);
        let wrong = softmax(self.scores(examples, heads), 2) * count - examples.targets.clone();
        wrong.sum_dim(1).reshape([tasks, items]).matmul(self.items.val()) * self.scale()
    }
}

impl PreferenceModel for MeanTaste {
    type Catalogue = TasteCatalogue;

    fn batch(&self, tasks: &[TaskEvents<'_>], supervision: Supervision, device: &Device) -> TasteBatch {
        let (config, schema) = &*self.facts;
        TasteBatch::new(tasks, supervision, (&schema.likes, schema.known.len(), config.max_context), device)
    }

    fn catalogue(&self) -> TasteCatalogue {
        let popularity = self.popularity.val().unsqueeze::<2>();
        TasteCatalogue { vectors: self.items.val().transpose(), popularity }
    }

    fn state(&self, batch: &TasteBatch) -> Tensor<2> {
        let users = self.users(batch);
        let [tasks, _, width] = users.dims();
        users.narrow(1, 0, 1).reshape([tasks, width]) + self.own_heads(tasks)
    }

    fn rank(&self, catalogue: &TasteCatalogue, state: Tensor<2>) -> Tensor<2> {
        state.matmul(catalogue.vectors.clone()) + catalogue.popularity.clone()
    }

    fn rate(&self, _: &TasteCatalogue) -> Option<Tensor<1>> {
        None
    }
}

impl ServesHeads for MeanTaste {
    fn rank_with_heads(&self, catalogue: &TasteCatalogue, state: Tensor<2>, heads: Tensor<2>) -> Tensor<2> {
        let [tasks, _] = heads.dims();
        self.rank(catalogue, state - self.own_heads(tasks) + heads)
    }

    fn rate_with_heads(&self, _: &TasteCatalogue, _: Tensor<2>) -> Option<Tensor<2>> {
        None
    }
}
