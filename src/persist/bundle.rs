//! A trained recommender as a folder: what it was made from, its items, its weights.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::data::{Catalogue, ItemVectors, ProfileSchema};
use crate::model::RatingCalibration;
use crate::persist::error::PersistError;
use crate::persist::folder::{Parts, parts_fingerprint, read_parts, write_parts};

const KIND: &str = "model";
const ABOUT: &str = "about.json";
const CONFIG: &str = "config.json";
const SCHEMA: &str = "schema.json";
const CATALOGUE: &str = "catalogue.json";
const VECTORS: &str = "vectors.bin";
const MODEL: &str = "model.bin";
const STATE: &str = "state.bin";

/// What serving needs to know of a model besides its weights.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ModelFacts {
    /// The name of the kind of model: who can build it.
    pub model: String,
    /// How many of the most recent events the model reads.
    pub max_context: usize,
    /// Least and greatest value of a rating seen in training; `None` for a model that knows no values.
    pub value_range: Option<(f32, f32)>,
    /// What the model reads of users besides their events.
    #[serde(default)]
    pub profile: ProfileSchema,
    /// What the variances of predicted ratings are worth; `None` where nobody asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<RatingCalibration>,
    /// For each item of the catalogue the share of training users who have an event of it: how likely anybody knows it. Empty where nobody counted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub known: Vec<f32>,
}

impl ModelFacts {
    /// The facts of a model that reads `max_context` events.
    pub fn new(model: impl Into<String>, max_context: usize, value_range: Option<(f32, f32)>) -> Self {
        let (profile, rating, known) = (ProfileSchema::default(), None, Vec::new());
        Self { model: model.into(), max_context, value_range, profile, rating, known }
    }

    /// The same facts of a model that reads profiles.
    #[must_use]
    pub fn with_profile(self, profile: ProfileSchema) -> Self {
        Self { profile, ..self }
    }

    /// The same facts of a model whose variances are worth this.
    #[must_use]
    pub fn with_rating(self, rating: RatingCalibration) -> Self {
        Self { rating: Some(rating), ..self }
    }

    /// The same facts of a model of whose items so many users know each.
    #[must_use]
    pub fn with_known(self, known: Vec<f32>) -> Self {
        Self { known, ..self }
    }

    /// Checks that they are of a model of so many items, and that they can be read back once they are written.
    ///
    /// # Errors
    /// [`PersistError::Malformed`] with the first fact that is out of its bounds.
    pub(crate) fn check(&self, items: usize) -> Result<(), PersistError> {
        if !(self.known.is_empty() || self.known.len() == items) {
            let found = self.known.len();
            return Err(malformed(ABOUT, format!("`known` has {found} shares: expected {items}, one for each item")));
        }
        self.check_numbers()
    }

    fn check_numbers(&self) -> Result<(), PersistError> {
        if let Some(share) = self.known.iter().find(|share| !(0.0..=1.0).contains(*share)) {
            return Err(malformed(ABOUT, format!("`known` has {share}: expected shares from 0 to 1")));
        }
        if let Some((low, high)) = self.value_range
            && !(low.is_finite() && high.is_finite() && low <= high)
        {
            let text = format!("`value_range` is {low} to {high}: expected finite numbers, the least first");
            return Err(malformed(ABOUT, text));
        }
        match &self.rating {
            Some(rating) if !rating.is_sound() => Err(malformed(ABOUT, format!("no calibration is {rating:?}"))),
            _ => Ok(()),
        }
    }
}

/// A trained recommender as bytes, one part for each file of its folder.
///
/// | part | what it holds |
/// |---|---|
/// | `about.json` | [`ModelFacts`] |
/// | `config.json` | the settings it was trained with |
/// | `schema.json` | what the model knows of its data |
/// | `catalogue.json` | ids, titles, texts and categories of the items |
/// | `vectors.bin` | the items' dense vectors, if they have any: their width as `u64`, then `f32`s, little endian |
/// | `model.bin`, `state.bin` | weights of the model and of the learner, in Burn's format |
///
/// Floats in JSON parts are written so that they are read back to the same `f32`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    parts: Parts,
}

