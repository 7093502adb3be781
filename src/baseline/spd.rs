//! Symmetric positive definite matrices in double precision, by `faer`.
//!
//! Everything here runs on the calling thread: callers spread independent systems over rayon's threads, so that results
//! do not depend on how many there are.

use faer::dyn_stack::{MemBuffer, MemStack};
use faer::linalg::cholesky::llt::{factor, solve};
use faer::linalg::matmul::triangular::{self, BlockStructure};
use faer::linalg::triangular_inverse::invert_lower_triangular;
use faer::linalg::triangular_solve::solve_lower_triangular_in_place;
use faer::{Accum, Mat, MatRef, Par};

/// The least share of a number that must be left of it after a subtraction: six digits.
const LEAST_LEFT: f64 = 1e-10;

/// Replaces the lower triangle by its Cholesky factor; false if the matrix is not positive definite.
fn factorise(matrix: &mut Mat<f64>) -> bool {
    let scratch = factor::cholesky_in_place_scratch::<f64>(matrix.nrows(), Par::Seq, Default::default());
    let mut memory = MemBuffer::new(scratch);
    let stack = MemStack::new(&mut memory);
    let factor = factor::cholesky_in_place(matrix.as_mut(), Default::default(), Par::Seq, stack, Default::default());
    factor.is_ok() && (0..matrix.nrows()).all(|at| matrix[(at, at)].is_finite())
}

/// The inverse of a matrix of which the lower triangle is read: its lower triangle, the upper one being anything.
/// `None` if the matrix is not positive definite.
///
/// Costs `n^3` multiplications with additions, and memory for a second matrix meanwhile.
pub(super) fn inverse(mut matrix: Mat<f64>) -> Option<Mat<f64>> {
    if !factorise(&mut matrix) {
        return None;
    }
    let mut inverse = Mat::zeros(matrix.nrows(), matrix.ncols());
    invert_lower_triangular(inverse.as_mut(), matrix.as_ref(), Par::Seq);
    let inverse = inverse.as_ref();
    triangular::matmul(
        matrix.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Replace,
        inverse.transpose(),
        BlockStructure::TriangularUpper,
        inverse,
        BlockStructure::TriangularLower,
        1.0,
        Par::Seq,
    );
    Some(matrix)
}

/// The inverse of `rows^T rows + ridge * I` for `[m, n]` rows: its lower triangle, by a matrix of `[m, m]` (the identity of
/// Woodbury). `None` if that is not positive definite or the ridge too small for the numbers.
///
/// Costs `m * n^2 + m^2 * n` multiplications with additions: less than [`inverse`] where `m` is less than `n`.
pub(super) fn inverse_of_few(mut rows: Mat<f64>, ridge: f64) -> Option<Mat<f64>> {
    let rectangle = BlockStructure::Rectangular;
    let mut between = diagonal(rows.nrows(), ridge);
    let (lower, add) = (BlockStructure::TriangularLower, Accum::Add);
    let (left, right) = (rows.as_ref(), rows.transpose());
    triangular::matmul(between.as_mut(), lower, add, left, rectangle, right, rectangle, 1.0, Par::Seq);
    if !factorise(&mut between) {
        return None;
    }
    solve_lower_triangular_in_place(between.as_ref(), rows.as_mut(), Par::Seq);
    let mut inverse = diagonal(rows.ncols(), ridge.recip());
    let (left, right) = (rows.transpose(), rows.as_ref());
    triangular::matmul(inverse.as_mut(), lower, add, left, rectangle, right, rectangle, -ridge.recip(), Par::Seq);
    (0..inverse.nrows()).all(|at| inverse[(at, at)] * ridge > LEAST_LEFT).then_some(inverse)
}

/// A symmetric matrix of which the lower triangle is held, `scale` on the diagonal.
pub(super) fn diagonal(n: usize, scale: f64) -> Mat<f64> {
    let mut matrix = Mat::zeros(n, n);
    (0..n).for_each(|at| matrix[(at, at)] = scale);
    matrix
}

