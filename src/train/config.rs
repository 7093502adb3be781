//! Settings of the outer loop.

use serde::{Deserialize, Serialize};

use crate::train::error::TrainError;

/// Settings of [`MetaTrainer`](crate::train::MetaTrainer).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct TrainingConfig {
    /// How many times each task is drawn, if [`most_steps`](Self::most_steps) allow it, at least: an epoch's last meta-batch is filled up with tasks of the next;
    /// 1 to 100000.
    pub epochs: usize,
    /// Outer steps at most, though each task is drawn at least once; 1 to 10000000. Many tasks need fewer epochs than few.
    pub most_steps: usize,
    /// Tasks of one outer step; 1 to 65536.
    pub meta_batch: usize,
    /// Learning rate at its height; more than 0, at most 10.
    pub outer_lr: f64,
    /// What the rate is multiplied by for items' own vectors, which start at a closed-form fit; 0 to 10. A matter of
    /// [`Optimizers::for_transformer`](crate::train::Optimizers::for_transformer), as the next.
    pub item_rate: f64,
    /// What it is multiplied by for the rating head and its prior, which start at one too; 0 to 10.
    pub rating_rate: f64,
    /// What it is multiplied by for the learned rates of inner steps; 0 to 100.
    pub inner_rate_rate: f64,
    /// Share of the steps in which the rate rises from zero; 0 to 0.5. It then falls to zero along a cosine.
    pub warm_up: f64,
    /// How much of the running average of the weights stays from one step to the next, 0 to 0.9999; what is validated and kept is the average. 0 for none.
    pub averaging: f64,
    /// Decoupled weight decay; 0 to 1.
    pub weight_decay: f64,
    /// The global norm that gradients are clipped to; more than 0.
    pub max_gradient_norm: f64,
    /// Pieces that a meta-batch is cut into, to be worked on by different threads; 1 to 1024. A part of the result: see the table in [`train`](crate::train).
    pub shards: usize,
    /// Epochs between two looks at the meta-validation users; 1 to 100000.
    pub validate_every: usize,
    /// How many standard errors of the mean difference over meta-validation users an earlier look has to be ahead to be kept instead of a later one; 0 to 100. At
    /// 0 the best look is kept, which is partly the luckiest where users are few.
    pub keep_margin: f64,
    /// How many looks without better ranking end training; 1 to 100000.
    pub patience: usize,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 30,
            most_steps: 1200,
            meta_batch: 64,
            outer_lr: 1e-3,
            item_rate: 0.2,
            rating_rate: 0.1,
            inner_rate_rate: 10.0,
            warm_up: 0.05,
            averaging: 0.98,
            weight_decay: 0.05,
            max_gradient_norm: 1.0,
            shards: 4,
            validate_every: 2,
            keep_margin: 1.0,
            patience: 15,
        }
    }
}

impl TrainingConfig {
    /// Checks every setting.
    ///
    /// # Errors
    /// The first that is out of bounds, by name.
    pub fn check(&self) -> Result<(), TrainError> {
        let bad = |field, value: String, expected| Err(TrainError::Setting { field, value, expected });
        let counts = [
            ("epochs", self.epochs, 100_000, "1 to 100000"),
            ("most_steps", self.most_steps, 10_000_000, "1 to 10000000"),
            ("meta_batch", self.meta_batch, 65_536, "1 to 65536"),
            ("shards", self.shards, 1024, "1 to 1024"),
            ("validate_every", self.validate_every, 100_000, "1 to 100000"),
            ("patience", self.patience, 100_000, "1 to 100000"),
        ];
        for (field, value, high, expected) in counts {
            if !(1..=high).contains(&value) {
                return bad(field, value.to_string(), expected);
            }
        }
        if !(self.outer_lr > 0.0 && self.outer_lr <= 10.0) {
            return bad("outer_lr", self.outer_lr.to_string(), "more than 0, at most 10");
        }
        for (field, value) in [("item_rate", self.item_rate), ("rating_rate", self.rating_rate)] {
            if !(0.0..=10.0).contains(&value) {
                return bad(field, value.to_string(), "0 to 10");
            }
        }
        if !(0.0..=100.0).contains(&self.inner_rate_rate) {
            return bad("inner_rate_rate", self.inner_rate_rate.to_string(), "0 to 100");
        }
        if !(0.0..=100.0).contains(&self.keep_margin) {
            return bad("keep_margin", self.keep_margin.to_string(), "0 to 100");
        }
        if !(0.0..=0.5).contains(&self.warm_up) {
            return bad("warm_up", self.warm_up.to_string(), "0 to 0.5");
        }
        if !(0.0..=0.9999).contains(&self.averaging) {
            return bad("averaging", self.averaging.to_string(), "0 to 0.9999");
        }
        if !(0.0..=1.0).contains(&self.weight_decay) {
            return bad("weight_decay", self.weight_decay.to_string(), "0 to 1");
        }
        if !(self.max_gradient_norm > 0.0 && self.max_gradient_norm.is_finite()) {
            return bad("max_gradient_norm", self.max_gradient_norm.to_string(), "a finite number, more than 0");
        }
        Ok(())
    }

    /// Outer steps of a whole run over this many tasks.
    #[must_use]
    pub fn steps(&self, tasks: usize) -> usize {
        let epoch = self.steps_an_epoch(tasks);
        (self.epochs * epoch).min(self.most_steps.max(epoch))
    }

    /// Outer steps in which each of this many tasks is drawn about once.
    #[must_use]
    pub fn steps_an_epoch(&self, tasks: usize) -> usize {
        tasks.div_ceil(self.meta_batch).max(1)
    }

    /// The weight of the newest parameters in the running average after this many steps: large at first, so that the average forgets where it began.
    #[must_use]
    pub fn average_weight(&self, steps: usize) -> f64 {
        let steps = steps as f64;
        1.0 - self.averaging.min((1.0 + steps) / (10.0 + steps))
    }

    /// The learning rate of a step.
    #[must_use]
    pub fn rate(&self, step: usize, steps: usize) -> f64 {
        let warm_up = self.warm_up * steps as f64;
        // The middle of the step, so that neither the first nor the last has no rate at all.
        let at = step as f64 + 0.5;
        if at < warm_up {
            return self.outer_lr * at / warm_up;
        }
        let done = ((at - warm_up) / (steps as f64 - warm_up).max(1.0)).min(1.0);
        self.outer_lr * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_tasks_have_fewer_epochs_but_each_is_drawn() {
        let config = TrainingConfig { epochs: 10, most_steps: 50, meta_batch: 4, ..TrainingConfig::default() };
        assert_eq!(config.steps(9), 30, "ten epochs of three steps");
        assert_eq!(config.steps(40), 50);
        assert_eq!(config.steps(401), 101, "one epoch");
    }
}
