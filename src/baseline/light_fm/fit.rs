//! Fitting LightFM, and the vector of a new user.

use crate::baseline::error::BaselineError;
use crate::baseline::interactions::{Sparse, check_items, greatest};
use crate::baseline::light_fm::LightFmConfig;
use crate::baseline::light_fm::features::{Features, Gradients, Table, mean, score};
use crate::baseline::light_fm::loss::Opponents;
use crate::data::{
    Dataset, Draws, IndexedEvent, ItemIndex, LikeRule, ProfileSchema, Profiles, TaskHistory, UserIndex, UserSplit,
};

/// What training reads.
#[derive(Debug)]
pub(super) struct Examples {
    /// A row for each training user, of `(item, weight)`, ascending.
    likes: Sparse,
    /// Their columns' codes, then their own, which come after those of all columns.
    users: Features,
    /// Codes of the columns.
    columns: usize,
    /// The codes of all users of the data set.
    profiles: Profiles,
    /// The categories of each item, then its own code, if training users have met it.
    items: Features,
    /// Codes of the categories: those of items come after them.
    categories: usize,
    /// Codes of both.
    item_codes: usize,
    opponents: Opponents,
}

impl Examples {
    /// # Errors
    /// [`EvaluateError::ForeignSplit`](crate::evaluate::EvaluateError::ForeignSplit) if an event's item is not in the
    /// catalogue.
    pub(super) fn new(data: &Dataset, split: &UserSplit) -> Result<Self, BaselineError> {
        let (catalogue, rule) = (data.catalogue(), data.like_rule());
        check_items(catalogue.len(), &split.train)?;
        let weighed = |task: &TaskHistory| likes_of(&task.events, rule);
        let likes = Sparse::from_rows(split.train.iter().map(weighed));
        let schema = ProfileSchema::fit(data.users(), split.train.iter().map(|task| task.user));
        let (profiles, columns) = (schema.profiles(data.users()), schema.len());
        let user = |(own, task): (usize, &TaskHistory)| {
            let mut codes = profiles.of(task.user).to_vec();
            codes.push((columns + own) as u32);
            codes
        };
        let users = Features::from_rows(split.train.iter().enumerate().map(user));
        let known: Vec<u32> = split.candidates().into_iter().map(|item| item.0).collect();
        let categories = catalogue.categories().len();
        let item = |item: u32| {
            let mut codes = catalogue.item(ItemIndex(item)).categories.clone();
            codes.extend(known.binary_search(&item).ok().map(|own| (categories + own) as u32));
            codes
        };
        let items = Features::from_rows((0..catalogue.len() as u32).map(item));
        let item_codes = categories + known.len();
        Ok(Self { likes, users, columns, profiles, items, categories, item_codes, opponents: Opponents::new(known) })
    }
}

/// A user's items by the weights of their likes, ascending.
pub(super) fn likes_of(events: &[IndexedEvent], rule: &LikeRule) -> Vec<(u32, f32)> {
    greatest(events.iter().map(|event| (event.item.0, rule.weight(event))))
}

/// Vectors on their way: each epoch is a pass over the likes, in an order of its own.
pub(super) struct Training<'a> {
    examples: &'a Examples,
    config: LightFmConfig,
    users: Table,
    items: Table,
    /// `(user, item, weight)`.
    likes: Vec<(u32, u32, f32)>,
    epochs: usize,
}

impl<'a> Training<'a> {
    pub(super) fn new(examples: &'a Examples, config: &LightFmConfig) -> Self {
        let mut draws = Draws::new(*b"lightfm0", config.seed, 0);
        let users = Table::start(examples.columns + examples.users.len(), config.factors, &mut draws);
        let items = Table::start(examples.item_codes, config.factors, &mut draws);
        let of_user = |user: usize| examples.likes.row(user).iter().map(move |&(item, w)| (user as u32, item, w));
        let likes = (0..examples.likes.rows()).flat_map(of_user).collect();
        Self { examples, config: config.clone(), users, items, likes, epochs: 0 }
    }

    /// Goes on until so many epochs are done.
    ///
    /// # Errors
    /// [`BaselineError::Diverged`] if a vector, or what Adagrad has summed of it, is no longer finite.
    pub(super) fn run_to(&mut self, epochs: usize) -> Result<(), BaselineError> {
        while self.epochs < epochs {
            self.epochs += 1;
            self.epoch();
            if !(self.users.is_finite() && self.items.is_finite()) {
                let LightFmConfig { loss, learning_rate, .. } = self.config;
                let (method, epoch) = (loss.method_name(), self.epochs);
                return Err(BaselineError::Diverged { method, what: "table of vectors", epoch, learning_rate });
            }
        }
        Ok(())
    }

