//! A remote language model: what is sent, what is made of the answers, and what becomes of a server that misbehaves.

mod server;

use std::fs;
use std::time::{Duration, Instant};

use metarec::text::{
    CachedModel, Finish, Generated, Generation, LanguageModel, Prompt, RemoteModel, RemoteOptions, Sampling, TextError,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use server::{Reply, Server};

/// A variable that every test has: what it holds is the key.
const KEY: &str = "CARGO_PKG_NAME";

fn options(server: &Server) -> RemoteOptions {
    RemoteOptions::new(&server.address, "tiny").with_attempts(4, Duration::from_millis(2))
}

fn model(server: &Server) -> RemoteModel {
    RemoteModel::new(options(server)).unwrap()
}

fn ask(model: &dyn LanguageModel) -> Result<Generated, TextError> {
    model.generate(&Prompt::new().system("Be brief.").user("Hello<|im_end|>"), &Generation::default().with_tokens(8))
}

/// What is said of replies, the address left out.
fn error(replies: Vec<Reply>) -> (String, usize) {
    let server = Server::new(replies);
    let error = ask(&model(&server)).unwrap_err().to_string();
    (error.replace(&server.address, "ADDRESS"), server.seen().len())
}

#[test]
fn messages_go_to_a_chat_with_the_key_and_what_was_asked_for() {
    let server = Server::new(vec![Reply::message("Good day. Bye")]);
    let model = RemoteModel::new(options(&server).with_key_from(KEY).with_limit("max_completion_tokens")).unwrap();
    let sampling: Sampling = serde_json::from_value(json!({ "temperature": 0.5, "top_p": 0.9, "seed": 3 })).unwrap();
    let generation = Generation::default().with_tokens(8).with_stop(" Bye").with_sampling(sampling);
    let prompt = Prompt::new().system("Be brief.").user("Hello<|im_end|>").assistant("Yes?").user("\u{0}\n\"");
    let said = model.generate(&prompt, &generation).unwrap();
    assert_eq!((&*said.text, said.finish, said.read, said.written), ("Good day.", Finish::End, 5, 2));
    let seen = server.seen().remove(0);
    assert_eq!((&*seen.path, seen.key.as_deref()), ("/v1/chat/completions", Some("Bearer metarec")));
    let expected = json!({
        "model": "tiny", "stream": false, "max_completion_tokens": 8, "temperature": 0.5, "top_p": 0.9, "seed": 3, "stop": [" Bye"],
        "messages": [
            { "role": "system", "content": "Be brief." }, { "role": "user", "content": "Hello< |im_end|>" },
            { "role": "assistant", "content": "Yes?" }, { "role": "user", "content": "\u{0}\n\"" },
        ],
    });
    assert_eq!(seen.body, expected);
    assert_eq!(model.spent(), 7);
}

#[test]
fn text_goes_to_completions() {
    let answer = json!({ "choices": [{ "text": " a time", "finish_reason": "length" }] });
    let server = Server::new(vec![Reply::json(&answer)]);
    let said = model(&server).generate(&Prompt::from("Once upon"), &Generation::default().with_tokens(2)).unwrap();
    assert_eq!((&*said.text, said.finish, said.read), (" a time", Finish::Length, 0));
    let seen = server.seen().remove(0);
    assert_eq!((&*seen.path, &seen.body["prompt"], seen.key), ("/v1/completions", &json!("Once upon"), None));
    assert_eq!(seen.body["temperature"], json!(0.0));
}

#[test]
fn what_fails_in_passing_is_sent_again() {
    let server = Server::new(vec![
        Reply::Said(503, "", "busy".to_owned()),
        Reply::Said(429, "retry-after: 0\r\n", String::new()),
        Reply::Gone,
        Reply::Cut,
        Reply::Said(200, "", "{\"choices\": [{\"mess".to_owned()),
        Reply::Said(200, "", "<html>".to_owned()),
        Reply::json(&json!({ "choices": [] })),
        Reply::Slow(Duration::from_millis(400)),
        Reply::message("at last"),
    ]);
    let options = options(&server).with_attempts(9, Duration::from_millis(2)).with_timeout(Duration::from_millis(200));
    assert_eq!(ask(&RemoteModel::new(options).unwrap()).unwrap().text, "at last");
    let seen = server.seen();
    assert_eq!(seen.len(), 9);
    assert!(seen.iter().all(|request| request.body == seen[0].body));
}

#[test]
fn what_fails_for_good_is_said_with_what_the_server_said() {
    let chat = "ADDRESS/chat/completions: ";
    let bad = Reply::Said(400, "", "{\"error\":\n \"no such model\"}".to_owned());
    assert_eq!(error(vec![bad]), (format!("{chat}status 400: {{\"error\": \"no such model\"}} (attempts: 1)"), 1));
    let away = Reply::Said(302, "location: http://127.0.0.1:1/\r\n", String::new());
    assert_eq!(error(vec![away]), (format!("{chat}status 302: (attempts: 1)"), 1), "the key goes nowhere else");
    let (said, sent) = error(vec![Reply::Said(500, "", "x".repeat(1_000))]);
    assert_eq!((said, sent), (format!("{chat}status 500: {}... (attempts: 4)", "x".repeat(288)), 4));
    let two = json!({ "choices": [{ "text": "a" }, { "text": "b" }] });
    let (said, _) = error(vec![Reply::json(&two)]);
    assert_eq!(said, format!("{chat}an answer with 2 choices, where one was asked for (attempts: 4)"));
    let (said, _) =
        error(vec![Reply::json(&json!({ "choices": [{ "finish_reason": "content_filter", "text": "" }] }))]);
    assert_eq!(said, format!("{chat}an answer that ended for the reason \"content_filter\" (attempts: 1)"));
    let (said, _) = error(vec![Reply::json(&json!({ "error": "x" }))]);
    assert!(said.contains("an answer that can't be read (missing field `choices`)"), "{said}");
    let (said, sent) = error(vec![Reply::Said(200, "", "y".repeat(17 << 20))]);
    assert!(said.contains("limit") && sent == 1, "{said}, sent {sent} times");
}

#[test]
fn a_server_that_is_slow_or_not_there_costs_its_time_and_no_more() {
    let server = Server::new(vec![Reply::Slow(Duration::from_secs(5))]);
    let options = options(&server).with_attempts(2, Duration::ZERO).with_timeout(Duration::from_millis(100));
    let model = RemoteModel::new(options).unwrap();
    let began = Instant::now();
    let error = ask(&model).unwrap_err().to_string();
    let took = began.elapsed();
    assert!(error.contains("timeout") && error.ends_with("(attempts: 2)"), "{error}");
    assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(4), "{took:?}");
    assert!(model.spent() > 0, "what was lost on the way may have been charged");

    let nobody = RemoteOptions::new("http://127.0.0.1:1/v1", "tiny").with_attempts(2, Duration::ZERO);
    let model = RemoteModel::new(nobody).unwrap();
    assert!(matches!(ask(&model), Err(TextError::Remote { attempts: 2, .. })));
    assert_eq!(model.spent(), 0);
}

