//! Saving and loading.

use std::error::Error;
use std::path::Path;

use burn::tensor::Device;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::engine::LearnedEngine;
use super::error::RecommendError;
use super::parts::RecommenderParts;
use super::recommender::Recommender;
use crate::data::Catalogue;
use crate::meta::{LearnerConfig, ServingLearner, WithLearner};
use crate::model::initial::InitialValues;
use crate::model::{PreferenceModel, PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig};
use crate::persist::{Bundle, ModelFacts, PersistError, module_from_bytes};

/// The name of the built-in model in bundles.
const TRANSFORMER: &str = "preference_transformer";

/// What the built-in model needs of the settings; whatever else is there is for training.
#[derive(Deserialize)]
struct OfTransformer {
    model: PreferenceTransformerConfig,
}

/// What a built-in learner needs.
#[derive(Deserialize)]
struct WithBuiltIn {
    learner: LearnerConfig,
}

/// What a folder holds besides weights: what [`Recommender::load_with`] gives to whoever builds the model.
#[derive(Debug)]
pub struct Stored {
    bundle: Bundle,
    catalogue: Catalogue,
    facts: ModelFacts,
}

impl Stored {
    /// The items.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// What serving needs to know of the model, its name among it.
    #[must_use]
    pub fn facts(&self) -> &ModelFacts {
        &self.facts
    }

    /// What was given to [`RecommenderParts::with_config`].
    ///
    /// # Errors
    /// If it is not of type `C`.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, RecommendError> {
        Ok(self.bundle.config()?)
    }

    /// What was given to [`RecommenderParts::with_schema`].
    ///
    /// # Errors
    /// If it is not of type `S`.
    pub fn schema<S: DeserializeOwned>(&self) -> Result<S, RecommendError> {
        Ok(self.bundle.schema()?)
    }

    fn read(path: &Path) -> Result<Self, RecommendError> {
        let bundle = Bundle::read(path)?;
        let (catalogue, facts) = (bundle.catalogue()?, bundle.facts()?);
        facts.check(catalogue.len())?;
        Ok(Self { bundle, catalogue, facts })
    }

    /// Fills a model and a learner that were just built with the weights.
    fn fill<M: PreferenceModel, L: ServingLearner<M>>(
        self,
        (model, learner): (M, L),
        device: &Device,
    ) -> Result<Recommender, RecommendError> {
        let state = learner.init_state(&model);
        let state = module_from_bytes("state.bin", state, self.bundle.state().to_vec())?;
        let model = module_from_bytes("model.bin", model, self.bundle.model().to_vec())?;
        let parts = (self.bundle.config()?, self.bundle.schema()?);
        let engine = LearnedEngine::new(model, state, learner, device);
        Ok(Recommender::assemble(Box::new(engine), self.catalogue, self.facts, parts, self.bundle.fingerprint()))
    }
}

/// Fills the built-in model and whichever learner it goes with.
struct Fill<'a> {
    stored: Stored,
    model: PreferenceTransformer,
    device: &'a Device,
}

impl WithLearner<PreferenceTransformer> for Fill<'_> {
    type Output = Result<Recommender, RecommendError>;

    fn with<L: ServingLearner<PreferenceTransformer> + Clone>(self, learner: L) -> Self::Output {
        self.stored.fill((self.model, learner), self.device)
    }
}

