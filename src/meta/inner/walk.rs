//! Steps of a module, one after the other, and the way back along them.

use std::collections::HashMap;

use burn::Tensor;
use burn::module::{ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;

use crate::meta::arithmetic::{plain, replaced, scaled};
use crate::meta::inner::optimizer::{InnerOptimizer, Moments};
use crate::meta::inner::{InnerLoop, Layout, Rates, plain_device};
use crate::model::AdaptableModel;

/// Where a task is on its way: the moments of the gradients so far.
pub(crate) struct Walk<'a> {
    inner: &'a InnerLoop,
    layout: Layout,
    multipliers: Option<Tensor<2>>,
    first: GradientsParams,
    second: GradientsParams,
    done: usize,
}

impl<'a> Walk<'a> {
    pub(crate) fn new<M: AdaptableModel>(inner: &'a InnerLoop, model: &M, rates: &Rates) -> Self {
        Self {
            inner,
            layout: inner.layout(model),
            multipliers: rates.multipliers().map(plain),
            first: GradientsParams::new(),
            second: GradientsParams::new(),
            done: 0,
        }
    }

    /// The model with everything that moves as leaves, those parameters included that training leaves alone.
    pub(crate) fn start<M: AdaptableModel>(&self, model: &M) -> M {
        model.clone().map(&mut Track { layout: &self.layout, rest: Rest::AsItIs })
    }

    /// The same with nothing else on the graph.
    pub(crate) fn start_alone<M: AdaptableModel>(&self, model: &M) -> M {
        model.clone().map(&mut Track { layout: &self.layout, rest: Rest::Constant })
    }

    /// The ids of what moves.
    pub(crate) fn moving(&self) -> Vec<ParamId> {
        self.layout.ids()
    }

    /// The gradient of a batch's summed loss in what moves.
    pub(crate) fn gradient<M: AdaptableModel>(&self, at: &M, batch: &M::Batch) -> GradientsParams {
        let mut grads = at.loss(batch).sum().backward();
        GradientsParams::from_params(&mut grads, at, &self.layout.ids())
    }

    /// One step along a gradient.
    pub(crate) fn step<M: AdaptableModel>(&mut self, at: M, gradient: &GradientsParams) -> M {
        self.done += 1;
        at.map(&mut Step { walk: self, gradient })
    }

    /// The step that was just made, for the way back.
    fn made<M: AdaptableModel>(&self, at: M, gradient: GradientsParams) -> Made<M> {
        let (first, second) = (scaled(&at, &self.first, 1.0), scaled(&at, &self.second, 1.0));
        Made { at, gradient, first, second }
    }
}

/// What becomes of parameters that do not move.
enum Rest {
    AsItIs,
    Constant,
}

/// Puts what moves on the graph.
struct Track<'a> {
    layout: &'a Layout,
    rest: Rest,
}

impl ModuleMapper for Track<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let wanted = match self.rest {
            _ if self.layout.contains(param.id) => true,
            Rest::AsItIs => param.is_require_grad(),
            Rest::Constant => false,
        };
        if wanted == param.is_require_grad() { param } else { param.set_require_grad(wanted) }
    }
}

struct Step<'a, 'b> {
    walk: &'a mut Walk<'b>,
    gradient: &'a GradientsParams,
}

fn moments<const D: usize>(first: &GradientsParams, second: &GradientsParams, id: ParamId) -> Moments<D> {
    Moments { first: first.get::<D>(id), second: second.get::<D>(id) }
}

/// Puts a tensor in the place of whatever was there.
fn put<const D: usize>(grads: &mut GradientsParams, id: ParamId, value: Option<Tensor<D>>) {
    grads.remove::<D>(id);
    if let Some(value) = value {
        grads.register(id, value);
    }
}

impl ModuleMapper for Step<'_, '_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(gradient) = self.gradient.get::<D>(param.id) else { return param };
        let (walk, id) = (&mut *self.walk, param.id);
        let InnerLoop { config, .. } = walk.inner;
        let mut moments = moments::<D>(&walk.first, &walk.second, id);
        config.optimizer.see(&gradient, &mut moments);
        let mut change = config.optimizer.direction(walk.done, &gradient, &moments) * -config.inner_lr;
        if let Some(multipliers) = &walk.multipliers {
            change = change.clone() * walk.layout.rate(multipliers, walk.done - 1, id, change.dims());
        }
        put(&mut walk.first, id, moments.first);
        put(&mut walk.second, id, moments.second);
        param.map(|tensor| replaced(tensor, |value| value + change))
    }
}

