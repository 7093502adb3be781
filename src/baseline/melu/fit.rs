//! Meta-training MeLU.

use std::collections::BTreeMap;

use burn::Tensor;
use burn::module::Module;
use burn::optim::{AdamConfig, GradientsAccumulator, ModuleOptimizer};
use burn::tensor::{Device, Int, TensorData};
use rayon::prelude::*;

use crate::baseline::error::BaselineError;
use crate::baseline::interactions::check_items;
use crate::baseline::melu::MeLuConfig;
use crate::baseline::melu::network::{Network, Ratings, Tables};
use crate::data::{
    Catalogue, Dataset, IndexedEvent, ItemIndex, ProfileSchema, TrainValues, UserIndex, UserSplit, rated,
};
use crate::meta::{Anil, AnilConfig, InnerLoopConfig, LearnerError, MetaLearner, scaled};
use crate::model::MetaBatch;
use crate::sampler::{Episode, EpisodeId, SamplerError, TaskSampler, UserSampler, UserSamplerConfig};

/// Pieces of each batch, spread over threads: the result depends on how many there are, and not on the threads.
const SHARDS: usize = 2;

/// Ratings that the global update looks at, of each user.
const QUERY: usize = 10;

/// The largest support set in training.
const MOST_SHOTS: usize = 20;

/// What the network reads of users and items.
#[derive(Debug)]
pub(super) struct Reading {
    /// Of each item of the catalogue which categories it has, as the number of a kind.
    kinds: Vec<u32>,
    tables: Tables,
    /// Of each user of the data set one code for each column.
    users: Vec<Vec<i32>>,
    /// The codes of somebody of whom nothing is known.
    unknown: Vec<i32>,
    mean: f64,
    deviation: f64,
}

/// The kinds of all items, and the share of each category in each kind, "none" being the last category.
fn kinds(catalogue: &Catalogue) -> (Vec<u32>, Vec<f32>) {
    let width = catalogue.categories().len() + 1;
    let (mut known, mut shares) = (BTreeMap::new(), Vec::new());
    let kind = |item: u32| {
        let mut categories = catalogue.item(ItemIndex(item)).categories.clone();
        categories.sort_unstable();
        let next = known.len() as u32;
        *known.entry(categories).or_insert_with_key(|categories| {
            let mut row = vec![0.0; width];
            categories.iter().for_each(|&category| row[category as usize] = 1.0 / categories.len() as f32);
            row[width - 1] = if categories.is_empty() { 1.0 } else { 0.0 };
            shares.extend(row);
            next
        })
    };
    let kinds = (0..catalogue.len() as u32).map(kind).collect();
    (kinds, shares)
}

impl Reading {
    /// `None` where the training values do not differ.
    ///
    /// # Errors
    /// [`EvaluateError::ForeignSplit`](crate::evaluate::EvaluateError::ForeignSplit) if an event's item is not in the
    /// catalogue.
    pub(super) fn new(data: &Dataset, split: &UserSplit) -> Result<Option<Self>, BaselineError> {
        let catalogue = data.catalogue();
        check_items(catalogue.len(), &split.train)?;
        let Some(TrainValues { mean, .. }) = TrainValues::of(split) else { return Ok(None) };
        let values = || split.train.iter().flat_map(|task| rated(&task.events));
        let squares: f64 = values().map(|(_, value)| (f64::from(value) - mean).powi(2)).sum();
        let deviation = (squares / values().count() as f64).sqrt();
        let schema = ProfileSchema::fit(data.users(), split.train.iter().map(|task| task.user));
        // Each column has one code more than the schema gives it, of what is not known.
        let mut firsts = Vec::new();
        let (mut read, mut code) = (0, 0);
        for size in schema.sizes() {
            firsts.push((read, code, size));
            (read, code) = (read + size, code + size + 1);
        }
        let codes = |known: &[u32]| -> Vec<i32> {
            let of_column = |&(read, code, size): &(usize, usize, usize)| {
                let place = known.iter().map(|&known| known as usize).find(|known| (read..read + size).contains(known));
                (code + place.map_or(size, |place| place - read)) as i32
            };
            firsts.iter().map(of_column).collect()
        };
        let users = (0..data.users().len() as u32).map(|user| codes(&schema.codes_of(data.users(), UserIndex(user))));
        let (kinds, shares) = kinds(catalogue);
        let tables =
            Tables { shares, categories: catalogue.categories().len() + 1, codes: code, columns: firsts.len() };
        Ok(Some(Self { kinds, tables, users: users.collect(), unknown: codes(&[]), mean, deviation }))
    }

