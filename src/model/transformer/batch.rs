//! A Transformer's tasks as tensors.

use std::borrow::Cow;
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
/// Every task has the same number of rows, each a context with something to predict from it. Most batches have one row a task. Where a support set is to be
/// predicted from itself, the first row is the whole of it, with nothing to predict, and each of the others leaves one like out and predicts it.
/// Contexts are padded on the right, where causal attention never looks.
#[derive(Clone, Debug)]
pub struct PreferenceBatch {
    rows: usize,
    items: Tensor<2, Int>,
    actions: Tensor<2, Int>,
    gaps: Tensor<2, Int>,
    numbers: Tensor<3>,
    /// 1 where a code is known of whose row it is, `[rows, codes]`; nothing where nothing is known of anybody.
    profiles: Option<Tensor<2>>,
    values: Tensor<2>,
    rated: Tensor<2>,
    last: Tensor<3>,
    prefix_weights: Tensor<2>,
    target_items: Tensor<2, Int>,
    target_weights: Tensor<2>,
    target_values: Tensor<2>,
    target_rated: Tensor<2>,
    predicts: Predicts,
    excluded: Option<Tensor<3>>,
    sample: Option<(Tensor<1, Int>, Tensor<3>)>,
    noise: Option<u64>,
}

/// What the rows of a batch are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Predicts {
    /// Targets of their own, from every prefix of the context.
    FromEveryPrefix,
    /// Targets of their own, from the whole context.
    FromTheWhole,
    /// The likes of the first row one by one, and its ratings.
    LeftOut,
}

/// The bucket of a gap in seconds.
fn gap_bucket(seconds: Option<i64>) -> i32 {
    let Some(seconds) = seconds else { return GAP_BUCKETS as i32 - 1 };
    let octave = (seconds.max(0) as f64 + 1.0).log2() / 2.0;
    (octave as i32).min(GAP_BUCKETS as i32 - 2)
}

/// Host-side columns of a batch, filled row by row.
struct Columns {
    shots: usize,
    prefixes: usize,
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
    fn new(rows: usize, [shots, prefixes, targets]: [usize; 3]) -> Self {
        let events = rows * shots;
        Self {
            shots,
            prefixes,
            targets,
            items: vec![0; events],
            actions: vec![0; events],
            gaps: vec![0; events],
            numbers: vec![0.0; events * NUMBERS],
            values: vec![0.0; events],
            rated: vec![0.0; events],
            last: vec![0.0; rows * (shots + 1)],
            prefix_weights: vec![0.0; rows * prefixes],
            target_items: vec![0; rows * targets],
            target_weights: vec![0.0; rows * targets],
            target_values: vec![0.0; rows * targets],
            target_rated: vec![0.0; rows * targets],
        }
    }

    fn context(&mut self, row: usize, events: &[IndexedEvent], settings: &Settings) {
        let schema = &settings.schema;
        let mut before: Option<i64> = None;
        for (place, event) in events.iter().enumerate() {
            let at = row * self.shots + place;
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

    /// What row `row` predicts; an unknown item counts only where it is `left_out` of what the user liked.
    fn predicted(&mut self, row: usize, events: &[IndexedEvent], left_out: bool, settings: &Settings) {
        let schema = &settings.schema;
        let mut liked = HashSet::new();
        for (place, event) in events.iter().enumerate() {
            let at = row * self.targets + place;
            self.target_items[at] = event.item.0 as i32;
            if let Some(value) = event.rating().filter(|_| schema.rated()) {
                self.target_values[at] = value;
                self.target_rated[at] = 1.0;
            }
            let counts = left_out || schema.known[event.item.position()];
            let weight = if counts { schema.likes.weight(event) } else { 0.0 };
            // An item that is liked again counts once.
            self.target_weights[at] = if weight > 0.0 && !liked.insert(event.item) { 0.0 } else { weight };
        }
        if !left_out {
            let weights = &mut self.target_weights[row * self.targets..row * self.targets + events.len()];
            let likes: f32 = weights.iter().sum();
            // A task with the mean number of likes counts as it is.
            let scale = (likes / schema.likes_per_task).powf(-settings.config.like_discount as f32);
            weights.iter_mut().filter(|weight| **weight > 0.0).for_each(|weight| *weight *= scale);
        }
    }

    /// From which prefixes row `row` of `length` events predicts.
    fn prefixes(&mut self, row: usize, length: usize, predicts: Predicts) {
        self.last[row * (self.shots + 1) + length] = 1.0;
        let start = row * self.prefixes;
        match predicts {
            Predicts::FromEveryPrefix => {
                self.prefix_weights[start..=start + length].fill(1.0 / (length + 1) as f32);
            }
            Predicts::FromTheWhole | Predicts::LeftOut => self.prefix_weights[start] = 1.0,
        }
    }
}

/// One row of a batch.
struct Row<'a> {
    context: Cow<'a, [IndexedEvent]>,
    targets: &'a [IndexedEvent],
    passed_over: &'a [IndexedEvent],
}

impl<'a> Row<'a> {
    fn reading(context: &'a [IndexedEvent]) -> Self {
        Self { context: Cow::Borrowed(context), targets: &[], passed_over: &[] }
    }

