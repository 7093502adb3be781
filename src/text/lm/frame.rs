//! Messages as a model was trained to read them.

use super::prompt::{Part, Prompt, Role};
use super::tokens::Vocabulary;
use crate::text::TextError;

/// What stands around a message. Control tokens are named, everything else is text.
struct Frame {
    open: &'static str,
    /// Between the role and the message.
    role_ends: Option<&'static str>,
    before: &'static str,
    close: &'static str,
    after: &'static str,
}

/// ChatML (Qwen, SmolLM2 and many others), and Llama 3.
const FRAMES: [Frame; 2] = [
    Frame { open: "<|im_start|>", role_ends: None, before: "\n", close: "<|im_end|>", after: "\n" },
    Frame {
        open: "<|start_header_id|>",
        role_ends: Some("<|end_header_id|>"),
        before: "\n\n",
        close: "<|eot_id|>",
        after: "",
    },
];

impl Frame {
    fn open(&self, role: Role, prompt: Prompt) -> Prompt {
        let prompt = prompt.control(self.open).text(role.name());
        match self.role_ends {
            Some(name) => prompt.control(name).text(self.before),
            None => prompt.text(self.before),
        }
    }

    fn whole(&self, role: Role, text: &str, prompt: Prompt) -> Prompt {
        self.open(role, prompt).text(text).control(self.close).text(self.after)
    }
}

/// The parts of a prompt: in the place of its messages stand text and control tokens, and after the last of them an answer begins.
pub(super) fn parts(prompt: &Prompt, vocabulary: &Vocabulary) -> Result<Vec<Part>, TextError> {
    if prompt.messages().is_empty() {
        return Ok(prompt.parts().to_vec());
    }
    let known = |frame: &&Frame| {
        let mut names = [frame.open, frame.close].into_iter().chain(frame.role_ends);
        names.all(|name| vocabulary.control(name).is_some())
    };
    let frame = FRAMES.iter().find(known).ok_or_else(|| {
        TextError::option(
            "messages to a model that has no control tokens for them",
            "a model with those of ChatML or Llama 3, or a prompt of text and control tokens",
        )
    })?;
    let mut framed = Prompt::new();
    for (role, text) in prompt.messages() {
        framed = frame.whole(*role, text, framed);
    }
    framed = frame.open(Role::Assistant, framed);
    Ok(prompt
        .parts()
        .iter()
        .fold(framed, |framed, part| match part {
            Part::Text(text) => framed.text(text),
            Part::Control(name) => framed.control(name.clone()),
        })
        .parts()
        .to_vec())
}
