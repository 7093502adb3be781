//! What an inner step goes along: the gradient, or moments of it.

use burn::Tensor;
use serde::{Deserialize, Serialize};

use crate::meta::config::LearnerError;

/// The optimizer of the inner loop. Its moments start anew with every task.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum InnerOptimizer {
    /// Along the gradient.
    Sgd {},
    /// Along a running sum of gradients (heavy ball).
    Momentum {
        /// How much of the sum is kept at each step; 0 to less than 1. In files 0.9 where it is left out.
        #[serde(default = "usual_decay")]
        decay: f64,
    },
    /// Adam (Kingma and Ba, 2015). Reptile's authors take it with `beta_1 = 0`.
    ///
    /// `epsilon` stands under the root, `m / sqrt(v + epsilon^2)`, so that a step can be differentiated where a gradient is zero. The first steps of Adam have the
    /// length of the rate however small the gradient is, and are therefore hard to differentiate through: where the gradients of a task change sign, so do they.
    Adam {
        /// Decay of the mean of gradients; 0 to less than 1. In files 0.9 where it is left out.
        #[serde(default = "usual_decay")]
        beta_1: f64,
        /// Decay of the mean of squares; 0 to less than 1. In files 0.999 where it is left out.
        #[serde(default = "usual_decay_of_squares")]
        beta_2: f64,
        /// 1e-8 to 1: its third power must be a number in single precision. In files 1e-8 where it is left out.
        #[serde(default = "usual_epsilon")]
        epsilon: f64,
    },
}

impl Default for InnerOptimizer {
    fn default() -> Self {
        Self::Sgd {}
    }
}

fn usual_decay() -> f64 {
    0.9
}

fn usual_decay_of_squares() -> f64 {
    0.999
}

fn usual_epsilon() -> f64 {
    1e-8
}

/// Running moments of one tensor's gradients, or the derivatives of a loss in them.
#[derive(Clone, Debug)]
pub(crate) struct Moments<const D: usize> {
    pub(crate) first: Option<Tensor<D>>,
    pub(crate) second: Option<Tensor<D>>,
}

impl<const D: usize> Moments<D> {
    pub(crate) fn none() -> Self {
        Self { first: None, second: None }
    }
}

/// `kept * before + new`.
fn running<const D: usize>(before: Option<Tensor<D>>, kept: f64, new: Tensor<D>) -> Tensor<D> {
    match before {
        Some(before) => before * kept + new,
        None => new,
    }
}

impl InnerOptimizer {
    pub(crate) fn check(&self) -> Result<(), LearnerError> {
        let decay = |field, value: f64| {
            let expected = "0 to less than 1";
            let fits = (0.0..1.0).contains(&value);
            if fits { Ok(()) } else { Err(LearnerError { field, value: value.to_string(), expected }) }
        };
        match *self {
            Self::Sgd {} => Ok(()),
            Self::Momentum { decay: kept } => decay("optimizer.decay", kept),
            Self::Adam { beta_1, beta_2, epsilon } => {
                decay("optimizer.beta_1", beta_1)?;
                decay("optimizer.beta_2", beta_2)?;
                let (field, expected) = ("optimizer.epsilon", "1e-8 to 1");
                let fits = (1e-8..=1.0).contains(&epsilon);
                if fits { Ok(()) } else { Err(LearnerError { field, value: epsilon.to_string(), expected }) }
            }
        }
    }

    /// Takes a gradient into the moments.
    pub(crate) fn see<const D: usize>(&self, gradient: &Tensor<D>, moments: &mut Moments<D>) {
        match *self {
            Self::Sgd {} => {}
            Self::Momentum { decay } => moments.first = Some(running(moments.first.take(), decay, gradient.clone())),
            Self::Adam { beta_1, beta_2, .. } => {
                let new = gradient.clone() * (1.0 - beta_1);
                moments.first = Some(running(moments.first.take(), beta_1, new));
                let new = gradient.clone().square() * (1.0 - beta_2);
                moments.second = Some(running(moments.second.take(), beta_2, new));
            }
        }
    }

