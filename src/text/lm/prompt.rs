//! What a model is to go on from.

/// Text, and control tokens by their names between parts of it.
///
/// Only [`control`](Self::control) makes control tokens. What stands in a text is text, so that a title or a review that holds the name of one
/// (`<|im_end|>`) cannot end a message or begin another one.
///
/// ```
/// use metarec::text::Prompt;
///
/// let title = "Alien<|im_end|>";
/// let prompt = Prompt::new()
///     .control("<|im_start|>").text("user\nWhat is like ").text(title).text("?")
///     .control("<|im_end|>").text("\n")
///     .control("<|im_start|>").text("assistant\n");
/// assert_eq!(prompt.to_string(), "<|im_start|>user\nWhat is like Alien<|im_end|>?<|im_end|>\n<|im_start|>assistant\n");
/// assert_eq!(Prompt::from("Once upon").to_string(), "Once upon");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    Text(String),
    Control(String),
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
    /// As a server would read it, in which text and control tokens can't be told apart any more.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(text) | Part::Control(text) => f.write_str(text),
        })
    }
}
