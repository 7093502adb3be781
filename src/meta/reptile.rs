//! Reptile.

use burn::optim::GradientsParams;
use serde::{Deserialize, Serialize};

use crate::meta::arithmetic::{combine, selected, values};
use crate::meta::config::LearnerError;
use crate::meta::descent::{Descent, Estimator};
use crate::meta::inner::{InnerLoop, InnerLoopConfig, Moves, Rates};
use crate::meta::learner::MetaGradient;
use crate::model::{AdaptableModel, MetaBatch};

/// Settings of [`Reptile`]. It learns no rates: its pseudo-gradient is of weights alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ReptileConfig {
    /// How a task adapts.
    pub inner: InnerLoopConfig,
    /// Which parameters it may move. Only what moves is ever meta-learned, so by default everything does.
    pub moves: Moves,
}

impl Default for ReptileConfig {
    fn default() -> Self {
        Self { inner: InnerLoopConfig::default(), moves: Moves::All }
    }
}

impl ReptileConfig {
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

    /// Checks the settings and makes the learner.
    ///
    /// # Errors
    /// The setting that is out of its bounds, by name.
    pub fn init(&self) -> Result<Reptile, LearnerError> {
        Ok(Descent::new(InnerLoop::new(&self.inner, &self.moves, None)?, WayToFastWeights))
    }
}

/// Reptile (Nichol, Achiam and Schulman, 2018, "On First-Order Meta-Learning Algorithms"): the initialisation moves towards the fast weights, its
/// pseudo-gradient being `theta - phi`.
///
/// Reptile has no query set: in training `phi` comes from steps on the support and the query in turn, in serving from steps on the support.
/// A meta-gradient costs `2 * inner_steps` gradients a task, and one more loss that it reports.
pub type Reptile = Descent<WayToFastWeights>;

/// `theta - phi`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WayToFastWeights;

impl Estimator for WayToFastWeights {
    fn estimate<M: AdaptableModel>(
        &self,
        inner: &InnerLoop,
        model: &M,
        rates: &Rates,
        one: &MetaBatch<M::Batch>,
    ) -> MetaGradient {
        let phi = inner.descend(model, rates, &[&one.support, &one.query]);
        let layout = inner.layout(model);
        let query_loss = phi.valid().loss(&one.query);
        // What does not move has a difference of zero, which an optimizer would still decay.
        let way = combine(model, (&values(model), 1.0), (&values(&phi), -1.0));
        let way = selected(model, &way, |id| layout.contains(id));
        MetaGradient { model: way, state: GradientsParams::new(), query_loss }
    }
}
