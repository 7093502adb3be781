//! A Transformer's tasks as tensors.

use std::collections::HashSet;

use burn::Tensor;
use burn::tensor::{Device, Int, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::{IndexedEvent, ItemIndex};
use crate::model::task::{Supervision, Targets, TaskBatch, TaskEvents};
use crate::model::transformer::Settings;

/// Numbers of each event: whether it has a value, the standardised value, whether it is a like.
pub(crate) const NUMBERS: usize = 3;
/// Buckets of the time since the event before, one for each factor of four; the last is "unknown".
pub(crate) const GAP_BUCKETS: usize = 17;
/// Added to the score of what is no candidate.
const NEVER: f32 = -1e9;

/// Events of some tasks as tensors. Built by [`PreferenceModel::batch`](crate::model::PreferenceModel::batch).
///
/// Contexts are padded on the right, where causal attention never looks.
#[derive(Clone, Debug)]
pub struct PreferenceBatch {
    items: Tensor<2, Int>,
    actions: Tensor<2, Int>,
    gaps: Tensor<2, Int>,
    numbers: Tensor<3>,
    values: Tensor<2>,
    rated: Tensor<2>,
    last: Tensor<3>,
    prefix_weights: Tensor<2>,
    target_items: Tensor<2, Int>,
    target_weights: Tensor<3>,
    target_values: Tensor<2>,
    target_rated: Tensor<2>,
    excluded: Option<Tensor<3>>,
    sample: Option<(Tensor<1, Int>, Tensor<3>)>,
    noise: Option<u64>,
}

/// The bucket of a gap in seconds.
fn gap_bucket(seconds: Option<i64>) -> i32 {
    let Some(seconds) = seconds else { return GAP_BUCKETS as i32 - 1 };
    let octave = (seconds.max(0) as f64 + 1.0).log2() / 2.0;
    (octave as i32).min(GAP_BUCKETS as i32 - 2)
}

/// Host-side columns of a batch, filled task by task.
struct Columns {
    shots: usize,
    targets: usize,
    items: Vec<i32>,
    actions: Vec<i32>,
    gaps: Vec<i32>,
    numbers: Vec<f32>,
    values: Vec<f32>,
    rated: Vec<f32>,
    last: Vec<f32>,
    prefix_weights: Vec<f32>,
    target_items: Vec<i32>,
    target_weights: Vec<f32>,
    target_values: Vec<f32>,
    target_rated: Vec<f32>,
}

impl Columns {
    fn new(tasks: usize, shots: usize, targets: usize) -> Self {
        let (events, prefixes) = (tasks * shots, tasks * (shots + 1));
        Self {
            shots,
            targets,
            items: vec![0; events],
            actions: vec![0; events],
            gaps: vec![0; events],
            numbers: vec![0.0; events * NUMBERS],
            values: vec![0.0; events],
            rated: vec![0.0; events],
            last: vec![0.0; prefixes],
            prefix_weights: vec![0.0; prefixes],
            target_items: vec![0; tasks * targets],
            target_weights: vec![0.0; prefixes * targets],
            target_values: vec![0.0; tasks * targets],
            target_rated: vec![0.0; tasks * targets],
        }
    }

    fn context(&mut self, task: usize, events: &[IndexedEvent], settings: &Settings) {
        let schema = &settings.schema;
        let mut before: Option<i64> = None;
        for (place, event) in events.iter().enumerate() {
            let at = task * self.shots + place;
            self.items[at] = event.item.0 as i32;
            self.actions[at] = event.action.code() as i32;
            self.gaps[at] = gap_bucket(before.zip(event.timestamp).map(|(before, now)| now.saturating_sub(before)));
            before = event.timestamp;
            if let Some(value) = event.rating().filter(|_| schema.rated()) {
                self.values[at] = value;
                self.rated[at] = 1.0;
                self.numbers[at * NUMBERS] = 1.0;
                self.numbers[at * NUMBERS + 1] = schema.standardised(event).unwrap_or(0.0);
            }
            self.numbers[at * NUMBERS + 2] = schema.likes.weight(event);
        }
    }

    fn prefixes(&mut self, task: usize, length: usize, supervision: Supervision) {
        let start = task * (self.shots + 1);
        self.last[start + length] = 1.0;
        match supervision {
            Supervision::WholeContext => self.prefix_weights[start + length] = 1.0,
            Supervision::EveryPrefix => self.prefix_weights[start..=start + length].fill(1.0 / (length + 1) as f32),
        }
    }

    /// `first` is the number of events before the first target: prefixes longer than a target's place have seen it.
    fn predicted(&mut self, task: usize, events: &[IndexedEvent], first: Option<usize>, settings: &Settings) {
        let (prefixes, schema) = (self.shots + 1, &settings.schema);
        let mut liked = HashSet::new();
        for (place, event) in events.iter().enumerate() {
            let at = task * self.targets + place;
            self.target_items[at] = event.item.0 as i32;
            if let Some(value) = event.rating().filter(|_| schema.rated()) {
                self.target_values[at] = value;
                self.target_rated[at] = 1.0;
            }
            let unseen = first.map_or(prefixes, |first| first + place + 1).min(prefixes);
            let weight = if schema.known[event.item.position()] { schema.likes.weight(event) } else { 0.0 };
            // An item that is liked again counts once.
            let weight = if weight > 0.0 && !liked.insert(event.item) { 0.0 } else { weight };
            for prefix in 0..unseen {
                self.target_weights[(task * prefixes + prefix) * self.targets + place] = weight;
            }
        }
    }
}

/// The most recent events that the model reads.
fn recent<'a>(events: &'a [IndexedEvent], settings: &Settings) -> &'a [IndexedEvent] {
    &events[events.len().saturating_sub(settings.config.max_context)..]
}