/// One step of a path.
struct Made<M> {
    at: M,
    gradient: GradientsParams,
    first: GradientsParams,
    second: GradientsParams,
}

/// All steps of one task, each with the weights that it was made from.
pub(crate) struct Path<'a, M> {
    walk: Walk<'a>,
    steps: Vec<Made<M>>,
    end: M,
}

/// What one step back found.
pub(crate) struct Back {
    /// The derivative of the loss in the gradient that the step was made along.
    pub(crate) of_gradient: GradientsParams,
    /// The derivative in the step's multipliers, `[1, rates]`; `None` where rates are fixed.
    pub(crate) of_rates: Option<Tensor<2>>,
}

impl<'a, M: AdaptableModel> Path<'a, M> {
    /// Goes `inner_steps` steps on one batch.
    pub(crate) fn walk(inner: &'a InnerLoop, model: &M, rates: &Rates, support: &M::Batch) -> Self {
        let mut walk = Walk::new(inner, model, rates);
        let (mut steps, mut at) = (Vec::new(), walk.start(model));
        for _ in 0..inner.config().inner_steps {
            let gradient = walk.gradient(&at, support);
            let next = walk.step(at.clone(), &gradient);
            steps.push(walk.made(at, gradient));
            at = next;
        }
        Self { walk, steps, end: at }
    }

    /// The fast weights.
    pub(crate) fn end(&self) -> &M {
        &self.end
    }

    /// How many steps there are.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// The weights that step number `step`, from 0, was made from.
    pub(crate) fn at(&self, step: usize) -> &M {
        &self.steps[step].at
    }

    /// What moves.
    pub(crate) fn layout(&self) -> &Layout {
        &self.walk.layout
    }

    /// Goes step number `step`, from 0, back: from the derivative of a loss in the weights after it, and what later steps have carried back.
    pub(crate) fn back(&self, step: usize, of_weights: &GradientsParams, carried: &mut Carried) -> Back {
        let Made { at, gradient, first, second } = &self.steps[step];
        let mut pull = Pull {
            walk: &self.walk,
            step,
            gradient,
            moments: (first, second),
            of_weights,
            carried,
            of_gradient: GradientsParams::new(),
            of_rates: HashMap::new(),
        };
        at.visit(&mut pull);
        let Pull { of_gradient, of_rates, .. } = pull;
        let of_rates = self.walk.multipliers.as_ref().map(|multipliers| {
            let [_, rates] = multipliers.dims();
            self.walk.layout.gathered(&of_rates, rates, &plain_device(at))
        });
        Back { of_gradient, of_rates }
    }
}

/// Derivatives in the moments between two steps.
#[derive(Default)]
pub(crate) struct Carried {
    first: GradientsParams,
    second: GradientsParams,
}

struct Pull<'a, 'b> {
    walk: &'a Walk<'b>,
    step: usize,
    gradient: &'a GradientsParams,
    moments: (&'a GradientsParams, &'a GradientsParams),
    of_weights: &'a GradientsParams,
    carried: &'a mut Carried,
    of_gradient: GradientsParams,
    of_rates: HashMap<ParamId, Tensor<1>>,
}

impl ModuleVisitor for Pull<'_, '_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let id = param.id;
        let Some(gradient) = self.gradient.get::<D>(id) else { return };
        let Some(of_weights) = self.of_weights.get::<D>(id) else { return };
        let config = self.walk.inner.config();
        let (optimizer, number): (&InnerOptimizer, usize) = (&config.optimizer, self.step + 1);
        let moments = moments::<D>(self.moments.0, self.moments.1, id);
        let mut of_direction = of_weights * -config.inner_lr;
        if let Some(multipliers) = &self.walk.multipliers {
            let along = optimizer.direction(number, &gradient, &moments);
            let numbers = along.shape().num_elements();
            self.of_rates.insert(id, (along * of_direction.clone()).reshape([numbers]));
            of_direction = of_direction * self.walk.layout.rate(multipliers, self.step, id, gradient.dims());
        }
        let mut carried =
            Moments { first: self.carried.first.remove::<D>(id), second: self.carried.second.remove::<D>(id) };
        let of_gradient = optimizer.pull_back(number, &gradient, &moments, of_direction, &mut carried);
        put(&mut self.carried.first, id, carried.first);
        put(&mut self.carried.second, id, carried.second);
        self.of_gradient.register(id, of_gradient);
    }
}
