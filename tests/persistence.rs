//! Saved recommenders: the same after loading, replaced whole, and refused by name when damaged.

#![cfg(feature = "train")]

mod small;

use std::fs;
use std::path::Path;
use std::process::Command;

use metarec::data::synthetic::Feedback;
use metarec::data::{Dataset, Event, UserIndex};
use metarec::meta::{ClosedForm, ClosedFormConfig, GaussianPrior, LearnerConfig, MetaLearner};
use metarec::model::initial::InitialValues;
use metarec::model::{PreferenceSchema, PreferenceTransformer, RatingCalibration, RatingScale};
use metarec::persist::{ModelFacts, Parts, PersistError, read_parts, write_parts};
use metarec::recommend::{RecommendError, RecommenderParts};
use metarec::{Config, Recommender};
use small::{config, device, events, learners, market, recommender};

const CHILD: &str = "METAREC_TEST_CHILD_LOADS";

/// A line for each of the top ten of 100 users, with the bits of the scores.
fn top_tens(rec: &Recommender, data: &Dataset) -> Vec<String> {
    let mut lines = Vec::new();
    for user in (0..100).map(UserIndex) {
        let adapted = rec.adapt(&events(data, user)[..user.position() % 10]).unwrap();
        for hit in rec.top_k(&adapted, 10).unwrap() {
            lines.push(format!("hit {} {} {:08x} {}", user.0, hit.item, hit.score.to_bits(), hit.title));
        }
    }
    lines
}

#[test]
fn a_child_process_loads_a_model_and_returns_the_identical_top_ten_for_a_hundred_users() {
    let data = market(Feedback::Ratings);
    if let Some(path) = std::env::var_os(CHILD) {
        let rec = Recommender::load(path, &device()).unwrap();
        println!("\n{}", top_tens(&rec, &data).join("\n"));
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model");
    let rec = recommender(LearnerConfig::default());
    rec.save(&path).unwrap();
    let name = "a_child_process_loads_a_model_and_returns_the_identical_top_ten_for_a_hundred_users";
    let child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(CHILD, &path)
        .output()
        .unwrap();
    assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stderr));
    let output = String::from_utf8(child.stdout).unwrap();
    let lines: Vec<&str> = output.lines().filter(|line| line.starts_with("hit ")).collect();
    assert_eq!(lines.len(), 1000);
    assert_eq!(lines, top_tens(&rec, &data));
}

#[test]
fn every_learner_is_loaded_as_it_was_saved_and_saved_again_to_the_same_bytes() {
    let data = market(Feedback::Ratings);
    for learner in learners() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (folder.path().join("first"), folder.path().join("deep/second"));
        let rec = recommender(learner.clone());
        rec.save(&first).unwrap();
        let loaded = Recommender::load(&first, &device()).unwrap();
        assert_eq!(loaded.fingerprint(), rec.fingerprint());
        assert_eq!(loaded.catalogue(), rec.catalogue());
        assert_eq!(loaded.config::<Config>().unwrap(), config(learner));

        let user = rec.adapt(&events(&data, UserIndex(3))[..9]).unwrap();
        let same = loaded.adapt(&events(&data, UserIndex(3))[..9]).unwrap();
        assert_eq!(loaded.scores(&same).unwrap(), rec.scores(&user).unwrap());
        assert_eq!(loaded.ratings(&same).unwrap(), rec.ratings(&user).unwrap());
        assert_eq!(loaded.scores(&user).unwrap(), rec.scores(&user).unwrap());

        loaded.save(&second).unwrap();
        assert_eq!(read_parts(&first, "model").unwrap(), read_parts(&second, "model").unwrap());
    }
}

fn saved(folder: &Path) -> std::path::PathBuf {
    let path = folder.join("model");
    recommender(LearnerConfig::default()).save(&path).unwrap();
    path
}

fn load(path: &Path) -> Result<Recommender, RecommendError> {
    Recommender::load(path, &device())
}

fn persist_error(path: &Path) -> PersistError {
    match load(path).unwrap_err() {
        RecommendError::Persist(error) => error,
        other => panic!("{other}"),
    }
}

#[test]
fn every_kind_of_damage_has_its_own_error() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let parts: Vec<String> = read_parts(&path, "model").unwrap().1.into_keys().collect();
    assert_eq!(parts, ["about.json", "catalogue.json", "config.json", "model.bin", "schema.json", "state.bin"]);
    for part in &parts {
        let file = path.join(part);
        let whole = fs::read(&file).unwrap();
        for length in [0, 1, whole.len() / 2, whole.len() - 1] {
            fs::write(&file, &whole[..length]).unwrap();
            assert!(matches!(persist_error(&path), PersistError::Length { path, .. } if path == file));
        }
        for place in [0, whole.len() / 3, whole.len() - 1] {
            let mut flipped = whole.clone();
            flipped[place] ^= 1 << (place % 8);
            fs::write(&file, flipped).unwrap();
            assert!(matches!(persist_error(&path), PersistError::Checksum { path, .. } if path == file));
        }
        fs::remove_file(&file).unwrap();
        assert!(matches!(persist_error(&path), PersistError::Missing { part: missing, .. } if missing == *part));
        fs::write(&file, whole).unwrap();
    }
    assert!(load(&path).is_ok());
}