fn malformed(part: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> PersistError {
    PersistError::Malformed { part: part.to_owned(), source: source.into() }
}

fn to_json(part: &str, value: &impl Serialize) -> Result<Vec<u8>, PersistError> {
    serde_json::to_vec(value).map_err(|source| malformed(part, source))
}

impl Bundle {
    /// The bundle of a model whose weights are `model` and `state`.
    ///
    /// # Errors
    /// If settings, schema or catalogue can't be written as JSON.
    pub fn new(
        facts: &ModelFacts,
        (config, schema): (&impl Serialize, &impl Serialize),
        catalogue: &Catalogue,
        (model, state): (Vec<u8>, Vec<u8>),
    ) -> Result<Self, PersistError> {
        let mut parts = Parts::new();
        let mut put = |name: &str, bytes: Vec<u8>| parts.insert(name.to_owned(), bytes);
        put(ABOUT, to_json(ABOUT, facts)?);
        put(CONFIG, to_json(CONFIG, config)?);
        put(SCHEMA, to_json(SCHEMA, schema)?);
        match catalogue.vectors() {
            None => put(CATALOGUE, to_json(CATALOGUE, catalogue)?),
            Some(vectors) => {
                let mut plain = catalogue.clone();
                plain.set_vectors(None);
                put(VECTORS, vectors_to_bytes(vectors));
                put(CATALOGUE, to_json(CATALOGUE, &plain)?)
            }
        };
        put(MODEL, model);
        put(STATE, state);
        Ok(Self { parts })
    }

    /// Writes the bundle as a folder, whole or not at all; a bundle that is there already is replaced.
    ///
    /// # Errors
    /// If the file system refuses, or `path` holds something that is no bundle.
    pub fn write(&self, path: &Path) -> Result<(), PersistError> {
        write_parts(path, KIND, &self.parts).map(|_| ())
    }

    /// Reads the bundle at `path` and checks every byte against its manifest.
    ///
    /// # Errors
    /// Each kind of damage has its own variant of [`PersistError`].
    pub fn read(path: &Path) -> Result<Self, PersistError> {
        let (_, parts) = read_parts(path, KIND)?;
        for name in [ABOUT, CONFIG, SCHEMA, CATALOGUE, MODEL, STATE] {
            if !parts.contains_key(name) {
                return Err(PersistError::Missing { path: path.to_owned(), part: name.to_owned() });
            }
        }
        Ok(Self { parts })
    }

    /// SHA-256 over all parts: equal fingerprints mean equal models.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        parts_fingerprint(&self.parts)
    }

    /// What serving needs to know.
    ///
    /// # Errors
    /// If the part is no such thing, or has numbers that are out of their bounds.
    pub fn facts(&self) -> Result<ModelFacts, PersistError> {
        let facts: ModelFacts = self.json(ABOUT)?;
        facts.check_numbers()?;
        Ok(facts)
    }

    /// The settings the model was trained with.
    ///
    /// # Errors
    /// If they are not of type `C`.
    pub fn config<C: DeserializeOwned>(&self) -> Result<C, PersistError> {
        self.json(CONFIG)
    }

    /// What the model knows of its data.
    ///
    /// # Errors
    /// If it is not of type `S`.
    pub fn schema<S: DeserializeOwned>(&self) -> Result<S, PersistError> {
        self.json(SCHEMA)
    }

    /// The items.
    ///
    /// # Errors
    /// If the part is no catalogue, or the vectors are not those of its items.
    pub fn catalogue(&self) -> Result<Catalogue, PersistError> {
        let mut catalogue: Catalogue = self.json(CATALOGUE)?;
        if let Some(bytes) = self.parts.get(VECTORS) {
            let vectors = vectors_from_bytes(bytes, catalogue.len())
                .ok_or_else(|| malformed(VECTORS, format!("not one vector for each of {} items", catalogue.len())))?;
            catalogue.set_vectors(Some(vectors));
        }
        Ok(catalogue)
    }

    /// The weights of the model, in Burn's format.
    #[must_use]
    pub fn model(&self) -> &[u8] {
        self.bytes(MODEL)
    }

    /// The weights of the learner, in Burn's format.
    #[must_use]
    pub fn state(&self) -> &[u8] {
        self.bytes(STATE)
    }

    fn bytes(&self, part: &str) -> &[u8] {
        self.parts.get(part).map_or(&[], Vec::as_slice)
    }

    fn json<T: DeserializeOwned>(&self, part: &str) -> Result<T, PersistError> {
        serde_json::from_slice(self.bytes(part)).map_err(|source| malformed(part, source))
    }
}

