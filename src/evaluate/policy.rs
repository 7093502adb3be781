//! What a newcomer is asked about next.

use std::collections::HashSet;

use rayon::prelude::*;

use crate::data::Draws;
use crate::data::{Dataset, IndexedEvent, ItemIndex, Profiles, UserIndex, UserSplit, by_score, rated, tie_order};
use crate::evaluate::error::EvaluateError;
use crate::recommend::{QuestionRule, Recommender};

/// Ratings that an item needs before it counts as divisive.
const LEAST_RATINGS: usize = 20;

/// One user's interview so far.
#[derive(Clone, Copy, Debug)]
pub struct Interview<'a> {
    /// Who is asked.
    pub user: UserIndex,
    /// What they answered, in the order of their answers.
    pub answers: &'a [IndexedEvent],
    /// For each item of the catalogue whether it may be asked about: it is known to training and was not asked about before.
    pub open: &'a [bool],
}

/// Chooses what newcomers are asked about.
pub trait QuestionPolicy: Sync {
    /// The name in reports.
    fn name(&self) -> &str;

    /// For each interview the next items to ask about, at most `most`, in their order, all of them open and none twice: the policy is asked again once one of them was
    /// answered, or all were unknown. An empty list ends the interview.
    ///
    /// # Errors
    /// If the policy fails.
    fn next(&self, interviews: &[Interview<'_>], most: usize) -> Result<Vec<Vec<ItemIndex>>, EvaluateError>;
}

/// Asks everybody the same, in the same order.
#[derive(Clone, Debug)]
pub struct FixedOrder {
    name: String,
    order: Vec<ItemIndex>,
}

impl FixedOrder {
    /// Asks in this order; of an item that comes twice the first place counts.
    pub fn new(name: impl Into<String>, mut order: Vec<ItemIndex>) -> Self {
        let mut met = HashSet::new();
        order.retain(|item| met.insert(*item));
        Self { name: name.into(), order }
    }

    /// The items that most training users have an event of.
    #[must_use]
    pub fn popular(data: &Dataset, split: &UserSplit) -> Self {
        Self::by("popular", data, &counts(data, split))
    }

    /// The items whose training ratings have the greatest variance, of those with at least 20.
    #[must_use]
    pub fn divisive(data: &Dataset, split: &UserSplit) -> Self {
        let variance = |values: &Vec<f32>| {
            let count = values.len() as f64;
            let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count.max(1.0);
            let squares: f64 = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum();
            if values.len() < LEAST_RATINGS { 0.0 } else { squares / count }
        };
        Self::by("divisive", data, &values(data, split).iter().map(variance).collect::<Vec<f64>>())
    }

    /// The logarithm of how many users know an item, times the entropy of its ratings (Rashid et al., 2002, "Getting to Know You: Learning New User Preferences
    /// in Recommender Systems").
    #[must_use]
    pub fn popular_and_divisive(data: &Dataset, split: &UserSplit) -> Self {
        let entropy = |values: &[f32]| {
            let mut sorted = values.to_vec();
            sorted.sort_by(f32::total_cmp);
            let share = |equal: &[f32]| equal.len() as f64 / values.len() as f64;
            sorted.chunk_by(|a, b| a == b).map(|equal| -share(equal) * share(equal).ln()).sum::<f64>()
        };
        let known = counts(data, split);
        let values = values(data, split);
        let scores = values.iter().zip(known).map(|(values, count)| count.max(1.0).ln() * entropy(values));
        Self::by("log popularity x entropy", data, &scores.collect::<Vec<f64>>())
    }

    /// Items as they are drawn.
    #[must_use]
    pub fn random(data: &Dataset, seed: u64) -> Self {
        let mut order: Vec<ItemIndex> = (0..data.catalogue().len() as u32).map(ItemIndex).collect();
        Draws::new(*b"question", seed, 0).shuffle(&mut order);
        Self::new("random", order)
    }

    /// The greatest first.
    fn by(name: &str, data: &Dataset, scores: &[f64]) -> Self {
        let places = tie_order(data.catalogue().ids());
        let mut order: Vec<ItemIndex> = (0..scores.len() as u32).map(ItemIndex).collect();
        let key = |item: &ItemIndex| (scores[item.position()] as f32, places[item.position()]);
        order.sort_unstable_by(|a, b| by_score(key(a), key(b)));
        Self::new(name, order)
    }
}

/// How many training users have an event of each item.
fn counts(data: &Dataset, split: &UserSplit) -> Vec<f64> {
    let mut counts = vec![0.0; data.catalogue().len()];
    for task in &split.train {
        let items: HashSet<ItemIndex> = task.events.iter().map(|event| event.item).collect();
        items.into_iter().for_each(|item| counts[item.position()] += 1.0);
    }
    counts
}

/// The training ratings of each item.
fn values(data: &Dataset, split: &UserSplit) -> Vec<Vec<f32>> {
    let mut values = vec![Vec::new(); data.catalogue().len()];
    let ratings = split.train.iter().flat_map(|task| rated(&task.events));
    ratings.for_each(|(item, value)| values[item].push(value));
    values
}

impl QuestionPolicy for FixedOrder {
    fn name(&self) -> &str {
        &self.name
    }

    fn next(&self, interviews: &[Interview<'_>], most: usize) -> Result<Vec<Vec<ItemIndex>>, EvaluateError> {
        let of = |interview: &Interview<'_>| {
            let items = interview.open.len();
            let mut next = Vec::new();
            for &item in &self.order {
                match interview.open.get(item.position()) {
                    _ if next.len() == most => break,
                    Some(true) => next.push(item),
                    Some(false) => {}
                    None => return Err(EvaluateError::NotOpen { policy: self.name.clone(), item: item.0, items }),
                }
            }
            Ok(next)
        };
        interviews.iter().map(of).collect()
    }
}

/// Asks by the gain that [`Recommender::questions`] goes by, worked out anew after each answer; of several questions in a row, none answered, each by its gain before
/// the first.
#[derive(Clone, Debug)]
pub struct ExpectedGain<'a> {
    recommender: &'a Recommender,
    profiles: Profiles,
    rule: QuestionRule,
    name: String,
}

impl<'a> ExpectedGain<'a> {
    /// The questions of a recommender that was made for the items of `data`, under the name `expected gain`.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignCatalogue`] if it was not.
    pub fn new(recommender: &'a Recommender, data: &Dataset) -> Result<Self, EvaluateError> {
        let (found, expected) = (recommender.catalogue().ids(), data.catalogue().ids());
        if found != expected {
            return Err(EvaluateError::ForeignCatalogue { found: found.len(), expected: expected.len() });
        }
        let profiles = recommender.facts().profile.profiles(data.users());
        Ok(Self { recommender, profiles, rule: QuestionRule::default(), name: "expected gain".to_owned() })
    }

