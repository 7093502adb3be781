//! A person in words: what their history says they like.

use std::fmt;

use crate::data::{Catalogue, IndexedEvent, ItemIndex, LikeRule};
use crate::text::Wish;
use crate::text::history::{name_of, one_line};

/// How many categories and favourites a profile names at most.
const LIKES: usize = 3;
const AVOIDS: usize = 2;
const FAVOURITES: usize = 3;

/// What somebody likes, from their history.
///
/// Displayed, it is a sentence in English: `Likes Horror and Sci-Fi, above all "Alien (1979)"; seldom Musical.` Hosts that speak otherwise read the fields, and
/// [`wish`](Self::wish) says the same as a wish.
///
/// ```
/// use metarec::data::{Action, Catalogue, IndexedEvent, LikeRule};
/// use metarec::text::{TasteProfile, category_shares};
///
/// let mut catalogue = Catalogue::new();
/// let alien = catalogue.describe("1", "Alien (1979)", "", ["Horror", "Sci-Fi"]);
/// let grease = catalogue.describe("2", "Grease (1978)", "", ["Musical"]);
/// let shares = category_shares(&catalogue, [alien, grease]);
/// let event = IndexedEvent { item: alien, action: Action::Click, value: None, timestamp: None };
/// let profile = TasteProfile::of(&catalogue, &shares, &LikeRule::default(), &[event]);
/// assert_eq!(profile.to_string(), "Likes Horror and Sci-Fi, above all \"Alien (1979)\".");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TasteProfile {
    /// Categories that they like more than is usual, the most unusual first; three at most.
    pub likes: Vec<String>,
    /// Categories that they like less than is usual by an event or more, the most unusual first; two at most.
    pub avoids: Vec<String>,
    /// Titles of what they liked, each on one line: those of the greatest values, of these the latest first; three at most. Ids stand for titles that are not there.
    pub favourites: Vec<String>,
}

/// Of each category of a catalogue, how many of some items have it; a number from 0 to 1. The items of all likes of training users say what is usual; those of the
/// catalogue do where there are none.
#[must_use]
pub fn category_shares(catalogue: &Catalogue, items: impl IntoIterator<Item = ItemIndex>) -> Vec<f64> {
    let mut shares = vec![0.0; catalogue.categories().len()];
    let mut count = 0.0_f64;
    for item in items {
        count += 1.0;
        catalogue.item(item).categories.iter().for_each(|&code| shares[code as usize] += 1.0);
    }
    shares.iter_mut().for_each(|share| *share /= count.max(1.0));
    shares
}

impl TasteProfile {
    /// From a history, beside what is usual ([`category_shares`]).
    #[must_use]
    pub fn of(catalogue: &Catalogue, usual: &[f64], rule: &LikeRule, history: &[IndexedEvent]) -> Self {
        let liked: Vec<&IndexedEvent> = history.iter().filter(|event| rule.is_like(event)).collect();
        let mut counts = vec![0.0; catalogue.categories().len()];
        for event in &liked {
            catalogue.item(event.item).categories.iter().for_each(|&code| counts[code as usize] += 1.0);
        }
        // A category that nothing has had so far is as usual as one that few things have.
        let expected = |code: usize| usual.get(code).copied().unwrap_or(0.0).max(0.01) * liked.len() as f64;
        // How many deviations there are more of a category than is usual.
        let surplus = |code: usize| (counts[code] - expected(code)) / expected(code).sqrt().max(0.1);
        let mut order: Vec<usize> = (0..counts.len()).collect();
        order.sort_by(|&a, &b| surplus(b).total_cmp(&surplus(a)).then(a.cmp(&b)));
        let name = |code: &usize| one_line(&catalogue.categories()[*code]);
        let more = |code: &&usize| counts[**code] > expected(**code);
        let less = |code: &&usize| counts[**code] + 1.0 <= expected(**code);
        let mut best: Vec<(usize, &IndexedEvent)> = liked.iter().copied().enumerate().collect();
        let value = |event: &IndexedEvent| event.value.unwrap_or(0.0);
        best.sort_by(|(a, first), (b, second)| value(second).total_cmp(&value(first)).then(b.cmp(a)));
        let mut favourites: Vec<String> = Vec::new();
        for (_, event) in best {
            let title = one_line(name_of(catalogue, event.item));
            if favourites.len() < FAVOURITES && !favourites.contains(&title) {
                favourites.push(title);
            }
        }
        Self {
            likes: order.iter().filter(more).take(LIKES).map(name).collect(),
            avoids: order.iter().rev().filter(less).take(AVOIDS).map(name).collect(),
            favourites,
        }
    }

