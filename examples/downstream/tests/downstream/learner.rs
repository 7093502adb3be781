use burn::tensor::Device;
use downstream::Context;
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, IndexedEvent, TaskHistory, UserIndex};
use metarec::meta::MetaLearner;
use metarec::meta::contract::{Fixture, TASKS, check, check_serving, gradient_is_exact, jiggled};
use metarec::model::initial::InitialValues;
use metarec::model::{
    MetaBatch, PreferenceModel, PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig, Supervision,
    TaskEvents,
};

/// A tiny market: a user for each task.
fn market() -> Dataset {
    MarketConfig::default().with_users(TASKS).with_items(24).with_events(18).generate().unwrap().into_dataset()
}

/// A tiny Transformer with random numbers added to every weight, so that nothing is zero by chance.
fn transformer(data: &Dataset) -> PreferenceTransformer {
    let users = (0..TASKS as u32).map(UserIndex);
    let tasks: Vec<TaskHistory> = users.map(|user| TaskHistory { user, events: data.history(user).to_vec() }).collect();
    let mut config = PreferenceTransformerConfig::default();
    (config.d_model, config.layers, config.heads, config.d_feed_forward) = (8, 1, 2, 10);
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &tasks, data.like_rule());
    let initial = InitialValues::fit(&tasks, 4, &config, &schema, 0);
    let device = Device::default().autodiff();
    jiggled(PreferenceTransformer::new(&config, &schema, data.catalogue(), &initial, 0, &device).unwrap(), 0.2)
}

/// How many events a task shows: lengths differ, and every seventh task shows none.
fn shots(task: usize) -> usize {
    if task.is_multiple_of(7) { 0 } else { 1 + task % 10 }
}

fn sets(data: &Dataset, task: usize) -> (&[IndexedEvent], &[IndexedEvent]) {
    let (support, later) = data.history(UserIndex(task as u32)).split_at(shots(task));
    (support, &later[..later.len().min(2 + task % 4)])
}

fn fixture<L: MetaLearner<PreferenceTransformer>>(learner: L) -> Fixture<'static, PreferenceTransformer, L> {
    let data = market();
    let model = transformer(&data);
    let (maker, device) = (model.clone(), Device::default());
    let (supervision, support_use) = (learner.supervision(), learner.support_use());
    let without_support = (0..TASKS).filter(|&task| shots(task) == 0).collect();
    Fixture::new(model, learner, without_support, move |tasks| {
        let sets: Vec<_> = tasks.iter().map(|&task| sets(&data, task)).collect();
        let supports: Vec<_> = sets.iter().map(|(support, _)| support_use.of(support)).collect();
        let queries: Vec<_> = sets.iter().map(|(support, query)| TaskEvents::query(support, query)).collect();
        MetaBatch {
            support: maker.batch(&supports, Supervision::WholeContext, &device),
            query: maker.batch(&queries, supervision, &device),
        }
    })
}

#[test]
fn the_learner_keeps_the_contract() {
    let fixture = fixture(Context::new(3, 2, 0.1).unwrap());
    check(&fixture);
    check_serving(&fixture);
}

#[test]
fn its_gradient_goes_through_every_step() {
    for steps in [0, 1, 3] {
        gradient_is_exact(&fixture(Context::new(3, steps, 0.1).unwrap()));
    }
}

#[test]
fn settings_out_of_bounds_are_refused() {
    assert!(Context::new(0, 2, 0.1).unwrap_err().to_string().contains("`width` is 0"));
    assert!(Context::new(3, 2, f64::NAN).unwrap_err().to_string().contains("`rate` is NaN"));
}
