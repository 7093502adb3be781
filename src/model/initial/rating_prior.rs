//! What is to be expected of a user's rating weights before any of their values is known.

use crate::data::{Profiles, TaskHistory};
use crate::model::initial::{cholesky, solve_cholesky};

/// What is known of users before their values are: their profiles, and which items they rated.
///
/// Which items somebody rates says much about how they will like others (Koren 2008, "Factorization Meets the Neighborhood", SVD++), and so do age and
/// gender.
#[derive(Clone, Copy, Debug)]
pub struct RaterFacts<'a> {
    /// Profiles of all users.
    pub profiles: &'a Profiles,
    /// How many codes they are made of.
    pub codes: usize,
    /// A few numbers of each item that say who meets it, `[items, width]`, of standard deviation 1.
    pub vectors: &'a [f32],
    /// How many numbers.
    pub width: usize,
}

/// The distribution of users' weights.
pub(super) struct Expected {
    /// Of a user of whom nothing is known, `[d]`.
    pub(super) weight: Vec<f64>,
    /// What each code adds, `[codes, d]`.
    pub(super) profile: Vec<f64>,
    /// What each rated item adds, `[items, d]`, divided by the root of their number.
    pub(super) rated: Vec<f64>,
    /// Around the sum of these, `[d, d]`.
    pub(super) covariance: Vec<f64>,
}

/// Numbers of rated events after which weights are to be expected.
const SHOTS: [usize; 4] = [0, 1, 5, 20];
/// Ridge on everything but the mean, in tasks.
const RIDGE: f64 = 30.0;
/// Added to the variances.
const JITTER: f64 = 1e-3;

/// The mean and the covariance of the weights `[tasks, d]` of those who rate.
pub(super) fn expected_of_nobody(weights: &[f64], raters: &[bool], d: usize) -> Expected {
    let own = || weights.chunks_exact(d).zip(raters).filter(|(_, rates)| **rates).map(|(weights, _)| weights);
    let users = own().count().max(1) as f64;
    let mut weight = vec![0.0; d];
    for user in own() {
        weight.iter_mut().zip(user).for_each(|(sum, value)| *sum += value / users);
    }
    let mut covariance = vec![0.0; d * d];
    for user in own() {
        add_outer(&mut covariance, user, &weight, 1.0 / (users - 1.0).max(1.0));
    }
    (0..d).for_each(|at| covariance[at * d + at] += JITTER);
    Expected { weight, profile: Vec::new(), rated: Vec::new(), covariance }
}

/// Adds `scale (x - mean) (x - mean)^T`.
fn add_outer(to: &mut [f64], x: &[f64], mean: &[f64], scale: f64) {
    let d = x.len();
    for a in 0..d {
        for b in 0..d {
            to[a * d + b] += (x[a] - mean[a]) * (x[b] - mean[b]) * scale;
        }
    }
}

/// What is known of one user at one time, as a sparse row: ones, then numbers.
struct Row {
    ones: Vec<usize>,
    numbers: Vec<f64>,
}

impl Row {
    /// The entries, of which the numbers are the last `numbers.len()` of `p`.
    fn entries(&self, p: usize) -> impl Iterator<Item = (usize, f64)> + Clone {
        let first = p - self.numbers.len();
        let numbers = self.numbers.iter().enumerate().map(move |(at, &value)| (first + at, value));
        self.ones.iter().map(|&at| (at, 1.0)).chain(numbers)
    }

    /// The row times `b`, `[p, d]`.
    fn times(&self, b: &[f64], d: usize) -> Vec<f64> {
        let mut out = vec![0.0; d];
        for (at, x) in self.entries(b.len() / d) {
            out.iter_mut().zip(&b[at * d..(at + 1) * d]).for_each(|(out, b)| *out += x * b);
        }
        out
    }
}

