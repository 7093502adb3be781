//! A key that nobody sees.

use std::env;
use std::sync::Arc;

use ureq::Error;
use ureq::unversioned::transport::{Buffers, ConnectionDetails, Connector, NextTimeout, Transport};

use crate::text::TextError;

/// What a server knows a client by.
#[derive(Clone)]
pub(super) struct Key(Arc<str>);

impl Key {
    /// From an environment variable.
    pub(super) fn read(variable: &str) -> Result<Self, TextError> {
        // A key in the place of the variable's name is a likely mistake: what is no name is not repeated.
        let is_name =
            variable.len() <= 64 && variable.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_');
        let name = if is_name { variable } else { "the variable of the key (its name is not shown)" };
        let wrong =
            |found: &str| Err(TextError::option(format!("{name} {found}"), "a key in this environment variable"));
        match env::var_os(variable).map(|value| value.into_string()) {
            None => wrong("is not set"),
            Some(Ok(key)) if key.trim().is_empty() => wrong("is empty"),
            Some(Ok(key)) if key.trim().bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(key.trim().into())),
            Some(_) => wrong("holds something that no header can (its value is not shown)"),
        }
    }

    /// The header that is given to the client, which may log it: as long as the true one.
    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.mark())
    }

    fn mark(&self) -> String {
        "*".repeat(self.0.len())
    }

    /// A text in which a server may have repeated the key, as it is or escaped as in JSON, without it.
    pub(super) fn hide(&self, text: &str) -> String {
        let escaped = self.0.replace('\\', "\\\\").replace('"', "\\\"");
        let slashes = escaped.replace('/', "\\/");
        [&*self.0, &*escaped, &*slashes].iter().fold(text.to_owned(), |text, form| text.replace(form, "[key]"))
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[key]")
    }
}

/// Puts the key into what is sent, behind everything that logs.
#[derive(Clone, Debug)]
pub(super) struct KeyConnector(pub(super) Option<Key>);

impl<In: Transport> Connector<In> for KeyConnector {
    type Out = WithKey<In>;

    fn connect(&self, _: &ConnectionDetails, chained: Option<In>) -> Result<Option<Self::Out>, Error> {
        Ok(chained.map(|inner| WithKey { inner, key: self.0.clone() }))
    }
}

#[derive(Debug)]
pub(super) struct WithKey<T> {
    inner: T,
    key: Option<Key>,
}

impl<T: Transport> Transport for WithKey<T> {
    fn buffers(&mut self) -> &mut dyn Buffers {
        self.inner.buffers()
    }

    fn transmit_output(&mut self, amount: usize, timeout: NextTimeout) -> Result<(), Error> {
        if let Some(key) = &self.key {
            let header = format!("authorization: {}\r\n", key.header());
            let output = &mut self.inner.buffers().output()[..amount];
            let place = output.windows(header.len()).position(|part| part.eq_ignore_ascii_case(header.as_bytes()));
            if let Some(place) = place {
                let end = place + header.len() - 2;
                output[end - key.0.len()..end].copy_from_slice(key.0.as_bytes());
            }
        }
        self.inner.transmit_output(amount, timeout)
    }

    fn await_input(&mut self, timeout: NextTimeout) -> Result<bool, Error> {
        self.inner.await_input(timeout)
    }

    fn is_open(&mut self) -> bool {
        self.inner.is_open()
    }

    fn is_tls(&self) -> bool {
        self.inner.is_tls()
    }
}
