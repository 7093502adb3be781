//! Re-ranked lists.

use proptest::prelude::*;

use super::*;

/// A catalogue with these categories, each item in those named by its letters.
fn catalogue(categories: &[&str]) -> Catalogue {
    let mut catalogue = Catalogue::new();
    for (id, categories) in categories.iter().enumerate() {
        let letters: Vec<String> = categories.chars().map(String::from).collect();
        catalogue.describe(&id.to_string(), "", "", letters.iter().map(String::as_str));
    }
    catalogue
}

fn reranker(categories: &[&str]) -> Reranker {
    Reranker::new(ItemDistance::categories(&catalogue(categories)))
}

fn scored(scores: &[f32]) -> Vec<(ItemIndex, f32)> {
    (0..).map(ItemIndex).zip(scores.iter().copied()).collect()
}

fn items(reranker: &Reranker, scores: &[f32], n: usize) -> Vec<u32> {
    reranker.items(&scored(scores), n).into_iter().map(|item| item.0).collect()
}

#[test]
fn places_are_those_worked_out_by_hand() {
    // Relevance 1, 0.9, 0.8, 0.5, 0.
    let scores = [10.0, 9.0, 8.0, 5.0, 0.0];
    let varied = |lambda| reranker(&["ab", "ab", "ac", "cd", "e"]).with_lambda(lambda).unwrap();
    // After 0: 1 is at 0 from it, 2 at 2/3, 3 and 4 at 1: 0.63, 0.76, 0.65, 0.3. After 2 (3 is at 2/3 from it): 0.63, 0.55, 0.3.
    assert_eq!(items(&varied(0.3), &scores, 5), [0, 2, 1, 3, 4]);
    // After 0: 0.45, 0.73, 0.75, 0.5. After 3 (2 is at 2/3 from it as well): 0.45, 0.73, 0.5. After 2: 0.45, 0.5.
    assert_eq!(items(&varied(0.5), &scores, 5), [0, 3, 2, 4, 1]);
    // Nothing but variety: ties go to who stood first.
    assert_eq!(items(&varied(1.0), &scores, 5), [0, 3, 4, 2, 1]);
    assert_eq!(items(&varied(1.0).with_candidates(3).unwrap(), &scores, 3), [0, 2, 1]);
}

#[test]
fn there_are_never_fewer_candidates_than_places() {
    let one = reranker(&["a", "a", "b"]).with_lambda(1.0).unwrap().with_candidates(1).unwrap();
    assert_eq!(items(&one, &[3.0, 2.0, 1.0], 2), [0, 1]);
    assert_eq!(items(&one, &[3.0, 2.0, 1.0], 9), [0, 2, 1]);
    assert!(items(&one, &[], 5).is_empty() && items(&one, &[1.0], 0).is_empty());
}

#[test]
fn a_floor_takes_the_best_of_its_group_from_behind_the_candidates() {
    let floor = |share| {
        let reranker = reranker(&[""; 8]).with_candidates(2).unwrap();
        reranker.with_floor("late", [6, 7].map(ItemIndex), share).unwrap()
    };
    let scores = [8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0];
    assert_eq!(items(&floor(0.5), &scores, 4), [0, 6, 1, 7]);
    assert_eq!(items(&floor(0.34), &scores, 4), [0, 1, 6, 2]);
    assert_eq!(items(&floor(1.0), &scores, 4), [6, 7, 0, 1], "as far as there are any");
    assert_eq!(items(&floor(0.0), &scores, 4), [0, 1, 2, 3]);
    assert_eq!((floor(0.5).reads(8, 4), reranker(&[]).reads(500, 20), reranker(&[]).reads(9, 20)), (8, 100, 9));
}

#[test]
fn settings_out_of_bounds_are_named() {
    let plain = || reranker(&["a"]);
    let text = |result: Result<Reranker, RecommendError>| result.unwrap_err().to_string();
    assert_eq!(text(plain().with_lambda(1.5)), "lambda is 1.5: expected 0 to 1");
    assert_eq!(text(plain().with_lambda(f64::NAN)), "lambda is NaN: expected 0 to 1");
    assert_eq!(text(plain().with_candidates(0)), "candidates is 0: expected 1 or more");
    assert_eq!(text(plain().with_floor("a", [], -0.5)), "share is -0.5: expected 0 to 1");
    let half = plain().with_floor("a", [], 0.5).unwrap();
    assert_eq!(text(half.clone().with_floor("b", [], 0.75)), "share of all floors is 1.25: expected at most 1");
    let tenths = (0..10).try_fold(plain(), |reranker, _| reranker.with_floor("a", [], 0.1));
    assert!(tenths.is_ok(), "rounding is no reason");
    assert_eq!(half.with_lambda(0.3).unwrap().to_string(), "lambda 0.3, a >= 0.5");
    assert_eq!(plain().to_string(), "as ranked");
}

