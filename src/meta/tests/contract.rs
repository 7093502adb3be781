//! One line a learner and model.

use crate::meta::contract::{
    check, gradient_is_exact, gradient_is_first_order, gradient_is_the_way_to_the_fast_weights, jiggled,
};
use crate::meta::tests::gradients::descend;
use crate::meta::tests::{market, points};
use crate::meta::{ClosedFormConfig, FomamlConfig, InnerLoopConfig, Moves, ReptileConfig};

const HEAD: InnerLoopConfig = InnerLoopConfig { inner_steps: 2, inner_lr: 0.1, moves: Moves::Head };
const ALL: InnerLoopConfig = InnerLoopConfig { inner_steps: 2, inner_lr: 0.1, moves: Moves::All };

#[test]
fn every_learner_keeps_the_contract_on_a_transformer() {
    check(&market::fixture(ClosedFormConfig::default().init()));
    for inner in [HEAD, ALL] {
        check(&market::fixture(FomamlConfig { inner: inner.clone() }.init().unwrap()));
        check(&market::fixture(ReptileConfig { inner }.init().unwrap()));
    }
}

#[test]
fn gradient_learners_keep_the_contract_on_a_model_without_users_and_items() {
    for inner in [HEAD, ALL] {
        check(&points::fixture(FomamlConfig { inner: inner.clone() }.init().unwrap()));
        check(&points::fixture(ReptileConfig { inner }.init().unwrap()));
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
fn the_first_order_gradient_is_the_gradient_at_the_fast_weights() {
    for (inner, head_only) in [(HEAD, true), (ALL, false)] {
        let (steps, rate) = (inner.inner_steps, inner.inner_lr);
        let learner = FomamlConfig { inner }.init().unwrap();
        gradient_is_first_order(&market::fixture(learner.clone()), |model, one| {
            descend(model, &[&one.support], (steps, rate), head_only)
        });
        gradient_is_first_order(&points::fixture(learner), |model, one| {
            descend(model, &[&one.support], (steps, rate), head_only)
        });
    }
}

#[test]
fn the_gradient_of_reptile_is_theta_minus_phi() {
    for (inner, head_only) in [(HEAD, true), (ALL, false)] {
        let (steps, rate) = (inner.inner_steps, inner.inner_lr);
        let learner = ReptileConfig { inner }.init().unwrap();
        gradient_is_the_way_to_the_fast_weights(&market::fixture(learner.clone()), |model, one| {
            descend(model, &[&one.support, &one.query], (steps, rate), head_only)
        });
        gradient_is_the_way_to_the_fast_weights(&points::fixture(learner), |model, one| {
            descend(model, &[&one.support, &one.query], (steps, rate), head_only)
        });
    }
}

#[test]
fn the_first_order_gradient_is_not_exact() {
    // What tells the two estimators apart: otherwise the check for exactness would pass anything.
    let inner = InnerLoopConfig { inner_steps: 3, inner_lr: 0.3, moves: Moves::All };
    let fixture = points::fixture(FomamlConfig { inner }.init().unwrap());
    let failed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| gradient_is_exact(&fixture)));
    assert!(failed.is_err());
}
