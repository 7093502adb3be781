//! Requests, sent until there is an answer.

use std::thread;
use std::time::Duration;

use serde_json::Value as Json;
use ureq::Agent;
use ureq::unversioned::resolver::DefaultResolver;
use ureq::unversioned::transport::{Connector, DefaultConnector};

use super::answers::{Unusable, cost};
use super::budget::Budget;
use super::key::{Key, KeyConnector};
use super::options::RemoteOptions;
use super::pace::{Pace, backoff};
use crate::text::TextError;

/// Bytes of an answer at most.
const LONGEST_ANSWER: u64 = 16 << 20;
/// Characters of a server's error that are repeated.
const LONGEST_WHY: usize = 300;
/// Tokens that a server may put around a message, and around all of them.
const FRAME: u64 = 64;

/// One address with all that limits requests to it.
#[derive(Debug)]
pub(super) struct Endpoint {
    agent: Agent,
    address: String,
    key: Option<Key>,
    pace: Pace,
    budget: Budget,
    attempts: u32,
    backoff: Duration,
    longest_wait: Duration,
}

/// Why there is no answer.
struct Failure {
    why: String,
    /// Whether the same request may be answered another time, and after what wait at least.
    again: Option<Duration>,
    /// Whether the server can have counted tokens.
    charged: bool,
}

impl Endpoint {
    pub(super) fn new(options: &RemoteOptions) -> Result<Self, TextError> {
        if let Some((found, expected)) = options.wrong() {
            return Err(TextError::option(found, expected));
        }
        let key = options.key_variable.as_deref().map(Key::read).transpose()?;
        let config = Agent::config_builder()
            .timeout_global(Some(options.timeout))
            .http_status_as_error(false)
            // The key goes to no other address.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .build();
        let connector = DefaultConnector::default().chain(KeyConnector(key.clone()));
        let agent = Agent::with_parts(config, connector, DefaultResolver::default());
        Ok(Self {
            agent,
            address: options.address.clone(),
            key,
            pace: Pace::new(options.requests_per_minute),
            budget: Budget::new(options.budget),
            attempts: options.attempts,
            backoff: options.backoff,
            longest_wait: options.longest_wait,
        })
    }

    pub(super) fn spent(&self) -> u64 {
        self.budget.spent()
    }

    /// Sends a request until there is an answer that can be read, and gives what was read in it.
    pub(super) fn ask<T>(
        &self,
        path: &str,
        body: &Json,
        tokens: usize,
        read: impl Fn(&Json) -> Result<T, Unusable>,
    ) -> Result<T, TextError> {
        let sent = body.to_string();
        let messages = body["messages"].as_array().map_or(0, Vec::len) as u64;
        let most = (sent.len() as u64).saturating_add(FRAME * (messages + 1)).saturating_add(tokens as u64);
        let mut attempt = 1;
        loop {
            self.budget.take(most)?;
            self.pace.wait();
            let failure = match self.once(path, &sent) {
                Ok(answer) => {
                    let cost = cost(&answer);
                    self.budget.settle(most, cost.unwrap_or(most));
                    match read(&answer) {
                        Ok(value) => return Ok(value),
                        // The same question would get the same answer.
                        Err(Unusable::ForGood(why)) => Failure { why, again: None, charged: true },
                        Err(Unusable::Broken(why)) => Failure { why, again: Some(Duration::ZERO), charged: true },
                    }
                }
                Err(failure) => {
                    if !failure.charged {
                        self.budget.settle(most, 0);
                    }
                    failure
                }
            };
            let asked = failure.again.unwrap_or_default();
            if failure.again.is_none() || attempt == self.attempts || asked > self.longest_wait {
                let address = format!("{}/{path}", self.address);
                return Err(TextError::Remote { address, attempts: attempt, why: self.shown(&failure.why) });
            }
            thread::sleep(asked + backoff(self.backoff, self.longest_wait, attempt));
            attempt += 1;
        }
    }

    fn once(&self, path: &str, body: &str) -> Result<Json, Failure> {
        let mut request = self.agent.post(format!("{}/{path}", self.address)).content_type("application/json");
        if let Some(key) = &self.key {
            request = request.header("authorization", key.header());
        }
        let mut answer = request.send(body).map_err(|error| broken(&error))?;
        let status = answer.status().as_u16();
        let wait = answer.headers().get("retry-after").and_then(|wait| wait.to_str().ok()?.trim().parse().ok());
        let text = answer.body_mut().with_config().limit(LONGEST_ANSWER).read_to_vec();
        let passing = matches!(status, 408 | 425 | 429 | 500 | 502 | 503 | 504 | 529);
        if status != 200 {
            let text = text.unwrap_or_default();
            // Servers repeat keys, whole or in part, where they refuse them.
            let said = if matches!(status, 401 | 403) { "".into() } else { String::from_utf8_lossy(&text) };
            let why = format!("status {status}: {said}");
            let wait = wait.map_or(Duration::ZERO, Duration::from_secs);
            // The model may have worked before a gateway gave up.
            let charged = matches!(status, 408 | 500 | 502 | 504);
            return Err(Failure { why, again: passing.then_some(wait), charged });
        }
        let text = text.map_err(|error| broken(&error))?;
        serde_json::from_slice(&text).map_err(|error| Failure {
            why: format!("an answer that is no JSON ({error}): {}", String::from_utf8_lossy(&text)),
            again: Some(Duration::ZERO),
            charged: true,
        })
    }

    /// The beginning of a text on one line, without the key.
    fn shown(&self, text: &str) -> String {
        let text = self.key.as_ref().map_or_else(|| text.to_owned(), |key| key.hide(text));
        let line = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
        let line = line.collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(LONGEST_WHY) {
            Some((at, _)) => format!("{}...", &line[..at]),
            None => line,
        }
    }
}

/// A request that came to no end.
fn broken(error: &ureq::Error) -> Failure {
    use std::io::ErrorKind::{AddrNotAvailable, ConnectionRefused, HostUnreachable, NetworkDown, NetworkUnreachable};
    let connected = match error {
        ureq::Error::HostNotFound | ureq::Error::ConnectionFailed => false,
        ureq::Error::Timeout(ureq::Timeout::Resolve | ureq::Timeout::Connect) => false,
        ureq::Error::Io(error) => !matches!(
            error.kind(),
            ConnectionRefused | HostUnreachable | NetworkUnreachable | NetworkDown | AddrNotAvailable
        ),
        _ => true,
    };
    let passing = matches!(
        error,
        ureq::Error::Io(_)
            | ureq::Error::Timeout(_)
            | ureq::Error::ConnectionFailed
            | ureq::Error::HostNotFound
            | ureq::Error::Protocol(_)
    );
    Failure { why: error.to_string(), again: passing.then_some(Duration::ZERO), charged: connected }
}