#[test]
fn recommendations_keep_their_scores_and_foreign_ones_are_named() {
    let catalogue = catalogue(&["a", "a", "b"]);
    let hit = |item: &str, score| Hit { item: item.to_owned(), title: String::new(), score };
    let varied = Reranker::new(ItemDistance::categories(&catalogue)).with_lambda(0.6).unwrap();
    let hits = vec![hit("0", 3.0), hit("1", 2.5), hit("2", 1.0)];
    assert_eq!(varied.hits(&catalogue, hits, 2).unwrap(), [hit("0", 3.0), hit("2", 1.0)]);
    let error = varied.hits(&catalogue, vec![hit("x", 1.0)], 1).unwrap_err();
    assert_eq!(error.to_string(), r#"item "x" is not in the catalogue"#);
}

/// Eight items with categories drawn from four.
fn categories() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec("[abcd]{0,3}", 8..24)
}

proptest! {
    #[test]
    fn nothing_set_leaves_any_list_as_it_was(
        names in categories(),
        scores in prop::collection::vec(prop_oneof![any::<f32>(), Just(1.0), Just(f32::NAN)], 24),
        n in 0usize..30,
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let scores = &scores[..names.len()];
        let kept: Vec<u32> = (0..names.len() as u32).take(n).collect();
        prop_assert_eq!(items(&reranker(&names), scores, n), kept);
    }

    #[test]
    fn each_place_has_the_most_marginal_relevance_there_is(
        names in categories(),
        seed in prop::collection::vec(0u8..40, 24),
        lambda in 0.0f64..=1.0,
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut scores: Vec<f32> = seed[..names.len()].iter().map(|score| f32::from(*score)).collect();
        scores.sort_by(|a, b| b.total_cmp(a));
        let varied = reranker(&names).with_lambda(lambda).unwrap();
        let list = items(&varied, &scores, names.len());
        let (high, low) = (f64::from(scores[0]), f64::from(scores[names.len() - 1]));
        let relevance = |item: u32| if high > low { (f64::from(scores[item as usize]) - low) / (high - low) } else { 1.0 };
        for place in 0..list.len() {
            let nearest = |item: u32| {
                let distances = list[..place].iter().map(|other| varied.distance().between(ItemIndex(item), ItemIndex(*other)));
                distances.fold(1.0, f64::min)
            };
            let worth = |item: u32| (1.0 - lambda) * relevance(item) + lambda * nearest(item);
            for &later in &list[place..] {
                prop_assert!(worth(list[place]) >= worth(later) - 1e-12);
            }
        }
    }

    #[test]
    fn floors_hold_at_every_prefix_as_far_as_there_are_items(
        names in categories(),
        shares in (0.0f64..=0.5, 0.0f64..=0.5),
        lambda in prop_oneof![Just(0.0), Just(0.4)],
        (groups, n) in (prop::collection::vec((any::<bool>(), any::<bool>()), 24), 0usize..24),
    ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        let of = |member: fn(&(bool, bool)) -> bool| -> Vec<ItemIndex> {
            (0..).map(ItemIndex).zip(&groups[..names.len()]).filter(|(_, group)| member(group)).map(|(item, _)| item).collect()
        };
        let (first, second) = (of(|group| group.0), of(|group| group.1));
        let fair = reranker(&names).with_lambda(lambda).unwrap().with_candidates(3).unwrap();
        let fair = fair.with_floor("first", first.clone(), shares.0).unwrap();
        let fair = fair.with_floor("second", second.clone(), shares.1).unwrap();
        let scores: Vec<f32> = (0..names.len()).rev().map(|score| score as f32).collect();
        let list = fair.items(&scored(&scores), n);
        prop_assert_eq!(list.len(), n.min(names.len()));
        for places in 0..=list.len() {
            for (group, share) in [(&first, shares.0), (&second, shares.1)] {
                let has = list[..places].iter().filter(|item| group.contains(item)).count();
                prop_assert!(has >= ((share * places as f64).floor() as usize).min(group.len()));
            }
        }
        let mut distinct = list.clone();
        distinct.sort_unstable();
        distinct.dedup();
        prop_assert_eq!(distinct.len(), list.len());
    }
}
