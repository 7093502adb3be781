//! What a model is to go on from.

use serde::Serialize;

/// Messages to an assistant, or text that is to go on, with control tokens by their names between parts of it.
///
/// Only messages and [`control`](Self::control) make control tokens. What stands in a text or a message is text, so that a title or a review that holds
/// the name of one (`<|im_end|>`) cannot end a message or begin another one.
///
/// ```
/// use metarec::text::Prompt;
///
/// let title = "Alien<|im_end|>";
/// let prompt = Prompt::new().system("You know films.").user(format!("What is like {title}?"));
/// assert_eq!(prompt.to_string(), "[system] You know films.\n[user] What is like Alien<|im_end|>?\n");
/// assert_eq!(Prompt::from("Once upon").to_string(), "Once upon");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Prompt {
    /// What stands before all parts.
    messages: Vec<(Role, String)>,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Part {
    Text(String),
    Control(String),
}

/// Whose words a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Role {
    System,
    User,
    Assistant,
}

impl Role {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::User => "user",
            Self::Assistant => "assistant",
        }
    }
}

impl Prompt {
    /// Nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds text. Texts that follow one another are cut into tokens as one.
    #[must_use]
    pub fn text(mut self, text: impl AsRef<str>) -> Self {
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(text.as_ref()),
            _ => self.parts.push(Part::Text(text.as_ref().to_owned())),
        }
        self
    }

    /// Adds a control token.
    #[must_use]
    pub fn control(mut self, name: impl Into<String>) -> Self {
        self.parts.push(Part::Control(name.into()));
        self
    }

    /// Adds what an assistant is told beforehand. Messages stand before all text, which is how the assistant's answer begins.
    #[must_use]
    pub fn system(self, text: impl Into<String>) -> Self {
        self.message(Role::System, text)
    }

    /// Adds a message to the assistant.
    #[must_use]
    pub fn user(self, text: impl Into<String>) -> Self {
        self.message(Role::User, text)
    }

    /// Adds an earlier answer of the assistant.
    #[must_use]
    pub fn assistant(self, text: impl Into<String>) -> Self {
        self.message(Role::Assistant, text)
    }

    fn message(mut self, role: Role, text: impl Into<String>) -> Self {
        self.messages.push((role, text.into()));
        self
    }

    pub(super) fn messages(&self) -> &[(Role, String)] {
        &self.messages
    }

    pub(super) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Whether what follows needs a space before it.
    pub(super) fn wants_space(&self) -> bool {
        match self.parts.last() {
            Some(Part::Text(text)) => !text.is_empty() && !text.ends_with(char::is_whitespace),
            _ => false,
        }
    }
}

impl<T: AsRef<str>> From<T> for Prompt {
    /// A text alone.
    fn from(text: T) -> Self {
        Self::new().text(text)
    }
}

impl std::fmt::Display for Prompt {
    /// For people: text and control tokens can't be told apart any more.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.messages.iter().try_for_each(|(role, text)| writeln!(f, "[{}] {text}", role.name()))?;
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) | Part::Control(text) => f.write_str(text),
        })
    }
}
