//! What training a recommender does with what a host says.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::data::Event;
use crate::data::synthetic::MarketConfig;
use crate::meta::{FomamlConfig, InContextConfig, LearnerConfig, Moves};
use crate::sampler::{Episode, EpisodeId, SamplerError};

#[test]
fn a_learner_without_prefixes_is_trained_on_every_number_of_shots() {
    let shots = |config: &Config, supervision| {
        let drawn = sampling(config, supervision, 30);
        [drawn.min_shots, drawn.max_shots]
    };
    let own = Config::default().with_sampler(UserSamplerConfig::default().with_shots(5..=7));
    assert_eq!(shots(&Config::default(), Supervision::EveryPrefix), [30, 30]);
    assert_eq!(shots(&Config::default(), Supervision::WholeContext), [0, 30]);
    assert_eq!(shots(&own, Supervision::WholeContext), [5, 7]);
    let of_pool = |pool| sampling(&Config::default(), Supervision::EveryPrefix, pool).max_shots;
    assert_eq!([0, 20, 40, 1000].map(of_pool), [20, 20, 40, 50]);
}

#[test]
fn a_sampler_of_the_hosts_own_is_asked_for_its_episodes() {
    struct Counted(UserSampler, AtomicUsize);
    impl TaskSampler for &Counted {
        fn episode(&self, id: EpisodeId) -> Result<Episode, SamplerError> {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.episode(id)
        }
    }
    let data = MarketConfig::default().with_users(60).generate().unwrap().into_dataset();
    let split = split_for_serving(&data);
    let config = UserSamplerConfig::default().with_shots(2..=4);
    let own = Counted(UserSampler::new(split.train.clone(), config).unwrap(), AtomicUsize::new(0));
    let mut config = Config::default();
    (config.model.d_model, config.training.epochs, config.training.meta_batch) = (8, 2, 10);
    Recommender::trainer(&data).config(&config).sampler(&own, 20).train(&Device::default()).unwrap();
    assert_eq!(own.1.into_inner(), 40, "two epochs of twenty tasks");
}

#[test]
fn a_recommender_with_a_learner_of_the_hosts_own_is_loaded_with_it_and_with_nothing_else() {
    let data = MarketConfig::default().with_users(60).generate().unwrap().into_dataset();
    let mut config = Config::default();
    (config.model.d_model, config.training.epochs) = (8, 1);
    let learner = InContextConfig::default().init();
    let device = Device::default();
    let rec = Recommender::trainer(&data).config(&config).train_with(learner.clone(), &device).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    rec.save(&path).unwrap();
    let loaded = Recommender::load_transformer(&path, learner, &device).unwrap();
    let scores = |rec: &Recommender| rec.scores(&rec.adapt(&[Event::rating("i3", 5.0)]).unwrap()).unwrap();
    assert_eq!(scores(&rec), scores(&loaded));
    assert!(Recommender::load(&path, &device).unwrap_err().to_string().contains("config.json"));
}

#[test]
fn looks_at_nothing_and_at_items_from_elsewhere_are_refused() {
    let data = MarketConfig::default().with_users(60).with_items(60).generate().unwrap().into_dataset();
    let error = |candidates: &[u32], shots: &[usize]| {
        let candidates: Vec<ItemIndex> = candidates.iter().copied().map(ItemIndex).collect();
        let trainer = Recommender::trainer(&data).looks(candidates, shots);
        trainer.train(&Device::default()).unwrap_err().to_string()
    };
    assert!(error(&[2, 60], &[0]).contains("item 60 of 60"));
    assert!(error(&[], &[0]).contains("looks.candidates"));
    assert!(error(&[2], &[]).contains("looks.shots"));
}

#[test]
fn a_pattern_that_moves_nothing_is_refused() {
    let data = MarketConfig::default().with_users(60).generate().unwrap().into_dataset();
    for pattern in ["no_such_parameter", "^items.popularity$"] {
        let fomaml = FomamlConfig::default().with_moves(Moves::Matching(pattern.to_owned()));
        let config = Config::default().with_learner(LearnerConfig::Fomaml(fomaml));
        let error = Recommender::train(&data, &config, &Device::default()).unwrap_err().to_string();
        assert!(error.contains("moves.matching") && error.contains(pattern), "{error}");
    }
}
