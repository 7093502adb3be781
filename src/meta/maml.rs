//! MAML.

use burn::Tensor;
use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use crate::meta::arithmetic::{axpy, combine, norm, selected, values};
use crate::meta::config::LearnerError;
use crate::meta::descent::{Descent, Estimator};
use crate::meta::inner::{Carried, InnerLoop, InnerLoopConfig, LearnedRates, Moves, Path, RateScope, Rates};
use crate::meta::learner::MetaGradient;
use crate::model::{AdaptableModel, MetaBatch};

/// Settings of [`Maml`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MamlConfig {
    /// How a task adapts.
    pub inner: InnerLoopConfig,
    /// Which parameters it may move.
    pub moves: Moves,
    /// Whether the lengths of its steps are learned.
    pub rates: Option<LearnedRates>,
    /// How far gradients are taken to either side for a difference of them; more than 0, at most 1. See [`HessianVector`].
    pub difference: f64,
}

impl Default for MamlConfig {
    fn default() -> Self {
        let difference = HessianVector::default().difference;
        Self { inner: InnerLoopConfig::default(), moves: Moves::All, rates: None, difference }
    }
}

impl MamlConfig {
    /// The same with other steps.
    #[must_use]
    pub fn with_inner(self, inner: InnerLoopConfig) -> Self {
        Self { inner, ..self }
    }

    /// The same with other parameters moving.
    #[must_use]
    pub fn with_moves(self, moves: Moves) -> Self {
        Self { moves, ..self }
    }

    /// The same with rates learned, or fixed.
    #[must_use]
    pub fn with_rates(self, rates: Option<LearnedRates>) -> Self {
        Self { rates, ..self }
    }

    /// Checks the settings and makes the learner.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn init(&self) -> Result<Maml, LearnerError> {
        let inner = InnerLoop::new(&self.inner, &self.moves, self.rates)?;
        Ok(Descent::new(inner, HessianVector::new(self.difference)?))
    }
}

/// MAML (Finn, Abbeel and Levine, 2017, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks"): gradient steps on the support of any
/// parameters, and for the initialisation the derivative of the query loss *through* them.
///
/// A meta-gradient costs `3 * inner_steps + 1` gradients a task, and the memory of what moves for each step; adaptation `inner_steps` gradients.
pub type Maml = Descent<HessianVector>;

/// The meta-gradient through the inner steps, by Hessian-vector products.
///
/// Autodiff here is first order, so a product `H v` comes as a central difference of gradients, `(g(w + e v) - g(w - e v)) / 2e`, with `e v` of length `difference`
/// times the greater of 1 and the length of what moves. It is walked back along the inner steps, learned rates and the moments of the inner optimizer
/// included. The inner loss must be smooth and without noise for it to be exact; in single precision the relative error against numerical derivatives of the
/// meta-loss is then 2e-6 to 2e-5 on a small regression and 6e-5 on a small Transformer whose every parameter moves; at ten times the difference it is 1e-3 on the
/// Transformer (its curvature changes on the way), at a third of it 2e-4 on the regression (rounding).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct HessianVector {
    difference: f64,
}

impl Default for HessianVector {
    fn default() -> Self {
        Self { difference: 1e-4 }
    }
}

/// The gradient of a batch's summed loss in everything that is on the graph.
fn gradient<M: AdaptableModel>(at: &M, batch: &M::Batch) -> GradientsParams {
    GradientsParams::from_grads(at.loss(batch).sum().backward(), at)
}

impl HessianVector {
    /// Products by gradients that are taken this far to either side.
    ///
    /// # Errors
    /// If that is not more than 0 and at most 1.
    pub fn new(difference: f64) -> Result<Self, LearnerError> {
        if difference > 0.0 && difference <= 1.0 {
            return Ok(Self { difference });
        }
        let (field, expected) = ("difference", "more than 0, at most 1");
        Err(LearnerError { field, value: difference.to_string(), expected })
    }

    /// The derivative of `<inner gradient at `at`, v>` in everything, by differences.
    fn product<M: AdaptableModel>(
        &self,
        at: &M,
        support: &M::Batch,
        v: &GradientsParams,
        scale: f64,
    ) -> GradientsParams {
        let length = norm(at, v);
        if length == 0.0 {
            return GradientsParams::new();
        }
        let step = self.difference * scale / length;
        let side = |step: f64| gradient(&axpy(at.clone(), v, step), support);
        combine(at, (&side(step), 0.5 / step), (&side(-step), -0.5 / step))
    }
}

impl Estimator for HessianVector {
    fn estimate<M: AdaptableModel>(
        &self,
        inner: &InnerLoop,
        model: &M,
        rates: &Rates,
        one: &MetaBatch<M::Batch>,
    ) -> MetaGradient {
        let path = Path::walk(inner, model, rates, &one.support);
        let loss = path.end().loss(&one.query);
        let mut total = GradientsParams::from_grads(loss.clone().sum().backward(), path.end());
        let mut carried = Carried::default();
        let mut of_rates = Vec::with_capacity(path.len());
        // The length of all that moves, where it starts.
        let moving = selected(model, &values(model), |id| path.layout().contains(id));
        let scale = norm(model, &moving).max(1.0);
        for step in (0..path.len()).rev() {
            let back = path.back(step, &total, &mut carried);
            let product = self.product(path.at(step), &one.support, &back.of_gradient, scale);
            total = combine(path.at(step), (&total, 1.0), (&product, 1.0));
            of_rates.push(back.of_rates);
        }
        of_rates.reverse();
        MetaGradient { model: total, state: rates_gradient(rates, of_rates), query_loss: loss.inner() }
    }
}

/// The gradient of the rates from that of each step, `[1, rates]`, in order.
pub(crate) fn rates_gradient(rates: &Rates, steps: Vec<Option<Tensor<2>>>) -> GradientsParams {
    let mut gradient = GradientsParams::new();
    let steps: Vec<Tensor<2>> = steps.into_iter().flatten().collect();
    if let (Some(id), Some(multipliers), false) = (rates.id(), rates.multipliers(), steps.is_empty()) {
        let each = Tensor::cat(steps, 0);
        gradient.register(id, if multipliers.dims()[0] == 1 { each.sum_dim(0) } else { each });
    }
    gradient
}

/// Settings of Meta-SGD.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct MetaSgdConfig {
    /// How a task adapts; by default in one step, as in the paper.
    pub inner: InnerLoopConfig,
    /// Which parameters it may move.
    pub moves: Moves,
    /// As in [`MamlConfig`].
    pub difference: f64,
}

impl Default for MetaSgdConfig {
    fn default() -> Self {
        let MamlConfig { inner, moves, difference, .. } = MamlConfig::default();
        Self { inner: InnerLoopConfig { inner_steps: 1, ..inner }, moves, difference }
    }
}

impl MetaSgdConfig {
    /// The same with other steps.
    #[must_use]
    pub fn with_inner(self, inner: InnerLoopConfig) -> Self {
        Self { inner, ..self }
    }

    /// The same with other parameters moving.
    #[must_use]
    pub fn with_moves(self, moves: Moves) -> Self {
        Self { moves, ..self }
    }

    /// Meta-SGD (Li, Zhou, Chen and Li, 2017, "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning"): [`Maml`] with a learned rate for every
    /// number that moves, its sign included.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn init(&self) -> Result<Maml, LearnerError> {
        let Self { inner, moves, difference } = self.clone();
        MamlConfig { inner, moves, rates: Some(LearnedRates::of(RateScope::Element)), difference }.init()
    }
}
