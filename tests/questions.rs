//! What a newcomer is asked about, and how sure the answers make a recommender, from outside.

#![cfg(feature = "train")]

mod small;

use std::collections::HashSet;

use metarec::data::synthetic::Feedback;
use metarec::data::{Event, IndexedEvent, ItemIndex, UserIndex};
use metarec::evaluate::{
    Elicitation, EvaluateError, ExpectedGain, FixedOrder, Interview, QuestionPolicy, Report, Served,
};
use metarec::meta::LearnerConfig;
use metarec::recommend::{AdaptedUser, Filter, Question, QuestionRule};
use metarec::{Config, Recommender};
use small::{config, device, events, learners, market, recommender};

fn items(questions: &[Question]) -> Vec<&str> {
    questions.iter().map(|question| question.item.as_str()).collect()
}

fn closed_form() -> Recommender {
    recommender(LearnerConfig::default())
}

#[test]
fn every_open_item_is_asked_about_once_however_many_questions_there_may_be() {
    let rec = closed_form();
    let user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
    let filter = Filter::new().without(["i7"]);
    let all = rec.questions(&user, usize::MAX, &filter).unwrap();
    let distinct: HashSet<&str> = items(&all).into_iter().collect();
    assert_eq!((all.len(), distinct.len()), (58, 58));
    assert!(!distinct.contains("i3") && !distinct.contains("i7"));
    assert_eq!(rec.questions(&user, 4, &filter).unwrap(), all[..4]);
    assert!(rec.questions(&user, 0, &filter).unwrap().is_empty());
}

