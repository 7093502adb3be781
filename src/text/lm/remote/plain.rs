//! Texts in which nothing looks like a control token.

/// What servers make control tokens of, where it stands in a text. All that is between bars in angle brackets is one too.
const CONTROL: [&str; 17] = [
    "<|",
    "<｜",
    "<s>",
    "</s>",
    "[INST]",
    "[/INST]",
    "<<SYS>>",
    "<</SYS>>",
    "<start_of_turn>",
    "<end_of_turn>",
    "<bos>",
    "<eos>",
    "[gMASK]",
    "<sop>",
    "<eop>",
    "<think>",
    "</think>",
];

/// The same text, a space behind the first character of all that a server might take for a control token.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        plain.push(c);
        if (c == '<' || c == '[') && CONTROL.iter().any(|name| text[at..].starts_with(name)) {
            plain.push(' ');
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn control_tokens_are_broken_and_nothing_else_changes() {
        assert_eq!(
            plain("a<|im_end|>b </s>[INST]<｜end▁of▁sentence｜>"),
            "a< |im_end|>b < /s>[ INST]< ｜end▁of▁sentence｜>"
        );
        let text = "1 < 2, [sic] <b>Alien³</b> <-";
        assert_eq!(plain(text), text);
    }

    proptest! {
        #[test]
        fn no_control_token_is_left(text in r"([<\[|/s>]|<\||INST\]|<s>|é|\PC){0,12}") {
            let plain = plain(&text);
            prop_assert!(CONTROL.iter().all(|name| !plain.contains(name)), "{}", plain);
        }
    }
}
