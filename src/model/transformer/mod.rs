//! The default preference model: a causal Transformer over a user's events.
//!
//! Each event is a token (item, value, action, time since the event before), after a start token. Pre-norm causal self-attention leaves a state at *every* prefix,
//! so one pass trains every number of shots from none on. What a prefix adds to the start gives a user vector `u` and a gain `g`, and the ranking score of
//! item `i` is `u . e_i + (1 + g) b_i`: `e_i` is the item's output vector and `b_i` the log of its conditional popularity. Of a user without events, of whom
//! nothing else is known, `u` and `g` are exactly zero: the lowest rung of the ladder *is* conditional popularity, and everything above is a correction to it.
//! An item is its own id vector plus the vectors of its categories plus a linear map of its dense vector; one that training never saw has no id vector and is
//! known by its features alone: once training is done it is scored by a popularity that is linear in its features and by its likeness to what the user liked, both
//! fitted to the validation users. What is known of a user besides their events (a profile) is added to the start token. When users are served, `u` and `g` are
//! believed to a share that the validation users choose. Values are predicted by a linear head over item factors of their own, which share nothing with the
//! ranking trunk.
//!
//! The trunk follows SASRec (Kang and McAuley, 2018, "Self-Attentive Sequential Recommendation") with pre-norm blocks; the objective is the likelihood of all
//! later liked items instead of the next one.

mod batch;
mod blocks;
mod candidates;
mod cold;
mod columns;
mod config;
mod head;
mod items;
mod loss;
mod prefixes;
mod rating;
mod rows;
mod schema;
mod states;
mod tokens;

use std::sync::Arc;

use burn::Tensor;
use burn::module::{Module, Param, ParamGroup};
use burn::nn::{LayerNorm, LayerNormConfig};
use burn::tensor::{Device, TensorData};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

pub use batch::PreferenceBatch;
#[cfg(feature = "train")]
pub(crate) use cold::ColdItemValues;
pub use config::{CandidateLoss, ModelError, PreferenceTransformerConfig};
pub use schema::PreferenceSchema;

use crate::data::Catalogue;
use crate::model::initial::InitialValues;
use crate::model::noise::NoiseSource;
use crate::model::task::{Supervision, TaskBatch, TaskEvents};
use crate::model::traits::{AdaptableModel, LinearExamples, LinearHeadModel, PreferenceModel, RatesLinearly};
use blocks::Block;
use cold::ColdCatalogue;
use items::ItemTower;
use loss::RankingExamples;
use rating::RatingHead;
use tokens::TokenEncoder;

/// From a prefix's state to a user vector and a gain of popularity.
#[derive(Module, Debug)]
pub struct RankingHead {
    /// `[d_model, d_model]`, starts at the identity.
    map: Param<Tensor<2>>,
    /// `[d_model, 1]`, starts at zero.
    gain: Param<Tensor<2>>,
    /// Added to user vectors, `[d_model]`. Zero in every trained model: a task may move it, training does not, as there are no likes to explain where nothing is
    /// known of a user.
    shift: Param<Tensor<1>>,
    /// Added to gains, `[1]`; zero likewise.
    gain_shift: Param<Tensor<1>>,
}

/// The default preference model. See the [module's page](crate::model::transformer).
#[derive(Module, Debug)]
pub struct PreferenceTransformer {
    items: ItemTower,
    tokens: TokenEncoder,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: RankingHead,
    rating: RatingHead,
    /// Added to the start token of a user of whom something is known, `[codes or 1, d_model]`; starts at zero.
    profile: Param<Tensor<2>>,
    /// How far what is added to popularity is trusted when users are served, `[1]`: training is surer of its own users than it can be of others.
    trust: Param<Tensor<1>>,
    #[module(skip)]
    settings: Arc<Settings>,
}

/// What a model knows that is not learned by gradients.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) config: PreferenceTransformerConfig,
    pub(crate) schema: PreferenceSchema,
    pub(crate) head_prior: (Vec<f64>, f64),
}

