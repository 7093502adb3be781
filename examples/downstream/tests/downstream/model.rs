use burn::tensor::Device;
use downstream::{MeanTaste, MeanTasteConfig, TasteBatch};
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, IndexedEvent, TaskHistory, UserIndex};
use metarec::meta::contract::{Fixture, TASKS, check, check_serving, gradient_is_exact, head_is_consistent, jiggled};
use metarec::meta::{
    AnilConfig, FomamlConfig, InContextConfig, InnerLoopConfig, MamlConfig, MetaLearner, Moves, ReptileConfig,
    ServingLearner,
};
use metarec::model::{
    AdaptableModel, MetaBatch, PreferenceModel, PreferenceSchema, Supervision, SupportUse, TaskEvents,
};

/// A tiny market: a user for each task.
fn market() -> Dataset {
    MarketConfig::default().with_users(TASKS).with_items(24).with_events(18).generate().unwrap().into_dataset()
}

/// A tiny model with random numbers added to every weight, so that nothing is zero by chance.
fn model(data: &Dataset) -> MeanTaste {
    let users = (0..TASKS as u32).map(UserIndex);
    let tasks: Vec<TaskHistory> = users.map(|user| TaskHistory { user, events: data.history(user).to_vec() }).collect();
    let config = MeanTasteConfig { width: 4, max_context: 8 };
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &tasks, data.like_rule());
    jiggled(MeanTaste::new(&config, &schema, &Device::default().autodiff()).fitted_to(&tasks, 0), 0.3)
}

/// How many events a task shows: lengths differ, some are more than the model reads, and every seventh task shows none.
fn shots(task: usize) -> usize {
    if task.is_multiple_of(7) { 0 } else { 1 + task % 10 }
}

fn sets(data: &Dataset, task: usize) -> (&[IndexedEvent], &[IndexedEvent]) {
    let (support, later) = data.history(UserIndex(task as u32)).split_at(shots(task));
    (support, &later[..later.len().min(2 + task % 4)])
}

fn batches(
    (data, model): (&Dataset, &MeanTaste),
    tasks: &[usize],
    support: SupportUse,
    supervision: Supervision,
) -> MetaBatch<TasteBatch> {
    let sets: Vec<_> = tasks.iter().map(|&task| sets(data, task)).collect();
    let supports: Vec<_> = sets.iter().map(|(events, _)| support.of(events)).collect();
    let queries: Vec<_> = sets.iter().map(|(support, query)| TaskEvents::query(support, query)).collect();
    MetaBatch {
        support: model.batch(&supports, Supervision::EveryPrefix, &Device::default()),
        query: model.batch(&queries, supervision, &Device::default()),
    }
}

/// The model and a learner, with tasks to hold them to the contract by.
pub fn fixture<L: MetaLearner<MeanTaste>>(learner: L) -> Fixture<'static, MeanTaste, L> {
    let data = market();
    let model = model(&data);
    let (maker, support, supervision) = (model.clone(), learner.support_use(), learner.supervision());
    let without_support = (0..TASKS).filter(|&task| shots(task) == 0).collect();
    Fixture::new(model, learner, without_support, move |tasks| batches((&data, &maker), tasks, support, supervision))
}

fn steps() -> InnerLoopConfig {
    InnerLoopConfig::new(2, 0.1)
}

fn hold<L: ServingLearner<MeanTaste>>(learner: L) {
    let fixture = fixture(learner);
    check(&fixture);
    check_serving(&fixture);
}

#[test]
fn every_learner_keeps_the_contract_on_the_model() {
    hold(InContextConfig::default().init());
    hold(AnilConfig::default().with_inner(steps()).init().unwrap());
    for moves in [Moves::Head, Moves::All] {
        hold(MamlConfig::default().with_inner(steps()).with_moves(moves.clone()).init().unwrap());
        hold(FomamlConfig::default().with_inner(steps()).with_moves(moves.clone()).init().unwrap());
        hold(ReptileConfig::default().with_inner(steps()).with_moves(moves).init().unwrap());
    }
}

#[test]
fn gradients_through_the_model_are_exact() {
    gradient_is_exact(&fixture(InContextConfig::default().init()));
    gradient_is_exact(&fixture(AnilConfig::default().with_inner(steps()).init().unwrap()));
    gradient_is_exact(&fixture(MamlConfig::default().with_inner(steps()).with_moves(Moves::All).init().unwrap()));
}

#[test]
fn the_head_has_the_gradient_that_the_model_says() {
    let data = market();
    let model = model(&data);
    let tasks: Vec<usize> = (0..9).collect();
    for supervision in [Supervision::EveryPrefix, Supervision::WholeContext] {
        let batch = batches((&data, &model), &tasks, SupportUse::Descended, supervision);
        head_is_consistent(&model, &batch.support);
        head_is_consistent(&model, &batch.query);
    }
}

#[test]
fn the_order_of_events_does_not_matter_to_who_a_user_is() {
    let data = market();
    let model = model(&data);
    let events = &data.history(UserIndex(3))[..6];
    let backwards: Vec<IndexedEvent> = events.iter().rev().copied().collect();
    let state = |events: &[IndexedEvent]| {
        let batch = model.batch(&[TaskEvents::context(events)], Supervision::WholeContext, &Device::default());
        model.state(&batch).inner().into_data()
    };
    state(events).assert_approx_eq::<f32>(&state(&backwards), burn::tensor::Tolerance::absolute(1e-5));
}

#[test]
fn what_is_left_out_of_a_support_set_is_not_read() {
    let data = market();
    let model = model(&data);
    // With one event there is nothing to predict it from: who is asked is nobody, whatever the event.
    let likes = data.like_rule();
    let liked: Vec<IndexedEvent> = data.events().iter().filter(|event| likes.is_like(event)).copied().collect();
    let of = |event: &IndexedEvent| {
        let events = [*event];
        let support = model.batch(&[TaskEvents::support(&events)], Supervision::WholeContext, &Device::default());
        let query = model.batch(&[TaskEvents::query(&[], &events)], Supervision::WholeContext, &Device::default());
        let losses = [model.loss(&support), model.loss(&query)];
        losses.map(|loss| loss.inner().into_scalar::<f32>())
    };
    for event in &liked[..5] {
        let [support, query] = of(event);
        assert!((support - query).abs() < 1e-5, "{support} and {query}");
    }
}
