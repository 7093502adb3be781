//! A Gaussian prior over linear heads, and its posterior after some examples.

use burn::Tensor;
use burn::module::{Module, Param};
use burn::tensor::{Device, TensorData};

use crate::model::LinearExamples;
use crate::model::initial::RankOne;

/// How tasks' own heads are spread around the model's head, and how noisy their targets are.
///
/// The covariance is `S S^T`, so any `S` is a valid one, and the variance of the noise is `exp(log_noise)`.
#[derive(Module, Debug)]
pub struct GaussianPrior {
    /// `S`, `[d_head, d_head]`.
    scale: Param<Tensor<2>>,
    /// `[1]`.
    log_noise: Param<Tensor<1>>,
}

impl GaussianPrior {
    /// The prior with this covariance (row by row, symmetric positive definite) and variance of the noise.
    ///
    /// A covariance that is not positive definite is replaced by its diagonal, at least 1e-6.
    #[must_use]
    pub fn new(covariance: &[f64], noise: f64, device: &Device) -> Self {
        let d = covariance.len().isqrt();
        let mut factor = covariance.to_vec();
        let scale: Vec<f32> = if crate::model::initial::cholesky(&mut factor, d) {
            (0..d * d).map(|at| if at % d > at / d { 0.0 } else { factor[at] as f32 }).collect()
        } else {
            let root = |at: usize| covariance[at].max(1e-6).sqrt() as f32;
            (0..d * d).map(|at| if at % (d + 1) == 0 { root(at) } else { 0.0 }).collect()
        };
        let log_noise = vec![noise.max(1e-6).ln() as f32];
        Self {
            scale: Param::from_data(TensorData::new(scale, [d, d]), device),
            log_noise: Param::from_data(TensorData::new(log_noise, [1]), device),
        }
    }

    /// Posterior means after none, one, two ... of each task's examples, `[tasks, shots + 1, d_head]`, differentiable in everything; `expected` is the prior's
    /// mean at each of them, of the same shape.
    ///
    /// One rank-one update of the covariance an example (the Kalman filter of a constant state), so every prefix comes with the last one. Masked examples
    /// change nothing.
    pub(crate) fn posterior_path(&self, expected: Tensor<3>, examples: &LinearExamples) -> Tensor<3> {
        let [tasks, shots, d] = examples.features.dims();
        let scale = self.scale.val();
        let prior = scale.clone().matmul(scale.transpose());
        let noise = self.log_noise.val().exp().reshape([1, 1, 1]);
        let mut covariance: Tensor<3> = prior.unsqueeze::<3>().expand([tasks, d, d]);
        let device = examples.features.device();
        // The examples' precision, and their targets weighed by it.
        let (mut gram, mut seen) =
            (Tensor::<3>::zeros([tasks, d, d], &device), Tensor::<3>::zeros([tasks, d, 1], &device));
        let mean = |at: usize| expected.clone().narrow(1, at, 1).swap_dims(1, 2);
        let mut path = vec![mean(0).swap_dims(1, 2)];
        for shot in 0..shots {
            let x = examples.features.clone().narrow(1, shot, 1);
            let target = examples.targets.clone().narrow(1, shot, 1).reshape([tasks, 1, 1]);
            let mask = examples.mask.clone().narrow(1, shot, 1).reshape([tasks, 1, 1]);
            let direction = covariance.clone().matmul(x.clone().swap_dims(1, 2));
            let gain = direction.clone() * mask.clone() / (x.clone().matmul(direction.clone()) + noise.clone());
            covariance = covariance - gain.matmul(direction.swap_dims(1, 2));
            let weighed = x.clone().swap_dims(1, 2) * mask / noise.clone();
            gram = gram + weighed.clone().matmul(x);
            seen = seen + weighed * target;
            let mean = mean(shot + 1);
            let moved = mean.clone() + covariance.clone().matmul(seen.clone() - gram.clone().matmul(mean));
            path.push(moved.swap_dims(1, 2));
        }
        Tensor::cat(path, 1)
    }

    /// The same posterior after all examples of each task, computed on the host in double precision: what serving uses. `expected` is the prior's mean
    /// for each task, `[tasks, d_head]`.
    pub(crate) fn posteriors(&self, expected: Tensor<2>, examples: &LinearExamples) -> Vec<HeadPosterior> {
        let [tasks, shots, d] = examples.features.dims();
        let read = |data: TensorData| data.iter::<f32>().map(f64::from).collect::<Vec<f64>>();
        let (scale, log_noise) = (read(self.scale.val().into_data()), read(self.log_noise.val().into_data()));
        let expected = read(expected.into_data());
        let features = read(examples.features.clone().into_data());
        let (targets, mask) = (read(examples.targets.clone().into_data()), read(examples.mask.clone().into_data()));
        let noise = log_noise.first().map_or(1.0, |log| log.exp());
        let mut prior = vec![0.0; d * d];
        for a in 0..d {
            for b in 0..=a {
                let dot: f64 = (0..d).map(|k| scale[a * d + k] * scale[b * d + k]).sum();
                prior[a * d + b] = dot;
                prior[b * d + a] = dot;
            }
        }
        let posterior = |task: usize| {
            let mut update = RankOne::new(prior.clone(), expected[task * d..(task + 1) * d].to_vec(), noise);
            let (mut surprise, mut seen) = (0.0, 0);
            for shot in (task * shots..(task + 1) * shots).filter(|&at| mask[at] > 0.0) {
                surprise += update.see(&features[shot * d..(shot + 1) * d], targets[shot]);
                seen += 1;
            }
            HeadPosterior { mean: update.mean().to_vec(), covariance: update.into_covariance(), noise, surprise, seen }
        };
        (0..tasks).map(posterior).collect()
    }
}

/// What is believed of one task's own head after its examples.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HeadPosterior {
    /// `[d_head]`.
    pub mean: Vec<f64>,
    /// Row by row, `[d_head, d_head]`.
    pub covariance: Vec<f64>,
    /// Variance of what a head cannot predict.
    pub noise: f64,
    /// How far off the prediction of each example was from those before it: squared, over the variance that was expected, summed. About
    /// [`seen`](Self::seen) for a task like others.
    pub surprise: f64,
    /// How many examples there were.
    pub seen: usize,
}

impl HeadPosterior {
    /// The means of some tasks, `[tasks, d_head]`.
    pub(crate) fn means(posteriors: &[Self], d_head: usize, device: &Device) -> Tensor<2> {
        let heads: Vec<f32> = posteriors.iter().flat_map(|one| &one.mean).map(|&value| value as f32).collect();
        Tensor::from_data(TensorData::new(heads, [posteriors.len(), d_head]), device)
    }
}