    /// The same as a wish: wanted is what they like, unwanted what they avoid.
    #[must_use]
    pub fn wish(&self) -> Wish {
        Wish { wanted: self.likes.clone(), unwanted: self.avoids.clone() }
    }
}

/// Some names as a part of a sentence.
pub(super) fn list(names: &[String]) -> String {
    match names.split_last() {
        None => String::new(),
        Some((only, [])) => only.clone(),
        Some((last, before)) => format!("{} and {last}", before.join(", ")),
    }
}

impl fmt::Display for TasteProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let favourites: Vec<String> =
            self.favourites.iter().map(|title| format!("\"{}\"", title.replace('"', "'"))).collect();
        let mut parts = Vec::new();
        match (self.likes.is_empty(), favourites.is_empty()) {
            (false, false) => parts.push(format!("likes {}, above all {}", list(&self.likes), list(&favourites))),
            (false, true) => parts.push(format!("likes {}", list(&self.likes))),
            (true, false) => parts.push(format!("likes {}", list(&favourites))),
            (true, true) => {}
        }
        if !self.avoids.is_empty() {
            parts.push(format!("seldom {}", list(&self.avoids)));
        }
        match parts.is_empty() {
            true => f.write_str("Nothing is known of what they like."),
            false => {
                let said = parts.join("; ");
                write!(f, "{}{}.", said[..1].to_uppercase(), &said[1..])
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Action;

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::new();
        catalogue.describe("a", "Alien \"1\"", "", ["Horror", "Sci-Fi"]);
        catalogue.describe("b", "Grease", "", ["Musical"]);
        catalogue.describe("c", "Hair", "", ["Musical", "Drama"]);
        catalogue.describe("d", "", "", ["Drama"]);
        catalogue
    }

    fn rating(item: u32, value: f32) -> IndexedEvent {
        IndexedEvent { item: ItemIndex(item), action: Action::Rating, value: Some(value), timestamp: None }
    }

    #[test]
    fn a_profile_says_what_is_unusual_and_names_what_is_in_the_history() {
        let catalogue = catalogue();
        let shares = category_shares(&catalogue, (0..4).map(ItemIndex));
        assert_eq!(shares, [0.25, 0.25, 0.5, 0.5]);
        let rule = LikeRule::from_values([1.0, 5.0]);
        let history = [rating(0, 5.0), rating(1, 1.0), rating(3, 4.5), rating(0, 5.0)];
        let profile = TasteProfile::of(&catalogue, &shares, &rule, &history);
        assert_eq!(profile.likes, ["Horror", "Sci-Fi"]);
        assert_eq!(profile.avoids, ["Musical"]);
        assert_eq!(profile.favourites, ["Alien \"1\"", "d"]);
        assert_eq!(profile.to_string(), "Likes Horror and Sci-Fi, above all \"Alien '1'\" and \"d\"; seldom Musical.");
        assert_eq!(profile.wish().unwanted, ["Musical"]);
        let nobody = TasteProfile::of(&catalogue, &shares, &rule, &[]);
        assert_eq!(
            (nobody.to_string().as_str(), nobody.wish().is_empty()),
            ("Nothing is known of what they like.", true)
        );
        assert!(category_shares(&catalogue, []).iter().all(|share| *share == 0.0));
    }
}
