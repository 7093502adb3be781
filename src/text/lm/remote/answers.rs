//! What a server said, if it said something.

use std::ops::Range;

use serde::Deserialize;
use serde_json::Value as Json;

use super::super::Finish;

/// A text that a server gave.
pub(super) struct Said {
    pub(super) text: String,
    pub(super) finish: Finish,
    pub(super) read: usize,
    pub(super) written: usize,
}

#[derive(Deserialize)]
struct Answer {
    choices: Vec<Choice>,
    #[serde(default)]
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    text: Option<String>,
    #[serde(default)]
    message: Option<Message>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    logprobs: Option<Json>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
    #[serde(default)]
    refusal: Option<String>,
}

#[derive(Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

#[derive(Deserialize)]
struct Logprobs {
    tokens: Vec<Json>,
    token_logprobs: Vec<Option<f64>>,
    text_offset: Vec<usize>,
}

fn parsed(answer: &Json) -> Result<(Choice, Option<Usage>), String> {
    let Answer { mut choices, usage } =
        Answer::deserialize(answer).map_err(|error| format!("an answer without {error}"))?;
    match choices.len() {
        1 => Ok((choices.remove(0), usage)),
        other => Err(format!("an answer with {other} choices, where one was asked for")),
    }
}

/// Tokens that an answer says it cost.
pub(super) fn cost(answer: &Json) -> Option<u64> {
    let usage = Usage::deserialize(answer.get("usage")?).ok()?;
    let cost = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    (cost > 0).then_some(cost)
}

/// The text of an answer.
pub(super) fn said(answer: &Json) -> Result<Said, String> {
    let (Choice { text, message, finish_reason, .. }, usage) = parsed(answer)?;
    let text = match (text, message) {
        (Some(text), _) | (None, Some(Message { content: Some(text), .. })) => text,
        (None, Some(Message { refusal: Some(why), .. })) => return Err(format!("a refusal: {why}")),
        (None, _) => return Err("an answer without a text".to_owned()),
    };
    let finish = match finish_reason.as_deref() {
        Some("length") => Finish::Length,
        Some("stop") | None => Finish::End,
        Some(other) => return Err(format!("an answer that ended for the reason {other:?}")),
    };
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let (read, written) = usage.map_or((0, 0), |usage| (count(usage.prompt_tokens), count(usage.completion_tokens)));
    Ok(Said { text, finish, read, written })
}

/// Which of some texts was chosen: as the field `choice` of an object, or bare.
pub(super) fn choice(answer: &str, texts: &[&str]) -> Result<usize, String> {
    #[derive(Deserialize)]
    struct Chosen {
        choice: String,
    }
    let chosen = serde_json::from_str(answer).map_or_else(|_| answer.trim().to_owned(), |Chosen { choice }| choice);
    let place = texts.iter().position(|text| *text == chosen);
    place.ok_or_else(|| format!("{chosen:?}, which is none of the {} texts to choose from", texts.len()))
}

/// The log of the probability of some characters of the prompt: the sum over all tokens that reach into them.
pub(super) fn log_likelihood(answer: &Json, range: &Range<usize>) -> Result<f64, String> {
    let (Choice { logprobs, .. }, _) = parsed(answer)?;
    let logprobs = logprobs
        .filter(|found| !found.is_null())
        .ok_or("an answer without the probabilities of the prompt (logprobs)")?;
    let Logprobs { tokens, token_logprobs, text_offset } =
        Logprobs::deserialize(&logprobs).map_err(|error| format!("probabilities without {error}"))?;
    if tokens.len() != token_logprobs.len() || tokens.len() != text_offset.len() || !text_offset.is_sorted() {
        let (all, numbers, places) = (tokens.len(), token_logprobs.len(), text_offset.len());
        return Err(format!("{all} tokens with {numbers} probabilities and {places} ascending places"));
    }
    // What was generated begins where the prompt ends.
    let ends = text_offset.iter().skip(1).copied().chain([usize::MAX]);
    let inside = text_offset.iter().zip(ends).zip(token_logprobs);
    let inside = inside.filter(|((from, end), _)| **from < range.end && *end > range.start);
    let mut tokens = 0;
    let mut sum = 0.0;
    for ((from, _), logprob) in inside {
        tokens += 1;
        sum += logprob.ok_or_else(|| format!("no probability of the token at character {from}"))?;
    }
    if tokens == 0 { Err("no probabilities of the prompt's own tokens".to_owned()) } else { Ok(sum) }
}
