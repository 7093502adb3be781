//! A recommender from its parts, for models and learners of any crate.

use burn::tensor::Device;
use serde::Serialize;

use super::engine::{Engine, LearnedEngine};
use super::error::RecommendError;
use super::recommender::Recommender;
use crate::data::Catalogue;
use crate::meta::ServingLearner;
use crate::model::{PreferenceModel, RatingCalibration};
use crate::persist::{Bundle, ModelFacts, PersistError};

/// What [`Recommender::from_parts`] makes a recommender of.
#[derive(Clone, Debug)]
pub struct RecommenderParts<M: PreferenceModel, L: ServingLearner<M>> {
    pub(super) model: M,
    pub(super) state: L::State,
    pub(super) learner: L,
    pub(super) catalogue: Catalogue,
    pub(super) facts: ModelFacts,
    pub(super) config: serde_json::Value,
    pub(super) schema: serde_json::Value,
}

/// A value as JSON, by way of text: `f32`s then have their shortest digits and are read back to the same bits.
fn to_value(part: &str, value: &impl Serialize) -> Result<serde_json::Value, PersistError> {
    let text = serde_json::to_vec(value);
    text.and_then(|text| serde_json::from_slice(&text))
        .map_err(|source| PersistError::Malformed { part: part.to_owned(), source: Box::new(source) })
}

impl<M: PreferenceModel, L: ServingLearner<M>> RecommenderParts<M, L> {
    /// A trained model and learner that serve the items of a catalogue, which are in the order of the model's scores.
    pub fn new(model: M, state: L::State, learner: L, catalogue: Catalogue, facts: ModelFacts) -> Self {
        let nothing = serde_json::Value::Null;
        Self { model, state, learner, catalogue, facts, config: nothing.clone(), schema: nothing }
    }

    /// What is needed, besides the weights, to build the model and the learner again: it is saved with them, and handed to whoever loads.
    ///
    /// # Errors
    /// If it can't be written as JSON.
    pub fn with_config(mut self, config: &impl Serialize) -> Result<Self, RecommendError> {
        self.config = to_value("config.json", config)?;
        Ok(self)
    }

    /// What the learner's variances of ratings are worth: without it they are taken at their word, over a continuous scale.
    /// [`Recommender::from_parts`] refuses one that [is not sound](RatingCalibration::is_sound).
    #[must_use]
    pub fn with_rating(mut self, calibration: RatingCalibration) -> Self {
        self.facts = self.facts.with_rating(calibration);
        self
    }

    /// Which share of users knows each item of the catalogue, for [`Recommender::questions`]: without it that is taken from ranking scores.
    /// [`Recommender::from_parts`] refuses other numbers of shares than items, and what is not from 0 to 1.
    #[must_use]
    pub fn with_known(mut self, known: Vec<f32>) -> Self {
        self.facts = self.facts.with_known(known);
        self
    }

    /// What the model knows of its data, saved in a part of its own.
    ///
    /// # Errors
    /// If it can't be written as JSON.
    pub fn with_schema(mut self, schema: &impl Serialize) -> Result<Self, RecommendError> {
        self.schema = to_value("schema.json", schema)?;
        Ok(self)
    }
}

impl Recommender {
    /// A recommender of any model with any learner, on a device.
    ///
    /// Costs one pass over the weights, which the fingerprint is taken of.
    ///
    /// # Errors
    /// [`PersistError::Malformed`] if the facts are out of their bounds, or of another number of items than the catalogue has, so that what is saved could not be
    /// loaded; or if the weights can't be written as bytes.
    pub fn from_parts<M: PreferenceModel, L: ServingLearner<M>>(
        parts: RecommenderParts<M, L>,
        device: &Device,
    ) -> Result<Self, RecommendError> {
        let RecommenderParts { model, state, learner, catalogue, facts, config, schema } = parts;
        facts.check(catalogue.len())?;
        let engine = LearnedEngine::new(model, state, learner, device);
        let bundle = Bundle::new(&facts, (&config, &schema), &catalogue, engine.weights()?)?;
        Ok(Self::assemble(Box::new(engine), catalogue, facts, (config, schema), bundle.fingerprint()))
    }
}
