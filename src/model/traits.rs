//! What learners and recommenders ask of a model.

use burn::Tensor;
use burn::module::{Module, ModuleDisplay, ParamGroup};
use burn::tensor::Device;

use crate::model::task::{Supervision, TaskBatch, TaskEvents};

/// A model whose loss on a few examples of a task can be lowered by moving some of its parameters.
///
/// Nothing here knows of users or items: a regression on points is as good a model as a recommender. Implement it in any crate by deriving
/// [`Module`]; the derive names the crate `burn`, so a downstream crate needs `burn` (the version that this crate re-exports) as a dependency.
///
/// `loss` must be deterministic for a batch without noise, must give each task's loss independently of the other tasks in the batch, and must be
/// finite for a task without examples.
pub trait AdaptableModel: Module + ModuleDisplay + Sync + 'static {
    /// The tensors of some tasks.
    type Batch: TaskBatch;

    /// The loss of each task, `[tasks]`.
    fn loss(&self, batch: &Self::Batch) -> Tensor<1>;

    /// The parameters that carry a task's own part of the model, and that head-only learners move.
    fn head(&self) -> ParamGroup;

    /// The parameters that training leaves alone: facts that are counted and not learned, or where every task is to start. A task moves them only where they
    /// are part of its head. None by default.
    ///
    /// Let them also not `require_grad`, which saves the gradient; that alone is not enough, as a model on a plain device does not say what requires one. Training
    /// drops whatever gradient a learner gives for them.
    fn fixed(&self) -> ParamGroup {
        ParamGroup::from_ids(Vec::new())
    }
}

/// A model that reads events and scores a catalogue.
///
/// A user is served in three steps: [`batch`](Self::batch) turns events into tensors, [`state`](Self::state) reads them, and
/// [`rank`](Self::rank) and [`rate`](Self::rate) score every item for the state.
pub trait PreferenceModel: AdaptableModel {
    /// What scoring needs of the items, computed once for many users.
    type Catalogue: Clone + Send + Sync + 'static;

