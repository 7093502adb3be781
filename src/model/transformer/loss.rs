//! The likelihood of liked items.

use burn::Tensor;

use crate::model::transformer::batch::PreferenceBatch;

/// Negative log-likelihood of each task's liked targets, a weighted mean over prefixes of the sum over likes, `[tasks]`.
///
/// `u` is `[tasks, prefixes, d]`, `gain` `[tasks, prefixes, 1]`, `output` `[items, d]`, `popularity` `[items]`.
///
/// The sum of the targets' scores is `u . (sum of their vectors)`, so only the normaliser needs scores of all items.
pub(crate) fn ranking(
    u: Tensor<3>,
    gain: Tensor<3>,
    output: Tensor<2>,
    popularity: Tensor<1>,
    batch: &PreferenceBatch,
) -> Tensor<1> {
    let [tasks, prefixes, d] = u.dims();
    let gain = gain + 1.0;
    let [_, targets] = batch.target_items().dims();
    let flat = batch.target_items().reshape([tasks * targets]);
    let vectors = output.clone().select(0, flat.clone()).reshape([tasks, targets, d]);
    let biases = popularity.clone().select(0, flat).reshape([tasks, targets, 1]);
    let weights = batch.target_weights();
    let liked =
        (weights.clone().matmul(vectors) * u.clone()).sum_dim(2) + weights.clone().matmul(biases) * gain.clone();
    let count = weights.sum_dim(2);
    let normaliser = log_normaliser(u, gain, output, popularity, batch);
    let loss = (count * normaliser - liked).reshape([tasks, prefixes]) * batch.prefix_weights();
    loss.sum_dim(1).reshape([tasks])
}

/// Log of the sum of exponentiated scores over the candidates, `[tasks, prefixes, 1]`.
fn log_normaliser(
    u: Tensor<3>,
    gain: Tensor<3>,
    output: Tensor<2>,
    popularity: Tensor<1>,
    batch: &PreferenceBatch,
) -> Tensor<3> {
    let [tasks, prefixes, d] = u.dims();
    let (output, popularity, shift) = match batch.sample() {
        Some((items, shift)) => {
            let (output, popularity) = (output.select(0, items.clone()), popularity.select(0, items));
            (output, popularity, shift)
        }
        None => (output, popularity, batch.excluded()),
    };
    let candidates = popularity.dims()[0];
    let scores = u.reshape([tasks * prefixes, d]).matmul(output.transpose()).reshape([tasks, prefixes, candidates]);
    let scores = scores + gain * popularity.reshape([1, 1, candidates]) + shift;
    let top = scores.clone().detach().max_dim(2);
    (scores - top.clone()).exp().sum_dim(2).log() + top
}
