//! The Transformer's head as numbers that a task may have of its own: a shift of the user vector, a shift of the gain, and the weights of the rating head.

use burn::Tensor;

use crate::model::traits::{HeadModel, LinearExamples, LinearHeadModel, PreferenceModel, RatesLinearly, ServesHeads};
use crate::model::transformer::loss::RankingExamples;
use crate::model::transformer::{PreferenceBatch, PreferenceTransformer, TransformerCatalogue, scaled};

/// What the loss of a head needs of a batch.
#[derive(Clone, Debug)]
pub struct HeadExamples {
    ranking: RankingExamples,
    rating: LinearExamples,
    rating_scale: Option<Tensor<1>>,
}

/// A head's parts: `[tasks, d_model]`, `[tasks, 1]` and `[tasks, 1 + rating_factors]`.
struct Parts {
    shift: Tensor<2>,
    gain_shift: Tensor<2>,
    weight: Tensor<2>,
}

impl PreferenceTransformer {
    fn parts(&self, heads: &Tensor<2>) -> Parts {
        let (d, d_rating) = (self.settings.config.d_model, 1 + self.settings.config.rating_factors);
        let part = |start, width| heads.clone().narrow(1, start, width);
        Parts { shift: part(0, d), gain_shift: part(d, 1), weight: part(d + 1, d_rating) }
    }
}

impl HeadModel for PreferenceTransformer {
    type Examples = HeadExamples;

    fn examples(&self, batch: &PreferenceBatch) -> HeadExamples {
        HeadExamples {
            ranking: self.ranking_examples(batch),
            rating: self.target_examples(batch),
            rating_scale: self.rating_scale(batch),
        }
    }

    fn head_start(&self) -> Tensor<1> {
        Tensor::cat(vec![self.head.shift.val(), self.head.gain_shift.val(), self.head_weight()], 0)
    }

    fn head_parts(&self) -> Vec<usize> {
        vec![self.settings.config.d_model, 1, 1 + self.settings.config.rating_factors]
    }

    fn head_loss(&self, examples: &HeadExamples, heads: Tensor<2>) -> Tensor<1> {
        let Parts { shift, gain_shift, weight } = self.parts(&heads);
        let ranking = examples.ranking.moved(shift, gain_shift).loss() * self.ranking_scale();
        let rating = examples.rating.clone().squared_error(weight.unsqueeze_dim::<3>(1)).squeeze_dim::<1>(1);
        ranking + scaled(rating * self.head_loss_weight(), examples.rating_scale.clone())
    }

    fn head_gradient(&self, examples: &HeadExamples, heads: Tensor<2>) -> Tensor<2> {
        let Parts { shift, gain_shift, weight } = self.parts(&heads);
        let (vectors, gains) = examples.ranking.moved(shift, gain_shift).gradient();
        let scale = self.ranking_scale();
        let rating = examples.rating.squared_error_gradient(weight) * self.head_loss_weight();
        let rating = match &examples.rating_scale {
            Some(scale) => rating * scale.clone().unsqueeze_dim::<2>(1),
            None => rating,
        };
        Tensor::cat(vec![vectors * scale, gains * scale, rating], 1)
    }
}

impl ServesHeads for PreferenceTransformer {
    fn rank_with_heads(&self, catalogue: &TransformerCatalogue, state: Tensor<2>, heads: Tensor<2>) -> Tensor<2> {
        let Parts { shift, gain_shift, .. } = self.parts(&heads);
        let (own, own_gain) = self.shifts(1);
        let moved = Tensor::cat(vec![shift - own, gain_shift - own_gain], 1);
        self.rank(catalogue, state + moved)
    }

    fn rate_with_heads(&self, catalogue: &TransformerCatalogue, heads: Tensor<2>) -> Option<Tensor<2>> {
        self.settings.schema.rated().then(|| self.rate_with(catalogue, self.parts(&heads).weight))
    }
}