    /// The rows of a task whose likes are to be predicted one by one, each from all other events. An item that is liked again is left out once, with all its
    /// events.
    fn left_out(context: &'a [IndexedEvent], settings: &Settings) -> Vec<Self> {
        let mut rows = vec![Self::reading(context)];
        let mut liked = HashSet::new();
        for (place, event) in context.iter().enumerate() {
            if settings.schema.likes.weight(event) > 0.0 && liked.insert(event.item) {
                let others = context.iter().filter(|other| other.item != event.item).copied().collect();
                let targets = &context[place..=place];
                rows.push(Self { context: Cow::Owned(others), targets, passed_over: &[] });
            }
        }
        rows
    }

    /// Items that are no candidates because the context has them or they were passed over; an item that comes back later is a candidate after all.
    fn passed(&self) -> HashSet<ItemIndex> {
        if self.targets.is_empty() {
            return HashSet::new();
        }
        let later: HashSet<ItemIndex> = self.targets.iter().map(|event| event.item).collect();
        let gone = self.context.iter().chain(self.passed_over).map(|event| event.item);
        gone.filter(|item| !later.contains(item)).collect()
    }
}

/// The most recent events that the model reads.
fn recent<'a>(events: &'a [IndexedEvent], settings: &Settings) -> &'a [IndexedEvent] {
    &events[events.len().saturating_sub(settings.config.max_context)..]
}

/// The rows of each task, equally many, and what they are for.
fn rows<'a>(tasks: &[TaskEvents<'a>], supervision: Supervision, settings: &Settings) -> (Vec<Vec<Row<'a>>>, Predicts) {
    let left_out = tasks.iter().any(|task| matches!(task.targets, Targets::Others));
    let mut rows: Vec<Vec<Row<'a>>> = tasks
        .iter()
        .map(|task| {
            let context = recent(task.context, settings);
            match task.targets {
                Targets::Others => Row::left_out(context, settings),
                Targets::Nothing => vec![Row::reading(context)],
                Targets::Later(targets) => {
                    vec![Row { context: Cow::Borrowed(context), targets, passed_over: task.passed_over }]
                }
            }
        })
        .collect();
    let most = rows.iter().map(Vec::len).max().unwrap_or(1);
    rows.iter_mut().for_each(|rows| rows.resize_with(most, || Row::reading(&[])));
    let predicts = match supervision {
        _ if left_out => Predicts::LeftOut,
        Supervision::EveryPrefix => Predicts::FromEveryPrefix,
        Supervision::WholeContext => Predicts::FromTheWhole,
    };
    (rows, predicts)
}

