//! Where a run can go on.

use std::path::Path;

use burn::module::Module;
use burn::tensor::Bytes;
use serde::{Deserialize, Serialize};

use crate::meta::graft;
use crate::model::PreferenceModel;
use crate::persist::{Parts, PersistError, module_bytes, module_from_bytes, read_parts, write_parts};
use crate::train::config::TrainingConfig;
use crate::train::keep::BestLook;
use crate::train::optimizer::Optimizers;
use crate::train::validation::{Goal, ValidationScore};

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
    /// The best look so far by the goal, and the best for ratings.
    pub(crate) best: BestLook,
    pub(crate) best_rating: BestLook,
}

impl Ledger {
    /// Whether two runs draw the same episodes and step at the same rates.
    pub(crate) fn is_of_run(&self, written: &Self) -> bool {
        (self.seed, self.tasks, &self.mark, &self.config)
            == (written.seed, written.tasks, &written.mark, &written.config)
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
    /// What would be returned now.
    pub(crate) kept_model: M,
    pub(crate) kept_state: S,
    pub(crate) optimizers: Optimizers,
}

fn malformed(part: &str, source: impl std::error::Error + Send + Sync + 'static) -> PersistError {
    PersistError::Malformed { part: part.to_owned(), source: Box::new(source) }
}

impl<M: PreferenceModel, S: Module> RunState<M, S> {
    /// Keeps what the validation users do not say is worse than the best before: ranking and rating apart, as they share no parameters. Without a score,
    /// or where nobody has one, the latest.
    ///
    /// Returns whether it was kept for the goal.
    pub(crate) fn keep(&mut self, score: Option<&ValidationScore>, state_only_rates: bool) -> bool {
        let Some(score) = score else {
            (self.kept_model, self.kept_state) = (self.average_model.clone(), self.average_state.clone());
            return true;
        };
        let margin = self.ledger.config.keep_margin;
        let ledger = &mut self.ledger;
        let errors: Vec<f64> = score.user_rmse.iter().map(|error| -error).collect();
        let rates = ledger.best_rating.keeps(&errors, margin);
        let ranks = match score.goal {
            Goal::Ranking => ledger.best.keeps(&score.user_ndcg, margin),
            Goal::Ratings => ledger.best.keeps(&errors, margin),
        };
        let rating = self.model.rating_group();
        if rates {
            self.kept_model = graft(self.kept_model.clone(), &self.average_model, &rating);
        }
        let keeps_state = if state_only_rates { rates } else { ranks };
        if keeps_state {
            self.kept_state = self.average_state.clone();
        }
        if ranks {
            self.kept_model = graft(self.average_model.clone(), &self.kept_model, &rating);
        }
        ranks
    }

    pub(crate) fn save(&self, path: &Path) -> Result<(), PersistError> {
        let mut parts = Parts::new();
        let ledger = serde_json::to_vec_pretty(&self.ledger).map_err(|source| malformed("ledger.json", source))?;
        parts.insert("ledger.json".to_owned(), ledger);
        parts.insert("model.bin".to_owned(), module_bytes("model.bin", &self.model)?);
        parts.insert("state.bin".to_owned(), module_bytes("state.bin", &self.state)?);
        parts.insert("average_model.bin".to_owned(), module_bytes("average_model.bin", &self.average_model)?);
        parts.insert("average_state.bin".to_owned(), module_bytes("average_state.bin", &self.average_state)?);
        parts.insert("kept_model.bin".to_owned(), module_bytes("kept_model.bin", &self.kept_model)?);
        parts.insert("kept_state.bin".to_owned(), module_bytes("kept_state.bin", &self.kept_state)?);
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
        let kept_model = module_from_bytes("kept_model.bin", self.kept_model, take("kept_model.bin")?)?;
        let kept_state = module_from_bytes("kept_state.bin", self.kept_state, take("kept_state.bin")?)?;
        let mut optimizer = |name: &str, optimizer: burn::optim::ModuleOptimizer| {
            let bytes = Bytes::from_bytes_vec(take(name)?);
            optimizer.from_bytes(bytes).map_err(|source| malformed(name, source))
        };
        let optimizers = Optimizers {
            model: optimizer("model_optimizer.bin", self.optimizers.model)?,
            state: optimizer("state_optimizer.bin", self.optimizers.state)?,
        };
        Ok(Self { ledger, model, state, average_model, average_state, kept_model, kept_state, optimizers })
    }
}
