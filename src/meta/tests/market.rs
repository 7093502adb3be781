//! The Transformer on a small market.

use burn::tensor::Device;

use crate::data::synthetic::MarketConfig;
use crate::data::{Dataset, IndexedEvent, TaskHistory, UserIndex};
use crate::meta::MetaLearner;
use crate::meta::contract::{Fixture, TASKS};
use crate::meta::differences::jiggled;
use crate::model::initial::{InitialValues, RatingFit, fit_ratings};
use crate::model::{
    MetaBatch, PreferenceBatch, PreferenceModel, PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig,
    RatingMlp, RatingMlpConfig, Supervision, TaskEvents,
};

/// A tiny market: 40 users, 24 items, ratings.
pub(super) fn market() -> Dataset {
    let config = MarketConfig::default().with_users(40).with_items(24).with_events(18).with_genres(4);
    config.generate().unwrap().into_dataset()
}

pub(super) fn histories(data: &Dataset) -> Vec<TaskHistory> {
    let users = (0..40).map(UserIndex);
    users.map(|user| TaskHistory { user, events: data.history(user).to_vec() }).collect()
}

/// A tiny Transformer that is fitted to the market and then moved a little, so that no parameter is at a special place.
pub(super) fn transformer(data: &Dataset) -> PreferenceTransformer {
    let tasks = histories(data);
    let config = PreferenceTransformerConfig {
        d_model: 8,
        layers: 1,
        heads: 2,
        d_feed_forward: 10,
        rating_factors: 3,
        max_context: 8,
        ..PreferenceTransformerConfig::default()
    };
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &tasks, data.like_rule());
    let initial = InitialValues::fit(&tasks, 4, &config, &schema, 5);
    let device = Device::default().autodiff();
    jiggled(PreferenceTransformer::new(&config, &schema, data.catalogue(), &initial, 5, &device).unwrap(), 0.2)
}

/// How many events the support set of a task has: none to ten, of which the model reads eight.
fn shots(task: usize) -> usize {
    if task.is_multiple_of(7) { 0 } else { 1 + (task * 3) % 10 }
}

pub(super) fn sets(data: &Dataset, task: usize) -> (&[IndexedEvent], &[IndexedEvent]) {
    let (support, later) = data.history(UserIndex(task as u32)).split_at(shots(task));
    (support, &later[..later.len().min(2 + task % 4)])
}

/// The perceptron over the market's items, with vectors fitted to it, and a learner.
pub(super) fn mlp_fixture<L: MetaLearner<RatingMlp>>(learner: L) -> Fixture<'static, RatingMlp, L> {
    let data = market();
    let start = fit_ratings(&histories(&data), 24, 3.0, &RatingFit::with_factors(3), 5);
    let config = RatingMlpConfig { hidden: vec![5, 4] };
    let device = Device::default().autodiff();
    let model = RatingMlp::new(&config, &RatingMlp::vectors_from(&start), (3.0, 1.2), 5, &device).unwrap();
    fixture_of(jiggled(model, 0.2), learner)
}

/// The Transformer and a learner.
pub(super) fn fixture<L: MetaLearner<PreferenceTransformer>>(learner: L) -> Fixture<'static, PreferenceTransformer, L> {
    fixture_of(transformer(&market()), learner)
}

fn fixture_of<M: PreferenceModel, L: MetaLearner<M>>(model: M, learner: L) -> Fixture<'static, M, L> {
    let data = market();
    let (supervision, support) = (learner.supervision(), learner.support_use());
    let empty = (0..TASKS).filter(|&task| shots(task) == 0).collect();
    let batches = model.clone();
    Fixture::new(model, learner, empty, move |tasks| {
        let sets: Vec<_> = tasks.iter().map(|&task| sets(&data, task)).collect();
        let supports: Vec<_> = sets.iter().map(|(events, _)| support.of(events)).collect();
        let queries: Vec<_> = sets.iter().map(|(support, query)| TaskEvents::query(support, query)).collect();
        MetaBatch {
            support: batches.batch(&supports, Supervision::EveryPrefix, &Device::default()),
            query: batches.batch(&queries, supervision, &Device::default()),
        }
    })
}

/// The Transformer with support sets to step on and query sets.
pub(super) fn model_and_meta_batch() -> (PreferenceTransformer, MetaBatch<PreferenceBatch>) {
    let data = market();
    let model = transformer(&data);
    let sets: Vec<_> = (0..9).map(|task| sets(&data, task)).collect();
    let support: Vec<_> = sets.iter().map(|(events, _)| TaskEvents::support(events)).collect();
    let query: Vec<_> = sets.iter().map(|(events, query)| TaskEvents::query(events, query)).collect();
    let batch = |tasks: &[TaskEvents<'_>]| model.batch(tasks, Supervision::WholeContext, &Device::default());
    let batch = MetaBatch { support: batch(&support), query: batch(&query) };
    (model, batch)
}
