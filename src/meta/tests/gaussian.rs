//! The Gaussian posterior against numbers worked out by hand, against the batch formula, and against itself.

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::meta::GaussianPrior;
use crate::model::LinearExamples;
use crate::model::initial::{cholesky, solve_cholesky};

/// Rows of examples of each task, as they stand in a batch.
struct Examples {
    d: usize,
    shots: usize,
    features: Vec<f32>,
    targets: Vec<f32>,
    mask: Vec<f32>,
}

impl Examples {
    fn tasks(&self) -> usize {
        self.targets.len() / self.shots
    }

    fn tensors(&self) -> LinearExamples {
        let (tasks, shots, device) = (self.tasks(), self.shots, Device::default());
        let flat = |values: &[f32]| Tensor::from_data(TensorData::new(values.to_vec(), [tasks, shots]), &device);
        LinearExamples {
            features: Tensor::from_data(TensorData::new(self.features.clone(), [tasks, shots, self.d]), &device),
            targets: flat(&self.targets),
            mask: flat(&self.mask),
        }
    }

    /// Random examples, with holes.
    fn random(tasks: usize, shots: usize, d: usize, seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut draw = |count: usize| (0..count).map(|_| rng.random_range(-1.0..1.0f32)).collect::<Vec<_>>();
        let (features, targets) = (draw(tasks * shots * d), draw(tasks * shots));
        let mask = (0..tasks * shots).map(|at| if at % 3 == 1 { 0.0 } else { 1.0 }).collect();
        Self { d, shots, features, targets, mask }
    }
}

/// The same mean for all tasks, `[tasks, d]`.
fn mean(values: &[f32], tasks: usize) -> Tensor<2> {
    let d = values.len();
    Tensor::<1>::from_data(TensorData::new(values.to_vec(), [d]), &Device::default()).reshape([1, d]).expand([tasks, d])
}

/// The same mean for all tasks after each of their examples, `[tasks, shots + 1, d]`.
fn means(values: &[f32], tasks: usize, shots: usize) -> Tensor<3> {
    mean(values, tasks).unsqueeze_dim::<3>(1).expand([tasks, shots + 1, values.len()])
}