impl PreferenceBatch {
    /// # Panics
    /// If some tasks are to be predicted from themselves and others are not.
    pub(crate) fn new(
        tasks: &[TaskEvents<'_>],
        supervision: Supervision,
        settings: &Settings,
        device: &Device,
    ) -> Self {
        let (rows, predicts) = rows(tasks, supervision, settings);
        let mixed = tasks.iter().any(|task| !matches!(task.targets, Targets::Others));
        assert!(
            !(mixed && predicts == Predicts::LeftOut),
            "all tasks of a batch are predicted from themselves, or none"
        );
        let a_task = rows.first().map_or(1, Vec::len);
        let rows: Vec<Row<'_>> = rows.into_iter().flatten().collect();
        let longest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0).max(1);
        let shots = longest(&mut rows.iter().map(|row| row.context.len()));
        let width = longest(&mut rows.iter().map(|row| row.targets.len()));
        let prefixes = if predicts == Predicts::FromEveryPrefix { shots + 1 } else { 1 };
        let mut columns = Columns::new(rows.len(), [shots, prefixes, width]);
        for (at, row) in rows.iter().enumerate() {
            columns.context(at, &row.context, settings);
            columns.prefixes(at, row.context.len(), predicts);
            columns.predicted(at, row.targets, predicts == Predicts::LeftOut, settings);
        }
        let mut batch = Self::upload(columns, (a_task, rows.len()), predicts, device);
        batch.profiles = profiles(tasks, a_task, settings.schema.profile.len(), device);
        if rows.iter().all(|row| row.targets.is_empty()) {
            return batch;
        }
        // A user's own steps must not depend on who is adapted beside them, so that what was left out is weighed against all items.
        let sample = settings.config.sample_size(settings.schema.known.len());
        match sample.filter(|_| predicts != Predicts::LeftOut) {
            Some(size) => batch.sample = Some(draw_sample(&rows, size, settings, device)),
            None => batch.excluded = Some(exclusions(&rows, predicts, settings, device)),
        }
        batch
    }

    fn upload(columns: Columns, (a_task, rows): (usize, usize), predicts: Predicts, device: &Device) -> Self {
        let (shots, targets, prefixes) = (columns.shots, columns.targets, columns.prefixes);
        let int = |values: Vec<i32>, width| Tensor::<2, Int>::from_data(TensorData::new(values, [rows, width]), device);
        let flat = |values: Vec<f32>, width| Tensor::<2>::from_data(TensorData::new(values, [rows, width]), device);
        let deep = |values: Vec<f32>, a, b| Tensor::<3>::from_data(TensorData::new(values, [rows, a, b]), device);
        Self {
            rows: a_task,
            items: int(columns.items, shots),
            actions: int(columns.actions, shots),
            gaps: int(columns.gaps, shots),
            numbers: deep(columns.numbers, shots, NUMBERS),
            profiles: None,
            values: flat(columns.values, shots),
            rated: flat(columns.rated, shots),
            last: deep(columns.last, shots + 1, 1),
            prefix_weights: flat(columns.prefix_weights, prefixes),
            target_items: int(columns.target_items, targets),
            target_weights: flat(columns.target_weights, targets),
            target_values: flat(columns.target_values, targets),
            target_rated: flat(columns.target_rated, targets),
            predicts,
            excluded: None,
            sample: None,
            noise: None,
        }
    }