/// What scoring needs of the items, computed once for many users.
#[derive(Clone, Debug)]
pub struct TransformerCatalogue {
    /// Output vectors, `[d_model, items]`.
    output: Tensor<2>,
    /// Popularity, `[1, items]`.
    popularity: Tensor<2>,
    /// How far states are trusted, `[1, 1]`.
    trust: Tensor<2>,
    /// The items that training does not know, which are scored by their features.
    cold: Option<ColdCatalogue>,
    /// Rating features, `[items, d_head]`.
    factors: Tensor<2>,
    /// What every user gives the item, `[items]`.
    offsets: Tensor<1>,
}

/// What is trusted where nothing was measured.
const TRUST: f32 = 0.8;

fn group(pattern: &str) -> ParamGroup {
    // The patterns are constants of this file, and a test compiles them all.
    ParamGroup::from_regex(pattern).unwrap_or_else(|_| ParamGroup::from_ids(Vec::new()))
}

/// The losses of some tasks, each by its scale.
fn scaled(losses: Tensor<1>, scale: Option<Tensor<1>>) -> Tensor<1> {
    match scale {
        Some(scale) => losses * scale,
        None => losses,
    }
}

pub(crate) fn parameter<const D: usize>(values: Vec<f32>, shape: [usize; D], device: &Device) -> Param<Tensor<D>> {
    Param::from_data(TensorData::new(values, shape), device)
}

impl PreferenceTransformer {
    /// A model of these items, with its weights drawn from `seed` and whatever `initial` says.
    ///
    /// On an autodiff device it can be trained; on a plain one it serves.
    ///
    /// # Errors
    /// If the configuration or the schema does not hold together; the error names the field.
    pub fn new(
        config: &PreferenceTransformerConfig,
        schema: &PreferenceSchema,
        catalogue: &Catalogue,
        initial: &InitialValues,
        seed: u64,
        device: &Device,
    ) -> Result<Self, ModelError> {
        config.check()?;
        schema.check(catalogue)?;
        initial.check(config, catalogue.len())?;
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let d = config.d_model;
        let items = ItemTower::new(config, schema, catalogue, initial, &mut rng, device);
        let tokens = TokenEncoder::new(config, &mut rng, device);
        let blocks = (0..config.layers).map(|_| Block::new(config, &mut rng, device)).collect();
        let identity = (0..d * d).map(|at| if at % (d + 1) == 0 { 1.0 } else { 0.0 }).collect();
        let head = RankingHead {
            map: parameter(identity, [d, d], device),
            gain: parameter(vec![0.0; d], [d, 1], device),
            shift: parameter(vec![0.0; d], [d], device).set_require_grad(false),
            gain_shift: parameter(vec![0.0], [1], device).set_require_grad(false),
        };
        let (rating, head_prior) = RatingHead::new(config, schema, initial, device);
        let settings = Settings { config: config.clone(), schema: schema.clone(), head_prior };
        let norm = LayerNormConfig::new(d).init(device);
        let codes = schema.profile.len().max(1);
        let profile = parameter(vec![0.0; codes * d], [codes, d], device);
        let trust = config.trust.map_or(TRUST, |trust| trust as f32);
        let trust = parameter(vec![trust], [1], device).set_require_grad(false);
        Ok(Self { items, tokens, blocks, norm, head, rating, profile, trust, settings: Arc::new(settings) })
    }

    /// What the model was built with.
    #[must_use]
    pub fn config(&self) -> &PreferenceTransformerConfig {
        &self.settings.config
    }

    /// What the model knows of its data.
    #[must_use]
    pub fn schema(&self) -> &PreferenceSchema {
        &self.settings.schema
    }

    /// The parameters that weight decay leaves alone: norms and biases.
    #[must_use]
    pub fn undecayed_group() -> ParamGroup {
        group(r"(norm|bias)")
    }

