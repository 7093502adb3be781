//! Ratings alone: a perceptron over frozen item vectors, with any learner.

use std::error::Error;

use metarec::burn::tensor::Device;
use metarec::data::{Dataset, tie_order};
use metarec::meta::{LearnerConfig, ServingLearner, WithLearner};
use metarec::model::initial::{choose_rating_fit, fit_ratings};
use metarec::model::{PreferenceSchema, RatingMlp, RatingMlpConfig};
use metarec::persist::ModelFacts;
use metarec::recommend::RecommenderParts;
use metarec::sampler::{UserSampler, UserSamplerConfig};
use metarec::train::{Goal, MetaTrainer, Validation};
use metarec::{Config, Recommender};

use crate::args::Args;
use crate::looks::Looks;
use crate::protocol::Protocol;

/// Trains one learner on the protocol's training users.
pub fn train(
    (label, learner): (&str, &LearnerConfig),
    args: &Args,
    data: &Dataset,
    protocol: &Protocol,
    device: &Device,
) -> Result<Recommender, Box<dyn Error>> {
    let (tasks, config) = (&protocol.split.train, args.config.clone());
    let schema = PreferenceSchema::from_tasks(data.catalogue(), tasks, data.like_rule());
    let (items, mean) = (data.catalogue().len(), f64::from(schema.value_mean));
    let fit = choose_rating_fit(tasks, items, mean, config.model.rating_factors, config.seed);
    let vectors = RatingMlp::vectors_from(&fit_ratings(tasks, items, mean, &fit, config.seed));
    let autodiff = device.clone().inner().autodiff();
    let ratings = (schema.value_mean, schema.value_deviation);
    let model = RatingMlp::new(&RatingMlpConfig::default(), &vectors, ratings, config.seed, &autodiff)?;
    learner.build(Train { label, model, schema, config, data, protocol, device })?
}

struct Train<'a> {
    label: &'a str,
    model: RatingMlp,
    schema: PreferenceSchema,
    config: Config,
    data: &'a Dataset,
    protocol: &'a Protocol,
    device: &'a Device,
}

impl WithLearner<RatingMlp> for Train<'_> {
    type Output = Result<Recommender, Box<dyn Error>>;

    fn with<L: ServingLearner<RatingMlp> + Clone>(self, learner: L) -> Self::Output {
        let Self { label, model, schema, config, data, protocol, device } = self;
        let sampling = UserSamplerConfig::default().with_shots(0..=20);
        let sampler = UserSampler::new(protocol.split.train.clone(), sampling)?;
        let (valid, candidates) = (protocol.split.valid.clone(), protocol.valid_candidates.clone());
        let places = tie_order(data.catalogue().ids());
        let validation = Validation::new(valid, candidates, data.like_rule().clone(), places, protocol.shots.clone());
        let autodiff = device.clone().inner().autodiff();
        let training = &config.training;
        let trainer =
            MetaTrainer::new(model, learner.clone(), &sampler, sampler.tasks(), training, config.seed, &autodiff)?
                .with_validation(validation.with_goal(Goal::Ratings))
                .with_observer(Looks::of(label));
        let trained = trainer.run()?;
        let facts = ModelFacts::new("rating_mlp", 50, schema.value_range);
        let parts = RecommenderParts::new(trained.model, trained.state, learner, data.catalogue().clone(), facts);
        Ok(Recommender::from_parts(parts, device)?)
    }
}
