//! Decoders from folders and GGUF files: what they say beside PyTorch, and what is wrong with a file.

mod files;
#[path = "../weights/mod.rs"]
mod weights;

use std::collections::BTreeMap;
use std::path::Path;

use metarec::burn::tensor::Device;
use metarec::text::{
    DecoderModel, Finish, Generation, LanguageModel, Prompt, Sampling, StateEncoder, StatePooling, TextEncoder,
    TextError,
};
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};

use files::{Files, Kind};

#[derive(Deserialize)]
struct Row {
    tokens: Vec<u32>,
    logits: Vec<f32>,
    means: Vec<Vec<f32>>,
    last: Vec<Vec<f32>>,
    greedy: Vec<u32>,
    log_likelihoods: Vec<f64>,
}

#[derive(Deserialize)]
struct Golden {
    prompts: Vec<String>,
    continuations: Vec<String>,
    llama_weights: BTreeMap<String, Vec<usize>>,
    gpt2_weights: BTreeMap<String, Vec<usize>>,
    llama: Vec<Row>,
    gpt2: Vec<Row>,
}

fn golden() -> Golden {
    serde_json::from_str(include_str!("../fixtures/lm/golden.json")).unwrap()
}

fn files(kind: Kind) -> Files {
    let golden = golden();
    Files::new(kind, if kind == Kind::Llama { &golden.llama_weights } else { &golden.gpt2_weights })
}

fn read(path: &Path) -> DecoderModel {
    DecoderModel::read(path, &Device::default()).unwrap()
}

#[track_caller]
fn close(found: &[f32], expected: &[f32], within: f32) {
    assert_eq!(found.len(), expected.len());
    let far = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far <= within, "{far} apart");
}

#[track_caller]
fn says_what_pytorch_says(model: &DecoderModel, prompts: &[String], continuations: &[String], rows: &[Row]) {
    let continuations: Vec<&str> = continuations.iter().map(String::as_str).collect();
    let texts: Vec<&str> = prompts.iter().map(String::as_str).collect();
    for (text, row) in prompts.iter().zip(rows) {
        let prompt = Prompt::from(text);
        assert_eq!(model.tokens(&prompt).unwrap(), row.tokens, "{text}");
        close(&model.logits(&prompt).unwrap(), &row.logits, 2e-5);
        // Spaces stand in the texts: none is added after a control token.
        let found = model.generate(&prompt, &Generation::default().with_tokens(row.greedy.len())).unwrap();
        let ended = row.greedy.iter().position(|&token| token == 0);
        let (finish, written) = ended.map_or((Finish::Length, row.greedy.len()), |at| (Finish::End, at));
        assert_eq!((found.finish, found.written, found.read), (finish, written, row.tokens.len()), "{text}");
        let trimmed: Vec<&str> = continuations.iter().map(|text| text.trim_start()).collect();
        let spaced: Vec<usize> = (0..trimmed.len()).filter(|&at| trimmed[at] != continuations[at]).collect();
        let found = model.log_likelihoods(&prompt, &spaced.iter().map(|&at| trimmed[at]).collect::<Vec<_>>()).unwrap();
        for (found, at) in found.iter().zip(spaced) {
            assert!((found - row.log_likelihoods[at]).abs() < 1e-4, "{text}{}: {found}", continuations[at]);
        }
    }
    for layer in 0..=2 {
        for pooling in [StatePooling::Mean, StatePooling::Last] {
            let encoder = StateEncoder::new(model.clone(), layer, pooling).unwrap();
            let vectors = encoder.encode(&texts).unwrap();
            for (found, row) in vectors.rows().zip(rows) {
                close(found, if pooling == StatePooling::Mean { &row.means[layer] } else { &row.last[layer] }, 1e-5);
            }
        }
    }
}

#[test]
fn models_say_what_they_say_in_pytorch_from_folders_and_from_gguf() {
    let Golden { prompts, continuations, llama, gpt2, .. } = golden();
    for (kind, rows) in [(Kind::Llama, llama), (Kind::Gpt2, gpt2)] {
        let files = files(kind);
        says_what_pytorch_says(&read(files.path()), &prompts, &continuations, &rows);
        says_what_pytorch_says(&read(&files.gguf()), &prompts, &continuations, &rows);
        files.split();
        says_what_pytorch_says(&read(files.path()), &prompts, &continuations, &rows);
    }
}

#[test]
fn rotation_is_read_from_newer_folders_and_windows_are_not_read_beyond() {
    let files = files(Kind::Llama);
    let prompt = Prompt::from("toy story two");
    let logits = read(files.path()).logits(&prompt).unwrap();
    files.set("rope_theta", json!(7.0));
    assert_ne!(read(files.path()).logits(&prompt).unwrap(), logits);
    files.set("rope_parameters", json!({ "rope_type": "default", "rope_theta": 100.0 }));
    assert_eq!(read(files.path()).logits(&prompt).unwrap(), logits);
    files.set("sliding_window", json!(8));
    let error = read(files.path()).logits(&Prompt::from("aaaaaaaaa")).unwrap_err().to_string();
    assert_eq!(error, "9 tokens: expected at most the 8 that the model reads");
}

