//! The bits of parameters and gradients.

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::optim::GradientsParams;

/// The bits of every parameter, and whether it is trainable.
pub(super) type Bits = Vec<(ParamId, bool, Vec<u32>)>;

#[derive(Default)]
pub(super) struct Read(Bits);

impl ModuleVisitor for Read {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let bits = param.val().into_data().iter::<f32>().map(f32::to_bits).collect();
        self.0.push((param.id, param.val().is_require_grad(), bits));
    }
}

pub(super) fn bits<M: Module>(module: &M) -> Bits {
    let mut read = Read::default();
    module.visit(&mut read);
    read.0
}

pub(super) struct GradientBits<'a> {
    gradient: &'a GradientsParams,
    bits: Vec<Vec<u32>>,
}

impl ModuleVisitor for GradientBits<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradient.get::<D>(param.id);
        self.bits.push(
            gradient.map_or_else(Vec::new, |gradient| gradient.into_data().iter::<f32>().map(f32::to_bits).collect()),
        );
    }
}

/// The bits of the gradient of every parameter, in the order of the module; none where there is no gradient.
pub(super) fn gradient_bits<M: Module>(module: &M, gradient: &GradientsParams) -> Vec<Vec<u32>> {
    let mut visitor = GradientBits { gradient, bits: Vec::new() };
    module.visit(&mut visitor);
    visitor.bits
}

pub(super) struct Inspect<'a> {
    gradient: &'a GradientsParams,
    pub(super) owned: usize,
    pub(super) plain: bool,
    pub(super) finite: bool,
}

impl ModuleVisitor for Inspect<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let Some(gradient) = self.gradient.get::<D>(param.id) else { return };
        self.owned += 1;
        self.plain &= !gradient.is_autodiff();
        self.finite &= gradient.into_data().iter::<f32>().all(f32::is_finite);
    }
}

pub(super) fn inspect<'a, M: Module>(module: &M, gradient: &'a GradientsParams) -> Inspect<'a> {
    let mut inspect = Inspect { gradient, owned: 0, plain: true, finite: true };
    module.visit(&mut inspect);
    inspect
}
