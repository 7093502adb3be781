//! What made the difference: the default model beside the same without one of its parts.
//!
//! ```text
//! cargo bench --bench ablation -- FOLDER [--only NAME]... [--seeds NUMBER] [--record FILE] [--out FILE] [--part valid|test] [--seed NUMBER]
//! ```
//!
//! Trains the default and every variant (or those that `--only` names) from as many seeds, scores each user by the mean over the seeds, and prints what the default is better by,
//! paired over users, at 0, 1, 5 and 20 shots. `--out` writes all of it as JSON lines, `--record` what the example `results` makes a page of; both are written
//! anew after each variant.

#[path = "../examples/results/record.rs"]
mod record;
#[allow(dead_code, reason = "some of it is for benchmarks that train once")]
mod trained;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufWriter;
use std::time::Instant;

use metarec::baseline::{Ease, EaseConfig};
use metarec::data::{Catalogue, Dataset, UserSplit};
use metarec::evaluate::metric::Direction;
use metarec::evaluate::{EvaluateError, Measured, Method, Part, Report, Served, Support, UserCold};
use metarec::meta::{InContextConfig, LearnerConfig};
use metarec::model::CandidateLoss;
use metarec::model::initial::InitialValues;
use metarec::recommend::device_from_env;
use metarec::sampler::SupportOrder;
use metarec::{Config, Recommender};

use record::{Record, Table, columns, metric_tables};
use trained::Failure;

const DEFAULT: &str = "metarec";
const METRICS: [&str; 3] = ["ndcg@10", "recall@20", "rmse"];
const SHOTS: [usize; 4] = [0, 1, 5, 20];
/// Of the scores of EASE, each user's brought to mean 0 and deviation 1, beside those of the model: what validation users choose from at each number of shots.
const LINEAR: [f32; 5] = [0.0, 0.02, 0.05, 0.1, 0.2];

/// The default model with something else in one place.
struct Variant {
    name: &'static str,
    /// What the default has instead.
    part: &'static str,
    change: Change,
}

enum Change {
    Settings(fn(&mut Config)),
    Start(fn(InitialValues) -> InitialValues),
    NoCategories,
    LinearBranch,
}

fn variants() -> Vec<Variant> {
    use Change::{LinearBranch, NoCategories, Settings, Start};
    let variant = |name, part, change| Variant { name, part, change };
    vec![
        variant(
            "likes count alike",
            "objective: likes of busy users count less",
            Settings(|c| c.model.like_discount = 0.0),
        ),
        variant(
            "every prefix",
            "objective: 8 prefixes a step, the whole always among them",
            Settings(|c| c.model.prefixes = 4096),
        ),
        variant(
            "sampled softmax, 512",
            "objective: all items are candidates",
            Settings(|c| c.model.candidates = CandidateLoss::Sampled(512)),
        ),
        variant(
            "flat popularity",
            "prior: log of conditional popularity",
            Start(|start| {
                let items = start.popularity.len();
                InitialValues { popularity: vec![0.0; items], cold_popularity: 0.0, ..start }
            }),
        ),
        variant(
            "random item vectors",
            "start: item vectors from factors",
            Start(|start| InitialValues { item_vectors: None, ..start }),
        ),
        variant(
            "no rating factors to start from",
            "start: rating factors, and their prior",
            Start(|start| InitialValues { rating: None, ..start }),
        ),
        variant("with EASE beside it", "no linear branch", LinearBranch),
        variant("without categories", "features: categories of items", NoCategories),
        variant("without profiles", "features: what is known of users", Settings(|c| c.model.profiles = false)),
        variant(
            "first events only",
            "support: half of the episodes have other early events",
            Settings(|c| c.sampler.order = SupportOrder::First),
        ),
        variant(
            "random subsets",
            "support: what is predicted comes later",
            Settings(|c| c.sampler.order = SupportOrder::Subset),
        ),
        variant(
            "head not adapted",
            "learner: closed form",
            Settings(|c| c.learner = LearnerConfig::InContext(InContextConfig::default())),
        ),
        variant("trusted whole", "serving: trust chosen on validation users", Settings(|c| c.model.trust = Some(1.0))),
        variant("no averaging", "training: running average of weights", Settings(|c| c.training.averaging = 0.0)),
        variant("best look kept", "training: last look kept", Settings(|c| c.training.keep_margin = 0.0)),
        variant("d_model 32", "size: d_model 64", Settings(|c| c.model.d_model = 32)),
        variant(
            "d_model 128",
            "size: d_model 64",
            Settings(|c| (c.model.d_model, c.model.d_feed_forward) = (128, 256)),
        ),
        variant("one layer", "size: two layers", Settings(|c| c.model.layers = 1)),
        variant("four layers", "size: two layers", Settings(|c| c.model.layers = 4)),
        variant("8 rating factors", "size: 16 rating factors", Settings(|c| c.model.rating_factors = 8)),
        variant("32 rating factors", "size: 16 rating factors", Settings(|c| c.model.rating_factors = 32)),
    ]
}

