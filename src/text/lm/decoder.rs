//! What all decoders have in common.

use burn::Tensor;
use burn::module::Param;
use burn::tensor::{Device, Int, TensorData};

use super::cache::KeyValues;
use super::source::Weights;
use crate::text::TextError;

/// Added to scores of what comes later.
const MASKED: f32 = -1e9;

/// Tokens in, states and logits out.
pub(super) trait Decoder: Send + Sync {
    /// Width of the states.
    fn width(&self) -> usize;

    fn layers(&self) -> usize;

    /// Tokens that can be read at most.
    fn positions(&self) -> usize;

    /// How many tokens there are.
    fn vocabulary(&self) -> usize;

    /// The states of new tokens, of each text as many, `[texts, tokens, width]`, after the first `layers` layers, normalised if these are all. What was read before
    /// is in `read`, where what is read now is added: of the same texts, and by as many layers.
    fn states(&self, tokens: &[Vec<u32>], read: &mut KeyValues, layers: usize) -> Tensor<3>;

    /// How probable each token is next, up to a constant, `[states, vocabulary]`, from the last layer's states.
    fn logits(&self, states: Tensor<2>) -> Tensor<2>;
}

/// The rows of some tokens, `[texts, tokens, width]`.
pub(super) fn lookup(table: &Param<Tensor<2>>, tokens: &[Vec<u32>]) -> Tensor<3> {
    let (texts, count) = (tokens.len(), tokens.first().map_or(0, Vec::len));
    let flat: Vec<i32> = tokens.iter().flatten().map(|&token| token as i32).collect();
    let table = table.val();
    let (d, device) = (table.dims()[1], table.device());
    let flat = Tensor::<1, Int>::from_data(TensorData::new(flat, [texts * count]), &device);
    table.select(0, flat).reshape([texts, count, d])
}

/// Added to scores `[group * tokens, first + tokens]`: nothing of what came before, a large negative number of what comes later. Nothing for a single token.
pub(super) fn causal(first: usize, tokens: usize, group: usize, device: &Device) -> Option<Tensor<4>> {
    if tokens == 1 {
        return None;
    }
    let row = |at: usize| (0..first + tokens).map(move |other| if other <= first + at { 0.0 } else { MASKED });
    let values: Vec<f32> = (0..group).flat_map(|_| (0..tokens).flat_map(row)).collect();
    Some(Tensor::from_data(TensorData::new(values, [1, 1, group * tokens, first + tokens]), device))
}

/// A linear map from `[from]` to `[to]`, which files have the other way round.
pub(super) fn matrix(
    weights: &dyn Weights,
    name: &str,
    [from, to]: [usize; 2],
    device: &Device,
) -> Result<Param<Tensor<2>>, TextError> {
    let rows = weights.weight(name, &[to, from])?;
    let mut turned = vec![0.0; rows.len()];
    // Block by block, so that both sides stay within the processor's caches.
    const BLOCK: usize = 64;
    for (rows_at, columns_at) in
        (0..to).step_by(BLOCK).flat_map(|row| (0..from).step_by(BLOCK).map(move |column| (row, column)))
    {
        for row in rows_at..(rows_at + BLOCK).min(to) {
            for column in columns_at..(columns_at + BLOCK).min(from) {
                turned[column * to + row] = rows[row * from + column];
            }
        }
    }
    Ok(Param::from_data(TensorData::new(turned, [from, to]), device))
}

/// A table as files have it.
pub(super) fn table(
    weights: &dyn Weights,
    name: &str,
    shape: [usize; 2],
    device: &Device,
) -> Result<Param<Tensor<2>>, TextError> {
    Ok(Param::from_data(TensorData::new(weights.weight(name, &shape)?, shape), device))
}