    /// Tensors of some tasks, padded to the longest, on `device`.
    ///
    /// Of a context that is longer than the model reads, the most recent events are kept.
    ///
    /// # Panics
    /// If some tasks have [`Targets::Others`](crate::model::Targets::Others) and some have not: a batch is of support sets to step on, or of anything else.
    fn batch(&self, tasks: &[TaskEvents<'_>], supervision: Supervision, device: &Device) -> Self::Batch;

    /// What scoring needs of the items.
    fn catalogue(&self) -> Self::Catalogue;

    /// What [`rank`](Self::rank) reads of each user after their whole context, `[tasks, width]`, of whatever width the model gives it.
    fn state(&self, batch: &Self::Batch) -> Tensor<2>;

    /// The ranking score of every item for each state, `[tasks, items]`: higher is better, and differences are log odds.
    fn rank(&self, catalogue: &Self::Catalogue, state: Tensor<2>) -> Tensor<2>;

    /// The parameters that only [`rate`](Self::rate) and its kin depend on, sharing nothing with ranking: training keeps the best of each apart.
    /// None by default.
    fn rating_group(&self) -> ParamGroup {
        ParamGroup::from_ids(Vec::new())
    }

    /// The value that a user whose head has not moved gives to every item, `[items]`, in the data's scale; `None` for a model that does not rate.
    fn rate(&self, catalogue: &Self::Catalogue) -> Option<Tensor<1>>;
}

/// Examples of a linear regression for each of some tasks.
#[derive(Clone, Debug)]
pub struct LinearExamples {
    /// `[tasks, shots, d_head]`.
    pub features: Tensor<3>,
    /// What the head is to add to everything that does not depend on the task, `[tasks, shots]`.
    pub targets: Tensor<2>,
    /// 1 where there is an example, else 0, `[tasks, shots]`.
    pub mask: Tensor<2>,
}

/// A model that predicts numbers by a linear head over features that do not depend on the task.
///
/// Closed-form and unrolled heads need this; learners that move any parameters do not.
pub trait LinearHeadModel: AdaptableModel {
    /// The rated events of the context.
    fn context_examples(&self, batch: &Self::Batch) -> LinearExamples;

    /// The rated events among the targets.
    fn target_examples(&self, batch: &Self::Batch) -> LinearExamples;

    /// The head before it has seen anything of a task, `[d_head]`.
    fn head_weight(&self) -> Tensor<1>;

    /// What is expected of each task's head before any of its values is known, after none, one, two ... events of the context, `[tasks, shots + 1, d_head]`
    /// with the shots of [`context_examples`](Self::context_examples): it may depend on what is known of a task besides, and on which events there are.
    /// [`head_weight`](Self::head_weight) for all by default.
    fn expected_heads(&self, batch: &Self::Batch) -> Tensor<3> {
        let [tasks, shots] = self.context_examples(batch).mask.dims();
        let weight = self.head_weight();
        let [d_head] = weight.dims();
        weight.reshape([1, 1, d_head]).expand([tasks, shots + 1, d_head])
    }

    /// The covariance of tasks' own heads around [`expected_heads`](Self::expected_heads) as the model was initialised, row by row `[d_head * d_head]`, and
    /// the variance of the noise: where a Bayesian head starts from.
    fn head_prior(&self) -> (Vec<f64>, f64);

    /// The loss of the query apart from the linear head's: what remains when another learner takes the head over, `[tasks]`.
    fn loss_without_head(&self, batch: &Self::Batch) -> Tensor<1>;

    /// How much the linear head's mean squared error counts beside the rest.
    fn head_loss_weight(&self) -> f64;
}

/// A model that serves numbers from a linear head.
pub trait RatesLinearly: PreferenceModel + LinearHeadModel {
    /// Predicted values of every item for each head, `[tasks, items]`, from `[tasks, d_head]`.
    fn rate_with(&self, catalogue: &Self::Catalogue, heads: Tensor<2>) -> Tensor<2>;

    /// What a head is multiplied with for every item, `[items, d_head]`. As it stands here it asks [`rate_with`](Self::rate_with) for the heads that are 1 in one place.
    fn rating_features(&self, catalogue: &Self::Catalogue) -> Tensor<2> {
        let weight = self.head_weight();
        let ([d_head], device) = (weight.dims(), weight.device());
        let nothing = self.rate_with(catalogue, Tensor::zeros([1, d_head], &device));
        (self.rate_with(catalogue, Tensor::eye(d_head, &device)) - nothing).transpose()
    }
}

/// A model whose head is small enough for every task to have one of its own, and which writes the gradient of a head's loss as tensor operations.
///
/// Learners that step on heads in this form adapt all tasks of a batch at once, need no autodiff to serve, and can be differentiated through their steps.
///
/// Laws, which `metarec::meta::contract::head_is_consistent` (feature `testing`) checks: with every task's head at [`head_start`](Self::head_start),
/// `head_loss(examples(batch))` is `loss(batch)`; and `head_gradient` is the derivative of `head_loss`.
pub trait HeadModel: AdaptableModel {
    /// What the loss of a head needs of a batch, computed once by the body.
    type Examples;

    /// Computes it, differentiably.
    fn examples(&self, batch: &Self::Batch) -> Self::Examples;

    /// The head that every task starts from, `[d_head]`: the parameters of the [`head`](AdaptableModel::head) in a row.
    fn head_start(&self) -> Tensor<1>;

    /// How many numbers each part of the head has, in their order: learned rates may differ between parts.
    fn head_parts(&self) -> Vec<usize>;

    /// The loss of each task with its own head, `[tasks, d_head]` to `[tasks]`.
    fn head_loss(&self, examples: &Self::Examples, heads: Tensor<2>) -> Tensor<1>;

    /// The derivative of each task's loss in its head, `[tasks, d_head]`.
    fn head_gradient(&self, examples: &Self::Examples, heads: Tensor<2>) -> Tensor<2>;
}

/// A model that serves users who have heads of their own.
pub trait ServesHeads: PreferenceModel + HeadModel {
    /// The ranking score of every item, `[tasks, items]`, from states and heads `[tasks, d_head]`.
    fn rank_with_heads(&self, catalogue: &Self::Catalogue, state: Tensor<2>, heads: Tensor<2>) -> Tensor<2>;

    /// Predicted values of every item, `[tasks, items]`; `None` for a model that does not rate.
    fn rate_with_heads(&self, catalogue: &Self::Catalogue, heads: Tensor<2>) -> Option<Tensor<2>>;
}

impl LinearExamples {
    /// Mean squared error over the examples of each task, for some heads each: heads `[tasks, heads, d_head]` to `[tasks, heads]`; 0 where there are no examples.
    #[must_use]
    pub fn squared_error(self, heads: Tensor<3>) -> Tensor<2> {
        let [tasks, count, _] = heads.dims();
        let [_, shots] = self.targets.dims();
        let predicted = heads.matmul(self.features.transpose());
        let wanted = self.targets.reshape([tasks, 1, shots]);
        let mask = self.mask.reshape([tasks, 1, shots]);
        let errors = (predicted - wanted).square() * mask.clone();
        (errors.sum_dim(2) / mask.sum_dim(2).clamp_min(1.0)).reshape([tasks, count])
    }

    /// The derivative of [`squared_error`](Self::squared_error) in one head a task, `[tasks, d_head]`.
    #[must_use]
    pub fn squared_error_gradient(&self, heads: Tensor<2>) -> Tensor<2> {
        let [tasks, d_head] = heads.dims();
        let predicted = self.features.clone().matmul(heads.unsqueeze_dim::<3>(2)).squeeze_dim::<2>(2);
        let count = self.mask.clone().sum_dim(1).clamp_min(1.0);
        let errors = (predicted - self.targets.clone()) * self.mask.clone() * 2.0 / count;
        errors.unsqueeze_dim::<3>(1).matmul(self.features.clone()).reshape([tasks, d_head])
    }
}