/// A model's scores with those of a linear model beside them, weighed by how many events there are.
struct WithLinear<'a> {
    served: Served<'a>,
    linear: &'a dyn Method,
    weights: [f32; SHOTS.len()],
}

impl Method for WithLinear<'_> {
    fn name(&self) -> &str {
        self.served.name()
    }

    fn scores(&self, supports: &[Support<'_>]) -> Result<Option<Vec<Vec<f32>>>, EvaluateError> {
        let (Some(mut own), Some(linear)) = (self.served.scores(supports)?, self.linear.scores(supports)?) else {
            return Ok(None);
        };
        for ((own, linear), support) in own.iter_mut().zip(&linear).zip(supports) {
            let at = SHOTS.iter().rposition(|&shots| shots <= support.events.len()).unwrap_or(0);
            let (mean, deviation) = moments(own);
            let (linear_mean, linear_deviation) = moments(linear);
            own.iter_mut().zip(linear).for_each(|(own, linear)| {
                *own = (*own - mean) / deviation + self.weights[at] * (linear - linear_mean) / linear_deviation;
            });
        }
        Ok(Some(own))
    }
}

/// Mean and standard deviation.
fn moments(values: &[f32]) -> (f32, f32) {
    let n = values.len().max(1) as f32;
    let mean = values.iter().sum::<f32>() / n;
    let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / n;
    (mean, variance.sqrt().max(1e-9))
}

/// What all variants are trained and scored on.
struct Study {
    name: String,
    data: Dataset,
    plain: Dataset,
    split: UserSplit,
    seeds: Vec<u64>,
    linear: Ease,
}

impl Study {
    fn new(name: String, data: Dataset, split: UserSplit, seeds: Vec<u64>) -> Result<Self, Failure> {
        let mut plain = data.clone();
        let mut catalogue = Catalogue::new();
        for (at, id) in data.catalogue().ids().iter().enumerate() {
            let item = catalogue.insert(id);
            assert_eq!(item.position(), at, "items keep their places");
        }
        *plain.catalogue_mut() = catalogue;
        let linear = Ease::fit(&data, &split, &EaseConfig::default())?;
        Ok(Self { name, data, plain, split, seeds, linear })
    }

    /// The default (`None`) or a variant: adds each user's mean over the seeds to `report`, and says how many seconds a training took and how large what was saved is.
    fn run(
        &self,
        variant: Option<&Variant>,
        protocol: &UserCold<'_>,
        report: &mut Report,
    ) -> Result<[f64; 2], Failure> {
        let device = device_from_env()?;
        let name = variant.map_or(DEFAULT, |variant| variant.name);
        let change = variant.map(|variant| &variant.change);
        let data = if matches!(change, Some(Change::NoCategories)) { &self.plain } else { &self.data };
        let (mut seeds, mut seconds, mut bytes) = (Report::new(), 0.0, 0);
        for &seed in &self.seeds {
            let mut config = Config::default().with_seed(seed);
            let mut trainer = Recommender::trainer(data).split(self.split.without_test());
            match change {
                Some(Change::Settings(change)) => change(&mut config),
                Some(Change::Start(change)) => trainer = trainer.start(*change),
                _ => {}
            }
            let began = Instant::now();
            let rec = trainer.config(&config).train(&device)?;
            seconds += began.elapsed().as_secs_f64();
            let folder = tempfile::tempdir()?;
            rec.save(folder.path().join("model"))?;
            bytes = size(&folder.path().join("model"))?;
            let served = Served::new(&rec, data)?.named(seed.to_string());
            match change {
                Some(Change::LinearBranch) => {
                    let weights = self.linear_weights(&rec)?;
                    protocol.run(&WithLinear { served, linear: &self.linear, weights }, &mut seeds)?;
                }
                _ => protocol.run(&served, &mut seeds)?,
            }
        }
        report.add(name, "", self.means(&seeds))?;
        Ok([seconds / self.seeds.len() as f64, bytes as f64 / 1e6])
    }