#[test]
fn a_damaged_manifest_never_gives_another_model() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let fingerprint = load(&path).unwrap().fingerprint().to_owned();
    let file = path.join("manifest.json");
    let whole = fs::read(&file).unwrap();
    for place in 0..whole.len() {
        let mut flipped = whole.clone();
        flipped[place] ^= 1 << (place % 8);
        fs::write(&file, flipped).unwrap();
        // Who wrote the folder is the one thing that no checksum covers.
        match read_parts(&path, "model") {
            Ok((manifest, _)) => assert_eq!(manifest.fingerprint(), fingerprint),
            Err(error) => assert!(!matches!(error, PersistError::Io { .. }), "{error}"),
        }
    }
}

#[test]
fn other_versions_and_foreign_folders_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let manifest = fs::read_to_string(path.join("manifest.json")).unwrap();
    let rewrite = |from: &str, to: &str| {
        let text = manifest.replace(from, to);
        assert_ne!(text, manifest);
        fs::write(path.join("manifest.json"), text).unwrap();
    };
    rewrite("\"version\": 1", "\"version\": 7");
    assert!(matches!(persist_error(&path), PersistError::Version { found: 7, expected: 1, .. }));
    rewrite("metarec-model", "metarec-checkpoint");
    assert!(matches!(persist_error(&path), PersistError::Foreign { .. }));
    fs::write(path.join("manifest.json"), "no json").unwrap();
    assert!(matches!(persist_error(&path), PersistError::Foreign { .. }));
    fs::remove_file(path.join("manifest.json")).unwrap();
    assert!(matches!(persist_error(&path), PersistError::Foreign { .. }));
    assert!(matches!(persist_error(&folder.path().join("nowhere")), PersistError::Io { .. }));
}

/// The folder with a part rewritten, manifest and all: what no checksum can find.
fn forge(path: &Path, part: &str, bytes: &[u8]) -> RecommendError {
    let (_, whole) = read_parts(path, "model").unwrap();
    let mut forged: Parts = whole.clone();
    forged.insert(part.to_owned(), bytes.to_vec());
    write_parts(path, "model", &forged).unwrap();
    let error = load(path).unwrap_err();
    write_parts(path, "model", &whole).unwrap();
    error
}

#[test]
fn a_forged_part_is_an_error_and_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let (_, parts) = read_parts(&path, "model").unwrap();
    for part in ["about.json", "config.json", "schema.json", "catalogue.json", "model.bin", "state.bin"] {
        for bytes in [&b""[..], b"{}", b"null", &[0xff; 64]] {
            let error = forge(&path, part, bytes);
            assert!(matches!(error, RecommendError::Persist(PersistError::Malformed { .. })), "{part} {error:?}");
        }
    }
    let text = |part: &str| String::from_utf8(parts[part].clone()).unwrap();
    let error = forge(&path, "config.json", text("config.json").replace("\"d_model\":16", "\"d_model\":0").as_bytes());
    assert!(matches!(error, RecommendError::Model(_)), "{error:?}");
    let error = forge(&path, "config.json", text("config.json").replace("\"d_model\":16", "\"d_model\":18").as_bytes());
    assert!(matches!(error, RecommendError::Persist(PersistError::Malformed { .. })), "{error:?}");
    let error = forge(&path, "schema.json", text("schema.json").replacen("true,", "", 1).as_bytes());
    assert!(matches!(error, RecommendError::Model(_)), "{error:?}");
    let about = text("about.json").replace("preference_transformer", "theirs");
    assert!(
        matches!(forge(&path, "about.json", about.as_bytes()), RecommendError::UnknownModel(name) if name == "theirs")
    );
    let state = parts["state.bin"].clone();
    assert!(matches!(forge(&path, "model.bin", &state), RecommendError::Persist(PersistError::Malformed { .. })));
}

#[test]
fn saving_replaces_a_model_whole_and_leaves_foreign_folders_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = saved(folder.path());
    let other = Recommender::train(&market(Feedback::Actions), &config(LearnerConfig::default()), &device()).unwrap();
    other.save(&path).unwrap();
    assert_eq!(load(&path).unwrap().fingerprint(), other.fingerprint());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside the model");

    let foreign = folder.path().join("holidays");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("beach.txt"), "sun").unwrap();
    assert!(matches!(other.save(&foreign), Err(RecommendError::Persist(PersistError::Foreign { .. }))));
    assert_eq!(fs::read_to_string(foreign.join("beach.txt")).unwrap(), "sun");
}