impl PreferenceBatch {
    pub(crate) fn new(
        tasks: &[TaskEvents<'_>],
        supervision: Supervision,
        settings: &Settings,
        device: &Device,
    ) -> Self {
        let contexts: Vec<&[IndexedEvent]> = tasks.iter().map(|task| recent(task.context, settings)).collect();
        let targets: Vec<(&[IndexedEvent], Option<usize>)> = tasks
            .iter()
            .zip(&contexts)
            .map(|(task, context)| match task.targets {
                Targets::Context => (*context, Some(0)),
                Targets::Later(events) => (events, None),
            })
            .collect();
        let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0).max(1);
        let shots = longest(&mut contexts.iter().map(|events| events.len()));
        let width = longest(&mut targets.iter().map(|(events, _)| events.len()));
        let mut columns = Columns::new(tasks.len(), shots, width);
        for (task, (context, (events, first))) in contexts.iter().zip(&targets).enumerate() {
            columns.context(task, context, settings);
            // Of the context's own events, the whole context leaves nothing to predict.
            let supervision = if first.is_some() { Supervision::EveryPrefix } else { supervision };
            columns.prefixes(task, context.len(), supervision);
            columns.predicted(task, events, *first, settings);
        }
        let mut batch = Self::upload(columns, tasks.len(), device);
        let sample = settings.config.sample_size(settings.schema.known.len());
        match sample {
            Some(size) => batch.sample = Some(draw_sample(tasks, size, settings, device)),
            None => batch.excluded = Some(exclusions(tasks, settings, device)),
        }
        batch
    }

    fn upload(columns: Columns, tasks: usize, device: &Device) -> Self {
        let (shots, targets, prefixes) = (columns.shots, columns.targets, columns.shots + 1);
        let int =
            |values: Vec<i32>, width| Tensor::<2, Int>::from_data(TensorData::new(values, [tasks, width]), device);
        let flat = |values: Vec<f32>, width| Tensor::<2>::from_data(TensorData::new(values, [tasks, width]), device);
        let deep = |values: Vec<f32>, a, b| Tensor::<3>::from_data(TensorData::new(values, [tasks, a, b]), device);
        Self {
            items: int(columns.items, shots),
            actions: int(columns.actions, shots),
            gaps: int(columns.gaps, shots),
            numbers: deep(columns.numbers, shots, NUMBERS),
            values: flat(columns.values, shots),
            rated: flat(columns.rated, shots),
            last: deep(columns.last, prefixes, 1),
            prefix_weights: flat(columns.prefix_weights, prefixes),
            target_items: int(columns.target_items, targets),
            target_weights: deep(columns.target_weights, prefixes, targets),
            target_values: flat(columns.target_values, targets),
            target_rated: flat(columns.target_rated, targets),
            excluded: None,
            sample: None,
            noise: None,
        }
    }