#[test]
fn generation_ends_at_a_stop_and_at_the_last_position() {
    let model = read(files(Kind::Gpt2).path());
    let prompt = Prompt::from("the alien");
    let whole = model.generate(&prompt, &Generation::default().with_tokens(100)).unwrap();
    assert_eq!((whole.finish, whole.read + whole.written), (Finish::Length, 33), "the last token is written, not read");
    let stop = &whole.text[2..4];
    let cut = model.generate(&prompt, &Generation::default().with_stop(stop)).unwrap();
    assert_eq!((cut.finish, &*cut.text), (Finish::Stop, &whole.text[..whole.text.find(stop).unwrap()]));
    let long = "a".repeat(33);
    let error = model.generate(&Prompt::from(long), &Generation::default()).unwrap_err();
    assert_eq!(error.to_string(), "33 tokens: expected at most the 32 that the model reads");
    let hot: Sampling = serde_json::from_value(json!({ "temperature": -1.0 })).unwrap();
    let error = model.generate(&prompt, &Generation::default().with_sampling(hot)).unwrap_err();
    assert_eq!(error.to_string(), "temperature -1: expected 0 or more");
}

#[test]
fn only_control_makes_control_tokens() {
    let model = read(files(Kind::Llama).path());
    assert_eq!(model.tokens(&Prompt::new().control("<|end|>").text("a")).unwrap(), [0, 1]);
    assert!(!model.tokens(&Prompt::from("<|end|>a")).unwrap().contains(&0));
    let error = model.tokens(&Prompt::new().control("the")).unwrap_err().to_string();
    assert_eq!(error, "text 0 can't be cut into tokens: \"the\" is no control token of this model");
    assert!(matches!(model.tokens(&Prompt::new()), Err(TextError::Tokens { .. })));
}

#[test]
fn messages_are_framed_as_the_model_was_trained_to_read_them() {
    let files = files(Kind::Llama);
    let prompt = Prompt::new().system("a").user("b<|end|>").text("c");
    let error = read(files.path()).tokens(&prompt).unwrap_err().to_string();
    assert!(error.starts_with("messages to a model that has no control tokens for them: expected"), "{error}");

    files.set("max_position_embeddings", json!(128));
    // Tokens that the texts here don't have become the control tokens of a chat.
    let with_control = |names: &[(&str, u32)]| {
        let mut tokenizer: Value = serde_json::from_str(include_str!("../fixtures/lm/tokenizer.json")).unwrap();
        for (name, id) in names {
            let vocabulary = tokenizer["model"]["vocab"].as_object_mut().unwrap();
            vocabulary.retain(|_, found| found.as_u64() != Some(u64::from(*id)));
            vocabulary.insert((*name).to_owned(), json!(id));
            let token = json!({
                "id": id, "content": name, "single_word": false, "lstrip": false, "rstrip": false, "normalized": false,
                "special": true,
            });
            tokenizer["added_tokens"].as_array_mut().unwrap().push(token);
        }
        let newline = tokenizer["model"]["vocab"].as_object_mut().unwrap();
        newline.retain(|name, _| name != "q");
        newline.insert("Ċ".to_owned(), json!(17));
        files.write("tokenizer.json", tokenizer.to_string().as_bytes());
        read(files.path())
    };
    let framed = |text: &str| {
        let parts = text.split('{').flat_map(|part| part.split('}'));
        parts.enumerate().filter(|(_, part)| !part.is_empty()).fold(Prompt::new(), |prompt, (at, part)| match at % 2 {
            0 => prompt.text(part),
            _ => prompt.control(part),
        })
    };
    let chat_ml = with_control(&[("<|im_start|>", 24), ("<|im_end|>", 26)]);
    let expected = framed(
        "{<|im_start|>}system\na{<|im_end|>}\n{<|im_start|>}user\nb<|end|>{<|im_end|>}\n{<|im_start|>}assistant\nc",
    );
    assert_eq!(chat_ml.tokens(&prompt).unwrap(), chat_ml.tokens(&expected).unwrap());
    assert!(!chat_ml.tokens(&prompt).unwrap().contains(&0), "a message's text is text");

    let llama = with_control(&[("<|start_header_id|>", 24), ("<|end_header_id|>", 26), ("<|eot_id|>", 10)]);
    let header = |role: &str| format!("{{<|start_header_id|>}}{role}{{<|end_header_id|>}}\n\n");
    let (system, user, assistant) = (header("system"), header("user"), header("assistant"));
    let expected = framed(&format!("{system}a{{<|eot_id|>}}{user}b{{<|eot_id|>}}{assistant}"));
    let prompt = Prompt::new().system("a").user("b");
    assert_eq!(llama.tokens(&prompt).unwrap(), llama.tokens(&expected).unwrap());
}

