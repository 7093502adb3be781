//! Small symmetric positive definite systems and Gaussians, in double precision on the host.

/// The lower Cholesky factor of a symmetric positive definite matrix, row by row, in place; entries above the diagonal are left as they were.
///
/// Returns false, with the matrix spoilt, if it is not positive definite.
#[must_use]
pub(crate) fn cholesky(matrix: &mut [f64], n: usize) -> bool {
    for row in 0..n {
        for column in 0..=row {
            let mut sum = matrix[row * n + column];
            for k in 0..column {
                sum -= matrix[row * n + k] * matrix[column * n + k];
            }
            if row == column {
                if sum <= 0.0 || !sum.is_finite() {
                    return false;
                }
                matrix[row * n + row] = sum.sqrt();
            } else {
                matrix[row * n + column] = sum / matrix[column * n + column];
            }
        }
    }
    true
}

/// Solves `L L^T x = b` in place for the factor of [`cholesky`].
pub(crate) fn solve_cholesky(factor: &[f64], n: usize, b: &mut [f64]) {
    for row in 0..n {
        for k in 0..row {
            b[row] -= factor[row * n + k] * b[k];
        }
        b[row] /= factor[row * n + row];
    }
    for row in (0..n).rev() {
        for k in row + 1..n {
            b[row] -= factor[k * n + row] * b[k];
        }
        b[row] /= factor[row * n + row];
    }
}

/// A Gaussian that learns from one example at a time.
pub(crate) struct RankOne {
    covariance: Vec<f64>,
    mean: Vec<f64>,
    noise: f64,
}

impl RankOne {
    /// The prior with this covariance (row by row) and mean, and the variance of the noise.
    pub(crate) fn new(covariance: Vec<f64>, mean: Vec<f64>, noise: f64) -> Self {
        Self { covariance, mean, noise }
    }

    /// The mean after what was seen.
    pub(crate) fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// The covariance after what was seen, row by row.
    pub(crate) fn into_covariance(self) -> Vec<f64> {
        self.covariance
    }

    /// Conditions on one example: `d^2` operations. Returns the square of how far off the prediction of it was, over the variance that was expected: 1 on average.
    pub(crate) fn see(&mut self, x: &[f64], target: f64) -> f64 {
        let d = x.len();
        let direction: Vec<f64> =
            self.covariance.chunks_exact(d).map(|row| row.iter().zip(x).map(|(c, x)| c * x).sum()).collect();
        let spread = direction.iter().zip(x).map(|(v, x)| v * x).sum::<f64>() + self.noise;
        let error = target - self.mean.iter().zip(x).map(|(m, x)| m * x).sum::<f64>();
        for (mean, v) in self.mean.iter_mut().zip(&direction) {
            *mean += v / spread * error;
        }
        for (row, v) in self.covariance.chunks_exact_mut(d).zip(&direction) {
            row.iter_mut().zip(&direction).for_each(|(c, w)| *c -= v * w / spread);
        }
        error * error / spread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_system_worked_by_hand_is_solved() {
        let mut matrix = vec![4.0, 2.0, 2.0, 3.0];
        assert!(cholesky(&mut matrix, 2));
        let mut b = vec![8.0, 7.0];
        solve_cholesky(&matrix, 2, &mut b);
        // 4 x + 2 y = 8, 2 x + 3 y = 7
        assert!((b[0] - 1.25).abs() < 1e-12 && (b[1] - 1.5).abs() < 1e-12, "{b:?}");
    }

    #[test]
    fn an_indefinite_matrix_is_refused() {
        assert!(!cholesky(&mut [1.0, 2.0, 2.0, 1.0], 2));
    }
}