impl RaterFacts<'_> {
    pub(super) fn items(&self) -> usize {
        self.vectors.len() / self.width.max(1)
    }

    /// Ridge regression of the weights `[tasks, d]` of those who rate on what is known of them after none, 1, 5 and 20 of their ratings, with their profiles
    /// and without. Each user counts the same.
    ///
    /// With `p = 1 + codes + width` columns it costs some `tasks * width^2` operations, and `p^3` once.
    pub(super) fn expected(&self, tasks: &[TaskHistory], weights: &[f64], raters: &[bool], d: usize) -> Expected {
        let p = 1 + self.codes + self.width;
        let own = || tasks.iter().zip(weights.chunks_exact(d)).zip(raters).filter(|(_, rates)| **rates);
        let rows = || own().flat_map(|((task, weights), _)| self.rows(task).into_iter().map(move |row| (row, weights)));
        let (mut gram, mut right) = (vec![0.0; p * p], vec![0.0; p * d]);
        (1..p).for_each(|at| gram[at * p + at] = RIDGE);
        gram[0] = f64::MIN_POSITIVE;
        for ((row, share), weights) in rows() {
            for (a, x) in row.entries(p) {
                for (b, y) in row.entries(p).filter(|(b, _)| *b <= a) {
                    gram[a * p + b] += share * x * y;
                }
                right[a * d..(a + 1) * d].iter_mut().zip(weights).for_each(|(sum, weight)| *sum += share * x * weight);
            }
        }
        if !cholesky(&mut gram, p) {
            return expected_of_nobody(weights, raters, d);
        }
        let mut found = vec![0.0; p * d];
        for column in 0..d {
            let mut solved: Vec<f64> = right.iter().skip(column).step_by(d).copied().collect();
            solve_cholesky(&gram, p, &mut solved);
            solved.iter().enumerate().for_each(|(at, value)| found[at * d + column] = *value);
        }
        let mut covariance = vec![0.0; d * d];
        let users = own().count() as f64;
        for ((row, share), weights) in rows() {
            add_outer(&mut covariance, weights, &row.times(&found, d), share / users);
        }
        (0..d).for_each(|at| covariance[at * d + at] += JITTER);
        let of_numbers = &found[(1 + self.codes) * d..];
        let rated = self.vectors.chunks_exact(self.width.max(1)).flat_map(|vector| {
            let numbers = vector.iter().map(|&value| f64::from(value)).collect();
            Row { ones: Vec::new(), numbers }.times(of_numbers, d)
        });
        Expected {
            weight: found[..d].to_vec(),
            profile: found[d..(1 + self.codes) * d].to_vec(),
            rated: rated.collect(),
            covariance,
        }
    }

    /// What is known of a user at several times, and how much each counts; together 1.
    fn rows(&self, task: &TaskHistory) -> Vec<(Row, f64)> {
        let rated: Vec<usize> =
            task.events.iter().filter(|event| event.rating().is_some()).map(|event| event.item.position()).collect();
        let codes = self.profiles.of(task.user);
        let times: Vec<usize> = SHOTS.into_iter().filter(|&shots| shots < rated.len()).collect();
        let mut rows = Vec::new();
        for &shots in &times {
            let mut numbers = vec![0.0; self.width];
            for &item in &rated[..shots] {
                let vector = &self.vectors[item * self.width..(item + 1) * self.width];
                numbers.iter_mut().zip(vector).for_each(|(sum, &value)| *sum += f64::from(value));
            }
            let scale = 1.0 / (shots.max(1) as f64).sqrt();
            numbers.iter_mut().for_each(|sum| *sum *= scale);
            let share = 1.0 / times.len() as f64;
            if codes.is_empty() {
                rows.push((Row { ones: vec![0], numbers }, share));
                continue;
            }
            let known = [0].into_iter().chain(codes.iter().map(|&code| 1 + code as usize)).collect();
            rows.push((Row { ones: vec![0], numbers: numbers.clone() }, share / 2.0));
            rows.push((Row { ones: known, numbers }, share / 2.0));
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Action, IndexedEvent, ItemIndex, UserIndex};

    const ITEMS: usize = 6;

    /// Users of two kinds: the even ones rate items 0 to 2, the odd ones 3 to 5.
    fn tasks(users: u32) -> Vec<TaskHistory> {
        let event = |item| IndexedEvent { item, action: Action::Rating, value: Some(3.0), timestamp: None };
        let task = |user: u32| {
            let items = (0..3).map(|at| ItemIndex(3 * (user % 2) + at));
            TaskHistory { user: UserIndex(user), events: items.map(event).collect() }
        };
        (0..users).map(task).collect()
    }

    #[test]
    fn without_facts_it_is_the_mean_and_the_covariance_of_those_who_rate() {
        let found = expected_of_nobody(&[1.0, 0.0, 3.0, 4.0, 9.0, 9.0], &[true, true, false], 2);
        assert_eq!(found.weight, [2.0, 2.0]);
        assert_eq!(found.covariance, [2.0 + JITTER, 4.0, 4.0, 8.0 + JITTER]);
    }

    #[test]
    fn a_profile_and_the_items_that_were_rated_move_what_is_expected() {
        let tasks = tasks(400);
        let raters = vec![true; 400];
        // Of two weights the first depends on the profile alone, 1 or -1 by thirds of the users; the second on the items alone.
        let code = |user: usize| u32::from(user.is_multiple_of(3));
        let weights: Vec<f64> = (0..400)
            .flat_map(|user| [if code(user) == 1 { 1.0 } else { -1.0 }, if user % 2 == 0 { 2.0 } else { 0.0 }])
            .collect();
        let profiles = Profiles::from((0..400).map(|user| vec![code(user)]).collect::<Vec<_>>());
        let vectors: Vec<f32> = (0..ITEMS).map(|item| if item < 3 { 1.0 } else { -1.0 }).collect();
        let facts = RaterFacts { profiles: &profiles, codes: 2, vectors: &vectors, width: 1 };
        assert_eq!(facts.items(), ITEMS);
        let found = facts.expected(&tasks, &weights, &raters, 2);
        // Means over the users: -1/3 and 1.
        assert!((found.weight[0] + 1.0 / 3.0).abs() < 0.1 && (found.weight[1] - 1.0).abs() < 0.1, "{:?}", found.weight);
        let told = |code: usize, at: usize| found.weight[at] + found.profile[code * 2 + at];
        // Of users told apart half count, which the ridge shrinks: 67 of the one kind to 2 in 3, 133 of the other to 4 in 5.
        assert!(told(1, 0) > 0.5 && told(0, 0) < -0.8, "{:?}", found.profile);
        assert!((told(1, 1) - 1.0).abs() < 0.1 && (told(0, 1) - 1.0).abs() < 0.1, "{:?}", found.profile);
        assert!(found.rated[1] > 0.4 && found.rated[7] < -0.4, "{:?}", found.rated);
        assert!(found.rated.iter().step_by(2).all(|effect| effect.abs() < 0.1), "{:?}", found.rated);
        let alone = expected_of_nobody(&weights, &raters, 2);
        assert!((0..2).all(|at| found.covariance[at * 3] < 0.75 * alone.covariance[at * 3]), "{:?}", found.covariance);
    }

    #[test]
    fn nobody_who_rates_is_no_matter() {
        let profiles = Profiles::default();
        let facts = RaterFacts { profiles: &profiles, codes: 0, vectors: &[1.0; ITEMS], width: 1 };
        let found = facts.expected(&tasks(2), &[0.0; 4], &[false, false], 2);
        assert!(found.weight.iter().chain(&found.rated).chain(&found.covariance).all(|value| value.is_finite()));
    }
}