#[test]
fn a_wait_that_the_server_names_is_kept_or_refused() {
    let busy = |wait| Reply::Said(429, wait, "slow down".to_owned());
    let server = Server::new(vec![busy("retry-after: 1\r\n"), Reply::message("yes")]);
    let began = Instant::now();
    ask(&model(&server)).unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));

    let server = Server::new(vec![busy("retry-after: 3600\r\n")]);
    assert!(matches!(ask(&model(&server)), Err(TextError::Remote { attempts: 1, .. })));
}

#[test]
fn the_key_is_in_no_error_and_in_no_debug() {
    let server = Server::new(vec![Reply::Said(401, "", "wrong key met***".to_owned())]);
    let model = RemoteModel::new(options(&server).with_key_from(KEY)).unwrap();
    let error = ask(&model).unwrap_err();
    for text in [error.to_string(), format!("{error:?}"), format!("{model:?}")] {
        assert!(!text.contains("met"), "{text}");
    }
    // Elsewhere a server's words are repeated, and the key in them is not, though they are cut in the middle of it.
    let said = format!("{} wrong key metarec", "z".repeat(270));
    let server = Server::new(vec![Reply::Said(400, "", said)]);
    let error = ask(&RemoteModel::new(options(&server).with_key_from(KEY)).unwrap()).unwrap_err().to_string();
    assert!(error.contains("wrong key") && !error.contains("met"), "{error}");
    let error = RemoteModel::new(options(&server).with_key_from("sk-live-1")).unwrap_err().to_string();
    assert!(!error.contains("sk-live"), "{error}");
    let options = options(&server).with_key_from("METAREC_NO_SUCH_KEY");
    let error = RemoteModel::new(options).unwrap_err().to_string();
    assert_eq!(error, "METAREC_NO_SUCH_KEY is not set: expected a key in this environment variable");
}

