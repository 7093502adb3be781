//! What a checkpoint brings back, and which it refuses.

use metarec::meta::ServingLearner;
use metarec::model::PreferenceTransformer;
use metarec::persist::{PersistError, read_parts};
use metarec::train::{CancelToken, MetaTrainer, Optimizers, TrainError, TrainingConfig};
use std::path::Path;
use std::sync::Mutex;

use super::*;

#[test]
fn a_run_that_is_cancelled_and_resumed_is_bit_equal_to_one_that_is_not() {
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let (whole, trained) = run(&world, learner(), None, None);
        let expected = all_bits(&trained.unwrap());
        assert_eq!(
            whole.steps.iter().map(|step| (step.0, step.1)).collect::<Vec<_>>(),
            (1..=8).map(|s| (s, 8)).collect::<Vec<_>>()
        );
        assert_eq!(whole.looks.iter().map(|look| look.0).collect::<Vec<_>>(), [0, 4, 8], "{name}");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("checkpoint");
        let mut pieces = Told::default();
        // In the middle of an epoch, at a look, and one step further.
        for cancel_after in [2, 4, 5] {
            let (told, result) = run(&world, learner(), Some(&path), Some(cancel_after));
            assert!(matches!(result, Err(TrainError::Cancelled { step }) if step == cancel_after), "{name}");
            pieces.steps.extend(told.steps);
            pieces.looks.extend(told.looks);
            let next = whole.steps[..pieces.steps.len()].to_vec();
            assert_eq!(pieces.steps, next, "{name}, cancelled after {cancel_after}");
        }
        let (told, result) = run(&world, learner(), Some(&path), None);
        let trained = result.unwrap();
        pieces.steps.extend(told.steps);
        pieces.looks.extend(told.looks);
        assert_eq!(pieces, whole, "{name}");
        assert!(all_bits(&trained) == expected, "{name}: the resumed run ends elsewhere");
        // A run that has ended is not run again.
        let (told, result) = run(&world, learner(), Some(&path), None);
        assert_eq!(told, Told::default(), "{name}");
        assert!(all_bits(&result.unwrap()) == expected, "{name}: the finished run");
    }
    with_every_learner!(test);
}

#[test]
fn grouped_optimizers_come_back_from_a_checkpoint_as_well() {
    let world = World::new();
    let go = |path: Option<&Path>, cancel_after: usize| {
        let (told, token) = (Mutex::new(Told::default()), CancelToken::new());
        let config = config(2);
        let recorder = Recorder { told: &told, cancel: Some((token.clone(), cancel_after)) };
        let trainer = world.trainer(closed_form(), &config, 7).with_observer(recorder).with_cancel(token);
        let trainer = trainer.with_optimizers(Optimizers::for_transformer(&config));
        match path {
            Some(path) => trainer.with_checkpoint(path).run(),
            None => trainer.run(),
        }
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let expected = all_bits(&go(None, 99).unwrap());
    assert!(matches!(go(Some(&path), 3), Err(TrainError::Cancelled { step: 3 })));
    assert!(all_bits(&go(Some(&path), 99).unwrap()) == expected);
}

#[test]
fn a_checkpoint_of_another_run_is_refused_and_left_as_it_is() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    let (_, result) = run(&world, closed_form(), Some(&path), Some(3));
    assert!(matches!(result, Err(TrainError::Cancelled { step: 3 })));
    let whole = read_parts(&path, "checkpoint").unwrap();
    let trainer = |config: &TrainingConfig, seed, tasks, d| {
        let model = world.model(d, 0.2);
        let run = MetaTrainer::new(model, closed_form(), &world.sampler, tasks, config, seed, &device()).unwrap();
        run.with_checkpoint(&path).run()
    };
    let (own, users) = (config(2), world.sampler.tasks());
    let mut other = config(2);
    other.outer_lr = 0.02;
    for (what, result) in [
        ("seed", trainer(&own, 8, users, 8)),
        ("training settings", trainer(&other, 7, users, 8)),
        ("tasks", trainer(&own, 7, users + 40, 8)),
    ] {
        match result {
            Err(TrainError::Checkpoint(PersistError::Foreign { why, .. })) => {
                assert!(why.contains(what), "{what}: {why}")
            }
            other => panic!("{what}: {:?}", other.map(|trained| trained.steps)),
        }
    }
    let result = trainer(&own, 7, users, 16).map(|trained| trained.steps);
    let named =
        matches!(&result, Err(TrainError::Checkpoint(PersistError::Malformed { part, .. })) if part == "model.bin");
    assert!(named, "another model: {result:?}");
    assert!(read_parts(&path, "checkpoint").unwrap() == whole, "the checkpoint has changed");
}

#[test]
fn settings_that_json_brings_back_one_bit_off_do_not_make_another_run() {
    let world = World::new();
    let changed = |value: &f64| serde_json::from_str::<f64>(&value.to_string()).unwrap() != *value;
    let rate = (1..100_000).map(|n| f64::from(n).sqrt() / 400.0).find(changed);
    // Nothing to test where serde_json reads decimal numbers exactly.
    let Some(rate) = rate else { return };
    let folder = tempfile::tempdir().unwrap();
    let go = |cancel_after| {
        let mut config = config(2);
        config.outer_lr = rate;
        let (told, token) = (Mutex::new(Told::default()), CancelToken::new());
        let recorder = Recorder { told: &told, cancel: Some((token.clone(), cancel_after)) };
        let trainer = world.trainer(closed_form(), &config, 7).with_observer(recorder).with_cancel(token);
        trainer.with_checkpoint(folder.path()).run().map(|trained| trained.steps)
    };
    assert!(matches!(go(1), Err(TrainError::Cancelled { step: 1 })));
    assert_eq!(go(99).unwrap(), 8);
}

#[test]
fn an_empty_folder_is_a_checkpoint_yet_to_be_written() {
    let world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let (_, result) = run(&world, closed_form(), Some(folder.path()), Some(1));
    assert!(matches!(result, Err(TrainError::Cancelled { step: 1 })), "{:?}", result.map(|trained| trained.steps));
    assert!(read_parts(folder.path(), "checkpoint").is_ok());
}