/// Adds `rows^T rows` of `[count, n]` rows to the lower triangle.
pub(super) fn add_gram(matrix: &mut Mat<f64>, rows: &[f64]) {
    let n = matrix.nrows();
    let rows = MatRef::from_row_major_slice(rows, rows.len() / n.max(1), n);
    triangular::matmul(
        matrix.as_mut(),
        BlockStructure::TriangularLower,
        Accum::Add,
        rows.transpose(),
        BlockStructure::Rectangular,
        rows,
        BlockStructure::Rectangular,
        1.0,
        Par::Seq,
    );
}

/// Solves `matrix x = x` in place, the matrix being spoilt; false if it is not positive definite.
pub(super) fn solve(matrix: &mut Mat<f64>, x: &mut [f64]) -> bool {
    if !factorise(matrix) {
        return false;
    }
    let mut memory = MemBuffer::new(solve::solve_in_place_scratch::<f64>(matrix.nrows(), 1, Par::Seq));
    let x = faer::MatMut::from_column_major_slice_mut(x, matrix.nrows(), 1);
    solve::solve_in_place(matrix.as_ref(), x, Par::Seq, MemStack::new(&mut memory));
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows that span the space, and their Gram matrix with 2 on the diagonal, by plain sums.
    fn example() -> (Vec<f64>, [[f64; 3]; 3]) {
        let rows = vec![1.0, 0.5, -2.0, 0.0, 3.0, 1.0, -1.5, 0.25, 0.5, 2.0, 2.0, -1.0];
        let mut gram = [[0.0; 3]; 3];
        for (i, row) in gram.iter_mut().enumerate() {
            for (j, sum) in row.iter_mut().enumerate() {
                *sum = rows.chunks(3).map(|row| row[i] * row[j]).sum::<f64>() + if i == j { 2.0 } else { 0.0 };
            }
        }
        (rows, gram)
    }

    #[test]
    fn the_gram_matrix_times_its_inverse_is_the_identity() {
        let (rows, gram) = example();
        let mut matrix = diagonal(3, 2.0);
        add_gram(&mut matrix, &rows);
        let inverse = inverse(matrix).unwrap();
        for (i, row) in gram.iter().enumerate() {
            for j in 0..3 {
                let product: f64 = (0..3).map(|k| row[k] * inverse[(k.max(j), k.min(j))]).sum();
                assert!((product - f64::from(i == j)).abs() < 1e-12, "{i} {j}: {product}");
            }
        }
    }

    #[test]
    fn few_rows_have_the_inverse_of_their_gram_matrix() {
        let values = [1.0, 0.5, -2.0, 0.0, 3.0, 0.0, 3.0, 1.0, -1.0, 0.5];
        let rows = Mat::from_fn(2, 5, |row, column| values[row * 5 + column]);
        let mut matrix = diagonal(5, 0.75);
        add_gram(&mut matrix, &values);
        let (direct, few) = (inverse(matrix).unwrap(), inverse_of_few(rows.clone(), 0.75).unwrap());
        for row in 0..5 {
            for column in 0..=row {
                assert!((direct[(row, column)] - few[(row, column)]).abs() < 1e-12, "{row} {column}");
            }
        }
        assert!(inverse_of_few(rows, -1e9).is_none() && inverse_of_few(Mat::identity(1, 1), 1e-12).is_none());
        assert!(inverse_of_few(Mat::zeros(0, 3), 2.0).is_some_and(|inverse| inverse[(2, 2)] == 0.5));
    }

    #[test]
    fn a_solution_satisfies_its_equations() {
        let (rows, gram) = example();
        let mut matrix = diagonal(3, 2.0);
        add_gram(&mut matrix, &rows);
        let mut x = [1.0, -2.0, 0.5];
        assert!(solve(&mut matrix, &mut x));
        for (row, expected) in gram.iter().zip([1.0, -2.0, 0.5]) {
            let product: f64 = row.iter().zip(x).map(|(a, b)| a * b).sum();
            assert!((product - expected).abs() < 1e-12, "{product} for {expected}");
        }
    }

    #[test]
    fn what_is_not_positive_definite_is_told() {
        assert!(inverse(diagonal(2, -1.0)).is_none());
        assert!(!solve(&mut diagonal(2, f64::NAN), &mut [1.0, 1.0]));
        assert!(inverse(diagonal(0, 1.0)).is_some(), "nothing is positive definite");
    }
}