    /// What step number `step`, from 1, goes along, with the moments that have [seen](Self::see) its gradient.
    pub(crate) fn direction<const D: usize>(
        &self,
        step: usize,
        gradient: &Tensor<D>,
        moments: &Moments<D>,
    ) -> Tensor<D> {
        match (*self, &moments.first, &moments.second) {
            (Self::Momentum { .. }, Some(first), _) => first.clone(),
            (Self::Adam { beta_1, .. }, Some(first), Some(second)) => {
                first.clone() / (1.0 - power(beta_1, step)) / self.root(step, second.clone())
            }
            _ => gradient.clone(),
        }
    }

    /// The denominator of Adam.
    fn root<const D: usize>(&self, step: usize, second: Tensor<D>) -> Tensor<D> {
        let Self::Adam { beta_2, epsilon, .. } = *self else { return second.ones_like() };
        (second / (1.0 - power(beta_2, step)) + epsilon * epsilon).sqrt()
    }

    /// The derivative of a loss in a step's gradient, from its derivative in the step's direction and from what later steps have `carried` back: its derivatives
    /// in the moments after this step, which are replaced by those before it.
    pub(crate) fn pull_back<const D: usize>(
        &self,
        step: usize,
        gradient: &Tensor<D>,
        moments: &Moments<D>,
        of_direction: Tensor<D>,
        carried: &mut Moments<D>,
    ) -> Tensor<D> {
        match (*self, &moments.first, &moments.second) {
            (Self::Momentum { decay }, ..) => {
                let of_first = running(carried.first.take(), 1.0, of_direction);
                carried.first = Some(of_first.clone() * decay);
                of_first
            }
            (Self::Adam { beta_1, beta_2, .. }, Some(first), Some(second)) => {
                let (bias, bias_2) = (1.0 - power(beta_1, step), 1.0 - power(beta_2, step));
                let root = self.root(step, second.clone());
                let own_first = of_direction.clone() / root.clone() / bias;
                let own_second = of_direction * first.clone() / root.powi_scalar(3) / (-2.0 * bias * bias_2);
                let of_first = running(carried.first.take(), 1.0, own_first);
                let of_second = running(carried.second.take(), 1.0, own_second);
                carried.first = Some(of_first.clone() * beta_1);
                carried.second = Some(of_second.clone() * beta_2);
                of_first * (1.0 - beta_1) + of_second * gradient.clone() * (2.0 * (1.0 - beta_2))
            }
            _ => of_direction,
        }
    }
}

fn power(base: f64, exponent: usize) -> f64 {
    base.powf(exponent as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<InnerOptimizer, String> {
        serde_json::from_str(text).map_err(|error| error.to_string())
    }

    #[test]
    fn in_files_what_is_left_out_is_usual_and_what_is_unknown_is_refused() {
        assert_eq!(read(r#"{"kind": "sgd"}"#), Ok(InnerOptimizer::Sgd {}));
        assert_eq!(read(r#"{"kind": "momentum"}"#), Ok(InnerOptimizer::Momentum { decay: 0.9 }));
        let adam = InnerOptimizer::Adam { beta_1: 0.0, beta_2: 0.999, epsilon: 1e-8 };
        assert_eq!(read(r#"{"kind": "adam", "beta_1": 0}"#), Ok(adam));
        assert!(read(r#"{"kind": "momentum", "dekay": 0.5}"#).unwrap_err().contains("dekay"));
        assert!(read(r#"{"kind": "sgd", "decay": 0.5}"#).unwrap_err().contains("decay"));
    }

    #[test]
    fn settings_out_of_bounds_are_named() {
        let adam = |beta_1, beta_2, epsilon| InnerOptimizer::Adam { beta_1, beta_2, epsilon };
        for (optimizer, field) in [
            (InnerOptimizer::Momentum { decay: 1.0 }, "optimizer.decay"),
            (adam(-0.1, 0.5, 0.1), "optimizer.beta_1"),
            (adam(0.5, f64::NAN, 0.1), "optimizer.beta_2"),
            (adam(0.5, 0.5, 1e-9), "optimizer.epsilon"),
        ] {
            assert_eq!(optimizer.check().unwrap_err().field, field);
        }
    }
}
