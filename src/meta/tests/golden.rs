//! Meta-gradients against PyTorch's, which `golden.py` beside this file has written to `golden.json`.

use std::collections::HashMap;

use burn::Tensor;
use burn::tensor::{Device, TensorData};
use serde::Deserialize;

use crate::meta::tests::points::{HIDDEN, INPUTS, Points, Regression};
use crate::meta::{
    AnilConfig, FomamlConfig, InnerLoopConfig, InnerOptimizer, LearnedRates, MamlConfig, MetaGradient, MetaLearner,
    MetaSgdConfig, Moves, RateScope, Rates, ReptileConfig, combine, norm,
};
use crate::model::MetaBatch;

const TASKS: usize = 3;

#[derive(Deserialize)]
struct Golden {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    moving: Vec<String>,
    steps: usize,
    optimizer: String,
    rates: Option<String>,
    query_loss: Vec<f64>,
    model: HashMap<String, Vec<f64>>,
    /// By parameter: of each step, where steps have rates of their own, of each element else.
    state: HashMap<String, Vec<f64>>,
}

fn sines(count: usize, phase: f64) -> Vec<f32> {
    (0..count).map(|place| (1.7 * place as f64 + phase).sin() as f32).collect()
}

fn model() -> Regression {
    let device = Device::default().autodiff();
    Regression::with([sines(INPUTS * HIDDEN, 0.1), sines(HIDDEN, 0.2), sines(HIDDEN, 0.3)], &device)
}

fn points(count: usize, phase: f64) -> Points {
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for task in 0..TASKS {
        let inputs = sines(count * INPUTS, phase + task as f64);
        let slope = (1.5 * (task as f64 + 0.5).cos()) as f32;
        y.extend(inputs.chunks(INPUTS).map(|point| slope * point[0]));
        x.extend(inputs);
    }
    Points::dense(x, y, [TASKS, count])
}

fn batch() -> MetaBatch<Points> {
    MetaBatch { support: points(5, 0.4), query: points(4, 0.9) }
}

impl Case {
    fn inner(&self) -> InnerLoopConfig {
        InnerLoopConfig::new(self.steps, 0.1).with_optimizer(match self.optimizer.as_str() {
            "momentum" => InnerOptimizer::Momentum { decay: 0.7 },
            "adam" => InnerOptimizer::Adam { beta_1: 0.6, beta_2: 0.8, epsilon: 0.5 },
            _ => InnerOptimizer::Sgd {},
        })
    }

    fn moves(&self) -> Moves {
        if self.moving.len() == 1 { Moves::Head } else { Moves::All }
    }

    /// The multipliers that the program used.
    fn multipliers(&self) -> Option<Vec<Vec<f32>>> {
        let tensors = self.moving.len();
        let by_step =
            |step: usize| (0..tensors).map(|at| (1.0 + 0.3 * ((step + at) as f64).sin()) as f32).collect::<Vec<f32>>();
        let widths = [INPUTS * HIDDEN, HIDDEN, HIDDEN];
        match self.rates.as_deref() {
            Some("tensor") => Some((0..self.steps).map(by_step).collect()),
            Some(_) => {
                let each = widths.into_iter().flat_map(|width| sines(width, 0.7));
                Some(vec![each.map(|sine| 1.0 + 0.3 * sine).collect()])
            }
            None => None,
        }
    }

    /// Holds a learner to the case; returns how far its gradients are, relative to their length.
    fn holds<L: MetaLearner<Regression, State = Rates>>(&self, learner: &L) -> f64 {
        let model = model();
        let mut state = learner.init_state(&model);
        if let Some(rows) = self.multipliers() {
            let shape = [rows.len(), rows[0].len()];
            state = state.with_multipliers(TensorData::new(rows.concat(), shape));
        }
        let MetaGradient { model: of_model, state: of_state, query_loss } =
            learner.meta_gradient(&model, &state, &batch());
        let losses: Vec<f64> = query_loss.into_data().iter::<f32>().map(f64::from).collect();
        for (loss, expected) in losses.iter().zip(&self.query_loss) {
            assert!((loss - expected).abs() <= 1e-5 * expected, "{}: {losses:?}, {:?}", self.name, self.query_loss);
        }
        let expected = model.gradients(|name| self.model.get(name).cloned());
        let far = norm(&model, &combine(&model, (&of_model, 1.0), (&expected, -1.0))) / norm(&model, &expected);
        let Some(id) = state.id() else { return far };
        let found = of_state.get::<2>(id).unwrap();
        // PyTorch lists them by parameter, we by step.
        let by_name = |name: &String| self.state[name].iter().map(|&value| value as f32);
        let mut expected: Vec<f32> = self.moving.iter().flat_map(by_name).collect();
        if self.rates.as_deref() == Some("tensor") {
            expected = (0..self.steps)
                .flat_map(|step| (0..self.moving.len()).map(move |at| (step, at)))
                .map(|(step, at)| expected[at * self.steps + step])
                .collect();
        }
        let expected = Tensor::<2>::from_data(TensorData::new(expected, found.dims()), &found.device());
        let length = |tensor: Tensor<2>| f64::from(tensor.square().sum().sqrt().into_scalar::<f32>());
        let far_rates = length(found - expected.clone()) / length(expected);
        assert!(far.is_finite() && far_rates.is_finite(), "{}: {far} and {far_rates}", self.name);
        far.max(far_rates)
    }
}

#[test]
fn meta_gradients_are_those_of_pytorch() {
    let golden: Golden = serde_json::from_str(include_str!("golden.json")).unwrap();
    assert_eq!(golden.cases.len(), 18);
    for case in golden.cases {
        let (inner, moves) = (case.inner(), case.moves());
        let rates =
            (case.rates.as_deref() == Some("tensor")).then(|| LearnedRates::of(RateScope::Tensor).for_each_step());
        let kind = case.name.split([',', ' ']).next().unwrap_or_default();
        // Exact to rounding, but for differences of gradients.
        let (far, bar) = match kind {
            "ANIL" => (case.holds(&AnilConfig { inner, rates }.init().unwrap()), 1e-5),
            "first-order" => (case.holds(&FomamlConfig { inner, moves, rates }.init().unwrap()), 1e-5),
            "Reptile" => (case.holds(&ReptileConfig { inner, moves }.init().unwrap()), 1e-5),
            "Meta-SGD" => (case.holds(&MetaSgdConfig::default().with_inner(inner).init().unwrap()), 1e-3),
            "MAML" => (case.holds(&MamlConfig::default().with_inner(inner).with_rates(rates).init().unwrap()), 1e-3),
            other => panic!("no learner is called {other}"),
        };
        println!("{}: {far:.1e}", case.name);
        assert!(far <= bar, "{}: {far:.1e} of its length away from PyTorch", case.name);
    }
}
