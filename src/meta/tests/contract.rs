//! One line a learner and model.

use crate::meta::contract::{
    Fixture, check, check_serving, gradient_is_exact, gradient_is_first_order, gradient_is_the_way_to_the_fast_weights,
    head_is_consistent, jiggled,
};
use crate::meta::tests::gradients::descend;
use crate::meta::tests::{market, points};
use crate::meta::{
    AnilConfig, ClosedFormConfig, FomamlConfig, InContextConfig, InnerLoopConfig, InnerOptimizer, LearnedRates, Maml,
    MamlConfig, MetaLearner, MetaSgdConfig, Moves, RateScope, Rates, ReptileConfig, ServingLearner, combine, norm,
};
use crate::model::PreferenceModel;

/// Two steps of a length that moves a tiny model visibly.
fn steps() -> InnerLoopConfig {
    InnerLoopConfig::new(2, 0.1)
}

const MOMENTUM: InnerOptimizer = InnerOptimizer::Momentum { decay: 0.7 };
/// With an epsilon of the size of the gradients, so that steps are smooth enough to be differentiated numerically.
const ADAM: InnerOptimizer = InnerOptimizer::Adam { beta_1: 0.6, beta_2: 0.8, epsilon: 0.5 };

fn every_step_of_every_tensor() -> Option<LearnedRates> {
    Some(LearnedRates::of(RateScope::Tensor).for_each_step())
}

fn maml(moves: Moves, rates: Option<LearnedRates>, optimizer: InnerOptimizer) -> Maml {
    let inner = steps().with_optimizer(optimizer);
    MamlConfig { inner, moves, rates, ..MamlConfig::default() }.init().unwrap()
}

fn anil(rates: Option<LearnedRates>, optimizer: InnerOptimizer) -> AnilConfig {
    AnilConfig { inner: steps().with_optimizer(optimizer), rates }
}

/// The contract and what is asked of serving.
fn check_all<M: PreferenceModel, L: ServingLearner<M>>(fixture: &Fixture<'_, M, L>) {
    check(fixture);
    check_serving(fixture);
}

#[test]
fn every_learner_keeps_the_contract_on_a_transformer() {
    check_all(&market::fixture(ClosedFormConfig::default().init()));
    check_all(&market::fixture(InContextConfig::default().init()));
    check_all(&market::fixture(anil(every_step_of_every_tensor(), ADAM).init().unwrap()));
    for moves in [Moves::Head, Moves::All] {
        let (inner, rates) = (steps(), None);
        check_all(&market::fixture(FomamlConfig { inner: inner.clone(), moves: moves.clone(), rates }.init().unwrap()));
        check_all(&market::fixture(ReptileConfig { inner, moves: moves.clone() }.init().unwrap()));
        check_all(&market::fixture(maml(moves, None, MOMENTUM)));
    }
    check_all(&market::fixture(MetaSgdConfig::default().init().unwrap()));
}

#[test]
fn gradient_learners_keep_the_contract_on_a_model_without_users_and_items() {
    check(&points::fixture(anil(None, InnerOptimizer::Sgd {}).init().unwrap()));
    let body = Moves::Matching("^(body|bias)$".to_owned());
    for moves in [Moves::Head, Moves::All, body] {
        let (inner, rates) = (steps().with_optimizer(ADAM), every_step_of_every_tensor());
        check(&points::fixture(FomamlConfig { inner: inner.clone(), moves: moves.clone(), rates }.init().unwrap()));
        check(&points::fixture(ReptileConfig { inner, moves: moves.clone() }.init().unwrap()));
        check(&points::fixture(maml(moves, None, InnerOptimizer::Sgd {})));
    }
    check(&points::fixture(MetaSgdConfig::default().init().unwrap()));
}