#[test]
fn a_rule_out_of_its_bounds_is_named() {
    let rec = closed_form();
    let user = rec.adapt(&[]).unwrap();
    let rule = QuestionRule::default();
    for (rule, expected) in [
        (rule.with_personal(-0.5), "personal is -0.5: expected a finite number, 0 or more"),
        (rule.with_personal(f64::NAN), "personal is NaN: expected a finite number, 0 or more"),
        (rule.with_personal(f64::INFINITY), "personal is inf: expected a finite number, 0 or more"),
        (rule.with_rating_share(1.5), "rating_share is 1.5: expected 0 to 1"),
        (rule.with_rating_share(f64::NAN), "rating_share is NaN: expected 0 to 1"),
    ] {
        let error = rec.questions_by(&user, 1, &Filter::new(), &rule).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
}

#[test]
fn a_question_says_how_likely_its_item_is_known_and_the_most_telling_comes_first() {
    let rec = closed_form();
    let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i4", 1.0)]).unwrap();
    let all = rec.questions(&user, 60, &Filter::new()).unwrap();
    assert!(all[0].gain > 0.0 && all.iter().all(|question| question.gain.is_finite()));

    let apart = QuestionRule::default().with_personal(0.0).with_rating_share(0.0).with_candidates(0);
    let all = rec.questions_by(&user, 60, &Filter::new(), &apart).unwrap();
    for question in &all {
        let place = rec.catalogue().find(&question.item).unwrap();
        let share = f64::from(rec.facts().known[place.position()]);
        assert_eq!(question.known, share.clamp(1e-6, 0.95));
        assert_eq!(question.title, rec.catalogue().title(place));
    }
    assert!(all.windows(2).all(|pair| pair[0].gain as f32 >= pair[1].gain as f32));
    assert!(all.iter().all(|question| (question.gain + question.known * question.known.ln()).abs() < 1e-12));

    let about_ratings = apart.with_rating_share(1.0);
    let told = rec.questions_by(&user, 60, &Filter::new(), &about_ratings).unwrap();
    assert_ne!(items(&told), items(&all));
    assert!((told[0].gain..=1.0).contains(&told[0].known), "the most telling tells 1, times how likely it is known");
}

#[test]
fn a_personal_rule_takes_the_users_own_scores_for_what_they_know() {
    let (rec, data) = (closed_form(), market(Feedback::Ratings));
    let known = |user: &AdaptedUser, personal: f64| -> Vec<f64> {
        let rule = QuestionRule::default().with_personal(personal);
        let mut all = rec.questions_by(user, 60, &Filter::new().with_seen(), &rule).unwrap();
        all.sort_by(|a, b| a.item.cmp(&b.item));
        all.into_iter().map(|question| question.known).collect()
    };
    let (nobody, user) = (rec.adapt(&[]).unwrap(), rec.adapt(&events(&data, UserIndex(0))[..9]).unwrap());
    assert_eq!(known(&user, 0.0), known(&nobody, 0.0));
    assert_eq!(known(&nobody, 1.0), known(&nobody, 0.0));
    assert_ne!(known(&user, 1.0), known(&user, 0.0));
}

#[test]
fn learners_without_a_posterior_ask_what_tells_users_apart() {
    for learner in learners().into_iter().skip(1).take(2) {
        let rec = recommender(learner);
        let user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
        let rule = QuestionRule::default().with_candidates(0);
        let asked = rec.questions_by(&user, 5, &Filter::new(), &rule).unwrap();
        assert!(asked.iter().all(|question| (question.gain + question.known * question.known.ln()).abs() < 1e-12));
        let moved = rec.questions(&user, 5, &Filter::new()).unwrap();
        assert!(moved.iter().all(|question| question.gain > 0.0 && question.gain <= question.known));
    }
}

#[test]
fn the_answer_that_moves_the_ranking_most_is_sought_among_the_candidates() {
    let rec = closed_form();
    let user = rec.adapt(&[Event::rating("i3", 5.0), Event::rating("i4", 1.0)]).unwrap();
    let rule = QuestionRule::default().with_personal(0.0).with_rating_share(0.0);
    let by =
        |candidates: usize| rec.questions_by(&user, 60, &Filter::new(), &rule.with_candidates(candidates)).unwrap();
    let moves = |question: &Question| question.gain / question.known;

    // All are candidates: the farthest move is 1, and the ratio of two is that of what adapting to their answers does.
    let all = by(60);
    let most = all.iter().map(moves).fold(0.0, f64::max);
    assert!((most - 1.0).abs() < 1e-9);
    let moved = |item: &str| {
        let softmax = |user: &AdaptedUser| {
            let scores = rec.scores(user).unwrap();
            let open = |(index, score): (usize, &f32)| {
                let id = rec.catalogue().id(ItemIndex(index as u32));
                if ["i3", "i4", item].contains(&id) { 0.0 } else { f64::from(*score).exp() }
            };
            let shares: Vec<f64> = scores.iter().enumerate().map(open).collect();
            let total: f64 = shares.iter().sum();
            shares.into_iter().map(|share| share / total).collect::<Vec<f64>>()
        };
        let before = softmax(&user);
        let by = |value: f32| {
            let mut answered = user.clone();
            rec.update(&mut answered, Event::rating(item, value)).unwrap();
            1.0 - before.iter().zip(softmax(&answered)).map(|(a, b)| (a * b).sqrt()).sum::<f64>()
        };
        let rating = rec.distribution(&user, item).unwrap();
        let good = 1.0 - rating.share_at_most(3.5);
        (good * by(5.0) + (1.0 - good) * by(2.0)).sqrt()
    };
    assert_eq!(rec.facts().value_range, Some((1.0, 5.0)));
    let (first, middle, last) = (&all[0], &all[20], &all[57]);
    for other in [middle, last] {
        let (ours, expected) = (moves(other) / moves(first), moved(&other.item) / moved(&first.item));
        assert!((ours / expected - 1.0).abs() < 0.02, "{ours} {expected}");
    }

    // What the user does not know is not asked about, and still to be ranked: the others' answers move it as before.
    let unknown = Filter::new().without([&last.item]);
    let asked = rec.questions_by(&user, 60, &unknown, &rule.with_candidates(60)).unwrap();
    assert_eq!(asked.len(), all.len() - 1);
    for question in &asked {
        let before = all.iter().find(|before| before.item == question.item).unwrap();
        assert!((question.gain - before.gain).abs() < 1e-12, "{question:?}, {before:?}");
    }

    // Of ten candidates only ten are told apart, and nothing moves less than the least of them.
    let ten = by(10);
    let least = ten.iter().map(moves).fold(f64::INFINITY, f64::min);
    assert_eq!(ten.iter().filter(|question| moves(question) > least + 1e-12).count(), 9);
    assert_ne!(items(&by(0)), items(&all));
}

#[test]
fn the_policy_of_expected_gain_asks_what_the_recommender_asks() {
    let data = market(Feedback::Ratings);
    let rec = closed_form();
    let policy = ExpectedGain::new(&rec, &data).unwrap().named("ours");
    let history = data.history(UserIndex(0));
    let texts = data.users().row(UserIndex(0)).unwrap();
    let profile: Vec<_> = data.users().columns().iter().zip(texts).map(|(name, text)| (&name[..], &text[..])).collect();
    let interview = |answers: &[IndexedEvent], rule: QuestionRule| -> Vec<String> {
        let mut open = vec![true; 60];
        answers.iter().for_each(|event| open[event.item.position()] = false);
        let interviews = [Interview { user: UserIndex(0), answers, open: &open }];
        let next = policy.clone().with_rule(rule).next(&interviews, 3).unwrap().remove(0);
        next.into_iter().map(|item: ItemIndex| data.catalogue().id(item).to_owned()).collect()
    };
    let rule = QuestionRule::default();
    for (answers, rule) in [(0, rule), (2, rule), (5, rule.with_rating_share(1.0)), (5, rule.with_personal(0.5))] {
        let user = rec.adapt_known(&profile, &events(&data, UserIndex(0))[..answers]).unwrap();
        let first = rec.questions_by(&user, 1, &Filter::new(), &rule).unwrap().remove(0);
        let next = interview(&history[..answers], rule);
        assert_eq!((next.len(), &next[0]), (3, &first.item));
    }
    let open = [true; 60];
    let interviews = [Interview { user: UserIndex(0), answers: &[], open: &open }];
    let error = policy.with_rule(rule.with_rating_share(2.0)).next(&interviews, 3).unwrap_err();
    assert!(matches!(error, EvaluateError::Method { .. }), "{error}");

    let other = metarec::data::from_events([("u", Event::click("elsewhere"))]).unwrap();
    assert!(matches!(ExpectedGain::new(&rec, &other), Err(EvaluateError::ForeignCatalogue { .. })));
}

#[test]
fn newcomers_are_interviewed_by_a_trained_recommender() {
    let data = market(Feedback::Ratings);
    let split = data.split().unwrap();
    let settings: Config = config(LearnerConfig::default());
    let rec = Recommender::trainer(&data).config(&settings).split(split.without_test()).train(&device()).unwrap();
    let protocol = Elicitation::new(&data, &split).unwrap().with_counts([5, 20], [2]);
    let (ours, served) = (ExpectedGain::new(&rec, &data).unwrap(), Served::new(&rec, &data).unwrap());
    let mut report = Report::new();
    for policy in [&ours as &dyn QuestionPolicy, &FixedOrder::popular(&data, &split)] {
        protocol.run(policy, &served, &mut report).unwrap();
        let answers = |questions| report.mean(policy.name(), questions, "answers/questions").unwrap();
        assert!(answers(5) <= answers(20) && answers(20) > 2.0, "{} {}", answers(5), answers(20));
        let ndcg = report.mean(policy.name(), 20, "ndcg@10/questions").unwrap();
        assert!(ndcg > 0.3, "{} {ndcg}", policy.name());
        assert!(report.mean(policy.name(), 2, "questions/answers").unwrap() >= 2.0);
        for (k, metric) in [(5, "ndcg@10/questions"), (20, "rmse/questions"), (2, "rmse/answers")] {
            assert!(report.mean(policy.name(), k, metric).is_some_and(f64::is_finite), "{metric}");
        }
    }
}
