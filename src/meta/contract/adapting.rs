//! What does not depend on how a learner estimates its gradient.

use burn::Tensor;
use burn::module::Module;

use super::bits::{bits, inspect};
use super::{Fixture, ROUNDING, TASKS, assert_near, distance, host};
use crate::meta::{MetaGradient, MetaLearner, combine, norm};
use crate::model::{AdaptableModel, SupportUse};

/// Gradients belong to parameters of the model and of the state, have no graph, and are finite, as is the loss of every task.
///
/// # Panics
/// If they are not.
pub fn gradients_are_plain_and_finite<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let MetaGradient { model, state, query_loss } = fixture.gradient(&fixture.all());
    for (what, gradient, found) in
        [("model", &model, inspect(&fixture.model, &model)), ("state", &state, inspect(&fixture.state, &state))]
    {
        assert_eq!(found.owned, gradient.len(), "gradients of the {what} that belong to its parameters");
        assert!(found.plain, "a gradient of the {what} is still on the autodiff device");
        assert!(found.finite, "a gradient of the {what} is not finite");
    }
    assert!(norm(&fixture.model, &model) > 0.0, "the gradient of the model is zero");
    assert!(!query_loss.is_autodiff(), "the query loss is still on the autodiff device");
    assert_eq!(query_loss.dims(), [TASKS], "one query loss a task");
    assert!(host(query_loss).iter().all(|loss| loss.is_finite()), "a query loss is not finite");
}

/// `adapt` and `meta_gradient` leave the model and the state bit-identical, and trainable as they were.
///
/// # Panics
/// If they do not.
pub fn adapting_leaves_the_model_as_it_was<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let before = (bits(&fixture.model), bits(&fixture.state));
    let batch = fixture.all();
    let _ = fixture.adapted_losses(&batch);
    assert!(before == (bits(&fixture.model), bits(&fixture.state)), "adapting changed the model or the state");
    let _ = fixture.gradient(&batch);
    assert!(before == (bits(&fixture.model), bits(&fixture.state)), "the meta-gradient changed the model or the state");
}

/// A task without support is served by the model as it is.
///
/// # Panics
/// If its loss is another one.
pub fn without_support_a_task_gets_the_prior<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let (adapted, prior) = (fixture.adapted_losses(&all), host(fixture.model.loss(&all.query).inner()));
    for &task in &fixture.without_support {
        assert_near(
            adapted[task],
            prior[task],
            &format!("loss of task {task} without support, and of the model as it is"),
        );
    }
    if fixture.learner.support_use() == SupportUse::Read {
        // The model as it is may have read the support as well.
        return;
    }
    let moved = (0..TASKS).any(|task| (adapted[task] - prior[task]).abs() > ROUNDING * prior[task].abs());
    assert!(moved, "support changes nothing for any task: the fixture cannot tell the prior from an adapted task");
}

/// A task alone has the loss that it has padded to the longest of many.
///
/// # Panics
/// If it has another.
pub fn padding_does_not_leak<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let (served, trained) = (fixture.adapted_losses(&all), host(fixture.gradient(&all).query_loss));
    for task in 0..TASKS {
        let alone = (fixture.batch)(&[task]);
        assert_near(
            fixture.adapted_losses(&alone)[0],
            served[task],
            &format!("served loss of task {task}, alone and padded"),
        );
        let loss = host(fixture.gradient(&alone).query_loss)[0];
        assert_near(loss, trained[task], &format!("training loss of task {task}, alone and padded"));
    }
}

/// The tasks in another order have the same losses and the same gradient.
///
/// # Panics
/// If they differ by more than rounding.
pub fn the_order_of_tasks_does_not_matter<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    // 13 and 32 have no common divisor.
    let order: Vec<usize> = (0..TASKS).map(|place| (place * 13 + 5) % TASKS).collect();
    let (straight, shuffled) = (fixture.all(), (fixture.batch)(&order));
    let (a, b) = (fixture.gradient(&straight), fixture.gradient(&shuffled));
    let (losses, served) = (host(a.query_loss.clone()), fixture.adapted_losses(&straight));
    let (losses_b, served_b) = (host(b.query_loss.clone()), fixture.adapted_losses(&shuffled));
    for (place, &task) in order.iter().enumerate() {
        assert_near(losses_b[place], losses[task], &format!("training loss of task {task} in another order"));
        assert_near(served_b[place], served[task], &format!("served loss of task {task} in another order"));
    }
    assert_gradients_near(fixture, &a, &b, "the tasks in another order");
}

/// The gradients of 1 and of 31 tasks add up to the gradient of 32, cut from one batch as well as padded on their own.
///
/// # Panics
/// If they differ by more than rounding.
pub fn shards_add_up<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let all = fixture.all();
    let whole = fixture.gradient(&all);
    let rest: Vec<usize> = (1..TASKS).collect();
    for (what, first, rest) in [
        ("shards cut from the batch", all.narrow(0, 1), all.narrow(1, TASKS - 1)),
        ("shards padded on their own", (fixture.batch)(&[0]), (fixture.batch)(&rest)),
    ] {
        let (first, rest) = (fixture.gradient(&first), fixture.gradient(&rest));
        let sum = MetaGradient {
            model: combine(&fixture.model, (&first.model, 1.0), (&rest.model, 1.0)),
            state: combine(&fixture.state, (&first.state, 1.0), (&rest.state, 1.0)),
            query_loss: Tensor::cat(vec![first.query_loss, rest.query_loss], 0),
        };
        assert_gradients_near(fixture, &sum, &whole, what);
    }
}

/// A learner that needs no autodiff serves the same from the plain device.
///
/// # Panics
/// If a loss differs by more than rounding.
pub fn adapting_without_a_graph_gives_the_same<M: AdaptableModel, L: MetaLearner<M>>(fixture: &Fixture<'_, M, L>) {
    let batch = fixture.all();
    let (model, state) = (fixture.model.valid(), fixture.state.valid());
    let adapted = fixture.learner.adapt(&model, &state, &batch.support);
    let plain = host(fixture.learner.query_loss(&model, &state, &adapted, &batch.query));
    for (task, (plain, tracked)) in plain.into_iter().zip(fixture.adapted_losses(&batch)).enumerate() {
        assert_near(plain, tracked, &format!("loss of task {task} without and with a graph"));
    }
}

fn assert_gradients_near<M: AdaptableModel, L: MetaLearner<M>>(
    fixture: &Fixture<'_, M, L>,
    a: &MetaGradient,
    b: &MetaGradient,
    what: &str,
) {
    let (model, state) = (distance(&fixture.model, &a.model, &b.model), distance(&fixture.state, &a.state, &b.state));
    assert!(model <= ROUNDING, "{what}: the gradient of the model is {model:.1e} of its norm away");
    assert!(state <= ROUNDING, "{what}: the gradient of the state is {state:.1e} of its norm away");
}
