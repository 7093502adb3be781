//! What a newcomer should be asked about.
//!
//! ```text
//! cargo bench --bench elicitation -- FOLDER [--model FOLDER] [--out FILE] [--record FILE] [--part valid|test] [--seed NUMBER] [--rule PERSONAL,SHARE,CANDIDATES]...
//! ```
//!
//! Trains with the defaults on the training users of the folder (or loads `--model`, and saves what it trained there if nothing is there yet), interviews the test users
//! by expected gain, by what is popular, divisive, both, and at random, and prints nDCG@10 and RMSE after so many questions and after so many answers, with differences that are
//! paired over users. `--out` writes them as JSON lines, `--record` what the example `results` makes a page of. `--rule` tries other rules of the expected gain
//! instead: choose among them with `--part valid`.

#[path = "../examples/results/record.rs"]
mod record;
mod trained;

use std::fs::File;
use std::io::BufWriter;

use metarec::evaluate::{Elicitation, ExpectedGain, FixedOrder, QuestionPolicy, Report, Served};
use metarec::recommend::QuestionRule;

use record::{Table, metric_tables};
use trained::Failure;

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
    let mut rules: Vec<(f64, f64, usize)> = Vec::new();
    let options = trained::options(&mut |name, parser| {
        let own = name == "rule";
        if own {
            let rule = parser.value()?.into_string().map_err(|rule| format!("--rule is {}", rule.display()))?;
            let numbers: Vec<&str> = rule.split(',').collect();
            let [personal, share, candidates] = numbers[..] else {
                return Err(format!("--rule is {rule:?}: expected three numbers with commas between").into());
            };
            rules.push((personal.parse()?, share.parse()?, candidates.parse()?));
        }
        Ok(own)
    })?;
    let Some(trained) = options.recommender()? else { return Ok(()) };
    let (data, split, rec) = (&trained.data, &trained.split, &trained.rec);
    let protocol = Elicitation::new(data, split)?.on(options.part).with_seed(options.seed);
    let method = Served::new(rec, data)?;
    let mut policies: Vec<Box<dyn QuestionPolicy + '_>> = Vec::new();
    for &(personal, share, candidates) in &rules {
        let rule = QuestionRule::default().with_personal(personal).with_rating_share(share).with_candidates(candidates);
        let name = format!("gain {personal} {share} {candidates}");
        policies.push(Box::new(ExpectedGain::new(rec, data)?.with_rule(rule).named(name)));
    }
    if rules.is_empty() {
        policies.push(Box::new(ExpectedGain::new(rec, data)?));
    }
    policies.push(Box::new(FixedOrder::popular(data, split)));
    policies.push(Box::new(FixedOrder::popular_and_divisive(data, split)));
    policies.push(Box::new(FixedOrder::divisive(data, split)));
    policies.push(Box::new(FixedOrder::random(data, options.seed)));
    let mut report = Report::new().of_protocol("elicitation");
    for policy in &policies {
        protocol.run(policy.as_ref(), &method, &mut report)?;
    }
    println!("{report}");
    policies.iter().take(rules.len().max(1)).for_each(|policy| compare(&report, policy.name()));
    if let Some(path) = &options.out {
        report.write_json_lines(BufWriter::new(File::create(path)?))?;
    }
    let about = ("Which items to ask about", "questions to a newcomer", "bench --bench elicitation");
    options.record(&trained, about, |record| {
        record.notes.push(
            "k is a number of questions or of answers; \"don't know it\" is a question without an answer.".to_owned(),
        );
        record.tables.extend(metric_tables(&report, COMPARED));
        record.tables.extend(policies.iter().take(rules.len().max(1)).map(|ours| against(&report, ours.name())));
    })
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
