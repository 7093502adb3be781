//! A language model behind an endpoint that speaks OpenAI's protocol.

mod answers;
mod budget;
mod http;
mod key;
mod options;
mod pace;
mod plain;

pub use options::RemoteOptions;

use serde_json::{Value as Json, json};

use super::prompt::Part;
use super::sampling::{Sampler, Sampling};
use super::{Generated, Generation, LanguageModel, Prompt, no_texts};
use crate::text::TextError;
use answers::{Said, choice, log_likelihood, said};
use http::Endpoint;
use plain::plain;

/// A model that a server asks: hosted GPT or GLM models, vLLM, a llama.cpp server or another that speaks OpenAI's protocol.
///
/// Messages go to `chat/completions`, a prompt of text to `completions`. Nothing is kept between requests but what was spent; a
/// [`CachedModel`](super::CachedModel) remembers answers. A request that fails in passing (no connection, too slow, too many requests, an error of the
/// server, an answer that is no answer) is sent again after a random wait whose upper end doubles, behind the one that the server names.
///
/// The key stands in an environment variable, and never in an error or in what `Debug` prints.
///
/// Servers make control tokens of texts that look like them, so in texts these are broken by a space (`< |im_end|>`). A prompt with
/// [control tokens](Prompt::control) is refused.
///
/// ```no_run
/// use metarec::text::{CachedModel, Generation, LanguageModel, Prompt, RemoteModel, RemoteOptions};
///
/// let options = RemoteOptions::new("http://localhost:8080/v1", "SmolLM2-135M-Instruct").with_budget(100_000);
/// let model = CachedModel::new(RemoteModel::new(options)?, "answers");
/// let prompt = Prompt::new().user("Name a film that is like Alien.");
/// println!("{}", model.generate(&prompt, &Generation::default())?.text);
/// # Ok::<(), metarec::text::TextError>(())
/// ```
#[derive(Debug)]
pub struct RemoteModel {
    options: RemoteOptions,
    endpoint: Endpoint,
}

impl RemoteModel {
    /// Reads the key from the environment; sends nothing.
    ///
    /// # Errors
    /// If the variable of the key is not set or no header can hold it, or an option is out of its bounds.
    pub fn new(options: RemoteOptions) -> Result<Self, TextError> {
        let endpoint = Endpoint::new(&options)?;
        Ok(Self { options, endpoint })
    }

    /// Tokens spent so far, as the server counts them; where it doesn't, or a request was lost on the way, the most that it can have been.
    #[must_use]
    pub fn spent(&self) -> u64 {
        self.endpoint.spent()
    }

    /// What both kinds of request have in common.
    fn body(&self, tokens: usize, sampling: &Sampling) -> Json {
        let mut body = json!({ "model": self.options.model, "temperature": sampling.temperature, "stream": false });
        body[&self.options.limit] = json!(tokens);
        if sampling.temperature > 0.0 {
            body["top_p"] = json!(sampling.top_p);
            body["seed"] = json!(sampling.seed);
            if sampling.top_k > 0 {
                body["top_k"] = json!(sampling.top_k);
            }
        }
        body
    }

    /// Where a prompt goes, and the request with it.
    fn request(&self, prompt: &Prompt, tokens: usize, sampling: &Sampling) -> Result<(&'static str, Json), TextError> {
        let mut body = self.body(tokens, sampling);
        let text = text_of(prompt)?;
        if prompt.messages().is_empty() {
            if text.is_empty() {
                return Err(TextError::Tokens { index: 0, why: "the prompt is empty".to_owned() });
            }
            body["prompt"] = json!(text);
            return Ok(("completions", body));
        }
        if !text.is_empty() {
            return Err(TextError::option(
                "text after messages, to a remote model",
                "messages alone, or text alone: servers differ in how they take the beginning of an answer",
            ));
        }
        let messages =
            prompt.messages().iter().map(|(role, text)| json!({ "role": role.name(), "content": plain(text) }));
        body["messages"] = messages.collect();
        Ok(("chat/completions", body))
    }
}

impl LanguageModel for RemoteModel {
    /// Address and name: if the server gets other weights under the name, a cache does not see it.
    fn fingerprint(&self) -> String {
        format!("{} {}", self.options.address, self.options.model)
    }