#[test]
fn one_of_the_texts_is_chosen_whatever_the_model_would_rather_say() {
    let model = read(files(Kind::Llama).path());
    let (prompt, titles) = (Prompt::from("the"), ["alien", "alien story", "toy story", "toy", "the end"]);
    let mut chosen = [0; 5];
    for seed in 0..200 {
        let sampling: Sampling = serde_json::from_value(json!({ "temperature": 1.5, "seed": seed })).unwrap();
        chosen[model.choose(&prompt, &titles, &sampling).unwrap()] += 1;
    }
    assert!(chosen.iter().all(|&times| times > 0), "{chosen:?}");
    assert!(model.choose(&prompt, &[], &Sampling::default()).is_err());
    assert!(model.choose(&prompt, &["a", ""], &Sampling::default()).is_err());
    assert_eq!(model.choose(&prompt, &["only"], &Sampling::default()).unwrap(), 0);
}

/// What is said of a folder in which something is wrong.
fn error(kind: Kind, spoil: impl FnOnce(&Files)) -> String {
    let files = files(kind);
    spoil(&files);
    let error = DecoderModel::read(files.path(), &Device::default()).unwrap_err().to_string();
    error.replace(&files.path().display().to_string(), "FOLDER")
}

#[test]
fn what_is_wrong_with_a_folder_is_named() {
    for (kind, field, value, said) in [
        (
            Kind::Llama,
            "model_type",
            json!("bert"),
            "FOLDER/config.json: model_type \"bert\": expected llama, mistral or gpt2",
        ),
        (
            Kind::Llama,
            "num_key_value_heads",
            json!(3),
            "FOLDER/config.json: num_key_value_heads 3: expected a divisor of num_attention_heads 4",
        ),
        (
            Kind::Llama,
            "rope_scaling",
            json!({ "factor": 2 }),
            "FOLDER/config.json: rope_scaling {\"factor\":2}: expected null: positions as they are",
        ),
        (
            Kind::Llama,
            "hidden_size",
            json!(24),
            "FOLDER/model.safetensors: weight model.embed_tokens.weight: shape [47, 16]: expected [47, 24]",
        ),
        (Kind::Gpt2, "n_head", json!(5), "FOLDER/config.json: n_head 5: expected a divisor of n_embd 12"),
        (
            Kind::Gpt2,
            "vocab_size",
            json!(46),
            "FOLDER/model.safetensors: weight transformer.wte.weight: shape [47, 12]: expected [46, 12]",
        ),
        (
            Kind::Gpt2,
            "n_layer",
            json!(3),
            "FOLDER/model.safetensors: weight h.2.ln_1.weight: is not there: expected [12]",
        ),
        (
            Kind::Llama,
            "rope_parameters",
            json!({ "rope_type": "llama3" }),
            "FOLDER/config.json: rope_parameters.rope_type \"llama3\": expected default: positions as they are",
        ),
        (Kind::Llama, "hidden_act", json!("gelu"), "FOLDER/config.json: hidden_act \"gelu\": expected silu"),
        (
            Kind::Llama,
            "eos_token_id",
            json!(47),
            "FOLDER: token 47: expected less than the 47 tokens that the model has vectors of",
        ),
        (
            Kind::Gpt2,
            "activation_function",
            json!("relu"),
            "FOLDER/config.json: activation_function \"relu\": expected gelu_new",
        ),
    ] {
        assert_eq!(error(kind, |files| files.set(field, value)), said);
    }
    for name in ["config.json", "tokenizer.json", "model.safetensors"] {
        let said = error(Kind::Llama, |files| files.remove(name));
        assert!(said.starts_with(&format!("FOLDER/{name}: ")), "{said}");
    }
    let said = error(Kind::Llama, |files| files.write("model.safetensors", b"no weights"));
    assert!(
        said.starts_with("FOLDER/model.safetensors: ") && said.ends_with("expected weights in the safetensors format"),
        "{said}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Whatever a file holds, it is read or refused.
    #[test]
    fn damaged_gguf_files_are_read_or_refused(
        cut in 0.0_f64..1.2, flips in proptest::collection::vec((0.0_f64..1.0, any::<u8>()), 0..6), early: bool,
    ) {
        let files = files(Kind::Llama);
        let mut bytes = files.gguf_bytes();
        bytes.truncate((bytes.len() as f64 * cut) as usize);
        for (at, byte) in flips {
            let reach = if early { bytes.len().min(2_000) } else { bytes.len() };
            if let Some(place) = bytes.get_mut((reach as f64 * at) as usize) {
                *place = byte;
            }
        }
        files.write("damaged.gguf", &bytes);
        if let Ok(model) = DecoderModel::read(files.path().join("damaged.gguf"), &Device::default()) {
            let _ = model.logits(&Prompt::from("a"));
        }
    }
}
