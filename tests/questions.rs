//! What a newcomer is asked about, and how sure the answers make a recommender, from outside.

#![cfg(feature = "train")]

mod small;

use std::collections::HashSet;

use metarec::Recommender;
use metarec::data::Event;
use metarec::meta::LearnerConfig;
use metarec::recommend::{Filter, Question, QuestionRule};
use small::recommender;

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
