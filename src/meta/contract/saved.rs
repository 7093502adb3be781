//! What is written out and read again.

use burn::module::Module;
use burn::store::ModuleRecord;

use super::Fixture;
use super::bits::{Bits, bits, gradient_bits};
use crate::meta::{MetaGradient, MetaLearner, axpy, norm};
use crate::model::AdaptableModel;

/// A model and a state that have taken a step, written out and read into fresh ones, are the same to the bit, and so are their next losses and gradient.
///
/// # Panics
/// If something was lost on the way: what is no parameter is not saved.
pub fn what_was_saved_goes_on_as_before<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let MetaGradient { model: gradient, state: of_state, .. } = fixture.gradient(&all);
    let model = axpy(fixture.model.clone(), &gradient, -0.01 / norm(&fixture.model, &gradient).max(1.0));
    let state = axpy(fixture.state.clone(), &of_state, -0.01 / norm(&fixture.state, &of_state).max(1.0));
    let read_model = read_back(fixture.model.clone(), &model);
    let read_state = read_back(fixture.learner.init_state(&fixture.model), &state);
    let next = |model: &M, state: &L::State| {
        let MetaGradient { model: gradient, state: of_state, query_loss } =
            fixture.learner.meta_gradient(model, state, &all);
        let losses: Vec<u32> = query_loss.into_data().iter::<f32>().map(f32::to_bits).collect();
        (losses, gradient_bits(model, &gradient), gradient_bits(state, &of_state))
    };
    for (what, written, read) in
        [("model", bits(&model), bits(&read_model)), ("state", bits(&state), bits(&read_state))]
    {
        let numbers = |bits: Bits| bits.into_iter().map(|(_, _, bits)| bits).collect::<Vec<_>>();
        assert!(numbers(written) == numbers(read), "the {what} is not read as it was written");
    }
    assert!(next(&model, &state) == next(&read_model, &read_state), "the step after reading is another one");
}

/// `fresh` with what `module` writes.
fn read_back<M: Module>(fresh: M, module: &M) -> M {
    let bytes = module.clone().into_record().into_bytes().expect("parameters can be written");
    let record = ModuleRecord::from_bytes(bytes).expect("what was written can be read");
    fresh.try_load_record(record).expect("parameters fit a fresh module")
}
