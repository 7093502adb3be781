//! Rows as numbers on the host, before they become tensors.

use std::collections::HashSet;

use burn::Tensor;
use burn::tensor::{Device, TensorData};

use crate::data::IndexedEvent;
use crate::model::task::TaskEvents;
use crate::model::transformer::Settings;
use crate::model::transformer::rows::Predicts;

/// Numbers of each event: whether it has a value, the standardised value, whether it is a like.
pub(crate) const NUMBERS: usize = 3;
/// Buckets of the time since the event before, one for each factor of four; the last is "unknown".
pub(crate) const GAP_BUCKETS: usize = 17;

/// The bucket of a gap in seconds.
fn gap_bucket(seconds: Option<i64>) -> i32 {
    let Some(seconds) = seconds else { return GAP_BUCKETS as i32 - 1 };
    let octave = (seconds.max(0) as f64 + 1.0).log2() / 2.0;
    (octave as i32).min(GAP_BUCKETS as i32 - 2)
}

/// Host-side columns of a batch, filled row by row.
pub(super) struct Columns {
    pub(super) shots: usize,
    pub(super) prefixes: usize,
    pub(super) targets: usize,
    pub(super) items: Vec<i32>,
    pub(super) actions: Vec<i32>,
    pub(super) gaps: Vec<i32>,
    pub(super) numbers: Vec<f32>,
    pub(super) values: Vec<f32>,
    pub(super) rated: Vec<f32>,
    pub(super) last: Vec<f32>,
    pub(super) prefix_weights: Vec<f32>,
    pub(super) target_items: Vec<i32>,
    pub(super) target_weights: Vec<f32>,
    pub(super) target_values: Vec<f32>,
    pub(super) target_rated: Vec<f32>,
}

impl Columns {
    pub(super) fn new(rows: usize, [shots, prefixes, targets]: [usize; 3]) -> Self {
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

    pub(super) fn context(&mut self, row: usize, events: &[IndexedEvent], settings: &Settings) {
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
    pub(super) fn predicted(&mut self, row: usize, events: &[IndexedEvent], left_out: bool, settings: &Settings) {
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
    pub(super) fn prefixes(&mut self, row: usize, length: usize, predicts: Predicts) {
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

/// 1 where a code is known, `[tasks * rows, codes]`; nothing where nothing is known of anybody. Codes that the model has not are passed by.
pub(super) fn profiles(tasks: &[TaskEvents<'_>], rows: usize, codes: usize, device: &Device) -> Option<Tensor<2>> {
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
