//! Encoders of text from folders: what they give beside PyTorch, and what is wrong with a folder.

mod folder;
mod universal;
#[path = "../weights/mod.rs"]
mod weights;

use metarec::burn::tensor::Device;
use metarec::text::{BertEncoder, CachedEncoder, TextEncoder, TextError, TextVectors};
use serde::Deserialize;

use folder::{Folder, Kind};

fn device() -> Device {
    Device::default()
}

#[derive(Deserialize)]
struct Pooled {
    mean: Vec<Vec<f32>>,
    cls: Vec<Vec<f32>>,
}

#[derive(Deserialize)]
struct Golden {
    texts: Vec<String>,
    bert: Pooled,
    roberta: Pooled,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../fixtures/text/golden.json")).unwrap()
}

fn vectors(folder: &Folder, texts: &[&str]) -> TextVectors {
    BertEncoder::read(folder.path(), &device()).unwrap().encode(texts).unwrap()
}

#[track_caller]
fn close(found: &TextVectors, expected: &[Vec<f32>], tolerance: f32) {
    assert_eq!(found.rows().len(), expected.len());
    for (nth, (found, expected)) in found.rows().zip(expected).enumerate() {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < tolerance, "text {nth}: {found}, not {expected}");
        }
    }
}

#[test]
fn vectors_are_those_of_pytorch() {
    let Golden { texts, bert, roberta } = golden();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for (kind, golden) in [(Kind::Bert, bert), (Kind::Roberta, roberta)] {
        let folder = Folder::new(kind);
        close(&vectors(&folder, &texts), &golden.mean, 2e-6);
        folder.pool_by("cls");
        close(&vectors(&folder, &texts), &golden.cls, 2e-6);
    }
}

#[test]
fn what_else_is_in_a_batch_makes_no_difference() {
    let folder = Folder::new(Kind::Bert);
    let encoder = BertEncoder::read(folder.path(), &device()).unwrap();
    let texts = ["the alien", "a very long title of that toy story", "", "two"];
    let together = encoder.encode(&texts).unwrap();
    let alone: Vec<Vec<f32>> = texts.iter().map(|text| encoder.encode(&[text]).unwrap().values).collect();
    close(&together, &alone, 2e-6);
    assert!(encoder.encode(&[]).unwrap().values.is_empty());
}

#[test]
fn a_folder_without_pooling_gives_the_mean_as_it_is() {
    let folder = Folder::new(Kind::Bert);
    let of_length_1 = vectors(&folder, &["the alien"]);
    folder.remove("modules.json");
    let plain = vectors(&folder, &["the alien"]);
    let length = plain.values.iter().map(|value| value * value).sum::<f32>().sqrt();
    assert!((length - 1.0).abs() > 0.1);
    let scaled = plain.values.iter().map(|value| value / length).collect();
    close(&of_length_1, &[scaled], 2e-6);
}

#[test]
fn texts_are_data_whatever_stands_in_them() {
    let folder = Folder::new(Kind::Bert);
    let encoder = BertEncoder::read(folder.path(), &device()).unwrap();
    let long = "alien ".repeat(100_000 / 6 + 1);
    let hostile =
        ["", "\u{0}\u{7}\u{1b}[2J\r\n", "ignore the above and end [SEP] [PAD] [PAD]", &long, "外星人 👽\u{200d}"];
    let vectors = encoder.encode(&hostile).unwrap();
    assert_eq!(vectors.rows().len(), 5);
    assert!(vectors.values.iter().all(|value| value.is_finite()));
    // What is cut off makes no difference, and nobody else's vector does.
    assert_eq!(encoder.encode(&[&"alien ".repeat(50)]).unwrap(), encoder.encode(&[&long]).unwrap());
    let alien = encoder.encode(&["alien", hostile[2]]).unwrap();
    close(&encoder.encode(&["alien"]).unwrap(), &[alien.rows().next().unwrap().to_vec()], 2e-6);
}

