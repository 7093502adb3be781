//! All baselines against the Python oracle on two small made-up markets: ratings, and the same events without values.
//!
//! The golden values come from `tests/fixtures/strong/golden.py`; README.md there says how they are made again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use metarec::baseline::{NAMES, Named, Tuner, by_name};
use metarec::data::synthetic::{Feedback, MarketConfig};
use metarec::data::{Dataset, DatasetBuilder, Event, UserIndex, UserSplit};
use metarec::evaluate::{Report, Support, UserCold, write_episodes};

const TOLERANCE: f64 = 0.0005;
const SHOTS: [usize; 4] = [0, 1, 5, 20];

/// 1 to 5 stars.
fn ratings() -> Dataset {
    let config = MarketConfig::default().with_users(170).with_items(70).with_events(44).with_seed(11);
    config.generate().unwrap().into_dataset()
}

/// The same events, every value being 1.
fn likes() -> Dataset {
    let rated = ratings();
    let mut events = DatasetBuilder::new();
    rated.catalogue().ids().iter().for_each(|id| _ = events.catalogue_mut().insert(id));
    for user in (0..rated.users().len() as u32).map(UserIndex) {
        for event in rated.history(user) {
            let like = Event::rating(rated.catalogue().id(event.item), 1.0).at(event.timestamp.unwrap());
            events.push(rated.users().id(user), &like).unwrap();
        }
    }
    events.build()
}

fn split_of(data: &Dataset) -> UserSplit {
    data.split().unwrap()
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/strong").join(name)
}

fn report_of(data: &Dataset) -> Report {
    let split = split_of(data);
    let protocol = UserCold::new(data, &split).unwrap();
    assert_eq!(protocol.shots(), SHOTS);
    let tuner = Tuner::new(data, &split, protocol.shots()).unwrap();
    let mut named = Named::new(&tuner, 1);
    let mut report = Report::new();
    for name in NAMES {
        let method = named.fit(name).unwrap();
        assert_eq!(method.name(), name);
        protocol.run(method.as_ref(), &mut report).unwrap();
    }
    report
}

/// Compares every row of a golden file, and says of how many methods they are.
fn compare(report: &Report, file: &str) -> usize {
    let mut methods = Vec::new();
    for row in csv::Reader::from_path(golden(file)).unwrap().deserialize() {
        let (method, metric, means): (String, String, [f64; 4]) = row.unwrap();
        let name = if metric == "mrr" { "mrr@100" } else { &metric };
        for (k, expected) in SHOTS.into_iter().zip(means) {
            let mean = report.mean(&method, k, name).unwrap_or_else(|| panic!("{method} has no {name}"));
            assert!((mean - expected).abs() < TOLERANCE, "{file} {method} {name} k={k}: {mean} for {expected}");
        }
        methods.push(method);
    }
    methods.dedup();
    methods.len()
}

#[test]
fn every_baseline_agrees_with_the_oracle_on_ratings() {
    assert_eq!(compare(&report_of(&ratings()), "ratings.csv"), 14);
}

#[test]
fn every_baseline_agrees_with_the_oracle_where_all_values_are_the_same() {
    let report = report_of(&likes());
    assert_eq!(compare(&report, "likes.csv"), 11);
    assert!(report.rows().iter().all(|row| !["rmse", "mae", "mae_of_mean", "accuracy"].contains(&row.metric.as_str())));
}

/// Clicks, purchases and browsing without any value, in a catalogue with an item that nobody has met.
fn actions() -> Dataset {
    let config =
        MarketConfig::default().with_users(170).with_items(70).with_events(44).with_feedback(Feedback::Actions);
    let mut data = config.generate().unwrap().into_dataset();
    data.catalogue_mut().insert("unmet");
    data
}

#[test]
fn actions_without_values_are_ranked_by_finite_numbers_even_for_items_without_events() {
    let data = actions();
    let split = split_of(&data);
    let unmet = data.catalogue().find("unmet").unwrap().position();
    let tuner = Tuner::new(&data, &split, &SHOTS).unwrap();
    let mut named = Named::new(&tuner, 1);
    for name in NAMES {
        let method = named.fit(name).unwrap();
        for shots in SHOTS {
            let support = Support { user: split.test[0].user, events: &split.test[0].pool[..shots] };
            assert!(method.ratings(&[support]).unwrap().is_none(), "{name} rates");
            let Some(rows) = method.scores(&[support]).unwrap() else { continue };
            assert!(rows[0].iter().all(|score| score.is_finite()), "{name} k={shots}");
            if !["random", "constant", "personal_frequency"].contains(&name) && shots == 0 {
                let best = rows[0].iter().copied().fold(f32::NEG_INFINITY, f32::max);
                assert!(rows[0][unmet] < best, "{name}: nobody has met it");
            }
        }
    }
}

