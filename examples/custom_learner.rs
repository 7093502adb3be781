//! A learner of your own: implicit MAML on the head of the model. It is held to the contract of all learners, trained, and compared with the default one on
//! users that neither has seen.
//!
//! `cargo run --release --features testing --example custom_learner [-- FOLDER]`; without a folder of events a market is made up.

use std::error::Error;
use std::path::Path;

use metarec::baseline;
use metarec::burn::Tensor;
use metarec::burn::module::{Module, Param};
use metarec::burn::optim::GradientsParams;
use metarec::burn::tensor::{Device, TensorData};
use metarec::data::synthetic::MarketConfig;
use metarec::data::{Dataset, IndexedEvent, TaskHistory, UserIndex, UserSplit, read_dir};
use metarec::evaluate::{Method, Report, Served, UserCold};
use metarec::meta::contract::{Fixture, TASKS, check, check_serving, gradient_is_exact, jiggled};
use metarec::meta::{FastHeads, MetaGradient, MetaLearner, ServingLearner};
use metarec::model::initial::InitialValues;
use metarec::model::{
    HeadModel, MetaBatch, PreferenceModel, PreferenceSchema, PreferenceTransformer, PreferenceTransformerConfig,
    ServesHeads, Supervision, SupportUse, TaskBatch, TaskEvents,
};
use metarec::recommend::device_from_env;
use metarec::{Config, Recommender};

/// Implicit MAML (Rajeswaran, Finn, Kakade and Levine, 2019, "Meta-Learning with Implicit Gradients"), of the head alone.
///
/// A task's head is the one that explains its support set best without going far from the common start: it minimises the support loss plus half the
/// squared distance times a strength. The meta-gradient needs the place of that minimum only, not the way to it, so the steps may be as many as it takes:
/// one linear system a task is solved by conjugate gradients instead. How strong the pull is, is learned for each part of the head.
#[derive(Clone, Debug)]
struct Implicit {
    steps: usize,
    rate: f64,
    momentum: f64,
    conjugate: usize,
}

/// The logarithm of the pull's strength for each part of the head, `[parts]`.
#[derive(Module, Debug)]
struct Pull {
    log: Param<Tensor<1>>,
}

/// Below this a number counts as zero when it is divided by.
const TINY: f64 = 1e-30;

fn dot(a: &Tensor<2>, b: &Tensor<2>) -> Tensor<2> {
    (a.clone() * b.clone()).sum_dim(1)
}

impl Pull {
    /// The strength for each number of the head, `[1, d_head]`.
    fn strengths<M: HeadModel>(&self, model: &M) -> Tensor<2> {
        let strength = self.log.val().exp();
        let parts = model.head_parts().into_iter().enumerate();
        let parts = parts.map(|(part, width)| strength.clone().narrow(0, part, 1).expand([width]));
        Tensor::cat(parts.collect(), 0).unsqueeze::<2>()
    }
}

impl Implicit {
    fn new() -> Self {
        Self { steps: 80, rate: 0.2, momentum: 0.7, conjugate: 12 }
    }

    /// The minimum for each task, `[tasks, d_head]`, on the plain device.
    fn minimum<M: HeadModel>(&self, model: &M, pull: &Pull, support: &M::Batch) -> Tensor<2> {
        let (model, pull) = (model.valid(), pull.valid());
        let (examples, strengths) = (model.examples(support), pull.strengths(&model));
        let start = model.head_start().unsqueeze::<2>().expand([support.tasks(), strengths.dims()[1]]);
        let mut heads = start.clone();
        let mut way = start.zeros_like();
        for _ in 0..self.steps {
            let back = (heads.clone() - start.clone()) * strengths.clone();
            let gradient = model.head_gradient(&examples, heads.clone()) + back;
            way = way * self.momentum - gradient * self.rate;
            heads = heads + way.clone();
        }
        heads
    }

    /// `x` with `curvature(x) = target`, for each task, by conjugate gradients.
    fn solve(&self, curvature: impl Fn(Tensor<2>) -> Tensor<2>, target: Tensor<2>) -> Tensor<2> {
        let mut x = target.zeros_like();
        let (mut left, mut along) = (target.clone(), target);
        for _ in 0..self.conjugate {
            let length = dot(&left, &left);
            let curved = curvature(along.clone());
            let step = length.clone() / dot(&along, &curved).clamp_min(TINY);
            x = x + along.clone() * step.clone();
            left = left - curved * step;
            along = left.clone() + along * (dot(&left, &left) / length.clamp_min(TINY));
        }
        x
    }
}

