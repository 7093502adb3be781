//! Item vectors from who liked what.

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use crate::data::{LikeRule, TaskHistory};
use crate::model::initial::normal;

/// The likes of some tasks as a sparse matrix with scaled rows and columns.
struct Likes {
    /// `(user, item, value)`.
    entries: Vec<(usize, usize, f64)>,
    users: usize,
    items: usize,
}

impl Likes {
    /// Every liked item once a task, scaled by one over the roots of (count + shrink) of its row and its column.
    fn new(tasks: &[TaskHistory], items: usize, rule: &LikeRule, shrink: f64) -> Self {
        let mut entries = Vec::new();
        let (mut of_user, mut of_item) = (vec![0.0; tasks.len()], vec![0.0; items]);
        for (user, task) in tasks.iter().enumerate() {
            let mut liked: Vec<usize> =
                task.events.iter().filter(|event| rule.is_like(event)).map(|event| event.item.position()).collect();
            liked.sort_unstable();
            liked.dedup();
            for item in liked {
                entries.push((user, item, 1.0));
                of_user[user] += 1.0;
                of_item[item] += 1.0;
            }
        }
        for (user, item, value) in &mut entries {
            *value = 1.0 / ((of_user[*user] + shrink).sqrt() * (of_item[*item] + shrink).sqrt());
        }
        Self { entries, users: tasks.len(), items }
    }

    /// `L^T (L x)` for a block `[items, d]`.
    fn gram(&self, x: &[f64], d: usize) -> Vec<f64> {
        let mut of_user = vec![0.0; self.users * d];
        for &(user, item, value) in &self.entries {
            let (to, from) = (&mut of_user[user * d..(user + 1) * d], &x[item * d..(item + 1) * d]);
            to.iter_mut().zip(from).for_each(|(to, from)| *to += value * from);
        }
        let mut out = vec![0.0; self.items * d];
        for &(user, item, value) in &self.entries {
            let (to, from) = (&mut out[item * d..(item + 1) * d], &of_user[user * d..(user + 1) * d]);
            to.iter_mut().zip(from).for_each(|(to, from)| *to += value * from);
        }
        out
    }
}

/// Standard deviation of item vectors.
pub(super) const VECTOR_DEVIATION: f32 = 0.05;

/// Makes the columns of a block orthonormal (modified Gram-Schmidt); a column that depends on the ones before it becomes zero.
fn orthonormalise(x: &mut [f64], d: usize) {
    let rows = x.len() / d;
    let dot = |x: &[f64], a: usize, b: usize| (0..rows).map(|row| x[row * d + a] * x[row * d + b]).sum::<f64>();
    for column in 0..d {
        for before in 0..column {
            let share = dot(x, before, column);
            (0..rows).for_each(|row| x[row * d + column] -= share * x[row * d + before]);
        }
        let norm = dot(x, column, column).sqrt();
        let scale = if norm > 1e-10 { 1.0 / norm } else { 0.0 };
        (0..rows).for_each(|row| x[row * d + column] *= scale);
    }
}

/// Item vectors `[items, d]` from a truncated SVD of the normalised matrix of likes: right singular vectors times singular values, rotated at random so that no
/// dimension is special, and scaled to a standard deviation of 0.05.
///
/// Subspace iteration (Halko, Martinsson and Tropp 2011); costs about `30 * likes * d` operations and a Gram-Schmidt of `[items, d]` in each of 8 rounds.
#[must_use]
pub fn item_vectors(
    tasks: &[TaskHistory],
    items: usize,
    d: usize,
    rule: &LikeRule,
    shrink: f64,
    seed: u64,
) -> Vec<f32> {
    let likes = Likes::new(tasks, items, rule, shrink);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut basis: Vec<f64> = normal(items * d, 1.0, &mut rng).into_iter().map(f64::from).collect();
    for _ in 0..8 {
        basis = likes.gram(&basis, d);
        orthonormalise(&mut basis, d);
    }
    // In the subspace the singular values are the norms of the columns of L * basis once the basis has converged.
    let image = likes.gram(&basis, d);
    let singular: Vec<f64> = (0..d)
        .map(|column| {
            (0..items).map(|row| image[row * d + column] * basis[row * d + column]).sum::<f64>().max(0.0).sqrt()
        })
        .collect();
    let mut rotation: Vec<f64> = normal(d * d, 1.0, &mut rng).into_iter().map(f64::from).collect();
    orthonormalise(&mut rotation, d);
    let mut vectors = vec![0.0; items * d];
    for (row, out) in basis.chunks_exact(d).zip(vectors.chunks_exact_mut(d)) {
        for (k, (value, sigma)) in row.iter().zip(&singular).enumerate() {
            let scaled = value * sigma;
            out.iter_mut().zip(&rotation[k * d..(k + 1) * d]).for_each(|(out, turn)| *out += scaled * turn);
        }
    }
    let deviation = (vectors.iter().map(|value| value * value).sum::<f64>() / vectors.len().max(1) as f64).sqrt();
    let scale = if deviation > 0.0 { f64::from(VECTOR_DEVIATION) / deviation } else { 0.0 };
    vectors.into_iter().map(|value| (value * scale) as f32).collect()
}
