//! What a server calls, from outside.

#![cfg(feature = "train")]

mod small;

use std::sync::Arc;

use metarec::data::synthetic::Feedback;
use metarec::data::{Event, UserIndex};
use metarec::evaluate::{Part, Report, Served, UserCold};
use metarec::meta::LearnerConfig;
use metarec::recommend::{AdaptedUser, Filter, Hit, RecommendError};
use metarec::train::{CancelToken, TrainError};
use metarec::{Config, Recommender};
use small::{config, device, events, learners, market, recommender};

fn items(hits: &[Hit]) -> Vec<&str> {
    hits.iter().map(|hit| hit.item.as_str()).collect()
}

fn close(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-5 * (1.0 + a.abs()))
}

#[test]
fn a_recommender_goes_from_data_to_recommendations_in_a_few_lines() -> Result<(), Box<dyn std::error::Error>> {
    let (data, device) = (market(Feedback::Ratings), device());
    let rec = Recommender::train(&data, &config(LearnerConfig::default()), &device)?;
    let mut user = rec.adapt(&[Event::rating("i3", 5.0)])?;
    rec.update(&mut user, Event::click("i7"))?;
    let hits = rec.top_k(&user, 10)?;
    assert_eq!(hits.len(), 10);
    assert!(hits.windows(2).all(|pair| pair[0].score >= pair[1].score));
    assert!(!items(&hits).contains(&"i3") && !items(&hits).contains(&"i7"));
    assert_eq!(hits[0].title, rec.catalogue().title(rec.catalogue().find(&hits[0].item).unwrap()));
    Ok(())
}

#[test]
fn an_updated_user_equals_one_adapted_from_scratch_with_every_learner() {
    let data = market(Feedback::Ratings);
    let history = events(&data, UserIndex(0));
    assert!(history.len() > 20);
    for learner in learners() {
        let rec = recommender(learner);
        let mut user = rec.adapt(&history[..3]).unwrap();
        for event in &history[3..20] {
            rec.update(&mut user, event.clone()).unwrap();
        }
        let scratch = rec.adapt(&history[..20]).unwrap();
        assert_eq!(user, scratch);
        assert_eq!(user.events().len(), rec.facts().max_context);
        assert_eq!(rec.scores(&user).unwrap(), rec.scores(&scratch).unwrap());
        assert_eq!(rec.ratings(&user).unwrap(), rec.ratings(&scratch).unwrap());
        let nobody = rec.adapt(&[]).unwrap();
        assert_ne!(rec.scores(&user).unwrap(), rec.scores(&nobody).unwrap());
    }
}

#[test]
fn a_serialised_user_gets_identical_scores_and_is_refused_by_another_model() {
    let data = market(Feedback::Ratings);
    for learner in learners() {
        let rec = recommender(learner);
        let user = rec.adapt(&events(&data, UserIndex(1))[..8]).unwrap();
        let text = serde_json::to_string(&user).unwrap();
        let read: AdaptedUser = serde_json::from_str(&text).unwrap();
        assert_eq!(read, user);
        assert_eq!(rec.scores(&read).unwrap(), rec.scores(&user).unwrap());

        let other = Recommender::train(&data, &Config::default().with_seed(6).with_training(quick()), &device());
        let other = other.unwrap();
        let error = other.top_k(&read, 3).unwrap_err();
        let RecommendError::Fingerprint { found, expected } = error else { panic!("{error}") };
        assert_eq!((found.as_str(), expected.as_str()), (rec.fingerprint(), other.fingerprint()));
        let mut read = read;
        assert!(matches!(other.update(&mut read, Event::click("i1")), Err(RecommendError::Fingerprint { .. })));
    }
}

fn quick() -> metarec::train::TrainingConfig {
    config(LearnerConfig::default()).training
}

