//! A learner: context parameters.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::TensorData;
use metarec::meta::{FastHeads, LearnerError, MetaGradient, MetaLearner, ServingLearner};
use metarec::model::{HeadModel, MetaBatch, ServesHeads, Supervision, SupportUse, TaskBatch};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// CAVIA (Zintgraf, Shiarlis, Kurin, Hofmann and Whiteson, 2019, "Fast Context Adaptation via Meta-Learning"), on the head of a model.
///
/// A task has a few numbers of its own, its context, which start at zero and take gradient steps on the support set. What a context does to the head is
/// learned over all tasks, as a linear map; so a task moves along a few directions that matter, however large the head is. The meta-gradient goes
/// through the steps, exactly.
#[derive(Clone, Debug)]
pub struct Context {
    width: usize,
    steps: usize,
    rate: f64,
}

/// What is learned besides the model: how a context moves the head.
#[derive(Module, Debug)]
pub struct ContextMap {
    /// `[width, d_head]`.
    map: Param<Tensor<2>>,
}

impl Context {
    /// Contexts of `width` numbers that take `steps` steps of length `rate`.
    ///
    /// # Errors
    /// If `width` is 0, or `rate` is not above 0.
    pub fn new(width: usize, steps: usize, rate: f64) -> Result<Self, LearnerError> {
        if width == 0 {
            return Err(LearnerError::new("width", width, "1 or more"));
        }
        if !(rate > 0.0 && rate.is_finite()) {
            return Err(LearnerError::new("rate", rate, "a finite number, more than 0"));
        }
        Ok(Self { width, steps, rate })
    }

    /// The head of each task after its steps, `[tasks, d_head]`.
    fn descend<M: HeadModel>(&self, model: &M, state: &ContextMap, support: &M::Batch) -> Tensor<2> {
        let (examples, start) = (model.examples(support), model.head_start());
        let ([d_head], tasks) = (start.dims(), support.tasks());
        let start = start.reshape([1, d_head]).expand([tasks, d_head]);
        let mut heads = start.clone();
        let mut context = Tensor::zeros([tasks, self.width], &start.device());
        for _ in 0..self.steps {
            let of_heads = model.head_gradient(&examples, heads);
            context = context - of_heads.matmul(state.map.val().transpose()) * self.rate;
            heads = start.clone() + context.clone().matmul(state.map.val());
        }
        heads
    }
}

impl<M: HeadModel> MetaLearner<M> for Context {
    type State = ContextMap;
    type Adapted = FastHeads<M::Batch>;

    fn init_state(&self, model: &M) -> ContextMap {
        // Not zero: where the map is zero, so is its gradient.
        let mut random = ChaCha8Rng::seed_from_u64(0);
        let start = model.head_start();
        let [d_head] = start.dims();
        let limit = (3.0 / self.width as f32).sqrt();
        let values = (0..self.width * d_head).map(|_| random.random_range(-limit..limit)).collect();
        ContextMap { map: Param::from_data(TensorData::new(values, [self.width, d_head]), &start.device()) }
    }

    fn support_use(&self) -> SupportUse {
        SupportUse::Descended
    }

    fn supervision(&self) -> Supervision {
        Supervision::WholeContext
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn adapt(&self, model: &M, state: &ContextMap, support: &M::Batch) -> FastHeads<M::Batch> {
        FastHeads::new(support.clone(), self.descend(model, state, support))
    }

    fn query_loss(&self, model: &M, _: &ContextMap, adapted: &FastHeads<M::Batch>, query: &M::Batch) -> Tensor<1> {
        model.head_loss(&model.examples(query), adapted.heads())
    }

    fn meta_gradient(&self, model: &M, state: &ContextMap, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let heads = self.descend(model, state, &batch.support);
        let loss = model.head_loss(&model.examples(&batch.query), heads);
        let mut grads = loss.clone().sum().backward();
        MetaGradient {
            model: GradientsParams::from_module(&mut grads, model),
            state: GradientsParams::from_module(&mut grads, state),
            query_loss: loss.inner(),
        }
    }
}

impl<M: ServesHeads> ServingLearner<M> for Context {
    fn task(&self, adapted: &FastHeads<M::Batch>, task: usize) -> FastHeads<M::Batch> {
        adapted.task(task)
    }

    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Tensor<2> {
        adapted.rank(model, catalogue)
    }

    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Option<Tensor<2>> {
        model.rate_with_heads(catalogue, adapted.heads())
    }
}
