//! What someone wants, in their own words.

use crate::data::ItemVectors;
use crate::text::cache::checked;
use crate::text::{TextEncoder, TextError};

/// What someone wants and does not want, as parts of what they wrote.
///
/// A part is unwanted behind a word that says so: "slow science fiction, no horror, and nothing with musicals" wants "slow science fiction" and does not want
/// "horror" and "musicals". English and Spanish have such words here ([`NEGATIONS`](Self::NEGATIONS)); in other languages fill the fields. It reads words and no grammar: where a host has a language
/// model to read sentences with, it fills the fields too.
///
/// Words are only compared with those of items: there is no text that does anything else.
///
/// ```
/// use metarec::text::Wish;
///
/// let wish = Wish::parse("Slow science fiction, no horror");
/// assert_eq!((wish.wanted, wish.unwanted), (vec!["Slow science fiction".to_owned()], vec!["horror".to_owned()]));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// What is wanted.
    pub wanted: Vec<String>,
    /// What is not.
    pub unwanted: Vec<String>,
}

/// How many bytes of a wish are read.
const LONGEST: usize = 10_000;
/// How many parts of each kind are kept.
const PARTS: usize = 16;
/// Words behind which something is wanted again.
const BUT: [&str; 5] = ["but", "only", "just", "pero", "solo"];
/// Words that join parts of a kind.
const AND: [&str; 6] = ["and", "or", "&", "y", "o", "e"];
/// Words that say nothing of what is wanted, where a part begins with them.
const NOTHING_SAID: [&str; 24] = [
    "i", "i'd", "i'm", "we", "do", "does", "would", "like", "want", "love", "enjoy", "watch", "see", "please", "some",
    "any", "more", "of", "with", "to", "quiero", "una", "un", "de",
];

impl Wish {
    /// What says that what follows is not wanted.
    pub const NEGATIONS: [&str; 22] = [
        "no",
        "not",
        "never",
        "without",
        "except",
        "avoid",
        "hate",
        "dislike",
        "nothing",
        "don't",
        "dont",
        "won't",
        "can't",
        "nor",
        "neither",
        "anything but",
        "other than",
        "rather than",
        "sin",
        "nada",
        "excepto",
        "ningún",
    ];

    /// The parts of a text. Commas, semicolons, full stops and line ends separate them, and so do "but", "only", "and", "or" and their Spanish kin. From a word that says so to the next
    /// separator other than "and" and "or" nothing is wanted: "no horror and gore" wants neither. Words that say nothing ("I", "want", "please") are left out at the beginning of a part.
    ///
    /// The first 10,000 bytes are read, and 16 parts of each kind kept.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = text[..text.floor_char_boundary(LONGEST)].replace('’', "'");
        let mut wish = Self::default();
        for part in text.split([',', ';', '.', '!', '?', '\n', ':']) {
            wish.read(part);
        }
        wish
    }

    /// Takes in what stands between two marks.
    fn read(&mut self, part: &str) {
        let words: Vec<&str> = part.split_whitespace().collect();
        let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
        let (mut unwanted, mut from, mut at) = (false, 0, 0);
        while at < words.len() {
            let rest = lower[at..].join(" ");
            let is =
                |phrase: &str| rest.strip_prefix(phrase).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '));
            // A title such as "Sin City" is no negation: Spanish ones are written small.
            let negation =
                Self::NEGATIONS.iter().filter(|phrase| is(phrase) && !(**phrase == "sin" && words[at] != "sin"));
            let (length, negates) = match negation.map(|phrase| phrase.split(' ').count()).max() {
                Some(length) => (length, Some(true)),
                None if BUT.contains(&lower[at].as_str()) => (1, Some(false)),
                None if AND.contains(&lower[at].as_str()) => (1, None),
                None => {
                    at += 1;
                    continue;
                }
            };
            self.keep(unwanted, &words[from..at]);
            unwanted = negates.unwrap_or(unwanted);
            at += length;
            from = at;
        }
        self.keep(unwanted, &words[from..]);
    }

    fn keep(&mut self, unwanted: bool, words: &[&str]) {
        let said = words.iter().skip_while(|word| NOTHING_SAID.contains(&word.to_lowercase().as_str()));
        let part = said.copied().collect::<Vec<_>>().join(" ");
        let list = if unwanted { &mut self.unwanted } else { &mut self.wanted };
        if part.chars().any(char::is_alphanumeric) && list.len() < PARTS && !list.contains(&part) {
            list.push(part);
        }
    }

    /// Whether nothing is said.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wanted.is_empty() && self.unwanted.is_empty()
    }

    /// How well each item fits, in the order of the vectors: the mean likeness of its words to what is wanted, less that to what is not. `encoder` is the one that made the
    /// vectors, for instance by [`item_vectors`](crate::text::item_vectors).
    ///
    /// Likeness is the cosine, brought to mean 0 and deviation 1 over all items for each part, as some words are near to everything. An item without words fits like the mean.
    /// As a prior over items: [`ItemPrior::new`](crate::recommend::ItemPrior::new).
    ///
    /// # Errors
    /// If the encoder fails or gives vectors of another width than the items'.
    pub fn scores(&self, items: &ItemVectors, encoder: &(impl TextEncoder + ?Sized)) -> Result<Vec<f32>, TextError> {
        let width = items.width;
        let rows: Vec<(&[f32], f64)> =
            items.values.chunks_exact(width.max(1)).map(|row| (row, dot(row, row).sqrt())).collect();
        let mut scores = vec![0.0; rows.len()];
        for (parts, sign) in [(&self.wanted, 1.0), (&self.unwanted, -1.0)] {
            let texts: Vec<&str> = parts.iter().map(String::as_str).collect();
            if texts.is_empty() {
                continue;
            }
            let vectors = checked(encoder.encode(&texts)?, width, texts.len())?;
            for vector in vectors.rows() {
                let likeness = standardised(&rows, vector);
                let share = sign / texts.len() as f32;
                scores.iter_mut().zip(likeness).for_each(|(score, one)| *score += share * one);
            }
        }
        Ok(scores)
    }
}

