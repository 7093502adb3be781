//! How surely ratings are predicted, from outside.

#![cfg(feature = "train")]

mod small;

use metarec::Recommender;
use metarec::baseline::NaiveIntervals;
use metarec::data::synthetic::Feedback;
use metarec::data::{Event, UserIndex};
use metarec::evaluate::{Method, Part, Report, Served, Support, Uncertainty};
use metarec::meta::{ClosedFormConfig, GaussianPrior, LearnerConfig};
use metarec::model::initial::InitialValues;
use metarec::model::{PreferenceSchema, PreferenceTransformer, RatingScale};
use metarec::recommend::{AdaptedUser, RecommendError, RecommenderParts};
use small::{config, device, events, learners, market, recommender};

#[test]
fn means_are_the_ratings_and_ratings_of_the_user_take_variance_away() {
    let data = market(Feedback::Ratings);
    let rec = recommender(LearnerConfig::default());
    let (nobody, user) = (rec.adapt(&[]).unwrap(), rec.adapt(&events(&data, UserIndex(0))[..12]).unwrap());
    let distributions = rec.distributions(&user).unwrap();
    let ratings = rec.ratings(&user).unwrap();
    assert_eq!(distributions.len(), 60);
    for (distribution, rating) in distributions.iter().zip(&ratings) {
        assert!((distribution.mean() - rating).abs() < 1e-5);
        assert_eq!(distribution.scale(), &RatingScale::Levels(vec![1.0, 2.0, 3.0, 4.0, 5.0]));
        let (low, high) = distribution.interval(0.9);
        assert!(low <= distribution.median() && distribution.median() <= high);
        assert!((distribution.share_at_most(5.0) - 1.0).abs() < 1e-12);
    }
    let place = rec.catalogue().find("i7").unwrap().position();
    let one = rec.distribution(&user, "i7").unwrap();
    assert_eq!((one.mean(), one.variance()), (distributions[place].mean(), distributions[place].variance()));
    let mean = |user: &AdaptedUser| {
        let all = rec.distributions(user).unwrap();
        all.iter().map(|distribution| distribution.variance()).sum::<f64>() / all.len() as f64
    };
    assert!(mean(&nobody) > 0.0);
    // Who surprises it is given more noise, so that this is of users on average.
    let users: Vec<f64> =
        (0..20).map(|user| mean(&rec.adapt(&events(&data, UserIndex(user))[..12]).unwrap())).collect();
    let average = users.iter().sum::<f64>() / users.len() as f64;
    assert!(average < 0.97 * mean(&nobody), "{average} and {}", mean(&nobody));
    assert!(
        matches!(rec.distribution(&user, "nowhere"), Err(RecommendError::UnknownItem { item }) if item == "nowhere")
    );
}

#[test]
fn who_knows_no_variances_or_no_ratings_says_so() {
    for learner in learners().into_iter().skip(1) {
        let rec = recommender(learner.clone());
        let user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
        assert!(rec.ratings(&user).is_ok());
        let error = rec.distributions(&user).unwrap_err();
        assert!(matches!(error, RecommendError::NoVariances), "{learner:?}: {error}");
    }
    let clicks = market(Feedback::Actions);
    let rec = Recommender::train(&clicks, &config(LearnerConfig::default()), &device()).unwrap();
    let user = rec.adapt(&[Event::purchase("i3")]).unwrap();
    assert!(matches!(rec.distributions(&user), Err(RecommendError::NoRatings)));
}

#[test]
fn variances_that_are_no_numbers_are_an_error_and_no_certainty() {
    let data = market(Feedback::Ratings);
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &data.split().unwrap().train, data.like_rule());
    let settings = config(LearnerConfig::default());
    let initial = InitialValues::flat(60);
    let model = PreferenceTransformer::new(&settings.model, &schema, data.catalogue(), &initial, 1, &device()).unwrap();
    let of = |noise: f64| {
        let d = settings.model.rating_factors + 1;
        let unit: Vec<f64> = (0..d * d).map(|at| if at % (d + 1) == 0 { 1.0 } else { 0.0 }).collect();
        let state = GaussianPrior::new(&unit, noise, &device());
        let parts = (model.clone(), state, ClosedFormConfig::default().init());
        let parts = RecommenderParts::of_transformer(parts, data.catalogue().clone(), &settings).unwrap();
        Recommender::from_parts(parts, &device()).unwrap()
    };
    let sound = of(1.0);
    let user = sound.adapt(&[]).unwrap();
    assert_eq!(sound.distributions(&user).unwrap()[0].scale(), &RatingScale::Range(1.0, 5.0), "nobody calibrated it");
    let torn = of(f64::INFINITY);
    let user = torn.adapt(&[Event::rating("i3", 5.0)]).unwrap();
    assert!(matches!(torn.distributions(&user), Err(RecommendError::VariancesNotFinite)));
}

#[test]
fn naive_intervals_are_the_items_means_with_the_deviation_of_all_ratings() {
    let data = market(Feedback::Ratings);
    let split = data.split().unwrap();
    let naive = NaiveIntervals::fit(&data, &split).unwrap();
    let values: Vec<f64> =
        split.train.iter().flat_map(|task| &task.events).filter_map(|event| event.rating().map(f64::from)).collect();
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
    let supports = [0, 1].map(|user| Support { user: UserIndex(user), events: &[] });
    let rows = naive.distributions(&supports).unwrap().unwrap();
    let means = naive.ratings(&supports).unwrap().unwrap();
    assert_eq!((rows.len(), rows[0].len()), (2, 60));
    for (distribution, mean) in rows.iter().flatten().zip(means.iter().flatten()) {
        assert_eq!(distribution.mean(), *mean);
        assert!((distribution.variance() - variance).abs() < 1e-9);
    }

    let clicks = market(Feedback::Actions);
    let nothing = NaiveIntervals::fit(&clicks, &clicks.split().unwrap()).unwrap();
    assert!(nothing.distributions(&supports).unwrap().is_none());
}

#[test]
fn a_calibrated_recommender_and_naive_intervals_hold_about_what_they_promise() {
    let data = market(Feedback::Ratings);
    let split = data.split().unwrap();
    let rec = Recommender::trainer(&data).config(&config(LearnerConfig::default())).split(split.without_test());
    let rec = rec.train(&device()).unwrap();
    let (served, naive) = (Served::new(&rec, &data).unwrap(), NaiveIntervals::fit(&data, &split).unwrap());
    let mut report = Report::new();
    let protocol = Uncertainty::new(&data, &split).unwrap().on(Part::Test).with_shots([0, 5]);
    for method in [&served as &dyn Method, &naive] {
        let table = protocol.run(method, &mut report).unwrap();
        assert_eq!(table.len(), 2 * 9);
        assert!(table.windows(2).all(|rows| rows[0].shots != rows[1].shots || rows[0].interval <= rows[1].interval));
    }
    for (name, shots) in [("metarec", 0), ("metarec", 5), ("naive", 5)] {
        let held = report.mean(name, shots, "coverage@90/events").unwrap();
        assert!((0.82..=0.97).contains(&held), "{name} at {shots}: {held}");
    }
}