/// The second derivative of the support loss at `heads`, times `along`: the head's gradient is written by the model, so autodiff differentiates it once more.
fn second_derivative<M: HeadModel>(
    (model, examples): (&M, &M::Examples),
    heads: &Tensor<2>,
    along: &Tensor<2>,
) -> Tensor<2> {
    let heads = Tensor::from_inner(heads.clone()).require_grad();
    let gradient = model.head_gradient(examples, heads.clone());
    let grads = (gradient * Tensor::from_inner(along.clone())).sum().backward();
    heads.grad(&grads).unwrap_or_else(|| along.zeros_like())
}

impl<M: HeadModel> MetaLearner<M> for Implicit {
    type State = Pull;
    type Adapted = FastHeads<M::Batch>;

    fn init_state(&self, model: &M) -> Pull {
        let parts = model.head_parts().len();
        let log = TensorData::new(vec![0.5_f32.ln(); parts], [parts]);
        Pull { log: Param::from_data(log, &model.head_start().device()) }
    }

    fn support_use(&self) -> SupportUse {
        SupportUse::Descended
    }

    fn supervision(&self) -> Supervision {
        Supervision::WholeContext
    }

    fn needs_autodiff(&self) -> bool {
        false
    }

    fn adapt(&self, model: &M, pull: &Pull, support: &M::Batch) -> FastHeads<M::Batch> {
        FastHeads::new(support.clone(), self.minimum(model, pull, support))
    }

    fn query_loss(&self, model: &M, _: &Pull, adapted: &FastHeads<M::Batch>, query: &M::Batch) -> Tensor<1> {
        let model = model.valid();
        model.head_loss(&model.examples(query), adapted.heads())
    }

    fn meta_gradient(&self, model: &M, pull: &Pull, batch: &MetaBatch<M::Batch>) -> MetaGradient {
        let heads = self.minimum(model, pull, &batch.support);
        let plain = model.valid();
        let examples = plain.examples(&batch.support);
        let strengths = pull.valid().strengths(&plain);
        // How the query loss of a task changes with a push at its minimum: (H + strength) v = gradient of the query loss in the head.
        let wanted = plain.head_gradient(&plain.examples(&batch.query), heads.clone());
        let curvature =
            |along: Tensor<2>| second_derivative((&plain, &examples), &heads, &along) + along * strengths.clone();
        let v = Tensor::from_inner(self.solve(curvature, wanted));
        // The minimum is where `push` is zero. What moves a push, moves the minimum against it.
        let heads = Tensor::from_inner(heads);
        let away = heads.clone() - model.head_start().unsqueeze::<2>();
        let push = model.head_gradient(&model.examples(&batch.support), heads.clone()) + away * pull.strengths(model);
        let loss = model.head_loss(&model.examples(&batch.query), heads);
        let mut grads = (loss.clone().sum() - (v * push).sum()).backward();
        MetaGradient {
            model: GradientsParams::from_module(&mut grads, model),
            state: GradientsParams::from_module(&mut grads, pull),
            query_loss: loss.inner(),
        }
    }
}

impl<M: ServesHeads> ServingLearner<M> for Implicit {
    fn task(&self, adapted: &FastHeads<M::Batch>, task: usize) -> FastHeads<M::Batch> {
        adapted.task(task)
    }

