//! How far an answer about an item is expected to move what a user is taken to like next.

use crate::data::{Action, IndexedEvent, ItemIndex};
use crate::model::RatingBelief;
use crate::recommend::error::RecommendError;
use crate::recommend::recommender::Recommender;
use crate::recommend::user::AdaptedUser;

/// Items whose answers are adapted to at once.
const AT_ONCE: usize = 16;
/// Up the range of values: a poor answer, what divides it from a good one, a good one (of 1 to 5 stars: 2, 3.5 and 5).
const ANSWERS: [f32; 3] = [0.25, 0.625, 1.0];

/// Logarithms of how likely each open item is the next to be liked; minus infinity of what is not open.
pub(super) fn log_softmax(scores: &[f32], open: &[bool]) -> Vec<f64> {
    let of_open = || scores.iter().zip(open).filter(|(_, open)| **open).map(|(score, _)| *score);
    let most = of_open().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = of_open().map(|score| f64::from(score - most).exp()).sum();
    let log =
        |(score, open): (&f32, &bool)| if *open { f64::from(score - most) - total.ln() } else { f64::NEG_INFINITY };
    scores.iter().zip(open).map(log).collect()
}

/// How likely each open item is the next to be liked; 0 of what is not open.
fn softmax(scores: &[f32], open: &[bool]) -> Vec<f64> {
    log_softmax(scores, open).into_iter().map(f64::exp).collect()
}

/// The squared Hellinger distance of two distributions over all items but one, from 0 to 1.
fn apart(before: &[f64], after: &[f64], but: usize) -> f64 {
    let overlap =
        before.iter().zip(after).map(|(a, b)| (a * b).sqrt()).sum::<f64>() - (before[but] * after[but]).sqrt();
    let rest = (1.0 - before[but]) * (1.0 - after[but]);
    // What is left is nothing where all but certainly the item itself is next.
    if rest > 1e-12 { (1.0 - overlap / rest.sqrt()).clamp(0.0, 1.0) } else { 0.0 }
}

impl Recommender {
    /// For each of `items` how far an answer is expected to move the softmax of the ranking scores over the other items that the user has not seen: the square
    /// root of the mean squared Hellinger distance over a good and a poor rating, each as likely as `belief` has it, or alike. `None` if the model knows no
    /// values: nobody says what an answer is then.
    pub(super) fn expected_shifts(
        &self,
        user: &AdaptedUser,
        items: &[usize],
        belief: Option<&RatingBelief>,
    ) -> Result<Option<Vec<f64>>, RecommendError> {
        let Some((low, high)) = self.facts.value_range else { return Ok(None) };
        let [poor, middle, good] = ANSWERS.map(|share| low + share * (high - low));
        let good_shares: Vec<f64> = match belief {
            Some(belief) => {
                let distributions = self.calibration()?.distributions_of(belief, items.iter().copied());
                distributions.iter().map(|rating| 1.0 - rating.share_at_most(middle)).collect()
            }
            None => vec![0.5; items.len()],
        };
        // What the user does not know can't be asked about and is still to be ranked.
        let mut open = vec![true; self.catalogue.len()];
        user.seen().iter().for_each(|item| open[item.position()] = false);
        let before = softmax(&self.scores(user)?, &open);
        let timestamp = user.events().last().and_then(|event| event.timestamp);
        let mut shifts = Vec::with_capacity(items.len());
        for (items, good_shares) in items.chunks(AT_ONCE).zip(good_shares.chunks(AT_ONCE)) {
            let with = |item: usize, value: f32| {
                let answer = IndexedEvent {
                    item: ItemIndex(item as u32),
                    action: Action::Rating,
                    value: Some(value),
                    timestamp,
                };
                user.events().iter().copied().chain([answer]).collect::<Vec<_>>()
            };
            let histories: Vec<Vec<IndexedEvent>> =
                items.iter().flat_map(|&item| [with(item, good), with(item, poor)]).collect();
            let histories: Vec<_> = histories.iter().map(|events| (&events[..], user.profile())).collect();
            let answered = self.adapt_indexed(&histories);
            for ((pair, &item), likely) in answered.chunks_exact(2).zip(items).zip(good_shares) {
                let [by_good, by_poor] = [self.scores(&pair[0])?, self.scores(&pair[1])?]
                    .map(|after| apart(&before, &softmax(&after, &open), item));
                shifts.push((likely * by_good + (1.0 - likely) * by_poor).sqrt());
            }
        }
        Ok(Some(shifts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_softmax_is_over_what_is_open() {
        let likely = softmax(&[3.0, 900.0, -1.0, 3.0], &[true, false, true, true]);
        assert_eq!(likely[1], 0.0);
        assert!((likely.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        assert!((likely[0].ln() - likely[2].ln() - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_distance_is_that_worked_out_by_hand_and_leaves_out_the_item_itself() {
        // Of the last two: (3/4, 1/4) and (1/4, 3/4), whose overlap is 2 sqrt(3) / 4.
        let (before, after) = ([0.2, 0.6, 0.2], [0.6, 0.1, 0.3]);
        assert!((apart(&before, &after, 0) - (1.0 - 3.0_f64.sqrt() / 2.0)).abs() < 1e-12);
        assert_eq!(apart(&before, &before, 1), 0.0);
        assert!((apart(&[0.0, 1.0, 0.0], &[0.0, 0.0, 1.0], 0) - 1.0).abs() < 1e-12);
        assert_eq!(apart(&[1.0, 0.0], &[0.5, 0.5], 0), 0.0, "nothing is left to move");
    }
}
