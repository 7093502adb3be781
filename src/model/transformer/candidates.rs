//! Which items a prediction is weighed against.

use burn::Tensor;
use burn::tensor::{Device, Int, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::data::ItemIndex;
use crate::model::transformer::Settings;
use crate::model::transformer::rows::{Predicts, Row};

/// Added to the score of what is no candidate.
const NEVER: f32 = -1e9;

/// Items that training does not know and those of the context are no candidates; but what was left out of the context always is one.
pub(super) fn exclusions(rows: &[Row<'_>], predicts: Predicts, settings: &Settings, device: &Device) -> Tensor<3> {
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
pub(super) fn draw_sample(
    rows: &[Row<'_>],
    size: usize,
    settings: &Settings,
    device: &Device,
) -> (Tensor<1, Int>, Tensor<3>) {
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
