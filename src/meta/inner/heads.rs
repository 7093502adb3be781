//! Steps of heads, all tasks of a batch at once, as tensor operations that can be differentiated.

use std::sync::{Arc, OnceLock};

use burn::Tensor;

use crate::meta::inner::optimizer::Moments;
use crate::meta::inner::{InnerLoopConfig, Layout, LearnedRates, Rates};
use crate::model::{HeadModel, ServesHeads, TaskBatch};

/// Tasks with a head of their own.
#[derive(Clone, Debug)]
pub struct FastHeads<B> {
    /// The support sets, which a model with a context reads again when it is served.
    support: B,
    /// `[tasks, d_head]`.
    heads: Tensor<2>,
    /// What the model read of the support sets, `[tasks, state]`, once somebody has asked.
    state: Arc<OnceLock<Tensor<2>>>,
}

impl<B: TaskBatch> FastHeads<B> {
    /// Tasks with these heads, `[tasks, d_head]`, and support sets.
    pub fn new(support: B, heads: Tensor<2>) -> Self {
        Self { support, heads, state: Arc::default() }
    }

    /// The heads, `[tasks, d_head]`.
    #[must_use]
    pub fn heads(&self) -> Tensor<2> {
        self.heads.clone()
    }

    /// One task's head.
    ///
    /// # Panics
    /// If there is no such task.
    #[must_use]
    pub fn task(&self, task: usize) -> Self {
        Self::new(self.support.narrow(task, 1), self.heads.clone().narrow(0, task, 1))
    }

    /// Ranking score of every item for each task, `[tasks, items]`.
    pub fn rank<M: ServesHeads<Batch = B>>(&self, model: &M, catalogue: &M::Catalogue) -> Tensor<2> {
        let state = self.state.get_or_init(|| model.state(&self.support));
        model.rank_with_heads(catalogue, state.clone(), self.heads())
    }
}

/// Steps of heads.
#[derive(Clone, Debug)]
pub(crate) struct HeadLoop {
    config: InnerLoopConfig,
    rates: Option<LearnedRates>,
}

impl HeadLoop {
    pub(crate) fn new(config: InnerLoopConfig, rates: Option<LearnedRates>) -> Self {
        Self { config, rates }
    }

    pub(crate) fn learns_rates(&self) -> bool {
        self.rates.is_some()
    }

    pub(crate) fn init_rates<M: HeadModel>(&self, model: &M) -> Rates {
        let layout = Layout::of_parts(model.head_parts());
        Rates::new(self.rates, self.config.inner_steps, &layout, &model.head_start().device())
    }

    /// Heads `[tasks, d_head]` after all steps on the support.
    pub(crate) fn descend<M: HeadModel>(&self, model: &M, rates: &Rates, support: &M::Batch) -> Tensor<2> {
        let (examples, start) = (model.examples(support), model.head_start());
        let [width] = start.dims();
        let mut heads = start.reshape([1, width]).expand([support.tasks(), width]);
        let layout = Layout::of_parts(model.head_parts());
        let multipliers = rates.multipliers();
        let mut moments = Moments::none();
        for step in 0..self.config.inner_steps {
            let gradient = model.head_gradient(&examples, heads.clone());
            self.config.optimizer.see(&gradient, &mut moments);
            let along = self.config.optimizer.direction(step + 1, &gradient, &moments) * self.config.inner_lr;
            heads = match &multipliers {
                Some(multipliers) => heads - along * layout.row(multipliers, step),
                None => heads - along,
            };
        }
        heads
    }
}
