//! How much each reason counts when one of many items is chosen: a conditional logit.

/// Reasons for an item: how popular it is, and how like it is to what the user liked, by each block of features.
pub(super) const REASONS: usize = 3;
type Weights = [f64; REASONS];
type Matrix = [[f64; REASONS]; REASONS];

/// What is believed of the weights before anything was chosen, and how surely: popularity as it is predicted, and a little likeness.
const EXPECTED: Weights = [1.0, 1.0, 1.0];
const DEVIATIONS: Weights = [0.5, 3.0, 10.0];

/// Items to choose from, each with its reasons, and those that were chosen.
pub(super) struct Choice {
    pub(super) reasons: Vec<Weights>,
    pub(super) chosen: Vec<usize>,
}

/// The most likely weights, none below zero, of `exp(weights . reasons)` being in proportion to how probable a choice is (McFadden, 1974, "Conditional logit
/// analysis of qualitative choice behavior"), with a Gaussian around [`EXPECTED`] that a few choices do not overcome. Every [`Choice`] counts once, however many were chosen.
///
/// A convex problem: Newton's steps, halved where they do not lead down, on the weights that are not held at zero. Each step reads all choices once.
pub(super) fn most_likely(choices: &[Choice]) -> Weights {
    let mut at = EXPECTED;
    let (mut value, mut gradient, mut curvature) = slope(choices, &at);
    for _ in 0..30 {
        let held = [0, 1, 2].map(|reason| at[reason] <= 0.0 && gradient[reason] > 0.0);
        let direction = solve(curvature, gradient, held);
        let mut length = 1.0;
        let next = loop {
            let moved = [0, 1, 2].map(|reason| (at[reason] - length * direction[reason]).max(0.0));
            let (found, slope, bend) = slope(choices, &moved);
            if found < value {
                break Some((moved, found, slope, bend));
            }
            length /= 2.0;
            if length < 1e-6 {
                break None;
            }
        };
        let Some((moved, found, slope, bend)) = next else { break };
        let gained = value - found;
        (at, value, gradient, curvature) = (moved, found, slope, bend);
        if gained < 1e-9 * value.abs() {
            break;
        }
    }
    at
}

/// Minus the log posterior of some weights, with its gradient and its second derivatives.
fn slope(choices: &[Choice], weights: &Weights) -> (f64, Weights, Matrix) {
    let mut value = 0.0;
    let mut gradient = [0.0; REASONS];
    let mut curvature = [[0.0; REASONS]; REASONS];
    for reason in 0..REASONS {
        let off = (weights[reason] - EXPECTED[reason]) / DEVIATIONS[reason];
        value += off * off / 2.0;
        gradient[reason] += off / DEVIATIONS[reason];
        curvature[reason][reason] += DEVIATIONS[reason].powi(-2);
    }
    for choice in choices {
        let scores: Vec<f64> = choice.reasons.iter().map(|reasons| dot(reasons, weights)).collect();
        let log_sum = log_sum_exp(&scores);
        let share = 1.0 / choice.chosen.len().max(1) as f64;
        let mut mean = [0.0; REASONS];
        let mut square = [[0.0; REASONS]; REASONS];
        for (reasons, score) in choice.reasons.iter().zip(&scores) {
            let probability = (score - log_sum).exp();
            for a in 0..REASONS {
                mean[a] += probability * reasons[a];
                (0..REASONS).for_each(|b| square[a][b] += probability * reasons[a] * reasons[b]);
            }
        }
        value += choice.chosen.iter().map(|&item| (log_sum - scores[item]) * share).sum::<f64>();
        for a in 0..REASONS {
            gradient[a] += mean[a] - choice.chosen.iter().map(|&item| choice.reasons[item][a] * share).sum::<f64>();
            (0..REASONS).for_each(|b| curvature[a][b] += square[a][b] - mean[a] * mean[b]);
        }
    }
    (value, gradient, curvature)
}

/// The log of the sum of exponentials.
pub(super) fn log_sum_exp(scores: &[f64]) -> f64 {
    let most = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    most + scores.iter().map(|score| (score - most).exp()).sum::<f64>().ln()
}

pub(super) fn dot(reasons: &Weights, weights: &Weights) -> f64 {
    reasons.iter().zip(weights).map(|(reason, weight)| reason * weight).sum()
}

/// Solves `matrix x = vector` for the weights that are not held, by elimination: positive definite, as the prior is.
fn solve(mut matrix: Matrix, mut vector: Weights, held: [bool; REASONS]) -> Weights {
    for at in (0..REASONS).filter(|&at| held[at]) {
        (0..REASONS).for_each(|other| (matrix[at][other], matrix[other][at]) = (0.0, 0.0));
        (matrix[at][at], vector[at]) = (1.0, 0.0);
    }
    for at in 0..REASONS {
        for below in at + 1..REASONS {
            let factor = matrix[below][at] / matrix[at][at];
            (0..REASONS).for_each(|column| matrix[below][column] -= factor * matrix[at][column]);
            vector[below] -= factor * vector[at];
        }
    }
    for at in (0..REASONS).rev() {
        let known: f64 = (at + 1..REASONS).map(|column| matrix[at][column] * vector[column]).sum();
        vector[at] = (vector[at] - known) / matrix[at][at];
    }
    vector
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    /// Choices of people by whom reasons count as `weights` say.
    fn choices(weights: Weights, people: usize) -> Vec<Choice> {
        let mut rng = ChaCha8Rng::seed_from_u64(11);
        let choice = |_| {
            let reasons: Vec<Weights> = (0..30).map(|_| [(); REASONS].map(|()| rng.random_range(-1.0..1.0))).collect();
            let scores: Vec<f64> = reasons.iter().map(|reasons| dot(reasons, &weights)).collect();
            let log_sum = log_sum_exp(&scores);
            let mut left: f64 = rng.random();
            let chosen = scores.iter().position(|score| {
                left -= (score - log_sum).exp();
                left <= 0.0
            });
            Choice { reasons, chosen: vec![chosen.unwrap_or(29)] }
        };
        (0..people).map(choice).collect()
    }

    #[test]
    fn weights_by_which_items_were_chosen_are_found() {
        for weights in [[1.5, 0.0, 2.0], [0.4, 3.0, 0.7]] {
            let found = most_likely(&choices(weights, 4000));
            for (found, weight) in found.iter().zip(weights) {
                assert!((found - weight).abs() < 0.12, "{found} for {weight}");
            }
        }
    }

    #[test]
    fn what_speaks_against_an_item_is_held_at_zero() {
        let found = most_likely(&choices([1.0, -2.0, 1.0], 2000));
        assert_eq!(found[1], 0.0);
        assert!((found[2] - 1.0).abs() < 0.3, "{found:?}");
    }

    #[test]
    fn without_choices_weights_are_as_expected() {
        assert_eq!(most_likely(&[]), EXPECTED);
    }

    #[test]
    fn slopes_are_those_of_differences() {
        let (choices, at) = (choices([1.0, 1.0, 1.0], 20), [0.7, 0.2, 1.3]);
        let (_, gradient, curvature) = slope(&choices, &at);
        for reason in 0..REASONS {
            let moved = |by: f64| {
                let mut weights = at;
                weights[reason] += by;
                slope(&choices, &weights)
            };
            let (above, below) = (moved(1e-5), moved(-1e-5));
            assert!(((above.0 - below.0) / 2e-5 - gradient[reason]).abs() < 1e-5);
            for ((above, below), curvature) in above.1.iter().zip(below.1).zip(curvature[reason]) {
                assert!(((above - below) / 2e-5 - curvature).abs() < 1e-5);
            }
        }
    }
}
