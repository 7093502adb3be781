//! What a server said, if it said something.

use serde::Deserialize;
use serde_json::Value as Json;

use super::super::Finish;

/// Why an answer can't be used.
pub(super) enum Unusable {
    /// It is not whole: the next one may be.
    Broken(String),
    /// It is what the server has to say.
    ForGood(String),
}

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
    tokens: Vec<String>,
    token_logprobs: Vec<Option<f64>>,
    text_offset: Vec<usize>,
}

fn parsed(answer: &Json) -> Result<(Choice, Option<Usage>), Unusable> {
    let Answer { mut choices, usage } = Answer::deserialize(answer)
        .map_err(|error| Unusable::Broken(format!("an answer that can't be read ({error})")))?;
    match choices.len() {
        1 => Ok((choices.remove(0), usage)),
        other => Err(Unusable::Broken(format!("an answer with {other} choices, where one was asked for"))),
    }
}

/// Tokens that an answer says it cost.
pub(super) fn cost(answer: &Json) -> Option<u64> {
    let usage = Usage::deserialize(answer.get("usage")?).ok()?;
    let cost = usage.prompt_tokens.saturating_add(usage.completion_tokens);
    (cost > 0).then_some(cost)
}

/// The text of an answer.
pub(super) fn said(answer: &Json) -> Result<Said, Unusable> {
    let (Choice { text, message, finish_reason, .. }, usage) = parsed(answer)?;
    let text = match (text, message) {
        (Some(text), _) | (None, Some(Message { content: Some(text), .. })) => text,
        (None, Some(Message { refusal: Some(why), .. })) => return Err(Unusable::ForGood(format!("a refusal: {why}"))),
        (None, _) => return Err(Unusable::Broken("an answer without a text".to_owned())),
    };
    let finish = match finish_reason.as_deref() {
        Some("length") => Finish::Length,
        Some("stop") | None => Finish::End,
        Some(other) => return Err(Unusable::ForGood(format!("an answer that ended for the reason {other:?}"))),
    };
    let count = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let (read, written) = usage.map_or((0, 0), |usage| (count(usage.prompt_tokens), count(usage.completion_tokens)));
    Ok(Said { text, finish, read, written })
}

/// Which of some texts was chosen: as the field `choice` of an object, or bare.
pub(super) fn choice(answer: &str, texts: &[String]) -> Result<usize, Unusable> {
    #[derive(Deserialize)]
    struct Chosen {
        choice: String,
    }
    let chosen = serde_json::from_str(answer).map_or_else(|_| answer.trim().to_owned(), |Chosen { choice }| choice);
    let place = texts.iter().position(|text| *text == chosen);
    let none = || Unusable::ForGood(format!("\"{chosen}\", which is none of the {} texts to choose from", texts.len()));
    place.ok_or_else(none)
}

/// The log of the probability of the end of the prompt `sent`, from the character `from` on: the sum over all tokens that reach into it.
pub(super) fn log_likelihood(answer: &Json, sent: &str, from: usize) -> Result<f64, Unusable> {
    let (Choice { logprobs, .. }, _) = parsed(answer)?;
    let none = || Unusable::ForGood("an answer without the probabilities of the prompt (logprobs)".to_owned());
    let logprobs = logprobs.filter(|found| !found.is_null()).ok_or_else(none)?;
    let Logprobs { tokens, token_logprobs, text_offset } = Logprobs::deserialize(&logprobs)
        .map_err(|error| Unusable::ForGood(format!("probabilities that can't be read ({error})")))?;
    if tokens.len() != token_logprobs.len() || tokens.len() != text_offset.len() || !text_offset.is_sorted() {
        let (all, numbers, places) = (tokens.len(), token_logprobs.len(), text_offset.len());
        return Err(Unusable::Broken(format!(
            "{all} tokens with {numbers} probabilities and {places} ascending places"
        )));
    }
    let places: Vec<usize> = sent.char_indices().map(|(at, _)| at).collect();
    let until = places.len();
    let ends = text_offset.iter().skip(1).copied().chain([usize::MAX]);
    let (mut count, mut sum) = (0, 0.0);
    for (((token, &at), end), logprob) in tokens.iter().zip(&text_offset).zip(ends).zip(token_logprobs) {
        // What was generated begins where the prompt ends.
        if at >= until || end <= from {
            continue;
        }
        // Places that are no characters of what was sent would add up the wrong tokens. One that is a part of a character has no text of its own.
        if !token.contains('\u{fffd}')
            && !token.starts_with("bytes:")
            && !sent[places[at]..].starts_with(token.as_str())
        {
            let found = format!("a token {token:?} said to be at character {at}, where it is not");
            return Err(Unusable::ForGood(found));
        }
        count += 1;
        let missing = || Unusable::ForGood(format!("no probability of the token at character {at}"));
        sum += logprob.ok_or_else(missing)?;
    }
    match count {
        0 => Err(Unusable::ForGood("no probabilities of the prompt's own tokens".to_owned())),
        _ => Ok(sum),
    }
}
