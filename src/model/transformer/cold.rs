//! Items that training does not know, scored by what is said of them.

use burn::Tensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, IndexingUpdateOp, Int, TensorData};

use crate::data::{Catalogue, ItemIndex};
use crate::model::transformer::parameter;
use crate::model::transformer::schema::PreferenceSchema;

/// What is fitted once training is done: see [`PreferenceTransformer`](crate::model::PreferenceTransformer).
///
/// An item with features `x` that training does not know is scored `bias + weights . x + (scale * p) . (x - mean)`, where `p` is the sum of `x_j - mean` over what
/// the user liked, over the root of how many these are, or of 1 if that is more (each like by its weight). All but `bias` are `[features]`: one number for each category, then one for each dimension of the dense vectors.
#[cfg(feature = "train")]
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ColdItemValues {
    pub(crate) bias: f32,
    pub(crate) weights: Vec<f32>,
    pub(crate) mean: Vec<f32>,
    pub(crate) scale: Vec<f32>,
}

/// Parameters of that score: facts that are fitted in closed form, without gradients.
#[derive(Module, Debug)]
pub(crate) struct ColdItems {
    bias: Param<Tensor<1>>,
    weights: Param<Tensor<1>>,
    mean: Param<Tensor<1>>,
    scale: Param<Tensor<1>>,
    /// How much of what gradients made of the features is added, `[1]`: all of it where nothing was fitted, else nothing.
    share: Param<Tensor<1>>,
    /// Constant: the items that training does not know.
    items: Tensor<1, Int>,
}

/// What scoring needs of items that training does not know.
#[derive(Clone, Debug)]
pub(crate) struct ColdCatalogue {
    items: Tensor<1, Int>,
    /// `[features, cold]`.
    vectors: Tensor<2>,
    /// `[1, cold]`.
    popularity: Tensor<2>,
}

impl ColdItems {
    /// Nothing where training knows all items, or nothing is said of any.
    pub(crate) fn new(
        schema: &PreferenceSchema,
        catalogue: &Catalogue,
        features: usize,
        device: &Device,
    ) -> Option<Self> {
        let unknown: Vec<i32> = (0..).zip(&schema.known).filter(|(_, known)| !**known).map(|(item, _)| item).collect();
        let said = catalogue.vectors().is_some()
            || (0..).take(catalogue.len()).any(|item| !catalogue.item(ItemIndex(item)).categories.is_empty());
        if unknown.is_empty() || !said {
            return None;
        }
        let fixed = |values: Vec<f32>| {
            let count = values.len();
            parameter(values, [count], device).set_require_grad(false)
        };
        let count = unknown.len();
        Some(Self {
            bias: fixed(vec![0.0]),
            weights: fixed(vec![0.0; features]),
            mean: fixed(vec![0.0; features]),
            scale: fixed(vec![0.0; features]),
            share: fixed(vec![1.0]),
            items: Tensor::from_data(TensorData::new(unknown, [count]), device),
        })
    }

    /// The parameters that no gradient moves.
    pub(crate) fn fitted(&self) -> [ParamId; 5] {
        [self.bias.id, self.weights.id, self.mean.id, self.scale.id, self.share.id]
    }

    #[cfg(feature = "train")]
    pub(crate) fn with(self, values: &ColdItemValues) -> Self {
        let put = |into: Param<Tensor<1>>, values: &[f32]| {
            into.map(|old| {
                let kept = TensorData::new(values.to_vec(), old.shape());
                Tensor::from_data(kept, &old.device()).set_require_grad(false)
            })
        };
        Self {
            bias: put(self.bias, &[values.bias]),
            weights: put(self.weights, &values.weights),
            mean: put(self.mean, &values.mean),
            scale: put(self.scale, &values.scale),
            share: put(self.share, &[0.0]),
            items: self.items,
        }
    }

    /// `scale * p` of some users, `[tasks, features]`, from the features of all items, the items of their events and how far each is liked, both `[tasks, shots]`.
    pub(crate) fn content(&self, described: &Tensor<2>, items: Tensor<2, Int>, liked: Tensor<2>) -> Tensor<2> {
        let [tasks, shots] = items.dims();
        let features = described.dims()[1];
        let count = liked.clone().sum_dim(1);
        let read = described.clone().select(0, items.reshape([tasks * shots])).reshape([tasks, shots, features]);
        let sum = (read * liked.reshape([tasks, shots, 1])).sum_dim(1).reshape([tasks, features]);
        let mean = self.mean.val().unsqueeze::<2>();
        (sum - count.clone() * mean) / count.clamp_min(1.0).sqrt() * self.scale.val().unsqueeze::<2>()
    }

    /// What is left of items' vectors and popularity, `[items, 1]`: of those that are known, `known`, everything.
    pub(crate) fn kept(&self, known: &Tensor<2>) -> Tensor<2> {
        let share = self.share.val().unsqueeze::<2>();
        known.clone() + (known.clone().neg() + 1.0) * share
    }

    pub(crate) fn catalogue(&self, described: &Tensor<2>) -> ColdCatalogue {
        let described = described.clone().select(0, self.items.clone());
        let weights = self.weights.val().unsqueeze_dim::<2>(1);
        let popularity = described.clone().matmul(weights).transpose() + self.bias.val().unsqueeze::<2>();
        let vectors = (described - self.mean.val().unsqueeze::<2>()).transpose();
        ColdCatalogue { items: self.items.clone(), vectors, popularity }
    }
}

impl ColdCatalogue {
    /// Adds to scores `[tasks, items]` those of items that training does not know, for users of this content, `[tasks, features]`.
    pub(crate) fn added(&self, scores: Tensor<2>, content: Tensor<2>) -> Tensor<2> {
        let cold = content.matmul(self.vectors.clone()) + self.popularity.clone();
        scores.select_assign(1, self.items.clone(), cold, IndexingUpdateOp::Add)
    }
}
