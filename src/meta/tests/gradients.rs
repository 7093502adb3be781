//! Gradients of losses against differences, and gradient descent without this crate's arithmetic.

use burn::Tensor;
use burn::module::{Module, ModuleMapper, Param, ParamGroup, ParamId};
use burn::optim::{GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::Device;

use crate::meta::contract::worst_error;
use crate::meta::tests::market;
use crate::meta::{AnilConfig, InnerLoopConfig, InnerOptimizer, LearnedRates, MamlConfig, MetaLearner, Moves, Rates};
use crate::meta::{axpy, blend, clip_by_norm, combine, dot, graft, members, norm, scaled, values};
use crate::model::{AdaptableModel, PreferenceModel, Supervision, TaskEvents};

/// Fast weights by Burn's own SGD: steps on each batch in turn, of the head's parameters or of all.
pub(super) fn descend<M: AdaptableModel>(
    model: &M,
    batches: &[&M::Batch],
    (steps, rate): (usize, f64),
    head_only: bool,
) -> M {
    let mut sgd: ModuleOptimizer = SgdConfig::new().init();
    let head: Vec<_> = members(model, &model.head()).into_iter().collect();
    // Training leaves part of the head alone, a task does not.
    let mut fast = model.clone().map(&mut Track(&head));
    for _ in 0..steps {
        for batch in batches {
            let mut grads = fast.loss(batch).sum().backward();
            let gradient = if head_only {
                GradientsParams::from_params(&mut grads, &fast, &head)
            } else {
                GradientsParams::from_module(&mut grads, &fast)
            };
            fast = sgd.step(rate, fast, gradient);
        }
    }
    fast
}

struct Track<'a>(&'a [ParamId]);

impl ModuleMapper for Track<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        if self.0.contains(&param.id) { param.set_require_grad(true) } else { param }
    }
}

#[test]
fn the_loss_of_the_transformer_has_the_gradient_that_autodiff_says() {
    let data = market::market();
    let model = market::transformer(&data);
    let sets: Vec<_> = (0..5).map(|task| market::sets(&data, task)).collect();
    let support: Vec<_> = sets.iter().map(|(support, _)| TaskEvents::support(support)).collect();
    let query: Vec<_> = sets.iter().map(|(support, query)| TaskEvents::query(support, query)).collect();
    for (what, tasks, supervision) in [
        ("support", &support, Supervision::EveryPrefix),
        ("query from every prefix", &query, Supervision::EveryPrefix),
        ("query from the whole context", &query, Supervision::WholeContext),
    ] {
        let batch = model.batch(tasks, supervision, &Device::default());
        let gradient = GradientsParams::from_grads(model.loss(&batch).sum().backward(), &model);
        let worst =
            worst_error(&model, &gradient, |model| model.loss(&batch).into_data().iter::<f32>().map(f64::from).sum());
        println!("transformer, {what}: {worst}");
        assert!(worst.error <= 1e-3, "{what}: {worst}");
    }
}

#[test]
fn unrolled_steps_and_steps_by_autodiff_are_the_same_and_so_are_their_meta_gradients() {
    let inner = InnerLoopConfig::new(3, 0.4).with_optimizer(InnerOptimizer::Momentum { decay: 0.5 });
    let rates = Some(LearnedRates::default());
    let unrolled = AnilConfig { inner: inner.clone(), rates }.init().unwrap();
    let by_products = MamlConfig { inner, moves: Moves::Head, rates, ..MamlConfig::default() }.init().unwrap();
    let (model, batch) = market::model_and_meta_batch();
    let (of_heads, of_module) = (unrolled.init_state(&model), by_products.init_state(&model));
    let losses = |tensor: Tensor<1>| tensor.into_data().iter::<f32>().collect::<Vec<_>>();
    let adapted = unrolled.adapt(&model, &of_heads, &batch.support);
    let by_heads = losses(unrolled.query_loss(&model, &of_heads, &adapted, &batch.query));
    let adapted = by_products.adapt(&model, &of_module, &batch.support);
    let by_module = losses(by_products.query_loss(&model, &of_module, &adapted, &batch.query));
    for (a, b) in by_heads.iter().zip(&by_module) {
        assert!((a - b).abs() <= 1e-5 * (1.0 + b.abs()), "{by_heads:?} {by_module:?}");
    }
    let (a, b) =
        (unrolled.meta_gradient(&model, &of_heads, &batch), by_products.meta_gradient(&model, &of_module, &batch));
    let far = norm(&model, &combine(&model, (&a.model, 1.0), (&b.model, -1.0))) / norm(&model, &a.model);
    let rates = |state: &GradientsParams, rates: &Rates| rates.id().and_then(|id| state.get::<2>(id)).unwrap();
    let (by_heads, by_module) = (rates(&a.state, &of_heads), rates(&b.state, &of_module));
    let length = |tensor: Tensor<2>| f64::from(tensor.square().sum().sqrt().into_scalar::<f32>());
    let far_rates = length(by_heads.clone() - by_module) / length(by_heads);
    assert!(far_rates <= 1e-3, "rates: {far_rates}");
    println!("unrolled and by Hessian-vector products: {far:.1e} apart");
    assert!(far <= 1e-3, "{far}");
}