    /// A server doesn't say whether the model ended the text or came to a stop: both are [`Finish::End`](super::Finish::End).
    fn generate(&self, prompt: &Prompt, generation: &Generation) -> Result<Generated, TextError> {
        generation.sampling.check()?;
        let (path, mut body) = self.request(prompt, generation.tokens, &generation.sampling)?;
        if !generation.stop.is_empty() {
            body["stop"] = json!(generation.stop);
        }
        let Said { mut text, finish, read, written } = self.endpoint.ask(path, &body, generation.tokens, said)?;
        if let Some(at) = generation.stop.iter().filter_map(|stop| text.find(stop.as_str())).min() {
            text.truncate(at);
        }
        Ok(Generated { text, finish, read, written })
    }

    /// After messages the server is told, in one more of them and by a JSON schema, to answer with one of the texts; an answer that is none of them is an error. After text each is scored by its
    /// [log-likelihood](Self::log_likelihoods), and the whole of it is drawn, not token by token.
    fn choose(&self, prompt: &Prompt, texts: &[&str], sampling: &Sampling) -> Result<usize, TextError> {
        sampling.check()?;
        check_texts(texts)?;
        if prompt.messages().is_empty() {
            let scores = self.log_likelihoods(prompt, texts)?;
            let scored: Vec<(u32, f32)> = (0..).zip(scores.into_iter().map(|score| score as f32)).collect();
            return Sampler::new(*sampling).draw(&scored).map(|drawn| drawn as usize).ok_or_else(no_texts);
        }
        let texts: Vec<String> = texts.iter().map(|text| plain(text)).collect();
        // As many tokens as the longest text, as JSON writes it, and the braces around it can have.
        let tokens = texts.iter().map(|text| json!(text).to_string().len()).max().unwrap_or(0) + 32;
        // A server may make a grammar of the schema and not show it.
        let list = texts.iter().map(|text| format!("- {text}\n")).collect::<String>();
        let prompt = prompt.clone().user(format!("Answer with one of these, as it stands here:\n{list}"));
        let (path, mut body) = self.request(&prompt, tokens, sampling)?;
        let schema = json!({
            "type": "object", "properties": { "choice": { "type": "string", "enum": texts } },
            "required": ["choice"], "additionalProperties": false,
        });
        body["response_format"] =
            json!({ "type": "json_schema", "json_schema": { "name": "choice", "strict": true, "schema": schema } });
        self.endpoint.ask(path, &body, tokens, |answer| choice(&said(answer)?.text, &texts))
    }

    /// One request for each text, of the kind that gives the probabilities of the prompt's own tokens (`echo` with `logprobs`): few servers do, and no chat.
    fn log_likelihoods(&self, prompt: &Prompt, texts: &[&str]) -> Result<Vec<f64>, TextError> {
        check_texts(texts)?;
        if !prompt.messages().is_empty() {
            return Err(TextError::option("log-likelihoods after messages, of a remote model", "a prompt of text"));
        }
        let space = if prompt.wants_space() { " " } else { "" };
        let begin = text_of(prompt)?;
        texts
            .iter()
            .map(|text| {
                let whole = format!("{begin}{space}{}", plain(text));
                let (path, mut body) = self.request(&Prompt::from(&whole), 1, &Sampling::default())?;
                (body["echo"], body["logprobs"]) = (json!(true), json!(1));
                let from = begin.chars().count();
                self.endpoint.ask(path, &body, 1, |answer| log_likelihood(answer, &whole, from))
            })
            .collect()
    }
}

fn text_of(prompt: &Prompt) -> Result<String, TextError> {
    let part = |part: &Part| match part {
        Part::Text(text) => Ok(plain(text)),
        Part::Control(name) => Err(TextError::option(
            format!("the control token {name:?} to a remote model"),
            "messages, or text: the server puts control tokens around messages",
        )),
    };
    prompt.parts().iter().map(part).collect()
}

fn check_texts(texts: &[&str]) -> Result<(), TextError> {
    match texts.iter().position(|text| text.is_empty()) {
        _ if texts.is_empty() => Err(no_texts()),
        Some(index) => Err(TextError::Tokens { index, why: "it is empty".to_owned() }),
        None => Ok(()),
    }
}