    /// The rating head, which shares nothing with ranking.
    #[must_use]
    pub fn rating_head_group() -> ParamGroup {
        group(r"^rating(\.|$)")
    }

    /// Items' own vectors, which start at a good closed-form fit and learn at a rate of their own.
    #[must_use]
    pub fn item_group() -> ParamGroup {
        group(r"^items\.(input|output)\.own$")
    }

    /// The same model, trusted differently: of what a user's events and profile add to popularity, this share is believed when they are ranked for. 0.8
    /// unless a validation says better.
    #[must_use]
    pub fn with_trust(mut self, trust: f32) -> Self {
        self.trust = self.trust.map(|value| value.full_like(trust));
        self
    }

    /// The same model, in which items that training does not know are scored by these values of their features.
    #[cfg(feature = "train")]
    #[must_use]
    pub(crate) fn with_cold_items(mut self, values: &ColdItemValues) -> Self {
        self.items = self.items.with_cold_items(values);
        self
    }

    /// How far it is trusted: see [`with_trust`](Self::with_trust).
    #[must_use]
    pub fn trust(&self) -> f32 {
        self.trust.val().into_scalar::<f32>()
    }

    /// What ranking predicts in a batch and from what, before the head's shifts.
    fn ranking_examples(&self, batch: &PreferenceBatch) -> RankingExamples {
        let mut noise = NoiseSource::new(batch.noise());
        let shown = self.items.shown(&mut noise, self.settings.config.id_dropout);
        let states = self.prefixes(batch, &mut noise, &shown);
        let ((u, gain), weights) = if batch.predicts_from_the_whole() {
            (Self::wholes(batch, states), batch.prefix_weights())
        } else {
            self.some_prefixes(batch, states, &mut noise)
        };
        RankingExamples::new((u, gain, weights), self.items.output(&shown), batch)
    }

    /// The head's shifts for each of some tasks, `[tasks, d_model]` and `[tasks, 1]`.
    fn shifts(&self, tasks: usize) -> (Tensor<2>, Tensor<2>) {
        let d = self.settings.config.d_model;
        let of = |shift: &Param<Tensor<1>>, width| shift.val().reshape([1, width]).expand([tasks, width]);
        (of(&self.head.shift, d), of(&self.head.gain_shift, 1))
    }

    /// How much each task's rating loss counts, `[tasks]`; 1 where there is none.
    fn rating_scale(&self, batch: &PreferenceBatch) -> Option<Tensor<1>> {
        batch.rating_scale(self.settings.schema.likes_per_task)
    }

    /// How much the ranking loss counts for each like.
    fn ranking_scale(&self) -> f64 {
        1.0 / f64::from(self.settings.schema.likes_per_task)
    }
}

impl AdaptableModel for PreferenceTransformer {
    type Batch = PreferenceBatch;

    fn loss(&self, batch: &PreferenceBatch) -> Tensor<1> {
        let head = self.head_weight();
        let d_head = head.dims()[0];
        let heads = head.reshape([1, 1, d_head]).expand([batch.tasks(), 1, d_head]);
        let rating = self.rating.squared_error(self.target_examples(batch), heads) * self.head_loss_weight();
        self.loss_without_head(batch) + scaled(rating, self.rating_scale(batch))
    }

    fn head(&self) -> ParamGroup {
        ParamGroup::from_ids(vec![self.head.shift.id, self.head.gain_shift.id, self.rating.weight_id()])
    }

    fn fixed(&self) -> ParamGroup {
        let mut fixed = self.items.counted();
        fixed.extend([self.head.shift.id, self.head.gain_shift.id, self.trust.id]);
        ParamGroup::from_ids(fixed)
    }
}

impl PreferenceModel for PreferenceTransformer {
    type Catalogue = TransformerCatalogue;