    pub(crate) fn items(&self) -> Tensor<2, Int> {
        self.items.clone()
    }
    pub(crate) fn actions(&self) -> Tensor<2, Int> {
        self.actions.clone()
    }
    pub(crate) fn gaps(&self) -> Tensor<2, Int> {
        self.gaps.clone()
    }
    pub(crate) fn numbers(&self) -> Tensor<3> {
        self.numbers.clone()
    }
    pub(crate) fn values(&self) -> Tensor<2> {
        self.values.clone()
    }
    pub(crate) fn rated(&self) -> Tensor<2> {
        self.rated.clone()
    }
    /// 1 at the prefix that is the whole context, `[tasks, prefixes, 1]`.
    pub(crate) fn last(&self) -> Tensor<3> {
        self.last.clone()
    }
    pub(crate) fn prefix_weights(&self) -> Tensor<2> {
        self.prefix_weights.clone()
    }
    pub(crate) fn target_items(&self) -> Tensor<2, Int> {
        self.target_items.clone()
    }
    /// How much each target counts at each prefix, `[tasks, prefixes, targets]`.
    pub(crate) fn target_weights(&self) -> Tensor<3> {
        self.target_weights.clone()
    }
    pub(crate) fn target_values(&self) -> Tensor<2> {
        self.target_values.clone()
    }
    pub(crate) fn target_rated(&self) -> Tensor<2> {
        self.target_rated.clone()
    }
    pub(crate) fn sample(&self) -> Option<(Tensor<1, Int>, Tensor<3>)> {
        self.sample.clone()
    }
    pub(crate) fn noise(&self) -> Option<u64> {
        self.noise
    }
    /// Added to scores, `[tasks, 1, items]`: a large negative number where an item is no candidate.
    pub(crate) fn excluded(&self) -> Tensor<3> {
        self.excluded.clone().unwrap_or_else(|| Tensor::zeros([1, 1, 1], &self.values.device()))
    }
}

/// Items that are no candidates of a task because its context has them or they were passed over; an item that comes back later is a candidate after all.
fn passed(task: &TaskEvents<'_>) -> HashSet<ItemIndex> {
    let Targets::Later(events) = task.targets else { return HashSet::new() };
    let later: HashSet<ItemIndex> = events.iter().map(|event| event.item).collect();
    task.context.iter().chain(task.passed_over).map(|event| event.item).filter(|item| !later.contains(item)).collect()
}