#[test]
fn a_tampered_user_is_an_error_and_no_panic() {
    let rec = recommender(LearnerConfig::default());
    let user = rec.adapt(&[Event::rating("i3", 5.0).at(7)]).unwrap();
    let text = serde_json::to_string(&user).unwrap();
    for (from, to) in [
        ("\"item\":3", "\"item\":60"),
        ("\"seen\":[3]", "\"seen\":[3,3]"),
        ("\"timestamp\":7", "\"timestamp\":-7"),
        ("5.0", "1e40"),
    ] {
        let torn = text.replace(from, to);
        assert_ne!(torn, text);
        if let Ok(user) = serde_json::from_str::<AdaptedUser>(&torn) {
            assert!(matches!(rec.scores(&user), Err(RecommendError::DamagedUser(_))), "{torn}");
        }
    }
}

#[test]
fn users_adapted_together_get_what_each_gets_alone() {
    let data = market(Feedback::Ratings);
    let histories: Vec<Vec<Event>> =
        (0..7).map(|user| events(&data, UserIndex(user))[..user as usize].to_vec()).collect();
    for learner in learners() {
        let rec = recommender(learner);
        let together = rec.adapt_many(&histories).unwrap();
        assert_eq!(together.len(), 7);
        for (user, history) in together.iter().zip(&histories) {
            let alone = rec.adapt(history).unwrap();
            assert!(close(&rec.scores(user).unwrap(), &rec.scores(&alone).unwrap()));
            assert!(close(&rec.ratings(user).unwrap(), &rec.ratings(&alone).unwrap()));
        }
    }
}

