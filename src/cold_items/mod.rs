//! How items that training never met are scored, once training is done.
//!
//! Nobody has touched such an item, but something is said of it: its categories, and the dense vector of its words. Two reasons speak for it: how popular items of which the
//! like is said are, and how like it is to what a user liked. The first is a [ridge regression](ridge) of log popularity on the features. How much each reason counts is
//! chosen on the validation users, by a [conditional logit](choice): on the new items among the candidates where their split has any, else on known items as if they were
//! new, each predicted by a fit without it. What is added to all of them lets items that are known, if they were new, be worth as much together as they are.
//!
//! Known items are scored as before, whatever is fitted here.

mod choice;
mod features;
mod ridge;

use burn::module::Module;
use burn::tensor::Device;

use crate::data::{Catalogue, IndexedEvent, ItemIndex, LikeRule};
use crate::meta::ServingLearner;
use crate::model::{ColdItemValues, PreferenceTransformer};
use crate::train::{Look, Trained, Validation};
use choice::{Choice, REASONS, dot, log_sum_exp, most_likely};
use features::Features;
use ridge::Ridge;

/// Known items that the regression reads at most.
const ITEMS: usize = 10_000;
/// Validation users that are asked at most.
const USERS: usize = 300;
/// Items that a user chooses from at most, besides those chosen.
const CHOICES: usize = 1_000;

/// Fits how items without events are scored, and gives the model that does so; the same model where training knows all items, nothing is said of them or nobody is
/// there to choose on.
///
/// `popularity` is the log popularity of all items, of which those that training does not know are not read. Costs seconds.
pub(crate) fn fitted<L: ServingLearner<PreferenceTransformer>>(
    trained: Trained<PreferenceTransformer, L::State>,
    learner: &L,
    (catalogue, popularity): (&Catalogue, &[f32]),
    validation: &Validation,
    device: &Device,
) -> Trained<PreferenceTransformer, L::State> {
    let schema = trained.model.schema();
    let known = &schema.known;
    let features = Features::new(catalogue);
    let items = spread((0..known.len()).filter(|&item| known[item]).collect(), ITEMS, 0);
    if features.len() == 0 || items.is_empty() || known.iter().all(|&known| known) || validation.is_empty() {
        return trained;
    }
    let targets: Vec<f64> = popularity.iter().map(|&popularity| f64::from(popularity)).collect();
    let (ridge, held_out) = Ridge::chosen(&features, &items, &targets);
    let mut predicted: Vec<f64> = (0..known.len()).map(|item| ridge.predict(&features, item)).collect();
    items.iter().zip(held_out).for_each(|(&item, value)| predicted[item] = value);
    let reasons = Reasons { features: &features, predicted, mean: &ridge.mean };
    let read = (&schema.likes, trained.model.config().max_context);
    let mut asked = Asked { reasons, known, read, choices: Vec::new(), sums: Vec::new() };
    let validation = validation.some(USERS);
    let plain = device.clone().inner();
    if learner.needs_autodiff() {
        validation.each_look((&trained.model, &trained.state, learner), &plain, |look| asked.look(look));
    } else {
        let (model, state) = (trained.model.valid(), trained.state.valid());
        validation.each_look((&model, &state, learner), &plain, |look| asked.look(look));
    }
    match asked.values(&ridge) {
        Some(values) => Trained { model: trained.model.with_cold_items(&values), ..trained },
        None => trained,
    }
}

/// `most` at most of some numbers, evenly spread over them and another part of them for another `turn`.
fn spread(all: Vec<usize>, most: usize, turn: usize) -> Vec<usize> {
    if all.len() <= most {
        return all;
    }
    (0..most).map(|nth| all[(nth * all.len() / most + turn) % all.len()]).collect()
}

/// What speaks for an item, if nobody has touched it.
struct Reasons<'a> {
    features: &'a Features<'a>,
    /// Log popularity of every item by its features alone.
    predicted: Vec<f64>,
    /// Mean of the features of known items.
    mean: &'a [f64],
}