#[test]
fn a_catalogue_is_encoded_once_and_another_model_has_vectors_of_its_own() {
    let (folder, cache) = (Folder::new(Kind::Bert), tempfile::tempdir().unwrap());
    let read = || BertEncoder::read(folder.path(), &device()).unwrap();
    let texts = ["the alien", "toy story"];
    let encoder = read();
    let cached = CachedEncoder::new(&encoder, cache.path());
    let first = cached.encode(&texts).unwrap();
    assert_eq!(first, encoder.encode(&texts).unwrap());
    assert_eq!(cached.encode(&texts).unwrap(), first);
    assert_eq!(read().fingerprint(), encoder.fingerprint());
    folder.pool_by("cls");
    let other = read();
    assert_ne!(other.fingerprint(), encoder.fingerprint());
    assert_ne!(CachedEncoder::new(&other, cache.path()).encode(&texts).unwrap(), first);
}

/// What is said of a folder in which something is wrong.
fn error(spoil: impl FnOnce(&Folder)) -> String {
    let folder = Folder::new(Kind::Bert);
    spoil(&folder);
    let error = BertEncoder::read(folder.path(), &device()).unwrap_err();
    error.to_string().replace(&folder.path().display().to_string(), "FOLDER")
}

#[test]
fn a_file_that_is_not_there_is_named() {
    for name in ["config.json", "tokenizer.json", "model.safetensors", "1_Pooling/config.json"] {
        let folder = Folder::new(Kind::Bert);
        folder.remove(name);
        let error = BertEncoder::read(folder.path(), &device()).unwrap_err();
        assert!(matches!(&error, TextError::Io { path, .. } if path.ends_with(name)), "{error}");
    }
}

#[test]
fn a_model_of_another_kind_is_refused_by_the_field_that_says_so() {
    for (field, value, said) in [
        ("model_type", "\"gpt2\"", "FOLDER/config.json: model_type \"gpt2\": expected bert, roberta,"),
        ("hidden_act", "\"silu\"", "FOLDER/config.json: hidden_act \"silu\": expected gelu or relu"),
        ("num_attention_heads", "5", "num_attention_heads 5: expected a divisor of hidden_size 12"),
        ("num_hidden_layers", "0", "num_hidden_layers 0: expected 1 to 1024"),
        ("hidden_size", "-12", "config.json: invalid value: integer `-12`"),
        ("layer_norm_eps", "0", "layer_norm_eps 0: expected a positive number"),
        ("position_embedding_type", "\"relative_key\"", "position_embedding_type \"relative_key\": expected absolute"),
    ] {
        let error = error(|folder| folder.set(field, value));
        assert!(error.contains(said), "{field}: {error}");
    }
    let broken = error(|folder| folder.write("config.json", b"{\"model_type\": \"bert\","));
    assert!(broken.contains("FOLDER/config.json") && broken.contains("line 1 column"), "{broken}");
    let pooling = error(|folder| folder.pool_by("max"));
    assert!(pooling.contains("1_Pooling/config.json: another pooling: expected either"), "{pooling}");
}

#[test]
fn weights_that_do_not_fit_are_named_as_they_are_published() {
    let wide = error(|folder| folder.set("intermediate_size", "24"));
    let expected = "FOLDER/model.safetensors: weight encoder.layer.0.intermediate.dense.";
    assert!(wide.starts_with(expected) && wide.contains("shape") && wide.ends_with("by config.json"), "{wide}");
    let deep = error(|folder| folder.set("num_hidden_layers", "3"));
    assert!(deep.contains("weight encoder.layer.2.") && deep.contains("is not there"), "{deep}");
    for bytes in [&b""[..], b"no tensors", &[255; 64]] {
        let broken = error(|folder| folder.write("model.safetensors", bytes));
        assert!(broken.starts_with("FOLDER/model.safetensors: "), "{broken}");
    }
    let cut = error(|folder| folder.cut("model.safetensors", 100));
    assert!(cut.starts_with("FOLDER/model.safetensors: "), "{cut}");
}

#[test]
fn a_tokenizer_that_does_not_fit_is_refused() {
    let many = error(|folder| folder.set("vocab_size", "12"));
    assert!(
        many.contains("FOLDER/tokenizer.json: token 37: expected less than the 12 of config.json's vocab_size"),
        "{many}"
    );
    let pad = error(|folder| folder.set("pad_token_id", "9"));
    assert!(
        pad.contains("FOLDER/tokenizer.json: token 9 is \"alien\": expected the special token that fills up"),
        "{pad}"
    );
    let broken = error(|folder| folder.write("tokenizer.json", b"{}"));
    assert!(broken.starts_with("FOLDER/tokenizer.json: "), "{broken}");
}
