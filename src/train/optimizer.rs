//! Burn's optimizers, one for the model and one for the learner's state.

use burn::Tensor;
use burn::optim::{AdamWConfig, ModuleOptimizer, Optimizer};
use burn::tensor::Device;

use crate::meta::ServingLearner;
use crate::model::{PreferenceModel, PreferenceTransformer};
use crate::train::config::TrainingConfig;

/// What steps the model and what steps the learner's state.
#[derive(Clone)]
pub struct Optimizers {
    /// For the model.
    pub model: ModuleOptimizer,
    /// For the learner's state.
    pub state: ModuleOptimizer,
}

impl Optimizers {
    /// AdamW for everything, with the configuration's weight decay on all of the model and none on the state.
    #[must_use]
    pub fn adamw(config: &TrainingConfig) -> Self {
        Self { model: adamw(config.weight_decay).init(), state: adamw(0.0).init() }
    }

    /// [`Optimizers::adamw`] as a [`PreferenceTransformer`] wants it: no decay on norms and biases, slower rates for what starts at a closed-form fit.
    #[must_use]
    pub fn for_transformer(config: &TrainingConfig) -> Self {
        let slow = ScaledRate { inner: adamw(0.0).build(), factor: config.rating_rate };
        let items = ScaledRate { inner: adamw(config.weight_decay).build(), factor: config.item_rate };
        let all = ModuleOptimizer::from(adamw(config.weight_decay).build())
            .with_group(PreferenceTransformer::undecayed_group(), adamw(0.0).build(), None)
            .with_group(PreferenceTransformer::item_group(), items, None)
            .with_group(PreferenceTransformer::rating_head_group(), slow.clone(), None);
        Self { model: all, state: ModuleOptimizer::from(slow) }
    }

    /// The same with the learner's state stepped as that kind of state wants it: learned rates of inner steps by
    /// [`TrainingConfig::inner_rate_rate`], what matters to ratings alone by [`TrainingConfig::rating_rate`], anything else as the model is.
    #[must_use]
    pub fn for_state_of<M: PreferenceModel, L: ServingLearner<M>>(self, learner: &L, config: &TrainingConfig) -> Self {
        let factor = match (learner.learns_inner_rates(), learner.state_only_rates()) {
            (true, _) => config.inner_rate_rate,
            (false, true) => config.rating_rate,
            (false, false) => 1.0,
        };
        Self { state: ModuleOptimizer::from(ScaledRate { inner: adamw(0.0).build(), factor }), ..self }
    }
}

fn adamw(weight_decay: f64) -> AdamWConfig {
    AdamWConfig::new().with_beta_2(0.98).with_epsilon(1e-8).with_weight_decay(weight_decay as f32)
}

/// An optimizer whose learning rate is multiplied by a factor.
#[derive(Clone, Debug)]
pub struct ScaledRate<O> {
    /// What steps.
    pub inner: O,
    /// Multiplies every rate.
    pub factor: f64,
}

impl<O: Optimizer> Optimizer for ScaledRate<O> {
    type State<const D: usize> = O::State<D>;

    fn step<const D: usize>(
        &self,
        lr: f64,
        tensor: Tensor<D>,
        grad: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        self.inner.step(lr * self.factor, tensor, grad, state)
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        O::to_device(state, device)
    }
}