thread_local! {
    /// What the HTTP client logs at the level of traces: rows of the bytes that it sends.
    static LOGGED: std::cell::RefCell<String> = const { std::cell::RefCell::new(String::new()) };
}

struct Capture;

impl log::Log for Capture {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        let line = record.args().to_string();
        // A row ends with its 16 bytes as characters.
        let tail: String = line.chars().skip(line.chars().count().saturating_sub(16)).collect();
        let said = if record.target().starts_with("ureq_proto") { &tail } else { &line };
        LOGGED.with_borrow_mut(|logged| logged.push_str(said));
    }

    fn flush(&self) {}
}

#[test]
fn the_key_is_in_no_log() {
    // A key that stands nowhere else.
    let key = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let server = Server::new(vec![Reply::message("yes")]);
    log::set_logger(&Capture).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    ask(&RemoteModel::new(options(&server).with_key_from("CARGO_MANIFEST_DIR")).unwrap()).unwrap();
    log::set_max_level(log::LevelFilter::Off);
    assert_eq!(server.seen()[0].key, Some(format!("Bearer {key}")));
    let logged = LOGGED.with_borrow(|logged| logged.to_lowercase());
    // Rows show a point for each space and line end.
    assert!(logged.contains("authorization:.bearer.***"), "the header is logged, and not the key in it: {logged}");
    assert!(!logged.contains(&key.to_lowercase().replace(' ', ".")));
}

#[test]
fn no_more_is_spent_than_the_budget() {
    let server = Server::new(vec![Reply::message("yes")]);
    let model = RemoteModel::new(options(&server).with_budget(600)).unwrap();
    let mut asked = 0;
    let error = loop {
        match ask(&model) {
            Ok(_) => asked += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(model.spent(), 7 * asked);
    assert_eq!(server.seen().len() as u64, asked);
    let TextError::Budget { most, left } = error else { panic!("{error}") };
    assert!(asked > 10 && left == 600 - model.spent() && most > left, "{asked} requests, {most} of {left}");
}

#[test]
fn requests_of_all_threads_are_spaced() {
    let server = Server::new(vec![Reply::message("yes")]);
    let model = RemoteModel::new(options(&server).with_requests_per_minute(1_200.0)).unwrap();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..6 {
            scope.spawn(|| ask(&model).unwrap());
        }
    });
    assert!(began.elapsed() >= Duration::from_millis(250), "{:?}", began.elapsed());
}

#[test]
fn one_of_the_texts_is_chosen_or_an_error_says_what_was_said() {
    let titles = ["Alien", "Toy \"Story\""];
    let prompt = Prompt::new().user("Which one?");
    let answers = ["{\"choice\": \"Toy \\\"Story\\\"\"}", " Alien\n", "Aliens"];
    let server = Server::new(answers.map(Reply::message).to_vec());
    let model = model(&server);
    let choose = || model.choose(&prompt, &titles, &Sampling::default());
    assert_eq!(choose().unwrap(), 1);
    assert_eq!(choose().unwrap(), 0);
    let said = choose().unwrap_err().to_string();
    assert!(said.contains("\"Aliens\", which is none of the 2 texts to choose from"), "{said}");
    let asked = server.seen()[0].body["messages"].as_array().unwrap().last().unwrap()["content"].clone();
    assert_eq!(asked, json!("Answer with one of these, as it stands here:\n- Alien\n- Toy \"Story\"\n"));
    let schema = &server.seen()[0].body["response_format"]["json_schema"]["schema"];
    assert_eq!(schema["properties"]["choice"]["enum"], json!(titles));
    assert!(model.choose(&prompt, &[], &Sampling::default()).is_err());
    assert!(model.choose(&prompt, &["a", ""], &Sampling::default()).is_err());
}

