//! Why something is recommended, and what was known before.

#![cfg(feature = "train")]

mod small;

use metarec::data::synthetic::Feedback;
use metarec::data::{Event, UserIndex};
use metarec::recommend::{Filter, ItemPrior, RecommendError};
use small::{events, learners, market, recommender};

/// What stands between quotation marks.
fn quoted(sentence: &str) -> Vec<&str> {
    sentence.split('"').skip(1).step_by(2).collect()
}

#[test]
fn an_explanation_names_only_what_is_in_the_history_and_speaks_for_the_item() {
    let data = market(Feedback::Ratings);
    let history = &events(&data, UserIndex(1))[..12];
    for learner in learners() {
        let rec = recommender(learner);
        let user = rec.adapt(history).unwrap();
        let titles: Vec<&str> =
            history.iter().map(|event| rec.catalogue().title(rec.catalogue().find(&event.item).unwrap())).collect();
        let mut reasons = 0;
        for hit in rec.top_k(&user, 3).unwrap() {
            let explanation = rec.explain(&user, &hit.item, 3).unwrap();
            assert!(explanation.reasons.len() <= 3);
            let sentence = explanation.to_string();
            let named = quoted(&sentence);
            assert_eq!(named[0], hit.title, "{sentence}");
            assert!(named[1..].iter().all(|title| titles.contains(title)), "{sentence} of {titles:?}");
            assert_eq!(named.len(), 1 + explanation.reasons.len());

            // What is said of the first reason is so: without it the item stands lower over the mean.
            reasons += explanation.reasons.len();
            let Some(first) = explanation.reasons.first() else { continue };
            let without: Vec<Event> = history.iter().filter(|event| event.item != first.item).cloned().collect();
            let place = rec.catalogue().find(&hit.item).unwrap().position();
            let over_mean = |history: &[Event]| {
                let scores = rec.scores(&rec.adapt(history).unwrap()).unwrap();
                scores[place] - scores.iter().sum::<f32>() / scores.len() as f32
            };
            let gain = over_mean(history) - over_mean(&without);
            assert!(first.gain > 0.0 && (gain - first.gain).abs() < 1e-3, "{gain} and {}", first.gain);
        }
        assert!(reasons > 0, "something in a history speaks for what is ranked first");
    }
}

#[test]
fn nothing_and_unknown_items_are_explained_as_such() {
    let rec = recommender(learners()[0].clone());
    let nobody = rec.adapt(&[]).unwrap();
    let explanation = rec.explain(&nobody, "i3", 3).unwrap();
    assert!(explanation.reasons.is_empty());
    assert!(explanation.to_string().ends_with("for no reason in your history."), "{explanation}");
    assert!(matches!(rec.explain(&nobody, "no such item", 3), Err(RecommendError::UnknownItem { .. })));
    // An item is no reason for itself.
    let user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
    assert!(rec.explain(&user, "i3", 3).unwrap().reasons.is_empty());
}

#[test]
fn a_prior_leads_a_newcomer_and_gives_way_to_events() {
    let data = market(Feedback::Ratings);
    let rec = recommender(learners()[0].clone());
    let items = rec.catalogue().len();
    let wanted = rec.catalogue().find("i7").unwrap().position();
    let prior = ItemPrior::new((0..items).map(|item| f32::from(u8::from(item == wanted))).collect()).with_strength(3.0);
    let nobody = rec.adapt(&[]).unwrap();
    let hits = rec.top_k_with_prior(&nobody, 3, &Filter::new(), &prior).unwrap();
    assert_eq!(hits[0].item, "i7");
    let pull = |events: &[Event]| {
        let user = rec.adapt(events).unwrap();
        rec.scores_with_prior(&user, &prior).unwrap()[wanted] - rec.scores(&user).unwrap()[wanted]
    };
    let history = events(&data, UserIndex(1));
    let pulls = [0, 1, 5, 20].map(|k| pull(&history[..k]));
    assert!(pulls.is_sorted_by(|a, b| a > b) && pulls[3] > 0.0, "{pulls:?}");
    assert_eq!(
        rec.scores_with_prior(&nobody, &ItemPrior::new(vec![1.0; items])).unwrap(),
        rec.scores(&nobody).unwrap()
    );
    for wrong in [
        ItemPrior::new(vec![1.0; items - 1]),
        ItemPrior::new(vec![f32::NAN; items]),
        prior.clone().with_strength(-1.0),
        prior.clone().with_fade(f32::INFINITY),
    ] {
        assert!(matches!(rec.scores_with_prior(&nobody, &wrong), Err(RecommendError::Prior { .. })));
    }
}
