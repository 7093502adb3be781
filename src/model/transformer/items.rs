//! Items as vectors, in and out.

use burn::Tensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Int, TensorData};
use rand::Rng;

use crate::data::{Catalogue, ItemIndex};
use crate::model::initial::{InitialValues, normal};
use crate::model::noise::NoiseSource;
#[cfg(feature = "train")]
use crate::model::transformer::cold::ColdItemValues;
use crate::model::transformer::cold::{ColdCatalogue, ColdItems};
use crate::model::transformer::config::PreferenceTransformerConfig;
use crate::model::transformer::parameter;
use crate::model::transformer::schema::PreferenceSchema;

/// One way of turning items into vectors: own vector where training knows the item, plus features.
#[derive(Module, Debug)]
struct ItemTable {
    /// `[items, d_model]`.
    own: Param<Tensor<2>>,
    /// `[features, d_model]`: a row for each category, then one for each dimension of the dense vectors.
    features: Param<Tensor<2>>,
}

/// Item vectors for tokens and for scores, and the popularity that scores start from.
#[derive(Module, Debug)]
pub(crate) struct ItemTower {
    input: ItemTable,
    output: ItemTable,
    /// Log popularity of items that training knows, `[items]`. A fact that is counted and not learned: no gradient.
    popularity: Param<Tensor<1>>,
    /// Log popularity of an item that it does not know, `[1]`; no gradient.
    cold: Param<Tensor<1>>,
    /// Constant, `[items, 1]`: 1 where training knows the item, else 0.
    known: Tensor<2>,
    /// Constant, `[items, features]`: categories scaled by one over the root of their number, then dense vectors.
    described: Tensor<2>,
    /// How items that training does not know are scored, where there are any of which something is known.
    unseen: Option<ColdItems>,
}

impl ItemTower {
    pub(crate) fn new<R: Rng>(
        config: &PreferenceTransformerConfig,
        schema: &PreferenceSchema,
        catalogue: &Catalogue,
        initial: &InitialValues,
        rng: &mut R,
        device: &Device,
    ) -> Self {
        let (items, d) = (catalogue.len(), config.d_model);
        let (described, features) = describe(catalogue);
        let own = |rng: &mut R| match &initial.item_vectors {
            Some(vectors) => vectors.clone(),
            None => normal(items * d, 0.05, rng),
        };
        let mut table = || {
            let own = parameter(own(rng), [items, d], device);
            ItemTable { own, features: parameter(normal(features * d, 0.01, rng), [features, d], device) }
        };
        let (input, output) = (table(), table());
        let known = schema.known.iter().map(|&known| if known { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let unseen = ColdItems::new(schema, catalogue, features, device);
        Self {
            input,
            output,
            unseen,
            popularity: parameter(initial.popularity.clone(), [items], device).set_require_grad(false),
            cold: parameter(vec![initial.cold_popularity], [1], device).set_require_grad(false),
            known: Tensor::from_data(TensorData::new(known, [items, 1]), device),
            described: Tensor::from_data(TensorData::new(described, [items, features]), device),
        }
    }

    /// The parameters that are counted and not learned.
    pub(crate) fn counted(&self) -> Vec<ParamId> {
        let unseen = self.unseen.iter().flat_map(ColdItems::fitted);
        [self.popularity.id, self.cold.id].into_iter().chain(unseen).collect()
    }

    /// The same tower, in which items that training does not know are scored by these values.
    #[cfg(feature = "train")]
    pub(crate) fn with_cold_items(mut self, values: &ColdItemValues) -> Self {
        self.unseen = self.unseen.map(|unseen| unseen.with(values));
        self
    }

    /// What a user's events say of items that training does not know, `[tasks, features]`: nothing where all are known, or nothing is known of them.
    pub(crate) fn content(&self, items: Tensor<2, Int>, liked: Tensor<2>) -> Option<Tensor<2>> {
        self.unseen.as_ref().map(|unseen| unseen.content(&self.described, items, liked))
    }

    /// What scoring needs when users are served: output vectors `[items, d_model]`, log popularity `[items]`, and the items that are scored by their features instead.
    pub(crate) fn served(&self) -> (Tensor<2>, Tensor<1>, Option<ColdCatalogue>) {
        let (output, popularity) = self.output(&self.known);
        let Some(unseen) = &self.unseen else { return (output, popularity, None) };
        let items = self.known.dims()[0];
        let kept = unseen.kept(&self.known);
        let popularity = popularity * kept.clone().reshape([items]);
        (output * kept, popularity, Some(unseen.catalogue(&self.described)))
    }

    /// Which items are shown by their own vectors and popularity, `[items, 1]`: those that training knows, with noise less a share of them, which are then
    /// seen as if training had never met them.
    pub(crate) fn shown(&self, noise: &mut NoiseSource, id_dropout: f64) -> Tensor<2> {
        // Dropout scales what it keeps; here what is kept must stay as it is.
        noise.dropout(self.known.clone(), id_dropout).clamp_max(1.0)
    }

    /// Token vectors of some items, `[tasks, shots, d_model]`.
    pub(crate) fn input(&self, items: Tensor<2, Int>, shown: &Tensor<2>) -> Tensor<3> {
        let [tasks, shots] = items.dims();
        let flat = items.reshape([tasks * shots]);
        let own = self.input.own.val().select(0, flat.clone()) * shown.clone().select(0, flat.clone());
        let features = self.described.clone().select(0, flat).matmul(self.input.features.val());
        let d = own.dims()[1];
        (own + features).reshape([tasks, shots, d])
    }

    /// Output vectors `[items, d_model]` and log popularity `[items]` of all items.
    pub(crate) fn output(&self, shown: &Tensor<2>) -> (Tensor<2>, Tensor<1>) {
        let items = shown.dims()[0];
        let own = self.output.own.val() * shown.clone();
        let features = self.described.clone().matmul(self.output.features.val());
        let known = shown.clone().reshape([items]);
        let cold = self.cold.val().expand([items]) * (known.clone().neg() + 1.0);
        (own + features, self.popularity.val() * known + cold)
    }
}

/// The features of every item, `[items, features]`, at least one column wide.
fn describe(catalogue: &Catalogue) -> (Vec<f32>, usize) {
    let categories = catalogue.categories().len();
    let width = catalogue.vectors().map_or(0, |vectors| vectors.width);
    let features = (categories + width).max(1);
    let mut described = vec![0.0; catalogue.len() * features];
    for (row, index) in described.chunks_exact_mut(features).zip(0..) {
        let codes = &catalogue.item(ItemIndex(index)).categories;
        for &code in codes {
            row[code as usize] = 1.0 / (codes.len() as f32).sqrt();
        }
        if let Some(vectors) = catalogue.vectors() {
            let start = index as usize * width;
            row[categories..].copy_from_slice(&vectors.values[start..start + width]);
        }
    }
    (described, features)
}
