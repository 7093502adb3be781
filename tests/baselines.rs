//! The baselines against those of the Python oracle.

use std::path::{Path, PathBuf};

use metarec::baseline::{Offsets, Random, Tuner, standard};
use metarec::data::{Dataset, SplitRule, UserSplit, read_dir};
use metarec::evaluate::{Report, UserCold};

const TOLERANCE: f64 = 0.0005;
const SHOTS: [usize; 4] = [0, 1, 5, 20];

/// Means over the test users of `tests/fixtures/protocol`, by
///
/// ```text
/// python baselines.py FOLDER --only random,constant,popularity,popularity_cond,item_mean,bias --out FILE
/// ```
///
/// Columns: folder, method, metric, value at k = 0, 1, 5 and 20. The oracle's "mrr" is `mrr@100`. Its random row
/// depends on its generator: ours is compared with the expectation instead.
const ORACLE: [(&str, &str, &str, [f64; 4]); 36] = [
    ("halves", "constant", "hr@10", [0.66667, 0.66667, 0.66667, 0.66667]),
    ("halves", "constant", "mae", [0.90623, 0.90623, 0.90623, 0.90623]),
    ("halves", "constant", "mrr", [0.28492, 0.28492, 0.28492, 0.28492]),
    ("halves", "constant", "ndcg@10", [0.2016, 0.2016, 0.2016, 0.2016]),
    ("halves", "constant", "recall@20", [0.43333, 0.43333, 0.43333, 0.43333]),
    ("halves", "constant", "rmse", [1.12466, 1.12466, 1.12466, 1.12466]),
    ("halves", "popularity", "hr@10", [0.83333, 0.83333, 0.83333, 0.83333]),
    ("halves", "popularity", "mrr", [0.48307, 0.48307, 0.48307, 0.48307]),
    ("halves", "popularity", "ndcg@10", [0.31041, 0.31041, 0.31041, 0.31041]),
    ("halves", "popularity", "recall@20", [0.65, 0.65, 0.65, 0.65]),
    ("halves", "item_mean", "mae", [0.92488, 0.92488, 0.92488, 0.92488]),
    ("halves", "item_mean", "rmse", [1.13405, 1.13405, 1.13405, 1.13405]),
    ("halves", "bias", "mae", [0.91537, 0.93664, 0.90535, 0.89528]),
    ("halves", "bias", "rmse", [1.13326, 1.15707, 1.12192, 1.10624]),
    ("halves", "popularity_cond", "hr@10", [0.83333, 0.83333, 0.83333, 0.83333]),
    ("halves", "popularity_cond", "mrr", [0.44154, 0.44154, 0.44154, 0.44154]),
    ("halves", "popularity_cond", "ndcg@10", [0.28934, 0.28934, 0.28934, 0.28934]),
    ("halves", "popularity_cond", "recall@20", [0.67222, 0.67222, 0.67222, 0.67222]),
    ("whole", "constant", "hr@10", [1.0, 1.0, 1.0, 1.0]),
    ("whole", "constant", "mae", [1.15275, 1.15275, 1.15275, 1.15275]),
    ("whole", "constant", "mrr", [0.34094, 0.34094, 0.34094, 0.34094]),
    ("whole", "constant", "ndcg@10", [0.21084, 0.21084, 0.21084, 0.21084]),
    ("whole", "constant", "recall@20", [0.39466, 0.39466, 0.39466, 0.39466]),
    ("whole", "constant", "rmse", [1.34492, 1.34492, 1.34492, 1.34492]),
    ("whole", "popularity", "hr@10", [1.0, 1.0, 1.0, 1.0]),
    ("whole", "popularity", "mrr", [0.58889, 0.58889, 0.58889, 0.58889]),
    ("whole", "popularity", "ndcg@10", [0.41305, 0.41305, 0.41305, 0.41305]),
    ("whole", "popularity", "recall@20", [0.71752, 0.71752, 0.71752, 0.71752]),
    ("whole", "item_mean", "mae", [1.15091, 1.15091, 1.15091, 1.15091]),
    ("whole", "item_mean", "rmse", [1.30719, 1.30719, 1.30719, 1.30719]),
    ("whole", "bias", "mae", [1.15064, 1.15565, 1.05208, 1.01157]),
    ("whole", "bias", "rmse", [1.31193, 1.31885, 1.19402, 1.15487]),
    ("whole", "popularity_cond", "hr@10", [1.0, 1.0, 1.0, 1.0]),
    ("whole", "popularity_cond", "mrr", [0.54167, 0.54167, 0.54167, 0.54167]),
    ("whole", "popularity_cond", "ndcg@10", [0.35709, 0.35709, 0.35709, 0.35709]),
    ("whole", "popularity_cond", "recall@20", [0.6609, 0.6609, 0.6609, 0.6609]),
];

/// The pair of ridges (users, items) that the oracle chose at k = 0, 1, 5 and 20: the `config` of its "bias" rows.
const RIDGES: [(&str, [(f64, f64); 4]); 2] = [
    ("halves", [(1.0, 5.0), (3.0, 2.0), (12.0, 2.0), (12.0, 2.0)]),
    ("whole", [(1.0, 10.0), (12.0, 10.0), (6.0, 10.0), (6.0, 10.0)]),
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/protocol").join(name)
}

