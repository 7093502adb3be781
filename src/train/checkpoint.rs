//! Where a run can go on.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use crate::meta::graft;
use crate::model::PreferenceModel;
use crate::persist::{Parts, PersistError, module_bytes, module_from_bytes, read_parts, write_parts};
use crate::train::config::TrainingConfig;
use crate::train::optimizer::Optimizers;
use crate::train::validation::ValidationScore;

const KIND: &str = "checkpoint";

/// Everything a run needs besides tensors.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// Steps done.
    pub(crate) step: usize,
    /// Seed of the run.
    pub(crate) seed: u64,
    /// How many tasks it draws from, which its schedule depends on.
    pub(crate) tasks: usize,
    /// What else tells one run from another: whatever the caller says.
    pub(crate) mark: String,
    /// Settings of the run.
    pub(crate) config: TrainingConfig,
    /// Best ranking score so far, and looks since. As bits in the file: JSON's decimal numbers come back one bit off now and then.
    #[serde(with = "bits")]
    pub(crate) best_ranking: Option<f64>,
    pub(crate) looks_since_best: usize,
    /// Least rating error so far.
    #[serde(with = "bits")]
    pub(crate) best_rating: Option<f64>,
}

mod bits {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &Option<f64>, serializer: S) -> Result<S::Ok, S::Error> {
        value.map(f64::to_bits).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
        Ok(Option::<u64>::deserialize(deserializer)?.map(f64::from_bits))
    }
}

impl Ledger {
    /// Whether two runs draw the same episodes and step at the same rates.
    ///
    /// Settings are compared as they are written, since JSON's decimal numbers come back one bit off now and then.
    pub(crate) fn is_of_run(&self, written: &Self) -> bool {
        let again = |config: &TrainingConfig| {
            serde_json::to_vec(config).ok().and_then(|text| serde_json::from_slice::<TrainingConfig>(&text).ok())
        };
        (self.seed, self.tasks, &self.mark) == (written.seed, written.tasks, &written.mark)
            && again(&self.config) == Some(written.config.clone())
    }
}

/// A run between two steps.
#[derive(Clone)]
pub(crate) struct RunState<M, S> {
    pub(crate) ledger: Ledger,
    pub(crate) model: M,
    pub(crate) state: S,
    /// A running average over steps of both: what is looked at and kept.
    pub(crate) average_model: M,
    pub(crate) average_state: S,
    /// The best so far on the validation users.
    pub(crate) best_model: M,
    pub(crate) best_state: S,
    pub(crate) optimizers: Optimizers,
}

fn malformed(part: &str, source: impl std::error::Error + Send + Sync + 'static) -> PersistError {
    PersistError::Malformed { part: part.to_owned(), source: Box::new(source) }
}

impl<M: PreferenceModel, S: Module> RunState<M, S> {
    /// Keeps what is better than all before: ranking and rating apart, as they share no parameters. Without a score the latest is the best.
    ///
    /// Returns whether ranking got better.
    pub(crate) fn keep_best(&mut self, score: Option<&ValidationScore>, state_only_rates: bool) -> bool {
        let Some(score) = score else {
            (self.best_model, self.best_state) = (self.average_model.clone(), self.average_state.clone());
            self.ledger.looks_since_best = 0;
            return true;
        };
        let rating = self.model.rating_group();
        let better_rating = score.rating().is_some_and(|error| self.ledger.best_rating.is_none_or(|best| error < best));
        let better_ranking = self.ledger.best_ranking.is_none_or(|best| score.value() > best);
        // Where nobody rates, nobody can say which head is best: the latest.
        let better_rating = better_rating || score.rating().is_none();
        if better_rating {
            self.ledger.best_rating = score.rating();
            self.best_model = graft(self.best_model.clone(), &self.average_model, &rating);
        }
        let better_state = if state_only_rates { better_rating } else { better_ranking };
        if better_state {
            self.best_state = self.average_state.clone();
        }
        if better_ranking {
            self.ledger.best_ranking = Some(score.value());
            self.ledger.looks_since_best = 0;
            self.best_model = graft(self.average_model.clone(), &self.best_model, &rating);
        } else {
            self.ledger.looks_since_best += 1;
        }
        better_ranking
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), PersistError> {
        let mut parts = Parts::new();
        let ledger = serde_json::to_vec_pretty(&self.ledger).map_err(|source| malformed("ledger.json", source))?;
        parts.insert("ledger.json".to_owned(), ledger);
        parts.insert("model.bin".to_owned(), module_bytes("model.bin", &self.model)?);
        parts.insert("state.bin".to_owned(), module_bytes("state.bin", &self.state)?);
        parts.insert("average_model.bin".to_owned(), module_bytes("average_model.bin", &self.average_model)?);
        parts.insert("average_state.bin".to_owned(), module_bytes("average_state.bin", &self.average_state)?);
        parts.insert("best_model.bin".to_owned(), module_bytes("best_model.bin", &self.best_model)?);
        parts.insert("best_state.bin".to_owned(), module_bytes("best_state.bin", &self.best_state)?);
        for (name, optimizer) in
            [("model_optimizer.bin", &self.optimizers.model), ("state_optimizer.bin", &self.optimizers.state)]
        {
            let bytes = optimizer.into_bytes().map_err(|source| malformed(name, source))?;
            parts.insert(name.to_owned(), bytes.to_vec());
        }
        write_parts(path, KIND, &parts).map(|_| ())
    }

    /// The run that was saved at `path`, with modules of the same shapes to load into.
    pub(crate) fn load(self, path: &Path) -> Result<Self, PersistError> {
        let (_, mut parts) = read_parts(path, KIND)?;
        let mut take = |name: &str| {
            parts.remove(name).ok_or_else(|| PersistError::Missing { path: path.to_owned(), part: name.to_owned() })
        };
        let ledger =
            serde_json::from_slice(&take("ledger.json")?).map_err(|source| malformed("ledger.json", source))?;
        let model = module_from_bytes("model.bin", self.model, take("model.bin")?)?;
        let state = module_from_bytes("state.bin", self.state, take("state.bin")?)?;
        let average_model = module_from_bytes("average_model.bin", self.average_model, take("average_model.bin")?)?;
        let average_state = module_from_bytes("average_state.bin", self.average_state, take("average_state.bin")?)?;
        let best_model = module_from_bytes("best_model.bin", self.best_model, take("best_model.bin")?)?;
        let best_state = module_from_bytes("best_state.bin", self.best_state, take("best_state.bin")?)?;
        let mut optimizer = |name: &str, optimizer: burn::optim::ModuleOptimizer| {
            let bytes = Bytes::from_bytes_vec(take(name)?);
            optimizer.from_bytes(bytes).map_err(|source| malformed(name, source))
        };
        let optimizers = Optimizers {
            model: optimizer("model_optimizer.bin", self.optimizers.model)?,
            state: optimizer("state_optimizer.bin", self.optimizers.state)?,
        };
        Ok(Self { ledger, model, state, average_model, average_state, best_model, best_state, optimizers })
    }
}
