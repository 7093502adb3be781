//! The default model with any learner.

use std::error::Error;

use metarec::Recommender;
use metarec::burn::tensor::Device;
use metarec::data::Dataset;
use metarec::meta::LearnerConfig;
use metarec::sampler::{SliceSampler, SliceSamplerConfig};

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
    let config = args.config.clone().with_learner(learner.clone());
    let mut trainer = Recommender::trainer(data)
        .config(&config)
        .observer(Looks::of(label))
        .split(protocol.split.clone())
        .looks(protocol.valid_candidates.clone(), protocol.shots.clone());
    if args.slices {
        let config = SliceSamplerConfig::default().with_shots(0..=10).with_min_query(5);
        let sampler = SliceSampler::new(protocol.split.train.clone(), data.catalogue(), config)?;
        let tasks = protocol.split.train.len();
        trainer = trainer.sampler(sampler, tasks);
    }
    Ok(trainer.train(device)?)
}
