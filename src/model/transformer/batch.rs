//! A Transformer's tasks as tensors.

use burn::Tensor;
use burn::tensor::{Device, Int, TensorData};

use crate::model::task::{Supervision, Targets, TaskBatch, TaskEvents};
use crate::model::transformer::Settings;
use crate::model::transformer::candidates::{draw_sample, exclusions};
use crate::model::transformer::columns::{Columns, NUMBERS, profiles};
use crate::model::transformer::rows::{Predicts, Row, rows};

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
    /// Events of each row's context.
    lengths: Vec<usize>,
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
        batch.lengths = rows.iter().map(|row| row.context.len()).collect();
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
            lengths: Vec::new(),
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
    /// How far each event of the contexts is a like, `[rows, shots]`.
    pub(crate) fn likes(&self) -> Tensor<2> {
        let [rows, shots] = self.items.dims();
        self.numbers.clone().narrow(2, NUMBERS - 1, 1).reshape([rows, shots])
    }
    /// 1 where a code is known of whose row it is, `[rows, codes]`; nothing where nothing is known of anybody.
    pub(crate) fn profiles(&self) -> Option<Tensor<2>> {
        self.profiles.clone()
    }
    /// Events of each row's context.
    pub(crate) fn lengths(&self) -> &[usize] {
        &self.lengths
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

    /// What is known of each task besides its events, `[tasks, codes]`.
    pub(crate) fn task_profiles(&self) -> Option<Tensor<2>> {
        let profiles = self.profiles()?;
        let [rows, codes] = profiles.dims();
        Some(profiles.reshape([rows / self.rows, self.rows * codes]).narrow(1, 0, codes))
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
        Self { rows: 1, lengths: self.lengths.iter().step_by(self.rows).copied().collect(), ..whole }
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
            lengths: self.lengths.clone(),
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

impl TaskBatch for PreferenceBatch {
    fn tasks(&self) -> usize {
        self.items.dims()[0] / self.rows
    }

    fn narrow(&self, start: usize, tasks: usize) -> Self {
        let (first, rows) = (start * self.rows, tasks * self.rows);
        let noise = self.noise.map(|seed| seed.wrapping_add((start as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)));
        let cut =
            self.each(&|t| t.narrow(0, first, rows), &|t| t.narrow(0, first, rows), &|t| t.narrow(0, first, rows));
        Self { noise, lengths: self.lengths[first..first + rows].to_vec(), ..cut }
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