/// Items that training does not know, and for later targets those of the context, are no candidates.
fn exclusions(tasks: &[TaskEvents<'_>], settings: &Settings, device: &Device) -> Tensor<3> {
    let known = &settings.schema.known;
    let base: Vec<f32> = known.iter().map(|&known| if known { 0.0 } else { NEVER }).collect();
    let mut values = base.repeat(tasks.len());
    for (row, task) in values.chunks_exact_mut(known.len().max(1)).zip(tasks) {
        passed(task).iter().for_each(|item| row[item.position()] = NEVER);
    }
    Tensor::from_data(TensorData::new(values, [tasks.len(), 1, known.len()]), device)
}

/// Items drawn from the targets' own frequencies mixed with the uniform distribution, and minus the log of how often each is expected, or a large negative number
/// where an item is no candidate, `[tasks, 1, size]`.
///
/// The draw is a pure function of the tasks, so that a batch can be made again.
fn draw_sample(
    tasks: &[TaskEvents<'_>],
    size: usize,
    settings: &Settings,
    device: &Device,
) -> (Tensor<1, Int>, Tensor<3>) {
    let known: Vec<u32> =
        (0..).zip(&settings.schema.known).filter(|(_, known)| **known).map(|(index, _)| index).collect();
    let mut seed = 0u64;
    let mut pool: Vec<u32> = Vec::new();
    for task in tasks {
        let events = match task.targets {
            Targets::Context => task.context,
            Targets::Later(events) => events,
        };
        for event in events.iter().filter(|event| settings.schema.known[event.item.position()]) {
            seed = seed.rotate_left(5) ^ u64::from(event.item.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
            pool.push(event.item.0);
        }
    }
    let mut counts = std::collections::HashMap::<u32, u32>::new();
    for &item in &pool {
        *counts.entry(item).or_default() += 1;
    }
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let (mut items, mut shift) = (Vec::with_capacity(size), Vec::with_capacity(size));
    for _ in 0..size {
        let from_pool = !pool.is_empty() && rng.random_bool(0.5);
        let source = if from_pool || known.is_empty() { &pool } else { &known };
        let item = if source.is_empty() { 0 } else { source[rng.random_range(0..source.len())] };
        let share = f64::from(counts.get(&item).copied().unwrap_or(0)) / pool.len().max(1) as f64;
        let uniform = 1.0 / known.len().max(1) as f64;
        let chance = if pool.is_empty() { uniform } else { 0.5 * share + 0.5 * uniform };
        items.push(item as i32);
        shift.push(-((chance * size as f64).ln()) as f32);
    }
    let mut shifts = shift.repeat(tasks.len());
    for (row, task) in shifts.chunks_exact_mut(size.max(1)).zip(tasks) {
        let passed = passed(task);
        let drawn = row.iter_mut().zip(&items);
        drawn.filter(|(_, item)| passed.contains(&ItemIndex(**item as u32))).for_each(|(shift, _)| *shift = NEVER);
    }
    let items = Tensor::from_data(TensorData::new(items, [size]), device);
    (items, Tensor::from_data(TensorData::new(shifts, [tasks.len(), 1, size]), device))
}

impl TaskBatch for PreferenceBatch {
    fn tasks(&self) -> usize {
        self.items.dims()[0]
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        let int = |tensor: &Tensor<2, Int>| tensor.clone().narrow(0, start, tasks);
        let flat = |tensor: &Tensor<2>| tensor.clone().narrow(0, start, tasks);
        let deep = |tensor: &Tensor<3>| tensor.clone().narrow(0, start, tasks);
        Self {
            items: int(&self.items),
            actions: int(&self.actions),
            gaps: int(&self.gaps),
            numbers: deep(&self.numbers),
            values: flat(&self.values),
            rated: flat(&self.rated),
            last: deep(&self.last),
            prefix_weights: flat(&self.prefix_weights),
            target_items: int(&self.target_items),
            target_weights: deep(&self.target_weights),
            target_values: flat(&self.target_values),
            target_rated: flat(&self.target_rated),
            excluded: self.excluded.as_ref().map(deep),
            sample: self.sample.as_ref().map(|(items, shift)| (items.clone(), deep(shift))),
            noise: self.noise.map(|seed| seed.wrapping_add((start as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15))),
        }
    }

    fn to_device(self, device: &Device) -> Self {
        Self {
            items: self.items.to_device(device),
            actions: self.actions.to_device(device),
            gaps: self.gaps.to_device(device),
            numbers: self.numbers.to_device(device),
            values: self.values.to_device(device),
            rated: self.rated.to_device(device),
            last: self.last.to_device(device),
            prefix_weights: self.prefix_weights.to_device(device),
            target_items: self.target_items.to_device(device),
            target_weights: self.target_weights.to_device(device),
            target_values: self.target_values.to_device(device),
            target_rated: self.target_rated.to_device(device),
            excluded: self.excluded.map(|tensor| tensor.to_device(device)),
            sample: self.sample.map(|(items, shift)| (items.to_device(device), shift.to_device(device))),
            noise: self.noise,
        }
    }

    fn with_noise(mut self, seed: u64) -> Self {
        self.noise = Some(seed);
        self
    }
}