/// Tokens, their probabilities and places.
fn echoed(tokens: Value, logprobs: Value, offsets: Value) -> Reply {
    let logprobs = json!({ "tokens": tokens, "token_logprobs": logprobs, "text_offset": offsets });
    Reply::json(&json!({ "choices": [{ "text": "é Alien 3?", "finish_reason": "length", "logprobs": logprobs }] }))
}

#[test]
fn likelihoods_are_those_of_the_text_alone() {
    let whole = echoed(json!(["é", " Ali", "en", "?"]), json!([null, -1.5, -0.25, -9.0]), json!([0, 1, 5, 7]));
    let other = echoed(json!(["é", " Toy", "."]), json!([null, -1.0, -7.0]), json!([0, 1, 5]));
    let server = Server::new(vec![whole.clone(), other.clone(), whole, other]);
    let (model, prompt, titles) = (model(&server), Prompt::from("é"), ["Alien", "Toy"]);
    assert_eq!(model.log_likelihoods(&prompt, &titles).unwrap(), [-1.75, -1.0]);
    assert_eq!(model.choose(&prompt, &titles, &Sampling::default()).unwrap(), 1);
    let seen = server.seen();
    assert_eq!(seen[0].body["prompt"], json!("é Alien"));
    assert_eq!((&seen[0].body["echo"], &seen[0].body["max_tokens"]), (&json!(true), &json!(1)));

    let wrong = |reply| {
        let server = Server::new(vec![reply]);
        RemoteModel::new(options(&server).with_attempts(1, Duration::ZERO))
            .unwrap()
            .log_likelihoods(&prompt, &["Alien"])
            .unwrap_err()
            .to_string()
    };
    let said = wrong(echoed(json!(["é", " Alien"]), json!([null]), json!([0, 1])));
    assert!(said.contains("2 tokens with 1 probabilities and 2 ascending places"), "{said}");
    // Places counted in bytes, or with a token that was not sent, are other characters.
    let said = wrong(echoed(json!(["é", " Ali", "en", "?"]), json!([-3.0, -1.5, -0.25, -9.0]), json!([0, 2, 6, 8])));
    assert!(said.contains("a token \" Ali\" said to be at character 2, where it is not (attempts: 1)"), "{said}");
    let said = wrong(echoed(json!(["?"]), json!([-1.0]), json!([7])));
    assert!(said.contains("no probabilities of the prompt's own tokens"), "{said}");
    let said = wrong(Reply::json(&json!({ "choices": [{ "text": "x", "logprobs": null }] })));
    assert!(said.contains("an answer without the probabilities of the prompt (logprobs)"), "{said}");
    let said = wrong(echoed(json!(["é", " Alien"]), json!([null, null]), json!([0, 1])));
    assert!(said.contains("no probability of the token at character 1"), "{said}");
}

#[test]
fn what_can_not_be_sent_is_refused_before() {
    let server = Server::new(vec![Reply::message("never")]);
    let model = model(&server);
    let said = |prompt: &Prompt| model.generate(prompt, &Generation::default()).unwrap_err().to_string();
    assert!(
        said(&Prompt::new().control("<|im_start|>"))
            .starts_with("the control token \"<|im_start|>\" to a remote model")
    );
    assert!(said(&Prompt::new().user("a").text("b")).starts_with("text after messages"));
    assert!(said(&Prompt::new()).contains("the prompt is empty"));
    let hot: Sampling = serde_json::from_value(json!({ "temperature": -1.0 })).unwrap();
    let error = model.generate(&Prompt::from("a"), &Generation::default().with_sampling(hot)).unwrap_err();
    assert_eq!(error.to_string(), "temperature -1: expected 0 or more");
    assert!(model.log_likelihoods(&Prompt::new().user("a"), &["b"]).is_err());
    assert!(server.seen().is_empty());
    for (address, said) in [
        ("localhost:8080", "address \"localhost:8080\": expected http:// or https://, a host and perhaps a path"),
        ("http://", "address \"http:\": expected http:// or https://, a host and perhaps a path"),
        ("me:secret@host/v1", "an address with a user or a password: expected the key in an environment variable"),
        (
            "https://me:secret@host/v1",
            "an address with a user or a password: expected the key in an environment variable",
        ),
    ] {
        assert_eq!(RemoteModel::new(RemoteOptions::new(address, "m")).unwrap_err().to_string(), said);
    }
    for wrong in [
        options(&server).with_attempts(0, Duration::ZERO),
        options(&server).with_timeout(Duration::ZERO),
        options(&server).with_requests_per_minute(0.0),
        options(&server).with_requests_per_minute(f64::NAN),
        options(&server).with_limit("model"),
    ] {
        assert!(matches!(RemoteModel::new(wrong), Err(TextError::Option { .. })));
    }
}

