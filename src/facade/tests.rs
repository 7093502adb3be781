//! What training a recommender does with what a host says.

use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;
use crate::data::synthetic::MarketConfig;
use crate::data::{ColdSplit, Event, ItemRule};
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
        let trainer = Recommender::trainer(&data).looks(candidates, shots.iter().copied());
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

/// How many validation users could tell at each look, and whether the look was kept.
#[derive(Default)]
struct Looked(Vec<(usize, bool)>);

impl Observer for &mut Looked {
    fn validated(&mut self, _: &Progress, score: &ValidationScore, best: bool) {
        self.0.push((score.user_ndcg.len(), best));
    }
}

#[test]
fn where_validation_users_are_asked_for_new_items_these_are_ranked_for_them_and_without_them_the_latest_look_is_kept() {
    let data = MarketConfig::default().with_users(80).with_items(80).generate().unwrap().into_dataset();
    let split = ColdSplit::by_item(&data, &ItemRule::default()).unwrap();
    let mut config = Config::default();
    (config.model.d_model, config.training.epochs) = (8, 3);
    let looks = |candidates: Vec<ItemIndex>| {
        let mut looked = Looked::default();
        let trainer = Recommender::trainer(&data).config(&config).split(split.users.clone()).observer(&mut looked);
        trainer.looks(candidates, [Shots::All]).train(&Device::default()).unwrap();
        looked.0
    };
    let told = looks(split.candidates(&split.valid));
    assert!(told.len() > 2 && told.iter().all(|(users, _)| *users > 10), "{told:?}");
    let untold = looks(split.users.candidates());
    assert!(untold.len() > 2 && untold.iter().all(|look| *look == (0, true)), "{untold:?}");
}

#[test]
fn of_users_who_are_trained_on_all_that_training_knows_is_shown() {
    let data = MarketConfig::default().with_users(80).with_items(80).generate().unwrap().into_dataset();
    let split = ColdSplit::by_item(&data, &ItemRule::default()).unwrap().users;
    let known = |user| split.train.iter().find(|task| task.user == user).map(|task| task.events.len());
    let shown = looked_at(&split);
    assert!(shown.iter().all(|user| Some(user.pool.len()) == known(user.user)));
    assert!(shown.iter().zip(&split.valid).any(|(shown, user)| shown.pool.len() > user.pool.len()));
    let cold = data.split().unwrap();
    assert_eq!(looked_at(&cold), cold.valid, "nobody of them is trained on");
}
