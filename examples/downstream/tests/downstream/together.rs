//! The learner of this crate on the model of this crate.

use downstream::Context;
use metarec::meta::contract::{check, check_serving, gradient_is_exact};

use super::model::fixture;

#[test]
fn the_learner_keeps_the_contract_on_the_model_of_the_same_crate() {
    let fixture = fixture(Context::new(2, 2, 0.1).unwrap());
    check(&fixture);
    check_serving(&fixture);
}

#[test]
fn its_gradient_goes_through_every_step_on_that_model_too() {
    gradient_is_exact(&fixture(Context::new(2, 2, 0.1).unwrap()));
}
