//! Learners that break the contract, each in one way, are found out.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU32, Ordering};

use burn::Tensor;
use burn::module::{Module, Param};
use burn::optim::GradientsParams;
use burn::tensor::Device;

use crate::meta::contract::{Fixture, check_serving, what_was_saved_goes_on_as_before};
use crate::meta::tests::{market, points};
use crate::meta::{Anil, AnilConfig, FastHeads, InnerLoopConfig, MetaGradient, MetaLearner, Rates, ServingLearner};
use crate::model::{AdaptableModel, HeadModel, MetaBatch, ServesHeads, Supervision, SupportUse, TaskBatch};

#[derive(Clone, Copy, PartialEq)]
enum Fault {
    None,
    /// Every user is the first.
    TaskIsTheFirst,
    /// Users who are adapted together share a head.
    HeadsAreMixed,
    /// Events change nothing.
    NobodyMoves,
    /// Users without events are not served by the model as it is.
    EverybodyMoves,
}

/// ANIL, but for what is wrong with it.
#[derive(Clone)]
struct Broken {
    anil: Anil,
    fault: Fault,
}

fn broken(fault: Fault) -> Broken {
    Broken { anil: AnilConfig::default().with_inner(InnerLoopConfig::new(2, 1.0)).init().unwrap(), fault }
}

impl<M: HeadModel> MetaLearner<M> for Broken {
    type State = Rates;
    type Adapted = FastHeads<M::Batch>;

    fn init_state(&self, model: &M) -> Rates {
        self.anil.init_state(model)
    }
    fn support_use(&self) -> SupportUse {
        MetaLearner::<M>::support_use(&self.anil)
    }
    fn supervision(&self) -> Supervision {
        MetaLearner::<M>::supervision(&self.anil)
    }
    fn needs_autodiff(&self) -> bool {
        false
    }
    fn adapt(&self, model: &M, state: &Rates, support: &M::Batch) -> FastHeads<M::Batch> {
        let adapted = self.anil.adapt(model, state, support);
        let (heads, tasks) = (adapted.heads(), support.tasks());
        let own = model.head_start().unsqueeze::<2>().expand(heads.dims());
        let heads = match self.fault {
            Fault::HeadsAreMixed => heads.mean_dim(0).expand([tasks, own.dims()[1]]),
            Fault::NobodyMoves => own,
            Fault::EverybodyMoves => heads + 0.1,
            Fault::None | Fault::TaskIsTheFirst => heads,
        };
        FastHeads::new(support.clone(), heads)
    }
    fn query_loss(&self, model: &M, state: &Rates, adapted: &FastHeads<M::Batch>, query: &M::Batch) -> Tensor<1> {
        self.anil.query_loss(model, state, adapted, query)
    }
    fn meta_gradient(&self, model: &M, state: &Rates, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        self.anil.meta_gradient(model, state, batch)
    }
}

impl<M: ServesHeads> ServingLearner<M> for Broken {
    fn task(&self, adapted: &FastHeads<M::Batch>, task: usize) -> FastHeads<M::Batch> {
        adapted.task(if self.fault == Fault::TaskIsTheFirst { 0 } else { task })
    }
    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Tensor<2> {
        self.anil.rank(model, catalogue, adapted)
    }
    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Option<Tensor<2>> {
        self.anil.rate(model, catalogue, adapted)
    }
}

/// What a check says of it.
fn message(check: impl FnOnce()) -> Option<String> {
    let panic = catch_unwind(AssertUnwindSafe(check)).err()?;
    panic.downcast_ref::<String>().cloned().or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
}

#[test]
fn who_serves_one_user_as_another_or_nobody_is_found_out() {
    let said = |fault| message(|| check_serving(&market::fixture(broken(fault))));
    assert_eq!(said(Fault::None), None);
    assert!(said(Fault::TaskIsTheFirst).unwrap().contains("kept apart"));
    assert!(said(Fault::HeadsAreMixed).unwrap().contains("adapted alone"));
    assert!(said(Fault::EverybodyMoves).unwrap().contains("without support"));
    // The Transformer reads events whether or not its head moves; the perceptron does not.
    let on_perceptron = |fault| message(|| check_serving(&market::mlp_fixture(broken(fault))));
    assert!(on_perceptron(Fault::NobodyMoves).unwrap().contains("support changes nothing"));
}

/// A state with a number that is no parameter, and that is another one each time it is made.
#[derive(Module, Debug)]
struct Forgetful {
    #[module(skip)]
    number: u32,
    unused: Param<Tensor<1>>,
}

/// Moves nothing, and scales its loss by the number that is not saved.
struct Scaled(AtomicU32);

impl MetaLearner<points::Regression> for Scaled {
    type State = Forgetful;
    type Adapted = ();

    fn init_state(&self, _: &points::Regression) -> Forgetful {
        let number = self.0.fetch_add(1, Ordering::Relaxed);
        Forgetful { number, unused: Param::from_tensor(Tensor::ones([1], &Device::default().autodiff())) }
    }
    fn support_use(&self) -> SupportUse {
        SupportUse::Read
    }
    fn supervision(&self) -> Supervision {
        Supervision::WholeContext
    }
    fn needs_autodiff(&self) -> bool {
        false
    }
    fn adapt(&self, _: &points::Regression, _: &Forgetful, _: &points::Points) {}
    fn query_loss(&self, model: &points::Regression, state: &Forgetful, (): &(), query: &points::Points) -> Tensor<1> {
        model.loss(query) * f64::from(state.number)
    }
    fn meta_gradient(
        &self,
        model: &points::Regression,
        state: &Forgetful,
        batch: &MetaBatch<points::Points>,
    ) -> MetaGradient {
        let loss = self.query_loss(model, state, &(), &batch.query);
        let model = GradientsParams::from_grads(loss.clone().sum().backward(), model);
        MetaGradient { model, state: GradientsParams::new(), query_loss: loss.inner() }
    }
}

#[test]
fn a_state_that_is_not_all_saved_is_found_out() {
    let fixture: Fixture<'_, points::Regression, Scaled> = points::fixture(Scaled(AtomicU32::new(1)));
    let said = message(|| what_was_saved_goes_on_as_before(&fixture)).unwrap();
    assert!(said.contains("the step after reading is another one"), "{said}");
}
