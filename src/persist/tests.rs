//! Folders that are whole, cut, changed, foreign or hostile.

use std::fs;
use std::path::Path;

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::Device;
use proptest::prelude::*;
use tempfile::TempDir;

use crate::persist::{Parts, PersistError, module_bytes, module_from_bytes, read_parts, write_parts};

const KIND: &str = "trial";

fn parts() -> Parts {
    [("one.bin", b"first part".to_vec()), ("two.json", b"{}".to_vec()), ("none", Vec::new())]
        .map(|(name, bytes)| (name.to_owned(), bytes))
        .into()
}

/// A folder of three parts, in a place of its own.
fn written() -> (TempDir, std::path::PathBuf) {
    let place = TempDir::new().unwrap();
    let path = place.path().join("folder");
    write_parts(&path, KIND, &parts()).unwrap();
    (place, path)
}

fn edit(file: impl AsRef<Path>, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(&file).unwrap();
    change(&mut bytes);
    fs::write(file, bytes).unwrap();
}

fn refusal(path: &Path) -> PersistError {
    read_parts(path, KIND).unwrap_err()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn what_was_written_is_read_back() {
    let (place, path) = written();
    let (manifest, read) = read_parts(&path, KIND).unwrap();
    assert_eq!(read, parts());
    assert_eq!(manifest, write_parts(&place.path().join("again"), KIND, &parts()).unwrap());
    assert_eq!(names(&path), ["manifest.json", "none", "one.bin", "two.json"]);
}

#[test]
fn the_fingerprint_tells_contents_and_names_apart() {
    let place = TempDir::new().unwrap();
    let mut seen = std::collections::HashSet::new();
    for (name, bytes) in [("a", "x"), ("a", "y"), ("b", "x"), ("ab", ""), ("a", "b")] {
        let parts = Parts::from([(name.to_owned(), bytes.as_bytes().to_vec())]);
        let manifest = write_parts(&place.path().join("folder"), KIND, &parts).unwrap();
        assert!(seen.insert(manifest.fingerprint().to_owned()), "{name} {bytes}");
    }
}

#[test]
fn a_part_that_is_cut_or_longer_is_told_with_its_lengths() {
    for (part, change, found) in [
        ("one.bin", (|bytes: &mut Vec<u8>| bytes.truncate(4)) as fn(&mut Vec<u8>), 4),
        ("one.bin", |bytes| bytes.clear(), 0),
        ("one.bin", |bytes| bytes.push(0), 11),
        ("none", |bytes| bytes.push(0), 1),
    ] {
        let (_place, path) = written();
        let expected = fs::metadata(path.join(part)).unwrap().len();
        edit(path.join(part), change);
        match refusal(&path) {
            PersistError::Length { path: file, found: length, expected: wanted } => {
                assert_eq!((file, length, wanted), (path.join(part), found, expected));
            }
            other => panic!("{part}: {other}"),
        }
    }
}

#[test]
fn a_bit_that_is_flipped_in_any_part_is_told() {
    let (_place, path) = written();
    for (part, bytes) in parts() {
        let file = path.join(&part);
        for bit in 0..bytes.len() * 8 {
            edit(&file, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            let error = refusal(&path);
            assert!(matches!(&error, PersistError::Checksum { path: told, .. } if *told == file), "{error}");
            fs::write(&file, &bytes).unwrap();
        }
    }
    assert!(read_parts(&path, KIND).is_ok());
}

#[test]
fn a_bit_that_is_flipped_in_the_manifest_is_told_or_says_nothing() {
    let (_place, path) = written();
    let whole = fs::read(path.join("manifest.json")).unwrap();
    let (manifest, _) = read_parts(&path, KIND).unwrap();
    let mut harmless = 0;
    for bit in 0..whole.len() * 8 {
        let mut bytes = whole.clone();
        bytes[bit / 8] ^= 1 << (bit % 8);
        fs::write(path.join("manifest.json"), &bytes).unwrap();
        if let Ok((found, read)) = read_parts(&path, KIND) {
            // White space, and the note of who wrote it.
            harmless += 1;
            assert_eq!((read, found.fingerprint()), (parts(), manifest.fingerprint()), "bit {bit}");
        }
    }
    assert!(harmless < whole.len(), "{harmless} of {} flipped bits went unnoticed", whole.len() * 8);
}

#[test]
fn another_version_is_named_and_not_overwritten() {
    let (_place, path) = written();
    for (version, expected) in [("2", 2), ("0", 0), ("99999999999", u32::MAX), ("\"1\"", 0), ("-1", 0)] {
        let json = format!(r#"{{"format":"metarec-{KIND}","version":{version},"anything":"else"}}"#);
        fs::write(path.join("manifest.json"), &json).unwrap();
        for error in [refusal(&path), write_parts(&path, KIND, &parts()).unwrap_err()] {
            let named = matches!(&error, PersistError::Version { found, expected: 1, .. } if *found == expected);
            assert!(named, "{version}: {error}");
        }
        assert_eq!(fs::read_to_string(path.join("manifest.json")).unwrap(), json);
    }
}

#[test]
fn folders_that_metarec_did_not_write_are_foreign_and_left_alone() {
    let place = TempDir::new().unwrap();
    for (number, (file, content)) in [
        ("notes.txt", "mine"),
        ("manifest.json", "not json"),
        ("manifest.json", "{}"),
        ("manifest.json", r#"{"format":"metarec-other","version":1}"#),
        ("manifest.json", r#"{"format":"metarec-trial","version":1}"#),
        ("manifest.json", "[[[["),
    ]
    .into_iter()
    .enumerate()
    {
        let path = place.path().join(number.to_string());
        fs::create_dir(&path).unwrap();
        fs::write(path.join(file), content).unwrap();
        for error in [refusal(&path), write_parts(&path, KIND, &parts()).unwrap_err()] {
            assert!(matches!(&error, PersistError::Foreign { expected: KIND, .. }), "{content}: {error}");
            assert!(error.to_string().contains("not a metarec trial folder"), "{error}");
        }
        assert_eq!(fs::read_to_string(path.join(file)).unwrap(), content);
        assert_eq!(names(&path), [file]);
    }
    assert_eq!(names(place.path()).len(), 6, "no folder is left beside them");
}

#[test]
fn a_path_that_is_not_there_or_no_folder_is_the_file_systems_error() {
    let place = TempDir::new().unwrap();
    let file = place.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [place.path().join("nowhere"), file.clone()] {
        let error = refusal(&path);
        assert!(matches!(error, PersistError::Io { .. }), "{error}");
    }
    assert!(matches!(write_parts(&file, KIND, &parts()).unwrap_err(), PersistError::Io { .. }));
    assert_eq!(fs::read_to_string(&file).unwrap(), "x");
}

#[test]
fn an_empty_folder_is_foreign_to_read_and_free_to_write() {
    let place = TempDir::new().unwrap();
    assert!(matches!(refusal(place.path()), PersistError::Foreign { .. }));
    let path = place.path().join("empty");
    fs::create_dir(&path).unwrap();
    write_parts(&path, KIND, &parts()).unwrap();
    assert_eq!(read_parts(&path, KIND).unwrap().1, parts());
}

#[test]
fn a_part_that_is_missing_is_named() {
    for part in parts().keys() {
        let (_place, path) = written();
        fs::remove_file(path.join(part)).unwrap();
        let error = refusal(&path);
        assert!(matches!(&error, PersistError::Missing { part: missing, .. } if missing == part), "{error}");
    }
}

#[test]
fn a_manifest_cannot_point_out_of_its_folder() {
    let (place, path) = written();
    fs::write(place.path().join("secret"), "first part").unwrap();
    fs::create_dir(path.join("sub")).unwrap();
    fs::write(path.join("sub/one.bin"), "first part").unwrap();
    let whole = fs::read_to_string(path.join("manifest.json")).unwrap();
    let absolute = place.path().join("secret").display().to_string();
    for name in ["../secret", "..", ".", "", "sub", "sub/one.bin", "./one.bin", "one.bin/", "/etc/passwd", &absolute] {
        let quoted = serde_json::to_string(name).unwrap();
        fs::write(path.join("manifest.json"), whole.replace("\"one.bin\"", &quoted)).unwrap();
        assert!(matches!(refusal(&path), PersistError::Missing { part, .. } if part == name), "{name}");
    }
}

#[test]
fn parts_are_not_written_out_of_their_folder_or_over_the_manifest() {
    let place = TempDir::new().unwrap();
    for name in ["../outside", "..", "", "a/b", "manifest.json", "/outside"] {
        let parts = Parts::from([(name.to_owned(), vec![1])]);
        let error = write_parts(&place.path().join("folder"), KIND, &parts).unwrap_err();
        assert!(matches!(&error, PersistError::Malformed { part, .. } if part == name), "{name}: {error}");
        assert!(names(place.path()).is_empty(), "{name} left {:?}", names(place.path()));
    }
}

#[test]
fn a_folder_of_the_same_kind_is_replaced_whole_and_nothing_is_left_beside_it() {
    let (place, path) = written();
    let other = Parts::from([("three".to_owned(), vec![3])]);
    write_parts(&path, KIND, &other).unwrap();
    assert_eq!(read_parts(&path, KIND).unwrap().1, other);
    assert_eq!(names(&path), ["manifest.json", "three"]);
    assert_eq!(names(place.path()), ["folder"]);
}

#[test]
fn writers_at_once_leave_one_of_their_folders_whole() {
    let (place, path) = written();
    std::thread::scope(|scope| {
        for writer in 0..4u8 {
            let path = &path;
            scope.spawn(move || {
                for _ in 0..10 {
                    // One that finds the folder just being swapped may fail, but must not spoil it.
                    let _ = write_parts(path, KIND, &Parts::from([("who".to_owned(), vec![writer; 1000])]));
                }
            });
        }
    });
    let who = read_parts(&path, KIND).unwrap().1.remove("who").unwrap();
    assert!(who.len() == 1000 && who.iter().all(|byte| *byte == who[0]));
    assert_eq!(names(place.path()), ["folder"]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_as_a_manifest_are_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let place = TempDir::new().unwrap();
        fs::write(place.path().join("manifest.json"), bytes).unwrap();
        let foreign = matches!(refusal(place.path()), PersistError::Foreign { .. });
        prop_assert!(foreign);
    }

    #[test]
    fn any_json_with_the_right_head_is_an_error_and_no_panic(
        names in proptest::collection::vec(".{0,12}", 0..4),
        lengths in proptest::collection::vec(any::<u64>(), 4),
        sum in ".{0,70}",
    ) {
        let place = TempDir::new().unwrap();
        let parts: serde_json::Map<String, serde_json::Value> = names.iter().zip(&lengths)
            .map(|(name, bytes)| (name.clone(), serde_json::json!({ "bytes": bytes, "sha256": sum })))
            .collect();
        let manifest = serde_json::json!({
            "format": "metarec-trial", "version": 1, "written_by": sum, "fingerprint": sum, "parts": parts,
        });
        fs::write(place.path().join("manifest.json"), manifest.to_string()).unwrap();
        prop_assert!(read_parts(place.path(), KIND).is_err());
    }

    #[test]
    fn any_bytes_as_a_module_are_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(module_from_bytes("model.bin", Two::new(1.0, 2), bytes).is_err());
    }
}

/// A module of two parameters.
#[derive(Module, Debug)]
struct Two {
    a: Param<Tensor<1>>,
    b: Param<Tensor<2>>,
}

impl Two {
    fn new(value: f32, width: usize) -> Self {
        let device = Device::default().autodiff();
        let b = Tensor::<2>::full([width, 3], value, &device);
        Self { a: Param::from_data([value, -value], &device), b: Param::from_tensor(b) }
    }
}

#[test]
fn a_module_comes_back_with_its_numbers_its_ids_and_trainable() {
    let saved = Two::new(1.5, 2);
    let bytes = module_bytes("model.bin", &saved).unwrap();
    for fresh in [Two::new(0.0, 2), Two::new(0.0, 2).valid()] {
        let trainable = fresh.a.is_require_grad();
        assert_ne!(fresh.a.id, saved.a.id);
        let loaded = module_from_bytes("model.bin", fresh, bytes.clone()).unwrap();
        assert_eq!((loaded.a.id, loaded.b.id), (saved.a.id, saved.b.id));
        assert_eq!(loaded.a.val().into_data(), saved.a.val().into_data());
        assert_eq!(loaded.b.val().into_data(), saved.b.val().into_data());
        assert_eq!((loaded.a.is_require_grad(), loaded.b.is_require_grad()), (trainable, trainable));
        assert_eq!(loaded.a.val().is_autodiff(), trainable);
    }
}

#[test]
fn a_module_of_another_shape_is_refused_by_the_name_of_its_part() {
    let bytes = module_bytes("model.bin", &Two::new(1.0, 2)).unwrap();
    let error = module_from_bytes("model.bin", Two::new(0.0, 4), bytes.clone()).unwrap_err();
    assert!(matches!(&error, PersistError::Malformed { part, .. } if part == "model.bin"), "{error}");
    for cut in 0..bytes.len() {
        assert!(module_from_bytes("model.bin", Two::new(0.0, 2), bytes[..cut].to_vec()).is_err(), "cut at {cut}");
    }
}