/// Posterior means on the host, task by task.
fn host(prior: &GaussianPrior, mean: Tensor<2>, examples: &LinearExamples) -> Vec<f64> {
    prior.posteriors(mean, examples).into_iter().flat_map(|posterior| posterior.mean).collect()
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Vec<f64> {
    tensor.into_data().iter::<f32>().map(f64::from).collect()
}

fn assert_all_near(found: &[f64], expected: &[f64], within: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (at, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!((found - expected).abs() <= within, "{what}, {at}: {found} and {expected}");
    }
}

#[test]
fn a_posterior_worked_out_by_hand_is_found() {
    // Prior: mean (1, 0), covariance [[2, 1], [1, 2]], noise 1. Examples: x = (1, 0), y = 4, then x = (1, 1), y = 2.
    // First: C x = (2, 1), spread 2 + 1 = 3, error 4 - 1 = 3: mean (3, 1), C = [[2/3, 1/3], [1/3, 5/3]].
    // Second: C x = (1, 2), spread 3 + 1 = 4, error 2 - 4 = -2: mean (2.5, 0).
    let examples = Examples {
        d: 2,
        shots: 3,
        features: vec![1.0, 0.0, 9.0, 9.0, 1.0, 1.0],
        targets: vec![4.0, 9.0, 2.0],
        mask: vec![1.0, 0.0, 1.0],
    };
    let prior = GaussianPrior::new(&[2.0, 1.0, 1.0, 2.0], 1.0, &Device::default());
    let path = numbers(prior.posterior_path(means(&[1.0, 0.0], 1, 3), &examples.tensors()));
    assert_all_near(
        &path,
        &[1.0, 0.0, 3.0, 1.0, 3.0, 1.0, 2.5, 0.0],
        1e-5,
        "the path, the masked example in the middle",
    );
    assert_all_near(&host(&prior, mean(&[1.0, 0.0], 1), &examples.tensors()), &[2.5, 0.0], 1e-6, "on the host");
}

#[test]
fn the_covariance_and_the_surprise_worked_out_by_hand_are_found() {
    // As above: the predictions were off by 3 where a variance of 3 was expected, then by 2 where 4 was: 9 / 3 + 4 / 4.
    // After the second: [[2/3, 1/3], [1/3, 5/3]] - (1, 2) (1, 2)' / 4.
    let examples = Examples {
        d: 2,
        shots: 3,
        features: vec![1.0, 0.0, 9.0, 9.0, 1.0, 1.0],
        targets: vec![4.0, 9.0, 2.0],
        mask: vec![1.0, 0.0, 1.0],
    };
    let prior = GaussianPrior::new(&[2.0, 1.0, 1.0, 2.0], 1.0, &Device::default());
    let posterior = &prior.posteriors(mean(&[1.0, 0.0], 1), &examples.tensors())[0];
    let third = 1.0 / 3.0;
    let expected = [2.0 * third - 0.25, third - 0.5, third - 0.5, 5.0 * third - 1.0];
    assert_all_near(&posterior.covariance, &expected, 1e-6, "covariance");
    assert_all_near(&[posterior.surprise, posterior.noise], &[4.0, 1.0], 1e-6, "surprise and noise");
    assert_eq!(posterior.seen, 2, "the masked example was not");
}

/// `(C^-1 + X^T X / s)^-1 (C^-1 m + X^T y / s)` in double precision, which shares nothing with rank-one updates.
fn batch_formula(covariance: &[f64], noise: f64, prior_mean: &[f32], examples: &Examples, task: usize) -> Vec<f64> {
    let d = examples.d;
    let mut factor = covariance.to_vec();
    assert!(cholesky(&mut factor, d));
    let mut precision = vec![0.0; d * d];
    for column in 0..d {
        let mut unit = vec![0.0; d];
        unit[column] = 1.0;
        solve_cholesky(&factor, d, &mut unit);
        (0..d).for_each(|row| precision[row * d + column] = unit[row]);
    }
    let mut right: Vec<f64> =
        (0..d).map(|row| (0..d).map(|k| precision[row * d + k] * f64::from(prior_mean[k])).sum()).collect();
    for shot in (0..examples.shots).map(|shot| task * examples.shots + shot).filter(|&at| examples.mask[at] > 0.0) {
        let x = |k: usize| f64::from(examples.features[shot * d + k]);
        for a in 0..d {
            right[a] += x(a) * f64::from(examples.targets[shot]) / noise;
            (0..d).for_each(|b| precision[a * d + b] += x(a) * x(b) / noise);
        }
    }
    assert!(cholesky(&mut precision, d));
    solve_cholesky(&precision, d, &mut right);
    right
}

#[test]
fn updates_one_by_one_give_the_batch_formula_on_the_device_and_on_the_host() {
    let (tasks, shots, d) = (5, 12, 4_usize);
    let covariance: Vec<f64> = (0..d * d).map(|at| 0.5_f64.powi((at / d).abs_diff(at % d) as i32) * 1.5).collect();
    let prior_mean = [0.3, -0.2, 0.5, 0.1];
    for noise in [0.05, 1.0] {
        let examples = Examples::random(tasks, shots, d, 2);
        let prior = GaussianPrior::new(&covariance, noise, &Device::default());
        let expected: Vec<f64> =
            (0..tasks).flat_map(|task| batch_formula(&covariance, noise, &prior_mean, &examples, task)).collect();
        let host = host(&prior, mean(&prior_mean, tasks), &examples.tensors());
        assert_all_near(&host, &expected, 1e-5, "host and batch formula");
        let path = prior.posterior_path(means(&prior_mean, tasks, shots), &examples.tensors());
        let last = numbers(path.narrow(1, shots, 1));
        assert_all_near(&last, &expected, 1e-4, "device and batch formula");
    }
}

#[test]
fn each_step_of_the_path_is_the_posterior_of_so_many_examples() {
    let (tasks, shots, d) = (3, 5, 3);
    let prior = GaussianPrior::new(&[1.0, 0.2, 0.0, 0.2, 1.0, 0.0, 0.0, 0.0, 2.0], 0.3, &Device::default());
    let examples = Examples::random(tasks, shots, d, 8).tensors();
    // What is expected changes with every example.
    let values = (0..tasks * (shots + 1) * d).map(|at| (at as f32 * 0.7).sin()).collect::<Vec<f32>>();
    let expected = Tensor::<3>::from_data(TensorData::new(values, [tasks, shots + 1, d]), &Device::default());
    let path = prior.posterior_path(expected.clone(), &examples);
    for seen in 0..=shots {
        let some = LinearExamples {
            features: examples.features.clone().narrow(1, 0, seen.max(1)),
            targets: examples.targets.clone().narrow(1, 0, seen.max(1)),
            mask: examples.mask.clone().narrow(1, 0, seen.max(1)) * if seen == 0 { 0.0 } else { 1.0 },
        };
        let from = expected.clone().narrow(1, seen, 1).reshape([tasks, d]);
        let found = host(&prior, from, &some);
        assert_all_near(&numbers(path.clone().narrow(1, seen, 1)), &found, 1e-5, &format!("after {seen}"));
    }
}

#[test]
fn a_covariance_that_is_none_becomes_its_diagonal() {
    let prior = GaussianPrior::new(&[1.0, 2.0, 2.0, 1.0], 1.0, &Device::default());
    let one = Examples { d: 2, shots: 1, features: vec![1.0, 0.0], targets: vec![1.0], mask: vec![1.0] };
    assert_all_near(&host(&prior, mean(&[0.0, 0.0], 1), &one.tensors()), &[0.5, 0.0], 1e-6, "identity prior");
}
