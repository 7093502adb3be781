//! Vectors of features, and sums of them.

use crate::data::Draws;

/// The features of some users or items: a row of codes for each.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Features {
    /// `offsets[row]..offsets[row + 1]` are the codes of a row.
    offsets: Vec<usize>,
    codes: Vec<u32>,
}

impl Features {
    pub(super) fn from_rows(rows: impl IntoIterator<Item = Vec<u32>>) -> Self {
        let mut features = Self { offsets: vec![0], codes: Vec::new() };
        for row in rows {
            features.codes.extend(row);
            features.offsets.push(features.codes.len());
        }
        features
    }

    pub(super) fn of(&self, row: usize) -> &[u32] {
        &self.codes[self.offsets[row]..self.offsets[row + 1]]
    }

    pub(super) fn len(&self) -> usize {
        self.offsets.len() - 1
    }
}

/// A vector and a bias for each feature, and what Adagrad (Duchi, Hazan and Singer, 2011) has summed of their squared
/// gradients.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Table {
    /// The number of factors and one: the bias stands last.
    width: usize,
    /// `[features, width]`.
    values: Vec<f32>,
    /// The same; starts at 1, so that first steps are no longer than the rate times the gradient.
    squares: Vec<f32>,
}

impl Table {
    /// Vectors uniform within half of `1 / factors`, biases of 0.
    pub(super) fn start(features: usize, factors: usize, draws: &mut Draws) -> Self {
        let width = factors + 1;
        let mut values = vec![0.0; features * width];
        for row in values.chunks_exact_mut(width) {
            row[..factors].iter_mut().for_each(|value| *value = (draws.unit() - 0.5) as f32 / factors as f32);
        }
        Self { width, squares: vec![1.0; values.len()], values }
    }

    /// One row that starts at these numbers.
    pub(super) fn of_one(row: &[f32]) -> Self {
        Self { width: row.len(), values: row.to_vec(), squares: vec![1.0; row.len()] }
    }

    pub(super) fn row(&self, feature: usize) -> &[f32] {
        &self.values[feature * self.width..(feature + 1) * self.width]
    }

    /// Whether vectors and sums of squares are still numbers that steps can go on from.
    pub(super) fn is_finite(&self) -> bool {
        self.values.iter().chain(&self.squares).all(|value| value.is_finite())
    }

    /// Adds the rows of these features to a sum, `[width]`.
    pub(super) fn add(&self, features: &[u32], sum: &mut [f32]) {
        for &feature in features {
            sum.iter_mut().zip(self.row(feature as usize)).for_each(|(sum, value)| *sum += value);
        }
    }

    /// The sum of the rows of these features in place of what is there.
    pub(super) fn sum(&self, features: &[u32], sum: &mut [f32]) {
        sum.fill(0.0);
        self.add(features, sum);
    }

    /// A step of Adagrad on the rows of these features, each of which has this gradient, `[width]`, and that of the ridge.
    pub(super) fn step(&mut self, features: &[u32], gradient: &[f32], (rate, ridge): (f32, f32)) {
        for &feature in features {
            let at = feature as usize * self.width..(feature as usize + 1) * self.width;
            let row = self.values[at.clone()].iter_mut().zip(&mut self.squares[at]);
            for ((value, square), gradient) in row.zip(gradient) {
                let gradient = gradient + ridge * *value;
                *square += gradient * gradient;
                *value -= rate * gradient / square.sqrt();
            }
        }
    }
}

/// The mean of rows `[width]`; zeros where there are none.
pub(super) fn mean<'a>(rows: impl Iterator<Item = &'a [f32]>, width: usize) -> Vec<f32> {
    let mut sum = vec![0.0_f64; width];
    let mut count = 0_u32;
    for row in rows {
        sum.iter_mut().zip(row).for_each(|(sum, value)| *sum += f64::from(*value));
        count += 1;
    }
    sum.into_iter().map(|sum| (sum / f64::from(count.max(1))) as f32).collect()
}

/// The score of a user and an item: the inner product of their vectors, and their biases.
pub(super) fn score(user: &[f32], item: &[f32]) -> f32 {
    let (user_vector, user_bias) = user.split_at(user.len() - 1);
    let (item_vector, item_bias) = item.split_at(item.len() - 1);
    let (mut lanes, mut rest) = ([0.0_f32; LANES], 0.0);
    let (users, items) = (user_vector.chunks_exact(LANES), item_vector.chunks_exact(LANES));
    for (user, item) in users.remainder().iter().zip(items.remainder()) {
        rest += user * item;
    }
    for (user, item) in users.zip(items) {
        (0..LANES).for_each(|lane| lanes[lane] += user[lane] * item[lane]);
    }
    lanes.iter().sum::<f32>() + rest + user_bias[0] + item_bias[0]
}

/// Products that are summed side by side.
const LANES: usize = 8;

/// The gradient of both sides of a pair from the slopes of its loss.
pub(super) struct Gradients {
    pub(super) user: Vec<f32>,
    pub(super) like: Vec<f32>,
    pub(super) other: Vec<f32>,
}

impl Gradients {
    pub(super) fn new(width: usize) -> Self {
        Self { user: vec![0.0; width], like: vec![0.0; width], other: vec![0.0; width] }
    }