/// Two parameters with numbers to do sums with.
#[derive(Module, Debug)]
struct Pair {
    a: Param<Tensor<1>>,
    b: Param<Tensor<2>>,
}

struct Named<'a>(&'a GradientsParams, Vec<f32>);

impl burn::module::ModuleVisitor for Named<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.1.extend(
            self.0.get::<D>(param.id).into_iter().flat_map(|t| t.into_data().iter::<f32>().collect::<Vec<_>>()),
        );
    }
}

fn numbers(module: &Pair, grads: &GradientsParams) -> Vec<f32> {
    let mut named = Named(grads, Vec::new());
    module.visit(&mut named);
    named.1
}

#[test]
fn arithmetic_on_gradients_gives_what_a_hand_gives() {
    let device = Device::default().autodiff();
    let module = Pair { a: Param::from_data([1.0, 2.0], &device), b: Param::from_data([[3.0, -4.0]], &device) };
    let own = values(&module);
    assert_eq!(numbers(&module, &own), [1.0, 2.0, 3.0, -4.0]);
    let mut half = GradientsParams::new();
    half.register(module.a.id, Tensor::<1>::from_data([10.0, 20.0], &Device::default()));
    assert_eq!(numbers(&module, &combine(&module, (&own, 2.0), (&half, -1.0))), [-8.0, -16.0, 6.0, -8.0]);
    assert_eq!(numbers(&module, &scaled(&module, &own, 0.5)), [0.5, 1.0, 1.5, -2.0]);
    assert_eq!(dot(&module, &own, &half), 50.0);
    assert_eq!(norm(&module, &own), 30.0_f64.sqrt());
    // The norm is that of all parameters together, not of each.
    let (clipped, before) = clip_by_norm(&module, scaled(&module, &own, 1.0), 30.0_f64.sqrt() / 2.0);
    assert_eq!((numbers(&module, &clipped), before), (vec![0.5, 1.0, 1.5, -2.0], 30.0_f64.sqrt()));
    let moved = axpy(module.clone(), &half, 0.1);
    assert_eq!(numbers(&moved, &values(&moved)), [2.0, 4.0, 3.0, -4.0]);
    assert!(moved.a.val().is_require_grad() && moved.a.id == module.a.id, "moved parameters stay trainable");
    assert_eq!(numbers(&module, &values(&module)), [1.0, 2.0, 3.0, -4.0], "the module that was moved from stays");
}

#[test]
fn blends_and_grafts_take_what_they_should_and_stay_trainable() {
    let device = Device::default().autodiff();
    let old = Pair { a: Param::from_data([1.0, 2.0], &device), b: Param::from_data([[3.0, -4.0]], &device) };
    // Another state of the same module.
    let new = axpy(old.clone(), &values(&old), 1.0);
    let blended = blend(old.clone(), &new, 0.25);
    assert_eq!(numbers(&blended, &values(&blended)), [1.25, 2.5, 3.75, -5.0]);
    let grafted = graft(old.clone(), &new, &ParamGroup::from_regex(r"^b(\.|$)").unwrap());
    assert_eq!(numbers(&grafted, &values(&grafted)), [1.0, 2.0, 6.0, -8.0]);
    for module in [blended, grafted] {
        assert!(module.a.val().is_require_grad() && module.b.val().is_require_grad());
        assert_eq!((module.a.id, module.b.id), (old.a.id, old.b.id));
    }
}

#[test]
fn parameters_that_are_not_finite_are_found_wherever_they_are() {
    struct Spoil(usize);
    impl ModuleMapper for Spoil {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            let hit = self.0 == 0;
            self.0 = self.0.wrapping_sub(1);
            if hit { param.map(|tensor| tensor / 0.0) } else { param }
        }
    }
    let device = Device::default();
    let module = Pair { a: Param::from_data([1.0, 2.0], &device), b: Param::from_data([[3.0, -4.0]], &device) };
    assert!(crate::meta::is_finite(&module));
    for at in 0..2 {
        assert!(!crate::meta::is_finite(&module.clone().map(&mut Spoil(at))), "parameter {at}");
    }
}
