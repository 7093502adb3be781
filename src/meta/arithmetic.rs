//! Arithmetic on the parameters and gradients of a whole module.
//!
//! Burn's `GradientsParams` can only be read and written one parameter at a time; every operation here walks the module that the gradients belong to.

use std::collections::HashSet;

use burn::Tensor;
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::GradientsParams;

use crate::model::AdaptableModel;

struct Combine<'a> {
    a: (&'a GradientsParams, f64),
    b: (&'a GradientsParams, f64),
    out: GradientsParams,
}

impl ModuleVisitor for Combine<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let scaled = |(grads, scale): (&GradientsParams, f64)| {
            grads.get::<D>(param.id).map(|grad| if scale == 1.0 { grad } else { grad * scale })
        };
        match (scaled(self.a), scaled(self.b)) {
            (Some(a), Some(b)) => self.out.register(param.id, a + b),
            (Some(one), None) | (None, Some(one)) => self.out.register(param.id, one),
            (None, None) => {}
        }
    }
}

/// `scale_a * a + scale_b * b`, parameter by parameter; what one side lacks counts as zero.
#[must_use]
pub fn combine<M: Module>(module: &M, a: (&GradientsParams, f64), b: (&GradientsParams, f64)) -> GradientsParams {
    let mut visitor = Combine { a, b, out: GradientsParams::new() };
    module.visit(&mut visitor);
    visitor.out
}

/// `scale * grads`.
#[must_use]
pub fn scaled<M: Module>(module: &M, grads: &GradientsParams, scale: f64) -> GradientsParams {
    combine(module, (grads, scale), (&GradientsParams::new(), 0.0))
}

struct Dot<'a> {
    a: &'a GradientsParams,
    b: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for Dot<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let (Some(a), Some(b)) = (self.a.get::<D>(param.id), self.b.get::<D>(param.id)) {
            self.sum += f64::from((a * b).sum().into_scalar::<f32>());
        }
    }
}

/// The inner product over all parameters. Reads one number a parameter from the device.
#[must_use]
pub fn dot<M: Module>(module: &M, a: &GradientsParams, b: &GradientsParams) -> f64 {
    let mut visitor = Dot { a, b, sum: 0.0 };
    module.visit(&mut visitor);
    visitor.sum
}

/// The Euclidean norm over all parameters.
#[must_use]
pub fn norm<M: Module>(module: &M, grads: &GradientsParams) -> f64 {
    dot(module, grads, grads).sqrt()
}

/// Scales the gradients so that their *global* norm is at most `limit`; the norm before is returned too.
///
/// Burn's own clipping by norm is per tensor.
#[must_use]
pub fn clip_by_norm<M: Module>(module: &M, grads: GradientsParams, limit: f64) -> (GradientsParams, f64) {
    let norm = norm(module, &grads);
    let clipped = if norm > limit { scaled(module, &grads, limit / norm) } else { grads };
    (clipped, norm)
}

struct Selected<'a, F> {
    grads: &'a GradientsParams,
    which: F,
    out: GradientsParams,
}

impl<F: Fn(ParamId) -> bool> ModuleVisitor for Selected<'_, F> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(one) = self.grads.get::<D>(param.id).filter(|_| (self.which)(param.id)) {
            self.out.register(param.id, one);
        }
    }
}

/// Those gradients whose parameters are wanted.
#[must_use]
pub fn selected<M: Module>(module: &M, grads: &GradientsParams, which: impl Fn(ParamId) -> bool) -> GradientsParams {
    let mut visitor = Selected { grads, which, out: GradientsParams::new() };
    module.visit(&mut visitor);
    visitor.out
}

/// The ids of the parameters that training moves: all but the model's [`fixed`](AdaptableModel::fixed) ones.
#[must_use]
pub fn learned<M: AdaptableModel>(model: &M) -> HashSet<ParamId> {
    struct All(HashSet<ParamId>);
    impl ModuleVisitor for All {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            self.0.insert(param.id);
        }
    }
    let mut all = All(HashSet::new());
    model.visit(&mut all);
    &all.0 - &members(model, &model.fixed())
}