    fn rank(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Tensor<2> {
        adapted.rank(model, catalogue)
    }

    fn rate(&self, model: &M, catalogue: &M::Catalogue, adapted: &FastHeads<M::Batch>) -> Option<Tensor<2>> {
        model.rate_with_heads(catalogue, adapted.heads())
    }
}

/// A tiny Transformer, on a tiny market with a user for each task.
fn tiny(data: &Dataset) -> Result<PreferenceTransformer, Box<dyn Error>> {
    let users = (0..TASKS as u32).map(UserIndex);
    let tasks: Vec<TaskHistory> = users.map(|user| TaskHistory { user, events: data.history(user).to_vec() }).collect();
    let mut config = PreferenceTransformerConfig::default();
    (config.d_model, config.layers, config.heads, config.d_feed_forward) = (8, 1, 2, 10);
    let schema = PreferenceSchema::from_tasks(data.catalogue(), &tasks, data.like_rule());
    let initial = InitialValues::fit(&tasks, 4, &config, &schema, 0);
    let device = Device::default().autodiff();
    Ok(jiggled(PreferenceTransformer::new(&config, &schema, data.catalogue(), &initial, 0, &device)?, 0.2))
}

/// Holds the learner to the contract. What does not hold panics, with a message that names it.
fn keep_the_contract(learner: Implicit) -> Result<f64, Box<dyn Error>> {
    let data = MarketConfig::default().with_users(TASKS).with_items(24).with_events(18).generate()?.into_dataset();
    let model = tiny(&data)?;
    let shots = |task: usize| if task.is_multiple_of(7) { 0 } else { 1 + task % 10 };
    let sets = |task: usize| -> (&[IndexedEvent], &[IndexedEvent]) {
        let (support, later) = data.history(UserIndex(task as u32)).split_at(shots(task));
        (support, &later[..later.len().min(2 + task % 4)])
    };
    let without_support = (0..TASKS).filter(|&task| shots(task) == 0).collect();
    let (maker, device) = (model.clone(), Device::default());
    let fixture = Fixture::new(model, learner, without_support, |tasks| {
        let sets: Vec<_> = tasks.iter().map(|&task| sets(task)).collect();
        let supports: Vec<_> = sets.iter().map(|(support, _)| TaskEvents::support(support)).collect();
        let queries: Vec<_> = sets.iter().map(|(support, query)| TaskEvents::query(support, query)).collect();
        MetaBatch {
            support: maker.batch(&supports, Supervision::WholeContext, &device),
            query: maker.batch(&queries, Supervision::WholeContext, &device),
        }
    });
    check(&fixture);
    check_serving(&fixture);
    Ok(gradient_is_exact(&fixture))
}

/// Both learners, and what knows nothing, on users that training never saw.
fn compare(data: &Dataset, split: &UserSplit, device: &Device) -> Result<Report, Box<dyn Error>> {
    let config = Config::default();
    let trainer = || Recommender::trainer(data).config(&config).split(split.clone());
    let default = trainer().train(device)?;
    let implicit = trainer().train_with(Implicit::new(), device)?;
    let methods: [&dyn Method; 4] = [
        &baseline::Random::new(data, 0).with_ratings(split),
        &baseline::Constant::fit(data, split),
        &Served::new(&default, data)?.named("default"),
        &Served::new(&implicit, data)?.named("implicit MAML"),
    ];
    let protocol = UserCold::new(data, split)?;
    let mut report = Report::new();
    for method in methods {
        protocol.run(method, &mut report)?;
    }
    Ok(report)
}

fn print(report: &Report, title: &str, metric: &str) {
    const SHOTS: [usize; 4] = [0, 1, 5, 20];
    println!("{title:<14} {}", SHOTS.map(|k| format!("{:>7}", format!("k = {k}"))).join(" "));
    for method in report.methods() {
        let cells =
            SHOTS.map(|k| report.mean(method, k, metric).map_or(format!("{:>7}", "-"), |x| format!("{x:>7.3}")));
        println!("{method:<14} {}", cells.join(" "));
    }
    if let Some(by) = report.paired("implicit MAML", "default", metric, SHOTS[3]) {
        println!("implicit MAML against the default, k = 20: {:+.3} ({:+.3} to {:+.3})", by.mean, by.lo, by.hi);
    }
    println!();
}

fn main() -> Result<(), Box<dyn Error>> {
    let error = keep_the_contract(Implicit::new())?;
    println!("the learner keeps the contract; its gradient is within {error:.0e} of differences of the loss\n");
    let data = match std::env::args_os().nth(1) {
        Some(folder) => read_dir(Path::new(&folder))?,
        None => MarketConfig::default().generate()?.into_dataset(),
    };
    let split = data.split()?;
    println!("{} users to train on, {} to test; k events of each are shown\n", split.train.len(), split.test.len());
    println!(
        "default is the built-in closed form; implicit MAML, at settings that nobody has tuned, is here to show how a learner is made\n"
    );
    let report = compare(&data, &split, &device_from_env()?)?;
    print(&report, "nDCG@10", "ndcg@10");
    print(&report, "RMSE", "rmse");
    Ok(())
}
