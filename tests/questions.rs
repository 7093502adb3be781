//! What a newcomer is asked about, and how sure the answers make a recommender, from outside.

#![cfg(feature = "train")]

mod small;

use std::collections::HashSet;

use metarec::Recommender;
use metarec::data::Event;
use metarec::meta::LearnerConfig;
use metarec::recommend::{Filter, Question};
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