struct Values(GradientsParams);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.register(param.id, plain(param.val()));
    }
}

/// The values of all parameters, on the plain device, under their ids.
#[must_use]
pub fn values<M: Module>(module: &M) -> GradientsParams {
    let mut visitor = Values(GradientsParams::new());
    module.visit(&mut visitor);
    visitor.0
}

/// A new leaf in the place of `tensor`, on the graph and tracked as that was: its value is `change` of the old one, computed without a graph.
pub(crate) fn replaced<const D: usize>(tensor: Tensor<D>, change: impl FnOnce(Tensor<D>) -> Tensor<D>) -> Tensor<D> {
    let (tracked, on_graph) = (tensor.is_require_grad(), tensor.is_autodiff());
    let value = change(plain(tensor));
    let leaf = if on_graph { Tensor::from_inner(value) } else { value };
    if tracked { leaf.require_grad() } else { leaf }
}

/// A tensor without its graph.
pub(crate) fn plain<const D: usize>(tensor: Tensor<D>) -> Tensor<D> {
    if tensor.is_autodiff() { tensor.inner() } else { tensor }
}

struct Axpy<'a> {
    grads: &'a GradientsParams,
    scale: f64,
}

impl ModuleMapper for Axpy<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(grad) = self.grads.get::<D>(param.id) else { return param };
        param.map(|tensor| replaced(tensor, |value| value + grad * self.scale))
    }
}

/// The module with `scale * grads` added: new leaves under the same ids, so gradients taken there go to the module's optimizer.
#[must_use]
pub fn axpy<M: Module>(module: M, grads: &GradientsParams, scale: f64) -> M {
    module.map(&mut Axpy { grads, scale })
}

struct Members<'a> {
    group: &'a ParamGroup,
    path: Vec<String>,
    ids: HashSet<ParamId>,
}

impl ModuleVisitor for Members<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if self.group.matches(&param.id, Some(&self.path.join("."))) {
            self.ids.insert(param.id);
        }
    }
}

/// The ids of a module's parameters that are in a group.
#[must_use]
pub fn members<M: Module>(module: &M, group: &ParamGroup) -> HashSet<ParamId> {
    let mut visitor = Members { group, path: Vec::new(), ids: HashSet::new() };
    module.visit(&mut visitor);
    visitor.ids
}

struct Blend<'a> {
    values: &'a GradientsParams,
    weight: f64,
}

impl ModuleMapper for Blend<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.values.get::<D>(param.id) else { return param };
        param.map(|tensor| replaced(tensor, |old| old * (1.0 - self.weight) + value * self.weight))
    }
}

/// `(1 - weight) * old + weight * new`, parameter by parameter, of two states of one module (the same ids).
#[must_use]
pub fn blend<M: Module>(old: M, new: &M, weight: f64) -> M {
    old.map(&mut Blend { values: &values(new), weight })
}

struct Graft<'a> {
    values: &'a GradientsParams,
    ids: &'a HashSet<ParamId>,
}

impl ModuleMapper for Graft<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(value) = self.values.get::<D>(param.id).filter(|_| self.ids.contains(&param.id)) else { return param };
        param.map(|tensor| replaced(tensor, |_| value))
    }
}

/// `stock` with the parameters of a group taken from `scion`, another state of the same module (the same ids).
#[must_use]
pub fn graft<M: Module>(stock: M, scion: &M, group: &ParamGroup) -> M {
    let (values, ids) = (values(scion), members(scion, group));
    stock.map(&mut Graft { values: &values, ids: &ids })
}

struct Finite(bool);

impl ModuleVisitor for Finite {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0 = self.0 && plain(param.val()).is_finite().all().into_scalar::<bool>();
    }
}

/// Whether every parameter is finite.
#[must_use]
pub fn is_finite<M: Module>(module: &M) -> bool {
    let mut visitor = Finite(true);
    module.visit(&mut visitor);
    visitor.0
}
