//! Where a remote model is, and how it is asked.

use std::time::Duration;

/// Where a remote model is, and how patiently, how often and for how much it is asked.
///
/// ```
/// use std::time::Duration;
/// use metarec::text::RemoteOptions;
///
/// let options = RemoteOptions::new("https://models.example/v1", "glm-4").with_key_from("GLM_KEY").with_requests_per_minute(60.0);
/// assert_eq!(options.timeout, Duration::from_secs(60));
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct RemoteOptions {
    /// What `chat/completions` is put behind: `http://` or `https://`, a host, and often `/v1`.
    pub address: String,
    /// The server's name of the model.
    pub model: String,
    /// The environment variable that holds the key; `None` for servers without one.
    pub key_variable: Option<String>,
    /// How long one request may take, connecting and answer included.
    pub timeout: Duration,
    /// How often a request is sent at most.
    pub attempts: u32,
    /// Upper end of the random wait before the second request; it doubles from one to the next.
    pub backoff: Duration,
    /// No wait is longer; where the server asks for a longer one, that is an error.
    pub longest_wait: Duration,
    /// Requests a minute at most, evenly spaced over all threads; `None` for no limit.
    pub requests_per_minute: Option<f64>,
    /// Tokens that all requests together may cost, read and written; `None` for no limit. A request that might cost more than is left is not sent.
    ///
    /// Before it is sent a prompt counts as a token for each of its bytes, which it never has more of; afterwards as many as the server counted.
    pub budget: Option<u64>,
    /// Name of the field that limits the tokens of an answer: newer models of OpenAI want `max_completion_tokens`.
    pub limit: String,
}

impl RemoteOptions {
    /// A model at an address, without key, rate or budget: 60 seconds for a request, 4 attempts with waits of up to 0.5, 1 and 2 seconds.
    #[must_use]
    pub fn new(address: impl Into<String>, model: impl Into<String>) -> Self {
        Self {
            address: address.into().trim_end_matches('/').to_owned(),
            model: model.into(),
            key_variable: None,
            timeout: Duration::from_secs(60),
            attempts: 4,
            backoff: Duration::from_millis(500),
            longest_wait: Duration::from_secs(30),
            requests_per_minute: None,
            budget: None,
            limit: "max_tokens".to_owned(),
        }
    }

    /// The same with the key in this environment variable.
    #[must_use]
    pub fn with_key_from(self, variable: impl Into<String>) -> Self {
        Self { key_variable: Some(variable.into()), ..self }
    }

    /// The same with another time for one request.
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same with so many attempts, and waits of up to `backoff` and its doubles between them.
    #[must_use]
    pub fn with_attempts(self, attempts: u32, backoff: Duration) -> Self {
        Self { attempts, backoff, ..self }
    }

    /// The same with another longest wait.
    #[must_use]
    pub fn with_longest_wait(self, longest_wait: Duration) -> Self {
        Self { longest_wait, ..self }
    }

    /// The same with a limit on requests.
    #[must_use]
    pub fn with_requests_per_minute(self, requests: f64) -> Self {
        Self { requests_per_minute: Some(requests), ..self }
    }

    /// The same with a limit on tokens.
    #[must_use]
    pub fn with_budget(self, tokens: u64) -> Self {
        Self { budget: Some(tokens), ..self }
    }

    /// The same with another field for the limit of an answer's tokens.
    #[must_use]
    pub fn with_limit(self, field: impl Into<String>) -> Self {
        Self { limit: field.into(), ..self }
    }

    /// What is out of its bounds, and these.
    pub(super) fn wrong(&self) -> Option<(String, &'static str)> {
        let host = self.address.strip_prefix("https://").or_else(|| self.address.strip_prefix("http://"));
        let host = host.map(|rest| rest.split('/').next().unwrap_or(rest));
        // Something before an @ would be a password, and is not repeated.
        if self.address.contains('@') {
            return Some(("an address with a user or a password".to_owned(), "the key in an environment variable"));
        }
        let sound = |c: char| !c.is_whitespace() && !c.is_control() && c != '?' && c != '#';
        if host.is_none_or(str::is_empty) || !self.address.chars().all(sound) {
            return Some((format!("address {:?}", self.address), "http:// or https://, a host and perhaps a path"));
        }
        if self.timeout.is_zero() {
            return Some(("timeout 0".to_owned(), "some time"));
        }
        if self.attempts == 0 {
            return Some(("attempts 0".to_owned(), "at least 1"));
        }
        let others = [
            "",
            "model",
            "prompt",
            "messages",
            "temperature",
            "stream",
            "stop",
            "seed",
            "top_p",
            "top_k",
            "n",
            "echo",
            "logprobs",
            "response_format",
        ];
        if others.contains(&self.limit.as_str()) {
            return Some((format!("limit {:?}", self.limit), "the name of a field of its own"));
        }
        let rate = self.requests_per_minute?;
        // A day between two requests is no rate any more.
        let sound = rate.is_finite() && rate >= 1.0 / 1_440.0;
        (!sound).then(|| (format!("requests_per_minute {rate}"), "a number, at least 1/1440"))
    }
}
