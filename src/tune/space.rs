//! What may be chosen for which setting.

use std::collections::BTreeMap;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::TuneError;

/// What was chosen: a value for each setting, by its JSON pointer.
pub type Chosen = BTreeMap<String, Value>;

/// What may be chosen for one setting.
///
/// In files an object with one field: `{"one_of": [32, 64]}`, `{"uniform": [0, 0.5]}`, `{"log_uniform": [1e-4, 1e-2]}`, `{"integer": [1, 8]}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Choices {
    /// One of these values, each as likely: numbers, text, or whole objects such as a learner with its settings.
    OneOf(Vec<Value>),
    /// A number between two bounds, each as likely.
    Uniform(f64, f64),
    /// A number between two bounds above 0, each *order of magnitude* as likely: for learning rates and penalties.
    LogUniform(f64, f64),
    /// A whole number between two bounds, which may be chosen too, each as likely.
    Integer(i64, i64),
}

impl Choices {
    fn check(&self, pointer: &str) -> Result<(), TuneError> {
        let expected = match self {
            Self::OneOf(values) if values.is_empty() => "at least one",
            Self::Uniform(low, high) if !(low <= high && (high - low).is_finite()) => "two finite numbers, ascending",
            Self::LogUniform(low, high) if !(0.0 < *low && low <= high && high.is_finite()) => {
                "two finite numbers above 0, ascending"
            }
            Self::Integer(low, high) if low > high => "two whole numbers, ascending",
            _ => return Ok(()),
        };
        Err(self.wrong(pointer, expected))
    }

    fn wrong(&self, pointer: &str, expected: &'static str) -> TuneError {
        TuneError::Choices { pointer: pointer.to_owned(), found: format!("{self:?}"), expected }
    }

    fn draw(&self, rng: &mut ChaCha8Rng) -> Value {
        match self {
            Self::OneOf(values) => values[rng.random_range(0..values.len())].clone(),
            Self::Uniform(low, high) => short(low + rng.random::<f64>() * (high - low), (*low, *high)),
            Self::LogUniform(low, high) => {
                short((low.ln() + rng.random::<f64>() * (high.ln() - low.ln())).exp(), (*low, *high))
            }
            Self::Integer(low, high) => rng.random_range(*low..=*high).into(),
        }
    }

    /// All that can be chosen; `None` of a range of numbers that are not whole.
    fn all(&self) -> Option<Vec<Value>> {
        match self {
            Self::OneOf(values) => Some(values.clone()),
            Self::Integer(low, high) => Some((*low..=*high).map(Value::from).collect()),
            Self::Uniform(..) | Self::LogUniform(..) => None,
        }
    }
}

/// The number with six digits, which is what anybody would write in a file, within the bounds.
fn short(value: f64, (low, high): (f64, f64)) -> Value {
    let rounded: f64 = format!("{value:.5e}").parse().unwrap_or(value);
    rounded.clamp(low, high).into()
}

/// Which settings are searched, each by a JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) into the settings as they are
/// in files, and what may be chosen for each.
///
/// The settings are any type that serde writes and reads, such as [`Config`](crate::Config). A pointer must lead to something that is there;
/// one that leads into a value that another one replaces is followed in the value that replaced it.
///
/// ```
/// use metarec::Config;
/// use metarec::tune::{Choices, SearchSpace};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let space = SearchSpace::new()
///     .one_of("/model/d_model", [32, 64])
///     .log_uniform("/training/outer_lr", 1e-4, 1e-2)
///     .integer("/training/epochs", 5, 40);
/// let file = r#"{ "/model/d_model": { "one_of": [32, 64] }, "/training/outer_lr": { "log_uniform": [0.0001, 0.01] },
///     "/training/epochs": { "integer": [5, 40] } }"#;
/// assert_eq!(serde_json::from_str::<SearchSpace>(file)?, space);
///
/// let chosen = space.draw(1, 0)?;
/// let config: Config = space.settings(&Config::default(), &chosen)?;
/// assert!([32, 64].contains(&config.model.d_model) && (5..=40).contains(&config.training.epochs));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SearchSpace {
    axes: BTreeMap<String, Choices>,
}