    /// Tensors of some users' ratings, as long as the longest.
    pub(super) fn ratings(&self, users: &[(Option<UserIndex>, &[IndexedEvent])], device: &Device) -> Ratings {
        let rows: Vec<Vec<(usize, f32)>> = users.iter().map(|(_, events)| rated(events).collect()).collect();
        let length = rows.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let shape = [users.len(), length];
        let number = |of: &dyn Fn(usize, f32) -> f32| {
            let row = |row: &Vec<(usize, f32)>| {
                let padding = std::iter::repeat_n(0.0, length - row.len());
                row.iter().map(|&(item, value)| of(item, value)).chain(padding).collect::<Vec<f32>>()
            };
            Tensor::<2>::from_data(TensorData::new(rows.iter().flat_map(row).collect(), shape), device)
        };
        let kinds = |row: &Vec<(usize, f32)>| {
            let padding = std::iter::repeat_n(0, length - row.len());
            row.iter().map(|&(item, _)| self.kinds[item] as i32).chain(padding).collect::<Vec<i32>>()
        };
        let kinds: Vec<i32> = rows.iter().flat_map(kinds).collect();
        let codes = (self.tables.columns > 0).then(|| {
            let of = |user: &Option<UserIndex>| user.and_then(|user| self.users.get(user.position()));
            let codes: Vec<i32> =
                users.iter().flat_map(|(user, _)| of(user).unwrap_or(&self.unknown)).copied().collect();
            Tensor::<2, Int>::from_data(TensorData::new(codes, [users.len(), self.tables.columns]), device)
        });
        Ratings {
            kinds: Tensor::from_data(TensorData::new(kinds, shape), device),
            values: number(&|_, value| ((f64::from(value) - self.mean) / self.deviation) as f32),
            mask: number(&|_, _| 1.0),
            codes,
        }
    }

    /// Ratings of all items in the scale of the data, `[items]`, from those of all kinds in units of the deviation.
    pub(super) fn of_items(&self, of_kinds: &[f32]) -> Vec<f32> {
        let value = |&kind: &u32| (self.mean + self.deviation * f64::from(of_kinds[kind as usize])) as f32;
        self.kinds.iter().map(value).collect()
    }
}

/// Local updates: so many steps of decision layers.
pub(super) fn local(steps: usize, lr: f64) -> Result<Anil, BaselineError> {
    let wrong = |LearnerError { field, value, expected }| BaselineError::Setting { field, value, expected };
    AnilConfig::default().with_inner(InnerLoopConfig::new(steps, lr)).init().map_err(wrong)
}

/// A trained network, on the plain device; the first one where no training user has enough ratings.
///
/// # Errors
/// [`BaselineError::Diverged`] if the loss is no longer finite.
pub(super) fn train(
    reading: &Reading,
    split: &UserSplit,
    config: &MeLuConfig,
    device: &Device,
) -> Result<Network, BaselineError> {
    let device = device.clone().inner().autodiff();
    let mut network = Network::new(&reading.tables, config, &device);
    let drawing =
        UserSamplerConfig::default().with_shots(0..=MOST_SHOTS).with_min_query(QUERY).with_max_query(Some(QUERY));
    let sampler = match UserSampler::new(split.train.clone(), drawing) {
        Ok(sampler) => sampler,
        Err(SamplerError::NoTasks { .. }) => return Ok(network.valid()),
        Err(error) => return Err(failed(error)),
    };
    let learner = local(config.inner_steps, config.inner_lr)?;
    let mut optimizer = AdamConfig::new().with_epsilon(1e-8).init();
    for epoch in 0..config.epochs {
        let mut loss = 0.0;
        let indices: Vec<usize> = (epoch * sampler.tasks()..(epoch + 1) * sampler.tasks()).collect();
        for indices in indices.chunks(config.batch) {
            let draw = |&index: &usize| sampler.episode(EpisodeId { seed: config.seed, index: index as u64 });
            let episodes = indices.iter().map(draw).collect::<Result<Vec<Episode>, _>>().map_err(failed)?;
            loss += step((&mut network, &mut optimizer), (reading, &learner, &episodes), config.outer_lr, &device);
        }
        if !loss.is_finite() {
            let (epoch, learning_rate) = (epoch + 1, config.outer_lr as f32);
            return Err(BaselineError::Diverged { method: "melu", what: "loss", epoch, learning_rate });
        }
    }
    Ok(network.valid())
}

