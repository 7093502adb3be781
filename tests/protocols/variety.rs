//! What lists are like, worked out by hand, and what re-ranking makes of them.

use metarec::baseline::{Popularity, Random};
use metarec::data::synthetic::MarketConfig;
use metarec::data::{
    Band, Dataset, DatasetBuilder, Event, HeldOutUser, ItemDistance, TaskHistory, UserIndex, UserSplit,
};
use metarec::evaluate::{EvaluateError, Method, Report, UserCold, Variety};
use metarec::recommend::Reranker;

use super::Told;

/// Of four training users all have a and b, two have c, two d, one e and one f; two test users.
fn shop() -> (Dataset, UserSplit) {
    let mut builder = DatasetBuilder::new();
    for (item, kind) in [("a", "fruit"), ("b", "fruit"), ("c", "tool"), ("d", "toy"), ("e", "toy"), ("f", "tool")] {
        builder.catalogue_mut().describe(item, "", "", [kind]);
    }
    let did = [("t1", "abce"), ("t2", "abcf"), ("t3", "abd"), ("t4", "abd"), ("new", "aef"), ("other", "ab")];
    for (user, items) in did {
        for (time, item) in (0..).zip(items.chars()) {
            builder.push(user, &Event::purchase(item.to_string()).at(time)).unwrap();
        }
    }
    let data = builder.build();
    let held_out = |user| {
        let (pool, query) = data.history(UserIndex(user)).split_at(1);
        HeldOutUser { user: UserIndex(user), pool: pool.to_vec(), query: query.to_vec() }
    };
    let train = |user| TaskHistory { user: UserIndex(user), events: data.history(UserIndex(user)).to_vec() };
    let split =
        UserSplit { train: (0..4).map(train).collect(), valid: Vec::new(), test: vec![held_out(4), held_out(5)] };
    (data, split)
}

fn mean(report: &Report, method: &str, metric: &str) -> f64 {
    report.mean(method, 0, metric).unwrap_or_else(|| panic!("no {metric} of {method}"))
}

#[test]
fn each_value_is_that_counted_by_hand() {
    let (data, split) = shop();
    let protocol = Variety::new(&data, &split).unwrap().with_shots([0]);
    let bands = protocol.bands();
    // Of 14 pairs a and b begin at 0, c and d at 8, e and f at 12.
    let of = |id: &str| bands.band(data.catalogue().find(id).unwrap());
    assert_eq!(
        ["a", "b", "c", "d", "e", "f"].map(of),
        [Band::Head, Band::Head, Band::Middle, Band::Middle, Band::Tail, Band::Tail]
    );

    let told = Told::new(&data, |item| -f32::from(item.as_bytes()[0]));
    let mut report = Report::new();
    protocol.run(&told, &[], &mut report).unwrap();
    // Both lists are b c d e f: a is in the pools. Self-information 0, 1, 1, 2, 2 bits; of the ten pairs c f and d e are of one kind.
    let near = |metric: &str, value: f64| {
        let found = mean(&report, "told", metric);
        assert!((found - value).abs() < 1e-12, "{metric} is {found}, not {value}");
    };
    near("novelty@10", 6.0 / 5.0);
    near("ild@10", 0.8);
    near("tail@10", 0.4);
    near("coverage@10", 5.0 / 6.0);
    // Five of six items twice each: the one without has a sixth of the places coming to it.
    near("gini@10", 1.0 / 6.0);
    let gain = |position: f64| 1.0 / (position + 2.0).log2();
    near("ndcg@10/tail", (gain(3.0) + gain(4.0)) / (gain(0.0) + gain(1.0)));
    near("ndcg@10/head", 1.0);
    near("recall@20", 1.0);
    let users = |metric: &str| report.find("told", 0, metric).unwrap().users();
    assert_eq!(["ndcg@10", "ndcg@10/head", "ndcg@10/middle", "ndcg@10/tail", "ild@10"].map(users), [2, 1, 0, 1, 2]);
}