    fn batch(&self, tasks: &[TaskEvents<'_>], supervision: Supervision, device: &Device) -> PreferenceBatch {
        PreferenceBatch::new(tasks, supervision, &self.settings, device)
    }

    fn catalogue(&self) -> TransformerCatalogue {
        let (output, popularity, cold) = self.items.served();
        let (factors, offsets) = self.rating.features();
        TransformerCatalogue {
            output: output.transpose(),
            popularity: popularity.unsqueeze(),
            trust: self.trust.val().unsqueeze(),
            cold,
            factors,
            offsets,
        }
    }

    fn state(&self, batch: &PreferenceBatch) -> Tensor<2> {
        let mut silent = NoiseSource::new(None);
        let shown = self.items.shown(&mut silent, 0.0);
        let whole = batch.whole_contexts();
        let (u, gain) = Self::wholes(&whole, self.prefixes(&whole, &mut silent, &shown));
        let [tasks, _, d] = u.dims();
        let (shift, gain_shift) = self.shifts(tasks);
        let content = self.items.content(whole.items(), whole.likes());
        let ranked = [u.reshape([tasks, d]) + shift, gain.reshape([tasks, 1]) + gain_shift];
        Tensor::cat(ranked.into_iter().chain(content).collect(), 1)
    }

    fn rank(&self, catalogue: &TransformerCatalogue, state: Tensor<2>) -> Tensor<2> {
        let (d, width) = (self.settings.config.d_model, state.dims()[1]);
        let u = state.clone().narrow(1, 0, d) * catalogue.trust.clone();
        let gain = state.clone().narrow(1, d, 1) * catalogue.trust.clone();
        let scores = u.matmul(catalogue.output.clone()) + (gain + 1.0) * catalogue.popularity.clone();
        match &catalogue.cold {
            Some(cold) => cold.added(scores, state.narrow(1, d + 1, width - d - 1)),
            None => scores,
        }
    }

    fn rating_group(&self) -> ParamGroup {
        Self::rating_head_group()
    }

    fn rate(&self, catalogue: &TransformerCatalogue) -> Option<Tensor<1>> {
        let items = catalogue.offsets.dims()[0];
        let head = self.head_weight().unsqueeze::<2>();
        self.settings.schema.rated().then(|| self.rate_with(catalogue, head).reshape([items]))
    }
}

impl LinearHeadModel for PreferenceTransformer {
    fn context_examples(&self, batch: &PreferenceBatch) -> LinearExamples {
        self.rating.examples(batch.context_ratings())
    }

    fn target_examples(&self, batch: &PreferenceBatch) -> LinearExamples {
        self.rating.examples(batch.target_ratings())
    }

    fn head_weight(&self) -> Tensor<1> {
        self.rating.weight()
    }

    fn expected_heads(&self, batch: &PreferenceBatch) -> Tensor<3> {
        let (items, _, mask) = batch.context_ratings();
        self.rating.expected((items, mask), batch.task_profiles())
    }

    fn head_prior(&self) -> (Vec<f64>, f64) {
        self.settings.head_prior.clone()
    }

    fn loss_without_head(&self, batch: &PreferenceBatch) -> Tensor<1> {
        let (shift, gain_shift) = self.shifts(batch.tasks());
        self.ranking_examples(batch).moved(shift, gain_shift).loss() * self.ranking_scale()
    }

    fn head_loss_weight(&self) -> f64 {
        self.settings.config.rating_weight
    }
}

impl RatesLinearly for PreferenceTransformer {
    fn rate_with(&self, catalogue: &TransformerCatalogue, heads: Tensor<2>) -> Tensor<2> {
        let [tasks, _] = heads.dims();
        let scores = heads.matmul(catalogue.factors.clone().transpose());
        let items = scores.dims()[1];
        scores + catalogue.offsets.clone().reshape([1, items]).expand([tasks, items])
    }

    fn rating_features(&self, catalogue: &TransformerCatalogue) -> Tensor<2> {
        catalogue.factors.clone()
    }
}
