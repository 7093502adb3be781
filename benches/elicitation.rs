//! What a newcomer should be asked about.
//!
//! ```text
//! cargo bench --bench elicitation -- FOLDER [--model FOLDER] [--out FILE] [--part valid|test] [--seed NUMBER] [--rule PERSONAL,SHARE]...
//! ```
//!
//! Trains with the defaults on the training users of the folder (or loads `--model`, and saves what it trained there if nothing is there yet), interviews the test users
//! by expected gain, by what is popular, divisive, both, and at random, and prints nDCG@10 and RMSE after so many questions and after so many answers, with differences that are
//! paired over users. `--rule` tries other rules of the expected gain instead: choose among them with `--part valid`.

#[path = "../examples/results/record.rs"]
mod record;

use std::fs::File;
use std::io::BufWriter;
use std::path::PathBuf;
use std::time::Instant;

use lexopt::prelude::*;
use metarec::data::{Dataset, UserSplit, read_dir};
use metarec::evaluate::{Elicitation, ExpectedGain, FixedOrder, Part, QuestionPolicy, Report, Served};
use metarec::recommend::{QuestionRule, device_from_env};
use metarec::{Config, Recommender};

use record::{Record, Table, metric_table};

type Failure = Box<dyn std::error::Error>;

#[derive(Default)]
struct Args {
    folder: Option<PathBuf>,
    model: Option<PathBuf>,
    out: Option<PathBuf>,
    record: Option<PathBuf>,
    part: Part,
    seed: u64,
    rules: Vec<(f64, f64)>,
}

fn args() -> Result<Args, Failure> {
    let mut args = Args { seed: 1, ..Args::default() };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Value(value) if args.folder.is_none() => args.folder = Some(value.into()),
            Long("model") => args.model = Some(parser.value()?.into()),
            Long("record") => args.record = Some(parser.value()?.into()),
            Long("out") => args.out = Some(parser.value()?.into()),
            Long("seed") => args.seed = parser.value()?.parse()?,
            Long("part") => match parser.value()?.string()?.as_str() {
                "valid" => args.part = Part::Valid,
                "test" => args.part = Part::Test,
                other => return Err(format!("--part is {other:?}: expected valid or test").into()),
            },
            Long("rule") => {
                let rule = parser.value()?.string()?;
                let (personal, share) =
                    rule.split_once(',').ok_or("--rule: expected two numbers with a comma between")?;
                args.rules.push((personal.parse()?, share.parse()?));
            }
            // Cargo says so to every benchmark.
            Long("bench") => {}
            _ => return Err(argument.unexpected().into()),
        }
    }
    Ok(args)
}

fn recommender(args: &Args, data: &Dataset, split: &UserSplit) -> Result<Recommender, Failure> {
    let device = device_from_env()?;
    if let Some(path) = args.model.as_ref().filter(|path| path.exists()) {
        return Ok(Recommender::load(path, &device)?);
    }
    let config = Config::default().with_seed(args.seed);
    let rec = Recommender::trainer(data).config(&config).split(split.without_test()).train(&device)?;
    args.model.as_ref().map_or(Ok(()), |path| rec.save(path))?;
    Ok(rec)
}

/// What policies are compared by.
const COMPARED: [&str; 4] = ["ndcg@10/questions", "rmse/questions", "ndcg@10/answers", "rmse/answers"];
/// After how many questions or answers.
const AFTER: [usize; 6] = [1, 3, 5, 10, 20, 40];

fn compare(report: &Report, ours: &str) {
    println!("{ours} against the others, paired over users (+ better, - worse at 95 %)");
    for metric in COMPARED {
        for other in report.methods().filter(|other| *other != ours) {
            let at = |k: usize| {
                let paired = report.paired(ours, other, metric, k)?;
                let sign = if paired.significantly_better() {
                    '+'
                } else if paired.significantly_worse() {
                    '-'
                } else {
                    ' '
                };
                Some(format!("{k}: {:+.4} [{:+.4} {:+.4}]{sign}", paired.mean, paired.lo, paired.hi))
            };
            let line: Vec<String> = AFTER.into_iter().filter_map(at).collect();
            println!("  {metric:<18} {other:<26} {}", line.join("  "));
        }
    }
}

fn main() -> Result<(), Failure> {
    let began = Instant::now();
    let args = args()?;
    // `cargo test --benches` runs this too, without a folder.
    let Some(folder) = &args.folder else { return Ok(()) };
    let data = read_dir(folder)?;
    let split = data.split()?;
    let rec = recommender(&args, &data, &split)?;
    let protocol = Elicitation::new(&data, &split)?.on(args.part).with_seed(args.seed);
    let method = Served::new(&rec, &data)?;
    let mut policies: Vec<Box<dyn QuestionPolicy + '_>> = Vec::new();
    for &(personal, share) in &args.rules {
        let rule = QuestionRule::default().with_personal(personal).with_rating_share(share);
        policies
            .push(Box::new(ExpectedGain::new(&rec, &data)?.with_rule(rule).named(format!("gain {personal} {share}"))));
    }
    if args.rules.is_empty() {
        policies.push(Box::new(ExpectedGain::new(&rec, &data)?));
    }
    policies.push(Box::new(FixedOrder::popular(&data, &split)));
    policies.push(Box::new(FixedOrder::popular_and_divisive(&data, &split)));
    policies.push(Box::new(FixedOrder::divisive(&data, &split)));
    policies.push(Box::new(FixedOrder::random(&data, args.seed)));
    let mut report = Report::new().of_protocol("elicitation");
    for policy in &policies {
        protocol.run(policy.as_ref(), &method, &mut report)?;
    }
    println!("{report}");
    policies.iter().take(args.rules.len().max(1)).for_each(|policy| compare(&report, policy.name()));
    if let Some(path) = &args.out {
        report.write_json_lines(BufWriter::new(File::create(path)?))?;
    }
    let Some(path) = &args.record else { return Ok(()) };
    let name = folder.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
    let title = format!("{name}, questions to a newcomer, {:?} users", args.part).to_lowercase();
    let mut record = Record::new("Which items to ask about", &title, (&name, &data), "bench --bench elicitation");
    record.seeds = vec![args.seed];
    record.notes.push(
        "k is a number of questions or of answers; \"don't know it\" is a question without an answer.".to_owned(),
    );
    record.tables.extend(COMPARED.iter().filter_map(|metric| metric_table(&report, metric)));
    record.tables.extend(policies.iter().take(args.rules.len().max(1)).map(|ours| against(&report, ours.name())));
    record.write(path, began)
}

/// One policy against the others.
fn against(report: &Report, ours: &str) -> Table {
    let mut rows = Vec::new();
    for metric in COMPARED {
        for other in report.methods().filter(|other| *other != ours) {
            let cell = |&k: &usize| {
                let paired = report.paired(ours, other, metric, k);
                paired.map_or_else(String::new, |paired| {
                    format!("{:+.4} [{:+.4}, {:+.4}]", paired.mean, paired.lo, paired.hi)
                })
            };
            rows.push([metric.to_owned(), other.to_owned()].into_iter().chain(AFTER.iter().map(cell)).collect());
        }
    }
    let names = ["metric", "less that of"].map(str::to_owned).into_iter();
    Table {
        caption: format!("{ours} less the others, paired over users (of RMSE less is better)"),
        columns: names.chain(AFTER.iter().map(|k| format!("k = {k}"))).collect(),
        rows,
    }
}