#[test]
fn a_floor_and_a_lambda_do_what_they_say() {
    let (data, split) = shop();
    let protocol = Variety::new(&data, &split).unwrap().with_shots([0]);
    let told = Told::new(&data, |item| -f32::from(item.as_bytes()[0]));
    let plain = Reranker::new(protocol.distance().clone());
    let tail = plain.clone().with_floor("tail", protocol.bands().items(Band::Tail), 0.5).unwrap();
    let mut report = Report::new();
    protocol.run(&told, &[plain.clone(), tail], &mut report).unwrap();
    // The new user's list is b e c f d: the tail items they like stand second and fourth.
    let gain = |position: f64| 1.0 / (position + 2.0).log2();
    let expected = (gain(1.0) + gain(3.0)) / (gain(0.0) + gain(1.0));
    assert!((mean(&report, "told, tail >= 0.5", "ndcg@10/tail") - expected).abs() < 1e-12);
    assert_eq!(mean(&report, "told, as ranked", "ndcg@10"), mean(&report, "told", "ndcg@10"));
    let twice = protocol.run(&Popularity::fit(&data, &split), &[plain.clone(), plain], &mut report);
    assert!(matches!(twice, Err(EvaluateError::MethodTwice(name)) if name == "popularity, as ranked"));
    assert_eq!(report.methods().count(), 3, "and nothing of it was added");
}

#[test]
fn what_is_not_re_ranked_is_measured_as_in_the_user_cold_protocol() {
    let data = MarketConfig::default().with_users(120).generate().unwrap().into_dataset();
    let split = data.split().unwrap();
    let (popularity, random) = (Popularity::fit(&data, &split), Random::new(&data, 3));
    let (mut cold, mut varied) = (Report::new(), Report::new());
    let protocol = Variety::new(&data, &split).unwrap();
    for method in [&popularity as &dyn Method, &random] {
        UserCold::new(&data, &split).unwrap().run(method, &mut cold).unwrap();
        protocol.run(method, &[Reranker::new(protocol.distance().clone())], &mut varied).unwrap();
    }
    for (method, shots, metric) in ["popularity", "random"].into_iter().flat_map(|method| {
        [0, 1, 5]
            .into_iter()
            .flat_map(move |shots| ["ndcg@10", "recall@20", "coverage@10"].map(|metric| (method, shots, metric)))
    }) {
        let expected = cold.find(method, shots, metric).unwrap();
        for name in [method.to_owned(), format!("{method}, as ranked")] {
            assert_eq!(varied.find(&name, shots, metric), Some(expected), "{name} {shots} {metric}");
        }
    }
}

#[test]
fn more_weight_for_variety_makes_popular_lists_more_varied() {
    let data = MarketConfig::default().with_users(120).generate().unwrap().into_dataset();
    let split = data.split().unwrap();
    let by_users = ItemDistance::co_occurrence(&split.train, data.catalogue().len());
    let protocol = Variety::new(&data, &split).unwrap().with_shots([0]).with_distance(by_users.clone());
    let rerankers = [0.3, 1.0].map(|lambda| Reranker::new(by_users.clone()).with_lambda(lambda).unwrap());
    let mut report = Report::new();
    protocol.run(&Popularity::fit(&data, &split), &rerankers, &mut report).unwrap();
    let ild =
        ["popularity", "popularity, lambda 0.3", "popularity, lambda 1"].map(|name| mean(&report, name, "ild@10"));
    assert!(ild[0] < ild[1] && ild[1] < ild[2], "{ild:?}");
    let nobody = UserSplit { test: Vec::new(), ..split.clone() };
    let error = Variety::new(&data, &nobody).unwrap().run(&Random::new(&data, 1), &[], &mut report).unwrap_err();
    assert_eq!(error.to_string(), "the split has no test users");
}
