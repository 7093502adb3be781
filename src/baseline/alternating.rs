//! What alternating least squares have in common: many small ridge regressions with one set of factors given.

use faer::Mat;
use rayon::prelude::*;

use crate::baseline::spd::{add_gram, solve};
use crate::data::Draws;

/// Rows that are multiplied at once.
const BLOCK: usize = 512;

/// One observation: a row of known factors, how much its square counts, and the number it is multiplied by on the right.
pub(super) struct Term<'a> {
    /// `[d]`.
    pub(super) row: &'a [f64],
    /// 0 or more.
    pub(super) weight: f64,
    pub(super) target: f64,
}

/// The normal equations of one ridge regression after another, in the same memory.
pub(super) struct Equations {
    matrix: Mat<f64>,
    rows: Vec<f64>,
    solution: Vec<f64>,
}

impl Equations {
    /// For `d` unknowns.
    pub(super) fn new(d: usize) -> Self {
        Self { matrix: Mat::zeros(d, d), rows: Vec::new(), solution: vec![0.0; d] }
    }

    /// Solves `(start + sum(weight * row^T row)) x = right + sum(target * row)`, `start` being a symmetric matrix of
    /// which the lower triangle is read. `None` if that is not positive definite.
    ///
    /// Costs `d^2 / 2` multiplications for each term and `d^3 / 6` besides.
    pub(super) fn solve<'t>(
        &mut self,
        start: &Mat<f64>,
        right: &[f64],
        terms: impl IntoIterator<Item = Term<'t>>,
    ) -> Option<&[f64]> {
        let d = self.solution.len();
        self.matrix.copy_from(start);
        self.solution.copy_from_slice(right);
        self.rows.clear();
        for Term { row, weight, target } in terms {
            let root = weight.sqrt();
            self.rows.extend(row.iter().map(|value| root * value));
            self.solution.iter_mut().zip(row).for_each(|(sum, value)| *sum += target * value);
            if self.rows.len() >= BLOCK * d {
                add_gram(&mut self.matrix, &self.rows);
                self.rows.clear();
            }
        }
        add_gram(&mut self.matrix, &self.rows);
        solve(&mut self.matrix, &mut self.solution).then_some(&self.solution[..])
    }
}

/// Sets each row of `factors`, `[rows, d]`, by what `solution` finds for it with the equations of so many unknowns, over
/// threads; the result does not depend on how many there are. `None` if one has no solution.
pub(super) fn update(
    factors: &mut [f64],
    (d, unknowns): (usize, usize),
    solution: impl Fn(&mut Equations, usize, &mut [f64]) -> Option<()> + Sync,
) -> Option<()> {
    let rows = factors.par_chunks_mut(d).enumerate();
    rows.map_init(|| Equations::new(unknowns), |equations, (row, factors)| solution(equations, row, factors)).collect()
}

/// Where factors start: nearly normal numbers of deviation 0.1, `[rows, d]`, the same for one seed.
pub(super) fn start(rows: usize, d: usize, seed: u64) -> Vec<f64> {
    let mut draws = Draws::new(*b"baseline", seed, 0);
    (0..rows * d).map(|_| 0.1 * draws.normal()).collect()
}

/// The mean of rows `[rows, d]`; zeros where there are none.
pub(super) fn mean(rows: &[f64], d: usize) -> Vec<f64> {
    let mut mean = vec![0.0; d];
    for row in rows.chunks_exact(d) {
        mean.iter_mut().zip(row).for_each(|(sum, value)| *sum += value);
    }
    let count = (rows.len() / d.max(1)).max(1) as f64;
    mean.iter_mut().for_each(|sum| *sum /= count);
    mean
}

/// The inner product.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::spd::diagonal;

    #[test]
    fn a_regression_solves_its_normal_equations_however_many_terms_there_are() {
        let rows: Vec<f64> = (0..3 * (BLOCK + 7)).map(|at| ((at * 37) % 11) as f64 / 5.0 - 1.0).collect();
        let term = |row: &[f64]| (2.0 + row[0], 1.0 - row[1]);
        let terms = rows.chunks(3).map(|row| Term { row, weight: term(row).0, target: term(row).1 });
        let x = Equations::new(3).solve(&diagonal(3, 0.5), &[1.0, 0.0, -1.0], terms).unwrap().to_vec();
        for (i, right) in [1.0, 0.0, -1.0].into_iter().enumerate() {
            let left: f64 = rows.chunks(3).map(|row| term(row).0 * row[i] * dot(row, &x)).sum();
            let right = right + rows.chunks(3).map(|row| term(row).1 * row[i]).sum::<f64>();
            assert!((left + 0.5 * x[i] - right).abs() < 1e-8, "{left} {right}");
        }
    }
}
