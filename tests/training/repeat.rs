//! What is equal between two runs, and on many threads.

use burn::Tensor;
use burn::module::{ModuleVisitor, Param};
use burn::optim::SgdConfig;
use burn::tensor::Device;
use metarec::meta::{MetaGradient, ServingLearner, combine, norm, values};
use metarec::model::{MetaBatch, PreferenceTransformer, Supervision, TaskEvents};
use metarec::persist::read_parts;
use metarec::sampler::EpisodeId;
use metarec::train::{CancelToken, MetaTrainer, Optimizers, TrainError};
use std::sync::Mutex;

use metarec::model::PreferenceModel;
use metarec::sampler::TaskSampler;

use super::*;

#[test]
fn a_run_is_bit_equal_on_any_number_of_threads_and_when_repeated() {
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let on = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let trained = pool.install(|| world.trainer(learner(), &config(1), seed).run()).unwrap();
            all_bits(&trained)
        };
        let one = on(1, 3);
        assert!(one.0 != bits(&world.model(8, 0.2)), "{name} does not train");
        for threads in [1, 2, 4] {
            assert!(one == on(threads, 3), "{name} on {threads} threads");
        }
        assert!(one != on(1, 4), "{name} with another seed");
    }
    with_every_learner!(test);
}

#[test]
fn the_number_of_shards_changes_only_rounding_without_dropout() {
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let start = world.model(8, 0.0);
        // One step of the clipped gradient itself.
        let step = |shards: usize| {
            let mut config = config(100);
            (config.shards, config.outer_lr, config.warm_up, config.epochs) = (shards, 1.0, 0.0, 100);
            let token = CancelToken::new();
            let told = Mutex::new(Told::default());
            let folder = tempfile::tempdir().unwrap();
            let observer = Recorder { told: &told, cancel: Some((token.clone(), 1)) };
            let sgd = Optimizers { model: SgdConfig::new().init(), state: SgdConfig::new().init() };
            let model = start.clone();
            let run = MetaTrainer::new(model, learner(), &world.sampler, 30, &config, 5, &device()).unwrap();
            let run = run.with_optimizers(sgd).with_observer(observer).with_cancel(token);
            let path = folder.path().join("checkpoint");
            assert!(matches!(run.with_checkpoint(&path).run(), Err(TrainError::Cancelled { step: 1 })));
            let bytes = read_parts(&path, "checkpoint").unwrap().1.remove("model.bin").unwrap();
            metarec::persist::module_from_bytes("model.bin", start.clone(), bytes).unwrap()
        };
        let before = values(&start);
        let way = |after: &PreferenceTransformer| combine(&start, (&values(after), 1.0), (&before, -1.0));
        let one = way(&step(1));
        assert!(norm(&start, &one) > 0.01, "{name}: the step is too short to compare");
        for shards in [2, 4, 7] {
            let other = way(&step(shards));
            let far = norm(&start, &combine(&start, (&one, 1.0), (&other, -1.0))) / norm(&start, &one);
            assert!(far <= 1e-5, "{name}: {shards} shards are {far:.1e} of a step away");
        }
    }
    with_every_learner!(test);
}

#[test]
fn gradients_of_many_threads_at_once_are_those_of_one() {
    // Upstream bug tracel-ai/burn#5647: concurrent backward passes mixed up each other's gradients.
    fn test<L: ServingLearner<PreferenceTransformer>>(name: &str, learner: fn() -> L) {
        let world = World::new();
        let (model, learner) = (world.model(8, 0.0), learner());
        let state = learner.init_state(&model);
        let batches: Vec<MetaBatch<_>> = (0..4)
            .map(|index| {
                let episode = world.sampler.episode(EpisodeId { seed: 1, index }).unwrap();
                let plain = Device::default();
                let support = [learner.support_use().of(&episode.support)];
                let query = [TaskEvents::query(&episode.support, &episode.query)];
                MetaBatch {
                    support: model.batch(&support, Supervision::EveryPrefix, &plain),
                    query: model.batch(&query, learner.supervision(), &plain),
                }
            })
            .collect();
        let of = |model: &PreferenceTransformer, state: &L::State, batch| {
            let gradient = learner.meta_gradient(model, state, batch);
            let mut found = Bits::default();
            model.visit(&mut Gradients { gradient: &gradient, found: &mut found });
            found.0
        };
        let expected: Vec<Vec<u32>> = batches.iter().map(|batch| of(&model, &state, batch)).collect();
        assert!(expected.iter().all(|bits| !bits.is_empty()));
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (model, state) = (model.clone().fork(&device()), state.clone().fork(&device()));
                let (batches, expected, of) = (&batches, &expected, &of);
                scope.spawn(move || {
                    for round in 0..10 {
                        let at = (thread + round) % batches.len();
                        assert!(
                            of(&model, &state, &batches[at]) == expected[at],
                            "{name}: thread {thread}, round {round}"
                        );
                    }
                });
            }
        });
    }
    with_every_learner!(test);
}

struct Gradients<'a> {
    gradient: &'a MetaGradient,
    found: &'a mut Bits,
}

impl ModuleVisitor for Gradients<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let gradient = self.gradient.model.get::<D>(param.id).into_iter();
        self.found.0.extend(gradient.flat_map(|t| t.into_data().iter::<f32>().map(f32::to_bits).collect::<Vec<_>>()));
    }
}
