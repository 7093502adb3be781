//! Training with every sampler: what they draw is what models take.

use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, Event, UserGroups, UserSplit};
use metarec::sampler::{
    CurriculumConfig, CurriculumSampler, CurriculumStage, GroupSampler, GroupSamplerConfig, ItemSampler,
    ItemSamplerConfig, MixturePart, MixtureSampler, SessionSampler, SessionSamplerConfig, ShotsSampler, SliceSampler,
    SliceSamplerConfig, StageStart, TaskSampler, UserSampler, UserSamplerConfig,
};
use metarec::{Config, Recommender};

fn market() -> (Dataset, UserSplit) {
    let data = MarketConfig::default().with_users(60).generate().unwrap().into_dataset();
    let split = data.split().unwrap();
    (data, split)
}

/// Ids of the three best for whoever had this event.
fn train(data: &Dataset, split: UserSplit, sampler: impl TaskSampler, tasks: usize, event: Event) -> Vec<String> {
    let mut config = Config::default();
    (config.model.d_model, config.training.epochs, config.training.meta_batch) = (8, 2, 16);
    let device = metarec::recommend::device_from_env().unwrap();
    let trainer = Recommender::trainer(data).config(&config).split(split).sampler(sampler, tasks);
    let rec = trainer.train(&device).unwrap();
    let user = rec.adapt(&[event]).unwrap();
    rec.top_k(&user, 3).unwrap().into_iter().map(|hit| hit.item).collect()
}

#[test]
fn tasks_of_all_kinds_of_users_can_be_mixed_in_a_curriculum() {
    let (data, split) = market();
    let users = split.train.clone();
    let groups = UserGroups::by_columns(data.users(), &["segment"]).unwrap();
    let day = SessionSamplerConfig::default().with_max_gap(86_400 * 30);
    let parts: [(Box<dyn ShotsSampler>, usize); 4] = [
        (Box::new(UserSampler::new(users.clone(), UserSamplerConfig::default()).unwrap()), 40),
        (Box::new(SessionSampler::new(users.clone(), day).unwrap()), 40),
        (Box::new(SliceSampler::new(users.clone(), data.catalogue(), SliceSamplerConfig::default()).unwrap()), 40),
        (Box::new(GroupSampler::new(users, &groups, GroupSamplerConfig::default()).unwrap()), 40),
    ];
    let parts = parts.map(|(sampler, tasks)| MixturePart::new(sampler, tasks, 1.0));
    let mixture = MixtureSampler::new(parts).unwrap();
    let stages = [(0, 10..=10), (1, 0..=3)].map(|(epoch, shots)| CurriculumStage::new(StageStart::Epoch(epoch), shots));
    let tasks = mixture.tasks();
    let sampler = CurriculumSampler::new(mixture, tasks, CurriculumConfig::new(stages)).unwrap();
    let best = train(&data, split, sampler, tasks, Event::rating("i3", 5.0));
    assert!(best.len() == 3 && best.iter().all(|id| data.catalogue().find(id).is_some()), "{best:?}");
}

#[test]
fn a_cold_item_is_served_its_users() {
    let (data, _) = market();
    let items = data.transposed();
    let split = items.split().unwrap();
    let sampler = ItemSampler::new(split.train.clone(), ItemSamplerConfig::default().with_min_query(3)).unwrap();
    let tasks = sampler.tasks();
    let best = train(&items, split, sampler, tasks, Event::rating("u3", 5.0));
    assert!(best.len() == 3 && best.iter().all(|id| data.users().find(id).is_some() && id != "u3"), "{best:?}");
}