fn failed(error: SamplerError) -> BaselineError {
    crate::evaluate::EvaluateError::method("melu", error).into()
}

/// A global update; returns the summed loss of the users after their local updates.
fn step(
    (network, optimizer): (&mut Network, &mut ModuleOptimizer),
    (reading, learner, episodes): (&Reading, &Anil, &[Episode]),
    rate: f64,
    device: &Device,
) -> f64 {
    let plain = device.clone().inner();
    let size = episodes.len().div_ceil(SHARDS).max(1);
    // Clones share one graph lock: each piece works on a fork.
    let pieces: Vec<(&[Episode], Network)> =
        episodes.chunks(size).map(|piece| (piece, network.clone().fork(device))).collect();
    let gradient = |(episodes, network): (&[Episode], Network)| {
        let of = |events: fn(&Episode) -> &[IndexedEvent]| {
            let users: Vec<_> = episodes.iter().map(|episode| (episode.task.user(), events(episode))).collect();
            reading.ratings(&users, &plain)
        };
        let batch = MetaBatch { support: of(|episode| &episode.support), query: of(|episode| &episode.query) };
        let gradient = learner.meta_gradient(&network, &MetaLearner::<Network>::init_state(learner, &network), &batch);
        (gradient.model, f64::from(gradient.query_loss.sum().into_scalar::<f32>()))
    };
    let gradients: Vec<_> = pieces.into_par_iter().map(gradient).collect();
    let (mut sum, mut loss) = (GradientsAccumulator::new(), 0.0);
    for (gradient, of_piece) in gradients {
        sum.accumulate(network, gradient);
        loss += of_piece;
    }
    let mean = scaled(network, &sum.grads(), 1.0 / episodes.len().max(1) as f64);
    *network = optimizer.step(rate, network.clone(), mean);
    loss
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DatasetBuilder, Event};

    #[test]
    fn items_of_the_same_categories_are_one_kind_and_codes_tell_what_is_not_known() {
        let mut events = DatasetBuilder::new();
        for (item, categories) in [("a", &["x", "y"][..]), ("b", &["y", "x"]), ("c", &[]), ("d", &["y"])] {
            events.catalogue_mut().describe(item, "", "", categories.iter().copied());
        }
        for user in 0..12 {
            let name = user.to_string();
            let plan = ["free", "paid", ""][user % 3];
            events.describe_user(&name, [("plan", plan), ("land", ["no", "se"][user / 6])]).unwrap();
            events.push(&name, &Event::rating("a", (1 + user % 5) as f32)).unwrap();
        }
        // Four users have each plan: too few to have a code.
        let data = events.build();
        let split = crate::baseline::everyone(&data);
        let reading = Reading::new(&data, &split).unwrap().unwrap();
        assert_eq!(reading.kinds, [0, 0, 1, 2]);
        assert_eq!(reading.tables.shares, [0.5, 0.5, 0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0]);
        assert_eq!((reading.tables.columns, reading.tables.codes), (1, 3), "land: no, se, not known");
        assert_eq!(
            (&reading.users[0][..], &reading.users[11][..], &reading.unknown[..]),
            (&[0][..], &[1][..], &[2][..])
        );
        assert_eq!(reading.of_items(&[0.0, 1.0, -1.0]).len(), 4);
    }
}
