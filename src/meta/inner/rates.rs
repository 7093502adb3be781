//! Learned lengths of inner steps.

use std::collections::HashMap;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param, ParamId};
use burn::tensor::Device;
use serde::{Deserialize, Serialize};

/// What has a learned rate of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateScope {
    /// Everything that moves shares one.
    Everything,
    /// Each parameter tensor, or each part of an unrolled head (as Antoniou, Edwards and Storkey, 2019, "How to train your MAML", have one for each layer).
    #[default]
    Tensor,
    /// Each number (Meta-SGD).
    Element,
}

/// Whether inner steps have rates of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum RateSteps {
    /// All steps share them.
    #[default]
    Shared,
    /// Every step has its own.
    Own,
}

/// Rates that are meta-learned: each is `inner_lr` times a number that starts at 1 and may become anything, zero and negative numbers included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct LearnedRates {
    /// What has a rate of its own.
    pub scope: RateScope,
    /// Whether steps have.
    pub steps: RateSteps,
}

impl LearnedRates {
    /// One rate for each of these, shared by all steps.
    #[must_use]
    pub fn of(scope: RateScope) -> Self {
        Self { scope, steps: RateSteps::Shared }
    }

    /// The same with rates of its own for every step.
    #[must_use]
    pub fn for_each_step(self) -> Self {
        Self { steps: RateSteps::Own, ..self }
    }
}

/// The state of a learner of rates: what `inner_lr` is multiplied by, or nothing where rates are fixed.
#[derive(Module, Debug)]
pub struct Rates {
    /// `[steps, rates]`, where `steps` is 1 if they share rates.
    multipliers: Option<Param<Tensor<2>>>,
}

impl Rates {
    /// All at 1.
    pub(crate) fn new(learned: Option<LearnedRates>, steps: usize, layout: &Layout, device: &Device) -> Self {
        let ones = |learned: LearnedRates| {
            let rows = if learned.steps == RateSteps::Own { steps.max(1) } else { 1 };
            let width = match learned.scope {
                RateScope::Everything => 1,
                RateScope::Tensor => layout.widths.len(),
                RateScope::Element => layout.widths.iter().sum(),
            };
            Param::from_tensor(Tensor::ones([rows, width.max(1)], device))
        };
        Self { multipliers: learned.map(ones) }
    }

    /// What `inner_lr` is multiplied by, `[steps, rates]` with one step where all share, on the device of the state; `None` where rates are fixed.
    #[must_use]
    pub fn multipliers(&self) -> Option<Tensor<2>> {
        self.multipliers.as_ref().map(Param::val)
    }

    /// The same with other multipliers, of the same shape.
    #[cfg(test)]
    pub(crate) fn with_multipliers(self, data: burn::tensor::TensorData) -> Self {
        let put = |param: Param<Tensor<2>>| {
            let device = param.val().device();
            let wanted = param.val().dims();
            let new = Tensor::<2>::from_data(data, &device);
            assert_eq!(new.dims(), wanted);
            param.map(|_| new.require_grad())
        };
        Self { multipliers: self.multipliers.map(put) }
    }

    /// The id under which the multipliers' gradient goes.
    pub(crate) fn id(&self) -> Option<ParamId> {
        self.multipliers.as_ref().map(|param| param.id)
    }
}

/// What moves, in an order: how many numbers each tensor has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Layout {
    widths: Vec<usize>,
    places: HashMap<ParamId, usize>,
}

impl Layout {
    /// Tensors of these widths.
    pub(crate) fn of_parts(widths: Vec<usize>) -> Self {
        Self { widths, places: HashMap::new() }
    }

    /// The parameters of a module that `moves` says yes to, in the module's order.
    pub(crate) fn of_module<M: Module>(module: &M, moves: impl Fn(ParamId) -> bool) -> Self {
        let mut visitor = Measure { moves, layout: Self::default() };
        module.visit(&mut visitor);
        visitor.layout
    }

    pub(crate) fn contains(&self, id: ParamId) -> bool {
        self.places.contains_key(&id)
    }

    pub(crate) fn ids(&self) -> Vec<ParamId> {
        let mut ids: Vec<(usize, ParamId)> = self.places.iter().map(|(&id, &place)| (place, id)).collect();
        ids.sort_unstable_by_key(|(place, _)| *place);
        ids.into_iter().map(|(_, id)| id).collect()
    }

    /// Where the rates of tensor number `place` stand, if there are `rates` in all.
    fn range(&self, place: usize, rates: usize) -> (usize, usize) {
        if rates == 1 {
            (0, 1)
        } else if rates == self.widths.len() {
            (place, 1)
        } else {
            (self.widths[..place].iter().sum(), self.widths[place])
        }
    }

    /// The multipliers of step `step` for one parameter, in a shape that broadcasts with it.
    pub(crate) fn rate<const D: usize>(
        &self,
        multipliers: &Tensor<2>,
        step: usize,
        id: ParamId,
        shape: [usize; D],
    ) -> Tensor<D> {
        let [rows, rates] = multipliers.dims();
        let (start, width) = self.range(self.places.get(&id).copied().unwrap_or(0), rates);
        let row = multipliers.clone().narrow(0, step.min(rows - 1), 1).narrow(1, start, width);
        row.reshape(if width == 1 { [1; D] } else { shape })
    }

    /// The multipliers of step `step` for all tensors in a row, `[1, numbers]` or `[1, 1]`.
    pub(crate) fn row(&self, multipliers: &Tensor<2>, step: usize) -> Tensor<2> {
        let [rows, rates] = multipliers.dims();
        let row = multipliers.clone().narrow(0, step.min(rows - 1), 1);
        if rates == 1 || rates == self.widths.iter().sum::<usize>() {
            return row;
        }
        let each = self.widths.iter().enumerate();
        Tensor::cat(each.map(|(place, &width)| row.clone().narrow(1, place, 1).expand([1, width])).collect(), 1)
    }

    /// The derivative in the multipliers of one step, `[1, rates]`, from that in what was added to each number of each tensor that moved.
    pub(crate) fn gathered(&self, each: &HashMap<ParamId, Tensor<1>>, rates: usize, device: &Device) -> Tensor<2> {
        let all = self.ids().into_iter().zip(&self.widths).map(|(id, &width)| match each.get(&id) {
            Some(tensor) => tensor.clone(),
            None => Tensor::zeros([width], device),
        });
        let all: Vec<Tensor<1>> = all.collect();
        if all.is_empty() {
            // Nothing moves, so there is nothing to derive.
            return Tensor::zeros([1, rates], device);
        }
        if rates == 1 {
            let sums: Vec<Tensor<1>> = all.into_iter().map(Tensor::sum).collect();
            return Tensor::cat(sums, 0).sum().reshape([1, 1]);
        }
        if rates == self.widths.len() {
            let sums: Vec<Tensor<1>> = all.into_iter().map(Tensor::sum).collect();
            return Tensor::cat(sums, 0).reshape([1, rates]);
        }
        Tensor::cat(all, 0).reshape([1, rates])
    }
}

struct Measure<F> {
    moves: F,
    layout: Layout,
}

impl<F: Fn(ParamId) -> bool> ModuleVisitor for Measure<F> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if (self.moves)(param.id) && !self.layout.contains(param.id) {
            self.layout.places.insert(param.id, self.layout.widths.len());
            self.layout.widths.push(param.val().shape().num_elements());
        }
    }
}