    /// The weight of the linear model that is best for the validation users at each number of shots.
    fn linear_weights(&self, rec: &Recommender) -> Result<[f32; SHOTS.len()], Failure> {
        let protocol = UserCold::new(&self.data, &self.split)?.on(Part::Valid).with_shots(SHOTS);
        let mut report = Report::new();
        for weight in LINEAR {
            let served = Served::new(rec, &self.data)?.named(weight.to_string());
            protocol.run(&WithLinear { served, linear: &self.linear, weights: [weight; SHOTS.len()] }, &mut report)?;
        }
        let mean = |weight: f32, k| report.mean(&weight.to_string(), k, METRICS[0]).unwrap_or(f64::NEG_INFINITY);
        let best =
            |k| LINEAR.into_iter().reduce(|best, weight| if mean(weight, k) > mean(best, k) { weight } else { best });
        Ok(SHOTS.map(|k| best(k).unwrap_or_default()))
    }

    /// Each user's mean over the seeds, of each metric at each number of shots.
    fn means(&self, seeds: &Report) -> Vec<Measured> {
        let mut all = Vec::new();
        for (metric, k) in METRICS.into_iter().flat_map(|metric| SHOTS.map(|k| (metric, k))) {
            let mut users = BTreeMap::new();
            for seed in seeds.methods() {
                let values = seeds.find(seed, k, metric).map_or(&[][..], Measured::values);
                values
                    .iter()
                    .for_each(|&(user, value)| *users.entry(user).or_insert(0.0) += value / self.seeds.len() as f64);
            }
            if !users.is_empty() {
                let direction = if metric == "rmse" { Direction::LowerIsBetter } else { Direction::HigherIsBetter };
                all.push(Measured::per_user(metric, k, direction, users.into_iter().collect()));
            }
        }
        all
    }
}

fn size(folder: &std::path::Path) -> Result<u64, Failure> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.metadata()?.len())).sum()
}

/// What the default is better by than another, and whether that is certain, better (1) or worse (-1).
fn better_by(report: &Report, other: &str, metric: &str, k: usize) -> Option<([f64; 3], i8)> {
    let paired = report.paired(DEFAULT, other, metric, k)?;
    Some((paired.gain(), i8::from(paired.significantly_better()) - i8::from(paired.significantly_worse())))
}

/// Whether a part pays for itself, and in how many cells of the tables it is certain.
fn verdict(report: &Report, other: &str) -> String {
    let signs = METRICS.into_iter().flat_map(|metric| SHOTS.map(|k| (metric, k)));
    let signs: Vec<i8> = signs.filter_map(|(metric, k)| Some(better_by(report, other, metric, k)?.1)).collect();
    let count = |sign| signs.iter().filter(|&&one| one == sign).count();
    match (count(1), count(-1)) {
        (0, 0) => "no difference".to_owned(),
        (better, 0) => format!("pays ({better} of {})", signs.len()),
        (0, worse) => format!("costs ({worse} of {})", signs.len()),
        (better, worse) => format!("mixed ({better} for it, {worse} against, of {})", signs.len()),
    }
}

fn difference_table(report: &Report, variants: &[&Variant], metric: &str) -> Option<Table> {
    report.find(DEFAULT, SHOTS[0], metric)?;
    let row = |variant: &&Variant| {
        let cell = |k| match better_by(report, variant.name, metric, k) {
            Some(([mean, lo, hi], sign)) => {
                format!("{mean:+.4} [{lo:+.4}, {hi:+.4}]{}", if sign == 0 { "" } else { " !" })
            }
            None => String::new(),
        };
        [variant.name.to_owned()].into_iter().chain(SHOTS.map(cell)).collect()
    };
    Some(Table {
        caption: format!(
            "{metric}: what the default is better by, paired over users; ! where that is certain, either way"
        ),
        columns: ["instead".to_owned()].into_iter().chain(SHOTS.map(|k| format!("k = {k}"))).collect(),
        rows: variants.iter().map(row).collect(),
    })
}