    /// The same by another rule.
    #[must_use]
    pub fn with_rule(self, rule: QuestionRule) -> Self {
        Self { rule, ..self }
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: name.into(), ..self }
    }
}

impl QuestionPolicy for ExpectedGain<'_> {
    fn name(&self) -> &str {
        &self.name
    }

    fn next(&self, interviews: &[Interview<'_>], most: usize) -> Result<Vec<Vec<ItemIndex>>, EvaluateError> {
        let items = self.recommender.catalogue().len();
        for Interview { answers, open, .. } in interviews {
            if open.len() != items {
                return Err(EvaluateError::ForeignCatalogue { found: items, expected: open.len() });
            }
            if let Some(event) = answers.iter().find(|event| event.item.position() >= items) {
                return Err(EvaluateError::NotOpen { policy: self.name.clone(), item: event.item.0, items });
            }
        }
        let histories: Vec<_> =
            interviews.iter().map(|interview| (interview.answers, self.profiles.of(interview.user))).collect();
        let users = self.recommender.adapt_indexed(&histories);
        let asked = interviews.par_iter().zip(&users).map(|(interview, user)| {
            let chosen = self.recommender.most_telling(user, most, interview.open, &self.rule);
            chosen.map_err(|source| EvaluateError::method(&self.name, source))
        });
        asked.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DatasetBuilder, Event, TaskHistory};

    #[test]
    fn orders_are_those_counted_by_hand() {
        let mut events = DatasetBuilder::new();
        for user in 0..40u32 {
            // Everybody knows "mild", three quarters know "torn", half know "odd", whose ratings never differ.
            events.push(&user.to_string(), &Event::rating("mild", if user % 4 == 0 { 4.0 } else { 3.0 })).unwrap();
            if user < 30 {
                let value = if user % 2 == 0 { 1.0 } else { 5.0 };
                events.push(&user.to_string(), &Event::rating("torn", value)).unwrap();
            }
            if user < 20 {
                events.push(&user.to_string(), &Event::rating("odd", 2.0)).unwrap();
            }
        }
        events.push("0", &Event::rating("rare", 1.0)).unwrap();
        events.push("1", &Event::rating("rare", 5.0)).unwrap();
        // Who comes back to an item knows it once.
        (0..50).for_each(|_| events.push("0", &Event::click("rare")).unwrap());
        let data = events.build();
        let history = |user| TaskHistory { user: UserIndex(user), events: data.history(UserIndex(user)).to_vec() };
        let split = UserSplit { train: (0..40).map(history).collect(), ..UserSplit::default() };
        let asked = |policy: FixedOrder, most| -> Vec<String> {
            let open: Vec<bool> = data.catalogue().ids().iter().map(|id| id != "odd").collect();
            let interview = Interview { user: UserIndex(0), answers: &[], open: &open };
            let next = policy.next(&[interview], most).unwrap().remove(0);
            next.into_iter().map(|item| data.catalogue().id(item).to_owned()).collect()
        };
        assert_eq!(asked(FixedOrder::popular(&data, &split), 3), ["mild", "torn", "rare"]);
        assert_eq!(asked(FixedOrder::divisive(&data, &split), 1), ["torn"]);
        // Entropies .56, .69 and .69, by the logarithms of 40, 30 and 2: 2.07, 2.36 and 0.48.
        assert_eq!(asked(FixedOrder::popular_and_divisive(&data, &split), 3), ["torn", "mild", "rare"]);
        assert_eq!(asked(FixedOrder::random(&data, 1), 9).len(), 3, "everything that is open");
    }

    #[test]
    fn an_order_has_each_item_once_and_a_foreign_item_is_an_error() {
        let policy = FixedOrder::new("mine", [2, 0, 2, 1, 9].map(ItemIndex).to_vec());
        let interview = Interview { user: UserIndex(0), answers: &[], open: &[true, false, true] };
        assert_eq!(policy.next(&[interview], 2).unwrap(), [[2, 0].map(ItemIndex)]);
        let error = policy.next(&[interview], 3).unwrap_err();
        assert!(error.to_string().starts_with("mine asked about item 9: expected one of the 3 items"), "{error}");
    }
}
