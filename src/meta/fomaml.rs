//! First-order MAML.

use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use crate::meta::config::LearnerError;
use crate::meta::descent::{Descent, Estimator};
use crate::meta::inner::{InnerLoop, InnerLoopConfig, LearnedRates, Moves, Path, Rates};
use crate::meta::learner::MetaGradient;
use crate::meta::maml::rates_gradient;
use crate::model::{AdaptableModel, MetaBatch};

/// Settings of [`Fomaml`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct FomamlConfig {
    /// How a task adapts.
    pub inner: InnerLoopConfig,
    /// Which parameters it may move.
    pub moves: Moves,
    /// Whether the lengths of its steps are learned, to first order: as if later gradients did not depend on earlier steps.
    pub rates: Option<LearnedRates>,
}

impl Default for FomamlConfig {
    fn default() -> Self {
        Self { inner: InnerLoopConfig::default(), moves: Moves::Head, rates: None }
    }
}

impl FomamlConfig {
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
    pub fn init(&self) -> Result<Fomaml, LearnerError> {
        Ok(Descent::new(InnerLoop::new(&self.inner, &self.moves, self.rates)?, AtFastWeights))
    }
}

/// First-order MAML (Finn, Abbeel and Levine, 2017, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks", section 5.2): gradient steps on
/// the support, and for the initialisation the query gradient taken at the fast weights, as if they did not depend on it.
///
/// A meta-gradient costs `inner_steps + 1` gradients a task, and with learned rates the memory of what moves for each step; adaptation `inner_steps`, on an autodiff
/// device.
pub type Fomaml = Descent<AtFastWeights>;

/// The query gradient at the fast weights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AtFastWeights;

impl Estimator for AtFastWeights {
    fn estimate<M: AdaptableModel>(
        &self,
        inner: &InnerLoop,
        model: &M,
        rates: &Rates,
        one: &MetaBatch<M::Batch>,
    ) -> MetaGradient {
        if !inner.learns_rates() {
            let fast = inner.descend(model, rates, &[&one.support]);
            let loss = fast.loss(&one.query);
            let gradient = GradientsParams::from_grads(loss.clone().sum().backward(), &fast);
            return MetaGradient { model: gradient, state: GradientsParams::new(), query_loss: loss.inner() };
        }
        let path = Path::walk(inner, model, rates, &one.support);
        let loss = path.end().loss(&one.query);
        let gradient = GradientsParams::from_grads(loss.clone().sum().backward(), path.end());
        let steps = (0..path.len()).map(|step| path.back(step, &gradient, &mut Default::default()).of_rates);
        let state = rates_gradient(rates, steps.collect());
        MetaGradient { model: gradient, state, query_loss: loss.inner() }
    }
}