#[test]
fn a_question_is_asked_once_and_again_when_its_answer_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(vec![Reply::message("first"), Reply::message("second")]);
    let cached = |model| CachedModel::new(RemoteModel::new(model).unwrap(), folder.path());
    let model = cached(options(&server));
    let said = ask(&model).unwrap();
    assert_eq!(ask(&model).unwrap(), said);
    assert_eq!(ask(&cached(options(&server))).unwrap(), said, "what another one remembered");
    assert_eq!((server.seen().len(), model.model().spent()), (1, 7));

    let of_model = fs::read_dir(folder.path()).unwrap().next().unwrap().unwrap().path();
    let file = fs::read_dir(of_model).unwrap().next().unwrap().unwrap().path();
    let whole = fs::read_to_string(&file).unwrap();
    fs::write(&file, whole.replace("first", "worst")).unwrap();
    assert_eq!(ask(&model).unwrap().text, "second");
    assert_eq!(server.seen().len(), 2);

    // Another model, or another question, is asked itself.
    let mut other = options(&server);
    other.model = "other".to_owned();
    ask(&cached(other)).unwrap();
    model.generate(&Prompt::new().user("Hello"), &Generation::default()).unwrap();
    assert_eq!(server.seen().len(), 4);
}

#[test]
fn failures_are_not_remembered() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::new(vec![Reply::Said(400, "", "no".to_owned()), Reply::message("yes")]);
    let model = CachedModel::new(model(&server), folder.path());
    assert!(ask(&model).is_err());
    assert_eq!(ask(&model).unwrap().text, "yes");
}

#[test]
fn likelihoods_are_remembered_text_by_text() {
    let folder = tempfile::tempdir().unwrap();
    let reply =
        |text: &str, logprob: f64| echoed(json!(["a", format!(" {text}")]), json!([null, logprob]), json!([0, 1]));
    let server = Server::new(vec![reply("x", -1.0), reply("y", -2.0), reply("z", -3.0)]);
    let model = CachedModel::new(model(&server), folder.path());
    let prompt = Prompt::from("a");
    assert_eq!(model.log_likelihoods(&prompt, &["x", "y"]).unwrap(), [-1.0, -2.0]);
    assert_eq!(model.log_likelihoods(&prompt, &["y", "z", "x"]).unwrap(), [-2.0, -3.0, -1.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever a server says, it is an answer or an error.
    #[test]
    fn any_body_is_an_answer_or_an_error(bytes in prop_oneof![
        "\\PC{0,60}",
        r#"\{"choices": \[(\{"(text|message|logprobs|finish_reason)": ("x"|1|null|\{\}|\{"content": "y"\}|\[\])\},?){0,2}\](, "usage": \{"prompt_tokens": [0-9]{1,19}\})?\}"#,
    ], status in prop_oneof![Just(200_u16), 200_u16..600]) {
        let server = Server::new(vec![Reply::Said(status, "", bytes)]);
        let model = RemoteModel::new(options(&server).with_attempts(1, Duration::ZERO)).unwrap();
        let _ = ask(&model);
        let _ = model.log_likelihoods(&Prompt::from("a"), &["b"]);
    }
}