fn vectors_to_bytes(vectors: &ItemVectors) -> Vec<u8> {
    let mut bytes = (vectors.width as u64).to_le_bytes().to_vec();
    bytes.extend(vectors.values.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

fn vectors_from_bytes(bytes: &[u8], items: usize) -> Option<ItemVectors> {
    let (width, values) = bytes.split_first_chunk::<8>()?;
    let width = usize::try_from(u64::from_le_bytes(*width)).ok()?;
    let (values, rest) = values.as_chunks::<4>();
    let whole = rest.is_empty() && items.checked_mul(width) == Some(values.len());
    whole.then(|| ItemVectors { width, values: values.iter().map(|value| f32::from_le_bytes(*value)).collect() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RatingScale;

    fn bundle(catalogue: &Catalogue) -> Bundle {
        let facts = ModelFacts::new("test", 5, Some((1.0, 5.0)));
        Bundle::new(&facts, (&"settings", &0.1_f32), catalogue, (vec![1, 2], vec![3])).unwrap()
    }

    fn two_items() -> Catalogue {
        let mut catalogue = Catalogue::new();
        catalogue.describe("a", "Alpha", "", ["x"]);
        catalogue.insert("b");
        catalogue
    }

    #[test]
    fn what_was_written_is_read_back_under_the_same_fingerprint() {
        let folder = tempfile::tempdir().unwrap();
        let mut catalogue = two_items();
        catalogue.set_vectors(Some(ItemVectors { width: 2, values: vec![0.1, -2.0, 3.5e-9, 4.0] }));
        let written = bundle(&catalogue);
        written.write(&folder.path().join("model")).unwrap();
        let read = Bundle::read(&folder.path().join("model")).unwrap();
        assert_eq!(read, written);
        assert_eq!(read.fingerprint(), written.fingerprint());
        assert_eq!(read.catalogue().unwrap(), catalogue);
        assert_eq!(read.config::<String>().unwrap(), "settings");
        assert_eq!(read.schema::<f32>().unwrap(), 0.1);
        assert_eq!((read.model(), read.state()), (&[1, 2][..], &[3][..]));
    }

    #[test]
    fn vectors_of_other_items_are_refused() {
        let mut catalogue = two_items();
        catalogue.set_vectors(Some(ItemVectors { width: 2, values: vec![0.0; 4] }));
        let mut torn = bundle(&catalogue);
        for bytes in [vec![], vec![2, 0, 0, 0, 0, 0, 0, 0, 1], u64::MAX.to_le_bytes().to_vec()] {
            torn.parts.insert(VECTORS.to_owned(), bytes);
            assert!(matches!(torn.catalogue(), Err(PersistError::Malformed { part, .. }) if part == VECTORS));
        }
    }

    #[test]
    fn a_calibration_is_read_back_and_one_that_makes_no_sense_is_refused() {
        let scale = RatingScale::of([1.0, 3.0, 5.0]).unwrap();
        let facts = |calibration: RatingCalibration| {
            let facts = ModelFacts::new("test", 5, Some((1.0, 5.0))).with_rating(calibration);
            Bundle::new(&facts, (&(), &()), &two_items(), (vec![], vec![])).unwrap().facts()
        };
        let mut calibration = RatingCalibration::new(scale);
        calibration.spread = 0.3;
        assert_eq!(facts(calibration.clone()).unwrap().rating.unwrap(), calibration);
        calibration.doubt = -1.0;
        assert!(matches!(facts(calibration), Err(PersistError::Malformed { part, .. }) if part == ABOUT));
    }

    #[test]
    fn another_title_is_another_fingerprint() {
        let mut other = two_items();
        other.describe("b", "Beta", "", []);
        assert_ne!(bundle(&other).fingerprint(), bundle(&two_items()).fingerprint());
    }
}
