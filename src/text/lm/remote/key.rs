//! A key that nobody sees.

use std::env;

use crate::text::TextError;

/// What a server knows a client by.
pub(super) struct Key(String);

impl Key {
    /// From an environment variable.
    pub(super) fn read(variable: &str) -> Result<Self, TextError> {
        let wrong =
            |found: &str| Err(TextError::option(format!("{variable} {found}"), "a key in this environment variable"));
        match env::var_os(variable).map(|value| value.into_string()) {
            None => wrong("is not set"),
            Some(Ok(key)) if key.trim().is_empty() => wrong("is empty"),
            Some(Ok(key)) if key.trim().bytes().all(|byte| byte.is_ascii_graphic()) => Ok(Self(key.trim().to_owned())),
            Some(_) => wrong("holds something that no header can (its value is not shown)"),
        }
    }

    pub(super) fn header(&self) -> String {
        format!("Bearer {}", self.0)
    }

    /// A text in which a server may have repeated the key, without it.
    pub(super) fn hide(&self, text: &str) -> String {
        text.replace(&self.0, "[key]")
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[key]")
    }
}