    /// The gradients at these sums of features: of every feature of the user, of the like, and of the other item.
    pub(super) fn set(&mut self, (of_like, of_other): (f32, f32), user: &[f32], like: &[f32], other: &[f32]) {
        self.set_user((of_like, of_other), like, other);
        let bias = user.len() - 1;
        for (gradient, slope) in [(&mut self.like, of_like), (&mut self.other, of_other)] {
            gradient.iter_mut().zip(user).for_each(|(gradient, user)| *gradient = slope * user);
            gradient[bias] = slope;
        }
    }

    /// That of every feature of the user alone.
    pub(super) fn set_user(&mut self, (of_like, of_other): (f32, f32), like: &[f32], other: &[f32]) {
        let bias = self.user.len() - 1;
        for ((gradient, like), other) in self.user.iter_mut().zip(like).zip(other) {
            *gradient = of_like * like + of_other * other;
        }
        self.user[bias] = of_like + of_other;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::light_fm::LightFmLoss;

    const FACTORS: usize = 11;

    /// The loss of a pair in double precision, WARP's with a weight of 1.
    fn loss(loss: LightFmLoss, (users, items): (&Table, &Table), [user, like, other]: [&[u32]; 3]) -> f64 {
        let sum = |table: &Table, features: &[u32]| -> Vec<f64> {
            let of = |at: usize| features.iter().map(|&code| f64::from(table.row(code as usize)[at])).sum();
            (0..=FACTORS).map(of).collect()
        };
        let user = sum(users, user);
        let score = |item: &[u32]| -> f64 {
            let item = sum(items, item);
            (0..FACTORS).map(|at| user[at] * item[at]).sum::<f64>() + user[FACTORS] + item[FACTORS]
        };
        let (like, other) = (score(like), score(other));
        match loss {
            LightFmLoss::Logistic => (-like).exp().ln_1p() + other.exp().ln_1p(),
            LightFmLoss::Bpr => (other - like).exp().ln_1p(),
            LightFmLoss::Warp => (1.0 + other - like).max(0.0),
        }
    }

    #[test]
    fn the_gradient_of_every_feature_is_the_numerical_one_shared_features_included() {
        let mut draws = Draws::new(*b"the test", 5, 0);
        let mut table = |rows: usize| {
            let values: Vec<f32> = (0..rows * (FACTORS + 1)).map(|_| 0.4 * draws.normal() as f32).collect();
            Table { width: FACTORS + 1, squares: vec![1.0; values.len()], values }
        };
        let (users, items) = (table(3), table(4));
        // The like and the other item share feature 1, and feature 2 of the users is nobody's.
        let features: [&[u32]; 3] = [&[0, 1], &[0, 1], &[1, 2, 3]];
        for kind in LightFmLoss::ALL {
            let mut sums = [vec![0.0; FACTORS + 1], vec![0.0; FACTORS + 1], vec![0.0; FACTORS + 1]];
            for ((table, features), sum) in [&users, &items, &items].into_iter().zip(features).zip(&mut sums) {
                table.sum(features, sum);
            }
            let [user, like, other] = &sums;
            let slopes = kind.slopes(score(user, like), score(user, other));
            assert!(slopes.0 < 0.0, "{kind:?} has something to learn");
            let mut gradients = Gradients::new(FACTORS + 1);
            gradients.set(slopes, user, like, other);
            for (side, rows) in [(0, 3), (1, 4)] {
                for (row, at) in (0..rows).flat_map(|row| (0..=FACTORS).map(move |at| (row, at))) {
                    let has = |which: usize| features[which].contains(&(row as u32));
                    let gradient = match side {
                        0 if has(0) => gradients.user[at],
                        0 => 0.0,
                        _ => [(1, &gradients.like), (2, &gradients.other)]
                            .into_iter()
                            .filter(|(which, _)| has(*which))
                            .map(|(_, gradient)| gradient[at])
                            .sum(),
                    };
                    let moved = |by: f32| {
                        let mut tables = [users.clone(), items.clone()];
                        tables[side].values[row * (FACTORS + 1) + at] += by;
                        loss(kind, (&tables[0], &tables[1]), features)
                    };
                    let numeric = (moved(1e-3) - moved(-1e-3)) / 2e-3;
                    let error = (f64::from(gradient) - numeric).abs();
                    assert!(error < 2e-4, "{kind:?} side {side} row {row} at {at}: {gradient} {numeric}");
                }
            }
        }
    }

    #[test]
    fn steps_of_adagrad_are_those_computed_by_hand() {
        let mut table = Table::of_one(&[1.0, -0.5]);
        table.step(&[0], &[2.0, 0.0], (0.1, 0.0));
        let first = 1.0 - 0.1 * 2.0 / 5f32.sqrt();
        assert_eq!(table.row(0), [first, -0.5]);
        table.step(&[0], &[1.0, 0.0], (0.1, 0.5));
        let (a, b) = (1.0 + 0.5 * first, 0.5 * -0.5_f32);
        let expected = [first - 0.1 * a / (5.0 + a * a).sqrt(), -0.5 - 0.1 * b / (1.0 + b * b).sqrt()];
        table.row(0).iter().zip(expected).for_each(|(value, expected)| assert!((value - expected).abs() < 1e-6));
    }

    #[test]
    fn scores_are_inner_products_and_biases() {
        let row = |scale: f32| (0..FACTORS + 1).map(|at| scale * (at as f32 - 3.0)).collect::<Vec<f32>>();
        let (user, item) = (row(0.5), row(-0.25));
        let expected: f32 = (0..FACTORS).map(|at| user[at] * item[at]).sum::<f32>() + user[FACTORS] + item[FACTORS];
        assert!((score(&user, &item) - expected).abs() < 1e-5);
    }
}