/// The cosine of each row with a vector, brought to mean 0 and deviation 1 over the rows that are not all zeros; 0 for these.
fn standardised(rows: &[(&[f32], f64)], vector: &[f32]) -> Vec<f32> {
    let length = dot(vector, vector).sqrt();
    let cosine = |(row, own): &(&[f32], f64)| (own * length > 0.0).then(|| dot(row, vector) / (own * length));
    let cosines: Vec<Option<f64>> = rows.iter().map(cosine).collect();
    let count = cosines.iter().flatten().count().max(1) as f64;
    let mean = cosines.iter().flatten().sum::<f64>() / count;
    let deviation = (cosines.iter().flatten().map(|cosine| (cosine - mean).powi(2)).sum::<f64>() / count).sqrt();
    // What differs by rounding does not differ.
    let scale = if deviation > 1e-6 { deviation.recip() } else { 0.0 };
    cosines.into_iter().map(|cosine| cosine.map_or(0.0, |cosine| ((cosine - mean) * scale) as f32)).collect()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::text::TextVectors;

    fn parts(text: &str) -> (Vec<String>, Vec<String>) {
        let Wish { wanted, unwanted } = Wish::parse(text);
        (wanted, unwanted)
    }

    #[test]
    fn what_is_not_wanted_is_told_from_what_is() {
        for (text, wanted, unwanted) in [
            ("slow science fiction, no horror", &["slow science fiction"][..], &["horror"][..]),
            ("Slow Science Fiction without horror", &["Slow Science Fiction"], &["horror"]),
            (
                "comedy and romance but no musicals; I don't want war films",
                &["comedy", "romance"],
                &["musicals", "war films"],
            ),
            ("I do not want westerns", &[], &["westerns"]),
            ("nothing with animals. drama!", &["drama"], &["animals"]),
            ("comedia romántica sin terror", &["comedia romántica"], &["terror"]),
            ("notebook novels", &["notebook novels"], &[]),
            ("I never watch horror", &[], &["horror"]),
            ("I avoid gore, I don’t like westerns", &[], &["gore", "westerns"]),
            ("anything but horror", &[], &["horror"]),
            ("no horror and gore, but comedy", &["comedy"], &["horror", "gore"]),
            ("I would like something like Sin City", &["something like Sin City"], &[]),
            ("", &[], &[]),
            (" , ;no,. not ", &[], &[]),
        ] {
            let (found, not) = parts(text);
            assert_eq!(found, wanted, "{text}");
            assert_eq!(not, unwanted, "{text}");
        }
    }

    /// One axis for each of some words.
    struct Axes;

    impl TextEncoder for Axes {
        fn width(&self) -> usize {
            2
        }

        fn fingerprint(&self) -> String {
            "axes".to_owned()
        }

        fn encode(&self, texts: &[&str]) -> Result<TextVectors, TextError> {
            let row = |text: &&str| ["space", "fear"].map(|word| f32::from(u8::from(text.contains(word))));
            Ok(TextVectors { width: 2, values: texts.iter().flat_map(row).collect() })
        }
    }

    #[test]
    fn items_that_fit_come_first_and_what_is_unwanted_last() {
        let items = ItemVectors { width: 2, values: vec![1.0, 0.0, 0.0, 1.0, 1.0, 1.0, 0.0, 0.0] };
        let scores = Wish::parse("space, no fear").scores(&items, &Axes).unwrap();
        assert!(scores[0] > scores[2] && scores[2] > scores[1], "{scores:?}");
        assert_eq!(scores[3], 0.0, "an item without words fits like the mean");
        let only_not = Wish::parse("no fear").scores(&items, &Axes).unwrap();
        assert!(only_not[0] > 0.0 && only_not[1] < 0.0);
        assert_eq!(Wish::default().scores(&items, &Axes).unwrap(), [0.0; 4]);
        let narrow = ItemVectors { width: 3, values: vec![1.0; 3] };
        assert!(Wish::parse("space").scores(&narrow, &Axes).is_err());
    }

    proptest! {
        #[test]
        fn any_text_is_parts_of_itself(text in "(\\PC|no |not |and |without |, ){0,30}") {
            let wish = Wish::parse(&text);
            let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).collect();
            for part in wish.wanted.iter().chain(&wish.unwanted) {
                prop_assert!(!part.trim().is_empty());
                prop_assert!(part.split(|c: char| !c.is_alphanumeric()).all(|word| words.contains(&word)), "{} of {}", part, text);
            }
            for list in [&wish.wanted, &wish.unwanted] {
                prop_assert!(list.len() <= PARTS);
            }
        }
    }
}