/// What intervals over users do not hold.
const NOISE: &str = "Intervals are over users. What another training seed would change is in none of them: it is averaged over the seeds above, and with one \
                     seed not at all, so that a difference of a few thousandths may be the seed's.";

fn summary(report: &Report, variants: &[&Variant], costs: &[[f64; 2]]) -> Table {
    let numbers = |[seconds, megabytes]: [f64; 2]| [format!("{seconds:.0} s"), format!("{megabytes:.2} MB")];
    let default = [DEFAULT.to_owned(), String::new()].into_iter().chain(numbers(costs[0])).chain([String::new()]);
    let row = |(variant, &cost): (&&Variant, &[f64; 2])| {
        let said = verdict(report, variant.name);
        [variant.name, variant.part].map(str::to_owned).into_iter().chain(numbers(cost)).chain([said]).collect()
    };
    Table {
        caption: "Does the default's part pay for itself? In brackets: in how many of the cells below that is certain at 95 %; where nothing differs, one in 20 is by chance"
            .to_owned(),
        columns: columns(["instead", "the default has", "a training", "saved", "the part"]),
        rows: [default.collect()].into_iter().chain(variants.iter().zip(&costs[1..]).map(row)).collect(),
    }
}

fn main() -> Result<(), Failure> {
    let began = Instant::now();
    let (mut only, mut seeds): (Vec<String>, u64) = (Vec::new(), 3);
    let options = trained::options(&mut |name, parser| {
        match name {
            "only" => only.push(parser.value()?.to_string_lossy().into_owned()),
            "seeds" => seeds = parser.value()?.to_string_lossy().parse()?,
            _ => return Ok(false),
        }
        Ok(true)
    })?;
    let all = variants();
    if let Some(unknown) = only.iter().find(|name| all.iter().all(|variant| variant.name != **name)) {
        let known: Vec<&str> = all.iter().map(|variant| variant.name).collect();
        return Err(format!("--only is {unknown:?}: expected one of {}", known.join("; ")).into());
    }
    let Some((name, data, split)) = options.data()? else { return Ok(()) };
    let study = Study::new(name, data, split, (options.seed..options.seed + seeds.max(1)).collect())?;
    let protocol = UserCold::new(&study.data, &study.split)?.on(options.part).with_shots(SHOTS);
    let mut report = Report::new().of_protocol("user-cold");
    let mut costs = vec![study.run(None, &protocol, &mut report)?];
    println!("{report}");
    let mut done = Vec::new();
    for variant in all.iter().filter(|variant| only.is_empty() || only.iter().any(|name| name == variant.name)) {
        costs.push(study.run(Some(variant), &protocol, &mut report)?);
        done.push(variant);
        let by = |metric| {
            let cells = SHOTS.map(|k| better_by(&report, variant.name, metric, k).map_or(f64::NAN, |(by, _)| by[0]));
            format!("{metric} {}", cells.map(|by| format!("{by:+.4}")).join(" "))
        };
        println!(
            "{:<32} {:<20} default better by {}",
            variant.name,
            verdict(&report, variant.name),
            METRICS.map(by).join(", ")
        );
        if let Some(path) = &options.out {
            report.write_json_lines(BufWriter::new(File::create(path)?))?;
        }
        let Some(path) = &options.record else { continue };
        let title = format!("{}, {:?} users", study.name, options.part).to_lowercase();
        let mut record =
            Record::new("What made the difference", &title, (&study.name, &study.data), "bench --bench ablation");
        record.seeds.clone_from(&study.seeds);
        record.notes.push(NOISE.to_owned());
        record.notes.push(format!(
            "Each user's values are means over the training seeds. EASE's scores come in with the weight, of {LINEAR:?}, that is best for the validation users at each k, those of both at deviation 1."
        ));
        record.tables.push(summary(&report, &done, &costs));
        record.tables.extend(METRICS.iter().filter_map(|metric| difference_table(&report, &done, metric)));
        record.tables.extend(metric_tables(&report, METRICS));
        record.write(path, began)?;
    }
    Ok(())
}