fn read(name: &str) -> (Dataset, UserSplit) {
    let data = read_dir(folder(name)).unwrap();
    let split = UserSplit::by_digest(&data, &SplitRule::default()).unwrap();
    (data, split)
}

fn report_of(data: &Dataset, split: &UserSplit) -> Report {
    let protocol = UserCold::new(data, split).unwrap();
    let mut report = Report::new();
    for method in standard(data, split, protocol.shots(), 1).unwrap() {
        protocol.run(method.as_ref(), &mut report).unwrap();
    }
    report
}

fn our_name(metric: &str) -> &str {
    if metric == "mrr" { "mrr@100" } else { metric }
}

#[test]
fn means_agree_with_the_oracle() {
    for name in ["halves", "whole"] {
        let (data, split) = read(name);
        let report = report_of(&data, &split);
        for (_, method, metric, expected) in ORACLE.into_iter().filter(|row| row.0 == name) {
            for (k, expected) in SHOTS.into_iter().zip(expected) {
                let mean = report.mean(method, k, our_name(metric)).unwrap();
                assert!((mean - expected).abs() < TOLERANCE, "{name} {method} {metric} k={k}: {mean} for {expected}");
            }
        }
    }
}

#[test]
fn the_value_of_every_single_user_agrees_with_the_oracle() {
    for name in ["halves", "whole"] {
        let (data, split) = read(name);
        let report = report_of(&data, &split);
        let mut compared = 0;
        for row in csv::Reader::from_path(folder(name).join("oracle.csv")).unwrap().deserialize() {
            let (method, k, metric, user, expected): (String, usize, String, String, f64) = row.unwrap();
            let user = data.users().find(&user).unwrap();
            let values = report.find(&method, k, our_name(&metric)).unwrap().values();
            let (_, value) = values.iter().find(|(one, _)| *one == user).unwrap();
            assert!(
                (value - expected).abs() < TOLERANCE,
                "{name} {method} {metric} k={k} {user:?}: {value} for {expected}"
            );
            compared += 1;
        }
        assert_eq!(compared, 6 * 18 * 4, "six users, eighteen pairs of method and metric, four numbers of shots");
    }
}

#[test]
fn offsets_are_tuned_to_the_ridges_that_the_oracle_chose() {
    for (name, expected) in RIDGES {
        let (data, split) = read(name);
        let offsets = Offsets::tuned(&Tuner::new(&data, &split, &SHOTS).unwrap()).unwrap();
        let ridges: Vec<_> = offsets
            .chosen()
            .map(|(k, offsets)| (k, offsets.ridge()))
            .map(|(k, ridge)| (k, (ridge.user, ridge.item)))
            .collect();
        assert_eq!(ridges, SHOTS.into_iter().zip(expected).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn without_valid_users_the_offsets_still_predict() {
    let (data, split) = read("whole");
    let split = UserSplit { valid: Vec::new(), ..split };
    let report = report_of(&data, &split);
    assert!(report.mean("bias", 20, "rmse").unwrap() < report.mean("constant", 20, "rmse").unwrap());
}

/// Expected values of a ranking at random, for `relevant` among `ranked` items: nDCG@10, HR@10, recall@20,
/// precision@10, AUC.
fn expectation(relevant: usize, ranked: usize) -> [f64; 5] {
    let discounts = |n: usize| (0..n).map(|position| 1.0 / (position as f64 + 2.0).log2()).sum::<f64>();
    let (r, n) = (relevant as f64, ranked as f64);
    let missed: f64 = (0..10).map(|drawn| (n - r - f64::from(drawn)) / (n - f64::from(drawn))).product();
    let ndcg = r / n * discounts(10) / discounts(relevant.min(10));
    [ndcg, 1.0 - missed, 20.0 * r / n / r.min(20.0), r / n, 0.5]
}

#[test]
fn random_scores_have_their_expectation() {
    let (data, split) = read("halves");
    let protocol = UserCold::new(&data, &split).unwrap();
    let metrics = ["ndcg@10", "hr@10", "recall@20", "precision@10", "auc"];
    let mut expected = [0.0; 5];
    for user in &split.test {
        let relevant = user.query.iter().filter(|event| data.like_rule().is_like(event)).count();
        let of_user = expectation(relevant, protocol.candidates().len() - user.pool.len());
        expected.iter_mut().zip(of_user).for_each(|(sum, value)| *sum += value / split.test.len() as f64);
    }
    let mut runs = Vec::new();
    for seed in 0..2_000 {
        let mut report = Report::new();
        protocol.run(&Random::new(&data, seed), &mut report).unwrap();
        let over_shots = |metric| SHOTS.map(|k| report.mean("random", k, metric).unwrap()).iter().sum::<f64>() / 4.0;
        runs.push(metrics.map(over_shots));
    }
    for (nth, (metric, expected)) in metrics.into_iter().zip(expected).enumerate() {
        let mean = runs.iter().map(|run| run[nth]).sum::<f64>() / runs.len() as f64;
        let variance = runs.iter().map(|run| (run[nth] - mean).powi(2)).sum::<f64>() / runs.len() as f64;
        let error = (variance / runs.len() as f64).sqrt();
        assert!(error < 0.0025, "{metric}: a standard error of {error} proves little");
        assert!((mean - expected).abs() < 4.0 * error, "{metric}: {mean} for {expected}, standard error {error}");
    }
}
