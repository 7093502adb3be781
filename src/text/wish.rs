//! What someone wants, in their own words.

use crate::data::ItemVectors;
use crate::text::cache::checked;
use crate::text::{TextEncoder, TextError};

/// What someone wants and does not want, as parts of what they wrote.
///
/// A part is unwanted behind a word that says so: "slow science fiction, no horror, and nothing with musicals" wants "slow science fiction" and does not want
/// "horror" and "musicals". English and Spanish have such words here ([`NEGATIONS`](Self::NEGATIONS)); in other languages fill the fields.
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

impl Wish {
    /// What an unwanted part begins with, the longer ones first.
    pub const NEGATIONS: [&str; 24] = [
        "i do not want",
        "i don't want",
        "anything but",
        "nothing with",
        "i don't like",
        "nothing like",
        "without any",
        "except for",
        "no quiero",
        "nothing of",
        "nada de",
        "without",
        "no more",
        "i hate",
        "except",
        "excepto",
        "rather not",
        "but no",
        "avoid",
        "never",
        "ningún",
        "sin",
        "not",
        "no",
    ];

    /// The parts of a text: what commas, semicolons, full stops, line ends, "and", "but" and their Spanish kin separate. What is longer than 10,000 bytes is cut off.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let text = &text[..text.floor_char_boundary(LONGEST)];
        let mut wish = Self::default();
        for part in text.split([',', ';', '.', '!', '?', '\n', ':']).flat_map(clauses) {
            let (unwanted, words) = without_negation(&part);
            if words.chars().any(char::is_alphanumeric) {
                let list = if unwanted { &mut wish.unwanted } else { &mut wish.wanted };
                list.push(words.to_owned());
            }
        }
        wish
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
        let rows: Vec<&[f32]> = items.values.chunks_exact(width.max(1)).collect();
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

/// A part cut at words that begin another one.
fn clauses(part: &str) -> Vec<String> {
    let mut clauses = vec![String::new()];
    let words: Vec<&str> = part.split_whitespace().collect();
    for (at, word) in words.iter().enumerate() {
        let rest = words[at..].join(" ").to_lowercase();
        let negation = Wish::NEGATIONS.iter().any(|negation| begins(&rest, negation).is_some());
        let joins = ["and", "but", "y", "pero", "&"].contains(&word.to_lowercase().as_str());
        let open = clauses.last().is_some_and(|clause| !clause.is_empty());
        // "not" in the middle of a negation ("i do not want") begins no other part.
        let inside = clauses.last().is_some_and(|clause| is_negation_so_far(clause));
        if (joins || negation) && open && !inside {
            clauses.push(String::new());
        }
        if let Some(clause) = clauses.last_mut().filter(|_| !joins) {
            if !clause.is_empty() {
                clause.push(' ');
            }
            clause.push_str(word);
        }
    }
    clauses
}

/// Whether a clause consists of the beginning of a negation alone.
fn is_negation_so_far(clause: &str) -> bool {
    let clause = clause.to_lowercase();
    !clause.is_empty() && Wish::NEGATIONS.iter().any(|negation| negation.starts_with(&clause))
}

/// What follows a negation at the beginning of a text.
fn begins<'a>(text: &'a str, negation: &str) -> Option<&'a str> {
    text.strip_prefix(negation).filter(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace))
}

fn without_negation(part: &str) -> (bool, &str) {
    let mut rest = part.trim();
    let mut unwanted = false;
    // "no" before "nothing of": one is enough, and all of them go.
    while let Some(negation) = Wish::NEGATIONS.iter().find(|negation| {
        rest.get(..negation.len()).is_some_and(|head| head.to_lowercase() == **negation)
            && rest[negation.len()..].chars().next().is_none_or(char::is_whitespace)
    }) {
        unwanted = true;
        rest = rest[negation.len()..].trim_start();
    }
    (unwanted, rest)
}

/// The cosine of each row with a vector, brought to mean 0 and deviation 1 over the rows that are not all zeros; 0 for these.
fn standardised(rows: &[&[f32]], vector: &[f32]) -> Vec<f32> {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(a * b)).sum::<f64>();
    let length = dot(vector, vector).sqrt();
    let cosine = |row: &&[f32]| {
        let lengths = dot(row, row).sqrt() * length;
        (lengths > 0.0).then(|| dot(row, vector) / lengths)
    };
    let cosines: Vec<Option<f64>> = rows.iter().map(cosine).collect();
    let count = cosines.iter().flatten().count().max(1) as f64;
    let mean = cosines.iter().flatten().sum::<f64>() / count;
    let deviation = (cosines.iter().flatten().map(|cosine| (cosine - mean).powi(2)).sum::<f64>() / count).sqrt();
    let scale = if deviation > 0.0 { deviation.recip() } else { 0.0 };
    cosines.into_iter().map(|cosine| cosine.map_or(0.0, |cosine| ((cosine - mean) * scale) as f32)).collect()
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
        }
    }
}
