//! The user-cold protocol against the files that its Python statement wrote, and its behaviour at the edges.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use metarec::baseline::{Constant, standard};
use metarec::data::{
    Dataset, DatasetBuilder, Event, HeldOutUser, ItemIndex, SplitRule, TaskHistory, UserIndex, UserSplit, read_dir,
};
use metarec::evaluate::metric::{HitRate, RankingMetric};
use metarec::evaluate::{EvaluateError, Method, Part, Report, Support, UserCold, pool_size, write_episodes};

const FOLDERS: [&str; 2] = ["halves", "whole"];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/protocol").join(name)
}

fn read(name: &str) -> Dataset {
    read_dir(folder(name)).unwrap()
}

fn by_digest(data: &Dataset) -> UserSplit {
    UserSplit::by_digest(data, &SplitRule::default()).unwrap()
}

fn written(data: &Dataset, split: &UserSplit) -> String {
    let mut bytes = Vec::new();
    write_episodes(&mut bytes, data, split).unwrap();
    String::from_utf8(bytes).unwrap()
}

type Answer = Result<Option<Vec<Vec<f32>>>, EvaluateError>;

/// A method made of two functions.
struct Made<S, R> {
    scores: S,
    ratings: R,
}

impl<S, R> Method for Made<S, R>
where
    S: Fn(&[Support<'_>]) -> Answer + Sync,
    R: Fn(&[Support<'_>]) -> Answer + Sync,
{
    fn name(&self) -> &str {
        "made"
    }

    fn scores(&self, supports: &[Support<'_>]) -> Answer {
        (self.scores)(supports)
    }

    fn ratings(&self, supports: &[Support<'_>]) -> Answer {
        (self.ratings)(supports)
    }
}

fn no_answer(_: &[Support<'_>]) -> Answer {
    Ok(None)
}

/// The items that a test user liked later score 1, all else 0: no method could know.
fn oracle_scores<'a>(data: &'a Dataset, split: &'a UserSplit) -> impl Fn(&[Support<'_>]) -> Answer + Sync + 'a {
    |supports| {
        let row = |support: &Support<'_>| {
            let mut scores = vec![0.0; data.catalogue().len()];
            let user = split.test.iter().find(|user| user.user == support.user).unwrap();
            for event in user.query.iter().filter(|event| data.like_rule().is_like(event)) {
                scores[event.item.position()] = 1.0;
            }
            scores
        };
        Ok(Some(supports.iter().map(row).collect()))
    }
}

#[test]
fn the_split_by_digest_is_written_byte_for_byte_as_by_the_python_protocol() {
    for name in FOLDERS {
        let data = read(name);
        let expected = std::fs::read_to_string(folder(name).join("episodes.csv")).unwrap();
        assert_eq!(written(&data, &by_digest(&data)), expected, "{name}");
    }
}

#[test]
fn a_split_that_was_read_is_written_as_it_was() {
    for name in FOLDERS {
        let data = read(name);
        let pinned = data.pinned_split().unwrap();
        assert_eq!(
            written(&data, pinned),
            std::fs::read_to_string(folder(name).join("episodes.csv")).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn candidates_are_the_items_of_training_users_only() {
    for name in FOLDERS {
        let data = read(name);
        let split = by_digest(&data);
        let protocol = UserCold::new(&data, &split).unwrap();
        assert_eq!((protocol.candidates().len(), data.catalogue().len()), (70, 71), "{name}");
    }
}

#[test]
fn a_method_sees_the_first_events_of_each_pool_and_nothing_else() {
    let data = read("halves");
    let split = by_digest(&data);
    let seen = Mutex::new(Vec::new());
    let watch = |supports: &[Support<'_>]| {
        seen.lock().unwrap().extend(supports.iter().map(|support| (support.user, support.events.to_vec())));
        Ok(Some(vec![vec![0.0; data.catalogue().len()]; supports.len()]))
    };
    let method = Made { scores: watch, ratings: no_answer };
    UserCold::new(&data, &split).unwrap().run(&method, &mut Report::new()).unwrap();
    let mut expected = Vec::new();
    for shots in [0, 1, 5, 20] {
        expected.extend(split.test.iter().map(|user| (user.user, user.pool[..shots].to_vec())));
    }
    assert_eq!(*seen.lock().unwrap(), expected);
}

#[test]
fn knowing_the_query_set_scores_one() {
    let data = read("whole");
    let split = by_digest(&data);
    let mut report = Report::new();
    let method = Made { scores: oracle_scores(&data, &split), ratings: no_answer };
    UserCold::new(&data, &split).unwrap().run(&method, &mut report).unwrap();
    for metric in ["ndcg@10", "hr@10", "recall@20", "mrr@100", "map@10", "auc"] {
        assert_eq!(report.mean("made", 5, metric), Some(1.0), "{metric}");
    }
}

#[test]
fn a_model_of_nan_scores_like_the_constant_one() {
    let data = read("whole");
    let split = by_digest(&data);
    let protocol = UserCold::new(&data, &split).unwrap();
    let items = data.catalogue().len();
    let nan = Made {
        scores: |supports: &[Support<'_>]| Ok(Some(vec![vec![f32::NAN; items]; supports.len()])),
        ratings: no_answer,
    };
    let mut report = Report::new();
    protocol.run(&nan, &mut report).unwrap();
    protocol.run(&Constant::fit(&data, &split), &mut report).unwrap();
    for metric in ["ndcg@10", "auc", "coverage@10"] {
        assert_eq!(report.mean("made", 0, metric), report.mean("constant", 0, metric), "{metric}");
    }
}

#[test]
fn predictions_are_clipped_to_the_range_of_the_training_values() {
    let data = read("whole");
    let split = by_digest(&data);
    let items = data.catalogue().len();
    let rate = |value: f32| {
        let method = Made {
            scores: no_answer,
            ratings: move |supports: &[Support<'_>]| Ok(Some(vec![vec![value; items]; supports.len()])),
        };
        let mut report = Report::new();
        UserCold::new(&data, &split).unwrap().run(&method, &mut report).unwrap();
        (report.mean("made", 1, "rmse").unwrap(), report.mean("made", 1, "accuracy").unwrap())
    };
    assert_eq!(rate(99.0), rate(5.0));
    assert_eq!(rate(-99.0), rate(1.0));
    assert!((rate(5.0).1 + rate(1.0).1 - 1.0).abs() < 1e-12, "all likes or none: their accuracies are complements");
}

#[test]
fn results_do_not_depend_on_where_batches_end() {
    let data = market(150, true);
    let split = halved(&data, 10);
    let item_sums = |supports: &[Support<'_>]| {
        let row = |support: &Support<'_>| {
            let last = support.events.last().map_or(0, |event| event.item.0);
            (0..data.catalogue().len() as u32)
                .map(|item| ((item * 7 + last * 3 + support.user.0) % 11) as f32)
                .collect()
        };
        Ok(Some(supports.iter().map(row).collect()))
    };
    let method = Made { scores: item_sums, ratings: no_answer };
    let mut all = Report::new();
    UserCold::new(&data, &split).unwrap().run(&method, &mut all).unwrap();
    for user in [0, 63, 64, 74] {
        let alone = UserSplit { test: vec![split.test[user].clone()], ..split.clone() };
        let mut report = Report::new();
        UserCold::new(&data, &alone).unwrap().run(&method, &mut report).unwrap();
        let one = report.find("made", 5, "ndcg@10").unwrap().values()[0];
        assert!(all.find("made", 5, "ndcg@10").unwrap().values().contains(&one));
    }
}

/// Users with 16 of 24 items each, in an order of their own; with ratings of 1 to 5, or without values.
fn market(users: u32, rated: bool) -> Dataset {
    let mut events = DatasetBuilder::new();
    for user in 0..users {
        for step in 0..16 {
            let item = (user * 5 + step * 7) % 24;
            let event = if rated {
                Event::rating(item.to_string(), ((user + item) % 5 + 1) as f32)
            } else {
                Event::click(item.to_string())
            };
            events.push(&user.to_string(), &event.at(i64::from(step))).unwrap();
        }
    }
    events.build()
}

/// Every second user to train on, the others to test on.
fn halved(data: &Dataset, pool: usize) -> UserSplit {
    let mut split = UserSplit::default();
    for user in (0..data.users().len() as u32).map(UserIndex) {
        let events = data.history(user);
        if user.0 % 2 == 0 {
            split.train.push(TaskHistory { user, events: events.to_vec() });
        } else {
            split.test.push(HeldOutUser { user, pool: events[..pool].to_vec(), query: events[pool..].to_vec() });
        }
    }
    split
}

#[test]
fn events_without_values_have_ranking_rows_only() {
    let data = market(20, false);
    let split = halved(&data, 10);
    let protocol = UserCold::new(&data, &split).unwrap();
    assert_eq!((pool_size(&split), protocol.shots()), (10, &[0, 1, 5, 10][..]));
    let mut report = Report::new();
    for method in standard(&data, &split, protocol.shots(), 1).unwrap() {
        protocol.run(method.as_ref(), &mut report).unwrap();
    }
    assert_eq!(report.methods().collect::<Vec<_>>(), ["random", "constant", "popularity", "popularity_cond"]);
    assert!(report.rows().iter().all(|row| !["rmse", "mae", "mae_of_mean", "accuracy"].contains(&row.metric.as_str())));
    assert!(report.mean("popularity", 0, "ndcg@10").is_some_and(|mean| mean > 0.0));
}

#[test]
fn other_shots_metrics_and_users_can_be_asked_for() {
    let data = read("halves");
    let split = by_digest(&data);
    let metrics: Vec<Box<dyn RankingMetric>> = vec![Box::new(HitRate { k: 3 })];
    let protocol = UserCold::new(&data, &split).unwrap().on(Part::Valid).with_shots([2]).with_metrics(metrics);
    let mut report = Report::new();
    protocol.run(&Constant::fit(&data, &split), &mut report).unwrap();
    let row = report.find("constant", 2, "hr@3").unwrap();
    assert!(row.values().iter().all(|(user, _)| split.valid.iter().any(|held_out| held_out.user == *user)));
    assert_eq!(report.mean("constant", 2, "ndcg@10"), None);
}

#[test]
fn other_items_than_those_of_training_can_be_ranked() {
    let data = market(9, false);
    let split = halved(&data, 2);
    // Among one item alone, only those who liked it have anything to find.
    let likers =
        |item: &ItemIndex| split.test.iter().filter(|user| user.query.iter().any(|event| event.item == *item)).count();
    let liked = (0..24).map(ItemIndex).filter(|item| likers(item) > 0).min_by_key(likers).unwrap();
    let expected = likers(&liked);
    let cold = UserCold::new(&data, &split).unwrap().with_shots([0]);
    let of = |cold: &UserCold<'_>| {
        let mut report = Report::new();
        cold.run(&Made { scores: oracle_scores(&data, &split), ratings: no_answer }, &mut report).unwrap();
        let found = report.find("made", 0, "ndcg@10").unwrap();
        (found.mean().unwrap(), found.users())
    };
    let (all, few) = (of(&cold), of(&cold.with_candidates([liked, liked])));
    assert_eq!((all.0, few.0), (1.0, 1.0));
    let far = UserCold::new(&data, &split).unwrap().with_candidates([ItemIndex(24)]);
    let error = far.run(&Made { scores: oracle_scores(&data, &split), ratings: no_answer }, &mut Report::new());
    assert!(error.unwrap_err().to_string().contains("item 24 of 24"));
    assert!(expected < all.1, "everybody likes it");
    assert_eq!(few.1, expected);
}

#[test]
fn more_shots_than_the_pool_holds_are_an_error() {
    let data = read("halves");
    let split = by_digest(&data);
    let protocol = UserCold::new(&data, &split).unwrap().with_shots([0, 21]);
    let mut report = Report::new();
    let error = protocol.run(&Constant::fit(&data, &split), &mut report);
    assert!(matches!(error, Err(EvaluateError::TooManyShots { shots: 21, pool: 20, part: Part::Test })), "{error:?}");
    assert_eq!(report, Report::new(), "nothing was added");
}

#[test]
fn a_split_without_users_of_the_part_is_an_error() {
    let data = market(4, true);
    let split = UserSplit { test: Vec::new(), ..halved(&data, 10) };
    let error = UserCold::new(&data, &split).unwrap().run(&Constant::fit(&data, &split), &mut Report::new());
    assert!(matches!(error, Err(EvaluateError::NoUsers(Part::Test))), "{error:?}");
}

#[test]
fn a_split_of_another_data_set_is_an_error() {
    let split = halved(&market(4, true), 10);
    assert!(matches!(UserCold::new(&market(2, true), &split), Err(EvaluateError::ForeignSplit(_))));
    let mut split = split;
    split.test[0].query[0].item = ItemIndex(24);
    assert!(matches!(UserCold::new(&market(4, true), &split), Err(EvaluateError::ForeignSplit(_))));
}

#[test]
fn answers_of_the_wrong_shape_are_an_error() {
    let data = market(4, true);
    let split = halved(&data, 10);
    let run = |method: &dyn Method| UserCold::new(&data, &split).unwrap().run(method, &mut Report::new());
    let rows = run(&Made { scores: |_: &[Support<'_>]| Ok(Some(Vec::new())), ratings: no_answer });
    assert!(matches!(rows, Err(EvaluateError::WrongShape { what: "rows", expected: 2, found: 0, .. })), "{rows:?}");
    let row = run(&Made {
        scores: no_answer,
        ratings: |supports: &[Support<'_>]| Ok(Some(vec![vec![1.0; 3]; supports.len()])),
    });
    assert!(matches!(row, Err(EvaluateError::WrongShape { expected: 24, found: 3, .. })), "{row:?}");
}

#[test]
fn a_rating_that_is_no_number_is_an_error_and_names_the_user() {
    let data = market(4, true);
    let split = halved(&data, 10);
    let nan = Made {
        scores: no_answer,
        ratings: |supports: &[Support<'_>]| Ok(Some(vec![vec![f32::NAN; 24]; supports.len()])),
    };
    let error = UserCold::new(&data, &split).unwrap().run(&nan, &mut Report::new());
    assert!(
        matches!(error, Err(EvaluateError::RatingNotFinite { ref user, shots: 0, .. }) if user == "1"),
        "{error:?}"
    );
}

#[test]
fn the_failure_of_a_method_comes_through() {
    let data = market(4, true);
    let split = halved(&data, 10);
    let failing =
        Made { scores: |_: &[Support<'_>]| Err(EvaluateError::method("made", "out of memory")), ratings: no_answer };
    let error = UserCold::new(&data, &split).unwrap().run(&failing, &mut Report::new());
    assert!(matches!(error, Err(EvaluateError::Method { ref method, .. }) if method == "made"), "{error:?}");
}
