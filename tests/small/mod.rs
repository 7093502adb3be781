//! A small market and recommenders that learned a little of it.
#![allow(dead_code, reason = "each test binary uses a part")]

use metarec::burn::tensor::Device;
use metarec::data::synthetic::{Feedback, MarketConfig};
use metarec::data::{Dataset, Event, IndexedEvent, UserIndex};
use metarec::meta::{
    AnilConfig, ClosedFormConfig, FomamlConfig, InContextConfig, LearnerConfig, MamlConfig, MetaSgdConfig,
    ReptileConfig,
};
use metarec::{Config, Recommender};

pub fn device() -> Device {
    Device::default()
}

pub fn market(feedback: Feedback) -> Dataset {
    let config = MarketConfig::default().with_users(110).with_items(60).with_feedback(feedback);
    config.generate().unwrap().into_dataset()
}

pub fn learners() -> [LearnerConfig; 7] {
    [
        LearnerConfig::ClosedForm(ClosedFormConfig::default()),
        LearnerConfig::Fomaml(FomamlConfig::default()),
        LearnerConfig::Reptile(ReptileConfig::default()),
        LearnerConfig::InContext(InContextConfig::default()),
        LearnerConfig::Anil(AnilConfig::default()),
        LearnerConfig::Maml(MamlConfig::default()),
        LearnerConfig::MetaSgd(MetaSgdConfig::default()),
    ]
}

pub fn config(learner: LearnerConfig) -> Config {
    let mut config = Config::default().with_seed(5).with_learner(learner);
    config.model.d_model = 16;
    config.model.layers = 1;
    config.model.d_feed_forward = 16;
    config.model.max_context = 12;
    config.training.epochs = 1;
    config.training.meta_batch = 32;
    config
}

pub fn recommender(learner: LearnerConfig) -> Recommender {
    Recommender::train(&market(Feedback::Ratings), &config(learner), &device()).unwrap()
}

/// A user's history as a host would hand it in.
pub fn events(data: &Dataset, user: UserIndex) -> Vec<Event> {
    let event = |event: &IndexedEvent| {
        let mut made = Event::new(data.catalogue().id(event.item), event.action);
        (made.value, made.timestamp) = (event.value, event.timestamp);
        made
    };
    data.history(user).iter().map(event).collect()
}
