//! Values predicted by a linear head over item factors.

use burn::Tensor;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Int, TensorData};

use crate::model::initial::InitialValues;
use crate::model::traits::LinearExamples;
use crate::model::transformer::config::PreferenceTransformerConfig;
use crate::model::transformer::parameter;
use crate::model::transformer::schema::PreferenceSchema;

/// `value = mean + offset_i + w . (1, q_i)`: the user's part is `w`, and nothing is shared with the ranking trunk. What is expected of `w` before any value is
/// known depends on the user's profile, and on which items they rated.
#[derive(Module, Debug)]
pub(crate) struct RatingHead {
    /// `[items, rating_factors]`.
    factors: Param<Tensor<2>>,
    /// `[items]`.
    offsets: Param<Tensor<1>>,
    /// A user of whom nothing is known, `[d_head]`, `d_head = 1 + rating_factors`.
    weight: Param<Tensor<1>>,
    /// What each code of a profile adds to it, `[codes or 1, d_head]`.
    profile: Param<Tensor<2>>,
    /// What each rated item adds to it, `[items, d_head]`, divided by the root of their number.
    rated: Param<Tensor<2>>,
    /// Constant, `[items, 1]`.
    known: Tensor<2>,
    mean: f64,
}

impl RatingHead {
    /// The head, and the covariance of users' weights with the variance of the noise.
    pub(crate) fn new(
        config: &PreferenceTransformerConfig,
        schema: &PreferenceSchema,
        initial: &InitialValues,
        device: &Device,
    ) -> (Self, (Vec<f64>, f64)) {
        let items = schema.known.len();
        let width = config.rating_factors;
        let known = schema.known.iter().map(|&known| if known { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
        let start = initial.rating.clone().unwrap_or_else(|| crate::model::initial::RatingStart::flat(items, width));
        let zeros = |values: Vec<f32>, count: usize| if values.is_empty() { vec![0.0; count] } else { values };
        let codes = schema.profile.len().max(1);
        let profile = zeros(start.profile, codes * (1 + width));
        let rated = zeros(start.rated, items * (1 + width));
        let head = Self {
            profile: parameter(profile, [codes, 1 + width], device),
            rated: parameter(rated, [items, 1 + width], device),
            factors: parameter(start.factors, [items, width], device),
            offsets: parameter(start.offsets, [items], device),
            weight: parameter(start.weight, [1 + width], device),
            known: Tensor::from_data(TensorData::new(known, [items, 1]), device),
            mean: f64::from(schema.value_mean),
        };
        (head, (start.covariance, start.noise))
    }

    pub(crate) fn weight(&self) -> Tensor<1> {
        self.weight.val()
    }

    pub(crate) fn weight_id(&self) -> ParamId {
        self.weight.id
    }

    /// What is expected of users' weights before their values are known, after none, one, two ... of their events: `[tasks, shots + 1, d_head]` from items and
    /// a mask of those rated, both `[tasks, shots]`, and profiles `[tasks, codes]`.
    pub(crate) fn expected(
        &self,
        (items, mask): (Tensor<2, Int>, Tensor<2>),
        profiles: Option<Tensor<2>>,
    ) -> Tensor<3> {
        let [tasks, shots] = items.dims();
        let [_, d_head] = self.rated.dims();
        let rated = self.rated.val() * self.known.clone();
        let of_item = rated.select(0, items.reshape([tasks * shots])).reshape([tasks, shots, d_head]);
        // Row `k` sums over the first `k` events.
        let before: Vec<f32> =
            (0..(shots + 1) * shots).map(|at| if at % shots < at / shots { 1.0 } else { 0.0 }).collect();
        let before: Tensor<3> = Tensor::from_data(TensorData::new(before, [1, shots + 1, shots]), &mask.device());
        let mask = mask.unsqueeze_dim::<3>(2);
        let count = before.clone().expand([tasks, shots + 1, shots]).matmul(mask.clone());
        let sum = before.expand([tasks, shots + 1, shots]).matmul(of_item * mask);
        let expected = sum / count.clamp_min(1.0).sqrt() + self.weight.val().reshape([1, 1, d_head]);
        match profiles {
            Some(profiles) => expected + profiles.matmul(self.profile.val()).unsqueeze_dim::<3>(1),
            None => expected,
        }
    }

    /// Features of all items `[items, d_head]` and what every user gives them `[items]`.
    pub(crate) fn features(&self) -> (Tensor<2>, Tensor<1>) {
        let factors = self.factors.val() * self.known.clone();
        let [items, _] = factors.dims();
        let offsets = self.offsets.val() * self.known.clone().reshape([items]) + self.mean;
        (Tensor::cat(vec![self.known.ones_like(), factors], 1), offsets)
    }

    /// Examples for events `[tasks, shots]` with values and a mask of the same shape.
    pub(crate) fn examples(&self, (items, values, mask): (Tensor<2, Int>, Tensor<2>, Tensor<2>)) -> LinearExamples {
        let [tasks, shots] = items.dims();
        let flat = items.reshape([tasks * shots]);
        let known = self.known.clone().select(0, flat.clone());
        let factors = self.factors.val().select(0, flat.clone()) * known.clone();
        let features = Tensor::cat(vec![known.ones_like(), factors], 1);
        let offsets = self.offsets.val().select(0, flat).reshape([tasks, shots]) * known.reshape([tasks, shots]);
        let d_head = features.dims()[1];
        LinearExamples {
            features: features.reshape([tasks, shots, d_head]),
            targets: values - self.mean - offsets,
            mask,
        }
    }

    /// Mean squared error of each task over its examples, averaged over its heads: heads `[tasks, heads, d_head]` to `[tasks]`.
    pub(crate) fn squared_error(&self, examples: LinearExamples, heads: Tensor<3>) -> Tensor<1> {
        examples.squared_error(heads).mean_dim(1).squeeze_dim(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Catalogue, LikeRule};
    use crate::model::initial::RatingStart;

    #[test]
    fn what_is_expected_grows_with_the_items_that_were_rated_and_with_the_profile() {
        let mut catalogue = Catalogue::new();
        ["a", "b", "c"].into_iter().for_each(|id| {
            catalogue.describe(id, "", "", [""; 0]);
        });
        let mut schema = PreferenceSchema::from_tasks(&catalogue, &[], &LikeRule::default());
        schema.known = vec![true, true, false];
        let config = PreferenceTransformerConfig { rating_factors: 1, ..PreferenceTransformerConfig::default() };
        let mut start = RatingStart::flat(3, 1);
        start.weight = vec![10.0, 20.0];
        start.rated = vec![1.0, 0.0, 3.0, 2.0, 50.0, 50.0];
        start.profile = vec![0.5, -0.5];
        let initial = InitialValues { rating: Some(start), ..InitialValues::flat(3) };
        let device = Device::default();
        let (head, _) = RatingHead::new(&config, &schema, &initial, &device);
        // Items a, c (which training does not know), b (whose value is not known) and b.
        let items = Tensor::<2, Int>::from_data(TensorData::new(vec![0, 2, 1, 1], [1, 4]), &device);
        let mask = Tensor::<2>::from_data(TensorData::new(vec![1.0f32, 1.0, 0.0, 1.0], [1, 4]), &device);
        let expected = |profiles| -> Vec<f32> {
            head.expected((items.clone(), mask.clone()), profiles).into_data().iter::<f32>().collect()
        };
        let [two, three] = [2.0f32.sqrt(), 3.0f32.sqrt()];
        let alone = [
            10.0,
            20.0,
            11.0,
            20.0,
            10.0 + 1.0 / two,
            20.0,
            10.0 + 1.0 / two,
            20.0,
            10.0 + 4.0 / three,
            20.0 + 2.0 / three,
        ];
        let near = |found: Vec<f32>, by: [f32; 2]| {
            found.len() == 10
                && found.iter().zip(alone).enumerate().all(|(at, (f, e))| (f - e - by[at % 2]).abs() < 1e-5)
        };
        assert!(near(expected(None), [0.0, 0.0]), "{:?}", expected(None));
        let known = Tensor::<2>::ones([1, 1], &device);
        assert!(near(expected(Some(known.clone())), [0.5, -0.5]), "{:?}", expected(Some(known)));
    }
}