impl Reasons<'_> {
    /// For each of some items, if the user liked items as much as `liked` says.
    fn of(&self, items: &[usize], liked: &[(usize, f64)]) -> Vec<[f64; REASONS]> {
        let mut content = vec![0.0; self.features.len()];
        let count: f64 = liked.iter().map(|(_, weight)| weight).sum();
        let root = count.max(1.0).sqrt();
        liked.iter().for_each(|&(item, weight)| self.features.add(item, weight / root, &mut content));
        content.iter_mut().zip(self.mean).for_each(|(content, mean)| *content -= count / root * mean);
        let centre = |at: usize| {
            let block = self.features.blocks()[at].clone();
            content[block.clone()].iter().zip(&self.mean[block]).map(|(content, mean)| content * mean).sum::<f64>()
        };
        let centre = [centre(0), centre(1)];
        let one = |&item: &usize| {
            let products = self.features.products(item, &content);
            [self.predicted[item], products[0] - centre[0], products[1] - centre[1]]
        };
        items.iter().map(one).collect()
    }
}

/// What the validation users chose, and how much known items are worth to them.
struct Asked<'a> {
    reasons: Reasons<'a>,
    known: &'a [bool],
    /// Which events are likes, and how many events the model reads at most.
    read: (&'a LikeRule, usize),
    choices: Vec<Choice>,
    /// Reasons for some known items, and the log of the sum of the exponentials of their scores.
    sums: Vec<(Vec<[f64; REASONS]>, f64)>,
}

impl Asked<'_> {
    fn look(&mut self, look: &Look<'_>) {
        let places = |items: &[ItemIndex]| items.iter().map(|item| item.position()).collect::<Vec<_>>();
        let (rule, most) = self.read;
        let like = |event: &IndexedEvent| (event.item.position(), f64::from(rule.weight(event)));
        let liked: Vec<_> = look.support[look.support.len().saturating_sub(most)..].iter().map(like).collect();
        let candidates = places(&look.candidates);
        let turn = self.sums.len();
        let new = look.relevant.iter().any(|item| !self.known[item.position()]);
        let asked = candidates.iter().copied().filter(|&item| self.known[item] != new).collect();
        let mut relevant = places(&look.relevant);
        relevant.retain(|&item| self.known[item] != new);
        let mut items = spread(asked, CHOICES, turn);
        items.extend(&relevant);
        items.sort_unstable();
        items.dedup();
        let chosen = relevant.iter().filter_map(|item| items.binary_search(item).ok()).collect();
        self.choices.push(Choice { reasons: self.reasons.of(&items, &liked), chosen });
        let known = spread(candidates.into_iter().filter(|&item| self.known[item]).collect(), CHOICES, turn);
        if !known.is_empty() {
            let scores: Vec<f64> = known.iter().map(|&item| f64::from(look.scores[item])).collect();
            self.sums.push((self.reasons.of(&known, &liked), log_sum_exp(&scores)));
        }
    }

    /// What is fitted; nothing where nobody chose anything.
    fn values(&self, ridge: &Ridge) -> Option<ColdItemValues> {
        if self.choices.is_empty() || self.sums.is_empty() {
            return None;
        }
        let counts = most_likely(&self.choices);
        let worth = |reasons: &[[f64; REASONS]]| {
            log_sum_exp(&reasons.iter().map(|reasons| dot(reasons, &counts)).collect::<Vec<_>>())
        };
        let missing = self.sums.iter().map(|(reasons, sum)| sum - worth(reasons)).sum::<f64>() / self.sums.len() as f64;
        let centre: f64 = ridge.mean.iter().zip(&ridge.weights).map(|(mean, weight)| mean * weight).sum();
        let mut scale = vec![0.0; ridge.mean.len()];
        for (block, count) in self.reasons.features.blocks().iter().zip(&counts[1..]) {
            scale[block.clone()].fill(*count as f32);
        }
        let single = |values: &[f64], factor: f64| values.iter().map(|value| (value * factor) as f32).collect();
        Some(ColdItemValues {
            bias: (counts[0] * (ridge.intercept - centre) + missing) as f32,
            weights: single(&ridge.weights, counts[0]),
            mean: single(&ridge.mean, 1.0),
            scale,
        })
    }
}

#[cfg(test)]
mod tests;
