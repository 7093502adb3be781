//! Searches whose objective is a formula: what is tried, kept in the log, resumed and cancelled.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use metarec::evaluate::metric::Direction;
use metarec::train::CancelToken;
use metarec::tune::{Found, Halving, Search, SearchSpace, Strategy, Trial, TrialRecord, TuneError};
use proptest::prelude::{ProptestConfig, any, prop_assert, prop_assert_eq, proptest};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    rate: f64,
    layers: i64,
    epochs: usize,
}

fn space() -> SearchSpace {
    SearchSpace::new().log_uniform("/rate", 1e-4, 1.0).integer("/layers", 1, 4)
}

fn search() -> Search<Settings> {
    Search::new(Settings::default(), space()).with_seed(7)
}

/// Best at a rate of 0.01 and three layers; the same order at every budget.
fn quality(trial: &Trial<'_, Settings>) -> Result<f64, String> {
    let Settings { rate, layers, .. } = trial.settings;
    Ok(-(rate.log10() + 2.0).abs() - 0.1 * (layers - 3).abs() as f64 - 1.0 / trial.budget as f64)
}

const RANDOM: Strategy = Strategy::Random { trials: 12, budget: 4 };

/// Without what differs from run to run.
fn untimed(found: &Found<Settings>) -> Vec<TrialRecord> {
    found
        .trials
        .iter()
        .cloned()
        .map(|mut record| {
            record.seconds = 0.0;
            record
        })
        .collect()
}

fn log() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("search.jsonl");
    (folder, path)
}

#[test]
fn the_best_of_random_trials_is_found_with_its_settings() {
    let asked = RefCell::new(Vec::new());
    let found = search()
        .with_budget_at("/epochs")
        .run(&RANDOM, |trial| {
            asked.borrow_mut().push(trial.settings.clone());
            quality(trial)
        })
        .unwrap();
    let asked = asked.into_inner();
    assert!(found.finished && found.reused == 0 && found.trials.len() == 12 && asked.len() == 12);
    assert!(asked.iter().all(|settings| settings.epochs == 4 && (1e-4..=1.0).contains(&settings.rate)));
    let best = found.best.clone().unwrap();
    assert!(found.trials.iter().all(|record| record.score <= best.score));
    assert_eq!(found.settings.as_ref(), Some(&asked[best.trial]));
    assert_eq!(untimed(&search().with_budget_at("/epochs").run(&RANDOM, quality).unwrap()), untimed(&found));
}

#[test]
fn a_grid_tries_everything_once_and_errors_are_better_when_they_are_less() {
    let space = SearchSpace::new().one_of("/rate", [0.5, 0.25]).integer("/layers", 1, 3);
    let search = Search::new(Settings::default(), space).with_direction(Direction::LowerIsBetter);
    let error = |trial: &Trial<'_, Settings>| Ok::<_, String>(trial.settings.rate + 1.0 / trial.settings.layers as f64);
    let found = search.run(&Strategy::Grid { budget: 1 }, error).unwrap();
    assert_eq!(found.trials.len(), 6);
    assert_eq!(found.settings, Some(Settings { rate: 0.25, layers: 3, epochs: 0 }));
}

#[test]
fn a_score_that_is_no_number_is_the_worst_and_the_first_of_equals_the_best() {
    let scores = [f64::NAN, 0.5, f64::INFINITY, 0.5];
    let random = Strategy::Random { trials: 4, budget: 1 };
    let found = search().run(&random, |trial| Ok::<_, String>(scores[trial.number])).unwrap();
    assert_eq!(found.best.map(|best| best.trial), Some(1));
    let score: Vec<Option<f64>> = found.trials.iter().map(|record| record.score).collect();
    assert_eq!(score, [None, Some(0.5), None, Some(0.5)]);
    let found = search().run(&random, |_| Ok::<_, String>(f64::NAN)).unwrap();
    assert!(found.best.is_none() && found.settings.is_none() && found.finished);
}