#[test]
fn malformed_events_are_errors_that_name_what_is_wrong_and_leave_the_user_as_it_was() {
    let rec = recommender(LearnerConfig::default());
    let mut user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
    let before = user.clone();
    for (event, expected) in [
        (Event::click("nowhere"), r#"item "nowhere" is not in the catalogue"#),
        (Event::rating("i1", f32::NAN), "value is NaN: expected a finite number"),
        (Event::click("i1").with_value(f32::INFINITY), "value is inf: expected a finite number"),
        (Event::rating("i1", 80.0), "value is 80: expected 1 to 5"),
        (Event::click("i1").at(-5), "timestamp is -5: expected seconds since the epoch, 0 or more"),
    ] {
        let error = rec.update(&mut user, event.clone()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
        assert!(rec.adapt(&[event]).is_err());
        assert_eq!(user, before);
    }
    assert!(
        matches!(rec.rate(&user, &["i1", "nowhere"]), Err(RecommendError::UnknownItem { item }) if item == "nowhere")
    );
}

#[test]
fn a_forgotten_item_is_recommended_again() {
    let rec = recommender(LearnerConfig::default());
    let mut user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i4", 1.0)]).unwrap();
    let all = rec.catalogue().len();
    assert_eq!(rec.top_k(&user, all).unwrap().len(), all - 2);
    assert!(rec.forget(&mut user, "i3").unwrap());
    assert_eq!(user, rec.adapt(&[Event::rating("i4", 1.0)]).unwrap());
    assert!(items(&rec.top_k(&user, all).unwrap()).contains(&"i3"));
    assert!(!rec.forget(&mut user, "i3").unwrap());
    assert!(rec.forget(&mut user, "nowhere").is_err());
}

#[test]
fn a_filter_says_what_may_be_recommended() {
    let rec = recommender(LearnerConfig::default());
    let user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
    let filter = Filter::new().only(["i1", "i2", "i3", "gone"]).without(["i2"]);
    assert_eq!(items(&rec.top_k_with(&user, 9, &filter).unwrap()), ["i1"]);
    assert_eq!(rec.top_k_with(&user, 9, &filter.with_seen()).unwrap().len(), 2);
}

#[test]
fn ratings_stay_within_the_scale_and_a_model_without_values_has_none() {
    let rec = recommender(LearnerConfig::default());
    let user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
    let ratings = rec.ratings(&user).unwrap();
    assert!(ratings.len() == 60 && ratings.iter().all(|rating| (1.0..=5.0).contains(rating)));
    assert_eq!(rec.rate(&user, &["i9", "i0"]).unwrap(), [ratings[9], ratings[0]]);

    let data = market(Feedback::Actions);
    for learner in learners() {
        let rec = Recommender::train(&data, &config(learner), &device()).unwrap();
        let user = rec.adapt(&[Event::purchase("i3")]).unwrap();
        assert_eq!(rec.top_k(&user, 3).unwrap().len(), 3);
        assert!(matches!(rec.ratings(&user), Err(RecommendError::NoRatings)));
    }
}

#[test]
fn one_recommender_serves_many_threads() {
    let data = market(Feedback::Ratings);
    for learner in learners() {
        let rec = Arc::new(recommender(learner));
        let history = events(&data, UserIndex(2));
        let expected = rec.scores(&rec.adapt(&history[..9]).unwrap()).unwrap();
        let shared = rec.adapt(&history[..8]).unwrap();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (rec, mut user, event) = (rec.clone(), shared.clone(), history[8].clone());
                std::thread::spawn(move || {
                    rec.update(&mut user, event).unwrap();
                    rec.scores(&user).unwrap()
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), expected);
        }
    }
}

#[test]
fn equal_seeds_give_equal_models() {
    let data = market(Feedback::Ratings);
    let (one, other) = (recommender(LearnerConfig::default()), recommender(LearnerConfig::default()));
    assert_eq!(one.fingerprint(), other.fingerprint());
    let user = one.adapt(&events(&data, UserIndex(0))[..5]).unwrap();
    let same = other.adapt(&events(&data, UserIndex(0))[..5]).unwrap();
    assert_eq!(one.scores(&user).unwrap(), other.scores(&same).unwrap());
    assert_eq!(other.scores(&user).unwrap(), one.scores(&user).unwrap());
}

#[test]
fn what_is_evaluated_is_what_is_served() {
    let data = market(Feedback::Ratings);
    let split = data.split().unwrap();
    let rec = Recommender::trainer(&data).config(&config(LearnerConfig::default())).split(split.clone());
    let rec = rec.train(&device()).unwrap();
    let mut report = Report::new();
    let served = Served::new(&rec, &data).unwrap().named("served");
    UserCold::new(&data, &split).unwrap().on(Part::Valid).run(&served, &mut report).unwrap();
    assert!(report.mean("served", 5, "ndcg@10").is_some() && report.mean("served", 5, "rmse").is_some());

    let other = metarec::data::from_events([("u", Event::click("elsewhere"))]).unwrap();
    assert!(Served::new(&rec, &other).unwrap_err().to_string().contains("60 items"));
}

#[test]
fn a_cancelled_training_ends_cleanly_and_a_bad_setting_before_it_begins() {
    let data = market(Feedback::Ratings);
    let token = CancelToken::new();
    token.cancel();
    let result = Recommender::trainer(&data).config(&config(LearnerConfig::default())).cancel(token).train(&device());
    assert!(matches!(result, Err(TrainError::Cancelled { step: 0 })));

    let mut bad = Config::default();
    bad.training.epochs = 0;
    let error = Recommender::train(&data, &bad, &device()).unwrap_err().to_string();
    assert_eq!(error, "training setting `epochs` is 0: expected 1 to 100000");
}

#[test]
fn steps_that_leave_the_numbers_are_an_error_and_no_ranking() {
    let LearnerConfig::Fomaml(mut fomaml) = learners()[1].clone() else { unreachable!() };
    let rec = {
        let mut config = config(LearnerConfig::Fomaml(fomaml.clone()));
        config.training.outer_lr = 1e-6;
        fomaml.inner.inner_lr = 100.0;
        fomaml.inner.inner_steps = 30;
        let LearnerConfig::Fomaml(learner) = &mut config.learner else { unreachable!() };
        *learner = fomaml;
        Recommender::train(&market(Feedback::Ratings), &config, &device())
    };
    match rec {
        Err(error) => assert!(matches!(error, TrainError::Diverged { .. }), "{error}"),
        Ok(rec) => {
            let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i4", 1.0)]).unwrap();
            assert!(matches!(rec.top_k(&user, 3), Err(RecommendError::NotFinite { .. })));
        }
    }
}
