//! Texts in which nothing looks like a control token.

/// The same text, a space behind each `<` before a letter, a slash, a bar or another `<`, and behind each `[` before a capital or a slash: of what follows them, servers might make a control
/// token (`<|im_end|>`, `</s>`, `[INST]`, `<tool_call>`).
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        plain.push(c);
        let opens = match (c, rest.peek()) {
            ('<', Some(&next)) => next.is_alphabetic() || matches!(next, '/' | '|' | '<' | '｜'),
            ('[', Some(&next)) => next.is_uppercase() || next == '/' || next == 'g',
            _ => false,
        };
        if opens {
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
        assert_eq!(plain("[/SYSTEM_PROMPT]<tool_call>[gMASK]"), "[ /SYSTEM_PROMPT]< tool_call>[ gMASK]");
        let text = "1 < 2, [sic] Alien³ <3 <- [1]";
        assert_eq!(plain(text), text);
    }

    proptest! {
        #[test]
        fn no_control_token_is_left(text in r"([<\[|/s>]|<\||INST\]|<s>|é|\PC){0,12}") {
            let plain = plain(&text);
            let control = ["<|", "</", "<<", "<s", "[I", "[/"];
            prop_assert!(control.iter().all(|name| !plain.contains(name)), "{}", plain);
            prop_assert_eq!(plain.replace("< ", "<").replace("[ ", "["), text.replace("< ", "<").replace("[ ", "["));
        }
    }
}