impl SearchSpace {
    /// Nothing to choose.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with choices for one more setting, or other ones.
    #[must_use]
    pub fn with(mut self, pointer: impl Into<String>, choices: Choices) -> Self {
        self.axes.insert(pointer.into(), choices);
        self
    }

    /// The same choosing one of these values.
    #[must_use]
    pub fn one_of<V: Into<Value>>(self, pointer: impl Into<String>, values: impl IntoIterator<Item = V>) -> Self {
        self.with(pointer, Choices::OneOf(values.into_iter().map(Into::into).collect()))
    }

    /// The same choosing a number between two.
    #[must_use]
    pub fn uniform(self, pointer: impl Into<String>, low: f64, high: f64) -> Self {
        self.with(pointer, Choices::Uniform(low, high))
    }

    /// The same choosing a number between two above 0, each order of magnitude as likely.
    #[must_use]
    pub fn log_uniform(self, pointer: impl Into<String>, low: f64, high: f64) -> Self {
        self.with(pointer, Choices::LogUniform(low, high))
    }

    /// The same choosing a whole number from one to another.
    #[must_use]
    pub fn integer(self, pointer: impl Into<String>, low: i64, high: i64) -> Self {
        self.with(pointer, Choices::Integer(low, high))
    }

    /// What may be chosen, by pointer, in ascending order.
    pub fn choices(&self) -> impl Iterator<Item = (&str, &Choices)> {
        self.axes.iter().map(|(pointer, choices)| (pointer.as_str(), choices))
    }

    /// Checks that there is something to choose from for each setting. A search does so itself.
    ///
    /// # Errors
    /// [`TuneError::Choices`] for the first that has nothing, or bounds that are none.
    pub fn check(&self) -> Result<(), TuneError> {
        self.choices().try_for_each(|(pointer, choices)| choices.check(pointer))
    }

    /// What trial number `trial` of a random search chooses: the same for the same seed, whatever the other trials are.
    ///
    /// Numbers that are not whole have six digits.
    ///
    /// # Errors
    /// As [`SearchSpace::check`].
    pub fn draw(&self, seed: u64, trial: usize) -> Result<Chosen, TuneError> {
        self.check()?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(trial as u64);
        Ok(self.axes.iter().map(|(pointer, choices)| (pointer.clone(), choices.draw(&mut rng))).collect())
    }

    /// Every combination of choices, the last pointer's changing fastest.
    ///
    /// # Errors
    /// As [`SearchSpace::check`], and [`TuneError::Choices`] for a range of numbers that are not whole, which has no end.
    pub fn grid(&self) -> Result<Vec<Chosen>, TuneError> {
        self.check()?;
        let mut grid = vec![Chosen::new()];
        for (pointer, choices) in &self.axes {
            let expected = "a list or a range of whole numbers, as a grid has every choice";
            let all = choices.all().ok_or_else(|| choices.wrong(pointer, expected))?;
            let with = |chosen: &Chosen, value: &Value| {
                let mut chosen = chosen.clone();
                chosen.insert(pointer.clone(), value.clone());
                chosen
            };
            grid = grid.iter().flat_map(|chosen| all.iter().map(move |value| with(chosen, value))).collect();
        }
        Ok(grid)
    }

    /// The settings with what was chosen in its places.
    ///
    /// # Errors
    /// [`TuneError::UnknownSetting`] if there is nothing at one of the pointers, [`TuneError::Settings`] if a value is not what the setting
    /// takes; the number of the trial in it is 0.
    pub fn settings<S: Serialize + DeserializeOwned>(&self, base: &S, chosen: &Chosen) -> Result<S, TuneError> {
        let base = serde_json::to_value(base).map_err(TuneError::Base)?;
        settings(base, chosen.iter(), 0)
    }
}

