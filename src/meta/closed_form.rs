//! Adaptation without gradient steps: ranking in context, ratings by a Gaussian posterior.

use std::sync::Arc;

use burn::Tensor;
use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use crate::meta::gaussian::{GaussianPrior, HeadPosterior};
use crate::meta::learner::{MetaGradient, MetaLearner, ServingLearner};
use crate::model::{LinearHeadModel, MetaBatch, PreferenceModel, RatesLinearly, RatingBelief, Supervision, SupportUse};

/// Settings of [`ClosedForm`]: there are none, as everything about it is learned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ClosedFormConfig {}

impl ClosedFormConfig {
    /// The learner.
    #[must_use]
    pub fn init(&self) -> ClosedForm {
        ClosedForm {}
    }
}

/// The default learner. For ranking it reads the support in context, which is one forward pass; for values it takes the posterior mean of a Bayesian
/// linear head, whose prior is meta-learned through the posterior (ALPaCA: Harrison, Sharma and Pavone, 2018, "Meta-Learning Priors for
/// Efficient Online Bayesian Regression").
///
/// Adaptation costs one forward pass and `shots * d_head^2` multiplications, and needs no autodiff. The meta-gradient is exact, and trains every number of
/// shots from none to all at once.
#[derive(Clone, Debug, Default)]
pub struct ClosedForm {}

/// Users adapted by [`ClosedForm`].
#[derive(Clone, Debug)]
pub struct ClosedFormUser {
    /// What the model read, `[tasks, state]`.
    pub state: Tensor<2>,
    /// Posterior means of the rating head, `[tasks, d_head]`.
    pub heads: Tensor<2>,
    /// The whole posterior of each task's rating head.
    pub posteriors: Arc<[HeadPosterior]>,
}

/// Mean over the prior and what follows each example: `[tasks, shots + 1]` with a mask `[tasks, shots]` to `[tasks]`. Padding does not count, else
/// a task's loss would depend on the longest task beside it.
fn mean_over_path(losses: Tensor<2>, mask: Tensor<2>) -> Tensor<1> {
    let [tasks, _] = mask.dims();
    let weights = Tensor::cat(vec![Tensor::ones([tasks, 1], &mask.device()), mask], 1);
    ((losses * weights.clone()).sum_dim(1) / weights.sum_dim(1)).squeeze_dim(1)
}

impl<M: PreferenceModel + LinearHeadModel> MetaLearner<M> for ClosedForm {
    type State = GaussianPrior;
    type Adapted = ClosedFormUser;

    fn init_state(&self, model: &M) -> GaussianPrior {
        let (covariance, noise) = model.head_prior();
        GaussianPrior::new(&covariance, noise, &model.head_weight().device())
    }

    fn support_use(&self) -> SupportUse {
        SupportUse::Read
    }

    fn supervision(&self) -> Supervision {
        Supervision::EveryPrefix
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn adapt(&self, model: &M, state: &GaussianPrior, support: &M::Batch) -> ClosedFormUser {
        let seen = model.context_examples(support);
        let [tasks, shots, d] = seen.features.dims();
        let expected = model.expected_heads(support).narrow(1, shots, 1).reshape([tasks, d]);
        let device = expected.device();
        let posteriors = state.posteriors(expected, &seen);
        let heads = HeadPosterior::means(&posteriors, d, &device);
        ClosedFormUser { state: model.state(support), heads, posteriors: posteriors.into() }
    }

    fn query_loss(&self, model: &M, _: &GaussianPrior, adapted: &ClosedFormUser, query: &M::Batch) -> Tensor<1> {
        let heads = adapted.heads.clone().unsqueeze_dim::<3>(1);
        let rating = model.target_examples(query).squared_error(heads).squeeze_dim(1);
        model.loss_without_head(query) + rating * model.head_loss_weight()
    }

    fn meta_gradient(&self, model: &M, state: &GaussianPrior, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let seen = model.context_examples(&batch.support);
        let heads = state.posterior_path(model.expected_heads(&batch.support), &seen);
        let rating = mean_over_path(model.target_examples(&batch.query).squared_error(heads), seen.mask);
        let loss = model.loss_without_head(&batch.query) + rating * model.head_loss_weight();
        let mut grads = loss.clone().sum().backward();
        MetaGradient {
            model: GradientsParams::from_module(&mut grads, model),
            state: GradientsParams::from_module(&mut grads, state),
            query_loss: loss.inner(),
        }
    }
}

impl<M: RatesLinearly> ServingLearner<M> for ClosedForm {
    fn state_only_rates(&self) -> bool {
        true
    }

    fn task(&self, adapted: &ClosedFormUser, task: usize) -> ClosedFormUser {
        let row = |rows: &Tensor<2>| rows.clone().narrow(0, task, 1);
        let posteriors = [adapted.posteriors[task].clone()];
        ClosedFormUser { state: row(&adapted.state), heads: row(&adapted.heads), posteriors: posteriors.into() }
    }

    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &ClosedFormUser) -> Tensor<2> {
        model.rank(catalogue, adapted.state.clone())
    }

    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &ClosedFormUser) -> Option<Tensor<2>> {
        model.rate(catalogue).map(|_| model.rate_with(catalogue, adapted.heads.clone()))
    }

    fn beliefs(
        &self,
        model: &M,
        _: &GaussianPrior,
        catalogue: &M::Catalogue,
        adapted: &ClosedFormUser,
    ) -> Option<Vec<RatingBelief>> {
        let means = self.rate(model, catalogue, adapted)?;
        let [_, items] = means.dims();
        let means: Vec<f32> = means.into_data().iter().collect();
        let features: Arc<[f32]> = model.rating_features(catalogue).into_data().iter::<f32>().collect();
        let belief = |(posterior, means): (&HeadPosterior, &[f32])| {
            let HeadPosterior { covariance, noise, surprise, seen, .. } = posterior.clone();
            RatingBelief::new(means.to_vec(), features.clone(), covariance, noise).after(seen, surprise)
        };
        Some(adapted.posteriors.iter().zip(means.chunks(items.max(1))).map(belief).collect())
    }
}