type Theirs = (PreferenceTransformer, GaussianPrior, ClosedForm);

/// A model as another crate would build it.
fn rebuilt(data: &Dataset, schema: &PreferenceSchema) -> Theirs {
    let settings = config(LearnerConfig::default()).model;
    let initial = InitialValues::flat(data.catalogue().len());
    let model = PreferenceTransformer::new(&settings, schema, data.catalogue(), &initial, 1, &device()).unwrap();
    let learner = ClosedFormConfig::default().init();
    let state = learner.init_state(&model);
    (model, state, learner)
}

#[test]
fn a_model_of_another_crate_is_saved_and_loaded_by_whoever_can_build_it() {
    let data = market(Feedback::Ratings);
    let split = data.split().unwrap();
    let settings = config(LearnerConfig::default()).model;
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &split.train, data.like_rule());
    let (model, state, learner) = rebuilt(&data, &schema);
    let facts = ModelFacts::new("theirs", 12, Some((1.0, 5.0)));
    let parts = RecommenderParts::new(model, state, learner, data.catalogue().clone(), facts);
    let rec = Recommender::from_parts(parts.with_config(&settings).unwrap().with_schema(&schema).unwrap(), &device())
        .unwrap();

    let folder = tempfile::tempdir().unwrap();
    rec.save(folder.path()).unwrap();
    assert!(matches!(load(folder.path()), Err(RecommendError::UnknownModel(name)) if name == "theirs"));
    let loaded = Recommender::load_with(folder.path(), &device(), |stored| {
        let (schema, initial) = (stored.schema::<PreferenceSchema>()?, InitialValues::flat(stored.catalogue().len()));
        let model = PreferenceTransformer::new(&stored.config()?, &schema, stored.catalogue(), &initial, 0, &device())?;
        Ok::<_, RecommendError>((model, ClosedFormConfig::default().init()))
    })
    .unwrap();
    let user = rec.adapt(&[Event::rating("i3", 5.0)]).unwrap();
    assert_eq!(loaded.scores(&user).unwrap(), rec.scores(&user).unwrap());
    assert_eq!(loaded.fingerprint(), rec.fingerprint());

    let (mut more, same) = (data.catalogue().clone(), rebuilt(&data, &schema));
    more.insert("one more");
    let facts = ModelFacts::new("theirs", 12, None);
    let parts = RecommenderParts::new(same.0, same.1, same.2, more, facts);
    let torn = Recommender::from_parts(parts, &device()).unwrap();
    let error = torn.scores(&torn.adapt(&[]).unwrap()).unwrap_err();
    assert!(matches!(error, RecommendError::WrongShape { found: 60, expected: 61 }), "{error}");

    let failed = Recommender::load_with(folder.path(), &device(), |_| {
        Err::<(PreferenceTransformer, ClosedForm), _>("not today")
    });
    assert!(matches!(failed, Err(RecommendError::Build(source)) if source.to_string() == "not today"));
}

#[test]
fn facts_that_could_not_be_loaded_again_are_refused_before_anything_is_saved() {
    let data = market(Feedback::Ratings);
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &data.split().unwrap().train, data.like_rule());
    let theirs = rebuilt(&data, &schema);
    let of = |range| {
        let (model, state, learner) = theirs.clone();
        RecommenderParts::new(model, state, learner, data.catalogue().clone(), ModelFacts::new("theirs", 12, range))
    };
    let scale = RatingScale::of([1.0, 3.0, 5.0]).unwrap();
    let mut calibration = RatingCalibration::new(scale);
    let sound = of(Some((1.0, 5.0))).with_rating(calibration.clone()).with_known(vec![0.5; 60]);
    assert!(Recommender::from_parts(sound, &device()).is_ok());

    calibration.noise = f32::NAN;
    let (mut holed, torn) = (vec![0.5; 60], |at: f32| of(Some((1.0, at))));
    holed[7] = f32::NAN;
    for (parts, expected) in [
        (of(None).with_rating(calibration), "no calibration is RatingCalibration"),
        (of(None).with_known(vec![0.5; 59]), "`known` has 59 shares: expected 60, one for each item"),
        (of(None).with_known(vec![1.5; 60]), "`known` has 1.5: expected shares from 0 to 1"),
        (of(None).with_known(holed), "`known` has NaN: expected shares from 0 to 1"),
        (torn(f32::NAN), "`value_range` is 1 to NaN: expected finite numbers, the least first"),
        (torn(0.5), "`value_range` is 1 to 0.5: expected finite numbers, the least first"),
    ] {
        let error = Recommender::from_parts(parts, &device()).unwrap_err().to_string();
        assert!(error.contains("about.json") && error.contains(expected), "{error}");
    }
}