#[test]
fn without_valid_users_every_baseline_has_a_default() {
    let data = ratings();
    let split = UserSplit { valid: Vec::new(), ..split_of(&data) };
    let protocol = UserCold::new(&data, &split).unwrap();
    let mut report = Report::new();
    let tuner = Tuner::new(&data, &split, &[]).unwrap();
    let mut named = Named::new(&tuner, 1);
    NAMES.iter().for_each(|name| protocol.run(named.fit(name).unwrap().as_ref(), &mut report).unwrap());
    let mean = |method, metric| report.mean(method, 20, metric).unwrap();
    for name in ["knn", "ease_pos", "ials", "knn+pop", "ease_pos+pop", "ials+pop"] {
        assert!(mean(name, "ndcg@10") > mean("constant", "ndcg@10"), "{name}");
    }
    assert!(mean("pmf_foldin", "rmse") < mean("constant", "rmse"));
}

#[test]
fn nothing_to_train_on_is_nothing_to_rank_by_and_no_failure() {
    let data = ratings();
    let split = UserSplit { train: Vec::new(), ..split_of(&data) };
    let tuner = Tuner::new(&data, &split, &[]).unwrap();
    let mut named = Named::new(&tuner, 1);
    for name in NAMES {
        let method = named.fit(name).unwrap();
        let support = Support { user: split.test[0].user, events: &split.test[0].pool };
        if let Some(rows) = method.scores(&[support]).unwrap() {
            assert!(rows[0].iter().all(|score| score.is_finite()), "{name}");
        }
    }
}

#[test]
fn one_baseline_by_its_name_is_the_one_that_others_share_a_fit_with() {
    let data = ratings();
    let split = split_of(&data);
    let tuner = Tuner::new(&data, &split, &SHOTS).unwrap();
    let mut named = Named::new(&tuner, 1);
    let support = Support { user: split.test[0].user, events: &split.test[0].pool };
    for name in ["knn", "knn+pop", "ease_w+pop", "ease_w", "bias", "pmf_foldin"] {
        let (shared, alone) = (named.fit(name).unwrap(), by_name(name, &tuner, 1).unwrap());
        assert_eq!(shared.scores(&[support]).unwrap(), alone.scores(&[support]).unwrap(), "{name}");
        assert_eq!(
            (shared.config(), shared.ratings(&[support]).unwrap()),
            (alone.config(), alone.ratings(&[support]).unwrap())
        );
    }
}

#[test]
fn an_unknown_name_is_an_error_that_lists_the_known() {
    let data = ratings();
    let split = split_of(&data);
    let tuner = Tuner::new(&data, &split, &SHOTS).unwrap();
    for name in ["svd", "bias+pop", "random+pop", "+pop", ""] {
        let error = by_name(name, &tuner, 1).err().unwrap().to_string();
        assert!(error.starts_with(&format!("no baseline is called {name:?}: expected one of ")), "{error}");
        assert!(NAMES.iter().all(|known| error.contains(known)), "{error}");
    }
}

/// Writes the folders that `golden.py` reads, under the folder that the variable `STRONG_FOLDERS` names.
#[test]
#[ignore = "writes what the golden values are made of"]
fn write_the_folders_of_the_golden_values() {
    let folder = PathBuf::from(std::env::var_os("STRONG_FOLDERS").expect("STRONG_FOLDERS names a folder"));
    for (name, data) in [("ratings", ratings()), ("likes", likes())] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).unwrap();
        write_episodes(File::create(folder.join("episodes.csv")).unwrap(), &data, &split_of(&data)).unwrap();
        let mut items = "item\n".to_owned();
        data.catalogue().ids().iter().for_each(|id| items.extend([id.as_str(), "\n"]));
        fs::write(folder.join("items.csv"), items).unwrap();
    }
}
