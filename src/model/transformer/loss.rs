//! The likelihood of liked items, and its gradient in what a head adds to user vectors and gains.

use burn::Tensor;
use burn::tensor::activation::softmax;

use crate::model::transformer::batch::PreferenceBatch;

/// Everything that the likelihood of a batch needs of the body: what is predicted from what, in `rows` predictions a task.
///
/// A prediction from user vector `u` and gain `g` scores item `i` with `u . e_i + g b_i`. A head moves all of a task's user vectors by the same vector, and all
/// of its gains by the same number.
#[derive(Clone, Debug)]
pub(crate) struct RankingExamples {
    /// User vectors, `[tasks, rows, d]`.
    u: Tensor<3>,
    /// Gains, 1 being popularity as it is, `[tasks, rows, 1]`.
    gain: Tensor<3>,
    /// Sum of the liked targets' vectors, each by its weight, `[tasks, rows or 1, d]`.
    liked: Tensor<3>,
    /// The same sum of their popularities, `[tasks, rows or 1, 1]`.
    liked_popularity: Tensor<3>,
    /// The sum of the weights, `[tasks, rows or 1, 1]`.
    count: Tensor<3>,
    /// How much each prediction counts, `[tasks, rows, 1]`.
    weights: Tensor<3>,
    /// Vectors of the candidates, `[candidates, d]`.
    output: Tensor<2>,
    /// Their popularities, `[candidates]`.
    popularity: Tensor<1>,
    /// Added to their scores, `[tasks, rows or 1, candidates]`.
    shift: Option<Tensor<3>>,
}

impl RankingExamples {
    /// The predictions of a batch: `u` is `[rows, prefixes, d]`, `gain` `[rows, prefixes, 1]`, how much each counts `[rows, prefixes]`, `output`
    /// `[items, d]`, `popularity` `[items]`.
    pub(crate) fn new(
        (u, gain, prefix_weights): (Tensor<3>, Tensor<3>, Tensor<2>),
        (output, popularity): (Tensor<2>, Tensor<1>),
        batch: &PreferenceBatch,
    ) -> Self {
        let [rows, prefixes, d] = u.dims();
        let (tasks, a_task) = (rows / batch.rows(), batch.rows() * prefixes);
        let targets = batch.target_items().dims()[1];
        let flat = batch.target_items().reshape([rows * targets]);
        let vectors = output.clone().select(0, flat.clone()).reshape([rows, targets, d]);
        let biases = popularity.clone().select(0, flat).reshape([rows, targets, 1]);
        let weights = batch.target_weights().reshape([rows, 1, targets]);
        let liked = weights.clone().matmul(vectors).reshape([tasks, batch.rows(), d]);
        let liked_popularity = weights.clone().matmul(biases).reshape([tasks, batch.rows(), 1]);
        let (output, popularity, shift) = match batch.sample() {
            Some((items, shift)) => (output.select(0, items.clone()), popularity.select(0, items), Some(shift)),
            None => (output, popularity, batch.excluded()),
        };
        let candidates = popularity.dims()[0];
        Self {
            u: u.reshape([tasks, a_task, d]),
            gain: gain.reshape([tasks, a_task, 1]) + 1.0,
            liked,
            liked_popularity,
            count: weights.sum_dim(2).reshape([tasks, batch.rows(), 1]),
            weights: prefix_weights.reshape([tasks, a_task, 1]),
            output,
            popularity,
            shift: shift.map(|shift| shift.reshape([tasks, batch.rows(), candidates])),
        }
    }

    /// The same predictions with a vector `[tasks, d]` added to each task's user vectors, and a number `[tasks, 1]` to its gains.
    pub(crate) fn moved(&self, vectors: Tensor<2>, gains: Tensor<2>) -> Self {
        let u = self.u.clone() + vectors.unsqueeze_dim::<3>(1);
        let gain = self.gain.clone() + gains.unsqueeze_dim::<3>(1);
        Self { u, gain, ..self.clone() }
    }

    /// Scores of the candidates, `[tasks, rows, candidates]`.
    fn scores(&self) -> Tensor<3> {
        let [tasks, rows, d] = self.u.dims();
        let candidates = self.popularity.dims()[0];
        let flat = self.u.clone().reshape([tasks * rows, d]).matmul(self.output.clone().transpose());
        let popular = self.gain.clone() * self.popularity.clone().reshape([1, 1, candidates]);
        let scores = flat.reshape([tasks, rows, candidates]) + popular;
        match &self.shift {
            Some(shift) => scores + shift.clone(),
            None => scores,
        }
    }

    /// Negative log-likelihood of each task's likes, each prediction by its weight, `[tasks]`.
    ///
    /// The sum of the targets' scores is `u . (sum of their vectors)`, so only the normaliser needs scores of all items.
    pub(crate) fn loss(&self) -> Tensor<1> {
        let scores = self.scores();
        let top = scores.clone().detach().max_dim(2);
        let normaliser = (scores - top.clone()).exp().sum_dim(2).log() + top;
        let liked =
            (self.liked.clone() * self.u.clone()).sum_dim(2) + self.liked_popularity.clone() * self.gain.clone();
        let [tasks, _, _] = self.u.dims();
        ((self.count.clone() * normaliser - liked) * self.weights.clone()).sum_dim(1).reshape([tasks])
    }

    /// The derivative of [`loss`](Self::loss) in what is added to the user vectors `[tasks, d]` and to the gains `[tasks, 1]`.
    pub(crate) fn gradient(&self) -> (Tensor<2>, Tensor<2>) {
        let [tasks, _, d] = self.u.dims();
        let candidates = self.popularity.dims()[0];
        let weighted = self.weights.clone() * self.count.clone();
        // Summed over the rows before the product with all item vectors, which is the dear one.
        let expected = (softmax(self.scores(), 2) * weighted).sum_dim(1).reshape([tasks, candidates]);
        let liked = (self.liked.clone() * self.weights.clone()).sum_dim(1).reshape([tasks, d]);
        let liked_popularity = (self.liked_popularity.clone() * self.weights.clone()).sum_dim(1).reshape([tasks, 1]);
        let popularity = self.popularity.clone().reshape([candidates, 1]);
        (expected.clone().matmul(self.output.clone()) - liked, expected.matmul(popularity) - liked_popularity)
    }
}