#[test]
fn halving_goes_on_with_the_best_of_each_rung() {
    let found = search().run(&Strategy::Halving(Halving::new(9, 1, 9)), quality).unwrap();
    let at = |budget| found.trials.iter().filter(move |record| record.budget == budget);
    assert_eq!([1, 3, 9].map(|budget| at(budget).count()), [9, 3, 1]);
    let mut first: Vec<&TrialRecord> = at(1).collect();
    first.sort_by(|a, b| b.score.unwrap().total_cmp(&a.score.unwrap()));
    let best: Vec<usize> = first[..3].iter().map(|record| record.trial).collect();
    assert_eq!(at(3).map(|record| record.trial).collect::<Vec<_>>(), best);
    assert_eq!(found.best.map(|record| (record.trial, record.budget)), Some((best[0], 9)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_budgets_of_all_trials_sum_to_what_halving_says(
        trials in 1usize..40, low in 1usize..5, more in 0usize..40, eta in 2usize..5, seed in any::<u64>(),
    ) {
        let halving = Halving::new(trials, low, low + more).with_eta(eta);
        let total = halving.total().unwrap();
        let spent = RefCell::new(0);
        let found = search().with_seed(seed).run(&Strategy::Halving(halving), |trial| {
            *spent.borrow_mut() += trial.budget;
            // Many equal scores and some that are none.
            Ok::<_, String>([0.0, 1.0, f64::NAN][trial.number % 3])
        }).unwrap();
        prop_assert_eq!(spent.into_inner(), total);
        prop_assert_eq!(found.trials.iter().map(|record| record.budget).sum::<usize>(), total);
        let mut seen = BTreeMap::new();
        for record in &found.trials {
            prop_assert!(seen.insert((record.trial, record.budget), ()).is_none(), "asked once");
        }
    }

    #[test]
    fn a_search_that_was_stopped_anywhere_goes_on_to_the_same_end(stop in 0usize..14, torn in 0usize..30) {
        let (_folder, path) = log();
        let strategy = Strategy::Halving(Halving::new(9, 1, 9));
        let whole = search().run(&strategy, quality).unwrap();
        let token = CancelToken::new();
        let logged = search().with_log(&path);
        let part = logged.clone().with_cancel(token.clone()).run(&strategy, |trial| {
            if trial.number + 1 >= stop {
                token.cancel();
            }
            quality(trial)
        }).unwrap();
        // Killed in the middle of a line.
        let text = fs::read_to_string(&path).unwrap();
        let kept = text.len().saturating_sub(torn);
        fs::write(&path, &text[..kept]).unwrap();
        let lines = text[..kept].matches('\n').count();
        let rest = logged.run(&strategy, quality).unwrap();
        prop_assert!(rest.finished && rest.reused == lines && lines <= part.trials.len());
        prop_assert_eq!(untimed(&rest), untimed(&whole));
        prop_assert_eq!(&rest.settings, &whole.settings);
        prop_assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), whole.trials.len());
    }
}

#[test]
fn what_is_in_the_log_is_not_run_again_and_a_longer_search_runs_the_rest() {
    let (_folder, path) = log();
    let logged = search().with_log(&path);
    let first = logged.run(&RANDOM, quality).unwrap();
    let again = logged.run(&RANDOM, |_| Err::<f64, _>("nothing is left to run")).unwrap();
    assert_eq!((again.reused, &again.trials), (12, &first.trials));
    let longer = logged.run(&Strategy::Random { trials: 20, budget: 4 }, quality).unwrap();
    assert_eq!((longer.reused, longer.trials.len(), &longer.trials[..12]), (12, 20, &first.trials[..]));
    let line = fs::read_to_string(&path).unwrap().lines().next().unwrap().to_owned();
    let expected = r#"{"trial":0,"settings":{"/layers":"#;
    assert!(line.starts_with(expected) && line.contains(r#","seed":7,"base":""#), "{line}");
}

#[test]
fn a_log_of_another_search_is_refused() {
    let (_folder, path) = log();
    search().with_log(&path).run(&RANDOM, quality).unwrap();
    let other = [
        search().with_seed(8),
        Search::new(Settings { epochs: 1, ..Settings::default() }, space()).with_seed(7),
        Search::new(Settings::default(), space().integer("/layers", 1, 9)).with_seed(7),
        search().with_budget_at("/epochs"),
    ];
    for other in other {
        let error = other.with_log(&path).run(&RANDOM, quality).unwrap_err();
        assert!(matches!(error, TuneError::OtherSearch { .. }), "{error}");
    }
    fs::write(&path, "{\"trial\":0}\n").unwrap();
    let error = search().with_log(&path).run(&RANDOM, quality).unwrap_err();
    assert!(matches!(error, TuneError::LogLine { line: 1, .. }), "{error}");
    let error = search().with_log(path.join("under a file")).run(&RANDOM, quality).unwrap_err();
    assert!(matches!(error, TuneError::Log { .. }), "{error}");
}

#[test]
fn a_token_that_was_used_ends_the_search_before_the_next_trial() {
    let token = CancelToken::new();
    let search = search().with_cancel(token.clone());
    let found = search
        .run(&RANDOM, |trial| {
            if trial.number == 2 {
                token.cancel();
                return Err("training was cancelled");
            }
            Ok(trial.number as f64)
        })
        .unwrap();
    assert!(!found.finished && found.trials.len() == 2 && found.best.is_some_and(|best| best.trial == 1));
    let found = search.run(&RANDOM, quality).unwrap();
    assert!(!found.finished && found.trials.is_empty() && found.best.is_none());
}

#[test]
fn what_goes_wrong_names_the_trial_and_keeps_its_source() {
    let error = search().run(&RANDOM, |trial| if trial.number == 3 { Err("disk full") } else { Ok(0.0) }).unwrap_err();
    assert_eq!(error.to_string(), "trial 3 failed");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "disk full");
    let space = SearchSpace::new().one_of("/layers", ["two"]);
    let error = Search::new(Settings::default(), space).run(&RANDOM, quality).unwrap_err();
    assert_eq!(error.to_string(), r#"trial 0 chose what the settings do not take: {"/layers":"two"}"#);
    let error = search().with_budget_at("/epoch").run(&RANDOM, quality).unwrap_err();
    assert!(matches!(error, TuneError::UnknownSetting(pointer) if pointer == "/epoch"));
}