impl Recommender {
    /// Saves everything that serving needs as one folder, whole or not at all. Where a model was there before, it is put aside in the moment before this one
    /// takes its place: a reader in between finds none and may try again.
    ///
    /// # Errors
    /// If the file system refuses, or `path` holds something that is no saved recommender, which is left alone.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), RecommendError> {
        let weights = self.engine.weights()?;
        let bundle = Bundle::new(&self.facts, (&self.config, &self.schema), &self.catalogue, weights)?;
        Ok(bundle.write(path.as_ref())?)
    }

    /// Loads a recommender that was saved, onto a device. It has the fingerprint of the one that was saved, and on the same kind of device gives the same
    /// scores to the last bit.
    ///
    /// # Errors
    /// If the folder is not what was saved: each kind of damage has its own variant of [`PersistError`]. If its model is not the built-in
    /// one: [`RecommendError::UnknownModel`].
    pub fn load(path: impl AsRef<Path>, device: &Device) -> Result<Self, RecommendError> {
        let (stored, model) = Self::read_transformer(path.as_ref(), device)?;
        let config: WithBuiltIn = stored.config()?;
        config.learner.build(Fill { stored, model, device })?
    }

    /// Loads a recommender of the built-in model with a learner of any crate, which must be the one that it was trained with.
    ///
    /// # Errors
    /// As [`Recommender::load`]; [`PersistError::Malformed`] if the learner's state is of another shape.
    pub fn load_transformer<L: ServingLearner<PreferenceTransformer>>(
        path: impl AsRef<Path>,
        learner: L,
        device: &Device,
    ) -> Result<Self, RecommendError> {
        let (stored, model) = Self::read_transformer(path.as_ref(), device)?;
        stored.fill((model, learner), device)
    }

    /// What is stored, and the built-in model with no weights yet.
    fn read_transformer(path: &Path, device: &Device) -> Result<(Stored, PreferenceTransformer), RecommendError> {
        let stored = Stored::read(path)?;
        if stored.facts.model != TRANSFORMER {
            return Err(RecommendError::UnknownModel(stored.facts.model));
        }
        let config: OfTransformer = stored.config()?;
        let schema: PreferenceSchema = stored.schema()?;
        let initial = InitialValues::flat(stored.catalogue.len());
        let plain = device.clone().inner();
        let model = PreferenceTransformer::new(&config.model, &schema, &stored.catalogue, &initial, 0, &plain)?;
        Ok((stored, model))
    }

    /// Loads a recommender of any model with any learner, which `build` makes of what was saved besides the weights. The weights are then read into them.
    ///
    /// # Errors
    /// As [`Recommender::load`], and [`RecommendError::Build`] with the error of `build`.
    pub fn load_with<M, L, E>(
        path: impl AsRef<Path>,
        device: &Device,
        build: impl FnOnce(&Stored) -> Result<(M, L), E>,
    ) -> Result<Self, RecommendError>
    where
        M: PreferenceModel,
        L: ServingLearner<M>,
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let stored = Stored::read(path.as_ref())?;
        let built = build(&stored).map_err(|source| RecommendError::Build(source.into()))?;
        stored.fill(built, device)
    }

    /// The settings that the model was made with: a `metarec::Config` if it came from `Recommender::train`, else what was given to
    /// [`RecommenderParts::with_config`].
    ///
    /// # Errors
    /// If they are not of type `C`.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, RecommendError> {
        let malformed = |source| PersistError::Malformed { part: "config.json".to_owned(), source: Box::new(source) };
        Ok(C::deserialize(&self.config).map_err(malformed)?)
    }
}

impl<L: ServingLearner<PreferenceTransformer>> RecommenderParts<PreferenceTransformer, L> {
    /// The parts of a recommender of the built-in model. If the learner is built in as well and `config` has it as `learner` and the model's settings as
    /// `model`, [`Recommender::load`] can load it.
    ///
    /// # Errors
    /// If `config` can't be written as JSON.
    pub fn of_transformer(
        (model, state, learner): (PreferenceTransformer, L::State, L),
        catalogue: Catalogue,
        config: &impl serde::Serialize,
    ) -> Result<Self, RecommendError> {
        let schema = model.schema().clone();
        let range = schema.value_range.filter(|_| schema.rated());
        let facts =
            ModelFacts::new(TRANSFORMER, model.config().max_context, range).with_profile(schema.profile.clone());
        Self::new(model, state, learner, catalogue, facts).with_config(config)?.with_schema(&schema)
    }
}
