//! Gradients against differences of the function that they are of.

use std::fmt;

use burn::Tensor;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::TensorData;
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::meta::{axpy, combine, dot, norm, scaled};

/// Steps along a direction of length 1, each half of the one before.
const STEPS: [f64; 5] = [0.04, 0.02, 0.01, 0.005, 0.0025];

/// A derivative below this share of the gradient's norm is measured against that share: single precision resolves no less.
const FLOOR: f64 = 0.05;

/// Where a gradient is furthest from differences.
#[derive(Clone, Debug, Default)]
pub struct Worst {
    /// In which parameter's direction.
    pub parameter: String,
    /// The derivative in that direction by the gradient.
    pub analytic: f64,
    /// The derivative in that direction by differences.
    pub numeric: f64,
    /// How far they are apart, relative to the greater.
    pub error: f64,
}

impl fmt::Display for Worst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parameter, analytic, numeric, error } = self;
        write!(f, "along `{parameter}` {analytic} and {numeric}, apart by {error:.1e}")
    }
}

/// Compares a gradient with differences of `value`: in directions for each parameter tensor, half along its gradient and half random, and in some for all
/// of them.
///
/// Differences are central, at steps of 0.04, 0.02, 0.01, 0.005 and 0.0025 of the unit vector, and extrapolated from each two of them (Richardson), in two
/// random directions. The nearest counts: a long step crosses kinks, a short one is lost in rounding, and a wrong gradient is near none of them. Costs
/// twenty values a parameter tensor.
pub fn worst_error<M: Module>(module: &M, gradient: &GradientsParams, value: impl Fn(&M) -> f64) -> Worst {
    let size = norm(module, gradient);
    let nearest = |(parameter, direction): (String, GradientsParams)| {
        let analytic = dot(module, gradient, &direction);
        let slopes = STEPS.map(|step| {
            let at = |scale: f64| value(&axpy(module.clone(), &direction, scale));
            (at(step) - at(-step)) / (2.0 * step)
        });
        let extrapolated = slopes.windows(2).map(|pair| (4.0 * pair[1] - pair[0]) / 3.0);
        let of = |numeric: f64| {
            let error = match (analytic - numeric).abs() {
                // Where nothing depends on the parameter, both are zero.
                0.0 => 0.0,
                // What is no number is as far away as can be.
                apart if apart.is_nan() => f64::INFINITY,
                apart => apart / analytic.abs().max(numeric.abs()).max(FLOOR * size),
            };
            Worst { parameter: parameter.clone(), analytic, numeric, error }
        };
        nearer(slopes.into_iter().chain(extrapolated).map(of))
    };
    let draws = [directions(module, gradient, 1), directions(module, gradient, 2)];
    let [first, second] = draws.map(|draw| draw.into_iter().map(nearest).collect::<Vec<_>>());
    let both = first.into_iter().zip(second).map(|(first, second)| nearer([first, second].into_iter()));
    both.max_by(|a, b| a.error.total_cmp(&b.error)).unwrap_or_default()
}

fn nearer(found: impl Iterator<Item = Worst>) -> Worst {
    found.min_by(|a, b| a.error.total_cmp(&b.error)).unwrap_or_default()
}

/// The module with a normal draw of this deviation added to every parameter: away from the zeros and ones that modules start at, where a wrong derivative
/// can hide.
#[must_use]
pub fn jiggled<M: Module>(module: M, deviation: f64) -> M {
    let nothing = GradientsParams::new();
    let mut draw = Draw { gradient: &nothing, rng: ChaCha8Rng::seed_from_u64(3), path: Vec::new(), drawn: Vec::new() };
    module.visit(&mut draw);
    let drawn = draw.drawn;
    drawn.into_iter().fold(module, |module, (_, (one, length))| axpy(module, &one, deviation * length))
}

/// Unit vectors: one for each parameter tensor, by its path, and one for all.
fn directions<M: Module>(module: &M, gradient: &GradientsParams, seed: u64) -> Vec<(String, GradientsParams)> {
    let mut draw = Draw { gradient, rng: ChaCha8Rng::seed_from_u64(seed), path: Vec::new(), drawn: Vec::new() };
    module.visit(&mut draw);
    let mut drawn: Vec<(String, GradientsParams)> =
        draw.drawn.into_iter().map(|(path, (one, _))| (path, one)).collect();
    let all = drawn.iter().fold(GradientsParams::new(), |sum, (_, one)| combine(module, (&sum, 1.0), (one, 1.0)));
    drawn.push(("everything".to_owned(), all));
    let unit = |one: &GradientsParams| scaled(module, one, 1.0 / norm(module, one).max(f64::MIN_POSITIVE));
    drawn.iter().filter(|(_, one)| !one.is_empty()).map(|(path, one)| (path.clone(), unit(one))).collect()
}

struct Draw<'a> {
    gradient: &'a GradientsParams,
    rng: ChaCha8Rng,
    path: Vec<String>,
    /// By path: a direction, and the length that it has when its elements are normal.
    drawn: Vec<(String, (GradientsParams, f64))>,
}

impl ModuleVisitor for Draw<'_> {
    fn enter_module(&mut self, name: &str, _container_type: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _name: &str, _container_type: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        // What is frozen has a slope and no gradient.
        if !param.val().is_require_grad() {
            return;
        }
        let shape = param.val().shape();
        let length = (shape.num_elements() as f64).sqrt();
        let normal = |_| <StandardNormal as Distribution<f32>>::sample(&StandardNormal, &mut self.rng);
        let values: Vec<f32> = (0..shape.num_elements()).map(normal).collect();
        let unit = |tensor: Tensor<D>| {
            let length = tensor.clone().square().sum().sqrt().into_scalar::<f32>();
            tensor / length.max(f32::MIN_POSITIVE)
        };
        let device = param.val().device().inner();
        let random = unit(Tensor::from_data(TensorData::new(values, shape), &device));
        let direction = match self.gradient.get::<D>(param.id) {
            Some(gradient) => {
                let gradient = unit(gradient);
                // Never against the gradient, where the two would cancel out.
                let along = (random.clone() * gradient.clone()).sum().into_scalar::<f32>();
                gradient + if along < 0.0 { -random } else { random }
            }
            None => random,
        };
        let mut one = GradientsParams::new();
        one.register(param.id, direction);
        self.drawn.push((self.path.join("."), (one, length)));
    }
}
