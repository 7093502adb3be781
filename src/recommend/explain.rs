//! Why an item is recommended: which of the user's events speak for it.

use std::fmt;

use super::{AdaptedUser, RecommendError, Recommender};
use crate::data::{IndexedEvent, ItemIndex};

/// What a reason is worth at least, in log odds: less may be rounding.
const LEAST_GAIN: f32 = 1e-4;

/// Why an item is recommended to a user.
///
/// Displayed, it is a sentence in English: `"Aliens (1986)" because of "Alien (1979)" and "The Thing (1982)".` Hosts that speak otherwise read the fields.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The item's external id.
    pub item: String,
    /// Its title; its id where it has none.
    pub title: String,
    /// What speaks for it, the strongest first. Empty if nothing does.
    pub reasons: Vec<Reason>,
}

/// An item in the user's history that speaks for another one. It may be one that they disliked: that, too, says what they like.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reason {
    /// Its external id.
    pub item: String,
    /// Its title; its id where it has none.
    pub title: String,
    /// The user's last event on it.
    pub event: IndexedEvent,
    /// What the recommended item's score, over the mean of all items, would lose in log odds if the user had had nothing to do with this one. Positive.
    pub gain: f32,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quoted = |title: &str| {
            let plain = title.replace('"', "'").replace(char::is_control, " ");
            format!("\"{plain}\"")
        };
        write!(f, "{} ", quoted(&self.title))?;
        let names: Vec<String> = self.reasons.iter().map(|reason| quoted(&reason.title)).collect();
        match names.split_last() {
            None => write!(f, "for no reason in your history."),
            Some((only, [])) => write!(f, "because of {only}."),
            Some((last, before)) => write!(f, "because of {} and {last}.", before.join(", ")),
        }
    }
}

impl Recommender {
    /// Which of the user's events speak for an item, `most` at most: those whose absence would lower its score.
    ///
    /// Exact for any model and learner, as each item of the history is left out in turn: costs an adaptation and a score of all items for each of them.
    ///
    /// ```
    /// use metarec::data::Event;
    /// use metarec::data::synthetic::MarketConfig;
    /// use metarec::{Config, Recommender};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let device = metarec::recommend::device_from_env()?;
    /// let data = MarketConfig::default().with_users(60).generate()?.into_dataset();
    /// # let mut config = Config::default();
    /// # config.training.epochs = 1;
    /// let rec = Recommender::train(&data, &config, &device)?;
    /// let user = rec.adapt(&[Event::click("i3"), Event::click("i7")])?;
    /// let best = &rec.top_k(&user, 1)?[0];
    /// println!("{}", rec.explain(&user, &best.item, 2)?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// If the item is unknown; else as [`Recommender::top_k`].
    pub fn explain(&self, user: &AdaptedUser, item: &str, most: usize) -> Result<Explanation, RecommendError> {
        let place = self.find(item)?;
        let whole = over_mean(&self.scores(user)?, place);
        let mut history: Vec<ItemIndex> = user.events().iter().map(|event| event.item).collect();
        history.sort_unstable();
        history.dedup();
        history.retain(|&other| other != place);
        let mut reasons = Vec::new();
        for other in history {
            let (on, without): (Vec<IndexedEvent>, Vec<IndexedEvent>) =
                user.events().iter().partition(|event| event.item == other);
            let Some(adapted) = self.adapt_indexed(&[(&without, user.profile())]).pop() else { continue };
            let gain = whole - over_mean(&self.scores(&adapted)?, place);
            if let (Some(&event), true) = (on.last(), gain > LEAST_GAIN) {
                let id = &self.catalogue().ids()[other.position()];
                reasons.push(Reason { item: id.clone(), title: self.name(other), event, gain });
            }
        }
        reasons.sort_by(|a, b| b.gain.total_cmp(&a.gain).then_with(|| a.item.cmp(&b.item)));
        reasons.truncate(most);
        Ok(Explanation { item: item.to_owned(), title: self.name(place), reasons })
    }

    fn name(&self, item: ItemIndex) -> String {
        let title = self.catalogue().title(item);
        if title.is_empty() { self.catalogue().ids()[item.position()].clone() } else { title.to_owned() }
    }
}

fn over_mean(scores: &[f32], item: ItemIndex) -> f32 {
    let mean = scores.iter().map(|&score| f64::from(score)).sum::<f64>() / scores.len() as f64;
    (f64::from(scores[item.position()]) - mean) as f32
}