    fn epoch(&mut self) {
        let Self { examples, config, users, items, likes, epochs } = self;
        let mut draws = Draws::new(*b"lightfm ", config.seed, *epochs as u64);
        // The order must not depend on the epochs before, so that going on is the same as starting over.
        likes.sort_unstable_by_key(|&(user, item, _)| (user, item));
        draws.shuffle(likes);
        let width = config.factors + 1;
        let (mut user_sum, mut like_sum, mut other_sum) = (vec![0.0; width], vec![0.0; width], vec![0.0; width]);
        let mut gradients = Gradients::new(width);
        let step = (config.learning_rate, config.ridge);
        for &(user, like, weight) in likes.iter() {
            let own = examples.likes.row(user as usize);
            let (of_user, of_like) = (examples.users.of(user as usize), examples.items.of(like as usize));
            users.sum(of_user, &mut user_sum);
            items.sum(of_like, &mut like_sum);
            let like_score = score(&user_sum, &like_sum);
            let is_like = |item: u32| own.binary_search_by_key(&item, |&(item, _)| item).is_ok();
            let of_other = |item: u32| {
                items.sum(examples.items.of(item as usize), &mut other_sum);
                score(&user_sum, &other_sum)
            };
            let drawn = examples.opponents.draw((config.loss, like_score), config.draws, &mut draws, is_like, of_other);
            let Some(other) = drawn else { continue };
            let (a, b) = config.loss.slopes(like_score, other.score);
            let weight = weight * other.weight;
            gradients.set((weight * a, weight * b), &user_sum, &like_sum, &other_sum);
            users.step(of_user, &gradients.user, step);
            items.step(of_like, &gradients.like, step);
            items.step(examples.items.of(other.item as usize), &gradients.other, step);
        }
    }

    /// What serves after the epochs that were done.
    pub(super) fn fitted(&self) -> Fitted {
        let Self { examples, users, items, config, .. } = self;
        let width = config.factors + 1;
        let of_met = mean((examples.categories..examples.item_codes).map(|own| items.row(own)), width);
        let mut sums = vec![0.0; examples.items.len() * width];
        for (item, sum) in sums.chunks_exact_mut(width).enumerate() {
            let codes = examples.items.of(item);
            if codes.last().is_none_or(|&last| (last as usize) < examples.categories) {
                sum.copy_from_slice(&of_met);
            }
            items.add(codes, sum);
        }
        let columns: Vec<Vec<f32>> = (0..examples.columns).map(|code| users.row(code).to_vec()).collect();
        let own = |user: usize| users.row(examples.columns + user);
        let start = mean((0..examples.users.len()).map(own), width);
        let of_columns = (0..examples.users.len()).map(|user| {
            let mut sum = vec![0.0; width];
            let (columns, _) = examples.users.of(user).split_at(examples.users.of(user).len() - 1);
            users.sum(columns, &mut sum);
            sum
        });
        let of_columns: Vec<Vec<f32>> = of_columns.collect();
        let anonymous = mean(of_columns.iter().map(Vec::as_slice), width);
        let (profiles, opponents) = (examples.profiles.clone(), examples.opponents.clone());
        Fitted { width, items: sums, start, columns, anonymous, profiles, opponents }
    }
}

/// What serves.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fitted {
    width: usize,
    /// Sums of each item's features, `[items, width]`.
    pub(super) items: Vec<f32>,
    /// The mean of the training users' own vectors.
    start: Vec<f32>,
    /// The vector of each code of the users' columns.
    columns: Vec<Vec<f32>>,
    /// The mean of the training users' sums over columns: who says nothing is taken for all.
    anonymous: Vec<f32>,
    profiles: Profiles,
    opponents: Opponents,
}

impl Fitted {
    fn item(&self, item: u32) -> &[f32] {
        &self.items[item as usize * self.width..(item as usize + 1) * self.width]
    }

    /// Scores of all items for somebody with these likes, `[items]`.
    pub(super) fn score(&self, user: UserIndex, likes: &[(u32, f32)], config: &LightFmConfig) -> Vec<f32> {
        let user = self.fold_in(user, likes, config);
        self.items.chunks_exact(self.width).map(|item| score(&user, item)).collect()
    }

    /// The sum of a new user's features, the own vector being fitted to these likes.
    fn fold_in(&self, user: UserIndex, likes: &[(u32, f32)], config: &LightFmConfig) -> Vec<f32> {
        let said = self.said(user);
        let mut own = Table::of_one(&self.start);
        let mut draws = Draws::new(*b"lightfm+", config.seed, 0);
        let mut gradients = Gradients::new(self.width);
        let mut sum = vec![0.0; self.width];
        let is_like = |item: u32| likes.binary_search_by_key(&item, |&(item, _)| item).is_ok();
        for &(like, weight) in (0..config.fold_in_epochs).flat_map(|_| likes) {
            sum.copy_from_slice(&said);
            own.add(&[0], &mut sum);
            let like = self.item(like);
            let like_score = score(&sum, like);
            let of_other = |item| score(&sum, self.item(item));
            let drawn = self.opponents.draw((config.loss, like_score), config.draws, &mut draws, is_like, of_other);
            let Some(other) = drawn else { continue };
            let (a, b) = config.loss.slopes(like_score, other.score);
            let weight = weight * other.weight;
            gradients.set_user((weight * a, weight * b), like, self.item(other.item));
            own.step(&[0], &gradients.user, (config.learning_rate, config.ridge));
        }
        sum.copy_from_slice(&said);
        own.add(&[0], &mut sum);
        sum
    }

    /// The sum over a user's columns.
    fn said(&self, user: UserIndex) -> Vec<f32> {
        let codes = self.profiles.of(user);
        if codes.is_empty() {
            return self.anonymous.clone();
        }
        let mut sum = vec![0.0; self.width];
        for &code in codes {
            sum.iter_mut().zip(&self.columns[code as usize]).for_each(|(sum, value)| *sum += value);
        }
        sum
    }
}