#[test]
fn every_learner_keeps_the_contract_on_a_perceptron_and_their_gradients_are_what_they_say() {
    // It reads nothing, so that what is served in context does not depend on the user.
    check(&market::mlp_fixture(InContextConfig::default().init()));
    let closed = market::mlp_fixture(ClosedFormConfig::default().init());
    check_all(&closed);
    println!("closed form, perceptron: {:.1e}", gradient_is_exact(&closed));
    let anil = market::mlp_fixture(anil(every_step_of_every_tensor(), InnerOptimizer::Sgd {}).init().unwrap());
    check_all(&anil);
    println!("ANIL, perceptron: {:.1e}", gradient_is_exact(&anil));
    let maml = market::mlp_fixture(maml(Moves::All, None, InnerOptimizer::Sgd {}));
    check_all(&maml);
    println!("MAML, perceptron: {:.1e}", gradient_is_exact(&maml));
    for moves in [Moves::Head, Moves::All] {
        check_all(&market::mlp_fixture(
            FomamlConfig { inner: steps(), moves: moves.clone(), rates: None }.init().unwrap(),
        ));
        check_all(&market::mlp_fixture(ReptileConfig { inner: steps(), moves }.init().unwrap()));
    }
}

#[test]
fn the_closed_form_gradient_is_exact() {
    // GaussianPrior starts at a fit; moved, so that no entry of its scale is zero.
    let fixture = market::fixture(ClosedFormConfig::default().init());
    let state = jiggled(fixture.state().clone(), 0.2);
    let fixture = fixture.with_state(state);
    let error = gradient_is_exact(&fixture);
    println!("closed form: {error:.1e}");
}

#[test]
fn the_gradient_of_a_model_that_reads_is_exact() {
    println!("in context: {:.1e}", gradient_is_exact(&market::fixture(InContextConfig::default().init())));
}

#[test]
fn unrolled_gradients_are_exact_for_any_number_of_steps_any_rates_and_any_optimizer() {
    for inner_steps in [0, 1, 5] {
        let config = AnilConfig { inner: InnerLoopConfig::new(inner_steps, 0.3), rates: None };
        println!(
            "ANIL, {inner_steps} steps, points: {:.1e}",
            gradient_is_exact(&points::fixture(config.init().unwrap()))
        );
    }
    let config = AnilConfig { inner: InnerLoopConfig::new(5, 0.3), rates: None };
    println!("ANIL, 5 steps, market: {:.1e}", gradient_is_exact(&market::fixture(config.init().unwrap())));
    for optimizer in [InnerOptimizer::Sgd {}, MOMENTUM, ADAM] {
        for scope in [RateScope::Everything, RateScope::Tensor, RateScope::Element] {
            for rates in [LearnedRates::of(scope), LearnedRates::of(scope).for_each_step()] {
                let fixture = points::fixture(anil(Some(rates), optimizer).init().unwrap());
                let state = jiggled(fixture.state().clone(), 0.2);
                let error = gradient_is_exact(&fixture.with_state(state));
                println!("ANIL, {optimizer:?}, {rates:?}, points: {error:.1e}");
            }
        }
    }
    let fixture = market::fixture(anil(every_step_of_every_tensor(), ADAM).init().unwrap());
    let state = jiggled(fixture.state().clone(), 0.2);
    println!("ANIL, Adam, learned rates, market: {:.1e}", gradient_is_exact(&fixture.with_state(state)));
}

#[test]
fn hessian_vector_gradients_are_exact_for_any_parameters_any_rates_and_any_optimizer() {
    for inner_steps in [0, 1, 5] {
        let config = MamlConfig { inner: InnerLoopConfig::new(inner_steps, 0.1), ..MamlConfig::default() };
        println!(
            "MAML, {inner_steps} steps, points: {:.1e}",
            gradient_is_exact(&points::fixture(config.init().unwrap()))
        );
    }
    for moves in [Moves::Head, Moves::Matching("^body$".to_owned())] {
        let error = gradient_is_exact(&points::fixture(maml(moves.clone(), None, InnerOptimizer::Sgd {})));
        println!("MAML, {moves:?}, points: {error:.1e}");
    }
    for optimizer in [InnerOptimizer::Sgd {}, MOMENTUM, ADAM] {
        for scope in [RateScope::Everything, RateScope::Tensor, RateScope::Element] {
            for rates in [LearnedRates::of(scope), LearnedRates::of(scope).for_each_step()] {
                let fixture = points::fixture(maml(Moves::All, Some(rates), optimizer));
                let state = jiggled(fixture.state().clone(), 0.2);
                let error = gradient_is_exact(&fixture.with_state(state));
                println!("MAML, {optimizer:?}, {rates:?}: {error:.1e}");
            }
        }
    }
}