/// `base` with values in the places of pointers, in the order in which they come.
pub(super) fn settings<'a, S: DeserializeOwned>(
    mut base: Value,
    chosen: impl Iterator<Item = (&'a String, &'a Value)> + Clone,
    trial: usize,
) -> Result<S, TuneError> {
    for (pointer, value) in chosen.clone() {
        let place = base.pointer_mut(pointer).ok_or_else(|| TuneError::UnknownSetting(pointer.clone()))?;
        *place = value.clone();
    }
    serde_json::from_value(base).map_err(|source| {
        let chosen: BTreeMap<&String, &Value> = chosen.collect();
        TuneError::Settings { trial, chosen: serde_json::json!(chosen).to_string(), source }
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::Config;

    #[test]
    fn a_grid_has_every_combination_once() {
        let space = SearchSpace::new().one_of("/b", ["x", "y"]).integer("/a", 1, 3);
        let grid: Vec<String> = space.grid().unwrap().iter().map(|chosen| json!(chosen).to_string()).collect();
        let expected = [(1, "x"), (1, "y"), (2, "x"), (2, "y"), (3, "x"), (3, "y")];
        assert_eq!(grid, expected.map(|(a, b)| format!(r#"{{"/a":{a},"/b":"{b}"}}"#)));
        assert_eq!(SearchSpace::new().grid().unwrap(), [Chosen::new()], "nothing to choose is one way to choose");
    }

    #[test]
    fn what_cannot_be_chosen_from_is_named() {
        let error = |space: SearchSpace| space.draw(0, 0).unwrap_err().to_string();
        let none: [i64; 0] = [];
        for (space, expected) in [
            (SearchSpace::new().one_of("/a", none), r#"choices for "/a" are OneOf([]): expected at least one"#),
            (
                SearchSpace::new().uniform("/a", 1.0, f64::NAN),
                r#"choices for "/a" are Uniform(1.0, NaN): expected two finite numbers, ascending"#,
            ),
            (
                SearchSpace::new().log_uniform("/a", 0.0, 1.0),
                r#"choices for "/a" are LogUniform(0.0, 1.0): expected two finite numbers above 0, ascending"#,
            ),
            (
                SearchSpace::new().integer("/a", 2, 1),
                r#"choices for "/a" are Integer(2, 1): expected two whole numbers, ascending"#,
            ),
        ] {
            assert_eq!(error(space), expected);
        }
        let error = SearchSpace::new().uniform("/a", 0.0, 1.0).grid().unwrap_err().to_string();
        assert!(error.ends_with("a list or a range of whole numbers, as a grid has every choice"), "{error}");
    }

    #[test]
    fn a_setting_that_is_not_there_or_does_not_take_it_is_an_error() {
        let space = SearchSpace::new();
        let chosen = |pointer: &str, value: Value| Chosen::from([(pointer.to_owned(), value)]);
        let of = |chosen: &Chosen| space.settings(&Config::default(), chosen);
        assert_eq!(of(&chosen("/training/epochs", json!(3))).unwrap().training.epochs, 3);
        let unknown = of(&chosen("/training/epoch", json!(3))).unwrap_err();
        assert!(matches!(unknown, TuneError::UnknownSetting(pointer) if pointer == "/training/epoch"));
        let wrong = of(&chosen("/training/epochs", json!("many"))).unwrap_err().to_string();
        assert_eq!(wrong, r#"trial 0 chose what the settings do not take: {"/training/epochs":"many"}"#);
    }

    #[test]
    fn a_pointer_into_what_is_replaced_is_followed_there() {
        let learner = json!({ "name": "fomaml", "inner": { "inner_steps": 1 } });
        let chosen =
            Chosen::from([("/learner".to_owned(), learner), ("/learner/inner/inner_steps".to_owned(), json!(3))]);
        let config = SearchSpace::new().settings(&Config::default(), &chosen).unwrap();
        assert_eq!(json!(config).pointer("/learner/inner/inner_steps"), Some(&json!(3)));
    }

    proptest! {
        #[test]
        fn draws_are_in_their_bounds_and_their_own(seed: u64, trial in 0usize..1000, low in 1e-6f64..1.0, span in 0.1f64..10.0) {
            let high = low + span;
            let space = SearchSpace::new().uniform("/u", low, high).log_uniform("/l", low, high).integer("/i", -3, 3);
            let chosen = space.draw(seed, trial).unwrap();
            for pointer in ["/u", "/l"] {
                let value = chosen[pointer].as_f64().unwrap();
                prop_assert!((low..=high).contains(&value), "{value}");
            }
            prop_assert!((-3..=3).contains(&chosen["/i"].as_i64().unwrap()));
            prop_assert_eq!(&chosen, &space.draw(seed, trial).unwrap());
            prop_assert_ne!(chosen, space.draw(seed.wrapping_add(1), trial).unwrap());
        }
    }
}