    /// How many rows a task has.
    pub(crate) fn rows(&self) -> usize {
        self.rows
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
    /// 1 where a code is known of whose row it is, `[rows, codes]`; nothing where nothing is known of anybody.
    pub(crate) fn profiles(&self) -> Option<Tensor<2>> {
        self.profiles.clone()
    }
    /// 1 at the prefix that is the whole context, `[rows, 1 + shots, 1]`.
    pub(crate) fn last(&self) -> Tensor<3> {
        self.last.clone()
    }
    /// Whether predictions are from the whole contexts alone.
    pub(crate) fn predicts_from_the_whole(&self) -> bool {
        self.predicts != Predicts::FromEveryPrefix
    }
    /// How much each prediction of a row counts, `[rows, 1 + shots]`, or `[rows, 1]` where there is one.
    pub(crate) fn prefix_weights(&self) -> Tensor<2> {
        self.prefix_weights.clone()
    }
    pub(crate) fn target_items(&self) -> Tensor<2, Int> {
        self.target_items.clone()
    }
    /// How much each target counts, `[rows, targets]`.
    pub(crate) fn target_weights(&self) -> Tensor<2> {
        self.target_weights.clone()
    }
    pub(crate) fn sample(&self) -> Option<(Tensor<1, Int>, Tensor<3>)> {
        self.sample.clone()
    }
    pub(crate) fn noise(&self) -> Option<u64> {
        self.noise
    }
    /// Added to scores, `[rows, 1, items]`: a large negative number where an item is no candidate.
    pub(crate) fn excluded(&self) -> Option<Tensor<3>> {
        self.excluded.clone()
    }

    /// Items, values and a mask of the rated events that tasks read, each `[tasks, shots]`.
    pub(crate) fn context_ratings(&self) -> (Tensor<2, Int>, Tensor<2>, Tensor<2>) {
        let whole = |tensor: &Tensor<2>| {
            let [rows, shots] = tensor.dims();
            tensor.clone().reshape([rows / self.rows, self.rows * shots]).narrow(1, 0, shots)
        };
        let [rows, shots] = self.items.dims();
        let items = self.items.clone().reshape([rows / self.rows, self.rows * shots]).narrow(1, 0, shots);
        (items, whole(&self.values), whole(&self.rated))
    }

    /// Items, values and a mask of the rated events that are to be predicted, each `[tasks, targets]`.
    pub(crate) fn target_ratings(&self) -> (Tensor<2, Int>, Tensor<2>, Tensor<2>) {
        match self.predicts {
            Predicts::LeftOut => self.context_ratings(),
            _ => (self.target_items.clone(), self.target_values.clone(), self.target_rated.clone()),
        }
    }

    /// How much each task's mean squared error of ratings counts, `[tasks]`, where that is not 1. In a support set that is predicted from itself every rating counts
    /// as much as every like, so that steps on one event are shorter than those on twenty.
    pub(crate) fn rating_scale(&self, likes_per_task: f32) -> Option<Tensor<1>> {
        let left_out = self.predicts == Predicts::LeftOut;
        left_out.then(|| self.context_ratings().2.sum_dim(1).squeeze_dim(1) / f64::from(likes_per_task))
    }

    /// The first row of each task: its whole context.
    pub(crate) fn whole_contexts(&self) -> Self {
        if self.rows == 1 {
            return self.clone();
        }
        let (rows, tasks) = (self.rows as i64, self.tasks() as i64);
        let firsts = Tensor::<1, Int>::arange(0..tasks, &self.items.device()) * rows;
        let firsts = || firsts.clone();
        let whole = self.each(&|t| t.select(0, firsts()), &|t| t.select(0, firsts()), &|t| t.select(0, firsts()));
        Self { rows: 1, ..whole }
    }

    /// The same batch with every tensor of rows replaced.
    fn each(
        &self,
        int: &dyn Fn(Tensor<2, Int>) -> Tensor<2, Int>,
        flat: &dyn Fn(Tensor<2>) -> Tensor<2>,
        deep: &dyn Fn(Tensor<3>) -> Tensor<3>,
    ) -> Self {
        Self {
            rows: self.rows,
            items: int(self.items.clone()),
            actions: int(self.actions.clone()),
            gaps: int(self.gaps.clone()),
            numbers: deep(self.numbers.clone()),
            profiles: self.profiles.clone().map(flat),
            values: flat(self.values.clone()),
            rated: flat(self.rated.clone()),
            last: deep(self.last.clone()),
            prefix_weights: flat(self.prefix_weights.clone()),
            target_items: int(self.target_items.clone()),
            target_weights: flat(self.target_weights.clone()),
            target_values: flat(self.target_values.clone()),
            target_rated: flat(self.target_rated.clone()),
            predicts: self.predicts,
            excluded: self.excluded.clone().map(deep),
            sample: self.sample.clone().map(|(items, shift)| (items, deep(shift))),
            noise: self.noise,
        }
    }
}

/// 1 where a code is known, `[tasks * rows, codes]`; nothing where nothing is known of anybody. Codes that the model has not are passed by.
fn profiles(tasks: &[TaskEvents<'_>], rows: usize, codes: usize, device: &Device) -> Option<Tensor<2>> {
    if codes == 0 || tasks.iter().all(|task| task.profile.is_empty()) {
        return None;
    }
    let mut known = vec![0.0; tasks.len() * rows * codes];
    for (task, known) in tasks.iter().zip(known.chunks_exact_mut(rows * codes)) {
        for row in known.chunks_exact_mut(codes) {
            task.profile.iter().filter(|&&code| (code as usize) < codes).for_each(|&code| row[code as usize] = 1.0);
        }
    }
    Some(Tensor::from_data(TensorData::new(known, [tasks.len() * rows, codes]), device))
}

/// Items that training does not know and those of the context are no candidates; but what was left out of the context always is one.
fn exclusions(rows: &[Row<'_>], predicts: Predicts, settings: &Settings, device: &Device) -> Tensor<3> {
    let known = &settings.schema.known;
    let base: Vec<f32> = known.iter().map(|&known| if known { 0.0 } else { NEVER }).collect();
    let mut values = base.repeat(rows.len());
    for (scores, row) in values.chunks_exact_mut(known.len().max(1)).zip(rows) {
        row.passed().iter().for_each(|item| scores[item.position()] = NEVER);
        if predicts == Predicts::LeftOut {
            row.targets.iter().for_each(|target| scores[target.item.position()] = 0.0);
        }
    }
    Tensor::from_data(TensorData::new(values, [rows.len(), 1, known.len()]), device)
}

/// Items drawn from the targets' own frequencies mixed with the uniform distribution, and minus the log of how often each is expected, or a large negative number
/// where an item is no candidate, `[rows, 1, size]`.
///
/// The draw is a pure function of the rows, so that a batch can be made again.
fn draw_sample(rows: &[Row<'_>], size: usize, settings: &Settings, device: &Device) -> (Tensor<1, Int>, Tensor<3>) {
    let known: Vec<u32> =
        (0..).zip(&settings.schema.known).filter(|(_, known)| **known).map(|(index, _)| index).collect();
    let mut seed = 0u64;
    let mut pool: Vec<u32> = Vec::new();
    for event in rows.iter().flat_map(|row| row.targets) {
        if settings.schema.known[event.item.position()] {
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
    let mut shifts = shift.repeat(rows.len());
    for (shifts, row) in shifts.chunks_exact_mut(size.max(1)).zip(rows) {
        let passed = row.passed();
        let drawn = shifts.iter_mut().zip(&items);
        drawn.filter(|(_, item)| passed.contains(&ItemIndex(**item as u32))).for_each(|(shift, _)| *shift = NEVER);
    }
    let items = Tensor::from_data(TensorData::new(items, [size]), device);
    (items, Tensor::from_data(TensorData::new(shifts, [rows.len(), 1, size]), device))
}

impl TaskBatch for PreferenceBatch {
    fn tasks(&self) -> usize {
        self.items.dims()[0] / self.rows
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        let (first, rows) = (start * self.rows, tasks * self.rows);
        let noise = self.noise.map(|seed| seed.wrapping_add((start as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let cut =
            self.each(&|t| t.narrow(0, first, rows), &|t| t.narrow(0, first, rows), &|t| t.narrow(0, first, rows));
        Self { noise, ..cut }
    }

    fn to_device(self, device: &Device) -> Self {
        let moved = self.each(&|t| t.to_device(device), &|t| t.to_device(device), &|t| t.to_device(device));
        Self { sample: moved.sample.map(|(items, shift)| (items.to_device(device), shift)), ..moved }
    }

    fn with_noise(mut self, seed: u64) -> Self {
        self.noise = Some(seed);
        self
    }
}