#[test]
fn hessian_vector_gradients_are_exact_on_a_transformer() {
    let error = gradient_is_exact(&market::fixture(maml(Moves::All, None, InnerOptimizer::Sgd {})));
    println!("MAML, everything moves, market: {error:.1e}");
    let fixture = market::fixture(MetaSgdConfig { moves: Moves::Head, ..MetaSgdConfig::default() }.init().unwrap());
    println!("Meta-SGD, the head moves, market: {:.1e}", gradient_is_exact(&fixture));
}

#[test]
fn heads_have_the_gradient_that_their_model_says() {
    let (model, batch) = market::model_and_meta_batch();
    for (sets, batch) in [("support", &batch.support), ("query", &batch.query)] {
        println!("head of the transformer, {sets}: {:.1e}", head_is_consistent(&model, batch));
    }
    let (model, batch) = points::model_and_meta_batch();
    for (sets, batch) in [("support", &batch.support), ("query", &batch.query)] {
        println!("head of the regression, {sets}: {:.1e}", head_is_consistent(&model, batch));
    }
}

#[test]
fn the_first_order_gradient_is_the_gradient_at_the_fast_weights() {
    for (moves, head_only) in [(Moves::Head, true), (Moves::All, false)] {
        let learner = FomamlConfig { inner: steps(), moves, rates: None }.init().unwrap();
        gradient_is_first_order(&market::fixture(learner.clone()), |model, one| {
            descend(model, &[&one.support], (2, 0.1), head_only)
        });
        gradient_is_first_order(&points::fixture(learner), |model, one| {
            descend(model, &[&one.support], (2, 0.1), head_only)
        });
    }
}

#[test]
fn after_one_step_the_gradient_of_rates_is_exact_in_first_order_as_well() {
    // The step is along a gradient at the initialisation, which has no rates in it: there the two estimators must agree on the rates.
    for (moves, optimizer) in [(Moves::Head, InnerOptimizer::Sgd {}), (Moves::All, MOMENTUM), (Moves::All, ADAM)] {
        for scope in [RateScope::Everything, RateScope::Tensor, RateScope::Element] {
            let inner = InnerLoopConfig::new(1, 0.3).with_optimizer(optimizer);
            let rates = Some(LearnedRates::of(scope));
            let config = FomamlConfig { inner: inner.clone(), moves: moves.clone(), rates };
            let first = points::fixture(config.init().unwrap());
            let exact = MamlConfig { inner, moves: moves.clone(), rates, ..MamlConfig::default() };
            let exact = points::fixture(exact.init().unwrap()).with_state(first.state().clone());
            let far = rates_apart(&first, &exact);
            assert!(far < 1e-5, "{moves:?}, {optimizer:?}, {scope:?}: {far:.1e}");
        }
    }
}

/// How far the gradients of the rates are apart, relative to the second; the fixtures share a state.
fn rates_apart<A, B>(a: &Fixture<'_, points::Regression, A>, b: &Fixture<'_, points::Regression, B>) -> f64
where
    A: MetaLearner<points::Regression, State = Rates>,
    B: MetaLearner<points::Regression, State = Rates>,
{
    let (found, expected) = (a.meta_gradient().state, b.meta_gradient().state);
    norm(a.state(), &combine(a.state(), (&found, 1.0), (&expected, -1.0))) / norm(a.state(), &expected)
}

#[test]
fn the_gradient_of_reptile_is_theta_minus_phi() {
    for (moves, head_only) in [(Moves::Head, true), (Moves::All, false)] {
        let learner = ReptileConfig { inner: steps(), moves }.init().unwrap();
        gradient_is_the_way_to_the_fast_weights(&market::fixture(learner.clone()), |model, one| {
            descend(model, &[&one.support, &one.query], (2, 0.1), head_only)
        });
        gradient_is_the_way_to_the_fast_weights(&points::fixture(learner), |model, one| {
            descend(model, &[&one.support, &one.query], (2, 0.1), head_only)
        });
    }
}

#[test]
fn the_first_order_gradient_is_not_exact() {
    // What tells the two estimators apart: otherwise the check for exactness would pass anything.
    let config = FomamlConfig { inner: InnerLoopConfig::new(3, 0.3), moves: Moves::All, rates: None };
    let fixture = points::fixture(config.init().unwrap());
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| gradient_is_exact(&fixture)));
    assert!(failed.is_err());
}
